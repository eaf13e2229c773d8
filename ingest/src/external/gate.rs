//! The gate between the client library and the broker.
//!
//! At each poll the library either reads ten packets or writes one
//! acknowledgement, by chance where both are possible. And mosquitto answers an
//! acknowledgement with as much of its queue as Receive Maximum allows at once,
//! however much is on its way already. So under a standing queue the
//! acknowledgements would fall behind without bound, and be lost in the end.
//!
//! All bytes of a connection pass through here. While more than
//! [`BACKLOG_MAX`] acknowledgements wait to be written, nothing of the broker's
//! is handed on: the library finds nothing to read, and writes. The broker
//! waits on its socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Acknowledgements that wait at most before reading stops.
const BACKLOG_MAX: usize = 256;

/// What the kernel may hold between gate and library: what is past the gate
/// cannot be held back any more.
pub(super) const SOCKET_BYTES: u32 = 64 * 1024;

const CHUNK_BYTES: usize = 16 * 1024;
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Acknowledgements handed to the library and not written yet.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    n: AtomicUsize,
    shrank: Notify,
}

impl Backlog {
    pub(super) fn add(&self) {
        self.n.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn written(&self) {
        let before = self.n.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1));
        if before == Ok(BACKLOG_MAX + 1) {
            self.shrank.notify_one();
        }
    }

    /// The library has forgotten them all with their connection.
    pub(super) fn forget(&self) {
        self.n.store(0, Ordering::Release);
        self.shrank.notify_one();
    }

    async fn until_small(&self) {
        while BACKLOG_MAX < self.n.load(Ordering::Acquire) {
            // A permit of before is used up by one more look.
            self.shrank.notified().await;
        }
    }
}

/// One connection to the broker, and the address at which the library finds
/// it. Dropping it closes both sides.
#[derive(Debug)]
pub(super) struct Gate {
    address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Gate {
    /// Connects to the broker, and waits for the library at a port of this
    /// machine: for one connection, and not for long.
    pub(super) async fn open(host: &str, port: u16, backlog: Arc<Backlog>) -> io::Result<Gate> {
        let no_answer = || io::Error::new(io::ErrorKind::TimedOut, "no answer within 5 s");
        let broker = timeout(CONNECT_WAIT, TcpStream::connect((host, port))).await;
        let broker = broker.map_err(|_| no_answer())??;
        broker.set_nodelay(true)?;
        let socket = TcpSocket::new_v4()?;
        socket.set_send_buffer_size(SOCKET_BYTES)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let library = timeout(CONNECT_WAIT, accept(listener)).await;
            pass(library.map_err(|_| no_answer())??, broker, &backlog).await
        });
        Ok(Gate { address, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection; the port is closed with it.
async fn accept(listener: TcpListener) -> io::Result<TcpStream> {
    let (library, _) = listener.accept().await?;
    library.set_nodelay(true)?;
    Ok(library)
}

async fn pass(library: TcpStream, broker: TcpStream, backlog: &Backlog) -> io::Result<()> {
    let (mut from_library, mut to_library) = library.into_split();
    let (mut from_broker, mut to_broker) = broker.into_split();
    let inwards = async {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            backlog.until_small().await;
            let n = from_broker.read(&mut chunk).await?;
            if n == 0 {
                return Ok(());
            }
            to_library.write_all(&chunk[..n]).await?;
        }
    };
    let outwards = async { tokio::io::copy(&mut from_library, &mut to_broker).await.map(|_| ()) };
    // Whichever side ends first ends both, as the two sockets go.
    tokio::select! {
        ended = inwards => ended,
        ended = outwards => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pair(backlog: &Arc<Backlog>) -> (TcpStream, TcpStream, Gate) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let gate = Gate::open("127.0.0.1", port, Arc::clone(backlog)).await.unwrap();
        let library = TcpStream::connect(gate.address()).await.unwrap();
        let (broker, _) = listener.accept().await.unwrap();
        (library, broker, gate)
    }

    #[tokio::test]
    async fn nothing_comes_in_while_acknowledgements_wait() {
        let backlog = Arc::<Backlog>::default();
        let (mut library, mut broker, _gate) = pair(&backlog).await;
        let mut found = [0; 3];
        broker.write_all(b"one").await.unwrap();
        library.read_exact(&mut found).await.unwrap();
        assert_eq!(&found, b"one");

        (0..=BACKLOG_MAX).for_each(|_| backlog.add());
        // The gate was already waiting to read: this still passes.
        broker.write_all(b"two").await.unwrap();
        library.read_exact(&mut found).await.unwrap();
        broker.write_all(b"six").await.unwrap();
        let held = timeout(Duration::from_millis(200), library.read_exact(&mut found)).await;
        assert!(held.is_err(), "it came through a closed gate");

        library.write_all(b"ack").await.unwrap();
        broker.read_exact(&mut found).await.unwrap();
        assert_eq!(&found, b"ack");
        backlog.written();
        library.read_exact(&mut found).await.unwrap();
        assert_eq!(&found, b"six");
    }

    #[tokio::test]
    async fn one_end_closes_the_other() {
        let backlog = Arc::<Backlog>::default();
        let (mut library, broker, _gate) = pair(&backlog).await;
        drop(broker);
        assert_eq!(library.read(&mut [0; 1]).await.unwrap(), 0);

        let (library, mut broker, gate) = pair(&backlog).await;
        drop(gate);
        assert_eq!(broker.read(&mut [0; 1]).await.unwrap(), 0);
        drop(library);
    }

    #[tokio::test]
    async fn a_broker_that_is_away_is_said_to_be() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = Gate::open("127.0.0.1", port, Arc::default()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}

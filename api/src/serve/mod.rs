//! The accept loops. Each connection has a time-out for its request heads and
//! for a client that takes nothing; there is a cap on their number, and a hard
//! end after the shutdown signal.

mod stall;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, error, warn};

use crate::identity::Peer;
use crate::options::ServeOptions;
use crate::router::router;
use crate::state::AppState;
use stall::Stall;

/// After an accept that failed, as when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A head has at most this many bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Serves until `shutdown`, then lets requests finish within the grace and
/// cuts what is left. Returns when no connection is left.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: CancellationToken,
) {
    run(Door::Address(listener), router, options, shutdown).await;
}

/// The control socket: whoever may open it is the local administrator.
pub async fn serve_unix(
    listener: UnixListener,
    state: AppState,
    options: ServeOptions,
    shutdown: CancellationToken,
) {
    let router = router(state);
    run(Door::Control(listener), router, options, shutdown).await;
}

/// What the connections of both doors are.
trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

enum Door {
    Address(TcpListener),
    Control(UnixListener),
}

impl Door {
    /// Cancel-safe: a connection is taken by the call that returns it.
    async fn accept(&self) -> io::Result<(Box<dyn Socket>, Peer)> {
        match self {
            Door::Address(listener) => {
                let (stream, peer) = listener.accept().await?;
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "nodelay not set");
                }
                // An IPv4 client of a dual-stack listener is that IPv4 address.
                Ok((Box::new(stream), Peer::Address(peer.ip().to_canonical())))
            }
            Door::Control(listener) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred()?.uid();
                Ok((Box::new(stream), Peer::Local { uid }))
            }
        }
    }
}

async fn run(door: Door, router: Router, options: ServeOptions, shutdown: CancellationToken) {
    let slots = Arc::new(Semaphore::new(options.connections_max));
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let mut is_failing = false;
    loop {
        let accepted = tokio::select! {
            // Both are cancel-safe: neither holds a connection it has taken.
            accepted = door.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                is_failing = false;
                // Above the cap the socket is closed at once: a client that
                // hears so can tell its user.
                let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                    metrics::counter!("api_connections_refused_total").increment(1);
                    continue;
                };
                let connection = Connection {
                    peer,
                    router: router.clone(),
                    options: options.clone(),
                    shutdown: shutdown.clone(),
                    cut: cut.clone(),
                    _slot: slot,
                };
                connections.spawn(connection.run(stream));
            }
            Err(error) => {
                if !is_failing {
                    error!(%error, "connections cannot be accepted");
                    is_failing = true;
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    if timeout(options.grace, connections.wait()).await.is_err() {
        warn!(n_connections = connections.len(), "connections cut at shutdown");
        cut.cancel();
        connections.wait().await;
    }
}

struct Connection {
    peer: Peer,
    router: Router,
    options: ServeOptions,
    shutdown: CancellationToken,
    /// Cancelled at the hard deadline.
    cut: CancellationToken,
    _slot: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stream: Box<dyn Socket>) {
        let (router, peer) = (self.router.clone(), self.peer);
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request)
        });
        let io = TokioIo::new(Stall::new(stream, self.options.write_stall_max));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.options.header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(io, service);
        let mut connection = pin!(connection);
        let mut is_ending = false;
        loop {
            // The connection's future is kept across the loop, so nothing is
            // lost when another branch wins.
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        debug!(%error, "connection ended");
                    }
                    return;
                }
                () = self.shutdown.cancelled(), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.cut.cancelled() => return,
            }
        }
    }
}

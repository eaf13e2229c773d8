//! The accept loops, with real sockets.

use std::time::Duration;

use api::ServeOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::rig::Rig;

const PATIENCE: Duration = Duration::from_secs(20);

async fn listen(rig: &Rig, options: ServeOptions) -> (std::net::SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = rig.shutdown.clone();
    let served = api::serve(listener, rig.router.clone(), options, shutdown);
    (address, tokio::spawn(served))
}

/// Sends bytes and reads until the other side closes.
async fn exchange(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, bytes: &str) -> String {
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the last byte is an end too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("never closed");
    String::from_utf8_lossy(&answer).into_owned()
}

const CLOCK: &str = "GET /api/v1/clock HTTP/1.1\r\nhost: t.local\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn silent_sockets_are_closed_and_do_not_keep_others_out() {
    let rig = Rig::new().await;
    let options =
        ServeOptions { header_timeout: Duration::from_millis(200), ..ServeOptions::default() };
    let (address, _) = listen(&rig, options).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let answer = exchange(TcpStream::connect(address).await.unwrap(), CLOCK).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let half_a_head = TcpStream::connect(address).await.unwrap();
    exchange(half_a_head, "GET / HTTP/1.1\r\nhost:").await;
    for stream in silent {
        exchange(stream, "").await;
    }
}

#[tokio::test]
async fn above_the_cap_a_connection_is_closed_at_once() {
    let rig = Rig::new().await;
    let options = ServeOptions { connections_max: 1, ..ServeOptions::default() };
    let (address, _) = listen(&rig, options).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(CLOCK.replace("close", "keep-alive").as_bytes()).await.unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    let closed = timeout(PATIENCE, second.read(&mut byte)).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    drop(first);
}

#[tokio::test]
async fn an_open_stream_does_not_hold_up_the_end() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let (address, served) = listen(&rig, ServeOptions::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: t.local\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    rig.shutdown.cancel();
    timeout(Duration::from_secs(4), served).await.expect("shutdown waits for a stream").unwrap();
}

#[tokio::test]
async fn a_stuck_connection_is_cut_after_the_grace() {
    let rig = Rig::new().await;
    let options = ServeOptions { grace: Duration::from_millis(100), ..ServeOptions::default() };
    let (address, served) = listen(&rig, options).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /api/v1/session HTTP/1.1\r\nhost: t.local\r\n\
                content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    // The connection is being served once another one has been answered.
    exchange(TcpStream::connect(address).await.unwrap(), CLOCK).await;
    rig.shutdown.cancel();
    timeout(Duration::from_secs(5), served).await.expect("not cut").unwrap();
}

#[tokio::test]
async fn the_control_socket_is_the_local_administrator() {
    let rig = Rig::new().await;
    let path = rig._directory.path().join("api.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let shutdown = CancellationToken::new();
    let options = ServeOptions::default();
    let state = rig.state.clone();
    let served = tokio::spawn(api::serve_unix(listener, state, options, shutdown.clone()));
    let ask = |request: &'static str| {
        let path = path.clone();
        async move { exchange(UnixStream::connect(path).await.unwrap(), request).await }
    };
    let session = ask("GET /api/v1/session HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n").await;
    assert!(session.contains("\"name\":\"local:"), "{session}");
    let created = ask("POST /api/v1/users HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 33\r\n\r\n\
         {\"name\":\"wang\",\"role\":\"engineer\"}")
    .await;
    assert!(created.starts_with("HTTP/1.1 201"), "{created}");
    let entries = rig.store.registry().audit_entries(1).await.unwrap();
    assert!(entries[0].actor.starts_with("local:"), "{entries:?}");
    shutdown.cancel();
    served.await.unwrap();
}

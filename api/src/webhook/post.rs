//! One try: ask for the addresses, check them, connect to one of them, post,
//! read the head of the answer. No redirects, no proxy, no connection kept.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use axum::http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use model::Time;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use super::guard::{Endpoint, GuardError};
use super::receiver::Receiver;

pub(super) const BODY_BYTES_MAX: usize = 256 << 10;

/// The head of an answer, and how much of its body is read and thrown away.
const HEAD_BYTES_MAX: usize = 16 << 10;
const ANSWER_BYTES_MAX: usize = 4 << 10;
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(1);

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TIMESTAMP: HeaderName = HeaderName::from_static("tidewatch-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("tidewatch-signature");

/// Who knows the addresses of a name.
#[async_trait]
pub(crate) trait Resolve: Send + Sync {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.map(|address| address.ip()).collect())
    }
}

/// Shown to operators: says what failed, never what was sent or answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum TryError {
    #[error("not sent: {0}")]
    Guard(#[from] GuardError),
    #[error("the name has no address: {0}")]
    Resolve(#[source] io::Error),
    #[error("cannot connect to {address}: {source}")]
    Connect { address: SocketAddr, source: io::Error },
    #[error("TLS with {address} failed: {source}")]
    Tls { address: SocketAddr, source: io::Error },
    #[error("the exchange broke off: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be written: {0}")]
    Request(#[from] axum::http::Error),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// Only in seconds; a date is not read.
    pub(super) retry_after: Option<Duration>,
}

pub(super) async fn post(
    receiver: &Receiver,
    resolver: &dyn Resolve,
    key: &str,
    body: Bytes,
    real: Time,
) -> Result<Reply, TryError> {
    let request = request(receiver, key, body, real)?;
    let (stream, address) = connect(receiver, resolver).await?;
    match &receiver.tls {
        Some(config) if receiver.endpoint.is_tls => {
            let tls = |source| TryError::Tls { address, source };
            let name = server_name(&receiver.endpoint).map_err(tls)?;
            let connector = TlsConnector::from(config.clone());
            let stream = connector.connect(name, stream).await.map_err(tls)?;
            send(stream, request).await
        }
        _ => send(stream, request).await,
    }
}

/// Connects to an address that was checked just now, and to no other.
async fn connect(
    receiver: &Receiver,
    resolver: &dyn Resolve,
) -> Result<(TcpStream, SocketAddr), TryError> {
    let endpoint = &receiver.endpoint;
    let resolved = match endpoint.literal {
        Some(address) => vec![address],
        None => {
            resolver.addresses(&endpoint.host, endpoint.port).await.map_err(TryError::Resolve)?
        }
    };
    let checked = endpoint.checked(&resolved, receiver.guard)?;
    let mut failed = TryError::Guard(GuardError::NoAddress(endpoint.host.clone()));
    for address in checked.into_iter().take(ADDRESSES_MAX) {
        let address = SocketAddr::new(address, endpoint.port);
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok((stream, address)),
            Err(source) => failed = TryError::Connect { address, source },
        }
    }
    Err(failed)
}

fn server_name(endpoint: &Endpoint) -> io::Result<ServerName<'static>> {
    match endpoint.literal {
        Some(address) => Ok(ServerName::IpAddress(address.into())),
        None => ServerName::try_from(endpoint.host.clone()).map_err(io::Error::other),
    }
}

fn request(
    receiver: &Receiver,
    key: &str,
    body: Bytes,
    real: Time,
) -> Result<Request<Full<Bytes>>, axum::http::Error> {
    let timestamp = real.millis().div_euclid(1_000).to_string();
    let signature = receiver.secret.sign(&timestamp, &body);
    Request::builder()
        .method(Method::POST)
        .uri(&receiver.endpoint.path_and_query)
        .header(HOST, &receiver.endpoint.authority)
        .header(USER_AGENT, concat!("tidewatch/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(CONNECTION, HeaderValue::from_static("close"))
        .header(IDEMPOTENCY_KEY, key)
        .header(TIMESTAMP, timestamp)
        .header(SIGNATURE, signature)
        .body(Full::new(body))
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Reply, TryError> {
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request).await?;
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| {
        let seconds = value.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    });
    let reply = Reply { status: response.status(), retry_after };
    // The head decides; reading on only lets the receiver end in peace.
    let rest = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
    let _ = timeout(ANSWER_WAIT_MAX, rest).await;
    Ok(reply)
}

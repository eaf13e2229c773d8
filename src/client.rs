//! How a command reaches the system: through the running server's socket, by
//! a server's address, or, when no server runs, by opening the directory here.
//!
//! All three speak the same REST API, so a command is written once.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use model::Clock;
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::cli::TargetArgs;
use crate::config;
use crate::system::{Core, Doors, System};

/// A page of 1,000 things stays far below.
const ANSWER_BYTES_MAX: usize = 64 << 20;

pub(crate) const CONTROL_SOCKET: &str = "control.sock";

pub(crate) struct Client {
    transport: Transport,
}

enum Transport {
    Url {
        authority: String,
        base_path: String,
        token: Option<String>,
    },
    Socket(PathBuf),
    /// No server runs: the system is opened in this process, under its lock.
    InProcess(Box<System>),
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// An answer whose body is still to come.
pub(crate) struct Streamed {
    pub(crate) response: Response<Body>,
    /// The connection that it comes over.
    _held: Option<Connection>,
}

struct Connection {
    driver: JoinHandle<hyper::Result<()>>,
    _sender: SendRequest<Body>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Answer {
    pub(crate) fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body).context("the server's answer is not JSON")
    }

    /// The answer of a success; a problem document becomes an error that reads
    /// well in a terminal.
    pub(crate) fn expect_success(self) -> anyhow::Result<Answer> {
        if self.status.is_success() {
            return Ok(self);
        }
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        let mut message = format!("{} ({})", text("detail"), self.status.as_u16());
        for error in problem["errors"].as_array().into_iter().flatten() {
            let place = error["pointer"].as_str().or(error["parameter"].as_str()).unwrap_or("");
            let detail = error["detail"].as_str().unwrap_or_default();
            message.push_str(&format!("\n  {place}: {detail}"));
        }
        bail!(message)
    }
}

impl Client {
    pub(crate) async fn connect(target: &TargetArgs) -> anyhow::Result<Client> {
        match Client::connect_running(target).await? {
            Some(client) => Ok(client),
            None => Ok(Client { transport: in_process(target).await? }),
        }
    }

    /// `None` when no server runs on the data directory.
    pub(crate) async fn connect_running(target: &TargetArgs) -> anyhow::Result<Option<Client>> {
        if let Some(url) = &target.url {
            return Ok(Some(Client { transport: parse_url(url, target.token.clone())? }));
        }
        let socket = target.data.join(CONTROL_SOCKET);
        let is_running = UnixStream::connect(&socket).await.is_ok();
        Ok(is_running.then_some(Client { transport: Transport::Socket(socket) }))
    }

    /// Of the server that runs on this directory.
    pub(crate) fn to_socket(data: &Path) -> Client {
        Client { transport: Transport::Socket(data.join(CONTROL_SOCKET)) }
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.request(Method::GET, path, "application/json", Bytes::new()).await
    }

    pub(crate) async fn post_json(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<Answer> {
        self.request(Method::POST, path, "application/json", body.to_string().into()).await
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        self.send(method, path, content_type, "application/json", body).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        accept: &str,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let request = Request::builder()
            .method(method)
            .header(ACCEPT, accept)
            .header(CONTENT_TYPE, content_type);
        let Streamed { response, _held } = self.open(request, path, body).await?;
        let status = response.status();
        Ok(Answer { status, body: collect(response.into_body()).await? })
    }

    /// An answer whose body is read piece by piece.
    pub(crate) async fn stream(&self, path: &str) -> anyhow::Result<Streamed> {
        let request = Request::builder().method(Method::GET).header(ACCEPT, "*/*");
        let streamed = self.open(request, path, Bytes::new()).await?;
        if streamed.response.status().is_success() {
            return Ok(streamed);
        }
        let (head, body) = streamed.response.into_parts();
        Answer { status: head.status, body: collect(body).await? }.expect_success()?;
        bail!("the server answered {}", head.status)
    }

    async fn open(
        &self,
        request: hyper::http::request::Builder,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<Streamed> {
        let request = request.header(HOST, "localhost").header(ACCEPT_LANGUAGE, "en");
        match &self.transport {
            Transport::InProcess(system) => {
                let request = request.uri(path).body(Body::from(body))?;
                let response = system.local_router().oneshot(request).await?;
                Ok(Streamed { response, _held: None })
            }
            Transport::Socket(socket) => {
                let stream = UnixStream::connect(socket)
                    .await
                    .with_context(|| format!("connect to {}", socket.display()))?;
                exchange(stream, request.uri(path).body(Body::from(body))?).await
            }
            Transport::Url { authority, base_path, token } => {
                let stream = TcpStream::connect(authority)
                    .await
                    .with_context(|| format!("connect to {authority}"))?;
                let mut request = request.uri(format!("{base_path}{path}"));
                if let Some(token) = token {
                    request = request.header(AUTHORIZATION, format!("Bearer {token}"));
                }
                exchange(stream, request.body(Body::from(body))?).await
            }
        }
    }

    /// Closes what was opened here, so that nothing is left to recover.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        match self.transport {
            Transport::InProcess(system) => system.close().await,
            Transport::Socket(_) | Transport::Url { .. } => Ok(()),
        }
    }
}

fn parse_url(url: &str, token: Option<String>) -> anyhow::Result<Transport> {
    let Some(rest) = url.strip_prefix("http://") else {
        bail!("`{url}` is no address this command can use; write it like http://127.0.0.1:8080");
    };
    let (authority, base_path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{}", path.trim_end_matches('/'))),
        None => (rest, String::new()),
    };
    let authority =
        if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let base_path = if base_path == "/" { String::new() } else { base_path };
    Ok(Transport::Url { authority, base_path, token })
}

async fn in_process(target: &TargetArgs) -> anyhow::Result<Transport> {
    if !is_data_directory(&target.data)? {
        bail!(
            "{} holds no data of Tidewatch; name the directory with --data, or a server with --url",
            target.data.display()
        );
    }
    let config = config::load(target.config.config.as_deref())?;
    let core = Core::open(config, &target.data, None, Clock::System).await?;
    let system = core.serve(Doors::default()).await?;
    Ok(Transport::InProcess(Box::new(system)))
}

fn is_data_directory(data: &Path) -> anyhow::Result<bool> {
    data.join("journal.db").try_exists().with_context(|| format!("look into {}", data.display()))
}

async fn exchange(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    request: Request<Body>,
) -> anyhow::Result<Streamed> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.context("the server hung up")?;
    let held = Some(Connection { driver, _sender: sender });
    Ok(Streamed { response: response.map(Body::new), _held: held })
}

async fn collect<B>(body: B) -> anyhow::Result<Bytes>
where
    B: hyper::body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let collected = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let collected = collected.map_err(|error| anyhow::anyhow!(error)).context("read the answer")?;
    Ok(collected.to_bytes())
}

/// Percent-encodes one path segment or query value.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_percent_encoded() {
        assert_eq!(encode("tide-01/water_level"), "tide-01%2Fwater_level");
        assert_eq!(encode("2026-07-25T08:00:00+08:00"), "2026-07-25T08%3A00%3A00%2B08%3A00");
    }

    #[test]
    fn only_http_addresses_are_taken() {
        assert!(parse_url("https://x", None).is_err());
        assert!(matches!(
            parse_url("http://h:1/base/", None),
            Ok(Transport::Url { authority, base_path, .. })
                if authority == "h:1" && base_path == "/base"
        ));
    }
}

//! A minimal HTTP/1.1 client: one connection a request.

use std::time::Duration;

use anyhow::{Context, bail};
use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(60);

/// A caller: where the server is, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    port: u16,
    headers: Vec<(HeaderName, String)>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {}", self.text()))
    }

    /// Fails with the body unless the status is the expected one.
    pub(crate) fn expect(self, status: u16) -> anyhow::Result<Answer> {
        if self.status.as_u16() == status {
            return Ok(self);
        }
        bail!("expected status {status}, got {}: {}", self.status, self.text())
    }
}

impl Http {
    pub(crate) fn new(port: u16) -> Http {
        Http { port, headers: Vec::new() }
    }

    /// The same caller with one more header on each request.
    pub(crate) fn with(&self, name: HeaderName, value: impl Into<String>) -> Http {
        let mut other = self.clone();
        other.headers.push((name, value.into()));
        other
    }

    /// A device: its thing and secret on each request.
    pub(crate) fn device(port: u16, thing: &str, secret: &str) -> Http {
        let pair = BASE64_STANDARD.encode(format!("{thing}:{secret}"));
        Http::new(port).with(AUTHORIZATION, format!("Basic {pair}"))
    }

    /// Sends and gives the answer's head; the body is still to be read.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let address = format!("127.0.0.1:{}", self.port);
        let stream = TcpStream::connect(&address).await.context("connect over HTTP")?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends by itself when the answer is dropped.
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &address)
            .header(ACCEPT_LANGUAGE, "en");
        if !content_type.is_empty() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body))?;
        let answer = timeout(LIMIT, sender.send_request(request)).await;
        answer.with_context(|| format!("no answer to {path}"))?.context("the server hung up")
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        let response = self.open(method, path, content_type, body.into()).await?;
        let (head, body) = response.into_parts();
        let collected = timeout(LIMIT, body.collect()).await;
        let body = collected.with_context(|| format!("{path}: the body did not end"))??.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, "", Bytes::new()).await
    }

    /// The JSON of a successful answer.
    pub(crate) async fn get_json(&self, path: &str) -> anyhow::Result<Value> {
        self.get(path).await?.expect(200).with_context(|| format!("GET {path}"))?.json()
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, "application/json", body.to_string()).await
    }

    /// The items of all pages of a list.
    pub(crate) async fn get_all(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get_json(&format!("{path}{cursor}")).await?;
            match page["items"].take() {
                Value::Array(found) => items.extend(found),
                _ => bail!("{path} is no list: {page}"),
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("{separator}cursor={}", encode(next)),
                None => return Ok(items),
            }
        }
    }
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

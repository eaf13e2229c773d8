//! A receiver of webhooks on this machine: takes everything, forgets nothing.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) key: String,
    pub(crate) signature: String,
    pub(crate) body: Value,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Message>>>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> anyhow::Result<Receiver> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listen")?;
        let address = listener.local_addr()?;
        let taken = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let all = Arc::clone(&all);
                let service = service_fn(move |request| take(request, Arc::clone(&all)));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // It ends with its client.
                tokio::spawn(connection);
            }
        });
        Ok(Receiver { address, taken, task })
    }

    /// The part of `tidewatch.toml` that sends everything here; the secret is
    /// in a file of that name in the server's directory.
    pub(crate) fn settings(&self, name: &str, secret_file: &str) -> String {
        format!(
            "[[webhook]]\nname = \"{name}\"\nurl = \"http://{}/hook\"\n\
             secret_file = \"{secret_file}\"\nmin_level = \"blue\"\nallow_http_loopback = true\n",
            self.address
        )
    }

    pub(crate) fn taken(&self) -> Vec<Message> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(
    request: Request<Incoming>,
    all: Arc<Mutex<Vec<Message>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (key, signature) = (header("idempotency-key"), header("tidewatch-signature"));
    let mut response = Response::new(Full::new(Bytes::new()));
    let body = request.into_body().collect().await.map(|body| body.to_bytes());
    match body.ok().and_then(|body| serde_json::from_slice(&body).ok()) {
        Some(body) => {
            let message = Message { key, signature, body };
            all.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
        None => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    Ok(response)
}

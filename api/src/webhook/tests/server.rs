//! A receiver in this process, with or without TLS, that answers by a script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// What the server does with a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// This status line and these headers, then the end.
    Answer(&'static str),
    /// Takes the request and says nothing.
    Hang,
    /// Takes the request and closes.
    HangUp,
    /// A success whose body never ends.
    Endless,
}

pub(super) const OK: Act = Act::Answer("200 OK");

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// Request line and headers, names in lower case.
    pub(super) head: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl Taken {
    pub(super) fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}: ");
        self.head.iter().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default()
    }
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// The certificate that signed the server's, as PEM.
    pub(super) ca_pem: Vec<u8>,
    taken: Arc<Mutex<Vec<Taken>>>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    /// Speaks TLS as `host`; answers by the script, then with 200.
    pub(super) async fn tls(host: &str, script: &[Act]) -> Server {
        let issued = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
            .unwrap();
        let ca_pem = issued.cert.pem().into_bytes();
        Server::start(Some(TlsAcceptor::from(Arc::new(config))), ca_pem, script).await
    }

    pub(super) async fn plain(script: &[Act]) -> Server {
        Server::start(None, Vec::new(), script).await
    }

    async fn start(acceptor: Option<TlsAcceptor>, ca_pem: Vec<u8>, script: &[Act]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(VecDeque::from(script.to_vec())));
        let all = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, taken) = (acceptor.clone(), Arc::clone(&all));
                let script = Arc::clone(&script);
                connections.spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                converse(stream, &taken, &script).await;
                            }
                        }
                        None => converse(stream, &taken, &script).await,
                    }
                });
            }
        });
        Server { address, ca_pem, taken, _task: AbortOnDropHandle::new(task) }
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    taken: &Mutex<Vec<Taken>>,
    script: &Mutex<VecDeque<Act>>,
) {
    let Some(request) = request(&mut stream).await else { return };
    taken.lock().unwrap().push(request);
    let act = script.lock().unwrap().pop_front().unwrap_or(OK);
    match act {
        Act::Hang => std::future::pending().await,
        Act::HangUp => (),
        Act::Answer(head) => {
            let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 2\r\n\r\nok");
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Act::Endless => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(b"4\r\nmore\r\n").await.is_ok() {}
        }
    }
}

async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Taken> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let head: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
    let mut taken = Taken { head, body: bytes.split_off(end + 4) };
    let length: usize = taken.header("content-length").parse().ok()?;
    while taken.body.len() < length {
        if stream.read_buf(&mut taken.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(taken)
}

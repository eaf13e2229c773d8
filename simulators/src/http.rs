//! The way over HTTP: `POST …/api/v1/observations`, one request at a time on a
//! kept connection, each repeated until it is answered for good.

use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use codec::Codec;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::door::{DoorUrl, Session};
use crate::message::Message;
use crate::progress::add;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const RETRY_AFTER_MAX_S: u64 = 60;

pub(crate) async fn deliver(session: &Session, mut input: mpsc::Receiver<Message>) {
    let mut connection = None;
    while let Some(message) = input.recv().await {
        if !deliver_one(session, &mut connection, &message).await {
            break;
        }
    }
    if connection.is_some() {
        session.progress.disconnected();
    }
}

/// False when it is time to give up.
async fn deliver_one(
    session: &Session,
    connection: &mut Option<Connection>,
    message: &Message,
) -> bool {
    let mut n_failures = 0;
    loop {
        // The request starts anew after a time-out; nobody else waits for it.
        let answer = tokio::select! {
            answer = tokio::time::timeout(ANSWER_WITHIN, post(session, connection, message)) => answer,
            () = session.give_up.cancelled() => return false,
        };
        let problem = match answer {
            Ok(Ok(Verdict::Accepted)) => {
                session.progress.acknowledged(message.n_readings);
                return true;
            }
            Ok(Ok(Verdict::Refused(status))) => {
                add(&session.progress.refused, 1);
                session.progress.problem(format_args!("{}: {status}", session.device.thing.id));
                return true;
            }
            Ok(Ok(Verdict::Later { status, after })) => {
                session.progress.problem(format_args!("{}: {status}", session.device.thing.id));
                if let Some(after) = after {
                    tokio::time::sleep(after).await;
                    continue;
                }
                None
            }
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(_) => Some(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
        };
        if let Some(problem) = problem {
            session.progress.problem(format_args!("{}: {problem}", session.device.thing.id));
            if connection.take().is_some() {
                session.progress.disconnected();
            }
            add(&session.progress.connections_lost, 1);
            add(&session.progress.resent, 1);
        }
        if !session.backs_off(n_failures).await {
            return false;
        }
        n_failures += 1;
    }
}

struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// Moves the bytes; ends with this connection.
    _driver: AbortOnDropHandle<()>,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    /// Sending the same again would be refused again.
    Refused(StatusCode),
    Later {
        status: StatusCode,
        after: Option<Duration>,
    },
}

async fn post(
    session: &Session,
    connection: &mut Option<Connection>,
    message: &Message,
) -> anyhow::Result<Verdict> {
    let (host, port, path) = match &session.door.url {
        DoorUrl::Http { host, port, path } => (host, *port, path.as_str()),
        DoorUrl::Mqtt { host, port } => (host, *port, ""),
    };
    let connection = match connection {
        Some(connection) if !connection.requests.is_closed() => connection,
        _ => {
            if connection.take().is_none() {
                session.progress.connected();
            }
            connection.insert(connect(host, port).await.inspect_err(|_| {
                session.progress.disconnected();
            })?)
        }
    };
    let request = request(session, host, port, path, message)?;
    connection.requests.ready().await.context("connection")?;
    let response = connection.requests.send_request(request).await.context("request")?;
    let verdict = verdict(&response);
    // Read to its end, so that the connection can be used again.
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    body.collect().await.map_err(|error| anyhow::anyhow!("answer: {error}"))?;
    Ok(verdict)
}

async fn connect(host: &str, port: u16) -> anyhow::Result<Connection> {
    let address = format!("{host}:{port}");
    let stream =
        TcpStream::connect(&address).await.with_context(|| format!("connect to {address}"))?;
    stream.set_nodelay(true)?;
    let (requests, driver) = handshake(TokioIo::new(stream)).await.context("handshake")?;
    let driver = tokio::spawn(async move {
        // A broken connection shows in the next request.
        let _ = driver.await;
    });
    Ok(Connection { requests, _driver: AbortOnDropHandle::new(driver) })
}

fn request(
    session: &Session,
    host: &str,
    port: u16,
    path: &str,
    message: &Message,
) -> anyhow::Result<Request<Full<Bytes>>> {
    let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
    let mut request = Request::post(format!("{prefix}/api/v1/observations"))
        .header(HOST, format!("{host}:{port}"))
        .header(CONTENT_TYPE, media_type(message.codec));
    if let Some((user, secret)) = session.device.login() {
        let credentials = STANDARD.encode(format!("{user}:{secret}"));
        request = request.header(AUTHORIZATION, format!("Basic {credentials}"));
    }
    Ok(request.body(Full::new(message.payload.clone()))?)
}

fn media_type(codec: Codec) -> &'static str {
    match codec {
        Codec::Json => "application/json",
        Codec::Senml => "application/senml+json",
        Codec::SenmlCbor => "application/senml+cbor",
        Codec::Raw => "text/plain",
    }
}

fn verdict<B>(response: &Response<B>) -> Verdict {
    let status = response.status();
    let is_later = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if status.is_success() {
        Verdict::Accepted
    } else if is_later {
        let header = response.headers().get(RETRY_AFTER);
        let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
        let after = seconds.map(|seconds| Duration::from_secs(seconds.min(RETRY_AFTER_MAX_S)));
        Verdict::Later { status, after }
    } else {
        Verdict::Refused(status)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::door::{Device, Door};
    use crate::progress::Progress;
    use crate::test_thing::station;

    #[track_caller]
    fn check(status: u16, retry_after: Option<&str>, expected: &Verdict) {
        let mut response = Response::builder().status(status);
        if let Some(retry_after) = retry_after {
            response = response.header(RETRY_AFTER, retry_after);
        }
        assert_eq!(&verdict(&response.body(()).unwrap()), expected);
    }

    #[test]
    fn answers_say_whether_to_send_again() {
        let later = |status: u16, after: Option<u64>| Verdict::Later {
            status: StatusCode::from_u16(status).unwrap(),
            after: after.map(Duration::from_secs),
        };
        check(204, None, &Verdict::Accepted);
        check(422, None, &Verdict::Refused(StatusCode::UNPROCESSABLE_ENTITY));
        check(401, None, &Verdict::Refused(StatusCode::UNAUTHORIZED));
        check(503, Some("2"), &later(503, Some(2)));
        check(429, Some("99999"), &later(429, Some(60)));
        check(500, Some("soon"), &later(500, None));
    }

    /// Answers requests on one connection with these statuses, then closes it.
    async fn serve(listener: &TcpListener, statuses: &[u16]) -> Vec<String> {
        let (stream, _) = listener.accept().await.unwrap();
        let seen = std::sync::Mutex::new(Vec::new());
        let service = service_fn(|request: Request<Incoming>| async {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let header = |name| head.headers[name].to_str().unwrap();
            let shown = format!(
                "{} {} {} {}",
                head.uri,
                header(AUTHORIZATION),
                header(CONTENT_TYPE),
                String::from_utf8_lossy(&body)
            );
            let n_seen = {
                let mut seen = seen.lock().unwrap();
                seen.push(shown);
                seen.len()
            };
            let response = Response::builder().status(statuses[n_seen - 1]);
            let response = if n_seen == statuses.len() {
                response.header(hyper::header::CONNECTION, "close")
            } else {
                response
            };
            response.body(Full::new(Bytes::new()))
        });
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.unwrap();
        seen.into_inner().unwrap()
    }

    #[tokio::test]
    async fn a_request_is_repeated_until_it_is_answered_for_good() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = DoorUrl::Http { host: "127.0.0.1".into(), port, path: "tw".into() };
        let progress = Arc::new(Progress::default());
        let session = Session {
            door: Arc::new(Door::new(url)),
            device: Device::new(station(), "secret".into()),
            window: 1,
            progress: Arc::clone(&progress),
            give_up: CancellationToken::new(),
        };
        let (output, input) = mpsc::channel(2);
        for payload in ["1", "2"] {
            let payload = payload.into();
            output.send(Message { codec: Codec::Senml, payload, n_readings: 1 }).await.unwrap();
        }
        drop(output);
        // 204 for the first, 503 and a closed connection for the second.
        let server = async {
            let mut seen = serve(&listener, &[204, 503]).await;
            seen.extend(serve(&listener, &[422]).await);
            seen
        };
        let (seen, ()) = tokio::join!(server, deliver(&session, input));
        let expected = |n: u8| {
            // hm-1:secret in base64.
            let login = "Basic aG0tMTpzZWNyZXQ=";
            format!("/tw/api/v1/observations {login} application/senml+json {n}")
        };
        assert_eq!(seen, [expected(1), expected(2), expected(2)]);
        let summary = progress.summary();
        assert_eq!((summary.acknowledged, summary.refused, summary.connections), (1, 1, 0));
    }
}

//! The way over MQTT: one connection per device, QoS 1, an outbox until PUBACK.
//!
//! Of rumqttc's traps: a lost connection starts with a new client, so that
//! nothing of the old one can be sent or acknowledged twice over; publishing
//! never waits, because the window keeps the library's channel from filling;
//! and the future that polls is never dropped half-way while a connection
//! lives, since that could lose the packet in hand.

use std::pin::pin;
use std::time::Duration;

use anyhow::anyhow;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use rumqttc::{mqttbytes, v5};
use tokio::sync::mpsc;

use crate::door::{DoorUrl, MqttVersion, Session};
use crate::message::Message;
use crate::outbox::Outbox;
use crate::progress::add;

const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How long a clean goodbye may take.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// The largest packet that a device reads; brokers send it acknowledgements only.
const PACKET_BYTES_MAX: u32 = 16 * 1024;

pub(crate) async fn deliver(session: &Session, mut input: mpsc::Receiver<Message>) {
    let mut outbox = Outbox::new(session.window);
    let mut is_open = true;
    let mut n_failures = 0;
    while is_open || outbox.len() > 0 {
        let mut connection = Connection::new(session);
        let outcome = serve(session, &mut connection, &mut outbox, &mut input, &mut is_open).await;
        if connection.is_up {
            session.progress.disconnected();
        }
        match outcome {
            Ok(()) => return,
            Err(error) => {
                session.progress.problem(format_args!("{}: {error}", session.device.thing.id));
            }
        }
        let n_sent = outbox.connection_lost() as u64;
        if connection.is_up {
            add(&session.progress.connections_lost, 1);
            add(&session.progress.resent, n_sent);
        }
        n_failures = if connection.has_progressed { 0 } else { n_failures + 1 };
        if !session.backs_off(n_failures).await {
            return;
        }
    }
}

/// Serves one connection. `Ok` when all is done, or on giving up; an error
/// when the connection is lost.
async fn serve(
    session: &Session,
    connection: &mut Connection,
    outbox: &mut Outbox,
    input: &mut mpsc::Receiver<Message>,
    is_open: &mut bool,
) -> anyhow::Result<()> {
    let Connection { client, poller, is_up, has_progressed } = connection;
    let topic = |message: &Message| {
        let thing = &session.device.thing.id;
        format!("{}/{thing}/{}", session.door.topic_prefix, message.codec)
    };
    loop {
        while let Some(message) = outbox.next_to_send() {
            client.try_publish(topic(&message), &message)?;
        }
        let signal = {
            let mut poll = pin!(poller.next());
            loop {
                // A receive and a cancelled token lose nothing when dropped;
                // the poll lives on until it has answered.
                tokio::select! {
                    signal = &mut poll => break signal?,
                    message = input.recv(), if *is_open && outbox.has_room() => match message {
                        Some(message) => outbox.push(message),
                        None => *is_open = false,
                    },
                    () = session.give_up.cancelled() => return Ok(()),
                }
                while let Some(message) = outbox.next_to_send() {
                    client.try_publish(topic(&message), &message)?;
                }
                if !*is_open && outbox.len() == 0 {
                    client.try_disconnect();
                    // The goodbye is a courtesy: the broker has everything.
                    let _ = tokio::time::timeout(GOODBYE_MAX, &mut poll).await;
                    return Ok(());
                }
            }
        };
        match signal {
            Signal::Connected => {
                *is_up = true;
                session.progress.connected();
            }
            Signal::Sent(packet_id) => outbox.sent(packet_id),
            Signal::Answered { packet_id, is_accepted } => {
                *has_progressed = true;
                match outbox.acknowledged(packet_id) {
                    Some(message) if is_accepted => {
                        session.progress.acknowledged(message.n_readings);
                    }
                    Some(_) => add(&session.progress.refused, 1),
                    None => {}
                }
            }
            Signal::Other => {}
        }
        if !*is_open && outbox.len() == 0 {
            client.try_disconnect();
            let _ = tokio::time::timeout(GOODBYE_MAX, poller.next()).await;
            return Ok(());
        }
    }
}

/// What a connection reports.
enum Signal {
    Connected,
    Sent(u16),
    Answered { packet_id: u16, is_accepted: bool },
    Other,
}

struct Connection {
    client: Client,
    poller: Poller,
    is_up: bool,
    /// Has anything been answered? Then the next failure is the first again.
    has_progressed: bool,
}

enum Client {
    V3(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

enum Poller {
    V3(Box<rumqttc::EventLoop>),
    V5(Box<v5::EventLoop>),
}

impl Connection {
    fn new(session: &Session) -> Connection {
        let (host, port) = match &session.door.url {
            DoorUrl::Mqtt { host, port } | DoorUrl::Http { host, port, .. } => (host, *port),
        };
        let id = session.device.thing.id.as_str();
        let login = session.device.login();
        // The channel has room for the window and the goodbye.
        let capacity = usize::from(session.window) + 1;
        let (client, poller) = match session.door.mqtt {
            MqttVersion::V3 => {
                let mut options = rumqttc::MqttOptions::new(id, host, port);
                options
                    .set_keep_alive(KEEP_ALIVE)
                    .set_clean_session(true)
                    .set_inflight(session.window)
                    .set_max_packet_size(PACKET_BYTES_MAX as usize, codec_limit());
                if let Some((user, secret)) = login {
                    options.set_credentials(user, secret);
                }
                let (client, poller) = rumqttc::AsyncClient::new(options, capacity);
                (Client::V3(client), Poller::V3(Box::new(poller)))
            }
            MqttVersion::V5 => {
                let mut options = v5::MqttOptions::new(id, host, port);
                options
                    .set_keep_alive(KEEP_ALIVE)
                    .set_clean_start(true)
                    .set_outgoing_inflight_upper_limit(session.window)
                    .set_max_packet_size(Some(PACKET_BYTES_MAX));
                if let Some((user, secret)) = login {
                    options.set_credentials(user, secret);
                }
                let (client, poller) = v5::AsyncClient::new(options, capacity);
                (Client::V5(client), Poller::V5(Box::new(poller)))
            }
        };
        Connection { client, poller, is_up: false, has_progressed: false }
    }
}

/// The largest payload that any door takes, and room for its topic.
fn codec_limit() -> usize {
    codec::Limits::default().payload_bytes + 1024
}

impl Client {
    fn try_publish(&self, topic: String, message: &Message) -> anyhow::Result<()> {
        let payload = message.payload.clone();
        match self {
            Client::V3(client) => {
                client.try_publish(topic, mqttbytes::QoS::AtLeastOnce, false, payload)?;
            }
            Client::V5(client) => {
                let qos = v5::mqttbytes::QoS::AtLeastOnce;
                client.try_publish(topic, qos, false, payload)?;
            }
        }
        Ok(())
    }

    /// The connection may be gone already, which is as good.
    fn try_disconnect(&self) {
        let _ = match self {
            Client::V3(client) => client.try_disconnect().map_err(|error| anyhow!(error)),
            Client::V5(client) => client.try_disconnect().map_err(|error| anyhow!(error)),
        };
    }
}

impl Poller {
    async fn next(&mut self) -> anyhow::Result<Signal> {
        match self {
            Poller::V3(poller) => Ok(match poller.poll().await? {
                rumqttc::Event::Incoming(rumqttc::Packet::ConnAck(_)) => Signal::Connected,
                rumqttc::Event::Incoming(rumqttc::Packet::PubAck(ack)) => {
                    Signal::Answered { packet_id: ack.pkid, is_accepted: true }
                }
                rumqttc::Event::Outgoing(rumqttc::Outgoing::Publish(id)) => Signal::Sent(id),
                rumqttc::Event::Incoming(_) | rumqttc::Event::Outgoing(_) => Signal::Other,
            }),
            Poller::V5(poller) => Ok(match poller.poll().await? {
                v5::Event::Incoming(v5::Incoming::ConnAck(_)) => Signal::Connected,
                v5::Event::Incoming(v5::Incoming::PubAck(ack)) => Signal::Answered {
                    packet_id: ack.pkid,
                    is_accepted: matches!(
                        ack.reason,
                        PubAckReason::Success | PubAckReason::NoMatchingSubscribers
                    ),
                },
                v5::Event::Outgoing(rumqttc::Outgoing::Publish(id)) => Signal::Sent(id),
                v5::Event::Incoming(_) | v5::Event::Outgoing(_) => Signal::Other,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use codec::Codec;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::door::{Device, Door};
    use crate::progress::{Progress, Summary};
    use crate::test_thing::station;

    const PUBLISH: u8 = 3;

    /// Reads one packet of fewer than 128 bytes: its type and its body.
    async fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
        let first = stream.read_u8().await.ok()?;
        let length = stream.read_u8().await.ok()?;
        assert!(length < 128, "the scripted broker reads short packets only");
        let mut body = vec![0; usize::from(length)];
        stream.read_exact(&mut body).await.ok()?;
        Some((first >> 4, body))
    }

    /// Lets a device in and takes `n_max` publishes, answering them with
    /// `reason` or not at all; returns topics with payloads.
    async fn take(
        listener: &TcpListener,
        version: MqttVersion,
        n_max: usize,
        reason: Option<u8>,
    ) -> Vec<String> {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (_, connect) = packet(&mut stream).await.unwrap();
        let connect = String::from_utf8_lossy(&connect).into_owned();
        assert!(connect.contains("hm-1") && connect.contains("secret"), "{connect:?}");
        let connack: &[u8] = match version {
            MqttVersion::V3 => &[0x20, 2, 0, 0],
            MqttVersion::V5 => &[0x20, 3, 0, 0, 0],
        };
        stream.write_all(connack).await.unwrap();
        let mut taken = Vec::new();
        while taken.len() < n_max {
            let Some((kind, body)) = packet(&mut stream).await else { break };
            if kind != PUBLISH {
                continue;
            }
            let topic_end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
            let payload_start = topic_end + if version == MqttVersion::V3 { 2 } else { 3 };
            let text = [&body[2..topic_end], b" ", &body[payload_start..]].concat();
            taken.push(String::from_utf8(text).unwrap());
            if let Some(reason) = reason {
                let id = &body[topic_end..topic_end + 2];
                let puback: Vec<u8> = match version {
                    MqttVersion::V3 => [&[0x40, 2], id].concat(),
                    MqttVersion::V5 => [&[0x40, 3], id, &[reason]].concat(),
                };
                stream.write_all(&puback).await.unwrap();
            }
        }
        if reason.is_some() {
            while packet(&mut stream).await.is_some() {}
        }
        taken
    }

    /// A device that wants to send three messages.
    async fn device(
        listener: &TcpListener,
        version: MqttVersion,
    ) -> (Arc<Progress>, Session, mpsc::Receiver<Message>) {
        let port = listener.local_addr().unwrap().port();
        let url = DoorUrl::Mqtt { host: "127.0.0.1".into(), port };
        let progress = Arc::new(Progress::default());
        let session = Session {
            door: Arc::new(Door { mqtt: version, ..Door::new(url) }),
            device: Device::new(station(), "secret".into()),
            window: 10,
            progress: Arc::clone(&progress),
            give_up: CancellationToken::new(),
        };
        let (output, input) = mpsc::channel(3);
        for payload in ["1", "2", "3"] {
            let payload = payload.into();
            output.send(Message { codec: Codec::Json, payload, n_readings: 1 }).await.unwrap();
        }
        (progress, session, input)
    }

    async fn resends(version: MqttVersion) -> Summary {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (progress, session, input) = device(&listener, version).await;
        let broker = async {
            let first = take(&listener, version, 2, None).await;
            let second = take(&listener, version, 3, Some(0)).await;
            (first, second)
        };
        let ((first, second), ()) = tokio::join!(broker, deliver(&session, input));
        let all = ["1", "2", "3"].map(|n| format!("tidewatch/v1/hm-1/json {n}"));
        assert_eq!((first.as_slice(), second.as_slice()), (&all[..2], &all[..]));
        progress.summary()
    }

    #[tokio::test]
    async fn what_was_not_acknowledged_is_sent_again_after_a_lost_connection() {
        for version in [MqttVersion::V3, MqttVersion::V5] {
            let summary = resends(version).await;
            assert_eq!((summary.acknowledged, summary.connections_lost), (3, 1), "{version:?}");
            assert_eq!(summary.connections, 0, "{version:?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_of_version_5_is_final() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (progress, session, input) = device(&listener, MqttVersion::V5).await;
        let not_authorised = Some(0x87);
        let broker = take(&listener, MqttVersion::V5, 3, not_authorised);
        tokio::join!(broker, deliver(&session, input));
        let summary = progress.summary();
        assert_eq!((summary.refused, summary.acknowledged, summary.resent), (3, 0, 0));
    }

    #[tokio::test]
    async fn a_device_that_nobody_lets_in_gives_up_when_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (progress, session, input) = device(&listener, MqttVersion::V5).await;
        drop(listener);
        session.give_up.cancel();
        deliver(&session, input).await;
        assert_eq!(progress.summary().acknowledged, 0);
    }
}

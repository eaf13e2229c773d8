//! A source on a foreign broker, which is scripted here: packet by packet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use ingest::PipelineOptions;
use ingest::external::{ExternalHandle, ExternalOptions, ExternalSource, Secret};
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, SubAck, Subscribe,
    SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{Error, QoS};
use store::Journal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::client::PATIENCE;
use crate::door::System;
use crate::testing::{FlakyJournal, unavailable};

const TOPIC: &str = "tidewatch/v1/gauge-1/json";

/// The broker's end of one connection.
struct Peer {
    socket: TcpStream,
    read: BytesMut,
    /// Acknowledged packet ids, in order.
    acked: VecDeque<u16>,
}

impl Peer {
    /// Accepts, answers CONNECT and SUBSCRIBE.
    async fn accept(listener: &TcpListener, session_present: bool) -> (Peer, Connect, Subscribe) {
        let (socket, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let mut peer = Peer { socket, read: BytesMut::new(), acked: VecDeque::new() };
        let Packet::Connect(connect, _, _) = peer.receive().await else {
            panic!("no CONNECT at first");
        };
        let code = ConnectReturnCode::Success;
        peer.send(Packet::ConnAck(ConnAck { session_present, code, properties: None })).await;
        let Packet::Subscribe(subscribe) = peer.receive().await else {
            panic!("no SUBSCRIBE after CONNACK");
        };
        (peer, connect, subscribe)
    }

    async fn grant(&mut self, subscribe: &Subscribe, code: SubscribeReasonCode) {
        let return_codes = vec![code; subscribe.filters.len()];
        let pkid = subscribe.pkid;
        self.send(Packet::SubAck(SubAck { pkid, return_codes, properties: None })).await;
    }

    async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, None).unwrap();
        self.socket.write_all(&bytes).await.unwrap();
    }

    /// Sends readings with packet ids and minutes of the range.
    async fn publish(&mut self, minutes: std::ops::Range<u16>) {
        for minute in minutes {
            let payload = format!(
                r#"{{"time":"2026-07-25T07:{minute:02}:00+08:00","values":{{"water_level":1.5}}}}"#
            );
            let mut publish = Publish::new(TOPIC, QoS::AtLeastOnce, payload, None);
            publish.pkid = minute + 1;
            self.send(Packet::Publish(publish)).await;
        }
    }

    async fn receive(&mut self) -> Packet {
        timeout(PATIENCE, self.next()).await.expect("the source is silent")
    }

    async fn next(&mut self) -> Packet {
        loop {
            match Packet::read(&mut self.read, None) {
                Ok(packet) => return packet,
                Err(Error::InsufficientBytes(_)) => {
                    let n = self.socket.read_buf(&mut self.read).await.unwrap();
                    assert!(0 < n, "the source closed the connection");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Reads acknowledgements until there are `n`.
    async fn acks(&mut self, n: usize) -> Vec<u16> {
        while self.acked.len() < n {
            match self.receive().await {
                Packet::PubAck(PubAck { pkid, .. }) => self.acked.push_back(pkid),
                Packet::PingReq(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
        self.acked.drain(..).collect()
    }

    /// The library cannot read the short form of DISCONNECT that it writes.
    async fn receives_disconnect(&mut self) {
        while self.read.len() < 2 {
            let read = timeout(PATIENCE, self.socket.read_buf(&mut self.read));
            assert!(0 < read.await.expect("no DISCONNECT").unwrap(), "closed without DISCONNECT");
        }
        assert_eq!(self.read.as_ref(), [0xE0, 0x00]);
    }

    async fn is_silent(&mut self, duration: Duration) -> bool {
        timeout(duration, self.next()).await.is_err()
    }
}

struct Source {
    system: System,
    listener: TcpListener,
    handle: ExternalHandle,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Source {
    async fn start(options: ExternalOptions, journal: Option<Arc<dyn Journal>>) -> Source {
        let system = System::start_with(PipelineOptions::default(), journal).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = ExternalOptions {
            name: "county".to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
            ..options
        };
        let (pipeline, clock) = (system.pipeline.clone(), system.clock.clone());
        let source = ExternalSource::new(options, &system.store, pipeline, clock).await.unwrap();
        let handle = source.handle();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(source.run(shutdown.clone()));
        Source { system, listener, handle, shutdown, task }
    }

    /// Accepts a connection and grants its subscription.
    async fn connected(&self, session_present: bool) -> Peer {
        let (mut peer, _, subscribe) = Peer::accept(&self.listener, session_present).await;
        peer.grant(&subscribe, SubscribeReasonCode::Success(QoS::AtLeastOnce)).await;
        peer
    }

    async fn stored(&self) -> usize {
        self.system.observations("gauge-1/water_level").await.len()
    }
}

#[tokio::test]
async fn a_session_is_asked_for_and_every_filter_subscribed() {
    let options = ExternalOptions {
        client_id: "tidewatch-1".to_owned(),
        username: Some("u".to_owned()),
        password: Some(Secret::new("p")),
        window: 7,
        ..ExternalOptions::default()
    };
    let source = Source::start(options, None).await;
    let (mut peer, connect, subscribe) = Peer::accept(&source.listener, false).await;
    assert_eq!((connect.client_id.as_str(), connect.clean_start), ("tidewatch-1", false));
    let properties = connect.properties.unwrap();
    assert_eq!(properties.receive_maximum, Some(7));
    assert_eq!(properties.max_packet_size, Some(256 * 1024));
    assert!(properties.session_expiry_interval.is_some_and(|seconds| 0 < seconds));
    let paths: Vec<&str> = subscribe.filters.iter().map(|filter| filter.path.as_str()).collect();
    assert_eq!(paths, ["tidewatch/v1/+/+"]);
    assert!(!source.handle.status().is_subscribed, "subscribed means a good SUBACK");
    peer.grant(&subscribe, SubscribeReasonCode::Success(QoS::AtLeastOnce)).await;
    peer.publish(0..1).await;
    assert_eq!(peer.acks(1).await, [1]);
    assert!(source.handle.status().is_subscribed);
}

#[tokio::test]
async fn a_refused_subscription_is_an_error_and_tried_again() {
    let source = Source::start(ExternalOptions::default(), None).await;
    let (mut peer, _, subscribe) = Peer::accept(&source.listener, false).await;
    peer.grant(&subscribe, SubscribeReasonCode::NotAuthorized).await;
    let mut peer = source.connected(false).await;
    peer.publish(0..1).await;
    assert_eq!(peer.acks(1).await, [1]);
    assert!(source.handle.status().is_subscribed);
}

#[tokio::test]
async fn acks_follow_the_commit_in_order_and_a_burst_beyond_the_window_loses_nothing() {
    let journal = Arc::new(FlakyJournal::failing(vec![unavailable()]));
    let shown = Arc::clone(&journal);
    let options = ExternalOptions { window: 4, ..ExternalOptions::default() };
    let source = Source::start(options, Some(shown)).await;
    let mut peer = source.connected(false).await;
    peer.publish(0..30).await;
    assert!(peer.is_silent(Duration::from_millis(150)).await, "acked before the commit");
    assert_eq!(peer.acks(30).await, (1..=30).collect::<Vec<u16>>());
    let kept: usize = journal.batches().iter().map(|rows| rows.observations.len()).sum();
    assert_eq!(kept, 30);
    assert_eq!(source.handle.status().n_waiting, 0);
}

#[tokio::test]
async fn no_ack_of_a_lost_connection_reaches_the_next() {
    let journal = Arc::new(FlakyJournal::failing(vec![unavailable(), unavailable()]));
    let source = Source::start(ExternalOptions::default(), Some(journal)).await;
    let mut peer = source.connected(false).await;
    peer.publish(0..5).await;
    assert!(peer.is_silent(Duration::from_millis(100)).await);
    drop(peer);

    // The commits fail for 750 ms yet; what was delivered then is stale.
    let mut peer = source.connected(true).await;
    assert!(peer.is_silent(Duration::from_millis(300)).await, "a stale acknowledgement");
    peer.publish(3..8).await;
    assert_eq!(peer.acks(5).await, [4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn a_redelivery_after_a_disconnect_is_stored_once() {
    let source = Source::start(ExternalOptions::default(), None).await;
    let mut peer = source.connected(false).await;
    peer.publish(0..10).await;
    assert_eq!(peer.acks(4).await.len(), 4);
    drop(peer);
    let mut peer = source.connected(true).await;
    peer.publish(4..20).await;
    assert_eq!(peer.acks(16).await, (5..=20).collect::<Vec<u16>>());
    assert_eq!(source.stored().await, 20);
}

#[tokio::test]
async fn poison_and_foreign_topics_cost_only_themselves() {
    let source = Source::start(ExternalOptions::default(), None).await;
    let mut peer = source.connected(false).await;
    let bad = |topic: &[u8], pkid, payload: &'static [u8], retain| {
        let mut publish = Publish::new("x", QoS::AtLeastOnce, payload, None);
        publish.topic = bytes::Bytes::copy_from_slice(topic);
        publish.pkid = pkid;
        publish.retain = retain;
        Packet::Publish(publish)
    };
    peer.send(bad(TOPIC.as_bytes(), 101, b"{", false)).await;
    peer.send(bad(b"elsewhere", 102, b"1", false)).await;
    peer.send(bad(b"tidewatch/v1/\xff/json", 103, b"1", false)).await;
    peer.send(bad(b"tidewatch/v1/gauge-1/raw", 104, b"1", true)).await;
    peer.publish(0..1).await;
    assert_eq!(peer.acks(5).await, [101, 102, 103, 104, 1]);
    let reasons = source.system.quarantine_reasons().await;
    assert_eq!(reasons, ["syntax", "wrong_topic", "wrong_topic"]);
    assert_eq!(source.system.ledger().await["mqtt_county"], [5, 1, 0, 3, 1]);
}

#[tokio::test]
async fn a_shutdown_acknowledges_what_it_took_and_never_unsubscribes() {
    let journal = Arc::new(FlakyJournal::failing(vec![unavailable()]));
    let source = Source::start(ExternalOptions::default(), Some(journal)).await;
    let mut peer = source.connected(false).await;
    peer.publish(0..3).await;
    assert!(peer.is_silent(Duration::from_millis(100)).await);
    source.shutdown.cancel();
    assert_eq!(peer.acks(3).await, [1, 2, 3]);
    peer.receives_disconnect().await;
    drop(peer);
    timeout(PATIENCE, source.task).await.expect("the source does not end").unwrap();
}

#[tokio::test]
async fn a_source_that_never_connected_ends_at_once() {
    let source = Source::start(ExternalOptions::default(), None).await;
    drop(source.listener);
    source.shutdown.cancel();
    timeout(PATIENCE, source.task).await.expect("the source does not end").unwrap();
}

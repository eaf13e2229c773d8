//! The embedded broker over loopback, with MQTT 3.1.1 and 5 clients.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ingest::broker::{BrokerHandle, BrokerOptions, EmbeddedBroker};
use ingest::{Pipeline, PipelineOptions};
use model::ThingId;
use sha2::{Digest, Sha256};
use store::{Committed, Credential, Journal, Rows, Store, StoreError};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::client::{Answer, BOTH, Device, Login, PATIENCE, Version};
use crate::door::{ALL_TIME, System, observations};
use crate::testing::scene;

const GAUGE: &str = "tidewatch/v1/gauge-1/json";

/// Commits to the store, but only while it is open.
struct Gate {
    store: std::sync::OnceLock<Store>,
    open: Semaphore,
}

#[async_trait]
impl Journal for Gate {
    async fn commit(&self, rows: &Arc<Rows>) -> Result<Committed, StoreError> {
        let _permit = self.open.acquire().await.expect("the gate is never removed");
        self.store.get().expect("set before the first commit").commit(rows).await
    }
}

struct Broker {
    system: System,
    gate: Arc<Gate>,
    address: SocketAddr,
    handle: BrokerHandle,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Broker {
    async fn start() -> Broker {
        Broker::start_with(BrokerOptions::default()).await
    }

    async fn start_with(options: BrokerOptions) -> Broker {
        let gate = Arc::new(Gate { store: Default::default(), open: Semaphore::new(1) });
        let journal = Arc::clone(&gate) as Arc<dyn Journal>;
        let system = System::start_with(PipelineOptions::default(), Some(journal)).await;
        gate.store.set(system.store.clone()).unwrap();
        for thing in ["gauge-1", "gauge-2"] {
            put_credential(&system.store, thing, &[], &[]).await;
        }
        put_credential(&system.store, "gateway-1", &["gauge-2"], &["new-"]).await;
        let options = BrokerOptions { listen: "127.0.0.1:0".parse().unwrap(), ..options };
        let (store, pipeline) = (system.store.clone(), system.pipeline.clone());
        let broker =
            EmbeddedBroker::bind(options, store, pipeline, system.clock.clone()).await.unwrap();
        let (address, handle) = (broker.local_addr().unwrap(), broker.handle());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(broker.run(shutdown.clone()));
        Broker { system, gate, address, handle, shutdown, task }
    }

    /// Lets no commit through until the guard is dropped.
    async fn close_gate(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.gate.open.acquire().await.unwrap()
    }

    async fn device(&self, version: Version, thing: &str) -> Device {
        Device::connect(version, self.address, Login::of(thing)).await.unwrap()
    }

    async fn connect(&self, version: Version, login: Login) -> Result<Device, String> {
        Device::connect(version, self.address, login).await
    }

    /// Waits until so many connections or packets were rejected for `reason`.
    async fn rejected(&self, reason: &str, n: u64) {
        eventually(reason, || async {
            let rows = self.system.store.rejected(ALL_TIME).await.unwrap();
            let found: u64 =
                rows.iter().filter(|row| row.reason == reason).map(|row| row.count).sum();
            found == n
        })
        .await;
    }
}

pub(crate) async fn put_credential(store: &Store, thing: &str, things: &[&str], prefixes: &[&str]) {
    let credential = Credential {
        thing: ThingId::parse(thing).unwrap(),
        secret_hash: Sha256::digest(format!("secret of {thing}")).into(),
        things: things.iter().map(|text| ThingId::parse(text).unwrap()).collect(),
        prefixes: prefixes.iter().map(|&text| text.to_owned()).collect(),
        created: scene(),
    };
    store.registry().put_credential(credential).await.unwrap();
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let seen = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("never seen: {what}"));
}

fn reading(minute: u32) -> String {
    format!(r#"{{"time":"2026-07-25T07:{minute:02}:00+08:00","values":{{"water_level":1.5}}}}"#)
}

#[tokio::test]
async fn puback_follows_the_commit() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut device = broker.device(version, "gauge-1").await;
        let gate = broker.close_gate().await;
        device.send(GAUGE, reading(1), 1, false).await;
        let early = timeout(Duration::from_millis(300), device.answer()).await;
        assert!(early.is_err(), "answered before the commit: {early:?}");
        assert!(broker.system.observations("gauge-1/water_level").await.is_empty());
        drop(gate);
        assert_eq!(timeout(PATIENCE, device.answer()).await.unwrap(), Answer::Acknowledged);
        assert_eq!(broker.system.observations("gauge-1/water_level").await.len(), 1);
    }
}

#[tokio::test]
async fn every_quality_of_service_and_retain_are_ordinary_readings() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut device = broker.device(version, "gauge-1").await;
        device.send(GAUGE, reading(1), 0, false).await;
        for (minute, qos, retain) in [(2, 1, true), (3, 2, false), (4, 2, true)] {
            device.send(GAUGE, reading(minute), qos, retain).await;
            assert_eq!(timeout(PATIENCE, device.answer()).await.unwrap(), Answer::Acknowledged);
        }
        assert_eq!(broker.system.observations("gauge-1/water_level").await.len(), 4);
        assert_eq!(broker.system.ledger().await["embedded"], [4, 4, 0, 0, 0]);
    }
}

#[tokio::test]
async fn a_device_speaks_for_itself_and_a_gateway_for_its_things() {
    let cases = [
        ("gauge-1", "tidewatch/v1/gauge-1/json", true),
        ("gauge-1", "tidewatch/v1/gauge-2/json", false),
        ("gauge-1", "tidewatch/v1/gauge-10/json", false),
        ("gauge-1", "tidewatch/v1/GAUGE-1/json", false),
        ("gauge-1", "tidewatch/v1//json", false),
        ("gauge-1", "tidewatch/v1", false),
        ("gauge-1", "$SYS/broker/uptime", false),
        ("gauge-1", "$share/g/tidewatch/v1/gauge-1/json", false),
        ("gauge-1", "elsewhere", false),
        ("gateway-1", "tidewatch/v1/gauge-2/json", true),
        ("gateway-1", "tidewatch/v1/new-1/json", true),
        ("gateway-1", "tidewatch/v1/gauge-1/json", false),
    ];
    for version in BOTH {
        let broker = Broker::start().await;
        for (thing, topic, is_allowed) in cases {
            let mut device = broker.device(version, thing).await;
            let answer = device.publish(topic, reading(1)).await;
            let expected = match (is_allowed, version) {
                (true, _) => Answer::Acknowledged,
                (false, Version::V5) => Answer::Refused("NotAuthorized".to_owned()),
                (false, Version::V311) => Answer::Closed,
            };
            assert_eq!(answer, expected, "{version:?} {thing} {topic}");
        }
        let n_allowed = cases.iter().filter(|case| case.2).count() as u64;
        let n_denied = cases.len() as u64 - n_allowed;
        let ledger = broker.system.ledger().await["embedded"];
        assert_eq!((ledger[0], ledger[4]), (n_allowed + n_denied, n_denied), "{version:?}");
        for stranger in ["gauge-1/water_level", "gauge-2/water_level", "new-1/water_level"] {
            assert_eq!(broker.system.observations(stranger).await.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_topic_alias_leads_to_the_same_check() {
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::PublishProperties;

    let broker = Broker::start().await;
    for (topic, expected) in [
        (GAUGE, Answer::Acknowledged),
        ("tidewatch/v1/gauge-2/json", Answer::Refused("NotAuthorized".to_owned())),
    ] {
        let mut device = broker.device(Version::V5, "gauge-1").await;
        for (sent, minute) in [(topic, 1), ("", 2)] {
            let alias = PublishProperties { topic_alias: Some(1), ..Default::default() };
            let Device::V5(client, _) = &device else { unreachable!("connected as 5") };
            client
                .publish_with_properties(sent, QoS::AtLeastOnce, false, reading(minute), alias)
                .await
                .unwrap();
            assert_eq!(timeout(PATIENCE, device.answer()).await.unwrap(), expected, "{topic}");
        }
    }
    assert_eq!(broker.system.observations("gauge-1/water_level").await.len(), 2);
}

#[tokio::test]
async fn what_is_wrong_below_the_own_topic_is_kept_and_acknowledged() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut device = broker.device(version, "gauge-1").await;
        for topic in ["tidewatch/v1/gauge-1/xml", "tidewatch/v1/gauge-1", GAUGE] {
            assert_eq!(device.publish(topic, "no json").await, Answer::Acknowledged, "{topic}");
        }
        let reasons = broker.system.quarantine_reasons().await;
        assert_eq!(reasons, ["wrong_topic", "wrong_topic", "syntax"]);
    }
}

#[tokio::test]
async fn nobody_subscribes() {
    for version in BOTH {
        let broker = Broker::start().await;
        for filter in ["#", "+/+/+/+", GAUGE, "$SYS/#", "$share/g/#", "tidewatch/v1/gauge-2/#"] {
            let mut device = broker.device(version, "gauge-1").await;
            assert!(!device.subscribe(filter).await, "{version:?} {filter}");
        }
    }
}

#[tokio::test]
async fn a_login_needs_the_secret_and_a_client_id_of_its_own() {
    for version in BOTH {
        let broker = Broker::start().await;
        let change = |change: fn(&mut Login)| {
            let mut login = Login::of("gauge-1");
            change(&mut login);
            broker.connect(version, login)
        };
        for bad in [
            change(|login| login.secret.push('x')).await,
            change(|login| login.secret.clear()).await,
            change(|login| login.user = "gauge-2".to_owned()).await,
            change(|login| login.user = "nobody".to_owned()).await,
            change(|login| login.user = "Not an id".to_owned()).await,
        ] {
            let reason = bad.err().expect("let in with a wrong secret");
            assert!(reason.contains("BadUserNamePassword"), "{reason}");
        }
        broker.rejected("bad_credentials", 5).await;
        for client_id in ["gauge-2", "gauge-10", "Gauge-1", "x"] {
            let mut login = Login::of("gauge-1");
            login.client_id = client_id.to_owned();
            let reason = broker.connect(version, login).await.err().expect("let in");
            let is_said = reason.contains("BadClientId") || reason.contains("ClientIdentifier");
            assert!(is_said, "{client_id}: {reason}");
        }
        for client_id in ["", "gauge-1", "gauge-1.second"] {
            let mut login = Login::of("gauge-1");
            login.client_id = client_id.to_owned();
            let mut device = broker.connect(version, login).await.unwrap();
            assert_eq!(device.publish(GAUGE, reading(1)).await, Answer::Acknowledged);
        }
    }
}

#[tokio::test]
async fn guessing_ends_after_ten_and_does_not_lock_the_known_out() {
    let broker = Broker::start().await;
    drop(broker.device(Version::V5, "gauge-1").await);
    for n in 0..20 {
        let mut login = Login::of("gauge-2");
        login.secret = n.to_string();
        let reason = broker.connect(Version::V5, login).await.err().unwrap();
        assert_eq!(reason.contains("BadUserNamePassword"), n < 10, "{n}: {reason}");
    }
    broker.rejected("bad_credentials", 10).await;
    broker.rejected("too_many_failed_logins", 10).await;
    assert!(broker.connect(Version::V5, Login::of("gauge-1")).await.is_ok());
}

#[tokio::test]
async fn the_newest_connection_of_a_client_id_wins_at_once() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut older = broker.device(version, "gauge-1").await;
        let gate = broker.close_gate().await;
        older.send(GAUGE, reading(1), 1, false).await;
        let waits = timeout(Duration::from_millis(200), older.answer()).await;
        assert!(waits.is_err(), "answered before the commit");

        let mut newer = broker.device(version, "gauge-1").await;
        older.closed().await;
        drop(gate);
        // The device sends again what was not acknowledged.
        assert_eq!(newer.publish(GAUGE, reading(1)).await, Answer::Acknowledged);
        assert_eq!(newer.publish(GAUGE, reading(2)).await, Answer::Acknowledged);
        assert_eq!(broker.system.observations("gauge-1/water_level").await.len(), 2);
        assert_eq!(broker.system.ledger().await["embedded"], [3, 2, 1, 0, 0]);
        eventually("one connection", || async { broker.handle.n_connections() == 1 }).await;
    }
}

#[tokio::test]
async fn a_packet_above_the_limit_closes_its_connection_and_is_counted() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut device = broker.device(version, "gauge-1").await;
        assert_eq!(device.publish(GAUGE, vec![b' '; 250 * 1024]).await, Answer::Acknowledged);
        // Below the client's own check: it knows the limit from CONNACK in 5.
        if version == Version::V311 {
            assert_eq!(device.publish(GAUGE, vec![b' '; 260 * 1024]).await, Answer::Closed);
        } else {
            declare_length(broker.address, 200 * 1024 * 1024).await;
        }
        broker.rejected("packet_too_large", 1).await;
    }
}

/// Opens a connection and announces a CONNECT of that many bytes.
async fn declare_length(address: SocketAddr, mut length: usize) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut packet = vec![0x10_u8];
    while 0 < length {
        let more = if 127 < length { 0x80 } else { 0 };
        packet.push((length % 128) as u8 | more);
        length /= 128;
    }
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(&packet).await.unwrap();
    let closed = timeout(PATIENCE, socket.read_u8()).await.expect("the socket stays open");
    assert!(closed.is_err());
}

#[tokio::test]
async fn rubbish_is_counted_and_silence_hurts_nobody() {
    use tokio::io::AsyncWriteExt;

    let broker = Broker::start().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(tokio::net::TcpStream::connect(broker.address).await.unwrap());
    }
    let mut socket = tokio::net::TcpStream::connect(broker.address).await.unwrap();
    // A CONNECT that ends in the middle of its first text.
    socket.write_all(&[0x10, 0x03, 0x00, 0x04, b'M']).await.unwrap();
    broker.rejected("malformed", 1).await;
    let mut device = broker.device(Version::V5, "gauge-1").await;
    assert_eq!(device.publish(GAUGE, reading(1)).await, Answer::Acknowledged);
    eventually("all connections", || async { broker.handle.n_connections() == 201 }).await;
}

#[tokio::test]
async fn connections_are_limited_by_address() {
    let options = BrokerOptions { connections_per_ip_max: 2, ..BrokerOptions::default() };
    let broker = Broker::start_with(options).await;
    let _one = broker.device(Version::V5, "gauge-1").await;
    let _two = broker.device(Version::V5, "gauge-2").await;
    let third = broker.connect(Version::V5, Login::of("gateway-1")).await;
    assert!(third.is_err());
    broker.rejected("too_many_connections", 1).await;
}

#[tokio::test]
async fn wills_are_no_readings_and_only_allowed_on_own_topics() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut login = Login::of("gauge-1");
        login.will = Some("tidewatch/v1/gauge-2/raw".to_owned());
        assert!(broker.connect(version, login.clone()).await.is_err());
        login.will = Some("tidewatch/v1/gauge-1/raw".to_owned());
        drop(broker.connect(version, login).await.unwrap());
        eventually("the end", || async { broker.handle.n_connections() == 0 }).await;
        assert!(broker.system.ledger().await.is_empty());
    }
}

#[tokio::test]
async fn a_revoked_thing_is_disconnected() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut device = broker.device(version, "gauge-1").await;
        let mut other = broker.device(version, "gauge-2").await;
        let thing = ThingId::parse("gauge-1").unwrap();
        broker.system.store.registry().remove_credential(&thing).await.unwrap();
        assert_eq!(broker.handle.disconnect_thing(&thing), 1);
        device.closed().await;
        assert!(broker.connect(version, Login::of("gauge-1")).await.is_err());
        let own = "tidewatch/v1/gauge-2/json";
        assert_eq!(other.publish(own, reading(1)).await, Answer::Acknowledged);
    }
}

#[tokio::test]
async fn a_publish_that_waits_too_long_is_not_answered() {
    let wait = Duration::from_millis(600);
    let options = BrokerOptions { publish_wait_max: wait, ..BrokerOptions::default() };
    let broker = Broker::start_with(options).await;
    let mut device = broker.device(Version::V5, "gauge-1").await;
    let gate = broker.close_gate().await;
    assert_eq!(device.publish(GAUGE, reading(1)).await, Answer::Closed);
    broker.rejected("publish_not_stored", 1).await;
    drop(gate);
    let mut again = broker.device(Version::V5, "gauge-1").await;
    assert_eq!(again.publish(GAUGE, reading(1)).await, Answer::Acknowledged);
    assert_eq!(broker.system.observations("gauge-1/water_level").await.len(), 1);
}

/// A 3.1.1 client by hand: rumqttc reads past what comes before an end.
async fn raw_device(address: SocketAddr, thing: &str) -> tokio::net::TcpStream {
    raw_device_as(address, thing, thing).await
}

pub(crate) async fn raw_device_as(address: SocketAddr, thing: &str, client_id: &str) -> tokio::net::TcpStream {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut body = b"\x00\x04MQTT\x04\xC2\x00\x3C".to_vec();
    for text in [client_id.to_owned(), thing.to_owned(), format!("secret of {thing}")] {
        body.extend_from_slice(&(text.len() as u16).to_be_bytes());
        body.extend_from_slice(text.as_bytes());
    }
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(&[0x10, body.len() as u8]).await.unwrap();
    socket.write_all(&body).await.unwrap();
    let mut connack = [0; 4];
    socket.read_exact(&mut connack).await.unwrap();
    assert_eq!(connack, [0x20, 0x02, 0x00, 0x00]);
    socket
}

#[tokio::test]
async fn a_shutdown_lets_waiting_publishes_finish() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let broker = Broker::start().await;
    let _silent = tokio::net::TcpStream::connect(broker.address).await.unwrap();
    let mut device = raw_device(broker.address, "gauge-1").await;
    let gate = broker.close_gate().await;
    let topic = "tidewatch/v1/gauge-1/raw";
    let mut publish = vec![0x32, (2 + topic.len() + 2 + 3) as u8, 0, topic.len() as u8];
    publish.extend_from_slice(topic.as_bytes());
    publish.extend_from_slice(b"\x00\x071.5");
    device.write_all(&publish).await.unwrap();
    eventually("the publish", || async { broker.system.pipeline.status().n_waiting == 1 }).await;

    broker.shutdown.cancel();
    let mut received = Vec::new();
    let early = timeout(Duration::from_millis(200), device.read_buf(&mut received)).await;
    assert!(early.is_err(), "answered or closed before the commit: {received:?}");
    drop(gate);
    timeout(PATIENCE, device.read_to_end(&mut received)).await.unwrap().unwrap();
    assert_eq!(received, [0x40, 0x02, 0x00, 0x07], "no PUBACK before the end");

    let Broker { system, task, handle, .. } = broker;
    timeout(PATIENCE, task).await.expect("the broker does not end").unwrap();
    drop(handle);
    let System { pipeline, task, store, .. } = system;
    end(pipeline, task).await;
    assert_eq!(observations(&store, "gauge-1/water_level").await.len(), 1);
}

/// Nothing of the broker holds the pipeline any more.
async fn end(pipeline: Pipeline, task: JoinHandle<()>) {
    drop(pipeline);
    timeout(PATIENCE, task).await.expect("the pipeline does not end").unwrap();
}

#[tokio::test]
async fn many_devices_share_their_commits() {
    let options = BrokerOptions { connections_per_thing_max: 64, ..BrokerOptions::default() };
    let broker = Broker::start_with(options).await;
    let mut devices = tokio::task::JoinSet::new();
    for n in 0..40 {
        let mut login = Login::of("gauge-1");
        login.client_id = format!("gauge-1.{n}");
        let mut device = broker.connect(BOTH[n % 2], login).await.unwrap();
        devices.spawn(async move {
            for i in 0..5 {
                let second = n * 5 + i;
                let payload = format!(
                    r#"{{"time":{},"values":{{"water_level":1}}}}"#,
                    1_784_930_000_000_u64 + second as u64 * 1_000
                );
                assert_eq!(device.publish(GAUGE, payload).await, Answer::Acknowledged);
            }
        });
    }
    devices.join_all().await;
    let stored = broker.system.observations("gauge-1/water_level").await;
    assert_eq!(stored.len(), 200);
    let commits: std::collections::HashSet<u64> = stored.iter().map(|o| o.commit).collect();
    assert!(commits.len() < 100, "{} commits for 200 readings", commits.len());
}

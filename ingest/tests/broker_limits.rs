//! The embedded broker at its limits: too large, too slow, too many, taken over,
//! revoked, shut down.

use std::net::SocketAddr;
use std::time::Duration;

use ingest::Pipeline;
use ingest::broker::BrokerOptions;
use model::ThingId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Answer, BOTH, Login, PATIENCE, Version};
use crate::door::{System, observations};
use crate::embedded::{Broker, GAUGE, eventually, reading};

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
    let mut packet = vec![0x10_u8];
    while 0 < length {
        let more = if 127 < length { 0x80 } else { 0 };
        packet.push((length % 128) as u8 | more);
        length /= 128;
    }
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(&packet).await.unwrap();
    let closed = timeout(PATIENCE, socket.read_u8()).await.expect("the socket stays open");
    assert!(closed.is_err());
}

#[tokio::test]
async fn rubbish_is_counted_and_silence_hurts_nobody() {
    let broker = Broker::start().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(broker.address).await.unwrap());
    }
    let mut socket = TcpStream::connect(broker.address).await.unwrap();
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
async fn raw_device(address: SocketAddr, thing: &str) -> TcpStream {
    let mut body = b"\x00\x04MQTT\x04\xC2\x00\x3C".to_vec();
    for text in [thing.to_owned(), thing.to_owned(), format!("secret of {thing}")] {
        body.extend_from_slice(&(text.len() as u16).to_be_bytes());
        body.extend_from_slice(text.as_bytes());
    }
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(&[0x10, body.len() as u8]).await.unwrap();
    socket.write_all(&body).await.unwrap();
    let mut connack = [0; 4];
    socket.read_exact(&mut connack).await.unwrap();
    assert_eq!(connack, [0x20, 0x02, 0x00, 0x00]);
    socket
}

#[tokio::test]
async fn a_shutdown_lets_waiting_publishes_finish() {
    let broker = Broker::start().await;
    let _silent = TcpStream::connect(broker.address).await.unwrap();
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

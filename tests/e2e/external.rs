//! A real mosquitto as `[[source.mqtt]]`: readings in time, and its restart
//! and our kill in the middle of a load.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;

use crate::support::mosquitto::{Mosquitto, Publish};
use crate::support::oracle::{check_ledger, check_readings, count, observations_so_far};
use crate::support::publisher::{Plan, Publisher, Sent};
use crate::support::server::Server;
use crate::support::{now, things, wait_for};

const VISIBLE_LIMIT: Duration = Duration::from_secs(1);
const N_READINGS: u64 = 10_000;

/// The readings after which the fault comes.
const N_BEFORE_FAULT: usize = 3_000;

const ACK_LIMIT: Duration = Duration::from_secs(60);

async fn broker_and_server(client_id: &str) -> anyhow::Result<(Mosquitto, Server)> {
    let mosquitto = Mosquitto::start().await?;
    let server = Server::start_with(&mosquitto.source(client_id)).await?;
    mosquitto.wait_for_subscriber(client_id).await?;
    Ok((mosquitto, server))
}

fn publisher(mosquitto: &Mosquitto, version: &'static str) -> anyhow::Result<Publisher> {
    Publisher::start(Plan {
        port: mosquitto.port,
        version,
        thing: "ext-1".to_owned(),
        property: "wind_speed",
        secret: String::new(),
        count: N_READINGS,
        rate: 2_000,
        window: 100,
    })
}

/// Every acknowledged reading is there once, and the books agree.
async fn check(server: &Server, sent: &Sent) -> anyhow::Result<()> {
    let http = server.administrator().await?;
    ensure!(sent.acked.len() as u64 == N_READINGS, "{} acknowledged", sent.acked.len());
    let n_visible = check_readings(&http, sent).await?;
    let ledger = check_ledger(&http, n_visible).await?;
    ensure!(count(&ledger, "received") >= n_visible, "{ledger}");
    Ok(())
}

#[tokio::test]
async fn a_reading_through_mosquitto_is_visible_within_a_second() -> anyhow::Result<()> {
    let (mosquitto, server) = broker_and_server("ext-visible").await?;
    let http = server.administrator().await?;
    things::stations(&http, &["ext-1"]).await?;
    let start = now().millis() - 1_000;
    for (n, version) in ["mqttv311", "mqttv5"].into_iter().enumerate() {
        let time = start + n as i64;
        let payload = json!({"time": time, "values": {"wind_speed": 8.25}}).to_string();
        let publish = Publish {
            port: mosquitto.port,
            version,
            thing: "",
            secret: "",
            topic: "tidewatch/v1/ext-1/json",
            payload: payload.as_bytes(),
        };
        publish.send().await?.expect_code(0)?;
        wait_for(&format!("the reading of {version}"), VISIBLE_LIMIT, async || {
            let found = observations_so_far(&http, "ext-1/wind_speed").await?;
            Ok(found.contains(&(time, 8.25)).then_some(()))
        })
        .await?;
    }
    let ledger = check_ledger(&http, 2).await?;
    ensure!(ledger["items"][0]["source"] == "mqtt_mosquitto", "{ledger}");
    Ok(())
}

#[tokio::test]
async fn a_route_maps_foreign_topics_to_things() -> anyhow::Result<()> {
    let mosquitto = Mosquitto::start().await?;
    let route = "[[source.mqtt.route]]\nfilter = \"gauges/+/level\"\nthing_level = 1\n\
                 codec = \"raw\"\n";
    let config = format!("{}{route}", mosquitto.source("ext-route"));
    let server = Server::start_with(&config).await?;
    mosquitto.wait_for_subscriber("ext-route").await?;
    let http = server.administrator().await?;
    things::stations(&http, &["ext-1"]).await?;
    let publish = Publish {
        port: mosquitto.port,
        version: "mqttv311",
        thing: "",
        secret: "",
        topic: "gauges/ext-1/level",
        payload: b"2.75",
    };
    publish.send().await?.expect_code(0)?;
    wait_for("the routed reading", VISIBLE_LIMIT, async || {
        let found = observations_so_far(&http, "ext-1/wind_speed").await?;
        Ok(found.iter().any(|(_, value)| *value == 2.75).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_restart_of_mosquitto_costs_nothing_acknowledged() -> anyhow::Result<()> {
    let (mut mosquitto, server) = broker_and_server("ext-restart").await?;
    things::stations(&server.administrator().await?, &["ext-1"]).await?;
    let publisher = publisher(&mosquitto, "3")?;
    publisher.wait_for_acks(N_BEFORE_FAULT, ACK_LIMIT).await?;
    mosquitto.stop().await?;
    mosquitto.launch().await?;
    let sent = publisher.finish().await?;
    ensure!(sent.n_reconnects > 0, "the restart came too late");
    check(&server, &sent).await
}

#[tokio::test]
async fn our_kill_costs_nothing_that_mosquitto_holds() -> anyhow::Result<()> {
    let (mosquitto, mut server) = broker_and_server("ext-kill").await?;
    things::stations(&server.administrator().await?, &["ext-1"]).await?;
    let publisher = publisher(&mosquitto, "5")?;
    publisher.wait_for_acks(N_BEFORE_FAULT, ACK_LIMIT).await?;
    server.kill().await?;
    server.launch().await?;
    let sent = publisher.finish().await?;
    ensure!(sent.n_reconnects == 0, "mosquitto was not to be touched");
    check(&server, &sent).await
}

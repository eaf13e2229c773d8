//! Devices at the embedded broker: `mosquitto_pub` and paho, MQTT 3.1.1 and 5.

use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::http::Http;
use crate::support::mosquitto::Publish;
use crate::support::oracle::{check_ledger, check_readings, count, observations};
use crate::support::publisher::{Plan, Publisher};
use crate::support::server::Server;
use crate::support::{now, things, wait_for};

const VERSIONS: [&str; 2] = ["mqttv311", "mqttv5"];

/// From the PUBACK, or from `mosquitto_pub`'s end, to the API.
const VISIBLE_LIMIT: Duration = Duration::from_secs(1);

fn reading(time_ms: i64, wind_speed: f64) -> Vec<u8> {
    json!({"time": time_ms, "values": {"wind_speed": wind_speed}}).to_string().into_bytes()
}

fn topic(thing: &str) -> String {
    format!("tidewatch/v1/{thing}/json")
}

/// Waits until exactly these values are there, in order of time.
async fn expect_values(http: &Http, datastream: &str, values: &[f64]) -> anyhow::Result<()> {
    let what = format!("{values:?} in {datastream}");
    wait_for(&what, VISIBLE_LIMIT, async || {
        let found = observations(http, datastream).await?;
        let found: Vec<f64> = found.into_iter().map(|(_, value)| value).collect();
        Ok((found == values).then_some(()))
    })
    .await
}

/// How many connections were turned away for this reason.
async fn rejected(http: &Http, reason: &str) -> anyhow::Result<u64> {
    let ledger = http.get_json("/api/v1/ledger").await?;
    let rows = ledger["rejected_connections"].as_array().context("rejected_connections")?;
    let of_reason = |row: &&Value| row["reason"].as_str().is_some_and(|r| r.contains(reason));
    Ok(rows.iter().filter(of_reason).filter_map(|row| row["count"].as_u64()).sum())
}

#[tokio::test]
async fn a_reading_is_visible_within_a_second_of_mosquitto_pub() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    let secrets = things::stations(&http, &["emb-1"]).await?;
    let start = now().millis() - 60_000;
    let mut expected = Vec::new();
    for (n, version) in VERSIONS.into_iter().enumerate() {
        let value = 3.5 + n as f64;
        expected.push(value);
        let publish = Publish {
            port: server.mqtt_port,
            version,
            thing: "emb-1",
            secret: &secrets["emb-1"],
            topic: &topic("emb-1"),
            payload: &reading(start + n as i64, value),
        };
        publish.send().await?.expect_code(0)?;
        expect_values(&http, "emb-1/wind_speed", &expected).await.context(version)?;
    }
    check_ledger(&http, 2).await?;
    Ok(())
}

#[tokio::test]
async fn paho_in_both_versions_finds_its_readings_stored() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    let secrets = things::stations(&http, &["paho-3", "paho-5"]).await?;
    for (thing, version) in [("paho-3", "3"), ("paho-5", "5")] {
        let publisher = Publisher::start(Plan {
            port: server.mqtt_port,
            version,
            thing: thing.to_owned(),
            property: "wind_speed",
            secret: secrets[thing].clone(),
            count: 300,
            rate: 300,
            window: 10,
        })?;
        let sent = publisher.finish().await?;
        ensure!(sent.acked.len() == 300, "{} of 300 acknowledged", sent.acked.len());
        ensure!(sent.n_reconnects == 0, "{} reconnects", sent.n_reconnects);
        // A PUBACK is a commit: there is nothing left to wait for.
        ensure!(observations(&http, &sent.datastream).await?.len() == 300);
        check_readings(&http, &sent).await?;
    }
    let ledger = check_ledger(&http, 600).await?;
    assert_eq!((count(&ledger, "received"), count(&ledger, "duplicate")), (600, 0));
    Ok(())
}

#[tokio::test]
async fn a_repeated_reading_is_a_duplicate_and_a_changed_one_replaces() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    let secrets = things::stations(&http, &["twice-1"]).await?;
    let time = now().millis() - 60_000;
    for value in [4.0, 4.0, 5.0] {
        let publish = Publish {
            port: server.mqtt_port,
            version: "mqttv5",
            thing: "twice-1",
            secret: &secrets["twice-1"],
            topic: &topic("twice-1"),
            payload: &reading(time, value),
        };
        publish.send().await?.expect_code(0)?;
    }
    expect_values(&http, "twice-1/wind_speed", &[5.0]).await?;
    let ledger = check_ledger(&http, 1).await?;
    let counts = ["received", "stored", "duplicate", "replaced"].map(|key| count(&ledger, key));
    assert_eq!(counts, [3, 2, 1, 1]);
    Ok(())
}

#[tokio::test]
async fn a_wrong_secret_is_turned_away_and_counted() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    things::stations(&http, &["locked-1"]).await?;
    for version in VERSIONS {
        let publish = Publish {
            port: server.mqtt_port,
            version,
            thing: "locked-1",
            secret: "not-the-secret",
            topic: &topic("locked-1"),
            payload: &reading(now().millis(), 1.0),
        };
        let finished = publish.send().await?;
        ensure!(finished.code != Some(0), "{version} was let in: {finished:?}");
    }
    check_ledger(&http, 0).await?;
    wait_for("two rejected connections", Duration::from_secs(5), async || {
        Ok((rejected(&http, "").await? == 2).then_some(()))
    })
    .await
}

#[tokio::test]
async fn nobody_publishes_for_another_thing() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    let secrets = things::stations(&http, &["own-1", "other-1"]).await?;
    let publish = |version| Publish {
        port: server.mqtt_port,
        version,
        thing: "own-1",
        secret: &secrets["own-1"],
        topic: "tidewatch/v1/other-1/json",
        payload: b"{\"values\":{\"wind_speed\":1}}",
    };
    let v5 = publish("mqttv5").send().await?;
    ensure!(v5.stdout.contains("RC:135"), "MQTT 5 has a reason code for it: {v5:?}");
    let v311 = publish("mqttv311").send().await?;
    ensure!(
        v311.code != Some(0) && !v311.stdout.contains("PUBACK"),
        "MQTT 3.1.1 has none, so the connection is closed: {v311:?}"
    );
    let ledger = check_ledger(&http, 0).await?;
    // mosquitto_pub may try again before it gives up.
    ensure!(count(&ledger, "refused") >= 2, "{ledger}");
    Ok(())
}

#[tokio::test]
async fn a_gateway_publishes_for_its_things_and_no_others() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    things::stations(&http, &["leaf-1", "site-a1", "site-b1"]).await?;
    let gateway = "gw-1,gateway,网关,Gateway,,,,in_service,,,,,".to_owned();
    things::import(&http, &[gateway]).await?;
    let grant = json!({"things": ["leaf-1"], "prefixes": ["site-a"]});
    let answer = http.post_json("/api/v1/things/gw-1/credentials", &grant).await?.expect(201)?;
    let secret = answer.json()?["secret"].as_str().context("a secret")?.to_owned();
    let time = now().millis() - 1_000;
    for (thing, is_allowed) in [("leaf-1", true), ("site-a1", true), ("site-b1", false)] {
        let publish = Publish {
            port: server.mqtt_port,
            version: "mqttv5",
            thing: "gw-1",
            secret: &secret,
            topic: &topic(thing),
            payload: &reading(time, 7.0),
        };
        let finished = publish.send().await?;
        ensure!(finished.stdout.contains("RC:135") != is_allowed, "{thing}: {finished:?}");
    }
    expect_values(&http, "leaf-1/wind_speed", &[7.0]).await?;
    expect_values(&http, "site-a1/wind_speed", &[7.0]).await?;
    let ledger = check_ledger(&http, 2).await?;
    assert_eq!(count(&ledger, "refused"), 1);
    Ok(())
}

#[tokio::test]
async fn an_oversize_packet_closes_the_connection_and_is_counted() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    let secrets = things::stations(&http, &["big-1"]).await?;
    let payload = vec![b' '; 300 * 1024];
    for version in VERSIONS {
        let publish = Publish {
            port: server.mqtt_port,
            version,
            thing: "big-1",
            secret: &secrets["big-1"],
            topic: &topic("big-1"),
            payload: &payload,
        };
        let finished = publish.send().await?;
        ensure!(!finished.stdout.contains("PUBACK"), "{version}: {}", finished.stdout);
    }
    wait_for("the rejected packet in the ledger", Duration::from_secs(5), async || {
        Ok((rejected(&http, "large").await? > 0).then_some(()))
    })
    .await?;
    let device = Http::device(server.http_port, "big-1", &secrets["big-1"]);
    let answer = device.send(Method::POST, "/api/v1/observations", "application/json", payload);
    answer.await?.expect(413)?;
    check_ledger(&http, 0).await?;
    Ok(())
}

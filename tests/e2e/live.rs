//! Server-sent events: snapshot, live values, a break, and a shutdown.

use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::events::Events;
use crate::support::http::Http;
use crate::support::server::Server;
use crate::support::{now, things};

/// Values are coalesced to one event a second.
const LIVE_LIMIT: Duration = Duration::from_secs(5);

/// Scores come at each whole minute at the latest.
const SCORE_LIMIT: Duration = Duration::from_secs(75);

const EXIT_LIMIT: Duration = Duration::from_secs(10);

async fn post(device: &Http, value: f64) -> anyhow::Result<()> {
    let body = json!({"time": now().millis(), "values": {"wind_speed": value}}).to_string();
    let path = "/api/v1/observations";
    device.send(Method::POST, path, "application/json", body).await?.expect(201)?;
    Ok(())
}

/// Is `value` the newest of the datastream in these columns?
fn has(columns: &Value, datastream: &str, value: f64) -> bool {
    let names = columns["datastream"].as_array().map(Vec::as_slice).unwrap_or_default();
    let place = names.iter().position(|name| name == datastream);
    place.is_some_and(|place| columns["value"][place] == value)
}

/// An id is a commit and a serial number; both only grow.
fn serial(id: &str) -> anyhow::Result<(u64, u64)> {
    let (commit, serial) = id.split_once('-').with_context(|| format!("id `{id}`"))?;
    Ok((commit.parse()?, serial.parse()?))
}

#[tokio::test]
async fn values_come_live_and_after_a_break_nothing_is_missing() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    let secrets = things::stations(&http, &["live-1"]).await?;
    let device = Http::device(server.http_port, "live-1", &secrets["live-1"]);
    post(&device, 3.25).await?;

    let mut events = Events::open(&http, "?topics=scores,latest", None).await?;
    let first = events.next(LIVE_LIMIT).await?.context("a first event")?;
    assert_eq!(first.name, "snapshot");
    ensure!(has(&first.data["latest"], "live-1/wind_speed", 3.25), "{}", first.data);
    let townships = first.data["scores"].as_array().context("scores")?;
    ensure!(townships.len() >= 18, "{} townships", townships.len());

    post(&device, 4.5).await?;
    let live =
        events.wait_for("latest", LIVE_LIMIT, |data| has(data, "live-1/wind_speed", 4.5)).await?;
    ensure!(serial(&first.id)? < serial(&live.id)?, "ids grow: {} then {}", first.id, live.id);

    // What came while the client was away comes with its return.
    drop(events);
    post(&device, 5.75).await?;
    let mut events = Events::open(&http, "?topics=scores,latest", Some(&live.id)).await?;
    let deadline = Instant::now() + LIVE_LIMIT;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = events.next(left).await?.context("the stream goes on")?;
        let columns = if event.name == "snapshot" { &event.data["latest"] } else { &event.data };
        if has(columns, "live-1/wind_speed", 5.75) {
            return Ok(());
        }
    }
}

#[tokio::test]
async fn an_unknown_last_event_id_gets_a_reset_and_a_fresh_snapshot() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    let mut events = Events::open(&http, "", Some("9999999999999")).await?;
    let first = events.next(LIVE_LIMIT).await?.context("a first event")?;
    let second = events.next(LIVE_LIMIT).await?.context("a second event")?;
    assert_eq!((first.name.as_str(), second.name.as_str()), ("reset", "snapshot"));
    Ok(())
}

#[tokio::test]
async fn a_score_comes_by_itself_when_the_wind_rises() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    let secrets = things::stations(&http, &["gale-1"]).await?;
    let device = Http::device(server.http_port, "gale-1", &secrets["gale-1"]);
    let mut events = Events::open(&http, "?topics=scores", None).await?;
    post(&device, 14.0).await?;
    let is_wanted = |data: &Value| data["township"] == "330225101" && data["score"] == 50.0;
    let score = events.wait_for("score", SCORE_LIMIT, is_wanted).await?;
    assert_eq!(score.data["level"], "blue");
    Ok(())
}

#[tokio::test]
async fn a_stranger_sees_nothing_by_default() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let stranger = Http::new(server.http_port);
    for path in ["/api/v1/events", "/api/v1/things", "/api/v1/datastreams/latest"] {
        stranger.get(path).await?.expect(401).context(path)?;
    }
    stranger.get("/healthz").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn where_indices_are_public_a_stranger_sees_scores_and_nothing_else() -> anyhow::Result<()> {
    let mut server = Server::prepare()?;
    server.set("TIDEWATCH__API__PUBLIC_READ", "indices");
    server.launch().await?;
    let stranger = Http::new(server.http_port);
    stranger.get("/api/v1/indices/hazard/scores").await?.expect(200)?;
    stranger.get("/api/v1/things").await?.expect(401)?;
    stranger.get("/api/v1/events?topics=scores,latest").await?.expect(401)?;
    let mut events = Events::open(&stranger, "?topics=scores", None).await?;
    let first = events.next(LIVE_LIMIT).await?.context("a first event")?;
    ensure!(first.data["scores"].is_array(), "{}", first.data);
    ensure!(first.data.get("latest").is_none_or(Value::is_null), "{}", first.data);
    Ok(())
}

#[tokio::test]
async fn sigterm_ends_in_time_with_streams_open_and_loses_nothing() -> anyhow::Result<()> {
    let mut server = Server::start().await?;
    let http = server.administrator().await?;
    let secrets = things::stations(&http, &["bye-1"]).await?;
    let device = Http::device(server.http_port, "bye-1", &secrets["bye-1"]);
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut events = Events::open(&http, "?topics=scores,latest", None).await?;
        events.next(LIVE_LIMIT).await?.context("a snapshot")?;
        streams.push(events);
    }
    post(&device, 2.5).await?;
    let begin = Instant::now();
    let status = server.terminate().await?;
    ensure!(status.success(), "SIGTERM ended with {status}");
    ensure!(begin.elapsed() < EXIT_LIMIT, "it took {:?}", begin.elapsed());
    for mut events in streams {
        while events.next(LIVE_LIMIT).await?.is_some() {}
    }
    server.launch().await?;
    let latest = server.administrator().await?.get_json("/api/v1/datastreams/latest").await?;
    ensure!(has(&latest, "bye-1/wind_speed", 2.5), "{latest}");
    Ok(())
}

//! The event stream: snapshot, order, resuming, resets, the end.

use std::time::Duration;

use api::{ApiOptions, PublicRead};
use axum::body::BodyDataStream;
use axum::http::{Method, StatusCode, header};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::rig::{Rig, SHIPU, call, tick};

/// Reads a stream event by event.
struct Reader {
    body: BodyDataStream,
    buffer: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Received {
    id: String,
    event: String,
    data: Value,
}

impl Reader {
    async fn open(rig: &Rig, token: &str, query: &str, last_event_id: Option<&str>) -> Reader {
        let mut request = call(Method::GET, &format!("/api/v1/events{query}"), token, None);
        if let Some(id) = last_event_id {
            request.headers_mut().insert("last-event-id", id.parse().unwrap());
        }
        let response = rig.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        Reader { body: response.into_body().into_data_stream(), buffer: String::new() }
    }

    /// The next block of lines, comments included; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let block = block.to_owned();
                self.buffer = rest.to_owned();
                return Some(block);
            }
            let piece = tokio::time::timeout(Duration::from_secs(20), self.body.next());
            let piece = piece.await.expect("nothing came for 20 s")?.unwrap();
            self.buffer.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    async fn next(&mut self) -> Received {
        loop {
            let block = self.block().await.expect("the stream ended");
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim()
            };
            let data = field("data:");
            if !data.is_empty() {
                return Received {
                    id: field("id:").to_owned(),
                    event: field("event:").to_owned(),
                    data: serde_json::from_str(data).unwrap(),
                };
            }
        }
    }
}

fn serial(id: &str) -> u64 {
    id.split_once('-').unwrap().1.parse().unwrap()
}

async fn ready() -> (Rig, String) {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    (rig, token)
}

async fn send_wind(rig: &Rig, token: &str, minute: u32, value: f64) {
    let time = format!("2026-07-25T07:{minute:02}:00+08:00");
    let body = json!({ "time": time, "values": { "wind_speed": value } });
    let answer = rig.post(token, "/api/v1/observations?thing=hm-001", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
}

#[tokio::test]
async fn a_stream_begins_with_the_state_and_goes_on_with_changes() {
    let (rig, token) = ready().await;
    send_wind(&rig, &token, 10, 5.0).await;
    let mut reader = Reader::open(&rig, &token, "", None).await;
    let first = reader.block().await.unwrap();
    assert!(first.contains("retry: 3000") || first.contains("retry:3000"), "{first}");
    assert!(first.contains("\"datastream\":[\"hm-001/wind_speed\"]"), "{first}");
    assert!(first.contains("event: snapshot") || first.contains("event:snapshot"), "{first}");

    rig.ticks.send(tick(3, &[(SHIPU, 62.4), ("330225102", 10.0)])).await.unwrap();
    let (a, b) = (reader.next().await, reader.next().await);
    assert_eq!((a.event.as_str(), b.event.as_str()), ("score", "score"));
    assert_eq!((&a.data["township"], &a.data["score"]), (&json!(SHIPU), &json!(62.4)));
    assert!(serial(&a.id) < serial(&b.id), "{} {}", a.id, b.id);

    send_wind(&rig, &token, 11, 6.0).await;
    let change = reader.next().await;
    assert_eq!(change.event, "latest");
    assert_eq!(change.data["value"], json!([6.0]));
    assert!(serial(&b.id) < serial(&change.id));
    // A late reading changes no latest value: the next change is another's.
    send_wind(&rig, &token, 9, 70.0).await;
    let tide = json!({ "time": "2026-07-25T07:12:00+08:00", "values": { "tide_level": 1.5 } });
    rig.post(&token, "/api/v1/observations?thing=hm-001", tide).await;
    let change = reader.next().await;
    assert_eq!(change.data["datastream"], json!(["hm-001/tide_level"]), "{}", change.data);
    let scores = rig.get(&token, "/api/v1/indices/hazard/scores").await.json();
    assert_eq!(scores["items"][0]["score"], 62.4);
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing() {
    let (rig, token) = ready().await;
    let mut reader = Reader::open(&rig, &token, "", None).await;
    let start = reader.next().await;
    rig.ticks.send(tick(3, &[(SHIPU, 1.0), ("330225102", 2.0)])).await.unwrap();
    let (a, b) = (reader.next().await, reader.next().await);
    drop(reader);

    let mut again = Reader::open(&rig, &token, "", Some(&a.id)).await;
    assert_eq!(again.next().await, b, "resumed in the middle of a tick");
    let mut again = Reader::open(&rig, &token, "", Some(&start.id)).await;
    assert_eq!((again.next().await, again.next().await), (a, b.clone()));
    let query = format!("?last_event_id={}", start.id);
    let mut by_query = Reader::open(&rig, &token, &query, None).await;
    assert_eq!(by_query.next().await.event, "score");
    let mut at_end = Reader::open(&rig, &token, "", Some(&b.id)).await;
    rig.ticks.send(tick(4, &[(SHIPU, 3.0)])).await.unwrap();
    assert_eq!(at_end.next().await.data["score"], 3.0, "a snapshot came in between");
}

#[tokio::test]
async fn an_unknown_place_gives_a_reset_and_a_fresh_snapshot() {
    let (rig, token) = ready().await;
    for id in ["nonsense", "0-1", "999-99999999999999"] {
        let mut reader = Reader::open(&rig, &token, "", Some(id)).await;
        assert_eq!(reader.next().await.event, "reset", "{id}");
        assert_eq!(reader.next().await.event, "snapshot", "{id}");
    }
}

#[tokio::test]
async fn a_slow_client_gets_the_newest_value_of_each_key() {
    let (rig, token) = ready().await;
    let mut reader = Reader::open(&rig, &token, "?topics=scores", None).await;
    reader.next().await;
    for n in 1..=5 {
        rig.ticks.send(tick(n, &[(SHIPU, n as f64), ("330225102", 50.0)])).await.unwrap();
    }
    // The hub has all of them before the client asks again.
    while rig.ticks.capacity() < rig.ticks.max_capacity() {
        tokio::task::yield_now().await;
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&5.0) {
        let received = reader.next().await;
        if received.data["township"] == SHIPU {
            seen.push(received.data["score"].as_f64().unwrap());
        }
    }
    assert!(seen.len() < 5, "every step was sent: {seen:?}");
}

#[tokio::test]
async fn ids_grow_across_a_restart_and_old_ones_are_unknown() {
    let (rig, token) = ready().await;
    let mut reader = Reader::open(&rig, &token, "", None).await;
    rig.ticks.send(tick(3, &[(SHIPU, 1.0)])).await.unwrap();
    reader.next().await;
    let before = reader.next().await;
    drop(reader);
    rig.shutdown.cancel();
    let Rig { store, pipeline, pipeline_task, _directory, state, router, .. } = rig;
    state.close_door();
    drop((pipeline, state, router));
    pipeline_task.await.unwrap();
    store.close().await.unwrap();
    drop(store);

    let rig = Rig::in_directory(ApiOptions::default(), _directory).await;
    rig.pass(Duration::from_secs(1));
    let mut reader = Reader::open(&rig, &token, "", Some(&before.id)).await;
    assert_eq!(reader.next().await.event, "reset");
    reader.next().await;
    rig.ticks.send(tick(3, &[(SHIPU, 2.0)])).await.unwrap();
    let after = reader.next().await;
    assert!(serial(&after.id) > serial(&before.id), "{} {}", before.id, after.id);
}

#[tokio::test]
async fn a_stream_ends_with_the_program_and_with_its_session() {
    let (rig, token) = ready().await;
    let mut reader = Reader::open(&rig, &token, "", None).await;
    reader.next().await;
    rig.shutdown.cancel();
    assert_eq!(reader.block().await, None);
}

#[tokio::test]
async fn heartbeats_keep_a_quiet_stream_alive() {
    let options = ApiOptions { heartbeat: Duration::from_millis(20), ..ApiOptions::default() };
    let rig = Rig::with(options).await;
    let token = rig.admin().await;
    let mut reader = Reader::open(&rig, &token, "", None).await;
    reader.next().await;
    assert_eq!(reader.block().await.unwrap(), ": heartbeat");
}

#[tokio::test]
async fn topics_and_townships_narrow_a_stream() {
    let options =
        ApiOptions { public_read: PublicRead::Indices, streams_max: 1, ..ApiOptions::default() };
    let rig = Rig::with(options).await;
    let answer = rig.get("", "/api/v1/events?topics=latest").await;
    assert_eq!(answer.problem().0, 401);
    assert_eq!(rig.get("", "/api/v1/events?topics=alerts").await.problem().0, 400);
    let path = "?township=330225102";
    let mut reader = Reader::open(&rig, "", path, None).await;
    assert!(reader.next().await.data.get("latest").is_none(), "anonymous reads indices only");
    rig.ticks.send(tick(1, &[(SHIPU, 1.0), ("330225102", 2.0)])).await.unwrap();
    assert_eq!(reader.next().await.data["township"], "330225102");
    let full = rig.get("", "/api/v1/events").await;
    assert_eq!(full.problem(), (503, "streams_full".to_owned()));
    drop(reader);
    Reader::open(&rig, "", path, None).await;
}

//! The event stream: snapshot, order, resuming, resets, the end.

use std::time::Duration;

use api::{ApiOptions, PublicRead};
use axum::body::BodyDataStream;
use axum::http::{Method, StatusCode, header};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::rig::{Rig, SHIPU, XIZHOU, call};

/// Three indices for two townships and the county.
const SCORES_PER_TICK: usize = 9;

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

    /// All scores of one tick; values that come between are left out.
    async fn tick(&mut self) -> Vec<Received> {
        let mut scores = Vec::new();
        while scores.len() < SCORES_PER_TICK {
            let received = self.next().await;
            match received.event.as_str() {
                "score" | "county" => scores.push(received),
                other => assert_eq!(other, "latest", "{received:?}"),
            }
        }
        scores
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

/// The hazard score of a township.
fn hazard<'a>(scores: &'a [Received], township: &str) -> &'a Value {
    let is_it =
        |found: &&Received| found.data["index"] == "hazard" && found.data["township"] == township;
    &scores.iter().find(is_it).unwrap().data["score"]
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
    send_wind(&rig, &token, 50, 24.5).await;
    let mut reader = Reader::open(&rig, &token, "", None).await;
    let first = reader.block().await.unwrap();
    assert!(first.contains("retry: 3000") || first.contains("retry:3000"), "{first}");
    assert!(first.contains("\"datastream\":[\"hm-001/wind_speed\"]"), "{first}");
    assert!(first.contains("\"scores\":[]"), "{first}");
    assert!(first.contains("event: snapshot") || first.contains("event:snapshot"), "{first}");

    rig.tick(1).await;
    let scores = reader.tick().await;
    assert!(scores.is_sorted_by_key(|received| serial(&received.id)));
    assert_eq!(hazard(&scores, SHIPU), &json!(75.0));
    let county = scores.iter().filter(|received| received.event == "county");
    let of_county: Vec<&Value> = county.map(|received| &received.data["township"]).collect();
    assert_eq!(of_county, [&json!("330225"); 3]);
    let again = Reader::open(&rig, &token, "", None).await.next().await.data;
    let n_of = |name: &str| again[name].as_array().unwrap().len();
    assert_eq!((n_of("scores"), n_of("county"), n_of("alerts")), (6, 3, 0), "{again}");

    send_wind(&rig, &token, 51, 6.0).await;
    let change = reader.next().await;
    assert_eq!(change.event, "latest");
    assert_eq!(change.data["value"], json!([6.0]));
    assert!(serial(&scores[SCORES_PER_TICK - 1].id) < serial(&change.id));
    // A late reading changes no latest value: the next change is another's.
    send_wind(&rig, &token, 49, 70.0).await;
    let tide = json!({ "time": "2026-07-25T07:52:00+08:00", "values": { "tide_level": 1.5 } });
    rig.post(&token, "/api/v1/observations?thing=hm-001", tide).await;
    let change = reader.next().await;
    assert_eq!(change.data["datastream"], json!(["hm-001/tide_level"]), "{}", change.data);
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing() {
    let (rig, token) = ready().await;
    let mut reader = Reader::open(&rig, &token, "", None).await;
    let start = reader.next().await;
    rig.tick(1).await;
    let seen = reader.tick().await;
    drop(reader);

    let mut again = Reader::open(&rig, &token, "", Some(&seen[3].id)).await;
    assert_eq!(again.next().await, seen[4], "resumed in the middle of a tick");
    let mut again = Reader::open(&rig, &token, "", Some(&start.id)).await;
    assert_eq!(again.tick().await, seen);
    let query = format!("?last_event_id={}", start.id);
    let mut by_query = Reader::open(&rig, &token, &query, None).await;
    assert_eq!(by_query.next().await, seen[0]);
    let mut at_end = Reader::open(&rig, &token, "", Some(&seen[SCORES_PER_TICK - 1].id)).await;
    rig.tick(2).await;
    let next = at_end.tick().await;
    assert!(next.iter().all(|received| received.data["time"] == "2026-07-25T08:02:00.000+08:00"));
    // What is left of the first tick has been replaced: no score comes twice.
    let mut again = Reader::open(&rig, &token, "", Some(&seen[3].id)).await;
    assert_eq!(again.tick().await, next);
}

#[tokio::test]
async fn a_life_alarm_on_one_reading_is_told_once() {
    let (rig, token) = ready().await;
    let mut reader = Reader::open(&rig, &token, "?topics=alerts", None).await;
    let mut elsewhere = Reader::open(&rig, &token, "?topics=alerts&township=330225102", None).await;
    let start = reader.next().await;
    assert_eq!(start.data["alerts"], json!([]));
    assert_eq!(elsewhere.next().await.data["alerts"], json!([]));
    rig.measure(&token, "tide_level", 3.6).await;
    rig.tick(1).await;
    let alert = reader.next().await;
    assert_eq!(alert.event, "alert");
    let told = |name: &str| alert.data[name].as_str().unwrap();
    assert_eq!([told("class"), told("level"), told("transition")], ["life", "red", "raised"]);
    let listed = rig.get(&token, "/api/v1/alerts").await.json();
    assert_eq!(listed["items"], json!([alert.data]), "told as it is listed");

    // Two more minutes with the same value tell nothing: what comes next is
    // the alarm's next change.
    rig.measure(&token, "tide_level", 3.6).await;
    rig.tick(2).await;
    let state = Reader::open(&rig, &token, "?topics=alerts", None).await.next().await;
    assert_eq!(state.data["alerts"].as_array().unwrap().len(), 1);
    rig.tick(6).await;
    let next = reader.next().await;
    assert_eq!(next.data["transition"], "escalated", "nobody acknowledged it for 5 min");
    assert_eq!((&next.data["id"], &next.data["sequence"]), (&alert.data["id"], &json!(2)));
    let mut resumed = Reader::open(&rig, &token, "?topics=alerts", Some(&start.id)).await;
    assert_eq!((resumed.next().await, resumed.next().await), (alert, next));
    rig.shutdown.cancel();
    assert_eq!(reader.block().await, None, "something was told twice");
    assert_eq!(elsewhere.block().await, None, "another township was told");
}

#[tokio::test]
async fn scores_are_written_in_the_language_of_the_request() {
    let (rig, token) = ready().await;
    let mut chinese = Reader::open(&rig, &token, "?topics=scores", None).await;
    let path = "/api/v1/events?topics=scores";
    let mut request = call(Method::GET, path, &token, None);
    request.headers_mut().insert(header::ACCEPT_LANGUAGE, "en".parse().unwrap());
    let response = rig.router.clone().oneshot(request).await.unwrap();
    let body = response.into_body().into_data_stream();
    let mut english = Reader { body, buffer: String::new() };
    chinese.next().await;
    english.next().await;
    send_wind(&rig, &token, 50, 24.5).await;
    rig.tick(1).await;
    let drivers = |scores: &[Received]| {
        scores.iter().map(|found| found.data["drivers"].to_string()).collect::<String>()
    };
    assert!(!drivers(&chinese.tick().await).is_ascii());
    assert!(drivers(&english.tick().await).is_ascii());
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
    let mut slow = Reader::open(&rig, &token, "?topics=scores", None).await;
    let mut quick = Reader::open(&rig, &token, "?topics=scores", None).await;
    slow.next().await;
    quick.next().await;
    let mut last = Vec::new();
    for minute in 1..=5 {
        rig.tick(minute).await;
        last = quick.tick().await;
    }
    // The slow one asks for the first time: everything but the newest is gone.
    assert_eq!(slow.tick().await, last, "older steps were sent");
}

#[tokio::test]
async fn ids_grow_across_a_restart_and_old_ones_are_unknown() {
    let (rig, token) = ready().await;
    let mut reader = Reader::open(&rig, &token, "", None).await;
    reader.next().await;
    rig.tick(1).await;
    let before = reader.next().await;
    drop(reader);
    rig.shutdown.cancel();
    let Rig { store, pipeline, pipeline_task, _directory, state, router, runner, .. } = rig;
    state.close_door();
    drop((pipeline, state, router, runner));
    pipeline_task.await.unwrap();
    store.close().await.unwrap();
    drop(store);

    let rig = Rig::in_directory(ApiOptions::default(), _directory).await;
    rig.pass(Duration::from_secs(1));
    let mut reader = Reader::open(&rig, &token, "", Some(&before.id)).await;
    assert_eq!(reader.next().await.event, "reset");
    reader.next().await;
    rig.tick(2).await;
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
    for topics in ["", "scores,", "things"] {
        let answer = rig.get("", &format!("/api/v1/events?topics={topics}")).await;
        assert_eq!(answer.problem().0, 400, "{topics}");
    }
    let path = "?township=330225102";
    let mut reader = Reader::open(&rig, "", path, None).await;
    assert!(reader.next().await.data.get("latest").is_none(), "anonymous reads indices only");
    rig.tick(1).await;
    for _ in 0..3 {
        assert_eq!(reader.next().await.data["township"], XIZHOU);
    }
    let full = rig.get("", "/api/v1/events").await;
    assert_eq!(full.problem(), (503, "streams_full".to_owned()));
    drop(reader);
    Reader::open(&rig, "", path, None).await;
}

//! `POST /observations`, quarantine and its way back.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use store::Role;

use crate::rig::{Answer, Rig, call};

const PATH: &str = "/api/v1/observations";

fn reading(time: &str, name: &str, value: f64) -> Value {
    json!({ "time": time, "values": { name: value } })
}

const T1: &str = "2026-07-25T07:50:00+08:00";
const T2: &str = "2026-07-25T07:55:00+08:00";

async fn ready() -> (Rig, String) {
    let rig = Rig::new().await;
    let token = rig.token("wang", Role::Engineer).await;
    rig.station(&token, "hm-001").await;
    (rig, token)
}

async fn send(rig: &Rig, token: &str, body: Value) -> Answer {
    rig.post(token, &format!("{PATH}?thing=hm-001"), body).await
}

#[tokio::test]
async fn good_readings_are_stored_when_the_answer_comes() {
    let (rig, token) = ready().await;
    let body = json!([reading(T1, "wind_speed", 10.5), reading(T2, "wind_speed", 11.5)]);
    let answer = send(&rig, &token, body.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let receipt = answer.json();
    assert_eq!((&receipt["accepted"], &receipt["quarantined"]), (&json!(2), &json!(0)));

    let path = "/api/v1/datastreams/hm-001%2Fwind_speed/observations";
    let items = rig.get(&token, path).await.json()["items"].clone();
    assert_eq!(items[0]["time"], "2026-07-25T07:50:00.000+08:00");
    assert_eq!((&items[0]["value"], &items[1]["value"]), (&json!(10.5), &json!(11.5)));
    assert_eq!(items[1]["commit"], receipt["commit"]);

    let again = send(&rig, &token, body).await;
    assert_eq!(again.json()["accepted"], 2);
    let ledger = rig.get(&token, "/api/v1/ledger").await.json();
    assert_eq!(ledger["balanced"], true);
    let total = &ledger["total"];
    assert_eq!((&total["received"], &total["stored"]), (&json!(4), &json!(2)), "{ledger}");
    assert_eq!((&total["duplicate"], &total["visible"]), (&json!(2), &json!(2)));
    assert_eq!(ledger["items"][0]["source"], "http");
    let metrics = rig.get("", "/metrics").await.text();
    let line = "tidewatch_readings_total{source=\"http\",outcome=\"stored\"} 2\n";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn bad_readings_are_named_and_cost_only_themselves() {
    let (rig, token) = ready().await;
    let body = json!([reading(T1, "wind_speed", 10.5), reading(T2, "windspd", 1.0)]);
    let mixed = send(&rig, &token, body).await;
    assert_eq!(mixed.status, StatusCode::CREATED, "{}", mixed.text());
    let receipt = mixed.json();
    assert_eq!((&receipt["accepted"], &receipt["quarantined"]), (&json!(1), &json!(1)));
    let problem = &receipt["problems"][0];
    assert_eq!(problem["code"], "unknown_property");
    assert!(problem["pointer"].as_str().unwrap().starts_with('#'), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("windspd"), "{problem}");

    let bad = send(&rig, &token, reading(T2, "windspd", 1.0)).await;
    assert_eq!(bad.problem(), (422, "unknown_property".to_owned()));
    assert_eq!(bad.json()["errors"][0]["pointer"], "#/values/windspd");
    let junk = rig.send(raw(&token, "application/json", "{\"values\":")).await;
    assert_eq!(junk.status, StatusCode::UNPROCESSABLE_ENTITY);

    let list = rig.get(&token, "/api/v1/quarantine").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 3, "{list}");
    let ledger = rig.get(&token, "/api/v1/ledger").await.json();
    assert_eq!(ledger["total"]["quarantined"], 3);
    assert_eq!(ledger["balanced"], true);
}

fn raw(token: &str, media: &str, body: &str) -> Request<Body> {
    let mut request = call(Method::POST, &format!("{PATH}?thing=hm-001"), token, None);
    request.headers_mut().insert(header::CONTENT_TYPE, media.parse().unwrap());
    *request.body_mut() = Body::from(body.to_owned());
    request
}

#[tokio::test]
async fn the_content_type_or_the_query_says_the_codec() {
    let (rig, token) = ready().await;
    let senml = r#"[{"bn":"hm-001/","n":"wind_speed","u":"m/s","v":3.0,"t":1784937000}]"#;
    let answer = rig.send(raw(&token, "application/senml+json", senml)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let answer = rig.send(raw(&token, "application/xml", senml)).await;
    assert_eq!(answer.problem().0, 415);
    let path = format!("{PATH}?thing=hm-001&codec=senml");
    let mut request = call(Method::POST, &path, &token, None);
    *request.body_mut() = Body::from(senml);
    assert_eq!(rig.send(request).await.status, StatusCode::CREATED);
    let path = format!("{PATH}?thing=hm-001&codec=sparkplug");
    assert_eq!(rig.post(&token, &path, json!({})).await.problem().0, 400);
    assert_eq!(rig.post(&token, PATH, json!({})).await.problem().0, 400);
    // A thing that nobody registered: quarantined like from any door.
    let path = format!("{PATH}?thing=hm-009");
    let answer = rig.post(&token, &path, reading(T1, "wind_speed", 1.0)).await;
    assert_eq!(answer.problem(), (422, "unknown_thing".to_owned()));
}

fn basic(thing: &str, secret: &str, path: &str, body: &Value) -> Request<Body> {
    let mut request = call(Method::POST, path, "", Some(body.clone()));
    let value = format!("Basic {}", STANDARD.encode(format!("{thing}:{secret}")));
    request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
    request
}

#[tokio::test]
async fn a_device_sends_for_itself_and_a_gateway_for_its_things() {
    let (rig, token) = ready().await;
    rig.station(&token, "hm-002").await;
    rig.station(&token, "gw-1").await;
    let scope = json!({ "things": ["hm-002"] });
    let issued = rig.post(&token, "/api/v1/things/gw-1/credentials", scope).await.json();
    let secret = issued["secret"].as_str().unwrap();
    let body = reading(T1, "wind_speed", 1.0);

    let own = rig.send(basic("gw-1", secret, PATH, &body)).await;
    assert_eq!(own.status, StatusCode::CREATED, "{}", own.text());
    let of_others = format!("{PATH}?thing=hm-002");
    assert_eq!(
        rig.send(basic("gw-1", secret, &of_others, &body)).await.status,
        StatusCode::CREATED
    );
    let foreign = format!("{PATH}?thing=hm-001");
    let answer = rig.send(basic("gw-1", secret, &foreign, &body)).await;
    assert_eq!(answer.problem(), (403, "foreign_thing".to_owned()));
    let wrong = rig.send(basic("gw-1", "wrong", PATH, &body)).await;
    assert_eq!(wrong.problem(), (401, "secret_invalid".to_owned()));
    assert!(wrong.header(header::WWW_AUTHENTICATE).starts_with("Basic"));
    let elsewhere = rig.send(basic("gw-1", secret, "/api/v1/things", &body)).await;
    assert_eq!(elsewhere.problem().0, 401, "a device's secret opened another door");
}

#[tokio::test]
async fn what_was_set_aside_is_sent_again_once() {
    let (rig, token) = ready().await;
    let path = format!("{PATH}?thing=hm-007");
    let sent = reading(T1, "wind_speed", 9.0);
    assert_eq!(rig.post(&token, &path, sent.clone()).await.problem().0, 422);
    let list = rig.get(&token, "/api/v1/quarantine?reason=unknown_thing").await.json();
    let id = list["items"][0]["id"].as_u64().unwrap();
    let entry = rig.get(&token, &format!("/api/v1/quarantine/{id}")).await.json();
    let payload: Value = serde_json::from_str(entry["payload_text"].as_str().unwrap()).unwrap();
    assert_eq!(payload, sent);
    assert_eq!(entry["payload_hex"].as_str().unwrap().len(), 2 * sent.to_string().len());

    rig.station(&token, "hm-007").await;
    let redrive = format!("/api/v1/quarantine/{id}/redrive");
    let answer = rig.send(call(Method::POST, &redrive, &token, None)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["accepted"], 1);
    let again = rig.send(call(Method::POST, &redrive, &token, None)).await;
    assert_eq!(again.problem(), (409, "redriven".to_owned()));
    let open = rig.get(&token, "/api/v1/quarantine?redriven=false").await.json();
    assert_eq!(open["items"], json!([]));
    let ledger = rig.get(&token, "/api/v1/ledger").await.json();
    assert_eq!(ledger["balanced"], true);
    let sources: Vec<&str> = ledger["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["source"].as_str().unwrap())
        .collect();
    assert!(sources.contains(&"redrive"), "{sources:?}");
}

#[tokio::test]
async fn the_door_closes_before_the_rest() {
    let (rig, token) = ready().await;
    rig.state.close_door();
    let answer = send(&rig, &token, reading(T1, "wind_speed", 1.0)).await;
    assert_eq!(answer.problem(), (503, "shutting_down".to_owned()));
    assert!(!answer.header(header::RETRY_AFTER).is_empty());
    assert_eq!(rig.get(&token, "/api/v1/things").await.status, StatusCode::OK);
    let ready = rig.get("", "/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(rig.pipeline);
    tokio::time::timeout(Duration::from_secs(10), rig.pipeline_task).await.unwrap().unwrap();
}

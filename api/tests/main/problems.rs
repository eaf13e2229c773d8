//! Each way to fail gives its problem document.

use std::time::Duration;

use api::ApiOptions;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::json;
use store::Role;

use crate::rig::{Rig, call, station};

/// (method, path, content type, body, expected status and code), as engineer.
const CASES: [(&str, &str, &str, &str, u16, &str); 27] = [
    ("GET", "/api/v1/nothing", "", "", 404, "not_found"),
    ("GET", "/api/v1/things?kin=shelter", "", "", 400, "query_invalid"),
    ("GET", "/api/v1/things?kind=shlter", "", "", 400, "bad_request"),
    ("GET", "/api/v1/things?limit=0", "", "", 400, "bad_request"),
    ("GET", "/api/v1/things?limit=1001", "", "", 400, "bad_request"),
    ("GET", "/api/v1/things?limit=ten", "", "", 400, "query_invalid"),
    ("GET", "/api/v1/things?kind=shelter&kind=shelter", "", "", 400, "query_invalid"),
    ("GET", "/api/v1/things?cursor=abc", "", "", 400, "cursor_invalid"),
    ("GET", "/api/v1/things/no-such", "", "", 404, "thing_not_found"),
    ("GET", "/api/v1/things/NOT%20AN%20ID", "", "", 404, "thing_not_found"),
    ("GET", "/api/v1/things/%FF", "", "", 400, "path_invalid"),
    ("PATCH", "/api/v1/things", "", "", 405, "method_not_allowed"),
    ("POST", "/api/v1/things", "text/csv", "{}", 415, "unsupported_media_type"),
    ("POST", "/api/v1/things", "application/json", "{", 400, "bad_request"),
    ("POST", "/api/v1/things", "application/json", "{\"id\":\"a\"}", 400, "bad_request"),
    (
        "POST",
        "/api/v1/things",
        "application/json",
        "{\"id\":\"a\",\"id\":\"b\"}",
        400,
        "bad_request",
    ),
    ("POST", "/api/v1/things", "application/json", "{\"position\":[1e400,0]}", 400, "bad_request"),
    ("PUT", "/api/v1/things/x", "application/json", "{}", 400, "bad_request"),
    ("POST", "/api/v1/things/import", "text/plain", "id", 415, "unsupported_media_type"),
    ("POST", "/api/v1/things/import", "text/csv", "", 422, "file_invalid"),
    ("GET", "/api/v1/datastreams/a%2Fb/observations", "", "", 404, "datastream_not_found"),
    ("GET", "/api/v1/indices/safety/scores", "", "", 404, "index_not_found"),
    ("GET", "/api/v1/indices/hazard/scores", "", "", 503, "scores_pending"),
    ("GET", "/api/v1/quarantine/99", "", "", 404, "quarantine_not_found"),
    ("POST", "/api/v1/quarantine/99/redrive", "", "", 404, "quarantine_not_found"),
    ("GET", "/api/v1/ledger?start=2026-07-25T08:00:00", "", "", 400, "bad_request"),
    ("GET", "/api/v1/users", "", "", 403, "forbidden"),
];

#[tokio::test]
async fn each_kind_of_failure_has_its_problem_document() {
    let rig = Rig::new().await;
    let token = rig.token("wang", Role::Engineer).await;
    for (method, path, content_type, body, status, code) in CASES {
        let mut request = call(method.parse().unwrap(), path, &token, None);
        if !content_type.is_empty() {
            let value = content_type.parse().unwrap();
            request.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        *request.body_mut() = Body::from(body);
        let answer = rig.send(request).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{method} {path} {body}");
        let problem = answer.json();
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{method} {path}");
        assert!(problem["instance"].as_str().unwrap().starts_with("urn:uuid:"));
        let explanation = rig.get("", problem["type"].as_str().unwrap()).await;
        assert_eq!(explanation.status, StatusCode::OK, "{}", problem["type"]);
    }
}

#[tokio::test]
async fn a_plus_that_became_a_space_is_named() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let answer = rig.get(&token, "/api/v1/ledger?start=2026-07-25T08:00:00+08:00").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("%2B"), "{}", answer.text());
    assert_eq!(answer.json()["errors"][0]["parameter"], "start");
}

#[tokio::test]
async fn problems_speak_the_readers_language_and_keep_their_trace() {
    let rig = Rig::new().await;
    let ask = |language: &str| {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        Request::builder()
            .uri("/api/v1/things")
            .header(header::ACCEPT_LANGUAGE, language)
            .header("traceparent", trace)
            .body(Body::empty())
            .unwrap()
    };
    let chinese = rig.send(ask("fr")).await;
    assert_eq!(chinese.json()["title"], "需要登录");
    assert_eq!(chinese.header(header::CONTENT_LANGUAGE), "zh-CN");
    assert!(chinese.header(header::WWW_AUTHENTICATE).starts_with("Bearer"));
    let english = rig.send(ask("en-GB")).await;
    assert_eq!(english.json()["title"], "Not logged in");
    assert_eq!(english.header(header::CONTENT_LANGUAGE), "en");
    for (name, value) in [("type", "/problems/unauthenticated"), ("code", "unauthenticated")] {
        assert_eq!(chinese.json()[name], value);
        assert_eq!(english.json()[name], value);
    }
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    assert_eq!(english.json()["trace_id"], trace);
    assert!(english.header("traceparent").starts_with(&format!("00-{trace}-")));
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_an_import_may_be_larger() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let large = "x".repeat(300 * 1024);
    let send = |path: &str, media: &'static str| {
        let mut request = call(Method::POST, path, &token, None);
        request.headers_mut().insert(header::CONTENT_TYPE, media.parse().unwrap());
        *request.body_mut() = Body::from(large.clone());
        request
    };
    let answer = rig.send(send("/api/v1/observations?thing=a", "text/plain")).await;
    assert_eq!(answer.problem(), (413, "too_large".to_owned()));
    let answer = rig.send(send("/api/v1/things", "application/json")).await;
    assert_eq!(answer.problem(), (413, "too_large".to_owned()));
    let answer = rig.send(send("/api/v1/things/import", "text/csv")).await;
    assert_eq!(answer.problem().0, 422);

    // The same without a Content-Length.
    let mut chunked = send("/api/v1/things", "application/json");
    let pieces = (0..40).map(|_| Ok::<_, std::io::Error>(vec![b' '; 16 * 1024]));
    *chunked.body_mut() = Body::from_stream(futures_util::stream::iter(pieces));
    let answer = rig.send(chunked).await;
    assert_eq!(answer.problem(), (413, "too_large".to_owned()));
}

#[tokio::test]
async fn a_thing_with_many_faults_names_them_all_by_pointer() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let mut thing = station("hm-001");
    thing["kind"] = json!("hydromet");
    thing["township"] = json!("123");
    thing["position"] = json!([29.21, 121.95]);
    thing["datastreams"][1]["channel"] = json!("NOT");
    let answer = rig.post(&token, "/api/v1/things", thing).await;
    assert_eq!(answer.problem(), (422, "thing_invalid".to_owned()));
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    let pointers: Vec<&str> =
        errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["#/kind", "#/township", "#/position", "#/datastreams/1/channel"]);

    let mut thing = station("hm-001");
    thing["township"] = json!("330225999");
    thing["position"] = json!([120.0, 30.0]);
    thing["datastreams"][0]["property"] = json!("windspd");
    thing["datastreams"][1]["property"] = json!("freeboard");
    let answer = rig.post(&token, "/api/v1/things", thing).await;
    let problem = answer.json();
    assert_eq!(problem["errors"].as_array().unwrap().len(), 4, "{problem}");
}

#[tokio::test]
async fn a_flood_from_one_address_is_throttled() {
    let options = ApiOptions { requests_per_second_max: 5, ..ApiOptions::default() };
    let rig = Rig::with(options).await;
    let mut n_throttled = 0;
    for _ in 0..20 {
        let answer = rig.get("", "/api/v1/clock").await;
        if answer.status != StatusCode::OK {
            assert_eq!(answer.problem(), (429, "too_many_requests".to_owned()));
            assert_eq!(answer.header(header::RETRY_AFTER), "1");
            n_throttled += 1;
        }
    }
    assert!(n_throttled >= 10, "{n_throttled} of 20 throttled at 5 a second");
}

#[tokio::test]
async fn a_body_that_stops_coming_and_an_answer_that_does_not_come_have_an_end() {
    let stuck = |token: &str| {
        let mut request = call(Method::POST, "/api/v1/things", token, None);
        let media = "application/json".parse().unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, media);
        let body = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        *request.body_mut() = Body::from_stream(body);
        request
    };
    let short = Duration::from_millis(50);
    let rig = Rig::with(ApiOptions { body_pause_max: short, ..ApiOptions::default() }).await;
    let answer = rig.send(stuck(&rig.admin().await)).await;
    assert_eq!(answer.problem(), (408, "request_timeout".to_owned()));
    let rig = Rig::with(ApiOptions { request_timeout: short, ..ApiOptions::default() }).await;
    let answer = rig.send(stuck(&rig.admin().await)).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert!(!answer.header(header::RETRY_AFTER).is_empty());
    let answer = rig.send(call(Method::PATCH, "/api/v1/things", "", None)).await;
    assert_eq!(answer.problem().0, 405);
    assert_eq!(answer.header(header::ALLOW), "GET,HEAD,POST");
}

#[tokio::test]
async fn requests_beyond_the_cap_are_told_to_come_back() {
    let rig = Rig::with(ApiOptions { requests_max: 0, ..ApiOptions::default() }).await;
    let answer = rig.get("", "/api/v1/clock").await;
    assert_eq!(answer.problem(), (503, "busy".to_owned()));
    assert!(!answer.header(header::RETRY_AFTER).is_empty());
}

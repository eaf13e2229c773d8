//! Health, metrics, headers, the page, the documentation.

use axum::http::{Method, StatusCode, header};
use serde_json::json;

use crate::rig::{Rig, call};

#[tokio::test]
async fn readiness_writes_and_reads() {
    let rig = Rig::new().await;
    assert_eq!(rig.get("", "/healthz").await.text(), "ok\n");
    let ready = rig.get("", "/readyz").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.text());
    let body = ready.json();
    assert_eq!(body["ready"], true);
    let names: Vec<&str> = body["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["journal_write", "journal_read", "pipeline", "runner"]);
}

#[tokio::test]
async fn metrics_have_the_content_type_that_prometheus_wants() {
    let rig = Rig::new().await;
    let answer = rig.get("", "/metrics").await;
    let content_type = answer.header(header::CONTENT_TYPE);
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert!(answer.text().contains("tidewatch_build_info{version="));
}

#[tokio::test]
async fn every_answer_has_the_headers_that_browsers_obey() {
    let rig = Rig::new().await;
    for path in ["/", "/api/v1/session", "/api/v1/things", "/nothing", "/docs/", "/metrics"] {
        let answer = rig.get("", path).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        for part in
            ["default-src 'self'", "script-src 'self'", "object-src 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(policy.contains("unsafe-inline"), path == "/docs/", "{path}");
    }
}

#[tokio::test]
async fn addresses_of_views_give_the_page_and_others_nothing() {
    let rig = Rig::new().await;
    let page = rig.get("", "/").await;
    for path in ["/townships/330225101", "/things/hm-001", "/alerts", "/history", "/wall"] {
        let answer = rig.get("", path).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, page.text()), "{path}");
    }
    for path in ["/sta/v1.1", "/townships.js", "/assets/none.js"] {
        assert_eq!(rig.get("", path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_page_or_how_to_build_it_is_at_the_root() {
    let rig = Rig::new().await;
    let page = rig.get("", "/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header(header::CONTENT_TYPE).starts_with("text/html"));
    assert_eq!(rig.get("", "/no-such-file.js").await.status, StatusCode::NOT_FOUND);
    let post = rig.send(call(Method::POST, "/", "", None)).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
    let docs = rig.get("", "/docs/").await;
    assert_eq!(docs.status, StatusCode::OK);
    assert!(!docs.text().contains("https://"), "the documentation loads from elsewhere");
}

#[tokio::test]
async fn answers_are_compressed_and_lists_are_not_sent_twice() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let mut request = call(Method::GET, "/api/v1/properties", &token, None);
    request.headers_mut().insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
    let answer = rig.send(request).await;
    assert_eq!(answer.header(header::CONTENT_ENCODING), "gzip");
    let tag = answer.header(header::ETAG).to_owned();
    assert!(tag.starts_with("W/"), "{tag}");
    let mut request = call(Method::GET, "/api/v1/properties", &token, None);
    request.headers_mut().insert(header::IF_NONE_MATCH, tag.parse().unwrap());
    let answer = rig.send(request).await;
    assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
    assert!(!answer.header(header::VARY).is_empty());
}

#[tokio::test]
async fn clock_and_session_need_no_login() {
    let rig = Rig::new().await;
    let clock = rig.get("", "/api/v1/clock").await.json();
    let start = "2026-07-25T08:00:00.000+08:00";
    assert_eq!(clock, json!({ "scene": start, "real": start, "speed": 1.0 }));
    let session = rig.get("", "/api/v1/session").await.json();
    assert_eq!(session["user"], json!(null));
    assert_eq!(session["public_read"], "none");
    assert_eq!(session["county"]["code"], "330225");
    let head = rig.send(call(Method::HEAD, "/api/v1/clock", "", None)).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
}

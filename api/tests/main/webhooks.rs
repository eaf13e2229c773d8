//! The receivers of alerts, as operators see them.

use axum::http::StatusCode;
use serde_json::{Value, json};
use store::{OutboxNew, Role, Rows, TickRow, TickWrite};

use crate::rig::{Rig, START, time};

#[tokio::test]
async fn receivers_are_listed_with_what_waits() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let waiting = ["a-1", "a-2"].map(|key| OutboxNew {
        key: format!("duty:{key}"),
        receiver: "duty".to_owned(),
        body: "{}".to_owned(),
        created: time(START),
    });
    let write = TickWrite {
        tick: TickRow { at: time(START), commit: 0 },
        rows: std::sync::Arc::new(Rows::default()),
        scores: Vec::new(),
        alerts: Vec::new(),
        transitions: Vec::new(),
        memory: Vec::new(),
        outbox: waiting.to_vec(),
    };
    rig.store.write_tick(write).await.unwrap();
    let answer = rig.get(&token, "/api/v1/webhooks").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(!answer.text().contains("hush"), "only the host of a URL is shown");
    let expected = json!({
        "name": "duty", "host": "127.0.0.1", "state": "working", "min_level": "orange",
        "classes": ["life"], "exercise": false, "waiting": 2, "undelivered": 0, "failures": 0,
        "last_error": null, "last_error_at": null, "last_success": null,
    });
    assert_eq!(answer.json()["items"], json!([expected]));
}

#[tokio::test]
async fn a_test_says_what_the_receiver_said() {
    let rig = Rig::new().await;
    let token = rig.token("wang", Role::Engineer).await;
    let answer = rig.post(&token, "/api/v1/webhooks/duty/test", json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let found = answer.json();
    assert_eq!((&found["delivered"], &found["status"]), (&json!(false), &Value::Null));
    assert!(found["error"].as_str().unwrap().contains("cannot connect"), "{found}");

    let answer = rig.post(&token, "/api/v1/webhooks/nobody/test", json!({})).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.json()["code"], "webhook_not_found");
    let viewer = rig.token("li", Role::Viewer).await;
    let answer = rig.post(&viewer, "/api/v1/webhooks/duty/test", json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

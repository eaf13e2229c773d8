//! Accounts, and the credentials of devices.

use axum::http::{Method, StatusCode, header};
use serde_json::json;

use crate::rig::{Rig, call};

#[tokio::test]
async fn accounts_are_made_with_a_password_or_a_token_shown_once() {
    let rig = Rig::new().await;
    let admin = rig.admin().await;
    let users = "/api/v1/users";
    let made = rig.post(&admin, users, json!({ "name": "wang", "role": "engineer" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let password = made.json()["password"].as_str().unwrap().to_owned();
    let login = json!({ "name": "wang", "password": password });
    assert_eq!(rig.post("", "/api/v1/session", login).await.status, StatusCode::OK);

    let body = json!({ "name": "robot", "role": "viewer", "token": true });
    let made = rig.post(&admin, users, body).await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(rig.get(&token, "/api/v1/things").await.status, StatusCode::OK);
    assert_eq!(rig.get(&token, users).await.problem().0, 403);

    let list = rig.get(&admin, users).await;
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 3);
    assert!(!list.text().contains(&password) && !list.text().contains("argon2"));

    for (body, status) in [
        (json!({ "name": "wang", "role": "viewer" }), 409),
        (json!({ "name": "Wang", "role": "viewer" }), 422),
        (json!({ "name": "zhao", "role": "king" }), 422),
        (json!({ "name": "zhao", "role": "viewer", "password": "short" }), 422),
        (json!({ "name": "zhao", "role": "viewer", "extra": 1 }), 400),
    ] {
        assert_eq!(rig.post(&admin, users, body.clone()).await.problem().0, status, "{body}");
    }
    let path = "/api/v1/users/nobody/password";
    let answer = rig.send(call(Method::PUT, path, &admin, None)).await;
    assert_eq!(answer.problem(), (404, "user_not_found".to_owned()));
    let path = "/api/v1/users/wang/password";
    let answer = rig.send(call(Method::PUT, path, &admin, None)).await;
    assert_ne!(answer.json()["password"], json!(password));
}

#[tokio::test]
async fn a_new_credential_replaces_the_old_one_and_closes_its_connections() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "gw-3").await;
    let path = "/api/v1/things/gw-3/credentials";
    assert_eq!(rig.get(&token, path).await.problem().1, "credential_not_found");

    let first = rig.send(call(Method::POST, path, &token, None)).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    assert_eq!(first.header(header::CACHE_CONTROL), "no-store");
    let body = json!({ "things": ["hm-001"], "prefixes": ["rain-"] });
    let second = rig.post(&token, path, body.clone()).await;
    assert_ne!(first.json()["secret"], second.json()["secret"]);
    assert_eq!(second.json()["prefixes"], body["prefixes"]);
    assert_eq!(*rig.disconnected.lock().unwrap(), ["gw-3", "gw-3"]);

    let shown = rig.get(&token, path).await;
    assert_eq!(shown.json()["things"], body["things"]);
    assert!(shown.json().get("secret").is_none());

    let bad = json!({ "things": ["NOT"], "prefixes": ["#"] });
    assert_eq!(rig.post(&token, path, bad).await.json()["errors"].as_array().unwrap().len(), 2);
    let removed = rig.send(call(Method::DELETE, path, &token, None)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let again = rig.send(call(Method::DELETE, path, &token, None)).await;
    assert_eq!(again.problem().0, 404);
}

#[tokio::test]
async fn a_fleet_gets_its_credentials_in_one_request() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    rig.station(&token, "hm-002").await;
    let path = "/api/v1/things/credentials";
    let issued = rig.post(&token, path, json!({ "things": ["hm-002", "hm-001"] })).await;
    assert_eq!(issued.status, StatusCode::CREATED, "{}", issued.text());
    let items = issued.json()["items"].clone();
    assert_eq!((&items[0]["thing"], &items[1]["thing"]), (&json!("hm-002"), &json!("hm-001")));
    assert_ne!(items[0]["secret"], items[1]["secret"]);
    let missing = rig.post(&token, path, json!({ "things": ["hm-001", "hm-009"] })).await;
    assert_eq!(missing.json()["errors"][0]["pointer"], "#/things/1");
    assert_eq!(rig.post(&token, path, json!({ "things": [] })).await.problem().0, 422);
}

//! Logins, sessions, and who may do what.

use std::time::Duration;

use api::{ApiOptions, PublicRead};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use store::Role;

use crate::rig::{Answer, Rig, call};

async fn rig_with_password(options: ApiOptions) -> (Rig, String) {
    let rig = Rig::with(options).await;
    let password = api::ensure_administrator(&rig.store, &rig.clock).await.unwrap().unwrap();
    (rig, password)
}

fn login(name: &str, password: &str) -> Request<Body> {
    let body = json!({ "name": name, "password": password });
    call(Method::POST, "/api/v1/session", "", Some(body))
}

/// The `name=value` of the cookie that an answer sets.
fn cookie(answer: &Answer) -> String {
    let set = answer.header(header::SET_COOKIE);
    set.split(';').next().unwrap().to_owned()
}

fn with_cookie(method: Method, path: &str, cookie: &str, origin: &str) -> Request<Body> {
    let mut request = call(method, path, "", None);
    let headers = request.headers_mut();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    if !origin.is_empty() {
        headers.insert(header::ORIGIN, origin.parse().unwrap());
    }
    request
}

async fn user_of(rig: &Rig, cookie: &str) -> Value {
    let answer = rig.send(with_cookie(Method::GET, "/api/v1/session", cookie, "")).await;
    answer.json()["user"].clone()
}

#[tokio::test]
async fn a_session_lives_from_login_to_logout() {
    let (rig, password) = rig_with_password(ApiOptions::default()).await;
    assert_eq!(api::ensure_administrator(&rig.store, &rig.clock).await.unwrap(), None);
    let answer = rig.send(login("admin", &password)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["user"], json!({ "name": "admin", "role": "administrator" }));
    let set = answer.header(header::SET_COOKIE);
    for part in ["tidewatch_session=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"));

    let cookie = cookie(&answer);
    assert_eq!(user_of(&rig, &cookie).await["name"], "admin");
    let logout = with_cookie(Method::DELETE, "/api/v1/session", &cookie, "http://t.local");
    assert_eq!(rig.send(logout).await.status, StatusCode::NO_CONTENT);
    assert_eq!(user_of(&rig, &cookie).await, Value::Null);
    let things = with_cookie(Method::GET, "/api/v1/things", &cookie, "");
    assert_eq!(rig.send(things).await.problem().0, 401);
    let entries = rig.store.registry().audit_entries(10).await.unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert!(actions.contains(&"log_in") && actions.contains(&"log_out"), "{actions:?}");
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_the_host() {
    let options = ApiOptions { secure_cookies: true, ..ApiOptions::default() };
    let (rig, password) = rig_with_password(options).await;
    let answer = rig.send(login("admin", &password)).await;
    let set = answer.header(header::SET_COOKIE);
    assert!(set.starts_with("__Host-tidewatch=") && set.ends_with("; Secure"), "{set}");
}

#[tokio::test]
async fn sessions_end_when_idle_when_old_and_with_the_password() {
    let (rig, password) = rig_with_password(ApiOptions::default()).await;
    let idle = cookie(&rig.send(login("admin", &password)).await);
    rig.pass(Duration::from_secs(29 * 60));
    assert_eq!(user_of(&rig, &idle).await["name"], "admin");
    rig.pass(Duration::from_secs(29 * 60));
    assert_eq!(user_of(&rig, &idle).await["name"], "admin", "its use was not noted");
    rig.pass(Duration::from_secs(30 * 60));
    assert_eq!(user_of(&rig, &idle).await, Value::Null);

    let old = cookie(&rig.send(login("admin", &password)).await);
    for _ in 0..35 {
        rig.pass(Duration::from_secs(20 * 60));
        assert_eq!(user_of(&rig, &old).await["name"], "admin");
    }
    rig.pass(Duration::from_secs(20 * 60));
    assert_eq!(user_of(&rig, &old).await, Value::Null, "12 hours are over");

    let revoked = cookie(&rig.send(login("admin", &password)).await);
    let token = rig.admin().await;
    let path = "/api/v1/users/admin/password";
    let body = json!({ "password": "another long one" });
    let answer = rig.send(call(Method::PUT, path, &token, Some(body))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(user_of(&rig, &revoked).await, Value::Null);
    assert_eq!(rig.send(login("admin", &password)).await.problem().0, 401);
    assert_eq!(rig.send(login("admin", "another long one")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_login_makes_a_new_session_id() {
    let (rig, password) = rig_with_password(ApiOptions::default()).await;
    let first = cookie(&rig.send(login("admin", &password)).await);
    let mut again = login("admin", &password);
    again.headers_mut().insert(header::COOKIE, first.parse().unwrap());
    again.headers_mut().insert(header::ORIGIN, "http://t.local".parse().unwrap());
    let second = cookie(&rig.send(again).await);
    assert_ne!(first, second);
    assert_eq!(user_of(&rig, &first).await, Value::Null);
    assert_eq!(user_of(&rig, &second).await["name"], "admin");
}

#[tokio::test]
async fn guessing_a_password_stops_after_five_attempts() {
    let (rig, password) = rig_with_password(ApiOptions::default()).await;
    for _ in 0..5 {
        assert_eq!(rig.send(login("admin", "guess")).await.problem().1, "login_failed");
    }
    let answer = rig.send(login("admin", &password)).await;
    assert_eq!(answer.problem(), (429, "login_throttled".to_owned()));
    let wait: u64 = answer.header(header::RETRY_AFTER).parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    rig.pass(Duration::from_secs(900));
    assert_eq!(rig.send(login("admin", &password)).await.status, StatusCode::OK);
    // The right one forgives the wrong ones before it.
    for _ in 0..4 {
        rig.send(login("admin", "guess")).await;
    }
    assert_eq!(rig.send(login("admin", &password)).await.status, StatusCode::OK);
    assert_eq!(rig.send(login("admin", "guess")).await.problem().1, "login_failed");
}

#[tokio::test]
async fn an_address_that_guesses_tokens_is_made_to_wait() {
    let options = ApiOptions { failures_max: 3, ..ApiOptions::default() };
    let rig = Rig::with(options).await;
    let token = rig.admin().await;
    for _ in 0..3 {
        assert_eq!(rig.get("nonsense", "/api/v1/things").await.problem().1, "token_invalid");
    }
    assert_eq!(rig.get(&token, "/api/v1/things").await.problem().0, 429);
    rig.pass(Duration::from_secs(900));
    assert_eq!(rig.get(&token, "/api/v1/things").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_foreign_page_cannot_use_the_cookie() {
    let (rig, password) = rig_with_password(ApiOptions::default()).await;
    let cookie = cookie(&rig.send(login("admin", &password)).await);
    let path = "/api/v1/things/credentials";
    for origin in ["", "http://evil.local", "null", "http://t.local.evil", "http://t.local:81"] {
        let answer = rig.send(with_cookie(Method::POST, path, &cookie, origin)).await;
        assert_eq!(answer.problem(), (403, "origin_foreign".to_owned()), "{origin:?}");
    }
    for media in ["text/plain", "application/x-www-form-urlencoded; charset=utf-8"] {
        let mut form = with_cookie(Method::POST, path, &cookie, "http://t.local");
        form.headers_mut().insert(header::CONTENT_TYPE, media.parse().unwrap());
        assert_eq!(rig.send(form).await.problem().0, 415, "{media}");
    }
    let mut login = login("admin", &password);
    login.headers_mut().insert(header::ORIGIN, "http://evil.local".parse().unwrap());
    assert_eq!(rig.send(login).await.problem().1, "origin_foreign");
}

/// Every operation of the document, as each identity, under each setting:
/// what the policy refuses never reaches a handler.
#[tokio::test]
async fn the_policy_holds_for_every_operation() {
    let document: Value = serde_json::from_str(api::openapi_json()).unwrap();
    for public_read in [PublicRead::None, PublicRead::Indices, PublicRead::All] {
        let rig = Rig::with(ApiOptions { public_read, ..ApiOptions::default() }).await;
        let administrator = rig.admin().await;
        let engineer = rig.token("wang", Role::Engineer).await;
        let viewer = rig.token("li", Role::Viewer).await;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                for (who, token) in [
                    ("anonymous", ""),
                    ("viewer", viewer.as_str()),
                    ("engineer", engineer.as_str()),
                    ("administrator", administrator.as_str()),
                ] {
                    let path = path.replace(['{', '}'], "");
                    let method = method.to_uppercase().parse().unwrap();
                    let request = call(method, &path, token, None);
                    let status = status_of(&rig, request).await;
                    let expected = expected(id, who, public_read);
                    let found = match status.as_u16() {
                        401 if id != "log_in" => Some(401),
                        403 => Some(403),
                        _ => None,
                    };
                    assert_eq!(found, expected, "{id} as {who} under {public_read:?}: {status}");
                }
            }
        }
    }
}

/// Of a stream the head is enough.
async fn status_of(rig: &Rig, request: Request<Body>) -> StatusCode {
    use tower::ServiceExt;
    rig.router.clone().oneshot(request).await.unwrap().status()
}

/// Written down a second time, on purpose: by what people were promised.
fn expected(operation: &str, who: &str, public_read: PublicRead) -> Option<u16> {
    let rank = match who {
        "anonymous" => 0,
        "viewer" => 1,
        "engineer" => 2,
        _ => 3,
    };
    let needed = match operation {
        "get_clock" | "get_session" | "log_in" | "log_out" => 0,
        "list_townships"
        | "list_indices"
        | "list_scores"
        | "list_township_scores"
        | "get_explanation"
        | "list_alerts"
        | "get_alert"
        | "list_models"
        | "list_holds"
        | "listen_events" => i32::from(public_read == PublicRead::None),
        "list_properties" | "list_things" | "get_thing" | "list_datastreams" | "list_latest"
        | "list_observations" | "list_columns" | "get_situation" | "get_readiness"
        | "get_ledger" | "list_signals" | "get_signal" | "list_responses" | "get_response"
        | "list_recall_orders" | "get_recall_order" | "list_storms" | "get_storm"
        | "list_bulletins" | "get_bulletin" | "list_silences" | "list_overrides" => {
            i32::from(public_read != PublicRead::All)
        }
        "list_exports" | "export_observations" | "export_scores" => 1,
        "list_users" | "create_user" | "set_password" => 3,
        _ => 2,
    };
    match rank {
        _ if rank >= needed => None,
        0 => Some(401),
        _ => Some(403),
    }
}

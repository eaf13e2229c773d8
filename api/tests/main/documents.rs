//! What others declare: kept in versions, checked member by member.

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use store::Role;

use crate::rig::{Answer, Rig, SHIPU, XIZHOU, call};

const ISSUED: &str = "2026-07-25T07:00:00.000+08:00";
const SOON: &str = "2026-07-25T14:00:00.000+08:00";
const LATER: &str = "2026-07-26T20:00:00.000+08:00";

/// Where it is posted, its body, and a member of the next version.
type Kind = (&'static str, Value, (&'static str, Value));

fn fix(time: &str, position: [f64; 2], pressure_hpa: f64) -> Value {
    json!({ "time": time, "position": position, "pressure_hpa": pressure_hpa })
}

fn signal() -> Value {
    json!({
        "id": "sg-1", "kind": "typhoon", "level": "orange", "area": "county",
        "issuer": "象山县气象台", "issued": ISSUED, "valid_until": LATER, "note": "第1号",
    })
}

fn recall_order(bands: Value) -> Value {
    json!({ "id": "ro-1", "issuer": "象山县农业农村局", "issued": ISSUED, "bands": bands })
}

fn storm(id: &str) -> Value {
    json!({ "id": id, "name": { "zh": "海葵", "en": "Haikui" }, "number": "1211" })
}

fn bulletin(observed: Value, forecast: Value) -> Value {
    json!({
        "id": "bu-1", "agency": "JMA", "issued": ISSUED, "averaging_min": 10,
        "observed": observed, "forecast": forecast,
    })
}

/// A storm comes before its bulletins.
fn kinds() -> Vec<Kind> {
    let cancelled = ("cancelled", json!(SOON));
    let band = |from: f64, to: f64| json!({ "lat_min": from, "lat_max": to, "deadline": SOON });
    let response = json!({
        "id": "rs-1", "level": "red", "area": { "townships": [SHIPU, XIZHOU] },
        "issuer": "象山县防汛防台指挥部", "issued": ISSUED,
    });
    let observed = json!([fix(ISSUED, [123.4, 28.9], 965.0)]);
    let forecast = json!([fix(SOON, [121.7, 29.3], 970.0)]);
    vec![
        ("signals", signal(), cancelled.clone()),
        ("responses", response, cancelled.clone()),
        ("recall-orders", recall_order(json!([band(20.0, 29.0), band(29.0, 35.0)])), cancelled),
        ("storms", storm("haikui-2012"), ("ended", json!(SOON))),
        ("storms/haikui-2012/bulletins", bulletin(observed, forecast), ("is_final", json!(true))),
    ]
}

#[track_caller]
fn check_holds(view: &Value, sent: &Value) {
    match (view, sent) {
        (Value::Object(view), Value::Object(sent)) => {
            sent.iter().for_each(|(name, sent)| check_holds(&view[name], sent));
        }
        (Value::Array(view), Value::Array(sent)) => {
            assert_eq!(view.len(), sent.len());
            view.iter().zip(sent).for_each(|(view, sent)| check_holds(view, sent));
        }
        _ => assert_eq!(view, sent),
    }
}

async fn with_header(
    rig: &Rig,
    mut request: Request,
    name: header::HeaderName,
    value: &str,
) -> Answer {
    request.headers_mut().insert(name, value.parse().unwrap());
    rig.send(request).await
}

type Request = axum::http::Request<axum::body::Body>;

/// Created, read, known already, and where it is.
async fn check_creation(rig: &Rig, token: &str, (path, sent, _): &Kind) -> String {
    let collection = format!("/api/v1/{path}");
    let answer = rig.post(token, &collection, sent.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.text());
    let location = answer.header(header::LOCATION).to_owned();
    assert_eq!(location, format!("{collection}/{}", sent["id"].as_str().unwrap()));
    let created = answer.json();
    check_holds(&created, sent);
    assert_eq!((&created["revision"], &created["stored"]["by"]), (&json!(1), &json!("wang")));

    let read = rig.get(token, &location).await;
    assert_eq!((read.status, read.json()), (StatusCode::OK, created), "{path}");
    let tag = read.header(header::ETAG);
    assert_eq!(tag, "\"r1\"");
    let again = call(Method::GET, &location, token, None);
    let known = with_header(rig, again, header::IF_NONE_MATCH, tag).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let twice = rig.post(token, &collection, sent.clone()).await;
    assert_eq!(twice.problem(), (409, "document_exists".to_owned()), "{path}");
    location
}

/// A new version with each precondition, and none over a newer one.
async fn check_replacement(rig: &Rig, token: &str, location: &str, change: &(&str, Value)) {
    let mut next = rig.get(token, location).await.json();
    next[change.0] = change.1.clone();
    let put = || call(Method::PUT, location, token, Some(next.clone()));
    let answer = with_header(rig, put(), header::IF_NONE_MATCH, "*").await;
    assert_eq!(answer.problem(), (412, "document_exists".to_owned()), "{location}");
    let answer = with_header(rig, put(), header::IF_MATCH, "\"r1\"").await;
    assert_eq!(answer.status, StatusCode::OK, "{location}: {}", answer.text());
    assert_eq!(answer.header(header::ETAG), "\"r2\"");
    assert_eq!((&answer.json()[change.0], &answer.json()["revision"]), (&change.1, &json!(2)));
    for stale in ["\"r1\"", "W/\"r2\"", "\"x\""] {
        let mut other = next.clone();
        other[change.0] = if change.1.is_boolean() { json!(false) } else { Value::Null };
        let request = call(Method::PUT, location, token, Some(other));
        let answer = with_header(rig, request, header::IF_MATCH, stale).await;
        assert_eq!(answer.problem(), (412, "stale".to_owned()), "{location} {stale}");
    }
    // Nothing changes: the version stays, whoever says so.
    let answer = with_header(rig, put(), header::IF_MATCH, "*").await;
    assert_eq!(answer.json()["revision"], 2);
    next[change.0] = if change.1.is_boolean() { json!(false) } else { Value::Null };
    let answer = rig.put(token, location, next.clone()).await;
    assert_eq!((answer.status, answer.header(header::ETAG)), (StatusCode::OK, "\"r3\""));
    next["id"] = json!("another");
    let answer = rig.put(token, location, next).await;
    assert_eq!(answer.problem().0, 400, "{location}");
}

#[tokio::test]
async fn every_kind_is_created_read_replaced_and_listed() {
    let rig = Rig::new().await;
    let token = rig.token("wang", Role::Engineer).await;
    for kind in kinds() {
        let location = check_creation(&rig, &token, &kind).await;
        check_replacement(&rig, &token, &location, &kind.2).await;
        let (collection, _) = location.rsplit_once('/').unwrap();
        let list = rig.get(&token, collection).await.json();
        assert_eq!(
            (list["items"].as_array().unwrap().len(), &list["next_cursor"]),
            (1, &json!(null))
        );
        assert_eq!(list["items"][0]["revision"], 3);
        for missing in ["no-such", "NOT%20AN%20ID"] {
            let path = format!("{collection}/{missing}");
            let answer = rig.get(&token, &path).await;
            assert_eq!(answer.problem(), (404, "document_not_found".to_owned()), "{path}");
            let answer = rig.put(&token, &path, kind.1.clone()).await;
            assert_eq!(answer.problem().0, 404, "{path}");
        }
        // Without an id one is made, which may be read.
        let mut nameless = kind.1.clone();
        nameless.as_object_mut().unwrap().remove("id");
        let answer = rig.post(&token, collection, nameless).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let made = rig.get(&token, answer.header(header::LOCATION)).await;
        assert_eq!(made.json(), answer.json());
    }
    let entries = rig.store.registry().audit_entries(100).await.unwrap();
    let n_of = |action: &str| entries.iter().filter(|entry| entry.action == action).count();
    for kind in ["signal", "response", "recall_order", "storm", "bulletin"] {
        let (created, changed) = (format!("create_{kind}"), format!("change_{kind}"));
        assert_eq!((n_of(&created), n_of(&changed)), (2, 2), "{kind}");
    }
}

fn pointers(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.problem(), (422, "document_invalid".to_owned()), "{}", answer.text());
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

/// (path, what replaces members of the sound body, pointers of the problems)
fn refusals() -> Vec<(&'static str, Value, &'static [&'static str])> {
    let bands = |list: &[(f64, f64)]| {
        let one =
            |&(from, to): &(f64, f64)| json!({ "lat_min": from, "lat_max": to, "deadline": SOON });
        json!({ "bands": list.iter().map(one).collect::<Vec<_>>() })
    };
    let there = [123.4, 28.9];
    let before = "2026-07-25T01:00:00+08:00";
    let (signals, orders) = ("signals", "recall-orders");
    let bulletins = "storms/haikui-2012/bulletins";
    vec![
        (signals, json!({ "valid_until": null }), &["#/valid_until"]),
        (signals, json!({ "area": null }), &["#/area"]),
        (signals, json!({ "area": null, "valid_until": null }), &["#/area", "#/valid_until"]),
        (
            signals,
            json!({ "area": { "townships": [SHIPU, "330225999"] } }),
            &["#/area/townships/1"],
        ),
        (signals, json!({ "kind": "snow", "level": "none" }), &["#/kind", "#/level"]),
        (signals, json!({ "issuer": " ", "id": "Sg 1" }), &["#/id", "#/issuer"]),
        (signals, json!({ "valid_until": ISSUED }), &["#/valid_until"]),
        (signals, json!({ "cancelled": before }), &["#/cancelled"]),
        (signals, json!({ "issued": SOON, "note": "注".repeat(2_001) }), &["#/issued", "#/note"]),
        ("responses", json!({ "level": "purple", "issuer": null }), &["#/level", "#/issuer"]),
        ("responses", json!({ "area": "town" }), &["#/area"]),
        (orders, bands(&[]), &["#/bands"]),
        (orders, bands(&[(20.0, 27.0), (28.0, 35.0)]), &["#/bands/1/lat_min"]),
        (orders, bands(&[(20.0, 27.0), (26.0, 35.0)]), &["#/bands/1/lat_min"]),
        (orders, bands(&[(27.0, 20.0)]), &["#/bands/0/lat_max"]),
        (orders, bands(&[(20.0, 91.0)]), &["#/bands/0/lat_max"]),
        (
            "storms",
            json!({ "name": null, "intensity_factor": 9.0 }),
            &["#/name", "#/intensity_factor"],
        ),
        ("storms", json!({ "name": { "zh": "", "en": "Haikui" } }), &["#/name/zh"]),
        (
            bulletins,
            json!({ "agency": null, "averaging_min": 11 }),
            &["#/agency", "#/averaging_min"],
        ),
        (bulletins, json!({ "observed": [], "forecast": [] }), &["#/observed"]),
        (
            bulletins,
            json!({ "observed": [fix(before, there, 0.0), fix(ISSUED, [28.9, 123.4], 965.0)] }),
            &["#/observed/0/pressure_hpa", "#/observed/1/position"],
        ),
        (
            bulletins,
            json!({ "observed": [fix(ISSUED, there, 965.0), fix(before, there, 965.0)] }),
            &["#/observed/1/time"],
        ),
        (bulletins, json!({ "forecast": [fix(before, there, 965.0)] }), &["#/forecast/0/time"]),
        (
            bulletins,
            json!({ "observed": [fix(SOON, there, 965.0)], "forecast": [] }),
            &["#/observed/0/time"],
        ),
    ]
}

#[tokio::test]
async fn every_mistake_is_named_in_both_languages_and_nothing_stored() {
    let rig = Rig::new().await;
    let token = rig.token("wang", Role::Engineer).await;
    let kinds = kinds();
    rig.post(&token, "/api/v1/storms", kinds[3].1.clone()).await;
    for (path, wrong, expected) in refusals() {
        let (_, sound, _) = kinds.iter().find(|(of, ..)| *of == path).unwrap();
        let mut body = sound.clone();
        if path == "storms" {
            body["id"] = json!("other");
        }
        for (name, value) in wrong.as_object().unwrap() {
            body[name] = value.clone();
        }
        let path = format!("/api/v1/{path}");
        let answer = rig.post(&token, &path, body.clone()).await;
        assert_eq!(pointers(&answer), expected, "{wrong}");
        let request = call(Method::POST, &path, &token, Some(body));
        let english = with_header(&rig, request, header::ACCEPT_LANGUAGE, "en").await;
        let (chinese, english) = (answer.json(), english.json());
        for (zh, en) in
            chinese["errors"].as_array().unwrap().iter().zip(english["errors"].as_array().unwrap())
        {
            assert_eq!(zh["pointer"], en["pointer"]);
            assert!(!zh["detail"].as_str().unwrap().is_ascii(), "{zh}");
            assert!(en["detail"].as_str().unwrap().is_ascii(), "{en}");
        }
        if path != "/api/v1/storms" {
            assert_eq!(rig.get(&token, &path).await.json()["items"], json!([]), "{wrong}");
        }
    }
    for (path, body) in [
        ("signals", json!({ "id": "sg-1", "colour": "red" })),
        ("signals", json!({ "issued": "yesterday" })),
        ("storms/haikui-2012/bulletins", json!({ "observed": [{ "time": ISSUED }] })),
    ] {
        let answer = rig.post(&token, &format!("/api/v1/{path}"), body.clone()).await;
        assert_eq!(answer.problem().0, 400, "{body}");
    }
}

#[tokio::test]
async fn a_page_goes_on_where_the_one_before_ended() {
    let rig = Rig::new().await;
    let token = rig.token("wang", Role::Engineer).await;
    for id in ["st-1", "st-2"] {
        rig.post(&token, "/api/v1/storms", storm(id)).await;
    }
    let observed = json!([fix(ISSUED, [123.4, 28.9], 965.0)]);
    for (storm, id) in [("st-1", "bu-1"), ("st-2", "bu-2"), ("st-1", "bu-3"), ("st-1", "bu-4")] {
        let mut body = bulletin(observed.clone(), json!([]));
        body["id"] = json!(id);
        let answer = rig.post(&token, &format!("/api/v1/storms/{storm}/bulletins"), body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
    let path = "/api/v1/storms/st-1/bulletins?limit=2";
    let ids = |page: &Value| {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = rig.get(&token, path).await;
    assert_eq!(ids(&first.json()), ["bu-4", "bu-3"], "the last stored first");
    assert!(first.header(header::LINK).contains("rel=\"next\""));
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let second = rig.get(&token, &format!("{path}&cursor={cursor}")).await.json();
    assert_eq!((ids(&second), &second["next_cursor"]), (vec!["bu-1".to_owned()], &json!(null)));
    for other in ["storms/st-2/bulletins", "storms", "signals"] {
        let answer = rig.get(&token, &format!("/api/v1/{other}?cursor={cursor}")).await;
        assert_eq!(answer.problem().1, "cursor_invalid", "{other}");
    }
    let answer = rig.get(&token, "/api/v1/storms/st-2/bulletins/bu-1").await;
    assert_eq!(answer.problem().0, 404, "a bulletin is read below its storm only");
}

#[tokio::test]
async fn what_is_declared_counts_at_the_next_tick() {
    let rig = Rig::new().await;
    let token = rig.token("wang", Role::Engineer).await;
    let mut body = signal();
    body["area"] = json!({ "townships": [SHIPU] });
    rig.post(&token, "/api/v1/signals", body.clone()).await;
    let official = async |minute| {
        rig.tick(minute).await;
        let scores = rig.get(&token, "/api/v1/indices/flood-typhoon/scores").await.json();
        let items = scores["items"].as_array().unwrap().clone();
        [SHIPU, XIZHOU].map(|code| {
            let score = items.iter().find(|item| item["township"] == code).unwrap();
            score["official_level"].clone()
        })
    };
    assert_eq!(official(1).await, [json!("orange"), json!("none")]);
    body["cancelled"] = json!("2026-07-25T08:01:30.000+08:00");
    let answer = rig.put(&token, "/api/v1/signals/sg-1", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(official(2).await, [json!("none"), json!("none")]);
}

//! Alerts from a reading to their closure, and what people set about them.

use std::time::Duration;

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use store::Role;

use crate::rig::{Answer, Rig, SHIPU, START, call, time};

/// Beyond the red level of the rig's stations, which is about lives.
const FLOOD_M: f64 = 3.6;

/// Beyond their orange level, which is not.
const HIGH_M: f64 = 3.2;

async fn ready() -> (Rig, String) {
    let rig = Rig::new().await;
    let token = rig.token("wang", Role::Engineer).await;
    rig.station(&token, "hm-001").await;
    rig.station(&token, "hm-002").await;
    (rig, token)
}

async fn tide(rig: &Rig, token: &str, thing: &str, level_m: f64) {
    let time = rig.clock.scene().to_string();
    let body = json!({ "time": time, "values": { "tide_level": level_m } });
    let answer = rig.post(token, &format!("/api/v1/observations?thing={thing}"), body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
}

/// Alerts of hm-001 at 08:01 and of hm-002 at 08:02.
async fn flooded() -> (Rig, String) {
    let (rig, token) = ready().await;
    tide(&rig, &token, "hm-001", FLOOD_M).await;
    rig.tick(1).await;
    tide(&rig, &token, "hm-002", FLOOD_M).await;
    rig.tick(2).await;
    (rig, token)
}

async fn list(rig: &Rig, token: &str, query: &str) -> Vec<Value> {
    let answer = rig.get(token, &format!("/api/v1/alerts{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["items"].as_array().unwrap().clone()
}

async fn things(rig: &Rig, token: &str, query: &str) -> Vec<String> {
    let items = list(rig, token, query).await;
    items.iter().map(|item| item["thing"].as_str().unwrap().to_owned()).collect()
}

/// Where the alert of hm-001 is.
async fn path_of_alert(rig: &Rig, token: &str) -> String {
    let found = list(rig, token, "?thing=hm-001").await;
    format!("/api/v1/alerts/{}", found[0]["id"].as_str().unwrap())
}

/// What a request stores is evaluated at a minute while it waits for that.
async fn taken_in(rig: &Rig, minute: u64, request: impl Future<Output = Answer>) -> Answer {
    let before = rig.store.last_commit();
    let evaluate = async {
        while rig.store.last_commit() == before {
            tokio::task::yield_now().await;
        }
        rig.tick(minute).await;
    };
    tokio::join!(request, evaluate).0
}

#[tokio::test]
async fn alerts_are_listed_the_last_opened_first() {
    let (rig, token) = flooded().await;
    let (all, first) = (list(&rig, &token, "").await, list(&rig, &token, "?thing=hm-001").await);
    assert_eq!(all[1], first[0]);
    let found = &first[0];
    for (name, expected) in [
        ("datastream", json!("hm-001/tide_level")),
        ("class", json!("life")),
        ("phase", json!("firing")),
        ("level", json!("red")),
        ("value", json!(FLOOD_M)),
        ("limit", json!(3.5)),
        ("unit", json!("m")),
        ("transition", json!("raised")),
        ("phenomenon_time", json!("2026-07-25T08:00:00.000+08:00")),
        ("closed", json!(null)),
        ("origin", json!("real")),
    ] {
        assert_eq!(found[name], expected, "{name}");
    }
    let cases: [(&str, &[&str]); 7] = [
        ("", &["hm-002", "hm-001"]),
        ("?open=true", &["hm-002", "hm-001"]),
        ("?open=false", &["hm-002", "hm-001"]),
        ("?thing=hm-001", &["hm-001"]),
        ("?thing=hm-001&township=330225102", &[]),
        ("?township=330225101&limit=1", &["hm-002"]),
        ("?township=330225102", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(things(&rig, &token, query).await, expected, "{query}");
    }
    for (query, code) in [
        ("?township=shipu", "bad_request"),
        ("?thing=HM", "bad_request"),
        ("?open=yes", "query_invalid"),
        ("?cursor=x", "cursor_invalid"),
    ] {
        let answer = rig.get(&token, &format!("/api/v1/alerts{query}")).await;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn a_page_of_alerts_goes_on_where_the_one_before_ended() {
    let (rig, token) = flooded().await;
    let first = rig.get(&token, "/api/v1/alerts?limit=1").await;
    assert!(first.header(header::LINK).contains("rel=\"next\""));
    assert_eq!(first.json()["items"][0]["thing"], "hm-002");
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/alerts?limit=1&cursor={cursor}");
    let second = rig.get(&token, &path).await.json();
    assert_eq!(
        (&second["items"][0]["thing"], &second["next_cursor"]),
        (&json!("hm-001"), &json!(null))
    );
    // Filters are fixed inside the cursor.
    let foreign = rig.get(&token, &format!("/api/v1/alerts?open=true&cursor={cursor}")).await;
    assert_eq!(foreign.problem().1, "cursor_invalid");
}

fn transitions(alert: &Value) -> Vec<String> {
    let history = alert["history"].as_array().unwrap();
    let sequences: Vec<u64> =
        history.iter().map(|step| step["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sequences:?}");
    history.iter().map(|step| step["transition"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_alert_lives_from_its_raising_to_its_closure() {
    let (rig, token) = flooded().await;
    let path = path_of_alert(&rig, &token).await;
    let act = |what: &'static str, body: Value| {
        let path = format!("{path}/{what}");
        let (rig, token) = (&rig, &token);
        async move { rig.post(token, &path, body).await }
    };
    let wrong = act("acknowledgement", json!({ "acting_as": "chief" })).await;
    assert_eq!(wrong.problem(), (422, "document_invalid".to_owned()));
    assert_eq!(wrong.json()["errors"][0]["pointer"], "#/acting_as");

    let noted = json!({ "note": "已电话通知值班员" });
    let acknowledged = taken_in(&rig, 3, act("acknowledgement", noted)).await;
    assert_eq!(acknowledged.status, StatusCode::OK, "{}", acknowledged.text());
    let acknowledged = acknowledged.json();
    assert_eq!(
        (&acknowledged["phase"], &acknowledged["acknowledged_by"]),
        (&json!("acknowledged"), &json!("wang"))
    );
    assert_eq!(acknowledged["acknowledged_by_unit"], json!(null));
    // Once more changes nothing; the unit's own is another act.
    let again = act("acknowledgement", json!({})).await.json();
    assert_eq!(again, acknowledged);
    let unit = act("acknowledgement", json!({ "acting_as": "unit" }));
    let unit = taken_in(&rig, 4, unit).await.json();
    assert!(!unit["acknowledged_by_unit"].is_null(), "{unit}");

    let closed = taken_in(&rig, 5, act("closure", json!({}))).await.json();
    assert_eq!(
        (&closed["phase"], &closed["transition"]),
        (&json!("resolved"), &json!("closed_by_operator"))
    );
    assert!(!closed["closed"].is_null());
    assert_eq!(things(&rig, &token, "?open=true").await, ["hm-002"]);
    for what in ["acknowledgement", "closure"] {
        let answer = act(what, json!({})).await;
        assert_eq!(answer.problem(), (409, "alert_closed".to_owned()), "{what}");
    }

    let read = rig.get(&token, &path).await;
    let steps = transitions(&read.json());
    assert_eq!(
        (steps[0].as_str(), steps[steps.len() - 1].as_str()),
        ("raised", "closed_by_operator")
    );
    assert!(steps.contains(&"acknowledged".to_owned()), "{steps:?}");
    let mut known = call(Method::GET, &path, &token, None);
    known.headers_mut().insert(header::IF_NONE_MATCH, read.header(header::ETAG).parse().unwrap());
    assert_eq!(rig.send(known).await.status, StatusCode::NOT_MODIFIED);
    let entries = rig.store.registry().audit_entries(100).await.unwrap();
    let n_of = |action: &str| entries.iter().filter(|entry| entry.action == action).count();
    assert_eq!((n_of("acknowledge_alert"), n_of("close_alert")), (2, 1));
    for path in ["/api/v1/alerts/a-0", "/api/v1/alerts/%20"] {
        assert_eq!(rig.get(&token, path).await.problem(), (404, "alert_not_found".to_owned()));
        let answer = rig.post(&token, &format!("{path}/closure"), json!({})).await;
        assert_eq!(answer.problem().0, 404, "{path}");
    }
}

fn after(hours: u64) -> String {
    (time(START) + Duration::from_secs(hours * 3_600)).to_string()
}

async fn check_refused(rig: &Rig, token: &str, path: &str, cases: &[(Value, &[&str])]) {
    for (body, expected) in cases {
        let answer = rig.post(token, path, body.clone()).await;
        assert_eq!(answer.problem(), (422, "document_invalid".to_owned()), "{body}");
        let problem = answer.json();
        let errors = problem["errors"].as_array().unwrap();
        let found: Vec<&str> =
            errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(found, *expected, "{body}");
    }
}

#[tokio::test]
async fn a_silence_says_what_it_is_about_why_and_until_when() {
    let (rig, token) = ready().await;
    let with = |name: &str, value: &str| {
        let mut body = json!({ "reason": "检修", "until": after(2) });
        body[name] = json!(value);
        body
    };
    let cases: [(Value, &[&str]); 7] = [
        (json!({}), &["#", "#/reason", "#/until"]),
        (json!({ "reason": "检修", "until": after(2) }), &["#"]),
        (with("thing", "hm-009"), &["#/thing"]),
        (with("township", "330225999"), &["#/township"]),
        (with("property", "tide"), &["#/property"]),
        (json!({ "thing": "hm-001", "reason": "检修", "until": START }), &["#/until"]),
        (
            json!({ "thing": "hm-001", "reason": " ", "until": after(200) }),
            &["#/reason", "#/until"],
        ),
    ];
    check_refused(&rig, &token, "/api/v1/silences", &cases).await;
    assert_eq!(rig.get(&token, "/api/v1/silences").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_silence_marks_its_alerts_until_it_ends_but_none_about_lives() {
    let (rig, token) = ready().await;
    rig.station(&token, "hm-003").await;
    let raised = [("hm-001", HIGH_M), ("hm-002", HIGH_M), ("hm-003", FLOOD_M)];
    for (minute, (thing, level_m)) in (1..).zip(raised) {
        tide(&rig, &token, thing, level_m).await;
        rig.tick(minute).await;
    }
    let mut made = Vec::new();
    for thing in ["hm-001", "hm-003"] {
        let body = json!({ "thing": thing, "reason": "检修", "until": after(2) });
        let answer = rig.post(&token, "/api/v1/silences", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        made.push(answer.json());
    }
    assert_eq!((&made[0]["by"], &made[0]["ended"]), (&json!("wang"), &json!(null)));
    let check = async |minute, expected: [(&str, &str, bool); 3]| {
        rig.tick(minute).await;
        let items = list(&rig, &token, "").await;
        let found: Vec<Value> = items
            .iter()
            .map(|item| json!([item["thing"], item["class"], item["silenced"]]))
            .collect();
        assert_eq!(json!(found), json!(expected), "minute {minute}");
    };
    let ended =
        [("hm-003", "life", false), ("hm-002", "hazard", false), ("hm-001", "hazard", false)];
    let mut silenced = ended;
    silenced[2].2 = true;
    check(4, silenced).await;
    let path = format!("/api/v1/silences/{}", made[0]["id"].as_str().unwrap());
    for _ in 0..2 {
        let answer = rig.send(call(Method::DELETE, &path, &token, None)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    }
    check(5, ended).await;
    let items = rig.get(&token, "/api/v1/silences").await.json()["items"].clone();
    let of_first = items.as_array().unwrap().iter().find(|item| item["id"] == made[0]["id"]);
    assert_eq!((items.as_array().unwrap().len(), &of_first.unwrap()["revision"]), (2, &json!(2)));
    let missing = call(Method::DELETE, "/api/v1/silences/si-0", &token, None);
    assert_eq!(rig.send(missing).await.problem().0, 404);
}

const TIDE: &str = "/api/v1/datastreams/hm-001%2Ftide_level/overrides";

#[tokio::test]
async fn an_override_at_orange_needs_a_second_person() {
    let (rig, token) = flooded().await;
    rig.token("li", Role::Engineer).await;
    rig.token("zhou", Role::Viewer).await;
    let scores = rig.get(&token, "/api/v1/indices/flood-typhoon/scores").await.json();
    let items = scores["items"].as_array().unwrap();
    let shipu = items.iter().find(|item| item["township"] == SHIPU).unwrap();
    let level = shipu["hazard_level"].as_str().unwrap();
    assert!(["orange", "red"].contains(&level), "{level}");

    let by = |second: Value| json!({ "kind": "fault", "reason": "浮子卡住", "until": after(2), "second": second });
    let cases: [(Value, &[&str]); 6] = [
        (by(json!(null)), &["#/second"]),
        (by(json!("wang")), &["#/second"]),
        (by(json!("zhou")), &["#/second"]),
        (by(json!("nobody")), &["#/second"]),
        (json!({ "second": "li" }), &["#/kind", "#/reason", "#/until"]),
        (
            json!({ "kind": "off", "reason": "浮子卡住", "until": after(73), "second": "li" }),
            &["#/kind", "#/until"],
        ),
    ];
    check_refused(&rig, &token, TIDE, &cases).await;
    assert_eq!(rig.get(&token, TIDE).await.json()["items"], json!([]));
    let made = rig.post(&token, TIDE, by(json!("li"))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert!(made.header(header::LOCATION).starts_with(TIDE));
    rig.tick(3).await;
    let found = list(&rig, &token, "?thing=hm-001").await;
    assert_eq!(found[0]["is_false"], json!(true));
}

#[tokio::test]
async fn an_override_belongs_to_its_datastream() {
    let (rig, token) = ready().await;
    let body = json!({ "kind": "fault", "reason": "浮子卡住", "until": after(2) });
    let made = rig.post(&token, TIDE, body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "calm: one person is enough: {}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let n_of =
        async |path: &str| rig.get(&token, path).await.json()["items"].as_array().unwrap().len();
    let wind = "/api/v1/datastreams/hm-001%2Fwind_speed/overrides";
    assert_eq!((n_of(TIDE).await, n_of(wind).await), (1, 0));
    for (path, code) in [
        (format!("{wind}/{id}"), "document_not_found"),
        (format!("{TIDE}/ov-0"), "document_not_found"),
        (
            "/api/v1/datastreams/hm-009%2Ftide_level/overrides/ov-0".to_owned(),
            "datastream_not_found",
        ),
    ] {
        let answer = rig.send(call(Method::DELETE, &path, &token, None)).await;
        assert_eq!(answer.problem(), (404, code.to_owned()), "{path}");
    }
    let unknown = "/api/v1/datastreams/hm-009%2Ftide_level/overrides";
    assert_eq!(rig.post(&token, unknown, body).await.problem().0, 404);
    for _ in 0..2 {
        let answer = rig.send(call(Method::DELETE, &format!("{TIDE}/{id}"), &token, None)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    }
    let ended = rig.get(&token, TIDE).await.json()["items"][0].clone();
    assert_eq!(
        (&ended["ended"], &ended["revision"]),
        (&json!("2026-07-25T08:00:00.000+08:00"), &json!(2))
    );
}

//! From readings to scores with their parts, through the runner.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use crate::rig::{Rig, SHIPU, XIZHOU, call};

fn contributions(node: &Value) -> f64 {
    let parts = node["parts"].as_array().unwrap();
    parts.iter().filter_map(|part| part["contribution"].as_f64()).sum()
}

/// Two ticks: calm at 08:01, a storm's wind at 08:02.
async fn windy() -> (Rig, String) {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    rig.measure(&token, "wind_speed", 5.0).await;
    rig.tick(1).await;
    rig.measure(&token, "wind_speed", 24.5).await;
    rig.tick(2).await;
    (rig, token)
}

fn of<'a>(scores: &'a Value, township: &str) -> &'a Value {
    let items = scores["items"].as_array().unwrap();
    items.iter().find(|item| item["township"] == township).unwrap()
}

#[tokio::test]
async fn scores_are_told_for_every_township_and_the_county() {
    let (rig, token) = windy().await;
    let answer = rig.get(&token, "/api/v1/indices/hazard/scores").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let scores = answer.json();
    assert_eq!(scores["time"], "2026-07-25T08:02:00.000+08:00");
    assert_eq!((&scores["index"], &scores["origin"]), (&json!("hazard"), &json!("real")));
    assert!(scores["commit"].as_u64().unwrap() > 0);
    assert_eq!(scores["items"].as_array().unwrap().len(), 2);
    let shipu = of(&scores, SHIPU);
    // 24.5 m/s is where orange begins.
    assert_eq!((&shipu["score"], &shipu["hazard_level"]), (&json!(75.0), &json!("orange")));
    assert_eq!(shipu["missing"], json!(["tide"]));
    assert_eq!(shipu["model"], "flood-typhoon@1");
    assert_eq!((&shipu["revised"], &shipu["attention"]), (&json!(false), &json!(1)));
    assert!(shipu.get("tree").is_none() && shipu.get("parts").is_none());
    assert_eq!(of(&scores, XIZHOU)["index"], "hazard");
    assert_eq!(scores["county"]["township"], "330225");

    for index in ["flood-typhoon", "township-safety"] {
        let scores = rig.get(&token, &format!("/api/v1/indices/{index}/scores")).await.json();
        assert_eq!(scores["items"].as_array().unwrap().len(), 2, "{index}");
        assert_eq!(of(&scores, SHIPU)["index"], index);
    }
    let mut english = call(axum::http::Method::GET, "/api/v1/indices/hazard/scores", &token, None);
    english.headers_mut().insert(header::ACCEPT_LANGUAGE, "en".parse().unwrap());
    let english = rig.send(english).await;
    let drivers = |scores: &Value| of(scores, SHIPU)["drivers"].as_str().unwrap().to_owned();
    assert_ne!(drivers(&scores), drivers(&english.json()));
    assert!(drivers(&english.json()).is_ascii(), "{}", drivers(&english.json()));
    assert!(english.header(header::VARY).contains("accept-language"));
}

#[tokio::test]
async fn an_instant_shows_what_was_shown_then() {
    let (rig, token) = windy().await;
    let at = |minute: u32| {
        let path = "/api/v1/indices/hazard/scores?at=2026-07-25T08";
        format!("{path}:{minute:02}:30%2B08:00")
    };
    let calm = rig.get(&token, &at(1)).await;
    assert_eq!(calm.status, StatusCode::OK, "{}", calm.text());
    assert_eq!(of(&calm.json(), SHIPU)["score"], 0.0);
    assert!(calm.json()["commit"].is_number());
    let storm = rig.get(&token, &at(30)).await.json();
    assert_eq!(of(&storm, SHIPU)["score"], 75.0);
    assert_eq!(storm["commit"], json!(null), "no tick was near");
    let before = rig.get(&token, &at(0)).await.json();
    assert_eq!((&before["items"], &before["county"]), (&json!([]), &json!(null)));
}

#[tokio::test]
async fn stored_scores_are_read_page_by_page() {
    let (rig, token) = windy().await;
    let path = format!("/api/v1/indices/hazard/townships/{SHIPU}/scores");
    let all = rig.get(&token, &path).await.json();
    let scores: Vec<&Value> =
        all["items"].as_array().unwrap().iter().map(|item| &item["score"]).collect();
    assert_eq!(scores, [&json!(0.0), &json!(75.0)]);
    assert_eq!(all["items"][1]["level"], "orange");
    let first = rig.get(&token, &format!("{path}?limit=1")).await;
    assert!(first.header(header::LINK).contains("rel=\"next\""));
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let second = rig.get(&token, &format!("{path}?limit=1&cursor={cursor}")).await.json();
    assert_eq!((&second["items"][0]["score"], &second["next_cursor"]), (scores[1], &json!(null)));
    let county = rig.get(&token, "/api/v1/indices/flood-typhoon/townships/330225/scores").await;
    assert!(!county.json()["items"].as_array().unwrap().is_empty(), "{}", county.text());
    let foreign = format!("/api/v1/indices/hazard/townships/{XIZHOU}/scores?cursor={cursor}");
    assert_eq!(rig.get(&token, &foreign).await.problem().1, "cursor_invalid");
    let backwards =
        format!("{path}?start=2026-07-25T09:00:00%2B08:00&stop=2026-07-25T08:00:00%2B08:00");
    assert_eq!(rig.get(&token, &backwards).await.problem().0, 400);
}

#[track_caller]
fn check_sums(node: &Value) {
    let parts = node["parts"].as_array().unwrap();
    let has_contributions = parts.iter().any(|part| part["contribution"].is_number());
    if let (Some(score), true) = (node["score"].as_f64(), has_contributions) {
        assert!((contributions(node) - score).abs() < 1e-9, "{node}");
    }
    parts.iter().for_each(check_sums);
}

#[tokio::test]
async fn an_explanation_adds_up_to_its_score() {
    let (rig, token) = windy().await;
    let path = format!("/api/v1/indices/flood-typhoon/townships/{SHIPU}/explanation");
    let now = rig.get(&token, &path).await;
    assert_eq!(now.status, StatusCode::OK, "{}", now.text());
    let now = now.json();
    assert_eq!(now["tree"]["kind"], "index");
    assert_eq!(now["tree"]["score"], now["score"]["score"]);
    check_sums(&now["tree"]);
    assert!(now.to_string().contains("\"hm-001/wind_speed\""), "{now}");
    let then = rig.get(&token, &format!("{path}?at=2026-07-25T08:01:30%2B08:00")).await.json();
    assert_eq!(then["time"], "2026-07-25T08:01:00.000+08:00");
    check_sums(&then["tree"]);
    let same = rig.get(&token, &format!("{path}?at=2026-07-25T08:02:00%2B08:00")).await.json();
    assert_eq!(same, now, "stored and latest are the same");

    let county = "/api/v1/indices/flood-typhoon/townships/330225/explanation";
    let refused = rig.get(&token, county).await.problem();
    assert_eq!(refused, (404, "explanation_not_found".to_owned()));
    let early = format!("{path}?at=2026-07-25T07:00:00%2B08:00");
    assert_eq!(rig.get(&token, &early).await.problem().1, "score_not_found");
    for code in ["330225999", "shipu", "330226"] {
        let path = format!("/api/v1/indices/hazard/townships/{code}/explanation");
        let refused = rig.get(&token, &path).await.problem();
        assert_eq!(refused, (404, "township_not_found".to_owned()), "{code}");
    }
}

#[tokio::test]
async fn indices_say_which_way_is_danger_and_where_levels_begin() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let items = rig.get(&token, "/api/v1/indices").await.json()["items"].clone();
    let found: Vec<(&str, &str, &str)> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let text = |name: &str| item[name].as_str().unwrap();
            (text("id"), text("direction"), text("model"))
        })
        .collect();
    let expected = [
        ("township-safety", "high_is_safe", "township-safety@1"),
        ("flood-typhoon", "high_is_dangerous", "flood-typhoon@1"),
        ("hazard", "high_is_dangerous", "flood-typhoon@1"),
    ];
    assert_eq!(found, expected);
    assert_eq!(items[0]["levels"][0], json!({ "level": "blue", "from": 90.0 }));
    assert_eq!(items[0]["levels"][3], json!({ "level": "red", "from": 0.0 }));
    assert_eq!(items[1]["levels"][3], json!({ "level": "red", "from": 90.0 }));
}

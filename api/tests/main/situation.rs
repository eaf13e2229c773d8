//! The situation, holds and readiness, through the runner.

use axum::http::StatusCode;
use serde_json::{Value, json};
use store::Role;

use crate::rig::{Rig, SHIPU, XIZHOU};

async fn windy() -> (Rig, String) {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    rig.measure(&token, "wind_speed", 24.5).await;
    rig.tick(1).await;
    (rig, token)
}

fn codes(situation: &Value) -> Vec<&str> {
    let rows = situation["townships"].as_array().unwrap();
    rows.iter().map(|row| row["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_situation_is_sorted_and_says_what_nobody_entered() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let pending = rig.get(&token, "/api/v1/situation").await;
    assert_eq!(pending.problem(), (503, "scores_pending".to_owned()));
    let (rig, token) = windy().await;
    let situation = rig.get(&token, "/api/v1/situation").await.json();
    assert_eq!(situation["time"], "2026-07-25T08:01:00.000+08:00");
    assert_eq!(codes(&situation), [SHIPU, XIZHOU]);
    let first = &situation["townships"][0];
    assert_eq!(
        (&first["displayed_level"], &first["attention_rank"]),
        (&json!("orange"), &json!(1))
    );
    assert_eq!(first["people"]["left"], json!(null), "no register was entered");
    assert_eq!(first["vessels"]["at_sea"], json!(null));
    assert_eq!(first["shelters"]["total"], 0);
    assert!(first["unknown"].as_array().unwrap().contains(&json!("tide")));
    assert_eq!(situation["county"]["code"], "330225");
    assert_eq!(situation["county"]["attention_rank"], json!(null));
}

#[tokio::test]
async fn an_earlier_situation_is_told_within_the_hour_and_refused_before() {
    let (rig, token) = windy().await;
    rig.tick(2).await;
    let at = |time: &str| format!("/api/v1/situation?at=2026-07-25T{time}%2B08:00");
    let earlier = rig.get(&token, &at("08:01:30")).await.json();
    assert_eq!(earlier["time"], "2026-07-25T08:01:00.000+08:00");
    let lost = rig.get(&token, &at("08:00:59")).await;
    assert_eq!(lost.problem(), (404, "situation_not_kept".to_owned()));
}

#[tokio::test]
async fn a_change_is_told_once_an_hour_is_known() {
    let (rig, token) = windy().await;
    let change = |situation: &Value| situation["county"]["change_1h"]["mains_lost"].clone();
    rig.tick(2).await;
    assert_eq!(change(&rig.get(&token, "/api/v1/situation").await.json()), json!(null));
    rig.tick(61).await;
    let situation = rig.get(&token, "/api/v1/situation").await.json();
    assert_eq!(change(&situation), json!(0));
    assert_eq!(situation["county"]["change_1h"]["people_left"], json!(null), "never entered");
}

#[tokio::test]
async fn a_silent_station_is_held_with_its_last_value() {
    let (rig, token) = windy().await;
    let path = format!("/api/v1/indices/flood-typhoon/townships/{SHIPU}/holds");
    let fresh = rig.get(&token, &path).await.json();
    assert_eq!(fresh["held"], json!([]));
    rig.tick(40).await;
    let holds = rig.get(&token, &path).await.json();
    let held = &holds["held"][0];
    assert_eq!(
        (&held["quantity"], &held["group"], &held["datastream"], &held["thing"]),
        (&json!("wind_speed"), &json!("wind"), &json!("hm-001/wind_speed"), &json!("hm-001")),
    );
    assert_eq!((&held["value"], &held["score"]), (&json!(24.5), &json!(75.0)));
    assert_eq!((&held["reason"], &held["unit"]), (&json!("silent"), &json!("m/s")));
    assert_eq!(held["last_time"], "2026-07-25T08:00:00.000+08:00");
    assert_eq!((&holds["falls"], &holds["run_since"]), (&json!(null), &json!(null)));
    let county = rig.get(&token, "/api/v1/indices/flood-typhoon/townships/330225/holds").await;
    assert_eq!(county.problem().0, 404);
    let released = json!({ "kind": "release", "reason": "gauge removed", "second": "li",
        "until": "2026-07-25T10:00:00+08:00" });
    rig.token("li", Role::Engineer).await;
    let answer =
        rig.post(&token, "/api/v1/datastreams/hm-001%2Fwind_speed/overrides", released).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    rig.tick(41).await;
    assert_eq!(rig.get(&token, &path).await.json()["held"], json!([]), "a person ended it");
}

#[tokio::test]
async fn readiness_costs_what_coverage_lacks() {
    let (rig, token) = windy().await;
    let readiness = rig.get(&token, "/api/v1/readiness").await.json();
    let township = &readiness["townships"][0];
    assert_eq!(township["code"], SHIPU);
    for (place, index) in ["township-safety", "flood-typhoon"].into_iter().enumerate() {
        let found = &township["indices"][place];
        assert_eq!(found["index"], index);
        let scores = rig.get(&token, &format!("/api/v1/indices/{index}/scores")).await.json();
        let items = scores["items"].as_array().unwrap();
        let score = items.iter().find(|item| item["township"] == SHIPU).unwrap();
        let near = |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-9;
        assert!(near(&found["coverage"], &score["coverage"]), "{index}: {found}");
    }
    let items = township["indices"][1]["items"].as_array().unwrap();
    let wind = items.iter().find(|item| item["id"] == "wind").unwrap();
    assert_eq!((&wind["registered"], &wind["sensed"]), (&json!(1), &json!(1)));
    assert_eq!((&wind["state"], &wind["coverage_cost"]), (&json!("known"), &json!(0.0)));
}

#[tokio::test]
async fn the_system_tells_its_state_to_those_who_operate_it() {
    let (rig, token) = windy().await;
    rig.pass(std::time::Duration::from_secs(30));
    let system = rig.get(&token, "/api/v1/system").await.json();
    assert_eq!(system["ledger_today"]["stored"], 1);
    assert_eq!(system["ledger_today"]["balanced"], true);
    // The tick's own commit is read by the next tick.
    assert_eq!(system["evaluation"]["lag_commits"], 1);
    assert_eq!(system["evaluation"]["last_tick_age_s"], 30.0);
    assert_eq!(system["uptime_s"], 90.0);
    assert!(system["disk_free_bytes"].as_u64().unwrap() > 0);
    let viewer = rig.token("gu", Role::Viewer).await;
    assert_eq!(rig.get(&viewer, "/api/v1/system").await.problem().0, 403);
}

#[tokio::test]
async fn the_running_model_is_the_one_that_scores_name() {
    let (rig, token) = windy().await;
    let models = rig.get(&token, "/api/v1/indices/flood-typhoon/models").await.json();
    let model = &models["items"][0];
    assert_eq!((&model["running"], &model["version"]), (&json!(true), &json!(1)));
    let scores = rig.get(&token, "/api/v1/indices/flood-typhoon/scores").await.json();
    assert_eq!(model["hash"], scores["items"][0]["model_hash"]);
}

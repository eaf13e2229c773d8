//! From readings to a score with its parts, through the runner.

use analytics::Hazard;
use analytics::hazard::HazardModel;
use axum::http::StatusCode;
use model::Origin;
use serde_json::{Value, json};

use crate::rig::{Rig, SHIPU, START, county, time};

/// Wind alone, with knots at 0, 10, 20, 30, 40 and 50 m/s.
const MODEL: &str = r#"
id = "hazard"
version = 3
valid_from = "2026-01-01T00:00:00+08:00"
author = "test"
note = "test"
second_share = 0.25

[[group]]
id = "wind"
name = { zh = "大风", en = "Wind" }

[[group.quantity]]
id = "wind_speed"
name = { zh = "风速", en = "Wind speed" }
from = "wind_speed"
unit = "m/s"
period = "10min"
statistic = "highest"
window = "60min"
knots = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
"#;

fn contributions(node: &Value) -> f64 {
    let parts = node["parts"].as_array().unwrap();
    parts.iter().filter_map(|part| part["contribution"].as_f64()).sum()
}

#[tokio::test]
async fn a_score_carries_the_parts_that_make_it() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    let body = json!({ "time": "2026-07-25T07:50:00+08:00", "values": { "wind_speed": 15.0 } });
    let answer = rig.post(&token, "/api/v1/observations?thing=hm-001", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());

    let model = HazardModel::from_toml(MODEL).unwrap();
    let townships = county().townships;
    let hazard = Hazard::new(rig.store.clone(), townships, model, rig.clock.clone());
    let source = api::score_source(&hazard, Origin::Simulated);
    assert_eq!(source.model, "hazard@3");
    let tick = (source.at)(time(START)).await.unwrap();
    assert_eq!(tick.scores.len(), 2);

    let shipu = serde_json::to_value(&*tick.scores[0].1).unwrap();
    assert_eq!(shipu["township"], SHIPU);
    // Half way between blue (40 at 10 m/s) and yellow (60 at 20 m/s).
    assert_eq!((&shipu["score"], &shipu["level"]), (&json!(50.0), &json!("blue")));
    assert_eq!((&shipu["origin"], &shipu["missing"]), (&json!("simulated"), &json!([])));
    assert_eq!(contributions(&shipu), 50.0);
    let group = &shipu["parts"][0];
    assert_eq!((&group["id"], &group["kind"]), (&json!("wind"), &json!("group")));
    let quantity = &group["parts"][0];
    assert_eq!((&quantity["kind"], contributions(quantity)), (&json!("quantity"), 50.0));
    let station = &quantity["parts"][0];
    assert_eq!((&station["kind"], &station["state"]), (&json!("station"), &json!("known")));
    assert_eq!(station["raw"]["value"], 15.0);
    assert_eq!(station["raw"]["datastreams"], json!(["hm-001/wind_speed"]));
    assert_eq!(station["raw"]["age_s"], 600.0);

    let silent = serde_json::to_value(&*tick.scores[1].1).unwrap();
    assert_eq!((&silent["score"], &silent["level"]), (&Value::Null, &Value::Null));
    assert_eq!(silent["missing"], json!(["wind"]));
}

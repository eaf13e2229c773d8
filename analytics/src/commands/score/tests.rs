//! Scores of given values by hand, and refusals of what is no value.

use super::*;

const SAFETY: &str = include_str!("../../../../config/models/township-safety.toml");
const FLOOD: &str = include_str!("../../../../config/models/flood-typhoon.toml");

fn run(model: &str, values: Value) -> Result<Value, Vec<CommandError>> {
    let model = ModelText::parse(model).unwrap();
    score(&model, &values.to_string()).map(|text| serde_json::from_str(&text).unwrap())
}

#[track_caller]
fn check_a(values: Value, score: f64, level: &str) {
    let found = run(SAFETY, values).unwrap();
    assert!((found["score"].as_f64().unwrap() - score).abs() < 1e-3, "{}", found["score"]);
    assert_eq!(found["level"], level);
}

fn dimensions(scores: [f64; 5]) -> Value {
    json!({
        "enterprise_safety": scores[0], "risk_sensing": scores[1], "supervision": scores[2],
        "emergency_capability": scores[3], "accidents": scores[4],
    })
}

#[test]
fn table_of_domain_3_2() {
    check_a(dimensions([95.0, 93.0, 92.0, 90.0, 100.0]), 93.612, "blue");
    check_a(dimensions([95.0, 40.0, 92.0, 90.0, 100.0]), 75.810, "orange");
    check_a(dimensions([80.0; 5]), 80.0, "yellow");
    let mut gap = dimensions([95.0, 0.0, 92.0, 90.0, 100.0]);
    gap["risk_sensing"] = Value::Null;
    check_a(gap.clone(), 93.817, "yellow");
    let found = run(SAFETY, gap).unwrap();
    assert_eq!((&found["provisional"], &found["coverage"]), (&json!(true), &json!(0.75)));
}

#[test]
fn caps_of_domain_3_3() {
    let mut values = dimensions([95.0, 93.0, 92.0, 90.0, 100.0]);
    values["caps"] = json!(["fatal_accident", "major_hazard_offline"]);
    check_a(values, 79.9, "orange");
}

#[test]
fn a_month_scores_what_is_missing_as_zero() {
    check_a(
        json!({"face": "month", "accident_burden": 0.0}),
        libm::exp(0.1 * libm::log(100.0)),
        "red",
    );
}

/// Groups in the model's order: wind, rain_flood, tide, landslide, outlook.
fn danger(groups: [f64; 5], v: f64, l: f64) -> Value {
    json!({
        "wind": groups[0], "rain_flood": groups[1], "tide": groups[2], "landslide": groups[3],
        "outlook": groups[4], "exposure": v, "capability_gap": l,
    })
}

#[track_caller]
fn check_b(values: Value, h: f64, b: f64, hazard_level: &str, level: &str) {
    let found = run(FLOOD, values).unwrap();
    assert!((found["hazard"].as_f64().unwrap() - h).abs() < 5e-3, "{}", found["hazard"]);
    assert!((found["score"].as_f64().unwrap() - b).abs() < 6e-3, "{}", found["score"]);
    assert_eq!((&found["hazard_level"], &found["level"]), (&json!(hazard_level), &json!(level)));
}

#[test]
fn table_of_domain_4_6() {
    check_b(danger([5.0, 0.0, 0.0, 0.0, 0.0], 30.0, 25.0), 5.0, 16.55, "none", "none");
    let storm = [92.0, 85.0, 70.0, 66.0, 60.0];
    check_b(danger(storm, 90.0, 70.0), 93.70, 86.24, "red", "red");
    check_b(danger(storm, 25.0, 20.0), 93.70, 45.77, "red", "orange");
    check_b(danger([20.0, 20.0, 92.0, 20.0, 20.0], 40.0, 30.0), 92.40, 56.58, "red", "orange");
}

#[test]
fn relief_needs_certainty() {
    let storm = [92.0, 85.0, 70.0, 66.0, 60.0];
    for (key, value) in [
        ("red_alarm_open", json!(true)),
        ("confidence", json!(0.49)),
        ("confidence", json!({"capability_gap": 0.49})),
        ("landslide", Value::Null),
    ] {
        let mut values = danger(storm, 25.0, 20.0);
        values[key] = value;
        assert_eq!(run(FLOOD, values).unwrap()["level"], "red", "{key}");
    }
    let mut values = danger(storm, 25.0, 20.0);
    values["landslide"] = json!("not_applicable");
    assert_eq!(run(FLOOD, values).unwrap()["level"], "orange");
}

#[test]
fn what_is_not_available_stands_in() {
    let mut values = danger([92.0, 0.0, 0.0, 0.0, 0.0], 0.0, 20.0);
    values["exposure"] = Value::Null;
    values["last_known"] = json!({"exposure": 80.0});
    let found = run(FLOOD, values.clone()).unwrap();
    assert_eq!((&found["exposure"], &found["provisional"]), (&json!(80.0), &json!(true)));
    values["capability_gap"] = Value::Null;
    let found = run(FLOOD, values).unwrap();
    assert_eq!((&found["grey"], &found["level"]), (&json!(true), &json!("red")));
}

#[test]
fn quantities_and_items_stand_for_their_branch() {
    let found = run(
        FLOOD,
        json!({"wind_speed": 24.5, "rainfall_1h": 25, "people_unmoved": 1.0,
        "vessels_out": 0.5, "sites_unsecured": "not_applicable", "static_vulnerability": 0.3,
        "capability_gap": 20}),
    )
    .unwrap();
    assert_eq!(found["hazard"], json!(75.0 + 25.0 * 0.25 * 50.0 / 100.0));
    let v = 100.0 * (0.40 + 0.125 + 0.06) / 0.85;
    assert!((found["exposure"].as_f64().unwrap() - v).abs() < 1e-9);
    assert!(found["drivers"]["zh"].as_str().unwrap().contains("2分钟平均风速"));
}

#[test]
fn values_that_are_not_numbers_are_refused_with_their_key() {
    let errors = run(
        FLOOD,
        json!({"wind": "strong", "hazard": 50, "people_unmoved": 2, "tide_level": 3.1, "wnd": 1,
            "confidence": {"exposur": 1}, "red_alarm_open": 1}),
    )
    .unwrap_err();
    let mut texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.sort();
    let expected = [
        "confidence.exposur: is an unknown key",
        "hazard: cannot stand for its groups: the hazard level needs them",
        "people_unmoved: 2 is not in 0..1",
        "red_alarm_open: 1 is neither true nor false",
        "tide_level: needs a station's levels: give the group `tide`",
        "wind: \"strong\" is no number, null or \"not_applicable\"",
        "wnd: is an unknown key of this model",
    ];
    assert_eq!(texts, expected);
    let flood = ModelText::parse(FLOOD).unwrap();
    assert!(score(&flood, "{\"wind\": NaN}").is_err());
}

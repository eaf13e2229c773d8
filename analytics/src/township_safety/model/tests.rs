//! The shipped model of Index A, and a file with many mistakes.

use super::*;

const SHIPPED: &str = include_str!("../../../../config/models/township-safety.toml");

#[test]
fn the_shipped_file_loads() {
    let model = SafetyModel::from_toml(SHIPPED).unwrap();
    assert_eq!(model.dimensions.iter().map(|d| d.indicators.len()).sum::<usize>(), 18);
    assert_eq!(model.name_of("certificate_rate").unwrap().zh, "持证率");
}

#[test]
fn scores_of_domain_3_1() {
    let model = SafetyModel::from_toml(SHIPPED).unwrap();
    let score = |id: &str, x: f64| {
        let all = model.dimensions.iter().flat_map(|dimension| &dimension.indicators);
        all.clone().find(|indicator| indicator.id == id).unwrap().scoring.score(x)
    };
    for (x, expected) in [(50.0, 0.0), (60.0, 0.0), (90.0, 80.0), (95.0, 90.0), (120.0, 100.0)] {
        assert!((score("certificate_rate", x) - expected).abs() < 1e-9);
    }
    for (x, expected) in [(80.0, 0.0), (95.0, 80.0), (100.0, 100.0)] {
        assert!((score("sensing_online_rate", x) - expected).abs() < 1e-9);
    }
    for (b, expected) in
        [(5.0, 90.484), (15.0, 74.082), (25.0, 60.653), (50.0, 36.788), (100.0, 13.534)]
    {
        assert!((score("vessel_alarm_burden", b) - expected).abs() < 1e-3);
    }
    assert!((score("shelter_standardisation_rate", 45.0) - 50.0).abs() < 1e-9);
    assert!((score("accident_burden", 0.7) - 49.658).abs() < 1e-3);
    assert!((score("grid_report_ratio", 0.5) - 50.0).abs() < 1e-9);
}

#[test]
fn a_value_on_a_bound_gets_the_better_level() {
    let model = SafetyModel::from_toml(SHIPPED).unwrap();
    for (score, level) in [
        (90.0, Level::Blue),
        (89.9, Level::Yellow),
        (80.0, Level::Yellow),
        (60.0, Level::Orange),
        (59.9, Level::Red),
    ] {
        assert_eq!(model.level(score), level);
    }
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    let text = SHIPPED
        .replacen("weight = 0.30", "weight = 0.40", 1)
        .replacen("weight = 0.25\nunit", "weight = 0\nunit", 1)
        .replacen("xs = [60, 90, 100]", "xs = [90, 60, 100]", 1)
        .replacen("bounds = [90, 80, 60]", "bounds = [60, 80, 90]", 1)
        .replacen("id = \"fatal_accident\"", "id = \"accident\"", 1);
    let problems = SafetyModel::from_toml(&text).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "bounds",
            "dimension[0].indicator[1].weight",
            "dimension[0].indicator[1].xs",
            "cap[3].id",
            "cap",
            "enterprise_safety.indicator.weight",
            "dimension.weight",
        ]
    );
}

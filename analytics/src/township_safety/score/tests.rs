//! The score of Index A with its caps, and what silence does to it.

use super::super::caps::CapId;
use super::*;

fn model() -> SafetyModel {
    let text = include_str!("../../../../config/models/township-safety.toml");
    SafetyModel::from_toml(text).unwrap()
}

fn minute(n: i64) -> Time {
    Time::from_millis_clamped(n * 60_000)
}

fn inputs(dimensions: Vec<DimensionInput>) -> SafetyInputs {
    SafetyInputs {
        township: TownshipCode::parse("330225101").unwrap(),
        face: Face::Live,
        dimensions,
        caps: Vec::new(),
        confidence: None,
    }
}

fn given(scores: [Option<f64>; 5]) -> SafetyInputs {
    let input = |score: Option<f64>| score.map_or(DimensionInput::Unknown, DimensionInput::Score);
    inputs(scores.into_iter().map(input).collect())
}

fn cap(id: CapId) -> HeldCap {
    HeldCap { id, since: None, expires: None }
}

#[track_caller]
fn near(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-3, "{found:?} {expected}");
}

#[test]
fn a_missing_dimension_is_provisional_and_never_better_than_yellow() {
    let found = evaluate(
        &given([Some(95.0), None, Some(92.0), Some(90.0), Some(100.0)]),
        &model(),
        minute(0),
    );
    near(found.score, 93.817);
    assert!((found.coverage - 0.75).abs() < 1e-12);
    assert_eq!((found.provisional, found.grey, found.level), (true, false, Some(Level::Yellow)));
    assert_eq!(found.missing, ["risk_sensing"]);
}

#[test]
fn too_little_coverage_is_grey() {
    let found =
        evaluate(&given([None, Some(90.0), Some(90.0), None, Some(90.0)]), &model(), minute(0));
    assert_eq!((found.grey, found.level), (true, None));
    near(found.score, 90.0);
}

#[test]
fn a_month_without_reports_scores_zero_and_is_never_grey() {
    let mut inputs = given([None; 5]);
    inputs.face = Face::Month;
    let found = evaluate(&inputs, &model(), minute(0));
    assert_eq!((found.grey, found.provisional, found.level), (false, false, Some(Level::Red)));
    near(found.score, 1.0);
}

#[test]
fn the_lowest_cap_decides_and_adds_up() {
    let mut inputs = given([Some(95.0); 5]);
    inputs.caps = vec![cap(CapId::MajorHazardOffline), cap(CapId::RedUnacknowledged)];
    let found = evaluate(&inputs, &model(), minute(0));
    near(found.raw, 95.0);
    assert_eq!((found.score, found.level), (Some(79.9), Some(Level::Orange)));
    assert!(found.explanation.largest_gap() < 1e-9);
    let cap = found.explanation.part("red_unacknowledged").unwrap();
    near(cap.contribution, 79.9 - 95.0);
}

fn all_values(value: f64, time: Time) -> SafetyInputs {
    let dimension = |spec: &DimensionSpec| {
        let value =
            IndicatorInput::Value(IndicatorValue { value, time, credibility: None, raw: None });
        DimensionInput::Indicators(vec![value; spec.indicators.len()])
    };
    inputs(model().dimensions.iter().map(dimension).collect())
}

#[test]
fn silence_lowers_coverage_not_the_score() {
    let inputs = all_values(50.0, minute(0));
    let fresh = evaluate(&inputs, &model(), minute(1));
    let silent = evaluate(&inputs, &model(), minute(60 * 24 * 400));
    assert_eq!(fresh.score, silent.score);
    assert_eq!((fresh.coverage, silent.coverage, silent.grey), (1.0, 0.0, true));
    assert!(fresh.confidence > 0.6 && silent.confidence == 0.0);
}

#[test]
fn a_thin_dimension_is_not_scored() {
    let mut inputs = all_values(90.0, minute(0));
    let DimensionInput::Indicators(indicators) = &mut inputs.dimensions[0] else { unreachable!() };
    indicators[0] = IndicatorInput::Unknown;
    let found = evaluate(&inputs, &model(), minute(0));
    assert!(!found.provisional, "0.70 of the weight is enough");
    let DimensionInput::Indicators(indicators) = &mut inputs.dimensions[0] else { unreachable!() };
    indicators[1] = IndicatorInput::Unknown;
    let found = evaluate(&inputs, &model(), minute(0));
    assert!(found.provisional && found.explanation.parts[0].score.is_none());
    let DimensionInput::Indicators(indicators) = &mut inputs.dimensions[0] else { unreachable!() };
    indicators.fill(IndicatorInput::NotApplicable);
    let found = evaluate(&inputs, &model(), minute(0));
    assert!(!found.provisional && found.coverage == 1.0);
}

#[test]
fn a_level_comes_back_after_half_an_hour() {
    let (bad, good) = (given([Some(70.0); 5]), given([Some(95.0); 5]));
    let mut state = SafetyState::default();
    let mut at = |minute_no: i64, inputs: &SafetyInputs| {
        let (next, score) = step(state, inputs, &model(), minute(minute_no));
        state = next;
        score.level
    };
    assert_eq!(at(0, &bad), Some(Level::Orange));
    assert_eq!(at(1, &good), Some(Level::Orange));
    assert_eq!(at(30, &good), Some(Level::Orange));
    assert_eq!(at(31, &good), Some(Level::Blue));
    assert_eq!(at(32, &bad), Some(Level::Orange));
}

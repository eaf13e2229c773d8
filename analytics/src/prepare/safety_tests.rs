//! Tests of the inputs of Index A.

use std::sync::Arc;

use model::{Level, Quality, ThingKind};

use super::people_world::{DAY_MIN, HAVEN, TestWorld, minute};
use super::{advance_online, safety};
use crate::township_safety::caps::CapId;
use crate::township_safety::{
    DimensionInput, IndicatorInput, SafetyInputs, SafetyModel, SafetyScore, evaluate,
};

fn model() -> SafetyModel {
    SafetyModel::from_toml(include_str!("../../../config/models/township-safety.toml")).unwrap()
}

fn prepared(test: &TestWorld, at: i64) -> SafetyInputs {
    safety(&test.world, &test.township(), &model(), minute(at))
}

pub(super) fn score(test: &TestWorld, at: i64) -> SafetyScore {
    evaluate(&prepared(test, at), &model(), minute(at))
}

fn indicator(test: &TestWorld, id: &str, at: i64) -> IndicatorInput {
    let inputs = prepared(test, at);
    for (spec, input) in model().dimensions.iter().zip(&inputs.dimensions) {
        let DimensionInput::Indicators(inputs) = input else { unreachable!() };
        for (spec, input) in spec.indicators.iter().zip(inputs) {
            if spec.id == id {
                return input.clone();
            }
        }
    }
    unreachable!("{id} is no indicator")
}

const UNKNOWN: Result<f64, &str> = Err("unknown");
const NOT_APPLICABLE: Result<f64, &str> = Err("not applicable");

#[track_caller]
fn check(test: &TestWorld, id: &str, at: i64, expected: Result<f64, &str>) {
    let found = match indicator(test, id, at) {
        IndicatorInput::Unknown => UNKNOWN,
        IndicatorInput::NotApplicable => NOT_APPLICABLE,
        IndicatorInput::Value(value) => Ok(value.value),
    };
    let is_near = match (found, expected) {
        (Ok(found), Ok(expected)) => (found - expected).abs() < 1e-9,
        (found, expected) => found == expected,
    };
    assert!(is_near, "{id} at {at}: {found:?}, not {expected:?}");
}

/// A township office that reports these at minute 0.
fn office(reports: &[(&str, f64)]) -> TestWorld {
    let mut test = TestWorld::new();
    let streams: Vec<&str> = reports.iter().map(|(stream, _)| *stream).collect();
    test.thing("of-1", ThingKind::TownshipOffice, &streams.join(" "));
    for (stream, value) in reports {
        test.say(&format!("of-1/{stream}"), 0, *value);
    }
    test
}

#[test]
fn rates_of_what_is_in_force() {
    for (id, done, of) in [
        ("standardisation_rate", "enterprises_standardised", "enterprises_total"),
        ("shelter_standardisation_rate", "shelters_standardised", "shelters_total"),
        ("equipment_rate", "equipment_held", "equipment_required"),
        ("rescue_15min_rate", "villages_within_15min", "villages_total"),
    ] {
        check(&office(&[]), id, 0, UNKNOWN);
        check(&office(&[(done, 30.0)]), id, 0, UNKNOWN);
        check(&office(&[(of, 40.0)]), id, 0, UNKNOWN);
        check(&office(&[(of, 0.0)]), id, 0, NOT_APPLICABLE);
        let mut test = office(&[(done, 30.0), (of, 40.0)]);
        check(&test, id, 0, Ok(75.0));
        check(&test, id, 400 * DAY_MIN, Ok(75.0));
        test.say(&format!("of-1/{done}"), DAY_MIN, 40.0);
        check(&test, id, DAY_MIN, Ok(100.0));
    }
}

#[test]
fn certificates_of_all_who_report_them() {
    let mut test = office(&[]);
    let streams = "certificates_required:safety certificates_valid:safety";
    test.thing("en-1", ThingKind::Enterprise, streams);
    test.thing("en-2", ThingKind::Enterprise, streams);
    check(&test, "certificate_rate", 0, UNKNOWN);
    test.say_all("en-1", 0, 10.0);
    check(&test, "certificate_rate", 0, Ok(100.0));
    test.say("en-2/certificates_required:safety", 0, 10.0);
    check(&test, "certificate_rate", 0, Ok(50.0));
}

#[test]
fn rates_of_a_month() {
    for (id, done, of) in [
        ("rectification_rate", "hazards_rectified", "hazards_due"),
        ("on_time_disposal_rate", "abnormal_events_on_time", "abnormal_events_due"),
    ] {
        let mut test = office(&[]);
        test.thing("of-2", ThingKind::TownshipOffice, &format!("{done} {of}"));
        for (day, rectified, due) in [(1, 0.0, 10.0), (31, 4.0, 10.0), (40, 10.0, 10.0)] {
            let (since, at) = (Some((day - 1) * DAY_MIN), day * DAY_MIN);
            test.sample(&format!("of-2/{done}"), since, at, rectified, Quality::PASS);
            test.sample(&format!("of-2/{of}"), since, at, due, Quality::PASS);
        }
        check(&test, id, 30 * DAY_MIN, Ok(0.0));
        check(&test, id, 40 * DAY_MIN, Ok(70.0));
        check(&test, id, 100 * DAY_MIN, Ok(70.0));
    }
    let done = [("inspections_done", 45.0), ("inspections_planned", 50.0)];
    check(&office(&done), "inspection_rate", 0, Ok(90.0));
}

#[test]
fn drills_of_a_year() {
    check(&office(&[("drills_planned", 4.0)]), "drill_rate", 0, UNKNOWN);
    check(&office(&[("drills_planned", 0.0)]), "drill_rate", 0, NOT_APPLICABLE);
    let half = [("drills_planned", 4.0), ("drills_done", 2.0)];
    check(&office(&half), "drill_rate", 0, Ok(50.0));
    let nobody = [half[0], half[1], ("trainees_planned", 100.0)];
    check(&office(&nobody), "drill_rate", 0, Ok(25.0));
    let mut test = office(&half);
    test.say("of-1/drills_done", 300 * DAY_MIN, 1.0);
    check(&test, "drill_rate", 300 * DAY_MIN, Ok(75.0));
}

#[test]
fn grid_reports_against_the_median() {
    let reports = [("grids", 10.0), ("grid_reports_confirmed", 30.0)];
    check(&office(&reports[..1]), "grid_report_ratio", 0, UNKNOWN);
    let mut test = office(&reports);
    check(&test, "grid_report_ratio", 0, Ok(1.0));
    test.thing_inland("of-9", ThingKind::TownshipOffice, "grids grid_reports_confirmed");
    test.say("of-9/grids", 0, 10.0);
    check(&test, "grid_report_ratio", 0, Ok(1.0));
    test.say("of-9/grid_reports_confirmed", 0, 90.0);
    check(&test, "grid_report_ratio", 0, Ok(0.5));
}

#[test]
fn chemical_firms_are_those_with_a_grade_to_report() {
    let mut test = TestWorld::new();
    check(&test, "chemical_credit", 0, NOT_APPLICABLE);
    test.thing("en-0", ThingKind::Enterprise, "smoke_alarm");
    check(&test, "chemical_credit", 0, NOT_APPLICABLE);
    test.thing("en-1", ThingKind::Enterprise, "credit_grade major_hazard_index");
    test.thing("en-2", ThingKind::Enterprise, "credit_grade");
    check(&test, "chemical_credit", 0, UNKNOWN);
    test.say("en-1/credit_grade", 0, 5.0);
    check(&test, "chemical_credit", 0, Ok(60.0));
    test.say("en-1/major_hazard_index", 0, 12.0);
    check(&test, "chemical_credit", 0, Ok((2.0 * 100.0 + 0.5 * 20.0) / 2.5));
    test.confirm_nothing();
    check(&TestWorld::new(), "chemical_credit", 0, NOT_APPLICABLE);
}

#[test]
fn supplies_within_twelve_hours() {
    let mut test = TestWorld::new();
    check(&test, "supply_12h_rate", 0, NOT_APPLICABLE);
    for (id, eta_h) in [("sh-1", Some(12.0)), ("sh-2", Some(12.5)), ("sh-3", None)] {
        test.thing(id, ThingKind::Shelter, "supply_eta");
        check(&test, "supply_12h_rate", -1, UNKNOWN);
        if let Some(eta_h) = eta_h {
            test.say(&format!("{id}/supply_eta"), 0, eta_h);
        }
    }
    check(&test, "supply_12h_rate", 0, Ok(100.0 / 3.0));
}

#[test]
fn accidents_are_known_by_a_nil_report() {
    let mut test = TestWorld::new();
    let streams = "accident_deaths accident_serious_injuries accident_fires";
    test.thing("of-1", ThingKind::TownshipOffice, streams);
    test.thing("en-1", ThingKind::Enterprise, streams);
    check(&test, "accident_burden", 0, UNKNOWN);
    test.say("of-1/accident_deaths", 0, 0.0);
    check(&test, "accident_burden", 0, Ok(0.0));
    test.say("of-1/accident_serious_injuries", 0, 2.0);
    test.say("en-1/accident_fires", 0, 1.0);
    check(&test, "accident_burden", 0, Ok(0.5));
    check(&test, "accident_burden", 90 * DAY_MIN, Ok(0.25));
    let facts = Arc::make_mut(&mut test.world.facts);
    facts.townships[0].population = Some(20_000.0);
    check(&test, "accident_burden", 0, Ok(0.5));
    Arc::make_mut(&mut test.world.facts).townships[1].population = Some(1_000.0);
    check(&test, "accident_burden", 0, Ok(0.25));
}

#[test]
fn nothing_is_asked_before_an_office_reports() {
    let mut test = office(&[("equipment_held", 1.0), ("equipment_required", 2.0)]);
    Arc::make_mut(&mut test.world.facts).townships[0].reporting_from = Some(minute(60));
    check(&test, "equipment_rate", 59, NOT_APPLICABLE);
    check(&test, "accident_burden", 59, NOT_APPLICABLE);
    check(&test, "equipment_rate", 60, Ok(50.0));
}

#[test]
fn contact_of_the_confirmed_lists() {
    let mut test = TestWorld::new();
    check(&test, "sensing_online_rate", 0, NOT_APPLICABLE);
    test.vessel("fv-1", 0, HAVEN);
    test.thing("fv-2", ThingKind::FishingVessel, "");
    test.thing("hm-1", ThingKind::HydrometStation, "rainfall_depth");
    check(&test, "sensing_online_rate", 0, UNKNOWN);
    for at in 0..32 {
        advance_online(&mut test.world, minute(at));
    }
    check(&test, "sensing_online_rate", 32, Ok(25.0));
    test.confirm_nothing();
    check(&test, "sensing_online_rate", 32, UNKNOWN);
}

#[test]
fn burdens_need_a_list_with_something_online() {
    let mut test = TestWorld::new();
    check(&test, "vessel_alarm_burden", 0, NOT_APPLICABLE);
    test.vessel("fv-1", 0, HAVEN);
    check(&test, "vessel_alarm_burden", 0, UNKNOWN);
    advance_online(&mut test.world, minute(0));
    check(&test, "vessel_alarm_burden", 1, Ok(0.0));
    test.alert("fv-1/recall_overdue", Level::Orange, 1, |_| {});
    check(&test, "vessel_alarm_burden", 1, Ok(15.0));
    check(&test, "construction_alarm_burden", 1, NOT_APPLICABLE);
    // A month of silence: what was counted goes on counting, as held.
    let later = 40 * DAY_MIN;
    check(&test, "vessel_alarm_burden", later, Ok(15.0));
    test.world.alerts.clear();
    check(&test, "vessel_alarm_burden", later, UNKNOWN);
    test.confirm_nothing();
    check(&test, "vessel_alarm_burden", 1, UNKNOWN);
}

#[test]
fn caps_hold_by_alarms_and_reports() {
    let mut test = TestWorld::new();
    test.thing("cs-1", ThingKind::ConstructionSite, "crane_load_ratio");
    test.thing("of-1", ThingKind::TownshipOffice, "accident_deaths major_hazards_overdue");
    test.alert("cs-1/crane_load_ratio", Level::Red, 0, |alert| alert.told = Some(minute(0)));
    test.say("of-1/accident_deaths", 0, 1.0);
    test.say("of-1/major_hazards_overdue", 0, 2.0);
    let caps: Vec<CapId> = prepared(&test, 31).caps.iter().map(|cap| cap.id).collect();
    let expected = [CapId::RedUnacknowledged, CapId::FatalAccident, CapId::MajorHazardOverdue];
    assert_eq!(caps, expected);
}

#[test]
fn confidence_is_that_of_the_oldest_part_averaged_over_things() {
    let mut test = TestWorld::new();
    for id in ["sh-1", "sh-2"] {
        test.thing(id, ThingKind::Shelter, "supply_eta");
    }
    let credibility = |test: &TestWorld, at: i64| match indicator(test, "supply_12h_rate", at) {
        IndicatorInput::Value(value) => value.credibility.unwrap(),
        _ => unreachable!(),
    };
    test.say("sh-1/supply_eta", 0, 1.0);
    assert!((credibility(&test, 0) - 0.3).abs() < 1e-12, "the other shelter never spoke");
    test.say("sh-2/supply_eta", 60 * DAY_MIN, 1.0);
    assert!((credibility(&test, 60 * DAY_MIN) - 0.6 * 0.75).abs() < 1e-12);
}

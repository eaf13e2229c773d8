//! The items of V, by what was reported and where the vessels are.

use super::*;
use crate::explain::NodeState;
use crate::flood_typhoon::FloodModel;

fn rules() -> ExposureRules {
    let text = include_str!("../../../../config/models/flood-typhoon.toml");
    FloodModel::from_toml(text).unwrap().exposure
}

fn hour(n: i64) -> Time {
    Time::from_millis_clamped(n * 3_600_000)
}

fn report(value: f64, at_hour: i64) -> Option<Report> {
    Some(Report { value, time: hour(at_hour) })
}

fn calm() -> ExposureInputs {
    ExposureInputs {
        people: Vec::new(),
        vessels: Register::NeverEntered,
        recall: false,
        sites: Register::NeverEntered,
        vulnerable_percent: None,
        event_since: Some(hour(0)),
        response_since: Some(hour(0)),
    }
}

fn people(rows: &[(Category, f64, f64)]) -> ExposureInputs {
    let row = |(category, to, moved): &(Category, f64, f64)| PeopleReport {
        category: *category,
        to_evacuate: report(*to, 0),
        evacuated: report(*moved, 1),
    };
    ExposureInputs { people: rows.iter().map(row).collect(), ..calm() }
}

#[track_caller]
fn check_people(rows: &[(Category, f64, f64)], demand: Level, expected: f64) {
    let found = people_unmoved(&people(rows), demand, &rules(), hour(1)).share.unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
}

#[test]
fn the_worst_tier_on_the_way_is_the_share() {
    let rows = [
        (Category::Crew, 100.0, 0.0),
        (Category::OutsideSeawall, 900.0, 900.0),
        (Category::Landslide, 1000.0, 1000.0),
    ];
    check_people(&rows, Level::None, 0.0);
    check_people(&rows, Level::Blue, 1.0);
    check_people(&rows, Level::Red, 1.0);
}

#[test]
fn the_last_ones_are_never_averaged_away() {
    check_people(&[(Category::Other, 10_000.0, 9_990.0)], Level::Red, 0.15);
    check_people(&[(Category::Other, 10_000.0, 9_900.0)], Level::Red, 0.3);
    check_people(&[(Category::Other, 10_000.0, 12_000.0)], Level::Red, 0.0);
}

#[test]
fn registers_say_whether_the_item_applies() {
    let state =
        |inputs: &ExposureInputs| people_unmoved(inputs, Level::Red, &rules(), hour(1)).state;
    assert_eq!(state(&calm()), NodeState::Unknown);
    assert_eq!(state(&people(&[(Category::Crew, 0.0, 0.0)])), NodeState::NotApplicable);
}

#[test]
fn progress_before_the_event_does_not_count() {
    let mut inputs = people(&[(Category::Crew, 100.0, 100.0)]);
    inputs.event_since = Some(hour(2));
    let item = people_unmoved(&inputs, Level::Blue, &rules(), hour(3));
    assert_eq!((item.share, item.confidence), (Some(1.0), 0.0));
}

#[test]
fn reports_in_time_give_manual_confidence() {
    let inputs = people(&[(Category::Crew, 100.0, 100.0)]);
    let confidence = |at| people_unmoved(&inputs, Level::Blue, &rules(), hour(at)).confidence;
    assert!((confidence(2) - 0.6).abs() < 1e-12);
    assert!((confidence(3) - 0.3).abs() < 1e-12);
}

#[test]
fn vessels_by_place() {
    let vessel = |place| Vessel { place, time: hour(1) };
    let fleet = |places: &[VesselPlace], recall| ExposureInputs {
        vessels: Register::Entered(places.iter().copied().map(vessel).collect()),
        recall,
        ..calm()
    };
    let share = |places: &[VesselPlace], recall| {
        vessels_out(&fleet(places, recall), &rules(), hour(1)).share
    };
    use VesselPlace::{AtSea, InHaven, InWeakHaven, LostAtSea, Overdue};
    assert_eq!(share(&[Overdue], false), Some(0.0));
    assert_eq!(share(&[Overdue, InHaven, AtSea, InWeakHaven], true), Some(0.5));
    let mut many = vec![InHaven; 99];
    many.push(LostAtSea);
    assert!((share(&many, true).unwrap() - 0.1).abs() < 1e-12, "the last boat");
    assert_eq!(share(&[], true), None);
}

#[test]
fn sites_stop_and_vane() {
    let site = |has_crane, work: f64, vaned: f64| Site {
        has_crane,
        work_stopped: report(work, 1),
        crane_vaned: report(vaned, 1),
    };
    let sites = vec![site(true, 1.0, 0.0), site(false, 1.0, 0.0), site(true, 0.0, 0.0)];
    let inputs = ExposureInputs { sites: Register::Entered(sites), ..calm() };
    let share = |demand| sites_unsecured(&inputs, demand, &rules(), hour(1)).share;
    assert_eq!((share(Level::Blue), share(Level::Yellow)), (Some(0.0), Some(0.5)));
}

#[test]
fn vulnerability_has_a_default_of_little_credit() {
    let item = static_vulnerability(&calm(), &rules(), hour(1));
    assert_eq!((item.share, item.confidence), (Some(0.30), 0.3));
}

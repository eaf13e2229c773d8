//! Tracks from bulletins, and what they mean at a place.

use model::{Document, DocumentId, Storm};

use super::super::test_world::{COAST, flood_model, minute, name, township};
use super::*;
use crate::commands::read_track;
use crate::world::{Haven, MustMonitor};

const TRACKS: &str = include_str!("../../../tests/main/data/typhoon-tracks.csv");

fn id(text: &str) -> DocumentId {
    DocumentId::parse(text).unwrap()
}

fn shipu() -> Position {
    Position::new(121.95, 29.21).unwrap()
}

fn hour(n: i64) -> Time {
    minute(n * 60)
}

fn fix(n: i64, longitude: f64, pressure_hpa: f64) -> StormFix {
    StormFix {
        time: hour(n),
        position: Position::new(longitude, 29.0).unwrap(),
        pressure_hpa,
        wind_mps: None,
        force7_km: None,
        force10_km: None,
        force12_km: None,
    }
}

fn bulletin(storm: &str, n: i64, observed: Vec<StormFix>, forecast: Vec<StormFix>) -> Bulletin {
    Bulletin {
        id: id(&format!("{storm}-{n}")),
        storm: id(storm),
        agency: "CMA".to_owned(),
        issued: hour(n),
        averaging_min: 2,
        is_final: false,
        observed,
        forecast,
    }
}

fn documents(bulletins: Vec<Bulletin>) -> Documents {
    let mut documents = Documents::default();
    for bulletin in bulletins {
        documents.insert(Document::Storm(Storm {
            id: bulletin.storm.clone(),
            name: name("test"),
            number: None,
            intensity_factor: 1.0,
            ended: None,
        }));
        documents.insert(Document::Bulletin(bulletin));
    }
    documents
}

/// The county has its seat at Shipu.
fn facts() -> Facts {
    let haven = Haven {
        id: "haven".to_owned(),
        name: name("haven"),
        position: Position::new(121.76, 29.332).unwrap(),
        radius_m: 2_500.0,
        rated_wind_mps: None,
        capacity: None,
    };
    let townships = vec![township(COAST, 121.95, 29.21)];
    Facts { townships, havens: vec![haven], must_monitor: MustMonitor::default() }
}

fn tracks(documents: &Documents, n: i64) -> StormTracks {
    StormTracks::of(documents, &facts(), hour(n))
}

fn level(documents: &Documents, n: i64) -> (Level, Option<i64>) {
    let found = tracks(documents, n).outlook(shipu(), &flood_model(), hour(n));
    (found.level, found.issued.map(|time| time.millis() / 3_600_000))
}

/// The whole track of Haikui (JMA best track) as one forecast.
fn haikui() -> (Documents, Time) {
    let track = read_track(TRACKS, "HAIKUI").unwrap();
    let fixes: Vec<StormFix> = track
        .fixes()
        .iter()
        .map(|fix| StormFix {
            time: fix.time,
            position: fix.centre,
            pressure_hpa: fix.pressure_hpa,
            ..self::fix(0, 0.0, 0.0)
        })
        .collect();
    let first = fixes[0].time;
    let observed = vec![fixes[0]];
    let issued = Bulletin { issued: first, ..bulletin("haikui", 0, observed, fixes[1..].to_vec()) };
    (documents(vec![issued]), first)
}

#[test]
fn haikui_turns_the_outlook_when_domain_8_says() {
    let (documents, first) = haikui();
    let model = flood_model();
    let at_once = StormTracks::of(&documents, &facts(), first);
    let mut found: Vec<(Level, String)> = Vec::new();
    for n in 0..96 {
        let at = Time::from_millis_clamped(first.millis() + n * HOUR_MS);
        let level = at_once.outlook(shipu(), &model, at).level;
        let fresh = StormTracks::of(&documents, &facts(), at);
        assert_eq!(fresh.outlook(shipu(), &model, at).level, level, "{at}");
        if found.iter().all(|(reached, _)| *reached < level) {
            found.push((level, at.to_string()[5..16].to_owned()));
        }
    }
    let expected = [
        (Level::None, ""),
        (Level::Yellow, "08-05T08:00"),
        (Level::Orange, "08-06T07:00"),
        (Level::Red, "08-06T21:00"),
    ];
    let expected = expected[1..].iter().map(|(level, time)| (*level, (*time).to_owned()));
    assert_eq!(found, expected.collect::<Vec<_>>());
    let strongest = at_once.wind_forecast_max(shipu(), first).unwrap();
    assert!((strongest - 37.60).abs() < 1e-2, "{strongest}");
}

#[test]
fn places_beside_the_cache_have_the_same_winds() {
    let (documents, first) = haikui();
    let cached = StormTracks::of(&documents, &facts(), first);
    let none = Facts { townships: Vec::new(), havens: Vec::new(), ..facts() };
    let plain = StormTracks::of(&documents, &none, first);
    for at in [
        first,
        minute(first.millis() / 60_000 + 47),
        first + std::time::Duration::from_secs(250_000),
    ] {
        let of = |tracks: &StormTracks| {
            (tracks.outlook(shipu(), &flood_model(), at), tracks.wind_forecast_max(shipu(), at))
        };
        assert_eq!(of(&cached), of(&plain));
    }
}

#[test]
fn without_an_active_storm_nothing_is_said() {
    let none = tracks(&Documents::default(), 0);
    assert_eq!(none.winds_at(shipu(), hour(0)), None);
    assert_eq!(none.wind_forecast_max(shipu(), hour(0)), None);
    assert_eq!(none.is_inside_force7(shipu(), hour(0)), None);
    assert_eq!(level(&Documents::default(), 0), (Level::None, None));
}

#[test]
fn newer_issues_revise_fixes_and_bulletins_of_positions_keep_the_forecast() {
    let forecast = vec![fix(3, 129.0, 960.0), fix(24, 122.5, 940.0)];
    let first = bulletin("a", 0, vec![fix(0, 130.0, 980.0)], forecast);
    let second = bulletin("a", 6, vec![fix(0, 131.0, 970.0), fix(6, 128.0, 975.0)], vec![]);
    let both = documents(vec![first.clone(), second]);
    let found = &tracks(&both, 6).tracks[0];
    let fixes: Vec<(Time, f64)> =
        found.track.fixes().iter().map(|fix| (fix.time, fix.pressure_hpa)).collect();
    assert_eq!(fixes, [(hour(0), 970.0), (hour(6), 975.0), (hour(24), 940.0)]);
    assert_eq!((found.fix_time, found.forecast_issued), (hour(6), hour(0)));
    assert_eq!(tracks(&both, 0).tracks[0].track.fixes().len(), 3, "as known before");

    let weak = bulletin("a", 12, vec![], vec![fix(24, 135.0, 1000.0)]);
    let turned = documents(vec![first.clone(), weak]);
    assert_eq!(
        (level(&turned, 11), level(&turned, 12)),
        ((Level::Red, Some(0)), (Level::None, Some(12)))
    );
}

#[test]
fn fixes_without_a_credible_pressure_are_left_out() {
    let all = documents(vec![bulletin("a", 0, vec![fix(0, 122.0, 0.0)], vec![])]);
    assert!(tracks(&all, 0).tracks.is_empty());
    let fixes = vec![fix(0, 122.0, 960.0), fix(1, 122.0, f64::NAN)];
    let one = documents(vec![bulletin("a", 1, fixes, vec![])]);
    assert_eq!(tracks(&one, 1).tracks[0].track.fixes().len(), 1);
}

#[test]
fn a_storm_lasts_until_somebody_ends_it_or_a_day_after_its_track() {
    let start = bulletin("a", 0, vec![fix(0, 122.0, 960.0)], vec![fix(10, 122.0, 960.0)]);
    let is_active =
        |documents: &Documents, n| tracks(documents, n).winds_at(shipu(), hour(n)).is_some();
    let open = documents(vec![start.clone()]);
    assert_eq!([0, 33, 34].map(|n| is_active(&open, n)), [true, true, false]);
    assert!(!is_active(&open, -1), "not issued yet");

    let last = Bulletin { is_final: true, ..bulletin("a", 6, vec![fix(6, 122.0, 990.0)], vec![]) };
    let ended = documents(vec![start.clone(), last]);
    assert_eq!([5, 6].map(|n| is_active(&ended, n)), [true, false]);
    assert!(tracks(&ended, 5).winds_at(shipu(), hour(7)).is_some(), "not known at 5 h");

    let mut by_desk = open;
    by_desk.storms.get_mut(&id("a")).unwrap().ended = Some(hour(3));
    assert_eq!([2, 3].map(|n| is_active(&by_desk, n)), [true, false]);
}

#[test]
fn a_forecast_that_ran_out_does_not_end_the_outlook() {
    let start = bulletin("a", 0, vec![fix(0, 124.0, 940.0)], vec![fix(5, 122.2, 940.0)]);
    let silent = documents(vec![start]);
    for n in [0, 5, 6, 28] {
        assert_eq!(level(&silent, n), (Level::Red, Some(0)), "{n}");
        assert!(tracks(&silent, n).wind_forecast_max(shipu(), hour(n)).unwrap() > 24.5);
    }
    assert_eq!(level(&silent, 29), (Level::None, None));
}

#[test]
fn of_two_storms_the_worse_one_speaks() {
    let near = bulletin("near", 0, vec![fix(0, 122.2, 940.0)], vec![fix(48, 122.2, 940.0)]);
    let far = bulletin("far", 20, vec![fix(20, 150.0, 940.0)], vec![fix(48, 150.0, 940.0)]);
    let both = documents(vec![far.clone(), near.clone()]);
    assert_eq!(level(&both, 20), (Level::Red, Some(0)), "and its forecast is the old one");
    assert_eq!(level(&documents(vec![far]), 20), (Level::None, Some(20)));
    let wind = |documents: &Documents| tracks(documents, 20).winds_at(shipu(), hour(20)).unwrap();
    assert_eq!(wind(&both), wind(&documents(vec![near])));
    assert_eq!(wind(&both).fix_time, hour(0));
}

#[test]
fn the_force_7_circle_moves_with_the_centre() {
    let with_radius =
        |n, longitude, km| StormFix { force7_km: Some(km), ..fix(n, longitude, 960.0) };
    let forecast = vec![with_radius(12, 123.0, 200.0)];
    let told = bulletin("a", 0, vec![with_radius(0, 130.0, 300.0)], forecast);
    let told = tracks(&documents(vec![told]), 0);
    let inside = |n| told.is_inside_force7(shipu(), hour(n));
    assert_eq!(
        [inside(0), inside(6), inside(11), inside(12)],
        [Some(false), Some(false), Some(true), Some(true)]
    );
    let untold = documents(vec![bulletin("a", 0, vec![fix(0, 122.0, 960.0)], vec![])]);
    assert_eq!(tracks(&untold, 0).is_inside_force7(shipu(), hour(0)), None);
}

#[test]
fn a_forecast_without_end_costs_no_more_than_a_month() {
    let start = bulletin("a", 0, vec![fix(0, 124.0, 940.0)], vec![fix(1_000_000, 122.2, 940.0)]);
    let found = tracks(&documents(vec![start]), 10);
    assert_eq!(found.tracks[0].winds[0].1.len(), 721);
}

#[test]
fn agencies_stand_side_by_side_and_the_worst_one_speaks() {
    let mild = bulletin("a", 0, vec![fix(0, 122.2, 1000.0)], vec![fix(48, 122.2, 1000.0)]);
    let deep = Bulletin {
        id: id("a-deep"),
        agency: "JMA".to_owned(),
        ..bulletin("a", 1, vec![fix(0, 122.2, 940.0)], vec![fix(48, 122.2, 940.0)])
    };
    let both = documents(vec![mild.clone(), deep.clone()]);
    assert_eq!((level(&both, 0), level(&both, 1)), ((Level::None, Some(0)), (Level::Red, Some(1))));
    let over = Bulletin { is_final: true, issued: hour(2), id: id("a-over"), ..deep };
    let mut both = both;
    both.insert(Document::Bulletin(over));
    assert_eq!(level(&both, 2), (Level::None, Some(0)), "the other agency goes on");
}

#[test]
fn the_intensity_factor_scales_the_wind_where_it_is_credible() {
    let wind = |factor: f64| {
        let one = bulletin("a", 0, vec![fix(0, 122.2, 960.0)], vec![]);
        let mut documents = documents(vec![one]);
        documents.storms.get_mut(&id("a")).unwrap().intensity_factor = factor;
        tracks(&documents, 0).winds_at(shipu(), hour(0)).unwrap().wind_mps
    };
    assert_eq!(wind(1.2), wind(1.0) * 1.2);
    assert_eq!((wind(0.0), wind(f64::NAN)), (wind(1.0), wind(1.0)));
}

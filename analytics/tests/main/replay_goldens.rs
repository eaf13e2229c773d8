//! The replay goldens of docs/indices.md section 8: three storms at Shipu under
//! the local wind model.

use analytics::commands::{self, parse_site, read_track};
use analytics::flood_typhoon::FloodModel;
use analytics::knots::Knots;
use analytics::physics::local_wind::local_wind;
use analytics::physics::outlook::{LadderStep, SIGNAL_RULE, first_times};
use analytics::physics::track::Track;
use model::{Position, Time};

const TRACKS: &str = include_str!("data/typhoon-tracks.csv");

fn site() -> Position {
    parse_site("29.21,121.95").unwrap()
}

fn track(storm: &str, factor: f64) -> Track {
    let track = read_track(TRACKS, storm).unwrap();
    Track::new(track.fixes().to_vec(), factor).unwrap()
}

/// `08-05 08` in Beijing time, of the year of the track.
fn hour_text(time: Time) -> String {
    time.to_string()[5..13].replace('T', " ")
}

#[track_caller]
fn check_extremes(
    storm: &str,
    nearest: (f64, &str),
    strongest: (f64, &str),
    with_factor: (f64, f64),
) {
    let plain = track(storm, 1.0);
    let local = |time: &Time| local_wind(&plain, site(), *time);
    let closest =
        plain.hours().min_by(|a, b| local(a).distance_km.total_cmp(&local(b).distance_km)).unwrap();
    assert!((local(&closest).distance_km - nearest.0).abs() < 0.05);
    assert_eq!(hour_text(closest), nearest.1);

    let windiest =
        plain.hours().max_by(|a, b| local(a).wind_mps.total_cmp(&local(b).wind_mps)).unwrap();
    assert!((local(&windiest).wind_mps - strongest.0).abs() < 1e-2);
    assert_eq!(hour_text(windiest), strongest.1);

    let scaled = track(storm, with_factor.0);
    let wind = local_wind(&scaled, site(), windiest).wind_mps;
    assert!((wind - with_factor.1).abs() < 1e-2, "{wind}");
}

#[test]
fn nearest_and_strongest() {
    check_extremes("HAIKUI", (23.0, "08-08 05"), (37.60, "08-08 03"), (1.05, 39.48));
    check_extremes("FUNG-WONG", (15.9, "09-22 22"), (20.38, "09-22 17"), (1.22, 24.87));
    check_extremes("LEKIMA", (111.5, "08-10 05"), (35.05, "08-10 04"), (1.06, 37.15));
}

fn ladder() -> Vec<LadderStep> {
    let text = include_str!("../../../config/models/flood-typhoon.toml");
    FloodModel::from_toml(text).unwrap().ladder
}

#[track_caller]
fn check_first_times(storm: &str, factor: f64, ladder: &[LadderStep], expected: &[&str]) {
    let found: Vec<String> = first_times(&track(storm, factor), site(), ladder)
        .into_iter()
        .map(|(_, time)| time.map_or("–".to_owned(), hour_text))
        .collect();
    assert_eq!(found, expected, "{storm} {factor}");
}

#[test]
fn the_ladder_is_first_true_when_domain_8_says() {
    let ladder = ladder();
    check_first_times("HAIKUI", 1.0, &ladder, &["08-05 08", "08-05 08", "08-06 07", "08-06 21"]);
    check_first_times("HAIKUI", 1.05, &ladder, &["08-05 08", "08-05 08", "08-06 04", "08-06 18"]);
    check_first_times("FUNG-WONG", 1.0, &ladder, &["09-20 08", "09-20 23", "–", "–"]);
    check_first_times(
        "FUNG-WONG",
        1.22,
        &ladder,
        &["09-20 08", "09-20 17", "09-21 11", "09-21 21"],
    );
    check_first_times("LEKIMA", 1.0, &ladder, &["08-06 15", "08-07 15", "08-08 09", "08-08 21"]);
    check_first_times("LEKIMA", 1.06, &ladder, &["08-06 13", "08-07 13", "08-08 07", "08-08 19"]);
}

#[test]
fn the_signal_rule_is_first_true_when_domain_8_says() {
    check_first_times("HAIKUI", 1.0, &SIGNAL_RULE, &["08-05 09", "08-07 03", "08-07 17"]);
    check_first_times("FUNG-WONG", 1.0, &SIGNAL_RULE, &["09-21 11", "–", "–"]);
    check_first_times("LEKIMA", 1.0, &SIGNAL_RULE, &["08-08 03", "08-09 03", "08-09 19"]);
}

#[test]
fn haikui_hour_by_hour() {
    let track = track("HAIKUI", 1.0);
    let knots = Knots::new([5.5, 10.8, 17.2, 24.5, 32.7, 51.0]).unwrap();
    for (time, wind, score) in [
        ("2012-08-06T08:00+08:00", 17.19, 59.97),
        ("2012-08-07T08:00+08:00", 21.47, 68.77),
        ("2012-08-07T14:00+08:00", 24.41, 74.82),
        ("2012-08-07T20:00+08:00", 29.40, 83.96),
        ("2012-08-08T02:00+08:00", 37.20, 92.46),
        ("2012-08-08T08:00+08:00", 30.46, 85.90),
        ("2012-08-08T14:00+08:00", 20.76, 67.32),
    ] {
        let found = local_wind(&track, site(), Time::parse(time).unwrap()).wind_mps;
        assert!((found - wind).abs() < 1e-2, "{time} {found}");
        assert!((knots.score(found) - score).abs() < 1e-2, "{time} {}", knots.score(found));
    }
}

#[test]
fn the_commands_print_the_same() {
    let wind = commands::wind(TRACKS, "HAIKUI", site()).unwrap();
    assert!(wind.starts_with("time,wind_mps,distance_km\n2012-08-05T08:00:00.000+08:00,"));
    assert!(wind.contains("2012-08-08T03:00:00.000+08:00,37.60,"), "{wind}");
    let outlook = commands::outlook(TRACKS, "fung-wong", site(), &ladder()).unwrap();
    let expected = "level,first_time\nblue,2014-09-20T08:00:00.000+08:00\n\
        yellow,2014-09-20T23:00:00.000+08:00\norange,\nred,\n";
    assert_eq!(outlook, expected);
}

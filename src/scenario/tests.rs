//! The shipped scenario: it is valid, broken ones are refused, and its weather
//! does what its documents and the index need.

use std::collections::BTreeMap;
use std::time::Duration;

use analytics::physics::local_wind::local_wind;
use analytics::physics::outlook::{LadderStep, hourly_winds, outlook};
use analytics::physics::soil_water::SoilWater;
use codec::{Codec, Context, Limits};
use ingest::quality::{Sample, assess};
use model::{
    Catalogue, Flag, Level, ObservedProperty, Position, PropertyId, PropertySpec, ReadingTime,
    Thing, ThingKind, Township, thing_csv,
};
use simulators::script::WeatherSource;
use simulators::{Fleet, Playback};

use super::*;

const FILES: [(&str, &str); 6] = [
    (SCENARIO, include_str!("../../config/scenarios/haikui-2012/scenario.toml")),
    (TRACK, include_str!("../../config/scenarios/haikui-2012/track.csv")),
    (RAIN, include_str!("../../config/scenarios/haikui-2012/rain.csv")),
    (EVACUATION, include_str!("../../config/scenarios/haikui-2012/evacuation.csv")),
    (PROGRESS, include_str!("../../config/scenarios/haikui-2012/evacuation-progress.csv")),
    (DOCUMENTS, include_str!("../../config/scenarios/haikui-2012/documents.toml")),
];

fn townships() -> Vec<Township> {
    let text = include_str!("../../config/counties/xiangshan/townships.csv");
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        Township {
            code: TownshipCode::parse(cells[0]).unwrap(),
            name: LocalizedName { zh: cells[1].into(), en: cells[2].into() },
            seat: Position::new(cells[3].parse().unwrap(), cells[4].parse().unwrap()).unwrap(),
            coastal: cells[5] == "true",
            villages: None,
        }
    });
    rows.collect()
}

/// The shipped files, with one text in one of them replaced.
fn load_with(name: &str, from: &str, to: &str) -> Result<Scenario, Vec<Problem>> {
    let codes: Vec<TownshipCode> = townships().iter().map(|township| township.code).collect();
    let county = Surroundings { townships: &codes, havens: &[] };
    let read = |wanted: &str, _: &mut Vec<Problem>| {
        let (_, text) = FILES.iter().find(|(name, _)| *name == wanted)?;
        let text = if wanted == name { text.replacen(from, to, 1) } else { (*text).to_owned() };
        Some((wanted.to_owned(), text))
    };
    load(&read, "haikui-2012", &county)
}

fn shipped() -> Scenario {
    load_with("", "", "").unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn at(text: &str) -> Time {
    Time::parse(&format!("2012-08-{text}:00+08:00")).unwrap()
}

#[track_caller]
fn check_refused(name: &str, from: &str, to: &str, expected: &[&str]) {
    let problems = load_with(name, from, to).unwrap_err();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(shown.contains(expected), "{shown} does not contain {expected}");
    }
}

#[test]
fn the_shipped_scenario_has_its_documents_in_order() {
    let scenario = shipped();
    let documents = &scenario.documents;
    assert!(documents.is_sorted_by_key(|document| document.at));
    let ids: Vec<&str> = documents.iter().map(|d| d.document.id().as_str()).collect();
    assert_eq!(ids[..3], ["haikui-2012", "haikui-recall", "haikui-2012-201208060000"]);
    assert_eq!(ids.last(), Some(&"haikui-2012-201208090900"));
    // 28 bulletins from 6 Aug 00:00 to 9 Aug 09:00, the storm, three others.
    assert_eq!(ids.len(), 28 - 1 + 1 + 4, "{ids:?}");
    let red = documents.iter().find(|d| d.document.id().as_str() == "haikui-typhoon-red");
    assert_eq!(red.unwrap().at, at("07T07:17"));
    for document in documents {
        if let Document::Bulletin(bulletin) = &document.document {
            assert!(bulletin.observed.iter().all(|fix| fix.time <= bulletin.issued));
            assert!(bulletin.forecast.iter().all(|fix| bulletin.issued < fix.time));
            assert_eq!(bulletin.is_final, bulletin.forecast.is_empty());
        }
    }
}

#[test]
fn mistakes_are_named_by_file_and_place_all_at_once() {
    check_refused(
        SCENARIO,
        "gust_factor = 1.25",
        "gust_factor = 0.5\nwhatever = 1",
        &[
            "scenario.toml", // the section as a whole: an unknown key
        ],
    );
    check_refused(SCENARIO, "exposure = [0.94, 0.99]", "exposure = [1.0, 0.9]", &["wind.exposure"]);
    check_refused(SCENARIO, "intensity_factor = 1.0", "intensity_factor = 9.0", &["track.csv: "]);
    check_refused(
        SCENARIO,
        "\"330225101\"\nlost",
        "\"330225999\"\nlost",
        &["power_loss.0.township"],
    );
    check_refused(TRACK, ",26.7,129.1,980,", ",26.7,129.1,0,", &["track.csv:2: pressure 0 hPa"]);
    check_refused(TRACK, "08-05T14", "08-05T04", &["track.csv:3"]);
    check_refused(RAIN, ",31.6", ",32.6", &["rain.csv: the highest hour"]);
    check_refused(RAIN, "06T01:00", "06T01:30", &["rain.csv:3"]);
    check_refused(EVACUATION, "330225003,989", "330225003,990", &["`crew` adds up to 16479"]);
    check_refused(PROGRESS, "other", "others", &["evacuation-progress.csv:1"]);
    check_refused(DOCUMENTS, "level = \"red\"", "level = \"purple\"", &["documents.toml"]);
    check_refused(DOCUMENTS, "[[document]]", "[[document]]\nx = 1\n[[document]]", &["document.0"]);
}

#[test]
fn several_mistakes_are_all_told() {
    check_refused(
        SCENARIO,
        "[rain]\nhourly_max = 31.6                # S",
        "[rain]\nhourly_max = 900.0\n[hail]",
        &["rain", "hail"],
    );
}

/// The wind that gauges of a place measure at most, m/s: mean and gust.
fn measured(scenario: &Scenario, seat: Position, time: Time, exposure: f64) -> (f64, f64) {
    let air = scenario.script.weather.air(seat, time);
    (air.wind_mps * exposure, air.gust_mps * exposure)
}

#[test]
fn shipu_and_hepu_measure_red_wind_between_22_and_landfall() {
    let scenario = shipped();
    let (low, high) = scenario.script.exposure;
    for township in townships() {
        if !["石浦镇", "鹤浦镇"].contains(&township.name.zh.as_str()) {
            continue;
        }
        // The worst place with the largest ripple and noise of the gauges.
        let mut time = at("06T00:00");
        while time < at("07T22:00") {
            let (wind, gust) = measured(&scenario, township.seat, time, high);
            assert!(wind * 1.02 + 0.3 < 32.7 && gust * 1.036 + 0.5 < 41.5, "{time} {wind} {gust}");
            time = time + Duration::from_secs(600);
        }
        let (wind, _) = measured(&scenario, township.seat, at("08T03:10"), low);
        assert!(wind * 0.98 - 0.3 >= 32.7, "{} {wind}", township.name.zh);
    }
}

#[test]
fn the_wind_is_below_blue_before_the_end_everywhere() {
    let scenario = shipped();
    for township in townships() {
        for text in ["09T20:00", "10T00:00", "10T12:00", "12T00:00"] {
            let (wind, gust) = measured(&scenario, township.seat, at(text), 1.0);
            assert!(wind < 10.0 && gust < 16.0, "{text} {wind}");
        }
    }
}

const LADDER: [LadderStep; 4] = [
    LadderStep { level: Level::Blue, wind_mps: 17.2, within: Duration::from_secs(60 * 3600) },
    LadderStep { level: Level::Yellow, wind_mps: 17.2, within: Duration::from_secs(36 * 3600) },
    LadderStep { level: Level::Orange, wind_mps: 20.8, within: Duration::from_secs(24 * 3600) },
    LadderStep { level: Level::Red, wind_mps: 24.5, within: Duration::from_secs(18 * 3600) },
];

#[test]
fn the_outlook_is_red_at_shipu_in_the_evening_of_6_august() {
    let codes: Vec<TownshipCode> = Vec::new();
    let (mut problems, county) = (Vec::new(), Surroundings { townships: &codes, havens: &[] });
    let file = file::parse(SCENARIO, FILES[0].1, "haikui-2012", &county, &mut problems).unwrap();
    let table = TrackTable::read(TRACK, FILES[1].1, &mut problems).unwrap();
    let track = path(&table, &file).unwrap();
    for township in townships() {
        let winds = hourly_winds(&track, township.seat, track.last_time());
        let level = |time| outlook(&winds, track.first_time(), time, &LADDER).level;
        let mut time = at("06T00:00");
        while level(time) < Level::Red {
            time = time + Duration::from_secs(60);
        }
        assert!(at("06T12:00") < time, "{} {time}", township.name.zh);
        if township.name.zh == "石浦镇" {
            assert!((at("06T16:00")..=at("06T22:00")).contains(&time), "{time}");
        }
        let calm = local_wind(&track, township.seat, at("06T12:00")).wind_mps;
        assert!(calm < 24.5, "{} {calm}", township.name.zh);
    }
}

#[test]
fn rain_keeps_to_its_highest_hour_and_the_soil_dries_in_time() {
    let scenario = shipped();
    let weather: &dyn WeatherSource = scenario.script.weather.as_ref();
    let step = Duration::from_secs(600);
    let mut totals = Vec::new();
    for township in townships() {
        let (mut soil, mut time, mut wettest) = (SoilWater::default(), scenario.begin, 0.0_f64);
        let mut total = 0.0;
        while time < scenario.end {
            let rain = weather.rain_mm(township.seat, time, time + step);
            soil = soil.step(Some(rain), 1.0 / 6.0);
            let hour = weather.rain_mm(township.seat, time, time + 6 * step);
            wettest = wettest.max(hour);
            time = time + step;
            total += if time <= at("08T08:00") { rain } else { 0.0 };
            // Four hours before the end: hysteresis asks for half an hour.
            if time >= at("10T08:00") {
                assert!(soil.index_mm() < 85.0, "{} {time} {}", township.name.zh, soil.index_mm());
            }
        }
        assert!((20.0..=31.6).contains(&wettest), "{wettest}");
        totals.push(total);
    }
    assert!(totals.iter().all(|total| (168.0..456.0).contains(total)), "{totals:?}");
}

#[test]
fn water_is_low_at_the_begin_and_before_the_end() {
    let scenario = shipped();
    let seat = townships()[3].seat;
    let air = |text| scenario.script.weather.air(seat, at(text));
    let highest = air("08T04:00");
    assert!(highest.street > 0.9 && highest.river > 0.6 && highest.surge_m > 0.9, "{highest:?}");
    for text in ["06T00:00", "10T08:00", "14T00:00"] {
        let air = air(text);
        assert!(air.street < 0.1 && air.river < 0.1 && air.reservoir < 0.3, "{text} {air:?}");
        assert!(air.surge_m < 0.3, "{text} {air:?}");
    }
}

#[test]
fn all_people_are_moved_by_7_august_9_hours_and_home_in_the_end() {
    let evacuation = &shipped().script.evacuation;
    let count = |time| -> u32 {
        let townships = evacuation.to_move.iter();
        townships
            .flat_map(|(code, people)| people.keys().map(move |category| (*code, category)))
            .map(|(code, category)| evacuation.moved(code, category, time))
            .sum()
    };
    assert_eq!(count(at("06T06:00")), 0);
    assert!((10_000..30_000).contains(&count(at("06T20:00"))));
    assert_eq!(count(at("07T09:00")), 41_539);
    assert_eq!(count(at("09T08:00")), 41_539);
    assert_eq!(count(at("10T11:00")), 0);
}

fn catalogue() -> Catalogue {
    let file = include_str!("../../config/properties.toml");
    let entries: BTreeMap<PropertyId, PropertySpec> = toml::from_str(file).unwrap();
    let properties = entries.into_iter().map(|(id, spec)| ObservedProperty { id, spec });
    Catalogue::new(properties.collect()).unwrap()
}

fn things(catalogue: &Catalogue) -> Vec<Thing> {
    let file = include_bytes!("../../config/counties/xiangshan/things.csv");
    let rows = thing_csv::read(file, catalogue, thing_csv::ROWS_MAX).unwrap();
    rows.into_iter().map(|(_, thing)| thing.unwrap()).collect()
}

/// A suspect reading would be judged otherwise after a start in between.
#[test]
fn no_reading_of_the_scenario_is_suspect() {
    let (catalogue, scenario) = (catalogue(), shipped());
    // One in twelve of every kind, all of whose days are looked at.
    let mut seen: BTreeMap<ThingKind, usize> = BTreeMap::new();
    let things: Vec<Thing> = things(&catalogue)
        .into_iter()
        .filter(|thing| {
            let n = seen.entry(thing.kind).or_default();
            *n += 1;
            *n % 12 == 1
        })
        .collect();
    let fleet =
        Fleet { seed: 1, scenario: simulators::Scenario::Script(Arc::clone(&scenario.script)) };
    let mut playback = Playback::new(things, &catalogue, fleet, scenario.begin);
    let mut memories = BTreeMap::new();
    let mut n_readings = 0;
    let mut time = scenario.begin;
    while time <= scenario.end {
        for said in playback.through(time).unwrap() {
            let limits = Limits::default();
            let (thing, raw_property) = (&said.thing, None);
            let context = Context { thing, raw_property, received: time, limits: &limits };
            let decoded = codec::decode(Codec::Json, &said.message.payload, &context).unwrap();
            assert!(decoded.problems.is_empty(), "{decoded:?}");
            for reading in decoded.readings {
                let spec = &catalogue.find(&reading.property).unwrap().spec;
                let ReadingTime::At(at) = reading.time else { panic!("{reading:?}") };
                let key = (thing.clone(), reading.property.clone(), reading.channel.clone());
                let sample = Sample { time: at, since: reading.since, value: reading.value };
                let memory = memories.get(&key).copied();
                let (quality, memory) = assess(&spec.quality, spec.period, memory, sample);
                let is_good = matches!(quality.flag(), Flag::Pass | Flag::NotEvaluated);
                assert!(is_good, "{thing} {reading:?} {quality:?}");
                memories.extend(memory.map(|memory| (key, memory)));
                n_readings += 1;
            }
        }
        time = time + Duration::from_secs(60);
    }
    assert!(n_readings > 300_000, "{n_readings}");
}

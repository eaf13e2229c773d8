//! The example county: its townships and its simulated things.

use std::collections::HashMap;

use model::{Position, PropertyId, Thing, ThingKind, ThingState, TownshipCode, thing_csv};

use crate::catalogue::shipped;

const THINGS: &str = include_str!("../../config/counties/xiangshan/things.csv");
const TOWNSHIPS: &str = include_str!("../../config/counties/xiangshan/townships.csv");

fn things() -> Vec<Thing> {
    let rows = thing_csv::read(THINGS.as_bytes(), &shipped(), thing_csv::ROWS_MAX)
        .expect("the shipped things are a readable file");
    rows.into_iter()
        .map(|(line, thing)| thing.unwrap_or_else(|e| panic!("{line}: {e:?}")))
        .collect()
}

/// Code and coast of each township.
fn townships() -> HashMap<TownshipCode, bool> {
    let parse = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let degrees = |n: usize| cells[n].parse::<f64>().expect("a seat has coordinates");
        Position::new(degrees(3), degrees(4)).expect("a seat is on the globe");
        (TownshipCode::parse(cells[0]).expect("a code has nine digits"), cells[5] == "true")
    };
    TOWNSHIPS.lines().skip(1).map(parse).collect()
}

#[test]
fn there_are_as_many_things_of_each_kind_as_ordered() {
    let things = things();
    let count = |kind| things.iter().filter(|thing| thing.kind == kind).count();
    assert_eq!(ThingKind::ALL.map(count), [32, 24, 300, 40, 60, 18, 0]);
    assert!(things.iter().all(|thing| thing.state == ThingState::InService));
    assert!(things.iter().all(|t| t.name.zh.contains("模拟") && t.name.en.contains("(simulated)")));
}

#[test]
fn every_datastream_fits_the_catalogue() {
    let catalogue = shipped();
    for thing in things() {
        for spec in &thing.datastreams {
            let id = spec.id(&thing.id);
            let property = catalogue.find(&spec.property).unwrap_or_else(|| panic!("{id}"));
            assert!(property.is_of_kind(thing.kind), "{id}");
            assert!(property.allows_channel(spec.channel.as_ref()), "{id}");
            assert!(!property.is_computed(), "{id}");
            assert_eq!(spec.datum.is_some(), property.spec.datum, "{id}");
        }
        let raw = thing.raw_property.as_ref();
        assert!(raw.is_none_or(|raw| thing.datastreams.iter().any(|spec| spec.property == *raw)));
    }
}

#[test]
fn every_township_has_rain_wind_and_on_the_coast_a_tide_gauge() {
    let townships = townships();
    assert_eq!(townships.len(), 18);
    let things = things();
    let tide = PropertyId::from_static("tide_level");
    for (&code, &coastal) in &townships {
        let own = |thing: &&Thing| thing.township == Some(code);
        let stations = things.iter().filter(own).filter(|t| t.kind == ThingKind::HydrometStation);
        assert!(stations.count() >= 3, "{code}");
        let has_tide = things.iter().any(|thing| {
            (own(&thing) || thing.serves.contains(&code))
                && thing.datastreams.iter().any(|spec| spec.property == tide)
        });
        assert!(has_tide || !coastal, "{code}");
    }
    assert!(things.iter().all(|t| t.township.is_some_and(|code| townships.contains_key(&code))));
    let inland = townships.values().filter(|coastal| !**coastal).count();
    assert_eq!(inland, 3);
}

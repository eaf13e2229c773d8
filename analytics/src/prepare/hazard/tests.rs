//! Who speaks for a quantity, in small worlds.

use model::{Area, Bulletin, Document, DocumentId, Position, Signal, Storm, StormFix, Thresholds};

use super::super::advance_soil;
use super::super::test_world::{COAST, INLAND, code, flood_model, minute, name, world};
use super::*;
use crate::explain::NodeState;
use crate::flood_typhoon::sources::{Holds, score_groups};

fn inputs(world: &World, township: &str, at: i64) -> Vec<GroupInput> {
    let facts = world.facts.township(code(township)).unwrap();
    let storms = StormTracks::of(&world.documents, &world.facts, minute(at));
    hazard_groups(world, &storms, facts, &flood_model(), minute(at))
}

fn quantity(world: &World, township: &str, id: &str, at: i64) -> QuantityInput {
    let groups = inputs(world, township, at);
    let mut quantities = groups.into_iter().flat_map(|group| group.quantities);
    quantities.find(|quantity| quantity.id.as_str() == id).unwrap()
}

/// A quantity's stations as `id value` or `id –`, own ones before `|`.
#[track_caller]
fn check(world: &World, township: &str, id: &str, at: i64, expected: &str) {
    let found = quantity(world, township, id, at);
    let text = |stations: &[StationInput]| {
        let texts = stations.iter().map(|station| {
            let value = station.reading.map(|reading| reading.value.to_string());
            let mut text = format!("{} {}", station.datastream, value.unwrap_or("–".into()));
            for (is_set, mark) in
                [(station.silenced, " silenced"), (station.confirmed, " confirmed")]
            {
                text.push_str(if is_set { mark } else { "" });
            }
            text
        });
        texts.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(format!("{} | {}", text(&found.own), text(&found.neighbours)), expected);
}

/// Score, state and speakers of the township's wind group, evaluated at
/// each of the minutes with memory.
fn wind_group(steps: &[(i64, &World)]) -> (Option<f64>, NodeState, Vec<String>) {
    let (mut holds, mut last) = (Holds::new(), None);
    for (at, world) in steps {
        let inputs = inputs(world, COAST, *at);
        let (groups, next) = score_groups(&inputs, &flood_model(), &holds, minute(*at));
        holds = next;
        last = groups.into_iter().next();
    }
    let group = last.unwrap();
    let quantity = &group.node.parts[0];
    let speakers = quantity.parts.iter().map(|part| match part.reasons.first() {
        Some(reason) => format!("{} {reason}", part.id),
        None => part.id.to_string(),
    });
    let score = group.score.map(|score| (score * 10.0).round() / 10.0);
    (score, group.state, speakers.collect())
}

/// A wind station in each township.
fn windy(own: &[(i64, f64)], other: &[(i64, f64)]) -> World {
    world()
        .with_station("own", COAST, &["wind_speed"])
        .with_station("other", INLAND, &["wind_speed"])
        .with_readings("own/wind_speed", own)
        .with_readings("other/wind_speed", other)
}

/// A deep storm that stands off the coast from minute 0 to 6000.
fn with_storm(mut world: World) -> World {
    let id = |text: &str| DocumentId::parse(text).unwrap();
    let fix = |at| StormFix {
        time: minute(at),
        position: Position::new(122.2, 29.2).unwrap(),
        pressure_hpa: 940.0,
        wind_mps: None,
        force7_km: None,
        force10_km: None,
        force12_km: None,
    };
    world.documents.insert(Document::Storm(Storm {
        id: id("storm"),
        name: name("storm"),
        number: None,
        intensity_factor: 1.0,
        ended: None,
    }));
    world.documents.insert(Document::Bulletin(Bulletin {
        id: id("bulletin"),
        storm: id("storm"),
        agency: "CMA".to_owned(),
        issued: minute(0),
        averaging_min: 2,
        is_final: false,
        observed: vec![fix(0)],
        forecast: vec![fix(6_000)],
    }));
    world
}

#[test]
fn while_own_stations_are_fresh_others_are_listed_but_silent() {
    let world = with_storm(windy(&[(100, 14.0)], &[(100, 40.0)]));
    check(&world, COAST, "wind_speed", 105, "own/wind_speed 14 | other/wind_speed 40");
    let (score, state, speakers) = wind_group(&[(105, &world)]);
    assert_eq!((score, state), (Some(50.0), NodeState::Known));
    assert_eq!(speakers, ["own/wind_speed"]);
}

#[test]
fn a_silent_station_is_held_and_neighbours_and_the_model_speak() {
    let before = with_storm(windy(&[(100, 14.0)], &[(100, 12.0)]));
    let after = with_storm(windy(&[(100, 14.0)], &[(130, 12.0)]));
    let (score, _, speakers) = wind_group(&[(105, &before), (135, &after)]);
    assert_eq!(
        speakers,
        ["own/wind_speed held", "other/wind_speed neighbour", "wind_model wind_model"]
    );
    assert!(score.is_some_and(|score| score > 90.0), "the model: {score:?}");
    let (score, state, speakers) =
        wind_group(&[(105, &windy(&[(100, 24.5)], &[])), (180, &windy(&[(100, 24.5)], &[]))]);
    assert_eq!((score, state), (Some(75.0), NodeState::Held));
    assert_eq!(speakers, ["own/wind_speed held"]);
}

#[test]
fn a_station_in_maintenance_or_marked_faulty_is_not_held() {
    let before = windy(&[(100, 24.5)], &[(130, 12.0)]);
    let serviced = before.clone().edit("own", |thing| thing.state = ThingState::Maintenance);
    let faulty = before.clone().with_override("own/wind_speed", OverrideKind::Fault, 105);
    for after in [serviced, faulty] {
        check(
            &after,
            COAST,
            "wind_speed",
            130,
            "own/wind_speed 24.5 silenced | other/wind_speed 12",
        );
        let (_, _, speakers) = wind_group(&[(105, &before), (130, &after)]);
        assert_eq!(speakers, ["other/wind_speed neighbour"]);
    }
    for state in [ThingState::Planned, ThingState::Retired] {
        let gone = before.clone().edit("own", |thing| thing.state = state);
        check(&gone, COAST, "wind_speed", 130, " | other/wind_speed 12");
    }
}

#[test]
fn people_release_and_confirm() {
    let before = windy(&[(100, 24.5)], &[]);
    let released = before.clone().with_override("own/wind_speed", OverrideKind::Release, 140);
    assert_eq!(quantity(&released, COAST, "wind_speed", 139).own[0].released, None);
    let (score, _, _) = wind_group(&[(105, &before), (139, &released)]);
    assert_eq!(score, Some(75.0));
    let (score, _, _) = wind_group(&[(105, &before), (140, &released)]);
    assert_eq!(score, None);
    let confirmed = before.with_override("own/wind_speed", OverrideKind::Confirm, 100);
    check(
        &confirmed,
        COAST,
        "wind_speed",
        100,
        "own/wind_speed 24.5 confirmed | other/wind_speed –",
    );
    check(&confirmed, COAST, "wind_speed", 160, "own/wind_speed – | other/wind_speed –");
}

#[test]
fn neighbours_stand_within_the_radius_of_the_seat() {
    let far = |thing: &mut Thing| thing.position = Some(Position::new(121.95, 29.34).unwrap());
    let beyond = windy(&[], &[(100, 12.0)]).edit("other", far);
    check(&beyond, COAST, "wind_speed", 100, "own/wind_speed – | ");
    let nowhere = windy(&[], &[(100, 12.0)]).edit("other", |thing| thing.position = None);
    check(&nowhere, COAST, "wind_speed", 100, "own/wind_speed – | ");
}

#[test]
fn water_gauges_serve_and_the_tide_is_for_the_coast() {
    let levels =
        Thresholds { blue: Some(2.0), yellow: Some(2.5), orange: Some(3.0), red: Some(4.0) };
    let mut world = world()
        .with_station("gauge", COAST, &["water_level", "tide_level", "wind_speed"])
        .with_readings("gauge/water_level", &[(100, 2.5)])
        .edit("gauge", |thing| thing.serves = vec![code(INLAND)]);
    world.stream_mut("gauge/water_level").spec.levels = Some(levels);
    for township in [COAST, INLAND] {
        check(&world, township, "water_level", 100, "gauge/water_level 2.5 | ");
        assert_eq!(quantity(&world, township, "water_level", 100).own[0].levels, Some(levels));
    }
    check(&world, INLAND, "wind_speed", 100, " | gauge/wind_speed –");
    let groups = |township| -> Vec<String> {
        inputs(&world, township, 100).into_iter().map(|group| group.id).collect()
    };
    assert_eq!(groups(COAST), ["wind", "rain_flood", "tide", "landslide", "outlook"]);
    assert_eq!(groups(INLAND), ["wind", "rain_flood", "landslide", "outlook"]);
    let alone = world.edit("gauge", |thing| thing.serves.clear());
    check(&alone, INLAND, "water_level", 100, " | ");
}

#[test]
fn signals_put_a_floor_under_their_groups() {
    let mut world = world();
    for (kind, level) in [
        (SignalKind::Gale, Level::Yellow),
        (SignalKind::Typhoon, Level::Blue),
        (SignalKind::Geological, Level::Red),
    ] {
        world.documents.insert(Document::Signal(Signal {
            id: DocumentId::parse(kind.as_str()).unwrap(),
            kind,
            level,
            area: Area::Townships(vec![code(COAST)]),
            issuer: "station".to_owned(),
            issued: minute(0),
            valid_from: minute(0),
            valid_until: minute(100),
            cancelled: None,
            note: None,
        }));
    }
    let floors = |township, at| -> Vec<Level> {
        inputs(&world, township, at).into_iter().map(|group| group.official).collect()
    };
    let (none, red) = (Level::None, Level::Red);
    assert_eq!(floors(COAST, 99), [Level::Yellow, none, none, red, none]);
    assert_eq!(floors(COAST, 100), [none; 5]);
    assert_eq!(floors(INLAND, 50), [none; 4]);
}

#[test]
fn the_outlook_group_has_the_storms() {
    let outlook = |world: &World, at| inputs(world, INLAND, at).pop().unwrap().outlook.unwrap();
    assert_eq!(outlook(&world(), 100).level, Level::None);
    let found = outlook(&with_storm(world()), 100);
    assert_eq!((found.level, found.issued), (Level::Red, Some(minute(0))));
    assert!(inputs(&world(), INLAND, 0)[..3].iter().all(|group| group.outlook.is_none()));
}

#[test]
fn soil_water_is_read_from_the_tanks_of_the_rain_gauge() {
    let reports: Vec<(i64, f64)> = (1..=12).map(|n| (n * 10, 10.0)).collect();
    let mut world = world()
        .with_station("gauge", COAST, &["rainfall_depth"])
        .with_station("idle", INLAND, &["rainfall_depth"])
        .with_readings("gauge/rainfall_depth", &reports);
    advance_soil(&mut world, minute(120));
    let spec = flood_model();
    let spec = spec.quantity("soil_water_index").unwrap();
    let own = quantity(&world, COAST, "soil_water_index", 125).own.remove(0);
    let index_mm = world.memory.soil.values().next().unwrap().tanks.index_mm();
    assert_eq!(own.datastream.to_string(), "gauge/soil_water_index");
    assert_eq!(
        own.reading.map(|reading| (reading.value, reading.newest)),
        Some((index_mm, minute(120)))
    );
    let rules = flood_model().sources;
    let is_fresh =
        |station, at| crate::flood_typhoon::sources::is_fresh(station, spec, &rules, minute(at));
    assert!(index_mm > 100.0 && is_fresh(&own, 130) && !is_fresh(&own, 131));
    advance_soil(&mut world, minute(140));
    let stale = quantity(&world, COAST, "soil_water_index", 140);
    assert!(!is_fresh(&stale.own[0], 140));
    assert_eq!(
        (stale.own[0].reading.unwrap().value, stale.neighbours[0].reading),
        (index_mm, None)
    );
    let faulty = world.with_override("gauge/rainfall_depth", OverrideKind::Fault, 140);
    assert!(quantity(&faulty, COAST, "soil_water_index", 140).own[0].silenced);
}

//! Scores, and an engine that goes on from what another one saved.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Area, Document, DocumentId, Level, Response, Thing, ThingKind};

use super::test_world::{at_position, engine, minute, second, thing};
use super::{Engine, Evaluation, Scope};
use crate::explain::NodeState;
use crate::record::{Feature, IndexId, NodeRecord, ScoreRecord};

const RAIN_AND_WIND: &str = "wind_speed wind_speed_of_gust rainfall_depth";

/// Three stations: two at the seat, one 10 km to the north; a shelter, a
/// vessel, a chemical firm.
fn things() -> Vec<Thing> {
    let station = |id| thing(id, ThingKind::HydrometStation, RAIN_AND_WIND);
    vec![
        station("hm-1"),
        station("hm-2"),
        at_position(station("hm-3"), 121.95, 29.29),
        thing("sh-1", ThingKind::Shelter, "shelter_status mains_power occupancy capacity"),
        thing("fv-1", ThingKind::FishingVessel, "sos_alarm:sos position_longitude"),
        thing("en-1", ThingKind::Enterprise, "combustible_gas_concentration tank_level"),
    ]
}

fn find(evaluation: &Evaluation, index: IndexId) -> &ScoreRecord {
    evaluation.scores.iter().find(|score| score.index == index).unwrap()
}

#[test]
fn a_red_gauge_alone_is_unverified() {
    let mut engine = engine(&[thing("hm-1", ThingKind::HydrometStation, "wind_speed")]);
    engine.say("hm-1/wind_speed", second(50), 40.0);
    let evaluation = engine.minute(1);
    let flood = find(&evaluation, IndexId::FloodTyphoon).flood.clone().unwrap();
    assert_eq!(flood.hazard_level, Level::Red);
    assert_eq!(flood.unverified.unwrap().as_str(), "hm-1");
    assert_eq!((flood.displayed_level, flood.displayed_by.as_str()), (Level::Red, "assessed"));
}

#[test]
fn a_second_gauge_verifies() {
    let mut engine = engine(&things());
    for station in ["hm-1", "hm-2"] {
        engine.say(&format!("{station}/wind_speed"), second(50), 40.0);
    }
    let evaluation = engine.minute(1);
    assert_eq!(find(&evaluation, IndexId::Hazard).flood.as_ref().unwrap().unverified, None);
}

/// The largest difference between a node's score and what its parts add up to.
fn largest_gap(node: &NodeRecord) -> f64 {
    let parts: Vec<f64> = node.parts.iter().filter_map(|part| part.contribution).collect();
    let own = match node.score {
        Some(score) if !parts.is_empty() => (parts.iter().sum::<f64>() - score).abs(),
        _ => 0.0,
    };
    node.parts.iter().fold(own, |gap, part| gap.max(largest_gap(part)))
}

#[test]
fn every_township_and_the_county_are_told_and_contributions_add_up() {
    let mut engine = engine(&things());
    storm(&mut engine, 1..=40);
    let evaluation = engine.minute(41);
    assert_eq!(evaluation.scores.len(), 3 * 2 + 3);
    for score in &evaluation.scores {
        assert_eq!(score.time, minute(41));
        assert_eq!(score.explanation.is_some(), score.feature != Feature::County);
        let gap = score.explanation.as_ref().map_or(0.0, largest_gap);
        assert!(gap < 1e-9, "{:?} {gap}", score.index);
    }
    let attention = |score: &&Arc<ScoreRecord>| score.flood.as_ref().unwrap().attention;
    let flood = evaluation.scores.iter().filter(|score| score.index == IndexId::FloodTyphoon);
    let ranks: Vec<u32> = flood.map(|score| attention(&score)).collect();
    assert_eq!(ranks, [1, 2, 0], "two townships and the county");
}

#[test]
fn the_hazard_record_is_the_hazard_part_of_the_index() {
    let mut engine = engine(&things());
    engine.say("hm-1/wind_speed", second(50), 24.5);
    let evaluation = engine.minute(1);
    let (flood, hazard) =
        (find(&evaluation, IndexId::FloodTyphoon), find(&evaluation, IndexId::Hazard));
    let part = &flood.explanation.as_ref().unwrap().parts[0];
    let tree = hazard.explanation.as_ref().unwrap();
    assert_eq!((tree.id.as_str(), hazard.score), ("hazard", part.score));
    assert_eq!(tree.parts, part.parts);
    assert_eq!(hazard.level, Some(Level::Orange));
    assert!(hazard.missing.contains(&"rain_flood".to_owned()));
    assert_eq!(tree.state, NodeState::Known.as_str());
}

#[test]
fn an_outlook_alone_is_no_hazard_score() {
    let mut engine = engine(&things());
    let evaluation = engine.minute(1);
    for score in evaluation.scores.iter().filter(|score| score.index == IndexId::Hazard) {
        assert_eq!((score.level, score.grey), (None, true), "{:?}", score.feature);
    }
    engine.say("hm-1/wind_speed", second(90), 3.0);
    let evaluation = engine.minute(2);
    let hazard = find(&evaluation, IndexId::Hazard);
    assert_eq!((hazard.level, hazard.grey), (Some(Level::None), false));
}

/// A storm that comes and goes over two hours, with an SOS in it.
fn storm(engine: &mut Engine, minutes: std::ops::RangeInclusive<i64>) -> Vec<Evaluation> {
    minutes.map(|n| storm_minute(engine, n)).collect()
}

fn storm_minute(engine: &mut Engine, n: i64) -> Evaluation {
    let strength = 40.0 - (n as f64 - 45.0).abs();
    for (index, station) in ["hm-1", "hm-2", "hm-3"].into_iter().enumerate() {
        let is_silent = station == "hm-2" && (30..70).contains(&n);
        if (n + index as i64) % 5 == 0 && !is_silent {
            let at = second(n * 60 - 7);
            let wind = (strength - 3.0 * index as f64).max(0.0);
            engine.say(&format!("{station}/wind_speed"), at, wind);
            engine.say(&format!("{station}/wind_speed_of_gust"), at, wind * 1.4);
            engine.say(&format!("{station}/rainfall_depth"), at, wind / 10.0);
        }
    }
    if n == 20 {
        engine.say_late("fv-1/sos_alarm:sos", minute(0), second(n * 60 - 5), 1.0);
    }
    if n % 10 == 3 {
        let level = if n < 60 { 91.0 } else { 20.0 };
        engine.say("en-1/tank_level", second(n * 60 - 3), level);
        engine.say("sh-1/mains_power", second(n * 60 - 2), f64::from(n < 40));
    }
    if n == 25 {
        engine.document(response(), second(n * 60 - 1));
    }
    engine.minute(n)
}

fn response() -> Document {
    Document::Response(Response {
        id: DocumentId::parse("response-1").unwrap(),
        level: Level::Orange,
        area: Area::County,
        issuer: "headquarters".to_owned(),
        issued: minute(24),
        valid_from: minute(24),
        valid_until: Some(minute(80)),
        cancelled: None,
        note: None,
    })
}

/// A new engine that goes on from what this one would save; its windows come
/// from the readings, as they do from the journal.
fn reborn(old: &Engine) -> Engine {
    let mut new = engine(&things());
    new.fill_documents(old.world.documents.responses.values().cloned().map(Document::Response));
    new.load(old.save()).unwrap();
    let windowed: Vec<_> = new.windowed().map(|(id, keep)| (id.clone(), keep)).collect();
    assert!(!windowed.is_empty());
    let at = old.minute.unwrap();
    for (id, keep) in windowed {
        let samples = old.world.streams[&id].samples.iter();
        new.fill(&id, samples.filter(|sample| sample.time > at - keep).copied());
    }
    new
}

#[test]
fn an_engine_that_was_saved_goes_on_with_the_same_bits() {
    let mut whole = engine(&things());
    let mut split = engine(&things());
    for n in 1..=130 {
        let expected = storm_minute(&mut whole, n);
        let found = storm_minute(&mut split, n);
        assert_eq!(found, expected, "minute {n}");
        let next = reborn(&split);
        assert_eq!(next.world.memory, split.world.memory, "minute {n}");
        assert_eq!(next.world.alerts, split.world.alerts, "minute {n}");
        let text = |engine: &Engine| serde_json::to_string(&engine.save()).unwrap();
        assert_eq!(text(&next), text(&split), "minute {n}");
        split = next;
    }
    let n_alerts = whole.world.alerts.len();
    assert!(n_alerts >= 5, "the storm raised only {n_alerts} alerts");
}

#[test]
fn between_minutes_only_levels_move_and_only_up() {
    let mut engine = engine(&things());
    storm(&mut engine, 1..=50);
    let code = engine.world.facts.townships[0].township.code;
    let before = engine.world.memory.clone();
    let scope = Scope::Townships(BTreeSet::from([code]));
    let evaluation = engine.tick(second(50 * 60 + 20), scope.clone());
    assert_eq!(evaluation.scores.len(), 3 + 3);
    assert!(evaluation.derived.is_empty());
    assert_eq!(engine.world.memory, before, "nothing got worse");
    for station in ["hm-1", "hm-2"] {
        engine.say(&format!("{station}/wind_speed"), second(50 * 60 + 30), 60.0);
    }
    let evaluation = engine.tick(second(50 * 60 + 31), scope);
    let flood = find(&evaluation, IndexId::FloodTyphoon).flood.as_ref().unwrap();
    assert_eq!(flood.displayed_level, Level::Red);
    let [before, after] = [&before, &engine.world.memory].map(|memory| &memory.townships[&code]);
    assert_eq!(before.state.flood.holds, after.state.flood.holds);
    assert_eq!(before.event, after.event);
    assert_eq!((&before.event.first, &engine.minute), (&after.event.first, &Some(minute(50))));
}

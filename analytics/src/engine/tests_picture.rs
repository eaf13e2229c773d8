//! What pages show beside the scores agrees with the scores.

use model::{Level, ThingKind, Time};

use super::test_world::{engine, minute, thing};
use super::{Engine, Evaluation, Picture};
use crate::levels::Fall;
use crate::prepare::people_world::{TestWorld, office_datastreams};
use crate::record::{IndexId, ScoreRecord};

fn picture(engine: &Engine, evaluation: &Evaluation) -> Picture {
    engine.picture(evaluation.at, evaluation.scores.iter().map(AsRef::as_ref)).unwrap()
}

/// Of the first township.
fn record(evaluation: &Evaluation, index: IndexId) -> &ScoreRecord {
    evaluation.scores.iter().find(|score| score.index == index).unwrap()
}

/// One gauge of wind; an office and a shelter that reported everything.
fn reported() -> Engine {
    let world = TestWorld::new().world;
    let shelter = "shelter_status capacity drinking_water_stock food_stock quilt_stock mains_power";
    let mut engine = engine(&[
        thing("hm-1", ThingKind::HydrometStation, "wind_speed"),
        thing("of-1", ThingKind::TownshipOffice, &office_datastreams(&world)),
        thing("sh-1", ThingKind::Shelter, shelter),
    ]);
    let streams: Vec<String> = engine.world.streams.values().map(|s| s.id.to_string()).collect();
    for id in streams.iter().filter(|id| !id.starts_with("hm-1")) {
        engine.say(id, minute(0), 1.0);
    }
    engine
}

#[test]
fn a_level_falls_at_the_minute_that_was_foretold() {
    let mut engine = reported();
    engine.say("hm-1/wind_speed", minute(0), 40.0);
    let mut foretold: Option<Fall> = None;
    let mut fell: Option<(Level, Time)> = None;
    for n in 1..=130 {
        if n % 5 == 0 {
            engine.say("hm-1/wind_speed", minute(n), 3.0);
            engine.say("sh-1/mains_power", minute(n), 1.0);
        }
        let evaluation = engine.minute(n);
        let level = record(&evaluation, IndexId::FloodTyphoon).level.unwrap();
        if level < Level::Red && fell.is_none() {
            fell = Some((level, evaluation.at));
        }
        let township = picture(&engine, &evaluation).townships.into_values().next().unwrap();
        foretold = foretold.or(township.flood_fall);
    }
    let foretold = foretold.map(|fall| (fall.to, fall.at));
    assert!(foretold.is_some(), "a run began");
    assert_eq!(fell, foretold);
}

#[test]
fn what_is_missing_costs_the_coverage_that_is_missing() {
    let mut empty = engine(&[thing("hm-1", ThingKind::HydrometStation, "wind_speed")]);
    for engine in [&mut empty, &mut reported()] {
        engine.say("hm-1/wind_speed", minute(0), 12.0);
        let evaluation = engine.minute(1);
        let township = picture(engine, &evaluation).townships.into_values().next().unwrap();
        for index in [IndexId::TownshipSafety, IndexId::FloodTyphoon] {
            let costs = township.ready(index).iter().map(|ready| ready.coverage_cost);
            let lost = costs.fold(0.0, |sum, cost| sum + cost);
            let coverage = record(&evaluation, index).coverage;
            assert!((coverage + lost - 1.0).abs() < 1e-9, "{index:?}: {coverage} {lost}");
        }
    }
}

#[test]
fn people_left_are_those_of_the_order_of_attention() {
    let mut engine = reported();
    engine.say("of-1/people_to_evacuate:crew", minute(1), 90.0);
    engine.say("hm-1/wind_speed", minute(1), 40.0);
    let evaluation = engine.minute(1);
    let flood = record(&evaluation, IndexId::FloodTyphoon).flood.clone().unwrap();
    let situation = picture(&engine, &evaluation).situation;
    assert_eq!(situation.townships[0].counts.people.left, flood.n_unmoved);
    assert_eq!(situation.townships[0].displayed_level, flood.displayed_level);
    assert_eq!(situation.county.counts.people.left, flood.n_unmoved);
    assert!(flood.n_unmoved >= 89.0, "{}", flood.n_unmoved);
}

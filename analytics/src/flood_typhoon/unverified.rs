//! Unverified 未证实 (docs/indices.md 4.6): a high hazard that one thing alone
//! says.

use model::{DatastreamId, Level, ThingId, Time};

use super::model::FloodModel;
use super::sources::{GroupInput, GroupScore, Holds, StationInput, is_fresh, score_groups};
use crate::explain::{Node, index_of_largest};
use crate::hazard::QuantitySpec;
use crate::knots::danger_level;

/// The thing that alone makes the hazard level orange or red: without its
/// readings it would fall by two levels or more, no fresh station of the same
/// quantity nearby scores within one level of it, and nobody confirmed it.
pub fn unverified(
    inputs: &[GroupInput],
    groups: &[GroupScore],
    model: &FloodModel,
    holds: &Holds,
    at: Time,
) -> Option<ThingId> {
    let largest = index_of_largest(groups.iter().map(|group| group.score))?;
    let level = danger_level(groups[largest].score?);
    if level < Level::Orange {
        return None;
    }
    let (quantity_id, datastream) = speaker(&groups[largest].node)?;
    let thing = &datastream.thing;

    let without: Vec<GroupInput> = inputs.iter().map(|group| without_thing(group, thing)).collect();
    let (others, _) = score_groups(&without, model, holds, at);
    let others = others.iter().filter_map(|group| group.score).reduce(f64::max);
    let level_without = others.map_or(Level::None, danger_level);
    if (level as u32) < level_without as u32 + model.unverified_fall {
        return None;
    }

    let quantity = model.quantity(quantity_id)?;
    let stations = inputs
        .iter()
        .flat_map(|group| &group.quantities)
        .filter(|input| input.id == quantity.id)
        .flat_map(|input| input.own.iter().chain(&input.neighbours));
    for station in stations {
        let is_own = station.datastream.thing == *thing;
        if is_own && station.confirmed && station.datastream == *datastream {
            return None;
        }
        if !is_own && agrees(station, quantity, level, model, at) {
            return None;
        }
    }
    Some(thing.clone())
}

/// The quantity and the station that speak for a group, unless it is an
/// official signal, the outlook or the wind model.
fn speaker(group: &Node) -> Option<(&str, &DatastreamId)> {
    let largest = |node: &Node| index_of_largest(node.parts.iter().map(|part| part.score));
    let quantity = &group.parts[largest(group)?];
    let station = &quantity.parts[largest(quantity)?];
    Some((&quantity.id, station.raw.as_ref()?.datastreams.first()?))
}

fn without_thing(group: &GroupInput, thing: &ThingId) -> GroupInput {
    let mut group = group.clone();
    for quantity in &mut group.quantities {
        quantity.own.retain(|station| station.datastream.thing != *thing);
        quantity.neighbours.retain(|station| station.datastream.thing != *thing);
    }
    group
}

/// Is the station fresh and within one level of `level`?
fn agrees(
    station: &StationInput,
    quantity: &QuantitySpec,
    level: Level,
    model: &FloodModel,
    at: Time,
) -> bool {
    let score = station
        .reading
        .filter(|_| is_fresh(station, quantity, &model.sources, at))
        .and_then(|reading| quantity.score(reading.value, station.levels.as_ref()));
    score.is_some_and(|score| danger_level(score) as u32 + 1 >= level as u32)
}

#[cfg(test)]
mod tests {
    use model::{PropertyId, Quality};

    use super::*;
    use crate::flood_typhoon::sources::QuantityInput;
    use crate::hazard::StationReading;

    fn station(thing: &str, value: f64, confirmed: bool) -> StationInput {
        let reading = StationReading {
            value,
            newest: Time::EPOCH,
            slots_present: 1.0,
            quality: Quality::PASS,
        };
        StationInput {
            datastream: DatastreamId::parse(&format!("{thing}/wind_speed")).unwrap(),
            levels: None,
            reading: Some(reading),
            silenced: false,
            released: None,
            confirmed,
        }
    }

    #[track_caller]
    fn check(
        own: Vec<StationInput>,
        neighbours: Vec<StationInput>,
        official: Level,
        expected: Option<&str>,
    ) {
        let text = include_str!("../../../config/models/flood-typhoon.toml");
        let model = FloodModel::from_toml(text).unwrap();
        let id = PropertyId::from_static("wind_speed");
        let quantity = QuantityInput { id, own, neighbours, wind_model: None };
        let inputs = [GroupInput {
            id: "wind".to_owned(),
            official,
            quantities: vec![quantity],
            outlook: None,
        }];
        let holds = Holds::new();
        let (groups, _) = score_groups(&inputs, &model, &holds, Time::EPOCH);
        let found = unverified(&inputs, &groups, &model, &holds, Time::EPOCH);
        assert_eq!(found.map(|thing| thing.to_string()).as_deref(), expected);
    }

    #[test]
    fn a_red_gauge_alone_is_unverified() {
        let calm = Level::None;
        check(vec![station("a", 40.0, false)], vec![], calm, Some("a"));
        check(vec![station("a", 40.0, false), station("b", 5.0, false)], vec![], calm, Some("a"));
        check(vec![station("a", 20.0, false)], vec![], calm, None);
    }

    #[test]
    fn a_second_voice_or_a_person_verifies() {
        let alone = || station("a", 40.0, false);
        check(vec![alone(), station("b", 25.0, false)], vec![], Level::None, None);
        check(vec![alone()], vec![station("n", 25.0, false)], Level::None, None);
        check(vec![alone()], vec![], Level::Orange, None);
        check(vec![station("a", 40.0, true)], vec![], Level::None, None);
    }
}

//! What others declared, as datastreams of the township offices: signals and
//! responses in force; and the havens nearby (docs/indices.md 6.4, 6.6).

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Channel, DatastreamId, Level, PropertyId, Quality, SignalKind, Thing};

use super::vessel::Occupied;
use super::{Value, Values};
use crate::physics::geo::haversine_km;
use crate::world::{Haven, World};

const OFFICIAL_SIGNAL: PropertyId = PropertyId::from_static("official_signal");
const RESPONSE_LEVEL: PropertyId = PropertyId::from_static("response_level");
const HAVEN_OCCUPANCY: PropertyId = PropertyId::from_static("haven_occupancy_rate");

/// What did not change is said again after this time.
const REPEAT_AFTER: Duration = Duration::from_secs(86_400);

pub(super) fn derive(values: &mut Values<'_>, office: &Thing, havens: &BTreeMap<usize, Occupied>) {
    let Some(township) = office.township else { return };
    let (world, at) = (values.world, values.at);
    for kind in SignalKind::ALL {
        let Ok(channel) = Channel::parse(kind.as_str()) else { continue };
        let level = world.documents.signal(kind, township, at);
        declare(values, Values::id(office, &OFFICIAL_SIGNAL, Some(&channel)), level);
    }
    let response = world.documents.response(township, at);
    let level = response.map_or(Level::None, |response| response.level);
    declare(values, Values::id(office, &RESPONSE_LEVEL, None), level);

    for (index, occupied) in havens {
        let haven = &world.facts.havens[*index];
        let is_here = nearest_township(world, haven) == Some(township);
        let (Some(capacity), Ok(channel)) = (haven.capacity, Channel::parse(&haven.id)) else {
            continue;
        };
        if is_here {
            let rate = 100.0 * f64::from(occupied.n_vessels) / f64::from(capacity);
            let value = Value { value: rate, time: occupied.time, quality: occupied.quality };
            values.say(Values::id(office, &HAVEN_OCCUPANCY, Some(&channel)), value);
        }
    }
}

/// Says a level in force when it changed, and once a day: 0 none to 4 red, of
/// a response 1 is Ⅳ and 4 is Ⅰ.
fn declare(values: &mut Values<'_>, id: DatastreamId, level: Level) {
    let value = match level {
        Level::None => 0.0,
        Level::Blue => 1.0,
        Level::Yellow => 2.0,
        Level::Orange => 3.0,
        Level::Red => 4.0,
    };
    let at = values.at;
    let is_known =
        values.said(&id).is_some_and(|said| said.value == value && said.time + REPEAT_AFTER > at);
    if !is_known {
        values.say(id, Value { value, time: at, quality: Quality::PASS });
    }
}

/// A haven belongs to the township whose seat is nearest.
fn nearest_township(world: &World, haven: &Haven) -> Option<model::TownshipCode> {
    let distance = |seat| haversine_km(haven.position, seat);
    let nearest =
        world.facts.townships.iter().min_by(|one, other| {
            distance(one.township.seat).total_cmp(&distance(other.township.seat))
        });
    nearest.map(|facts| facts.township.code)
}

#[cfg(test)]
mod tests {
    use model::ThingKind;

    use super::super::tests::{check, derived};
    use super::*;
    use crate::prepare::people_world::{HAVEN, SEA, TestWorld};

    fn office() -> TestWorld {
        let mut test = TestWorld::new();
        let signals = "official_signal:typhoon official_signal:gale official_signal:rainstorm \
                       official_signal:tide official_signal:geological response_level";
        test.thing("of-1", ThingKind::TownshipOffice, signals);
        test
    }

    #[test]
    fn levels_are_said_when_they_change_and_once_a_day() {
        let mut test = office();
        assert_eq!(derived(&test, 0).len(), 6);
        test.say_all("of-1", 0, 0.0);
        check(&test, 1, &[]);
        test.response(Level::Orange, 100);
        check(&test, 99, &[]);
        check(&test, 100, &[("of-1/response_level", 100, 3.0)]);
        test.say("of-1/response_level", 100, 3.0);
        check(&test, 101, &[]);
        assert_eq!(derived(&test, 1_440).len(), 5);
    }

    #[test]
    fn a_haven_is_as_full_as_its_vessels_make_it() {
        let mut test = office();
        test.say_all("of-1", 0, 0.0);
        test.thing_inland("of-2", ThingKind::TownshipOffice, "");
        for (id, place) in [("fv-1", HAVEN), ("fv-2", HAVEN), ("fv-3", SEA)] {
            test.vessel(id, 7, place);
        }
        let found = derived(&test, 8);
        let havens: Vec<_> = found.iter().filter(|(id, ..)| id.contains("haven_occ")).collect();
        assert_eq!(havens, [&("of-1/haven_occupancy_rate:shipu".to_owned(), 7, 50.0)]);
    }
}

//! Vessels: in haven, silent at sea, past their deadline; and how full the
//! havens are (docs/indices.md 6.4).

use std::collections::BTreeMap;

use model::{DatastreamId, PropertyId, Quality, Thing, ThingKind, ThingState, Time};

use super::{Value, Values};
use crate::prepare::vessels::{haven_at, last_fix, last_heard, past_deadline_ms, worse};
use crate::world::World;

const IN_HAVEN: PropertyId = PropertyId::from_static("in_haven");
const SILENT_DURATION: PropertyId = PropertyId::from_static("silent_duration");
const RECALL_OVERDUE: PropertyId = PropertyId::from_static("recall_overdue");

/// `is_recalled`: an order is in force.
pub(super) fn derive(values: &mut Values<'_>, thing: &Thing, is_recalled: bool) {
    let (world, at) = (values.world, values.at);
    let Some(fix) = last_fix(world, thing, at) else { return };
    let is_in_haven = haven_at(&world.facts, fix.position).is_some();
    let in_haven = if is_in_haven { 1.0 } else { 0.0 };
    let value = Value { value: in_haven, time: fix.time, quality: fix.quality };
    values.say(Values::id(thing, &IN_HAVEN, None), value);

    // These two grow by themselves at sea, and are of this instant there; in a
    // haven they are zero as of the fix, until what they raised has ended.
    let silent = Values::id(thing, &SILENT_DURATION, None);
    let overdue = Values::id(thing, &RECALL_OVERDUE, None);
    let grown = |values: &Values<'_>, id: &DatastreamId, value| {
        let is_over = is_in_haven && !values.has_open_alert(id);
        let time = if is_over { fix.time } else { at };
        Value { value: if is_in_haven { 0.0 } else { value }, time, quality: fix.quality }
    };
    let heard = last_heard(world, thing, at).unwrap_or(fix.time);
    let value = grown(values, &silent, at.millis_since(heard) as f64 / 60_000.0);
    values.say(silent, value);

    if is_recalled || values.has_open_alert(&overdue) {
        let past_ms = past_deadline_ms(world, fix.position.latitude(), at).unwrap_or(0);
        let value = grown(values, &overdue, past_ms.max(0) as f64 / 3_600_000.0);
        values.say(overdue, value);
    }
}

/// Vessels that were last seen in a haven.
pub(super) struct Occupied {
    pub(super) n_vessels: u32,
    /// Of the newest position among them.
    pub(super) time: Time,
    pub(super) quality: Quality,
}

/// Every haven with a known capacity, by its place in the facts. A haven
/// without vessels is empty as of the newest position of any vessel.
pub(super) fn occupied_havens(world: &World, at: Time) -> BTreeMap<usize, Occupied> {
    let havens = &world.facts.havens;
    let rated = |index: &usize| havens[*index].capacity.is_some_and(|capacity| capacity > 0);
    if !(0..havens.len()).any(|index| rated(&index)) {
        return BTreeMap::new();
    }
    let vessels = world.things.values().filter(|thing| {
        thing.kind == ThingKind::FishingVessel && thing.state == ThingState::InService
    });
    let fixes: Vec<_> = vessels.filter_map(|thing| last_fix(world, thing, at)).collect();
    let Some(newest) = fixes.iter().map(|fix| fix.time).max() else { return BTreeMap::new() };
    let empty = || Occupied { n_vessels: 0, time: newest, quality: Quality::PASS };
    let mut occupied: BTreeMap<usize, Occupied> =
        (0..havens.len()).filter(rated).map(|index| (index, empty())).collect();
    for fix in fixes {
        let Some(haven) = haven_at(&world.facts, fix.position) else { continue };
        let index = havens.iter().position(|other| other.id == haven.id);
        if let Some(found) = index.and_then(|index| occupied.get_mut(&index)) {
            found.n_vessels += 1;
            found.quality = worse(found.quality, fix.quality);
        }
    }
    occupied
}

#[cfg(test)]
mod tests {
    use model::{Level, ThingKind};

    use super::super::tests::check;
    use crate::prepare::people_world::{HAVEN, SEA, TestWorld};

    #[test]
    fn a_vessel_never_seen_says_nothing() {
        let mut test = TestWorld::new();
        test.thing("fv-1", ThingKind::FishingVessel, "position_longitude position_latitude");
        test.recall("one", 0, 0);
        check(&test, 10, &[]);
    }

    #[test]
    fn silence_counts_at_sea_from_anything_heard() {
        let mut test = TestWorld::new();
        let streams = "position_longitude position_latitude battery_voltage";
        test.thing("fv-1", ThingKind::FishingVessel, streams);
        test.vessel("fv-1", 5, SEA);
        check(&test, 65, &[("fv-1/in_haven", 5, 0.0), ("fv-1/silent_duration", 65, 60.0)]);
        test.say("fv-1/battery_voltage", 50, 12.0);
        check(&test, 65, &[("fv-1/in_haven", 5, 0.0), ("fv-1/silent_duration", 65, 15.0)]);
        test.vessel("fv-1", 60, HAVEN);
        check(&test, 500, &[("fv-1/in_haven", 60, 1.0), ("fv-1/silent_duration", 60, 0.0)]);
        test.alert("fv-1/silent_duration", Level::Yellow, 0, |_| {});
        check(&test, 500, &[("fv-1/in_haven", 60, 1.0), ("fv-1/silent_duration", 500, 0.0)]);
    }

    #[track_caller]
    fn check_overdue(place: (f64, f64), at: i64, expected: f64) {
        let mut test = TestWorld::new();
        test.vessel("fv-1", 5, place);
        test.recall("one", 1_000, 700);
        test.recall("other", 1_200, 800);
        let in_haven = if place == HAVEN { 1.0 } else { 0.0 };
        let silent = if place == HAVEN { 0.0 } else { (at - 5) as f64 };
        let as_of = if place == HAVEN { 5 } else { at };
        let expected = [
            ("fv-1/in_haven", 5, in_haven),
            ("fv-1/silent_duration", as_of, silent),
            ("fv-1/recall_overdue", as_of, expected),
        ];
        check(&test, at, &expected);
    }

    #[test]
    fn overdue_by_the_worst_order_of_its_latitude() {
        check_overdue(SEA, 700, 0.0);
        check_overdue(SEA, 850, 2.5);
        check_overdue((123.0, 28.0), 850, 0.0);
        check_overdue(HAVEN, 850, 0.0);
    }

    #[test]
    fn an_order_that_ended_lets_its_alarms_end() {
        let mut test = TestWorld::new();
        test.vessel("fv-1", 5, SEA);
        test.alert("fv-1/recall_overdue", Level::Red, 0, |_| {});
        let expected = [
            ("fv-1/in_haven", 5, 0.0),
            ("fv-1/silent_duration", 10, 5.0),
            ("fv-1/recall_overdue", 10, 0.0),
        ];
        check(&test, 10, &expected);
    }
}

//! Quantities that the program computes (`computed` in the catalogue): out of
//! readings, reports, positions, documents and the memory of the soil.
//!
//! A value carries the time of the newest input it was computed from and the
//! worst flag among its inputs. It is given once: while its inputs are silent
//! nothing new is said, so that no alarm takes silence for a better value. Only
//! what grows by itself, silence at sea and the time past a deadline at sea, is of
//! the instant of evaluation. `group_distance` is left out: no group of vessels is
//! configured.

mod declared;
mod rain;
mod shelter;
mod site;
mod vessel;

use std::collections::BTreeSet;

use model::{Channel, DatastreamId, PropertyId, Quality, Thing, ThingKind, ThingState, Time};

use crate::prepare::StormTracks;
use crate::windows::Sample;
use crate::world::World;

/// All computed values that are new at a whole minute, in order of their
/// things.
pub fn derive(world: &World, _storms: &StormTracks, at: Time) -> Vec<(DatastreamId, Sample)> {
    let mut values = Values { world, at, found: Vec::new(), open_alerts: open_alerts(world) };
    let is_recalled = !world.documents.recalls(at).is_empty();
    let havens = vessel::occupied_havens(world, at);
    for thing in world.things.values().map(AsRef::as_ref) {
        if thing.state != ThingState::InService {
            continue;
        }
        match thing.kind {
            ThingKind::HydrometStation => rain::derive(&mut values, thing),
            ThingKind::Shelter => shelter::derive(&mut values, thing),
            ThingKind::ConstructionSite => site::derive(&mut values, thing),
            ThingKind::FishingVessel => vessel::derive(&mut values, thing, is_recalled),
            ThingKind::TownshipOffice => declared::derive(&mut values, thing, &havens),
            ThingKind::Enterprise | ThingKind::Gateway => {}
        }
    }
    values.found
}

fn open_alerts(world: &World) -> BTreeSet<&DatastreamId> {
    let open = world.alerts.values().filter(|alert| alert.closed.is_none());
    open.map(|alert| &alert.datastream).collect()
}

/// What is found, and what was said before.
struct Values<'a> {
    world: &'a World,
    at: Time,
    found: Vec<(DatastreamId, Sample)>,
    open_alerts: BTreeSet<&'a DatastreamId>,
}

/// A computed value before it is said.
#[derive(Debug, Clone, Copy)]
struct Value {
    value: f64,
    /// Of the newest input.
    time: Time,
    /// The worst of the inputs.
    quality: Quality,
}

impl<'a> Values<'a> {
    fn id(thing: &Thing, property: &PropertyId, channel: Option<&Channel>) -> DatastreamId {
        DatastreamId {
            thing: thing.id.clone(),
            property: property.clone(),
            channel: channel.cloned(),
        }
    }

    /// What was said last of a computed datastream.
    fn said(&self, id: &DatastreamId) -> Option<&'a Sample> {
        self.world.streams.get(id)?.up_to(self.at).last()
    }

    fn has_open_alert(&self, id: &DatastreamId) -> bool {
        self.open_alerts.contains(id)
    }

    /// Says a value that is newer than the last one, inside the property's
    /// range; a property that the catalogue does not compute is never said.
    fn say(&mut self, id: DatastreamId, value: Value) {
        self.say_since(id, None, value);
    }

    fn say_since(&mut self, id: DatastreamId, since: Option<Time>, value: Value) {
        let Some(property) = self.world.catalogue.find(&id.property) else { return };
        let is_new = self.said(&id).is_none_or(|said| said.time < value.time);
        let may = property.is_computed() && property.allows_channel(id.channel.as_ref());
        if !may || !is_new || !value.value.is_finite() {
            return;
        }
        let range = property.spec.quality.gross_range;
        let inside = range.map_or(value.value, |r| value.value.clamp(r.min, r.max));
        let sample = Sample { time: value.time, since, value: inside, quality: value.quality };
        self.found.push((id, sample));
    }
}

#[cfg(test)]
mod tests {
    use model::Flag;

    use super::*;
    use crate::prepare::people_world::{TestWorld, minute};

    /// All values of a minute as `(datastream, minute, value)`.
    pub(super) fn derived(test: &TestWorld, at: i64) -> Vec<(String, i64, f64)> {
        let found = derive(&test.world, &StormTracks::default(), minute(at));
        let short = |(id, sample): (DatastreamId, Sample)| {
            (id.to_string(), sample.time.millis() / 60_000, sample.value)
        };
        found.into_iter().map(short).collect()
    }

    #[track_caller]
    pub(super) fn check(test: &TestWorld, at: i64, expected: &[(&str, i64, f64)]) {
        let found = derived(test, at);
        let near = |(found, expected): (&(String, i64, f64), &(&str, i64, f64))| {
            found.0 == expected.0 && found.1 == expected.1 && (found.2 - expected.2).abs() < 1e-9
        };
        let is_equal = found.len() == expected.len() && found.iter().zip(expected).all(near);
        assert!(is_equal, "at {at}: {found:?}, not {expected:?}");
    }

    fn shelter() -> TestWorld {
        let mut test = TestWorld::new();
        test.thing("sh-1", ThingKind::Shelter, "occupancy capacity occupancy_rate");
        test.say("sh-1/capacity", 0, 50.0);
        test.say("sh-1/occupancy", 5, 20.0);
        test
    }

    #[test]
    fn what_was_said_is_not_said_again() {
        let mut test = shelter();
        check(&test, 7, &[("sh-1/occupancy_rate", 5, 40.0)]);
        test.say("sh-1/occupancy_rate", 5, 40.0);
        check(&test, 8, &[]);
        test.say("sh-1/occupancy", 9, 25.0);
        check(&test, 9, &[("sh-1/occupancy_rate", 9, 50.0)]);
    }

    #[test]
    fn values_keep_the_worst_flag_and_stay_in_range() {
        let mut test = shelter();
        let suspect = Quality::new(Flag::Suspect);
        test.sample("sh-1/occupancy", None, 6, 1_000.0, suspect);
        let found = derive(&test.world, &StormTracks::default(), minute(7));
        assert_eq!((found[0].1.value, found[0].1.quality.flag()), (300.0, Flag::Suspect));
    }

    #[test]
    fn only_what_is_in_service_is_computed() {
        for state in [ThingState::Commissioning, ThingState::Maintenance, ThingState::Retired] {
            let mut test = shelter();
            test.state("sh-1", state);
            check(&test, 7, &[]);
        }
    }
}

//! Contact with what must carry sensors: the minutes of the last 30 days of
//! every mandatory datastream (docs/indices.md 3.1, `sensing_online_rate`).

use std::time::Duration;

use model::{DatastreamId, OverrideKind, Thing, ThingKind, ThingState, Time};

use super::reports::{is_listed, is_online, streams_of};
use crate::world::World;

/// The sectors whose sites, vessels, enterprises and shelters must carry
/// sensors.
pub(super) const SECTORS: [ThingKind; 4] = [
    ThingKind::ConstructionSite,
    ThingKind::FishingVessel,
    ThingKind::Enterprise,
    ThingKind::Shelter,
];

const WINDOW: Duration = Duration::from_secs(30 * 86_400);

/// The mandatory datastreams of a thing: those registered, one for each
/// channel. A thing that has none of them owes all of its kind: they stand
/// here without a stream, and are never online.
pub(super) fn mandatory(world: &World, thing: &Thing) -> Vec<DatastreamId> {
    let Some(properties) = world.facts.must_monitor.mandatory.get(&thing.kind) else {
        return Vec::new();
    };
    let registered: Vec<DatastreamId> = properties
        .iter()
        .flat_map(|property| streams_of(world, thing, property))
        .map(|stream| stream.id.clone())
        .collect();
    if !registered.is_empty() {
        return registered;
    }
    let owed = |property: &model::PropertyId| DatastreamId {
        thing: thing.id.clone(),
        property: property.clone(),
        channel: None,
    };
    properties.iter().map(owed).collect()
}

/// In service, and nobody marked it faulty.
pub(super) fn is_scheduled(world: &World, thing: &Thing, id: &DatastreamId, at: Time) -> bool {
    thing.state == ThingState::InService
        && !world.documents.is_overridden(id, OverrideKind::Fault, at)
}

/// Notes one whole minute of every mandatory datastream in service: scheduled,
/// and online when its newest reading is no older than 3T. Minutes in
/// maintenance, or under a person's mark of a fault, are left out of both.
pub fn advance_online(world: &mut World, at: Time) {
    let listed = world.things.values().filter(|thing| is_listed(thing));
    let minutes: Vec<(DatastreamId, bool)> = listed
        .filter(|thing| SECTORS.contains(&thing.kind))
        .flat_map(|thing| mandatory(world, thing).into_iter().map(move |id| (thing, id)))
        .filter(|(thing, id)| is_scheduled(world, thing, id, at))
        .map(|(_, id)| {
            let online = world.streams.get(&id).is_some_and(|stream| is_online(stream, at));
            (id, online)
        })
        .collect();

    let today = at.china_day_start();
    for (id, online) in minutes {
        let day = world.memory.online.entry(id).or_default().days.entry(today).or_default();
        day.scheduled_min = day.scheduled_min.saturating_add(1);
        day.online_min = day.online_min.saturating_add(u32::from(online));
    }
    world.memory.online.retain(|_, log| {
        log.days.retain(|day, _| *day > at - WINDOW);
        !log.days.is_empty()
    });
}

/// Minutes of a thing's mandatory datastreams in the 30 days up to `at`, as
/// `(online, scheduled)`.
pub(super) fn minutes_of(world: &World, thing: &Thing, at: Time) -> (f64, f64) {
    let ids = mandatory(world, thing);
    let logs = ids.iter().filter_map(|id| world.memory.online.get(id));
    let days = logs.flat_map(|log| log.days.range(at - WINDOW..));
    days.fold((0.0, 0.0), |(online, scheduled), (_, day)| {
        (online + f64::from(day.online_min), scheduled + f64::from(day.scheduled_min))
    })
}

#[cfg(test)]
mod tests {
    use super::super::people_world::{TestWorld, minute};
    use super::*;

    #[track_caller]
    fn check(world: &World, thing: &str, at: i64, expected: (f64, f64)) {
        let thing = world.things.values().find(|found| found.id.as_str() == thing).unwrap();
        assert_eq!(minutes_of(world, thing, minute(at)), expected, "{}", thing.id);
    }

    #[test]
    fn minutes_are_online_up_to_three_periods() {
        let mut test = TestWorld::new();
        test.thing("fv-1", ThingKind::FishingVessel, "position_longitude position_latitude");
        test.thing("fv-2", ThingKind::FishingVessel, "");
        test.thing("fv-3", ThingKind::FishingVessel, "position_longitude");
        test.state("fv-3", ThingState::Maintenance);
        test.thing("cs-1", ThingKind::ConstructionSite, "crane_wind_speed:1 crane_wind_speed:2");
        test.say("fv-1/position_longitude", 0, 121.9);
        test.say("cs-1/crane_wind_speed:2", 0, 5.0);
        for at in 0..60 {
            advance_online(&mut test.world, minute(at));
        }
        check(&test.world, "fv-1", 60, (16.0, 60.0));
        check(&test.world, "fv-2", 60, (0.0, 60.0));
        check(&test.world, "fv-3", 60, (0.0, 0.0));
        check(&test.world, "cs-1", 60, (16.0, 120.0));
    }

    #[test]
    fn a_fault_is_left_out_and_old_days_are_forgotten() {
        let mut test = TestWorld::new();
        test.thing("fv-1", ThingKind::FishingVessel, "position_longitude");
        test.fault("fv-1/position_longitude", 5, 10);
        for at in 0..20 {
            advance_online(&mut test.world, minute(at));
        }
        check(&test.world, "fv-1", 20, (0.0, 15.0));
        let later = 31 * 1_440;
        advance_online(&mut test.world, minute(later));
        check(&test.world, "fv-1", later, (0.0, 1.0));
        test.state("fv-1", ThingState::Retired);
        advance_online(&mut test.world, minute(2 * later));
        assert!(test.world.memory.online.is_empty());
    }
}

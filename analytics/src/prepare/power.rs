//! Mains and backup of shelters and township offices (docs/indices.md 4.5,
//! `power_comms_gap`).

use std::time::Duration;

use model::{PropertyId, Thing, ThingKind, ThingState};

use super::reports::{Place, is_online};
use crate::world::Stream;

const MAINS_POWER: PropertyId = PropertyId::from_static("mains_power");
const BACKUP_RUNTIME: PropertyId = PropertyId::from_static("backup_power_runtime");

/// A place with less backup is as good as dark (docs/indices.md 4.5, A).
const BACKUP_MIN_H: f64 = 2.0;

/// The longest T of a sensor; what comes less often is a report.
pub(super) const SENSOR_PERIOD_MAX: Duration = Duration::from_secs(3_600);

/// Places in service that have a sensor of power.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct PowerCount {
    pub(super) n: u32,
    pub(super) n_mains_lost: u32,
    /// Of those without mains.
    pub(super) n_backup_short: u32,
    pub(super) n_silent: u32,
    /// Silent, or without mains and backup: what the index counts.
    pub(super) n_dark: u32,
    /// Anything was ever heard of one of them.
    pub(super) was_heard: bool,
    /// There are no shelters and no offices here, as somebody confirmed.
    pub(super) is_known_empty: bool,
}

/// Shelters and offices without mains and backup, or silent. One that has no
/// sensor of power is left out; nothing is known before one was heard.
pub(super) fn power_count(place: &Place<'_>) -> PowerCount {
    let lists = [ThingKind::Shelter, ThingKind::TownshipOffice].map(|kind| place.list(kind));
    let is_known_empty = lists.iter().all(|list| list.is_known_empty());
    let mut count = PowerCount { is_known_empty, ..PowerCount::default() };
    let places = lists.iter().flat_map(|list| &list.things).copied().filter(|thing| {
        let has_sensor = place.has(thing, &MAINS_POWER) || place.has(thing, &BACKUP_RUNTIME);
        thing.state == ThingState::InService && has_sensor
    });
    for thing in places {
        let newest = |property: &PropertyId| place.latest(thing, property).map(|part| part.value);
        let is_lost = newest(&MAINS_POWER).is_some_and(|mains| mains < 0.5);
        let has_backup = newest(&BACKUP_RUNTIME).is_some_and(|runtime_h| runtime_h >= BACKUP_MIN_H);
        let is_short = is_lost && !has_backup;
        let is_silent = !sensors(place, thing).any(|stream| is_online(stream, place.at));
        count.n += 1;
        count.n_mains_lost += u32::from(is_lost);
        count.n_backup_short += u32::from(is_short);
        count.n_silent += u32::from(is_silent);
        count.n_dark += u32::from(is_silent || is_short);
        count.was_heard |=
            sensors(place, thing).any(|stream| stream.last_heard(place.at).is_some());
    }
    count
}

/// The datastreams of a thing that speak by themselves, and often.
fn sensors<'a>(place: &Place<'a>, thing: &'a Thing) -> impl Iterator<Item = &'a Stream> {
    place.world.streams_of(&thing.id).filter(|stream| {
        let spec = &stream.property.spec;
        let is_frequent = spec.period.is_some_and(|period| period <= SENSOR_PERIOD_MAX);
        is_frequent && spec.report.is_none() && !stream.property.is_computed()
    })
}

//! Where fishing vessels were last seen, and what they were ordered to do
//! (docs/indices.md 4.4, 6.4).

use model::{DatastreamId, Position, PropertyId, Quality, Thing, Time};

use crate::physics::geo::haversine_km;
use crate::world::{Facts, Haven, World};

const LONGITUDE: PropertyId = PropertyId::from_static("position_longitude");
const LATITUDE: PropertyId = PropertyId::from_static("position_latitude");

/// The last position of a thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LastFix {
    pub(crate) position: Position,
    pub(crate) time: Time,
    /// The worse of its two numbers.
    pub(crate) quality: Quality,
}

/// The last position that a thing sent; `None` when it never sent one.
pub(crate) fn last_fix(world: &World, thing: &Thing, at: Time) -> Option<LastFix> {
    let newest = |property: PropertyId| {
        let id = DatastreamId { thing: thing.id.clone(), property, channel: None };
        world.streams.get(&id)?.latest(at).copied()
    };
    let (longitude, latitude) = (newest(LONGITUDE)?, newest(LATITUDE)?);
    Some(LastFix {
        position: Position::new(longitude.value, latitude.value).ok()?,
        time: longitude.time.min(latitude.time),
        quality: worse(longitude.quality, latitude.quality),
    })
}

pub(crate) fn worse(one: Quality, other: Quality) -> Quality {
    if other.flag() > one.flag() { other } else { one }
}

/// When anything at all was last heard of a thing: readings of any quality
/// show that it is there.
pub(crate) fn last_heard(world: &World, thing: &Thing, at: Time) -> Option<Time> {
    let sent = world.streams_of(&thing.id).filter(|stream| !stream.property.is_computed());
    sent.filter_map(|stream| stream.last_heard(at)).max()
}

/// The haven a position lies in; of several the nearest.
pub(crate) fn haven_at(facts: &Facts, position: Position) -> Option<&Haven> {
    let distances =
        facts.havens.iter().map(|haven| (haversine_km(haven.position, position) * 1_000.0, haven));
    let inside = distances.filter(|(distance_m, haven)| *distance_m <= haven.radius_m);
    inside.min_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, haven)| haven)
}

/// How long a vessel at this latitude is past its deadline, of the orders in
/// force the worst: milliseconds, negative before it. `None` without an order.
pub(crate) fn past_deadline_ms(world: &World, latitude: f64, at: Time) -> Option<i64> {
    let orders = world.documents.recalls(at);
    orders.iter().filter_map(|order| order.deadline(latitude)).map(|end| at.millis_since(end)).max()
}

//! The hazard groups of a township as Index B scores them (docs/indices.md
//! 4.2): who is there to speak for each quantity, and what it says.
//!
//! A silent station stays in the list; one that is planned or retired is left
//! out, which ends its holds. Freshness is not judged here.

use std::sync::Arc;

use model::{Level, OverrideKind, PropertyId, SignalKind, Thing, ThingState, Time, TownshipCode};

use super::soil::{RAIN, SOIL, soil_datastream, soil_reading};
use super::storms::StormTracks;
use crate::flood_typhoon::FloodModel;
use crate::flood_typhoon::sources::{GroupInput, QuantityInput, StationInput};
use crate::hazard::{GroupSpec, QuantitySpec, read_samples};
use crate::physics::geo::haversine_km;
use crate::world::{Stream, TownshipFacts, World};

/// The inputs of the township's groups, in the model's order.
pub fn hazard_groups(
    world: &World,
    storms: &StormTracks,
    township: &TownshipFacts,
    model: &FloodModel,
    at: Time,
) -> Vec<GroupInput> {
    let (code, seat) = (township.township.code, township.township.seat);
    let sites = sites(world, township, model);
    let groups = model.groups.iter().filter(|group| township.groups.contains(&group.id));
    let inputs = groups.map(|group| {
        let quantities = group.quantities.iter().map(|spec| QuantityInput {
            id: spec.id.clone(),
            own: stations(world, &sites, spec, Site::is_own_for, at),
            neighbours: stations(world, &sites, spec, Site::is_neighbour_for, at),
            wind_model: storms.winds_at(seat, at).filter(|_| spec.wind_model),
        });
        GroupInput {
            id: group.id.clone(),
            official: official(world, group, code, at),
            quantities: quantities.collect(),
            outlook: group.is_outlook.then(|| storms.outlook(seat, model, at)),
        }
    });
    inputs.collect()
}

/// The worst official signal in force of the kinds that concern the group.
fn official(world: &World, group: &GroupSpec, code: TownshipCode, at: Time) -> Level {
    let kinds = SignalKind::ALL.into_iter();
    let kinds = kinds.filter(|kind| group.signals.iter().any(|name| name == kind.as_str()));
    kinds.map(|kind| world.documents.signal(kind, code, at)).max().unwrap_or(Level::None)
}

/// A thing that may speak for the township.
struct Site<'a> {
    thing: &'a Arc<Thing>,
    /// It stands in the township.
    is_own: bool,
    /// Its water gauges serve the township.
    is_assigned: bool,
    /// It stands in another one, within the radius of the seat.
    is_near: bool,
}

impl Site<'_> {
    /// Gauges are assigned for the quantities that no neighbour may tell: the
    /// water's.
    fn is_own_for(&self, spec: &QuantitySpec) -> bool {
        self.is_own || (self.is_assigned && !spec.neighbours)
    }

    fn is_neighbour_for(&self, spec: &QuantitySpec) -> bool {
        self.is_near && spec.neighbours
    }

    /// In commissioning or maintenance: silent, and not held.
    fn is_silenced(&self) -> bool {
        self.thing.state != ThingState::InService
    }
}

/// The things that measure something the model reads and may speak for the
/// township, in order of their ids.
fn sites<'a>(world: &'a World, township: &TownshipFacts, model: &FloodModel) -> Vec<Site<'a>> {
    let (code, seat) = (township.township.code, township.township.seat);
    let specs = || model.groups.iter().flat_map(|group| &group.quantities);
    let measures = |thing: &Thing| {
        let mut datastreams = thing.datastreams.iter();
        datastreams.any(|datastream| specs().any(|spec| *measured(spec) == datastream.property))
    };
    let site = |thing: &'a Arc<Thing>| {
        if matches!(thing.state, ThingState::Planned | ThingState::Retired) {
            return None;
        }
        let is_own = thing.township == Some(code);
        let is_assigned = thing.serves.contains(&code);
        let is_near = !is_own
            && thing.position.is_some_and(|position| {
                haversine_km(position, seat) <= model.sources.neighbour_radius_km
            });
        let site = Site { thing, is_own, is_assigned, is_near };
        ((is_own || is_assigned || is_near) && measures(thing)).then_some(site)
    };
    world.things.values().filter_map(site).collect()
}

/// The property whose datastreams a quantity comes from in the end.
fn measured(spec: &QuantitySpec) -> &PropertyId {
    if spec.from == SOIL { &RAIN } else { &spec.from }
}

fn stations<'a>(
    world: &World,
    sites: &[Site<'a>],
    spec: &QuantitySpec,
    speaks: impl Fn(&Site<'a>, &QuantitySpec) -> bool,
    at: Time,
) -> Vec<StationInput> {
    let sites = sites.iter().filter(|site| speaks(site, spec));
    let found = sites.flat_map(|site| {
        let streams = world.streams_of(&site.thing.id);
        let streams = streams.filter(|stream| stream.id.property == *measured(spec));
        streams.map(|stream| station(world, stream, spec, site.is_silenced(), at))
    });
    found.collect()
}

fn station(
    world: &World,
    stream: &Stream,
    spec: &QuantitySpec,
    is_silenced: bool,
    at: Time,
) -> StationInput {
    let is_soil = spec.from == SOIL;
    let datastream = if is_soil { soil_datastream(&stream.id) } else { stream.id.clone() };
    let levels = stream.spec.levels.filter(|_| !is_soil);
    let reading = match is_soil {
        true => soil_reading(world, stream, at),
        false => read_samples(&stream.samples, levels.as_ref(), spec, at),
    };
    // What a person says of a gauge holds for the index computed from it.
    let documents = &world.documents;
    let ids = [&datastream, &stream.id];
    let is_overridden = |kind| ids.iter().any(|id| documents.is_overridden(id, kind, at));
    StationInput {
        levels,
        reading,
        silenced: is_silenced || is_overridden(OverrideKind::Fault),
        released: ids.iter().filter_map(|id| documents.released(id, at)).max(),
        confirmed: is_overridden(OverrideKind::Confirm),
        datastream,
    }
}

#[cfg(test)]
mod tests;

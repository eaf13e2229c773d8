//! What a township has to feed every group, item and indicator with:
//! registered, sensed and reported (`readiness`).

use std::collections::BTreeMap;

use model::{PropertyId, ThingKind, Time};

use super::online::SECTORS;
use super::reports::{Place, period_of};
use super::soil::{RAIN, SOIL};
use crate::flood_typhoon::{CAPABILITY_ITEMS, EXPOSURE_ITEMS, FloodModel};
use crate::freshness::millis;
use crate::hazard::KnotSource;
use crate::readiness::Fed;
use crate::township_safety::SafetyModel;
use crate::world::{TownshipFacts, World};

/// The datastreams of one property.
#[derive(Debug, Clone, Copy, Default)]
struct Streams {
    n_registered: u32,
    n_fresh: u32,
    n_reported: u32,
    n_without_levels: u32,
}

/// What feeds each group, item and indicator, by its id.
pub fn fed(
    world: &World,
    township: &TownshipFacts,
    flood: &FloodModel,
    safety: &SafetyModel,
    at: Time,
) -> BTreeMap<String, Fed> {
    let place = Place::new(world, township.township.code, at);
    let streams = streams_by_property(&place);
    let mut fed = BTreeMap::new();
    for group in flood.groups.iter().filter(|group| township.groups.contains(&group.id)) {
        let properties = group.quantities.iter().map(|spec| measured(&spec.from).clone());
        let mut found = sum(&streams, properties.collect());
        let of_station = group.quantities.iter().filter(|spec| spec.knots == KnotSource::Station);
        let without_levels = of_station.filter_map(|spec| streams.get(&spec.from));
        let n_without: u32 = without_levels.map(|found| found.n_without_levels).sum();
        found.is_configured = group.is_outlook || n_without == 0;
        fed.insert(group.id.clone(), found);
    }
    for id in EXPOSURE_ITEMS.into_iter().chain(CAPABILITY_ITEMS) {
        let mut found = sum(&streams, item_properties(world, id));
        found.is_configured = is_entered(&place, item_kinds(id));
        fed.insert(id.to_owned(), found);
    }
    for indicator in safety.dimensions.iter().flat_map(|dimension| &dimension.indicators) {
        let mut found = sum(&streams, indicator.properties.clone());
        found.is_configured = is_entered(&place, indicator_kinds(&indicator.id));
        fed.insert(indicator.id.clone(), found);
    }
    fed
}

/// Own things, and the gauges that serve the township.
fn streams_by_property(place: &Place<'_>) -> BTreeMap<PropertyId, Streams> {
    let (world, at) = (place.world, place.at);
    let mut found: BTreeMap<PropertyId, Streams> = BTreeMap::new();
    let serving = world.things.values().map(AsRef::as_ref).filter(|thing| {
        thing.serves.contains(&place.code)
            && thing.township != Some(place.code)
            && super::reports::is_listed(thing)
    });
    for thing in place.things.iter().copied().chain(serving) {
        for stream in world.streams_of(&thing.id) {
            let streams = found.entry(stream.id.property.clone()).or_default();
            streams.n_registered += 1;
            streams.n_without_levels += u32::from(stream.spec.levels.is_none());
            let newest = stream.latest(at);
            if stream.property.spec.report.is_some() {
                streams.n_reported += u32::from(newest.is_some());
            } else {
                let is_fresh = newest.is_some_and(|sample| {
                    at.millis_since(sample.time) <= millis(period_of(stream))
                });
                streams.n_fresh += u32::from(is_fresh);
            }
        }
    }
    found
}

/// The property whose datastreams a quantity comes from in the end.
fn measured(from: &PropertyId) -> &PropertyId {
    if *from == SOIL { &RAIN } else { from }
}

fn sum(streams: &BTreeMap<PropertyId, Streams>, mut properties: Vec<PropertyId>) -> Fed {
    properties.sort();
    properties.dedup();
    let mut fed = Fed::default();
    for found in properties.iter().filter_map(|property| streams.get(property)) {
        fed.n_registered += found.n_registered;
        fed.n_sensed += found.n_fresh;
        fed.n_reported += found.n_reported;
    }
    fed
}

/// The properties that an item of V or L is computed from.
fn item_properties(world: &World, id: &str) -> Vec<PropertyId> {
    let names: &[&'static str] = match id {
        "people_unmoved" => &["people_to_evacuate", "people_evacuated"],
        "vessels_out" => &["position_longitude", "position_latitude"],
        "sites_unsecured" => &["site_work_stopped", "crane_weathervaned"],
        "static_vulnerability" => &["vulnerable_population_share"],
        "shelter_gap" => &["shelter_status", "capacity", "people_to_evacuate"],
        "supply_gap" => {
            &["drinking_water_stock", "food_stock", "quilt_stock", "supply_arriving_12h"]
        }
        "power_comms_gap" => &["mains_power", "backup_power_runtime"],
        "team_gap" => &[
            "equipment_held",
            "equipment_required",
            "villages_within_15min",
            "villages_total",
            "rescue_team_ready",
            "rescue_team_required",
        ],
        "duty_gap" => &["duty_confirmations_due", "duty_confirmations_received"],
        // What must not be offline is configuration.
        "sensor_gap" => {
            let mandatory = &world.facts.must_monitor.mandatory;
            let kinds = item_kinds(id).iter();
            return kinds.filter_map(|kind| mandatory.get(kind)).flatten().cloned().collect();
        }
        _ => &[],
    };
    names.iter().map(|name| PropertyId::from_static(name)).collect()
}

/// The kinds of things whose lists an item needs.
fn item_kinds(id: &str) -> &'static [ThingKind] {
    match id {
        "vessels_out" => &[ThingKind::FishingVessel],
        "sites_unsecured" => &[ThingKind::ConstructionSite],
        "shelter_gap" | "supply_gap" => &[ThingKind::Shelter, ThingKind::TownshipOffice],
        "power_comms_gap" => &[ThingKind::Shelter, ThingKind::TownshipOffice],
        "sensor_gap" => &[ThingKind::HydrometStation, ThingKind::Shelter],
        _ => &[ThingKind::TownshipOffice],
    }
}

fn indicator_kinds(id: &str) -> &'static [ThingKind] {
    match id {
        "chemical_credit" | "enterprise_alarm_burden" => &[ThingKind::Enterprise],
        "construction_alarm_burden" => &[ThingKind::ConstructionSite],
        "vessel_alarm_burden" => &[ThingKind::FishingVessel],
        "shelter_alarm_burden" | "supply_12h_rate" => &[ThingKind::Shelter],
        "sensing_online_rate" => &SECTORS,
        _ => &[ThingKind::TownshipOffice],
    }
}

/// Every list holds something, or was confirmed to be empty.
fn is_entered(place: &Place<'_>, kinds: &[ThingKind]) -> bool {
    kinds.iter().all(|kind| {
        let list = place.list(*kind);
        !list.things.is_empty() || list.is_confirmed
    })
}

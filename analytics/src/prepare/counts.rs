//! The absolute numbers behind the items of V and L in one township
//! (`situation`). They are read from the same inputs as the items.

use std::time::Duration;

use model::{Level, PropertyId, Thing, ThingKind, Time};

use super::StormTracks;
use super::capability::short_period;
use super::event::response_since;
use super::power::power_count;
use super::reports::{Place, period_of};
use super::shelters::shelter_count;
use super::vessels::{last_fix, past_deadline_ms};
use crate::flood_typhoon::exposure::{
    ExposureInputs, Register, VesselPlace, is_site_stopped, oldest_report, people_counts,
};
use crate::flood_typhoon::{ExposureRules, FloodModel};
use crate::freshness::millis;
use crate::situation::{
    Counts, NAMED_MAX, NamedVessel, People, Power, Reports, Shelters, Sites, Vessels,
};
use crate::world::{Stream, TownshipFacts, World};

/// What was counted, of which `exposure` is the index's own input. `demand` is
/// the one that the items were scored at.
pub fn counts(
    world: &World,
    storms: &StormTracks,
    township: &TownshipFacts,
    exposure: &ExposureInputs,
    demand: Level,
    model: &FloodModel,
    at: Time,
) -> Counts {
    let place = Place::new(world, township.township.code, at);
    let shelters = shelter_count(&place);
    let power = power_count(&place);
    Counts {
        people: people(exposure, demand),
        vessels: vessels(&place, storms, township, exposure),
        shelters: Shelters {
            total: shelters.n,
            usable: shelters.n_usable,
            places: shelters.places,
            people: shelters.people,
            reported: shelters.reported,
        },
        sites: sites(exposure),
        power: Power {
            things: power.n,
            mains_lost: power.n_mains_lost,
            backup_short: power.n_backup_short,
            silent: power.n_silent,
            dark: power.n_dark,
        },
        reports: reports(&place, &model.exposure),
        unknown: Vec::new(),
    }
}

fn people(exposure: &ExposureInputs, demand: Level) -> People {
    let categories: Vec<_> = people_counts(exposure, demand).collect();
    let in_demand = || categories.iter().filter(|count| count.is_in_demand);
    People {
        is_entered: exposure.people.iter().any(|report| report.to_evacuate.is_some()),
        to_move: in_demand().fold(0.0, |sum, count| sum + count.to_move),
        moved: in_demand().fold(0.0, |sum, count| sum + count.moved),
        left: in_demand().fold(0.0, |sum, count| sum + count.left),
        reported: oldest_report(exposure),
        categories,
    }
}

/// The register holds the vessels in the order of the list.
fn vessels(
    place: &Place<'_>,
    storms: &StormTracks,
    township: &TownshipFacts,
    exposure: &ExposureInputs,
) -> Vessels {
    let Register::Entered(found) = &exposure.vessels else { return Vessels::default() };
    let is_stormy = storms.winds_at(township.township.seat, place.at).is_some();
    let mut counts = Vessels { is_entered: true, ..Vessels::default() };
    let mut n_force7 = Some(0);
    for (thing, vessel) in place.of_kind(ThingKind::FishingVessel).zip(found) {
        counts.total += 1;
        if matches!(vessel.place, VesselPlace::InHaven | VesselPlace::InWeakHaven) {
            counts.in_haven += 1;
            continue;
        }
        counts.at_sea += 1;
        counts.silent += u32::from(vessel.place == VesselPlace::LostAtSea);
        counts.overdue += u32::from(vessel.place == VesselPlace::Overdue);
        let Some(fix) = last_fix(place.world, thing, place.at).filter(|_| is_stormy) else {
            continue;
        };
        let is_inside = storms.is_inside_force7(fix.position, place.at);
        n_force7 = n_force7.zip(is_inside).map(|(n, is_inside)| n + u32::from(is_inside));
        let past_ms = past_deadline_ms(place.world, fix.position.latitude(), place.at);
        let is_overdue = past_ms.is_some_and(|past_ms| past_ms > 0);
        if is_inside == Some(true) && is_overdue && counts.named_overdue.len() < NAMED_MAX {
            let named = NamedVessel { thing: thing.id.clone(), name: thing.name.clone() };
            counts.named_overdue.push(named);
        }
    }
    counts.at_sea_force7 = n_force7;
    counts
}

fn sites(exposure: &ExposureInputs) -> Sites {
    let Register::Entered(found) = &exposure.sites else { return Sites::default() };
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let stopped = found.iter().filter(|site| is_site_stopped(exposure, site));
    Sites { is_entered: true, total: count(found.len()), stopped: count(stopped.count()) }
}

fn reports(place: &Place<'_>, rules: &ExposureRules) -> Reports {
    let at = place.at;
    let response = response_since(&place.world.documents, place.code, at);
    let reported = |thing: &Thing| {
        let streams = place.world.streams_of(&thing.id);
        streams.filter(|stream| stream.property.spec.report.is_some())
    };
    let times = place.things.iter().flat_map(|thing| reported(thing));
    let last = times.filter_map(|stream| stream.latest(at)).map(|sample| sample.time).max();
    let is_late = |office: &&Thing| {
        let mut is_told = false;
        let mut owes = false;
        for stream in reported(office) {
            let Some(sample) = stream.latest(at) else { continue };
            is_told = true;
            owes |= is_older(stream, sample.time, response, rules, at);
        }
        owes || (!is_told && reported(office).next().is_some())
    };
    let offices = place.of_kind(ThingKind::TownshipOffice).filter(is_late);
    Reports { last, late_offices: offices.map(|office| office.id.clone()).collect() }
}

/// Older than T; in a response also than its short T, counted from the later
/// of the report and the response (docs/indices.md section 5).
fn is_older(
    stream: &Stream,
    time: Time,
    response: Option<Time>,
    rules: &ExposureRules,
    at: Time,
) -> bool {
    let is_over = |since: Time, period: Duration| at.millis_since(since) > millis(period);
    let short = progress_period(&stream.id.property, rules);
    let short = short.or_else(|| short_period(&stream.id.property));
    let is_over_short =
        response.zip(short).map(|(response, short)| is_over(time.max(response), short));
    is_over(time, period_of(stream)) || is_over_short == Some(true)
}

fn progress_period(property: &PropertyId, rules: &ExposureRules) -> Option<Duration> {
    match property.as_str() {
        "people_evacuated" => Some(rules.progress_period),
        "site_work_stopped" | "crane_weathervaned" => Some(rules.site_progress_period),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

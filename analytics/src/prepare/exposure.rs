//! Inputs of exposure V: people to move, vessels, sites, vulnerable housing
//! (docs/indices.md 4.4).

use std::collections::BTreeMap;
use std::time::Duration;

use model::{PropertyId, Thing, ThingKind, Time};

use super::StormTracks;
use super::event::{event_since, response_since};
use super::reports::{List, Part, Place, streams_of};
use super::vessels::{haven_at, last_fix, past_deadline_ms};
use crate::flood_typhoon::FloodModel;
use crate::flood_typhoon::exposure::{
    Category, ExposureInputs, PeopleReport, Register, Report, Site, Vessel, VesselPlace,
};
use crate::freshness::millis;
use crate::world::{TownshipFacts, World};

const TO_EVACUATE: PropertyId = PropertyId::from_static("people_to_evacuate");
const EVACUATED: PropertyId = PropertyId::from_static("people_evacuated");
const WORK_STOPPED: PropertyId = PropertyId::from_static("site_work_stopped");
const CRANE_VANED: PropertyId = PropertyId::from_static("crane_weathervaned");
const VULNERABLE_SHARE: PropertyId = PropertyId::from_static("vulnerable_population_share");

/// A vessel silent for longer is nowhere known (docs/indices.md 4.4, A).
const LOST_AFTER: Duration = Duration::from_secs(2 * 3_600);

/// What exposure is computed from, in one township at one instant.
pub fn exposure(
    world: &World,
    storms: &StormTracks,
    township: &TownshipFacts,
    _model: &FloodModel,
    at: Time,
) -> ExposureInputs {
    let code = township.township.code;
    let place = Place::new(world, code, at);
    let memory = world.memory.townships.get(&code).map(|memory| &memory.event);
    let response_since = response_since(&world.documents, code, at);
    ExposureInputs {
        people: people(&place),
        vessels: register(place.list(ThingKind::FishingVessel), |thing| {
            vessel(&place, storms, thing)
        }),
        recall: !world.documents.recalls(at).is_empty(),
        sites: register(place.list(ThingKind::ConstructionSite), |thing| site(&place, thing)),
        vulnerable_percent: vulnerable(&place),
        event_since: Some(event_since(memory, response_since, at)),
        response_since,
    }
}

/// A list of things is entered when it holds some, or when somebody confirmed
/// that there are none.
fn register<T>(list: List<'_>, entry: impl Fn(&Thing) -> T) -> Register<T> {
    if list.things.is_empty() && !list.is_confirmed {
        return Register::NeverEntered;
    }
    Register::Entered(list.things.into_iter().map(entry).collect())
}

/// The categories of which anything was reported, over all that report.
fn people(place: &Place<'_>) -> Vec<PeopleReport> {
    let mut by_category: BTreeMap<Category, (Option<Report>, Option<Report>)> = BTreeMap::new();
    for (property, is_register) in [(TO_EVACUATE, true), (EVACUATED, false)] {
        for thing in place.reporters(&property) {
            for stream in streams_of(place.world, thing, &property) {
                let channel = stream.id.channel.as_ref().map(model::Channel::as_str);
                let category = channel.and_then(Category::parse);
                let (Some(category), Some(sample)) = (category, stream.latest(place.at)) else {
                    continue;
                };
                let (register, progress) = by_category.entry(category).or_default();
                let held = if is_register { register } else { progress };
                let found = Report { value: sample.value, time: sample.time };
                *held = Some(held.map_or(found, |held| plus(held, found)));
            }
        }
    }
    let report =
        |(category, (to_evacuate, evacuated))| PeopleReport { category, to_evacuate, evacuated };
    by_category.into_iter().map(report).collect()
}

/// The sum, as old as the older.
fn plus(one: Report, other: Report) -> Report {
    Report { value: one.value + other.value, time: one.time.min(other.time) }
}

/// A vessel of which no position was ever received is out and lost: nothing
/// reported counts as unresolved (docs/indices.md 4.4). One last seen in a
/// haven stays there, whatever its silence.
fn vessel(place: &Place<'_>, storms: &StormTracks, thing: &Thing) -> Vessel {
    let at = place.at;
    let Some(fix) = last_fix(place.world, thing, at) else {
        return Vessel { place: VesselPlace::LostAtSea, time: Time::MIN };
    };
    let found = match haven_at(&place.world.facts, fix.position) {
        Some(haven) => {
            let is_weak = haven.rated_wind_mps.is_some_and(|rated| {
                storms.wind_forecast_max(haven.position, at).is_some_and(|wind| wind > rated)
            });
            if is_weak { VesselPlace::InWeakHaven } else { VesselPlace::InHaven }
        }
        None if at.millis_since(fix.time) > millis(LOST_AFTER) => VesselPlace::LostAtSea,
        None => match past_deadline_ms(place.world, fix.position.latitude(), at) {
            Some(past_ms) if past_ms > 0 => VesselPlace::Overdue,
            _ => VesselPlace::AtSea,
        },
    };
    Vessel { place: found, time: fix.time }
}

fn site(place: &Place<'_>, thing: &Thing) -> Site {
    let has_crane =
        thing.datastreams.iter().any(|spec| spec.property.as_str().starts_with("crane_"));
    Site {
        has_crane,
        work_stopped: all_done(place, thing, &WORK_STOPPED),
        crane_vaned: all_done(place, thing, &CRANE_VANED),
    }
}

/// Done when every channel (every crane) is done, as old as the oldest report.
fn all_done(place: &Place<'_>, thing: &Thing, property: &PropertyId) -> Option<Report> {
    let streams = streams_of(place.world, thing, property);
    let reports = streams.map(|stream| {
        let sample = stream.latest(place.at)?;
        Some(Report { value: sample.value, time: sample.time })
    });
    reports
        .reduce(|one, other| {
            let (one, other) = (one?, other?);
            Some(Report { value: one.value.min(other.value), time: one.time.min(other.time) })
        })
        .flatten()
}

/// The largest share that is reported: one office, as a rule.
fn vulnerable(place: &Place<'_>) -> Option<Report> {
    let reporters = place.reporters(&VULNERABLE_SHARE);
    let shares = reporters.filter_map(|thing| place.latest(thing, &VULNERABLE_SHARE));
    let largest = shares.reduce(|one, other| if other.value > one.value { other } else { one });
    largest.as_ref().map(Part::report)
}

#[cfg(test)]
mod tests {
    use model::{Level, ThingState};

    use super::super::people_world::{HAVEN, SEA, TestWorld, minute};
    use super::super::test_world::flood_model;
    use super::*;
    use crate::flood_typhoon::exposure::{exposure_items, people_unmoved};

    fn prepared(test: &TestWorld, at: i64) -> ExposureInputs {
        let world = &test.world;
        let storms = StormTracks::of(&world.documents, &world.facts, minute(at));
        exposure(world, &storms, &test.township(), &flood_model(), minute(at))
    }

    #[track_caller]
    fn check_vessel(last: Option<(i64, (f64, f64))>, at: i64, expected: VesselPlace) {
        let mut test = TestWorld::new();
        test.thing("fv-1", ThingKind::FishingVessel, "position_longitude position_latitude");
        if let Some((seen, place)) = last {
            test.vessel("fv-1", seen, place);
        }
        test.recall("one", 10_000, 600);
        test.recall("other", 10_000, 500);
        let Register::Entered(vessels) = prepared(&test, at).vessels else { unreachable!() };
        assert_eq!(vessels[0].place, expected);
    }

    #[test]
    fn vessels_by_their_last_position() {
        let south = (123.0, 28.5);
        check_vessel(Some((490, HAVEN)), 500, VesselPlace::InHaven);
        check_vessel(Some((0, HAVEN)), 1_000, VesselPlace::InHaven);
        check_vessel(Some((490, SEA)), 500, VesselPlace::AtSea);
        check_vessel(Some((490, SEA)), 501, VesselPlace::Overdue);
        check_vessel(Some((490, south)), 501, VesselPlace::AtSea);
        check_vessel(Some((380, SEA)), 500, VesselPlace::AtSea);
        check_vessel(Some((379, SEA)), 500, VesselPlace::LostAtSea);
        check_vessel(None, 500, VesselPlace::LostAtSea);
    }

    #[test]
    fn a_haven_is_weak_only_under_a_storm() {
        let mut test = TestWorld::new();
        test.rate_haven(20.0);
        test.vessel("fv-1", 0, HAVEN);
        let Register::Entered(vessels) = prepared(&test, 0).vessels else { unreachable!() };
        assert_eq!(vessels[0].place, VesselPlace::InHaven);
    }

    #[test]
    fn lists_are_entered_empty_or_not_at_all() {
        let mut test = TestWorld::new();
        assert_eq!(prepared(&test, 0).vessels, Register::Entered(Vec::new()));
        test.confirm_nothing();
        assert_eq!(prepared(&test, 0).vessels, Register::NeverEntered);
        test.vessel("fv-1", 0, SEA);
        test.state("fv-1", ThingState::Retired);
        assert_eq!(prepared(&test, 0).vessels, Register::NeverEntered);
    }

    #[test]
    fn sites_tell_of_cranes_and_of_all_their_channels() {
        let mut test = TestWorld::new();
        test.thing(
            "cs-1",
            ThingKind::ConstructionSite,
            "crane_wind_speed site_work_stopped crane_weathervaned:1 crane_weathervaned:2",
        );
        test.thing("cs-2", ThingKind::ConstructionSite, "site_work_stopped");
        test.say("cs-1/site_work_stopped", 5, 1.0);
        test.say("cs-1/crane_weathervaned:1", 6, 1.0);
        let sites = |test: &TestWorld| match prepared(test, 60).sites {
            Register::Entered(sites) => sites,
            Register::NeverEntered => unreachable!(),
        };
        let report = |value, at| Some(Report { value, time: minute(at) });
        let found = sites(&test);
        assert_eq!((found[0].has_crane, found[1].has_crane), (true, false));
        assert_eq!((found[0].work_stopped, found[0].crane_vaned), (report(1.0, 5), None));
        test.say("cs-1/crane_weathervaned:2", 7, 1.0);
        assert_eq!(sites(&test)[0].crane_vaned, report(1.0, 6));
    }

    #[test]
    fn people_by_category_and_progress_of_the_event() {
        let mut test = TestWorld::new();
        let office = "people_to_evacuate:crew people_evacuated:crew people_to_evacuate:other";
        test.thing("of-1", ThingKind::TownshipOffice, office);
        assert!(prepared(&test, 0).people.is_empty());
        test.say("of-1/people_to_evacuate:crew", 0, 100.0);
        test.say("of-1/people_evacuated:crew", 2_000, 100.0);
        test.response(Level::Blue, 3_000);
        let unmoved = |test: &TestWorld, at: i64| {
            let inputs = prepared(test, at);
            people_unmoved(&inputs, Level::Blue, &flood_model().exposure, minute(at)).share
        };
        assert_eq!(prepared(&test, 3_001).people.len(), 1);
        assert_eq!(unmoved(&test, 3_001), Some(0.0), "within a day before the response");
        test.say("of-1/people_evacuated:crew", 1_500, 100.0);
        let mut early = TestWorld::new();
        early.thing("of-1", ThingKind::TownshipOffice, office);
        early.say("of-1/people_to_evacuate:crew", 0, 100.0);
        early.say("of-1/people_evacuated:crew", 1_500, 100.0);
        early.response(Level::Blue, 3_000);
        assert_eq!(unmoved(&early, 3_001), Some(1.0), "before the event");
    }

    #[test]
    fn silence_never_lowers_exposure() {
        let mut test = TestWorld::new();
        test.thing(
            "of-1",
            ThingKind::TownshipOffice,
            "people_to_evacuate:crew people_evacuated:crew vulnerable_population_share",
        );
        test.say_all("of-1", 10, 50.0);
        test.say("of-1/people_evacuated:crew", 10, 20.0);
        test.vessel("fv-1", 10, SEA);
        test.vessel("fv-2", 10, HAVEN);
        test.recall("one", 100, 100);
        test.response(Level::Orange, 0);
        let share = |at: i64| {
            let inputs = prepared(&test, at);
            let items = exposure_items(&inputs, Level::Orange, &flood_model().exposure, minute(at));
            items.iter().filter_map(|item| item.share).fold(0.0, |sum, share| sum + share)
        };
        let shares: Vec<f64> = [20, 90, 101, 200, 5_000, 500_000].map(share).to_vec();
        assert!(shares.is_sorted(), "{shares:?}");
    }
}

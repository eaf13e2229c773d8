//! Inputs of the capability gap L: places, supplies, power, teams, duty,
//! sensors (docs/indices.md 4.5), each with the ages of what it is made of.

use std::time::Duration;

use model::{PropertyId, ThingKind, Time};

use super::event::response_since;
use super::online::{is_scheduled, mandatory};
use super::power::{SENSOR_PERIOD_MAX, power_count};
use super::reports::{Part, Place, is_online, period_of};
use super::shelters::{Need, places, supplies};
use crate::flood_typhoon::capability::{GapInput, duty_gap, lost_share, people_in_need, team_gap};
use crate::flood_typhoon::{CAPABILITY_ITEMS, FloodModel};
use crate::freshness::{Aging, credibility};
use crate::world::{Stream, TownshipFacts, World};

const TO_EVACUATE: PropertyId = PropertyId::from_static("people_to_evacuate");
const DUTY_DUE: PropertyId = PropertyId::from_static("duty_confirmations_due");
const DUTY_RECEIVED: PropertyId = PropertyId::from_static("duty_confirmations_received");

/// What a team needs, as (there, required).
const TEAM_RATES: [(PropertyId, PropertyId); 3] = [
    (PropertyId::from_static("equipment_held"), PropertyId::from_static("equipment_required")),
    (PropertyId::from_static("villages_within_15min"), PropertyId::from_static("villages_total")),
    (PropertyId::from_static("rescue_team_ready"), PropertyId::from_static("rescue_team_required")),
];

const HOUR: Duration = Duration::from_secs(3_600);

/// Windows of duty: in a response, and else.
const DUTY_WINDOW_SHORT: Duration = Duration::from_secs(12 * 3_600);
const DUTY_WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// The items of L, in the model's order.
pub fn capability(
    world: &World,
    township: &TownshipFacts,
    model: &FloodModel,
    at: Time,
) -> Vec<GapInput> {
    let place = Place::new(world, township.township.code, at);
    let response_since = response_since(&world.documents, place.code, at);
    let gaps = Gaps { place, model, response_since };
    let need = gaps.need();
    let item = |id: &str| match id {
        "shelter_gap" => need.as_ref().map_or(GapInput::Unknown, |need| places(&gaps, need)),
        "supply_gap" => need.as_ref().map_or(GapInput::Unknown, |need| supplies(&gaps, need)),
        "power_comms_gap" => gaps.power(),
        "team_gap" => gaps.teams(),
        "duty_gap" => gaps.duty(),
        "sensor_gap" => gaps.sensors(),
        _ => GapInput::Unknown,
    };
    CAPABILITY_ITEMS.into_iter().map(item).collect()
}

pub(super) struct Gaps<'a> {
    pub(super) place: Place<'a>,
    pub(super) model: &'a FloodModel,
    response_since: Option<Time>,
}

/// T in a response, and of a shelter while it is open (docs/indices.md 6.2,
/// 6.6, A).
pub(super) fn short_period(property: &PropertyId) -> Option<Duration> {
    Some(match property.as_str() {
        "rescue_team_ready" => HOUR * 6,
        "duty_confirmations_due" | "duty_confirmations_received" => HOUR * 12,
        "shelter_status" | "supply_arriving_12h" => HOUR,
        "drinking_water_stock" | "food_stock" | "quilt_stock" => HOUR * 12,
        _ => return None,
    })
}

impl Gaps<'_> {
    /// How a report ages; its shorter T, if it has one, counts from the later
    /// of the report and `changed`.
    pub(super) fn aging(&self, stream: &Stream, time: Time, changed: Option<Time>) -> Aging {
        Aging {
            time,
            period: period_of(stream),
            credibility: self.model.exposure.report_credibility,
            since_change: changed.zip(short_period(&stream.id.property)),
        }
    }

    /// The ages of reported values, each as old as its oldest input.
    fn agings(&self, parts: &[&Part<'_>]) -> Vec<Aging> {
        let stream = |part: &Part<'_>| self.place.world.streams.get(*part.streams.first()?);
        let aging =
            |part: &&Part<'_>| Some(self.aging(stream(part)?, part.time, self.response_since));
        parts.iter().filter_map(aging).collect()
    }

    /// What sensors say or fail to say is known at this instant.
    fn evidence(&self, share: Option<f64>) -> GapInput {
        let now = Aging {
            time: self.place.at,
            period: SENSOR_PERIOD_MAX,
            credibility: credibility::MEASURED,
            since_change: None,
        };
        share.map_or(GapInput::NotApplicable, |gap| GapInput::Value { gap, agings: vec![now] })
    }

    fn need(&self) -> Option<Need> {
        let registered = self.place.latest_of_all(&TO_EVACUATE)?;
        let people = people_in_need(registered.value, &self.model.capability);
        let aging = self.agings(&[&registered]).pop()?;
        Some(Need { people, aging })
    }

    fn power(&self) -> GapInput {
        let count = power_count(&self.place);
        if count.is_known_empty {
            return GapInput::NotApplicable;
        }
        if !count.was_heard {
            return GapInput::Unknown;
        }
        self.evidence(lost_share(f64::from(count.n_dark), f64::from(count.n)))
    }

    fn teams(&self) -> GapInput {
        let mut rates = Vec::new();
        let mut agings = Vec::new();
        let mut is_owed = false;
        for (there, required) in &TEAM_RATES {
            let Some(required) = self.place.latest_of_all(required) else {
                is_owed = true;
                continue;
            };
            if required.value <= 0.0 {
                continue;
            }
            let Some(there) = self.place.latest_of_all(there) else {
                is_owed = true;
                continue;
            };
            rates.push(Some(there.value / required.value));
            agings.extend(self.agings(&[&there, &required]));
        }
        match team_gap(&rates) {
            Some(gap) => GapInput::Value { gap, agings },
            None if is_owed => GapInput::Unknown,
            None => GapInput::NotApplicable,
        }
    }

    /// In a response the worse of the last 12 h and the last 24 h: declaring
    /// one must not lower the gap (docs/indices.md 4.6, invariant).
    fn duty(&self) -> GapInput {
        let total = |property: &PropertyId, window| {
            let reporters = self.place.reporters(property);
            let totals = reporters.filter_map(|thing| self.place.total(thing, property, window));
            totals.reduce(Part::plus)
        };
        let windows = match self.response_since {
            Some(_) => [DUTY_WINDOW_SHORT, DUTY_WINDOW],
            None => [DUTY_WINDOW, DUTY_WINDOW],
        };
        let of_window = |window| Some((total(&DUTY_DUE, window)?, total(&DUTY_RECEIVED, window)?));
        let Some((due, received)) = of_window(DUTY_WINDOW) else {
            return match total(&DUTY_DUE, DUTY_WINDOW) {
                Some(due) if due.value <= 0.0 => GapInput::NotApplicable,
                _ => GapInput::Unknown,
            };
        };
        let gap = windows
            .into_iter()
            .filter_map(of_window)
            .filter_map(|(due, received)| duty_gap(received.value, due.value))
            .reduce(f64::max);
        match gap {
            Some(gap) => GapInput::Value { gap, agings: self.agings(&[&due, &received]) },
            None => GapInput::NotApplicable,
        }
    }

    /// Hydromet stations and shelters with a mandatory datastream offline.
    fn sensors(&self) -> GapInput {
        let (world, at) = (self.place.world, self.place.at);
        let kinds = [ThingKind::HydrometStation, ThingKind::Shelter];
        let lists = kinds.map(|kind| self.place.list(kind));
        if lists.iter().all(|list| list.is_known_empty()) {
            return GapInput::NotApplicable;
        }
        let (mut n, mut n_offline, mut was_heard) = (0.0, 0.0, false);
        for thing in lists.iter().flat_map(|list| &list.things) {
            let ids = mandatory(world, thing);
            let mut scheduled =
                ids.iter().filter(|id| is_scheduled(world, thing, id, at)).peekable();
            if scheduled.peek().is_none() {
                continue;
            }
            n += 1.0;
            let mut is_offline = false;
            for id in scheduled {
                let stream = world.streams.get(id);
                is_offline |= !stream.is_some_and(|stream| is_online(stream, at));
                was_heard |= stream.is_some_and(|stream| stream.last_heard(at).is_some());
            }
            n_offline += if is_offline { 1.0 } else { 0.0 };
        }
        if was_heard { self.evidence(lost_share(n_offline, n)) } else { GapInput::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::super::people_world::{DAY_MIN, TestWorld, minute};
    use super::super::test_world::flood_model;
    use super::*;
    use crate::explain::NodeState;
    use model::{Level, ThingState};

    /// The gap of an item, its confidence in hundredths, at a minute.
    #[track_caller]
    fn check(test: &TestWorld, item: &str, at: i64, expected: Option<(f64, f64)>) {
        let found = score(test, item, at);
        let known = found.share.map(|gap| (gap, found.confidence));
        let is_near = match (known, expected) {
            (Some(found), Some(expected)) => {
                (found.0 - expected.0).abs() < 1e-9 && (found.1 - expected.1).abs() < 5e-3
            }
            (found, expected) => found == expected,
        };
        assert!(is_near, "{item} at {at}: {known:?}, not {expected:?}");
    }

    fn score(test: &TestWorld, item: &str, at: i64) -> crate::flood_typhoon::items::ItemScore {
        let gaps = capability(&test.world, &test.township(), &flood_model(), minute(at));
        let index = CAPABILITY_ITEMS.iter().position(|id| *id == item).unwrap();
        gaps[index].score(minute(at))
    }

    #[test]
    fn power_is_lost_without_mains_and_backup_or_in_silence() {
        let mut test = TestWorld::new();
        check(&test, "power_comms_gap", 0, None);
        let sensors = "mains_power backup_power_runtime";
        for id in ["sh-1", "sh-2", "sh-3"] {
            test.thing(id, ThingKind::Shelter, sensors);
        }
        test.thing("of-1", ThingKind::TownshipOffice, "mains_power inspections_done");
        check(&test, "power_comms_gap", 0, None);
        test.say("of-1/inspections_done", 0, 5.0);
        check(&test, "power_comms_gap", 0, None);
        for (id, mains, backup) in [("sh-1", 0.0, 1.9), ("sh-2", 0.0, 2.0), ("sh-3", 1.0, 0.0)] {
            test.say(&format!("{id}/mains_power"), 0, mains);
            test.say(&format!("{id}/backup_power_runtime"), 0, backup);
        }
        check(&test, "power_comms_gap", 30, Some((0.5, 1.0)));
        test.say("of-1/mains_power", 0, 1.0);
        check(&test, "power_comms_gap", 30, Some((0.25, 1.0)));
        check(&test, "power_comms_gap", 31, Some((1.0, 1.0)));
        test.state("sh-1", ThingState::Maintenance);
        check(&test, "power_comms_gap", 30, Some((0.0, 1.0)));
    }

    #[test]
    fn teams_by_their_rates_and_the_short_period_in_a_response() {
        let mut test = TestWorld::new();
        let reports = "equipment_held equipment_required villages_within_15min villages_total \
                       rescue_team_ready rescue_team_required";
        test.thing("of-1", ThingKind::TownshipOffice, reports);
        check(&test, "team_gap", 0, None);
        test.say("of-1/equipment_required", 0, 100.0);
        check(&test, "team_gap", 0, None);
        test.say("of-1/equipment_held", 0, 50.0);
        test.say("of-1/rescue_team_required", 0, 20.0);
        test.say("of-1/rescue_team_ready", 0, 20.0);
        check(&test, "team_gap", 0, Some((0.25, 0.6)));
        let hour = 60;
        check(&test, "team_gap", 20 * DAY_MIN, Some((0.25, 0.6)));
        test.response(Level::Blue, 20 * DAY_MIN);
        check(&test, "team_gap", 20 * DAY_MIN + 6 * hour, Some((0.25, 0.6)));
        check(&test, "team_gap", 20 * DAY_MIN + 12 * hour, Some((0.25, 0.3)));
        check(&test, "team_gap", 91 * DAY_MIN, Some((0.25, 0.0)));
        assert_eq!(score(&test, "team_gap", 91 * DAY_MIN).state, NodeState::Held);
    }

    #[test]
    fn duty_of_the_last_day_or_half_day() {
        let mut test = TestWorld::new();
        test.thing(
            "of-1",
            ThingKind::TownshipOffice,
            "duty_confirmations_due duty_confirmations_received",
        );
        let pass = model::Quality::PASS;
        for (from, due, received) in [(0, 4.0, 1.0), (720, 4.0, 4.0)] {
            let until = from + 720;
            test.sample("of-1/duty_confirmations_due", Some(from), until, due, pass);
            test.sample("of-1/duty_confirmations_received", Some(from), until, received, pass);
        }
        check(&test, "duty_gap", 1_440, Some((0.375, 0.6)));
        test.response(Level::Orange, 1_440);
        check(&test, "duty_gap", 1_440, Some((0.375, 0.6)));
        check(&test, "duty_gap", 1_440 + 720, Some((0.375, 0.6)));
        check(&test, "duty_gap", 1_440 + 1_440, Some((0.375, 0.3)));
        let mut none_due = TestWorld::new();
        none_due.thing("of-1", ThingKind::TownshipOffice, "duty_confirmations_due");
        none_due.say("of-1/duty_confirmations_due", 0, 0.0);
        assert_eq!(score(&none_due, "duty_gap", 0).state, NodeState::NotApplicable);
    }

    #[test]
    fn a_station_is_offline_with_one_mandatory_sensor() {
        let mut test = TestWorld::new();
        assert_eq!(score(&test, "sensor_gap", 0).state, NodeState::NotApplicable);
        test.thing("hm-1", ThingKind::HydrometStation, "rainfall_depth wind_speed tide_level");
        test.thing("hm-2", ThingKind::HydrometStation, "rainfall_depth");
        test.thing("sh-1", ThingKind::Shelter, "");
        check(&test, "sensor_gap", 0, None);
        test.say("hm-1/rainfall_depth", 0, 0.0);
        test.say("hm-1/wind_speed", 0, 3.0);
        test.say("hm-2/rainfall_depth", 10, 0.0);
        check(&test, "sensor_gap", 30, Some((1.0 / 3.0, 1.0)));
        check(&test, "sensor_gap", 31, Some((2.0 / 3.0, 1.0)));
        test.fault("hm-1/wind_speed", 0, 100);
        test.fault("hm-1/rainfall_depth", 0, 100);
        check(&test, "sensor_gap", 31, Some((0.5, 1.0)));
    }
}

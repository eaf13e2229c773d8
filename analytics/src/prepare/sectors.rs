//! Indicators of Index A that are measured, not reported: contact with what
//! must carry sensors, and the alarm burdens of the four sectors
//! (docs/indices.md 3.1, D1 and D2).

use model::{Flag, Thing, ThingKind, ThingState, Time};

use super::alarms::counted_alarms;
use super::online::{SECTORS, mandatory, minutes_of};
use super::reports::Place;
use super::safety::known_value;
use crate::township_safety::indicators::{
    BurdenRules, CountedAlarm, alarm_burden, episodes, sensing_online_rate,
};
use crate::township_safety::{IndicatorInput, IndicatorSpec};
use crate::world::TownshipFacts;

/// `sensing_online_rate` over the lists that somebody confirmed. Silence is
/// evidence: the rate itself is always of now.
pub(super) fn online_rate(place: &Place<'_>, spec: &IndicatorSpec) -> IndicatorInput {
    let lists = SECTORS.map(|sector| place.list(sector));
    if lists.iter().all(|list| list.is_known_empty()) {
        return IndicatorInput::NotApplicable;
    }
    let confirmed = lists.iter().filter(|list| list.is_confirmed);
    let things = confirmed.flat_map(|list| &list.things);
    let minutes: Vec<(f64, f64)> =
        things.map(|thing| minutes_of(place.world, thing, place.at)).collect();
    match sensing_online_rate(&minutes) {
        Some(rate) => known_value(spec, rate, &[Some(place.at)], Flag::Pass, &[], place.at),
        None => IndicatorInput::Unknown,
    }
}

/// The alarms of a township that count, each with its sector.
pub(super) struct Burdens {
    alarms: Vec<(ThingKind, CountedAlarm)>,
}

impl Burdens {
    pub(super) fn new(place: &Place<'_>, township: &TownshipFacts) -> Burdens {
        Burdens { alarms: counted_alarms(place.world, township) }
    }

    /// `b` of a sector. Without a confirmed list, or with nothing online in
    /// the window, it has no value; but alarms that were counted go on counting
    /// as held, so that silence does not take them away.
    pub(super) fn of_sector(
        &self,
        place: &Place<'_>,
        sector: ThingKind,
        spec: &IndicatorSpec,
        rules: &BurdenRules,
    ) -> IndicatorInput {
        let list = place.list(sector);
        if list.is_known_empty() {
            return IndicatorInput::NotApplicable;
        }
        if !list.is_confirmed {
            return IndicatorInput::Unknown;
        }
        let alarms: Vec<CountedAlarm> = self
            .alarms
            .iter()
            .filter(|(kind, _)| *kind == sector)
            .map(|(_, alarm)| alarm.clone())
            .collect();
        let found = episodes(&alarms, place.at);
        let burden = alarm_burden(&found, list.things.len() as f64, rules);
        let was_online =
            list.things.iter().any(|thing| minutes_of(place.world, thing, place.at).0 > 0.0);
        let times = if was_online {
            let in_service =
                list.things.iter().filter(|thing| thing.state == ThingState::InService);
            in_service.map(|thing| heard(place, thing)).collect()
        } else {
            vec![alarms.iter().map(|alarm| alarm.opened).filter(|t| *t <= place.at).max()]
        };
        known_value(spec, burden, &times, Flag::Pass, &[], place.at)
    }
}

/// When a mandatory datastream of a thing was last heard.
fn heard(place: &Place<'_>, thing: &Thing) -> Option<Time> {
    let ids = mandatory(place.world, thing);
    let streams = ids.iter().filter_map(|id| place.world.streams.get(id));
    streams.filter_map(|stream| stream.last_heard(place.at)).max()
}

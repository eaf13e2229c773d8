//! When the datastreams of a thing are due.

use std::time::Duration;

use model::{Catalogue, DatastreamSpec, ObservedProperty, Thing, ThingKind, Time};

use crate::noise::Noise;

/// All devices have spoken once within this time, at rate 1.
const FIRST_WITHIN: Duration = Duration::from_secs(20);

/// However high the rate, a sensor reports no faster.
const PERIOD_MIN: Duration = Duration::from_millis(10);

/// Datastreams that report together.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    datastreams: Vec<DatastreamSpec>,
    /// `None` for events: said once, that nothing has happened.
    period: Option<Duration>,
    /// Times due are this one and whole periods after it.
    anchor: Time,
    due: Option<Time>,
    last: Time,
}

/// When the datastreams of a thing are due.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    groups: Vec<Group>,
}

impl Schedule {
    /// Datastreams of unknown properties never report.
    pub(crate) fn new(
        thing: &Thing,
        catalogue: &Catalogue,
        rate: f64,
        noise: Noise,
        start: Time,
    ) -> Schedule {
        let mut groups: Vec<Group> = Vec::new();
        let spread = FIRST_WITHIN.div_f64(rate.max(1.0));
        let first = start + spread.mul_f64(noise.named("first").unit(0));
        for datastream in &thing.datastreams {
            let Some(property) = catalogue.find(&datastream.property) else { continue };
            let full_period = property.spec.period;
            let period = full_period.map(|period| period.div_f64(rate).max(PERIOD_MIN));
            match groups.iter_mut().find(|group| group.period == period) {
                Some(group) => group.datastreams.push(datastream.clone()),
                None => groups.push(Group {
                    datastreams: vec![datastream.clone()],
                    period,
                    anchor: first,
                    due: Some(first),
                    // Before its first report a total has one period behind it.
                    last: first - full_period.unwrap_or_default(),
                }),
            }
        }
        Schedule { groups }
    }

    /// All that a thing reports in a script: everything once at `begin`, then
    /// each on whole minutes by its own period.
    pub(crate) fn scripted(
        thing: &Thing,
        catalogue: &Catalogue,
        noise: Noise,
        begin: Time,
    ) -> Schedule {
        let mut groups: Vec<Group> = Vec::new();
        for datastream in &thing.datastreams {
            let Some(property) = catalogue.find(&datastream.property) else { continue };
            let period = scripted_period(property);
            if let Some(group) = groups.iter_mut().find(|group| group.period == period) {
                group.datastreams.push(datastream.clone());
                continue;
            }
            groups.push(Group {
                datastreams: vec![datastream.clone()],
                period,
                anchor: begin + period.map_or(Duration::ZERO, |it| phase(thing.kind, noise, it)),
                due: Some(begin),
                last: begin - period.unwrap_or_default(),
            });
        }
        Schedule { groups }
    }

    /// As if all that was due up to and at `time` had been said.
    pub(crate) fn skip_through(&mut self, time: Time) {
        for group in &mut self.groups {
            let Some(due) = group.due.filter(|due| *due <= time) else { continue };
            group.due = group.period.map(|period| next_due(group.anchor, period, time));
            group.last = match (group.due, group.period) {
                (Some(next), Some(period)) => due.max(next - period),
                _ => due,
            };
        }
    }

    /// The next time at which anything is due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.groups.iter().filter_map(|group| group.due).min()
    }

    /// Takes what is due at `at`: datastreams, and since when their totals
    /// count. What was missed until `now` is left out.
    pub(crate) fn take(&mut self, at: Time, now: Time) -> Vec<(Vec<DatastreamSpec>, Time)> {
        let due = self.groups.iter_mut().filter(|group| group.due.is_some_and(|due| due <= at));
        due.map(|group| {
            group.due = group.period.map(|period| next_due(group.anchor, period, now.max(at)));
            (group.datastreams.clone(), std::mem::replace(&mut group.last, at))
        })
        .collect()
    }
}

/// The first time after `now` that is a whole number of periods, at least 0,
/// after `anchor`.
fn next_due(anchor: Time, period: Duration, now: Time) -> Time {
    let period_ms = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
    let n = (now.millis_since(anchor).div_euclid(period_ms) + 1).max(0);
    Time::from_millis_clamped(anchor.millis().saturating_add(period_ms.saturating_mul(n)))
}

/// Sensors keep the catalogue's period. Of what people report, that on which
/// an event turns comes again; the others are said once.
fn scripted_period(property: &ObservedProperty) -> Option<Duration> {
    const HOUR: Duration = Duration::from_secs(3600);
    match property.id.as_str() {
        "people_evacuated"
        | "shelter_status"
        | "drinking_water_stock"
        | "food_stock"
        | "quilt_stock"
        | "supply_arriving_12h"
        | "supply_eta"
        | "site_work_stopped"
        | "crane_weathervaned" => Some(HOUR),
        "rescue_team_ready" | "duty_confirmations_due" | "duty_confirmations_received" => {
            Some(6 * HOUR)
        }
        _ => property.spec.period.filter(|period| *period <= HOUR),
    }
}

/// Gauges and people report on the hour and its parts; other devices each at a
/// minute of its own.
fn phase(kind: ThingKind, noise: Noise, period: Duration) -> Duration {
    match kind {
        ThingKind::HydrometStation | ThingKind::TownshipOffice => Duration::ZERO,
        _ => {
            let share = noise.named("phase").unit(0);
            Duration::from_secs((period.as_secs_f64() * share / 60.0) as u64 * 60)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use model::PropertyId;

    use super::*;
    use crate::test_thing::station;

    fn property(id: &'static str, period: Option<&str>) -> ObservedProperty {
        let spec = serde_json::json!({
            "name": {"zh": id, "en": id},
            "unit": "1",
            "kinds": ["hydromet_station"],
            "period": period,
            "mark": "A",
        });
        let id = PropertyId::from_static(id);
        ObservedProperty { id, spec: serde_json::from_value(spec).unwrap() }
    }

    pub(crate) fn catalogue() -> Catalogue {
        Catalogue::new(vec![
            property("wind_speed", Some("10min")),
            property("rainfall_depth", Some("10min")),
            property("tide_level", Some("15min")),
            property("sos_alarm", None),
        ])
        .unwrap()
    }

    pub(crate) fn thing() -> Thing {
        let names = ["wind_speed", "tide_level", "rainfall_depth", "sos_alarm", "unknown"];
        let datastreams = names.map(|name| DatastreamSpec {
            property: PropertyId::from_static(name),
            channel: None,
            levels: None,
            datum: None,
        });
        Thing { datastreams: datastreams.to_vec(), ..station() }
    }

    pub(crate) fn start() -> Time {
        Time::parse("2026-07-25T08:00:00+08:00").unwrap()
    }

    fn schedule(rate: f64) -> Schedule {
        Schedule::new(&thing(), &catalogue(), rate, Noise::new(1, "hm-1"), start())
    }

    fn taken(schedule: &mut Schedule) -> (Time, usize) {
        let at = schedule.next().unwrap();
        let n_due = schedule.take(at, at).iter().map(|(datastreams, _)| datastreams.len()).sum();
        (at, n_due)
    }

    #[test]
    fn all_report_at_first_and_then_each_by_its_period() {
        let mut schedule = schedule(1.0);
        let (first, n_due) = taken(&mut schedule);
        assert!(first >= start() && first < start() + FIRST_WITHIN);
        assert_eq!(n_due, 4);
        let minutes = |minutes: u64| first + Duration::from_secs(60 * minutes);
        let next: Vec<_> = (0..4).map(|_| taken(&mut schedule)).collect();
        assert_eq!(next, [(minutes(10), 2), (minutes(15), 1), (minutes(20), 2), (minutes(30), 3)]);
    }

    #[test]
    fn a_rate_shortens_the_periods() {
        let mut schedule = schedule(60.0);
        let (first, _) = taken(&mut schedule);
        assert_eq!(schedule.next(), Some(first + Duration::from_secs(10)));
    }

    #[test]
    fn what_was_missed_is_left_out_but_totals_span_it() {
        let mut schedule = schedule(1.0);
        let (first, _) = taken(&mut schedule);
        let late = first + Duration::from_secs(3600);
        let due = schedule.next().unwrap();
        schedule.take(due, late);
        let next = schedule.groups[0].due.unwrap();
        assert_eq!(next, first + Duration::from_secs(70 * 60));
        let spans = schedule.take(next, next);
        assert!(spans.iter().all(|(_, since)| *since < late));
    }
}

//! Reports by people, read out of the world: the value in force, totals of
//! windows, and the things of a township that they are about.
//!
//! A value that is not reported any more stays: windows of totals end at the
//! newest report, not at the instant of evaluation, so that silence changes
//! the age of a value and nothing else (docs/indices.md section 5, "Holding").

use std::time::Duration;

use model::{DatastreamId, Flag, PropertyId, Thing, ThingKind, ThingState, Time, TownshipCode};

use crate::flood_typhoon::exposure::Report;
use crate::freshness::millis;
use crate::windows::Sample;
use crate::world::{Stream, World};

pub(super) const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

/// T of a report whose property has none.
const PERIOD_DEFAULT: Duration = Duration::from_secs(30 * 86_400);

/// The window of a total where none is given (docs/indices.md section 3).
pub(super) const MONTH: Duration = Duration::from_secs(30 * 86_400);
/// The window of drills and training.
pub(super) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// How far back the samples of a datastream are read by what is prepared and
/// derived here; `None` where the newest one is enough. Totals are kept three
/// periods longer than their window: so long a silent office's value is known.
pub fn report_keep(property: &PropertyId) -> Option<Duration> {
    Some(match property.as_str() {
        "inspections_done"
        | "hazards_found"
        | "hazards_due"
        | "hazards_rectified"
        | "abnormal_events_due"
        | "abnormal_events_on_time"
        | "grid_reports_confirmed" => DAY * 130,
        "drills_done" | "trainees_done" => DAY * 460,
        "duty_confirmations_due" | "duty_confirmations_received" => DAY * 8,
        "accident_deaths"
        | "accident_serious_injuries"
        | "accident_minor_injuries"
        | "accident_fires" => DAY * 365,
        "shelter_status" => DAY * 35,
        "pit_wall_horizontal_displacement"
        | "pit_deep_horizontal_displacement"
        | "pit_wall_settlement"
        | "ground_settlement"
        | "pipe_displacement"
        | "groundwater_level_change"
        | "rainfall_depth" => HOUR * 26,
        _ => return None,
    })
}

/// The things of one kind that a township's lists name: those neither planned
/// nor retired.
pub(super) struct List<'a> {
    pub(super) things: Vec<&'a Thing>,
    /// Somebody confirmed that the list is complete.
    pub(super) is_confirmed: bool,
}

impl List<'_> {
    /// There is no such thing here, as far as somebody confirmed.
    pub(super) fn is_known_empty(&self) -> bool {
        self.things.is_empty() && self.is_confirmed
    }
}

/// One township at one instant.
pub(super) struct Place<'a> {
    pub(super) world: &'a World,
    pub(super) code: TownshipCode,
    pub(super) at: Time,
    /// Neither planned nor retired, in order of their ids.
    pub(super) things: Vec<&'a Thing>,
}

impl<'a> Place<'a> {
    pub(super) fn new(world: &'a World, code: TownshipCode, at: Time) -> Place<'a> {
        let here = world.things.values().filter(|thing| thing.township == Some(code));
        let things = here.map(AsRef::as_ref).filter(|thing| is_listed(thing)).collect();
        Place { world, code, at, things }
    }

    /// The township with only those things that may report a property.
    pub(super) fn reporting(
        world: &'a World,
        code: TownshipCode,
        property: &PropertyId,
        at: Time,
    ) -> Place<'a> {
        let property = world.catalogue.find(property);
        let here = world.things.values().map(AsRef::as_ref).filter(|thing: &&Thing| {
            property.is_some_and(|property| property.is_of_kind(thing.kind))
                && thing.township == Some(code)
                && is_listed(thing)
        });
        Place { world, code, at, things: here.collect() }
    }

    pub(super) fn of_kind(&self, kind: ThingKind) -> impl Iterator<Item = &'a Thing> + '_ {
        self.things.iter().copied().filter(move |thing| thing.kind == kind)
    }

    pub(super) fn list(&self, kind: ThingKind) -> List<'a> {
        let confirmed = &self.world.facts.must_monitor.confirmed;
        List {
            things: self.of_kind(kind).collect(),
            is_confirmed: confirmed.contains(&(self.code, kind)),
        }
    }

    /// The things that may report a property, by their kinds.
    pub(super) fn reporters(&self, property: &PropertyId) -> impl Iterator<Item = &'a Thing> + '_ {
        let property = self.world.catalogue.find(property);
        let may = move |thing: &&'a Thing| property.is_some_and(|p| p.is_of_kind(thing.kind));
        self.things.iter().copied().filter(may)
    }

    pub(super) fn has(&self, thing: &'a Thing, property: &PropertyId) -> bool {
        streams_of(self.world, thing, property).next().is_some()
    }

    /// The value in force of a property at a thing, summed over its channels.
    pub(super) fn latest(&self, thing: &'a Thing, property: &PropertyId) -> Option<Part<'a>> {
        let parts = streams_of(self.world, thing, property).filter_map(|stream| {
            let sample = stream.latest(self.at)?;
            Some(Part::of(stream, sample, sample.value))
        });
        parts.reduce(Part::plus)
    }

    /// The total of the last window that was reported, summed over channels.
    pub(super) fn total(
        &self,
        thing: &'a Thing,
        property: &PropertyId,
        window: Duration,
    ) -> Option<Part<'a>> {
        let parts = streams_of(self.world, thing, property).filter_map(|stream| {
            let known = stream.up_to(self.at);
            let newest = stream.latest(self.at)?;
            Some(Part::of(stream, newest, reported_total(known, window, period_of(stream))))
        });
        parts.reduce(Part::plus)
    }

    /// The value in force over all things that report it.
    pub(super) fn latest_of_all(&self, property: &PropertyId) -> Option<Part<'a>> {
        self.reporters(property).filter_map(|thing| self.latest(thing, property)).reduce(Part::plus)
    }
}

pub(super) fn is_listed(thing: &Thing) -> bool {
    !matches!(thing.state, ThingState::Planned | ThingState::Retired)
}

/// The datastreams of one property at a thing: one for each channel.
pub(crate) fn streams_of<'a>(
    world: &'a World,
    thing: &'a Thing,
    property: &PropertyId,
) -> impl Iterator<Item = &'a Stream> + use<'a> {
    world.streams.of_property(&thing.id, property).iter()
}

pub(super) fn period_of(stream: &Stream) -> Duration {
    stream.property.spec.period.unwrap_or(PERIOD_DEFAULT)
}

/// A value with everything it is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part<'a> {
    pub(super) value: f64,
    /// Of its oldest input: the smallest freshness counts.
    pub(super) time: Time,
    /// The worst of its inputs.
    pub(super) flag: Flag,
    pub(super) streams: Vec<&'a DatastreamId>,
}

impl<'a> Part<'a> {
    fn of(stream: &'a Stream, newest: &Sample, value: f64) -> Part<'a> {
        let flag = newest.quality.flag();
        Part { value, time: newest.time, flag, streams: vec![&stream.id] }
    }

    /// The sum of two values.
    pub(super) fn plus(self, other: Part<'a>) -> Part<'a> {
        let mut streams = self.streams;
        streams.extend(other.streams);
        Part {
            value: self.value + other.value,
            time: self.time.min(other.time),
            flag: self.flag.max(other.flag),
            streams,
        }
    }

    pub(super) fn report(&self) -> Report {
        Report { value: self.value, time: self.time }
    }
}

/// The total of the window that ends with the newest report (docs/indices.md
/// 6.6: counts are totals of the interval they are reported for). A report
/// without an interval is the total of one period. Where intervals overlap the
/// newer report holds, so that neither a corrected nor a cumulative one counts
/// twice.
fn reported_total(known: &[Sample], window: Duration, period: Duration) -> f64 {
    let mut usable = known.iter().rev().filter(|sample| sample.is_usable()).peekable();
    let Some(newest) = usable.peek() else { return 0.0 };
    let since = |sample: &Sample| match sample.since {
        Some(since) if since < sample.time => since,
        _ => sample.time - period,
    };
    let start = since(newest).min(newest.time - window);
    let mut covered_from = newest.time;
    let mut total = 0.0;
    for sample in usable.take_while(|sample| sample.time > start) {
        let from = since(sample);
        let length_ms = sample.time.millis_since(from).max(1);
        let inside_ms = sample.time.min(covered_from).millis_since(from.max(start)).max(0);
        total += sample.value * (inside_ms as f64 / length_ms as f64);
        covered_from = covered_from.min(from);
    }
    total
}

/// Is a datastream of this thing in contact, that is, no older than 3T?
pub(super) fn is_online(stream: &Stream, at: Time) -> bool {
    stream
        .last_heard(at)
        .is_some_and(|heard| at.millis_since(heard) <= millis(period_of(stream)).saturating_mul(3))
}

#[cfg(test)]
mod tests {
    use model::Quality;

    use super::*;

    fn day(n: i64) -> Time {
        Time::from_millis_clamped(n * 86_400_000)
    }

    /// Reports as (since day, day, value); the total of 30 days.
    #[track_caller]
    fn check(reports: &[(Option<i64>, i64, f64)], expected: f64) {
        let samples: Vec<Sample> = reports
            .iter()
            .map(|(since, time, value)| Sample {
                time: day(*time),
                since: since.map(day),
                value: *value,
                quality: Quality::PASS,
            })
            .collect();
        let found = reported_total(&samples, MONTH, MONTH);
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }

    #[test]
    fn totals_of_daily_weekly_and_monthly_reports() {
        let daily: Vec<_> = (0..60).map(|n| (Some(n), n + 1, 2.0)).collect();
        check(&daily, 60.0);
        check(&[(Some(0), 7, 7.0), (Some(7), 14, 14.0)], 21.0);
        check(&[(Some(0), 31, 31.0), (Some(31), 59, 28.0)], 28.0 + 2.0);
        check(&[(Some(0), 31, 100.0)], 100.0);
    }

    #[test]
    fn a_newer_report_of_the_same_days_holds() {
        check(&[(Some(0), 10, 5.0), (Some(0), 20, 8.0)], 8.0);
        check(&[(None, 100, 50.0), (None, 101, 60.0)], 60.0 + 0.0);
        check(&[(Some(0), 10, 10.0), (Some(8), 18, 10.0)], 18.0);
    }

    #[test]
    fn silence_changes_no_total() {
        check(&[(Some(0), 1, 3.0)], 3.0);
        check(&[], 0.0);
    }
}

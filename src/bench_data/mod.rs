//! Made-up years to measure on: a pure function of the seed.
//!
//! Every hour can be made by itself: noise is a hash of seed, datastream and
//! time. The things are the county's example things; the first 500 of their
//! measured datastreams report every ten minutes, and their offices report
//! now and then.

mod scores;
mod series;

use model::{Catalogue, Quality, Thing, ThingKind, Time};
use store::{DatastreamKey, Directory, ObservationRow, SourceKey};

pub(crate) use scores::{scores_at, signal};
use series::{Series, hash};

/// Measured datastreams.
pub(crate) const N_MEASURED: usize = 500;

/// Documents of a year; with the reports below about 20,000.
pub(crate) const DOCUMENTS_PER_YEAR: u32 = 2_000;

const REPORTS_PER_YEAR: u64 = 18_000;
const HOURS_PER_YEAR: u64 = 365 * 24;

const STEP_MS: i64 = 600_000;
const STEPS_PER_HOUR: i64 = 6;

/// One datastream that takes part.
#[derive(Debug, Clone)]
struct Stream {
    key: DatastreamKey,
    series: Series,
    is_report: bool,
}

/// What the years are made from.
#[derive(Debug, Clone)]
pub(crate) struct BenchYears {
    seed: u64,
    source: SourceKey,
    /// In order of their keys.
    streams: Vec<Stream>,
    n_reports: u64,
}

impl BenchYears {
    /// `directory` knows the things already.
    pub(crate) fn new(
        seed: u64,
        source: SourceKey,
        directory: &Directory,
        catalogue: &Catalogue,
    ) -> BenchYears {
        let of = |is_wanted: &dyn Fn(&Thing) -> bool| {
            let records = directory.datastreams.values().filter_map(|record| {
                let thing = &directory.things.get(&record.id.thing)?.thing;
                let property = catalogue.find(&record.id.property)?;
                (is_wanted(thing) && !property.is_computed()).then_some((record.key, property))
            });
            records.collect::<Vec<_>>()
        };
        let mut measured = of(&|thing| thing.kind == ThingKind::HydrometStation);
        measured.extend(of(&|thing| thing.kind == ThingKind::Enterprise));
        measured.truncate(N_MEASURED);
        let reported = of(&|thing| thing.kind == ThingKind::TownshipOffice);
        let n_reports = reported.len() as u64;
        let stream = |is_report: bool| {
            move |(key, property): (DatastreamKey, &model::ObservedProperty)| Stream {
                key,
                series: Series::of(property),
                is_report,
            }
        };
        let mut streams: Vec<Stream> = measured.into_iter().map(stream(false)).collect();
        streams.extend(reported.into_iter().map(stream(true)));
        streams.sort_by_key(|stream| stream.key);
        BenchYears { seed, source, streams, n_reports }
    }

    /// All rows of the hour that begins at `hour`, in order of datastream and
    /// time.
    pub(crate) fn hour(&self, hour: Time) -> Vec<ObservationRow> {
        let mut rows = Vec::with_capacity(self.streams.len() * 6);
        for stream in &self.streams {
            if stream.is_report {
                rows.extend(self.reported(stream, hour).map(|at| self.row(stream, at)));
            } else {
                let steps = (0..STEPS_PER_HOUR).map(|step| later(hour, step * STEP_MS));
                rows.extend(steps.map(|at| self.row(stream, at)));
            }
        }
        rows
    }

    /// When in this hour somebody reported, if anybody did.
    fn reported(&self, stream: &Stream, hour: Time) -> Option<Time> {
        let chance = hash(self.seed, u64::from(stream.key.0) << 1, hour.millis());
        // On average `REPORTS_PER_YEAR` over all streams and hours.
        let one_in = (self.n_reports * HOURS_PER_YEAR / REPORTS_PER_YEAR).max(1);
        let minute = i64::try_from(chance % 60).expect("a minute of the hour");
        (chance / 60).is_multiple_of(one_in).then(|| later(hour, minute * 60_000))
    }

    fn row(&self, stream: &Stream, at: Time) -> ObservationRow {
        let key = u64::from(stream.key.0);
        let noise = hash(self.seed, key, at.millis());
        let delay_ms = i64::try_from(noise % 4_000).expect("a few seconds");
        ObservationRow {
            source: self.source,
            datastream: stream.key,
            time: at,
            since: None,
            value: stream.series.value(self.seed, key, at),
            quality: Quality::PASS,
            received: later(at, delay_ms),
        }
    }
}

fn later(time: Time, millis: i64) -> Time {
    Time::from_millis_clamped(time.millis() + millis)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::sync::Arc;

    use store::{DatastreamRecord, ThingRecord};

    use super::*;
    use crate::commands::scene::example_things;
    use crate::config;

    const HOUR_MS: i64 = 3_600_000;

    fn directory(things: Vec<Thing>) -> Directory {
        let mut directory = Directory::default();
        let mut key = 0;
        for thing in things {
            let mut datastreams = HashMap::new();
            for spec in &thing.datastreams {
                key += 1;
                datastreams
                    .insert((spec.property.clone(), spec.channel.clone()), DatastreamKey(key));
                let id = model::DatastreamId {
                    thing: thing.id.clone(),
                    property: spec.property.clone(),
                    channel: spec.channel.clone(),
                };
                let record = DatastreamRecord { key: DatastreamKey(key), id, spec: spec.clone() };
                directory.datastreams.insert(DatastreamKey(key), Arc::new(record));
            }
            let id = thing.id.clone();
            let record = ThingRecord { thing, revision: 1, changed: Time::EPOCH, datastreams };
            directory.things.insert(id, Arc::new(record));
        }
        directory
    }

    fn years(seed: u64) -> (BenchYears, Catalogue) {
        let config = config::load(None).unwrap();
        let directory = directory(example_things(&config).unwrap());
        let years = BenchYears::new(seed, SourceKey(1), &directory, &config.catalogue);
        (years, config.catalogue)
    }

    fn hour(n: i64) -> Time {
        Time::from_millis(1_750_000_000_000 / HOUR_MS * HOUR_MS + n * HOUR_MS).unwrap()
    }

    #[test]
    fn an_hour_is_ordered_within_itself_and_the_same_for_the_same_seed() {
        let (years_1, _) = years(1);
        let rows = years_1.hour(hour(5));
        assert!(rows.is_sorted_by(|a, b| (a.datastream, a.time) < (b.datastream, b.time)));
        let is_inside = |row: &ObservationRow| hour(5) <= row.time && row.time < hour(6);
        assert!(rows.iter().all(is_inside));
        assert_eq!(rows, years(1).0.hour(hour(5)));
        assert_ne!(rows, years(2).0.hour(hour(5)));
    }

    #[test]
    fn a_year_has_as_many_readings_and_reports_as_it_says() {
        let (years, _) = years(1);
        let mut counts: BTreeMap<bool, u64> = BTreeMap::new();
        let n_hours = 24 * 73;
        for n in 0..n_hours {
            for row in years.hour(hour(n)) {
                let place = years.streams.binary_search_by_key(&row.datastream, |s| s.key);
                *counts.entry(years.streams[place.unwrap()].is_report).or_default() += 1;
            }
        }
        // A fifth of a year.
        assert_eq!(counts[&false] * 5, 26_280_000);
        let reports = counts[&true] * 5;
        assert!((16_000..20_000).contains(&reports), "{reports} reports");
    }

    #[test]
    fn values_are_possible_and_move() {
        let (years, catalogue) = years(7);
        let config = config::load(None).unwrap();
        let directory = directory(example_things(&config).unwrap());
        let mut moved: HashMap<DatastreamKey, (f64, bool)> = HashMap::new();
        for n in 0..72 {
            for row in years.hour(hour(n)) {
                let id = &directory.datastreams[&row.datastream].id;
                let property = catalogue.find(&id.property).unwrap();
                let range = property.spec.quality.gross_range;
                let is_possible = range.is_none_or(|r| r.min <= row.value && row.value <= r.max);
                assert!(is_possible && row.value.is_finite(), "{id} {}", row.value);
                let (first, has_moved) = moved.entry(row.datastream).or_insert((row.value, false));
                *has_moved |= *first != row.value;
            }
        }
        let n_moving = moved.values().filter(|(_, has_moved)| *has_moved).count();
        assert!(n_moving > N_MEASURED / 2, "{n_moving} datastreams move");
    }
}

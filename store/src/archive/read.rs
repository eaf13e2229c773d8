//! Reading journal and archive as one.
//!
//! One read transaction sees which hours are released, which files have them
//! and where in these, and the rows of the journal. The files are opened after
//! it: they stay for ten minutes after nobody names them. A row of a released
//! hour that is in the journal too is there with the greater commit, and wins.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use model::Time;
use rusqlite::Connection;

use super::{Archive, File, PAGE_ROWS, Slice, Span, tables};
use crate::queries::{self, json_keys};
use crate::query::{Step, TimeRange};
use crate::readers::Readers;
use crate::rejected::HOUR;
use crate::rows::DatastreamKey;
use crate::{Aggregate, AggregateRow, StoreError, StoredObservation};

/// Rows between two wanted stretches of a file that are rather read than
/// stepped over: a seek costs as much.
const GAP_MAX: u64 = 2_048;

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// Both places that rows are read from.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) readers: Readers,
    pub(crate) archive: Arc<dyn Archive>,
}

/// What is asked for.
#[derive(Debug, Clone)]
struct Wanted {
    keys: Vec<DatastreamKey>,
    range: TimeRange,
    /// Rows of later commits are left out.
    as_of: Option<u64>,
    limit: usize,
}

/// Rows of each datastream that was asked for.
type Slices = Vec<Vec<StoredObservation>>;

/// What one transaction saw.
enum Seen {
    /// Nothing of the range is in the archive.
    Hot(Slices),
    Both {
        journal: Slices,
        files: Vec<Source>,
    },
}

/// A file, the hours it is read for, and where the wanted rows lie.
struct Source {
    file: File,
    hours: HashSet<Time>,
    hour_first: Time,
    spans: Vec<Span>,
}

impl History {
    pub(crate) async fn observations(
        &self,
        datastream: DatastreamKey,
        range: TimeRange,
        limit: usize,
    ) -> Result<Vec<StoredObservation>, StoreError> {
        let wanted = Wanted { keys: vec![datastream], range, as_of: None, limit };
        let (_, mut slices) = self.read(wanted).await?;
        Ok(slices.pop().unwrap_or_default())
    }

    pub(crate) async fn slices(
        &self,
        keys: Vec<DatastreamKey>,
        range: TimeRange,
        as_of: Option<u64>,
        limit: usize,
    ) -> Result<(u64, Slices), StoreError> {
        self.read(Wanted { keys, range, as_of, limit }).await
    }

    async fn read(&self, wanted: Wanted) -> Result<(u64, Slices), StoreError> {
        let of_journal = wanted.clone();
        let (commit, seen) = self.readers.read(move |c| see(c, &of_journal)).await?;
        let (journal, files) = match seen {
            Seen::Hot(slices) => return Ok((commit, slices)),
            Seen::Both { journal, files } => (journal, files),
        };
        let mut picture = Picture::new(&wanted);
        for (place, rows) in journal.into_iter().enumerate() {
            for row in rows {
                picture.offer(place, row);
            }
        }
        for source in files {
            if picture.is_full_before(source.hour_first) {
                break;
            }
            self.add(&source, &wanted, &mut picture).await?;
        }
        Ok((commit, picture.finish()))
    }

    async fn add(
        &self,
        source: &Source,
        wanted: &Wanted,
        picture: &mut Picture,
    ) -> Result<(), StoreError> {
        let slices = slices_of(&source.spans);
        if slices.is_empty() {
            return Ok(());
        }
        let places: HashMap<DatastreamKey, usize> =
            wanted.keys.iter().enumerate().map(|(place, key)| (*key, place)).collect();
        let mut pages = self.archive.read(&source.file, slices).await?;
        while let Some(page) = pages.recv().await {
            for row in page? {
                let observation = row.observation;
                let is_wanted = wanted.range.start <= observation.time
                    && observation.time < wanted.range.stop
                    && wanted.as_of.is_none_or(|as_of| observation.commit <= as_of)
                    && source.hours.contains(&row.hour());
                if is_wanted && let Some(place) = places.get(&row.datastream) {
                    picture.offer(*place, observation);
                }
            }
        }
        Ok(())
    }

    /// A day at a time where the archive is read, so that a year is never in
    /// memory.
    pub(crate) async fn aggregate(
        &self,
        datastream: DatastreamKey,
        range: TimeRange,
        step: Step,
        aggregate: Aggregate,
        limit: usize,
    ) -> Result<Vec<AggregateRow>, StoreError> {
        let hot = move |c: &Connection| {
            if tables::has_released(c, range)? {
                return Ok(Err(days(c, range)?));
            }
            queries::aggregate(c, datastream, range, step, aggregate, limit).map(Ok)
        };
        let days = match self.readers.read(hot).await? {
            Ok(found) => return Ok(found),
            Err(days) => days,
        };
        let mut windows = queries::Windows::new(step, aggregate, limit);
        'days: for day in days {
            let of_day =
                TimeRange { start: day.max(range.start), stop: (day + DAY).min(range.stop) };
            for row in self.observations(datastream, of_day, usize::MAX).await? {
                if let ControlFlow::Break(()) = windows.add(&row) {
                    break 'days;
                }
            }
        }
        Ok(windows.finish())
    }
}

/// Days of UTC in which there is anything.
fn days(connection: &Connection, range: TimeRange) -> rusqlite::Result<Vec<Time>> {
    let mut statement = connection
        .prepare_cached("SELECT hour FROM hours WHERE hour >= ?1 AND hour < ?2 ORDER BY hour")?;
    let first = range.start.floor_to(HOUR).millis();
    let hours = statement.query_map([first, range.stop.millis()], |row| row.get(0))?;
    let mut days = Vec::new();
    for hour in hours {
        let day = Time::from_millis_clamped(hour?).floor_to(DAY);
        if days.last() != Some(&day) {
            days.push(day);
        }
    }
    Ok(days)
}

fn see(connection: &Connection, wanted: &Wanted) -> rusqlite::Result<(u64, Seen)> {
    let Wanted { keys, range, as_of, limit } = wanted;
    let (commit, journal) = match (as_of, keys.as_slice()) {
        (Some(as_of), _) => {
            let slices = queries::as_of::slices(connection, keys, *range, *as_of, *limit)?;
            (queries::last_commit(connection)?, slices)
        }
        (None, [one]) => {
            let rows = queries::observations(connection, *one, *range, *limit)?;
            (queries::last_commit(connection)?, vec![rows])
        }
        (None, _) => queries::slices(connection, keys, *range, *limit)?,
    };
    if range.stop <= range.start || !tables::has_released(connection, *range)? {
        return Ok((commit, Seen::Hot(journal)));
    }
    let wanted = json_keys(keys);
    let mut files = Vec::new();
    for (file, hours) in tables::released(connection, *range)? {
        let spans = tables::spans(connection, file.id, &wanted, *range)?;
        let Some(hour_first) = hours.first().copied() else { continue };
        files.push(Source { file, hours: hours.into_iter().collect(), hour_first, spans });
    }
    Ok((commit, Seen::Both { journal, files }))
}

/// Stretches of the file that hold the spans, neighbours in one.
fn slices_of(spans: &[Span]) -> Vec<Slice> {
    let mut slices: Vec<Slice> = Vec::new();
    for span in spans {
        match slices.last_mut() {
            Some(slice)
                if span.row_first <= slice.row_first + slice.n_rows + GAP_MAX
                    && slice.n_rows < PAGE_ROWS as u64 =>
            {
                slice.n_rows = span.row_first + span.n_rows - slice.row_first;
            }
            _ => slices.push(Slice { row_first: span.row_first, n_rows: span.n_rows }),
        }
    }
    slices
}

/// The first `limit` rows by time among those that are offered, in any order.
struct Picture {
    n_places: usize,
    limit: usize,
    rows: Vec<(Time, usize, StoredObservation)>,
    /// Rows beyond this time and place are no longer wanted.
    cut: Option<(Time, usize)>,
}

/// More rows than the limit by this: sort and cut.
const SLACK: usize = 65_536;

impl Picture {
    fn new(wanted: &Wanted) -> Picture {
        Picture { n_places: wanted.keys.len(), limit: wanted.limit, rows: Vec::new(), cut: None }
    }

    fn offer(&mut self, place: usize, row: StoredObservation) {
        if self.cut.is_some_and(|cut| cut < (row.time, place)) {
            return;
        }
        self.rows.push((row.time, place, row));
        if self.limit.saturating_add(SLACK) <= self.rows.len() {
            self.settle();
        }
    }

    /// Of several rows of one key the greatest commit stays.
    fn settle(&mut self) {
        self.rows.sort_unstable_by_key(|(time, place, row)| (*time, *place, row.commit));
        self.rows.dedup_by(|later, kept| {
            let is_same = (later.0, later.1) == (kept.0, kept.1);
            if is_same {
                kept.2 = later.2;
            }
            is_same
        });
        if self.limit < self.rows.len() {
            self.rows.truncate(self.limit);
        }
        if self.rows.len() == self.limit {
            self.cut = self.rows.last().map(|(time, place, _)| (*time, *place));
        }
    }

    /// Is nothing wanted from `time` on?
    fn is_full_before(&mut self, time: Time) -> bool {
        if self.rows.len() < self.limit {
            return false;
        }
        self.settle();
        self.limit == 0 || self.cut.is_some_and(|(cut, _)| cut < time)
    }

    fn finish(mut self) -> Slices {
        self.settle();
        let mut slices = vec![Vec::new(); self.n_places];
        for (_, place, row) in self.rows {
            slices[place].push(row);
        }
        slices
    }
}

#[cfg(test)]
mod tests {
    use model::Quality;

    use super::*;

    fn row(second: i64, commit: u64) -> StoredObservation {
        StoredObservation {
            time: Time::from_millis(second * 1000).unwrap(),
            since: None,
            value: 0.0,
            quality: Quality::PASS,
            received: Time::EPOCH,
            commit,
        }
    }

    /// Offers `(place, second, commit)`; expects the same of what is kept.
    #[track_caller]
    fn check(limit: usize, offered: &[(usize, i64, u64)], expected: &[(usize, i64, u64)]) {
        let range = TimeRange { start: Time::MIN, stop: Time::MAX };
        let keys = vec![DatastreamKey(1), DatastreamKey(2)];
        let mut picture = Picture::new(&Wanted { keys, range, as_of: None, limit });
        for (place, second, commit) in offered {
            picture.offer(*place, row(*second, *commit));
        }
        let found: Vec<_> = picture
            .finish()
            .into_iter()
            .enumerate()
            .flat_map(|(place, rows)| {
                rows.into_iter().map(move |row| (place, row.time.millis() / 1000, row.commit))
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_greatest_commit_of_a_key_stays() {
        check(9, &[(0, 1, 5), (0, 1, 7), (0, 1, 6)], &[(0, 1, 7)]);
        check(9, &[(1, 1, 5), (0, 1, 7)], &[(0, 1, 7), (1, 1, 5)]);
    }

    #[test]
    fn the_limit_cuts_the_end_after_doubles_are_gone() {
        check(2, &[(0, 3, 1), (0, 1, 1), (0, 1, 2), (1, 2, 1)], &[(0, 1, 2), (1, 2, 1)]);
        check(0, &[(0, 3, 1)], &[]);
    }

    #[test]
    fn a_cut_in_between_loses_nothing_that_is_wanted() {
        let n = (SLACK as i64) * 2;
        let offered: Vec<_> = (0..n).rev().map(|second| (0, second, 1)).collect();
        check(3, &offered, &[(0, 0, 1), (0, 1, 1), (0, 2, 1)]);
    }

    /// Spans as `(row_first, n_rows)`.
    #[track_caller]
    fn check_slices(spans: &[(u64, u64)], expected: &[(u64, u64)]) {
        let spans: Vec<Span> = spans
            .iter()
            .map(|(row_first, n_rows)| Span {
                datastream: DatastreamKey(1),
                row_first: *row_first,
                n_rows: *n_rows,
                time_min: Time::EPOCH,
                time_max: Time::EPOCH,
            })
            .collect();
        let found: Vec<_> =
            slices_of(&spans).iter().map(|slice| (slice.row_first, slice.n_rows)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn neighbouring_spans_are_read_in_one() {
        check_slices(&[], &[]);
        check_slices(&[(0, 5), (5, 5)], &[(0, 10)]);
        check_slices(&[(0, 5), (2_000, 5)], &[(0, 2_005)]);
        check_slices(&[(0, 5), (9_000, 5)], &[(0, 5), (9_000, 5)]);
    }
}

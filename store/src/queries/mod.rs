//! The questions to the journal, as plain functions over one read transaction.
//!
//! Observations are read hour by hour as `hours` lists them, and in an hour
//! bucket by bucket: a seek for each bucket of ten minutes, no scan.

pub(crate) mod alerts;
pub(crate) mod as_of;
pub(crate) mod commits;
pub(crate) mod documents;
pub(crate) mod outbox;
pub(crate) mod ticks;

use std::ops::ControlFlow;
use std::time::Duration;

use model::{Flag, Quality, SourceName, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::query::{
    Aggregate, AggregateRow, LatestRow, LedgerRow, QuarantineFilter, Quarantined, Rejected, Step,
    StoredObservation, TimeRange,
};
use crate::rejected::HOUR;
use crate::rows::DatastreamKey;
use crate::sqlite::{parsed, to_sql, unsigned};

/// The journal's clustering: rows of one slot of event time lie together.
pub(crate) const BUCKET: Duration = Duration::from_secs(600);

pub(crate) fn bucket(time: Time) -> i64 {
    time.millis().div_euclid(600_000)
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Time> {
    row.get(column).map(Time::from_millis_clamped)
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Time>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Time::from_millis_clamped))
}

/// Reads `time, since, value, quality, received, commit` from `first` on.
pub(crate) fn observation(row: &Row<'_>, first: usize) -> rusqlite::Result<StoredObservation> {
    Ok(StoredObservation {
        time: time(row, first)?,
        since: optional_time(row, first + 1)?,
        value: row.get(first + 2)?,
        quality: Quality::from_bits(row.get(first + 3)?),
        received: time(row, first + 4)?,
        commit: unsigned(row, first + 5)?,
    })
}

/// The buckets of a range in which there is anything at all.
fn buckets(connection: &Connection, range: TimeRange) -> rusqlite::Result<Vec<i64>> {
    if range.stop <= range.start {
        return Ok(Vec::new());
    }
    let mut hours = connection.prepare_cached(
        "SELECT hour FROM hours WHERE hour >= ?1 AND hour < ?2 AND rows > 0 ORDER BY hour",
    )?;
    let first = range.start.floor_to(HOUR).millis();
    let mut found = hours.query(params![first, range.stop.millis()])?;
    let mut buckets = Vec::new();
    while let Some(row) = found.next()? {
        let hour = time(row, 0)?;
        let in_range = |start: &Time| *start < range.stop && range.start < *start + BUCKET;
        let starts = (0..6).map(|slot| hour + BUCKET * slot);
        buckets.extend(starts.filter(in_range).map(bucket));
    }
    Ok(buckets)
}

/// Hands the rows of a range to `each` in time order until it breaks off.
pub(crate) fn scan(
    connection: &Connection,
    datastream: DatastreamKey,
    range: TimeRange,
    mut each: impl FnMut(StoredObservation) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT time, since, value, quality, received, \"commit\" FROM observations \
         WHERE bucket = ?1 AND datastream = ?2 AND time >= ?3 AND time < ?4 ORDER BY time",
    )?;
    for bucket in buckets(connection, range)? {
        let of_bucket = params![bucket, datastream.0, range.start.millis(), range.stop.millis()];
        let mut rows = statement.query(of_bucket)?;
        while let Some(row) = rows.next()? {
            if each(observation(row, 0)?).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

pub(crate) fn observations(
    connection: &Connection,
    datastream: DatastreamKey,
    range: TimeRange,
    limit: usize,
) -> rusqlite::Result<Vec<StoredObservation>> {
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    scan(connection, datastream, range, |row| {
        found.push(row);
        if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

/// One join per bucket: its few wanted datastreams are sought, the many others
/// are never looked at. `limit` cuts off the end of the range.
pub(crate) fn slices(
    connection: &Connection,
    datastreams: &[DatastreamKey],
    range: TimeRange,
    limit: usize,
) -> rusqlite::Result<(u64, Vec<Vec<StoredObservation>>)> {
    let commit = last_commit(connection)?;
    let mut slices = vec![Vec::new(); datastreams.len()];
    let mut n_left = limit;
    let wanted = json_keys(datastreams);
    let mut statement = connection.prepare_cached(
        "SELECT w.key, o.time, o.since, o.value, o.quality, o.received, o.\"commit\" \
         FROM json_each(?1) AS w CROSS JOIN observations AS o \
         WHERE o.bucket = ?2 AND o.datastream = w.value AND o.time >= ?3 AND o.time < ?4",
    )?;
    'buckets: for bucket in buckets(connection, range)? {
        let of_bucket = params![wanted, bucket, range.start.millis(), range.stop.millis()];
        let mut rows = statement.query(of_bucket)?;
        while let Some(row) = rows.next()? {
            if n_left == 0 {
                break 'buckets;
            }
            n_left -= 1;
            let place: u32 = row.get(0)?;
            slices[place as usize].push(observation(row, 1)?);
        }
    }
    // The inner loop follows the key, so this finds nothing to do; an ORDER BY
    // would sort every bucket.
    for slice in slices.iter_mut().filter(|slice| !slice.is_sorted_by_key(|row| row.time)) {
        slice.sort_by_key(|row| row.time);
    }
    Ok((commit, slices))
}

pub(crate) fn json_keys(datastreams: &[DatastreamKey]) -> String {
    let keys: Vec<u32> = datastreams.iter().map(|key| key.0).collect();
    serde_json::to_string(&keys).expect("numbers are always JSON")
}

pub(crate) fn last_commit(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT number FROM last_commit WHERE id = 1")?
        .query_row([], |row| unsigned(row, 0))
}

/// One window under way. Sums go in time order.
struct Window {
    start: Time,
    n: u64,
    sum: f64,
    min: f64,
    max: f64,
    first: f64,
    last: f64,
}

impl Window {
    fn new(start: Time, value: f64) -> Window {
        Window { start, n: 1, sum: value, min: value, max: value, first: value, last: value }
    }

    fn add(&mut self, value: f64) {
        self.n += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.last = value;
    }

    fn row(&self, aggregate: Aggregate) -> AggregateRow {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let n = self.n as f64;
        let value = match aggregate {
            Aggregate::Mean => self.sum / n,
            Aggregate::Min => self.min,
            Aggregate::Max => self.max,
            Aggregate::Sum => self.sum,
            Aggregate::Count => n,
            Aggregate::First => self.first,
            Aggregate::Last => self.last,
        };
        AggregateRow { start: self.start, value, n: self.n }
    }
}

/// Rows in time order become windows; those without a value that did not fail
/// are left out.
pub(crate) struct Windows {
    step: Step,
    aggregate: Aggregate,
    limit: usize,
    finished: Vec<AggregateRow>,
    open: Option<Window>,
}

impl Windows {
    pub(crate) fn new(step: Step, aggregate: Aggregate, limit: usize) -> Windows {
        Windows { step, aggregate, limit, finished: Vec::new(), open: None }
    }

    fn start_of(&self, time: Time) -> Time {
        let every_ms = i64::try_from(self.step.every.as_millis()).unwrap_or(i64::MAX).max(1);
        let n_windows = time.millis_since(self.step.origin).div_euclid(every_ms);
        let start_ms = n_windows.saturating_mul(every_ms).saturating_add(self.step.origin.millis());
        Time::from_millis_clamped(start_ms)
    }

    /// Breaks off when there are enough.
    pub(crate) fn add(&mut self, row: &StoredObservation) -> ControlFlow<()> {
        if row.quality.flag() == Flag::Fail {
            return ControlFlow::Continue(());
        }
        let start = self.start_of(row.time);
        match &mut self.open {
            Some(window) if window.start == start => window.add(row.value),
            _ => {
                let before = self.open.replace(Window::new(start, row.value));
                self.finished.extend(before.map(|window| window.row(self.aggregate)));
            }
        }
        if self.finished.len() < self.limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    pub(crate) fn finish(mut self) -> Vec<AggregateRow> {
        self.finished.extend(self.open.map(|window| window.row(self.aggregate)));
        self.finished.truncate(self.limit);
        self.finished
    }
}

pub(crate) fn aggregate(
    connection: &Connection,
    datastream: DatastreamKey,
    range: TimeRange,
    step: Step,
    aggregate: Aggregate,
    limit: usize,
) -> rusqlite::Result<Vec<AggregateRow>> {
    let mut windows = Windows::new(step, aggregate, limit);
    scan(connection, datastream, range, |row| windows.add(&row))?;
    Ok(windows.finish())
}

const LATEST: &str = "SELECT datastream, unchanged_since, time, since, value, quality, received, \
                      \"commit\" FROM latest";

fn latest_row(row: &Row<'_>) -> rusqlite::Result<LatestRow> {
    Ok(LatestRow {
        datastream: DatastreamKey(row.get(0)?),
        observation: observation(row, 2)?,
        unchanged_since: time(row, 1)?,
    })
}

pub(crate) fn latest(connection: &Connection) -> rusqlite::Result<Vec<LatestRow>> {
    let sql = format!("{LATEST} ORDER BY datastream");
    connection.prepare_cached(&sql)?.query_map([], latest_row)?.collect()
}

pub(crate) fn latest_of(
    connection: &Connection,
    datastreams: &[DatastreamKey],
) -> rusqlite::Result<Vec<LatestRow>> {
    let sql = format!(
        "{LATEST} WHERE datastream IN (SELECT value FROM json_each(?1)) ORDER BY datastream"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([json_keys(datastreams)], latest_row)?.collect()
}

/// In order of event time, and of being replaced.
pub(crate) fn replaced(
    connection: &Connection,
    datastream: DatastreamKey,
    range: TimeRange,
    limit: usize,
) -> rusqlite::Result<Vec<StoredObservation>> {
    let mut statement = connection.prepare_cached(
        "SELECT time, since, value, quality, received, \"commit\" FROM replaced \
         WHERE datastream = ?1 AND time >= ?2 AND time < ?3 ORDER BY time, id LIMIT ?4",
    )?;
    let limit = to_sql(limit as u64);
    let key = params![datastream.0, range.start.millis(), range.stop.millis(), limit];
    statement.query_map(key, |row| observation(row, 0))?.collect()
}

pub(crate) fn ledger(
    connection: &Connection,
    range: TimeRange,
) -> rusqlite::Result<Vec<LedgerRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.name, l.hour, l.received, l.stored, l.duplicate, l.quarantined, l.refused, \
         l.replaced, l.lost_acknowledged FROM ledger AS l JOIN sources AS s USING (source) \
         WHERE l.hour >= ?1 AND l.hour < ?2 ORDER BY l.hour, s.name",
    )?;
    let first = range.start.floor_to(HOUR).millis();
    let rows = statement.query_map(params![first, range.stop.millis()], |row| {
        Ok(LedgerRow {
            source: parsed::<SourceName>(row, 0)?,
            hour: time(row, 1)?,
            received: unsigned(row, 2)?,
            stored: unsigned(row, 3)?,
            duplicate: unsigned(row, 4)?,
            quarantined: unsigned(row, 5)?,
            refused: unsigned(row, 6)?,
            replaced: unsigned(row, 7)?,
            lost_acknowledged: unsigned(row, 8)?,
        })
    })?;
    rows.collect()
}

pub(crate) fn rejected(
    connection: &Connection,
    range: TimeRange,
) -> rusqlite::Result<Vec<Rejected>> {
    let mut statement = connection.prepare_cached(
        "SELECT peer, reason, hour, count FROM rejected_connections \
         WHERE hour >= ?1 AND hour < ?2 ORDER BY hour, peer, reason",
    )?;
    let first = range.start.floor_to(HOUR).millis();
    let rows = statement.query_map(params![first, range.stop.millis()], |row| {
        Ok(Rejected {
            peer: row.get(0)?,
            reason: row.get(1)?,
            hour: time(row, 2)?,
            count: unsigned(row, 3)?,
        })
    })?;
    rows.collect()
}

const QUARANTINE: &str = "SELECT q.id, s.name, q.thing, q.topic, q.codec, q.received, q.reason, \
                          q.detail, q.payload, q.n_readings, q.\"commit\", q.redriven \
                          FROM quarantine AS q CROSS JOIN sources AS s USING (source)";

fn quarantined_row(row: &Row<'_>) -> rusqlite::Result<Quarantined> {
    let has_thing = row.get_ref(2)? != rusqlite::types::ValueRef::Null;
    Ok(Quarantined {
        id: unsigned(row, 0)?,
        source: parsed(row, 1)?,
        thing: if has_thing { Some(parsed(row, 2)?) } else { None },
        topic: row.get(3)?,
        codec: row.get(4)?,
        received: time(row, 5)?,
        reason: row.get(6)?,
        detail: row.get(7)?,
        payload: row.get(8)?,
        n_readings: row.get(9)?,
        commit: unsigned(row, 10)?,
        redriven: optional_time(row, 11)?,
    })
}

pub(crate) fn quarantine(
    connection: &Connection,
    filter: &QuarantineFilter,
    before: Option<u64>,
    limit: usize,
) -> rusqlite::Result<Vec<Quarantined>> {
    let sql = format!(
        "{QUARANTINE} WHERE q.id < ?1 AND (?2 IS NULL OR s.name = ?2) \
         AND (?3 IS NULL OR q.thing = ?3) AND (?4 IS NULL OR q.reason = ?4) \
         AND (?5 IS NULL OR (q.redriven IS NOT NULL) = ?5) ORDER BY q.id DESC LIMIT ?6"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let values = params![
        before.map_or(i64::MAX, to_sql),
        filter.source.as_ref().map(SourceName::as_str),
        filter.thing.as_ref().map(model::ThingId::as_str),
        filter.reason,
        filter.redriven,
        to_sql(limit as u64),
    ];
    statement.query_map(values, quarantined_row)?.collect()
}

pub(crate) fn quarantined(
    connection: &Connection,
    id: u64,
) -> rusqlite::Result<Option<Quarantined>> {
    let sql = format!("{QUARANTINE} WHERE q.id = ?1");
    connection.prepare_cached(&sql)?.query_row([to_sql(id)], quarantined_row).optional()
}

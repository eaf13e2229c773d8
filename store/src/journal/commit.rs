//! What one batch writes, inside the writer's transaction.
//!
//! Each observation is one prepared insert; only when the key is taken the row
//! that holds it is looked at. `latest`, `hours` and `ledger` are gathered in
//! maps and written once per batch.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use model::Time;
use rusqlite::{Connection, params};

use super::conflict::{Conflict, Late};
use super::latest::{LatestCache, LatestChanges};
use super::transactions::{Failure, Stamp};
use crate::follower;
use crate::queries::bucket;
use crate::rejected::HOUR;
use crate::rows::{Committed, DatastreamKey, ObservationRow, Rows, SourceKey};
use crate::sqlite::to_sql;
use crate::{Directory, LatestRow, StoreError, StoredObservation};

/// Rows of one batch. Ingest's batches are far smaller.
const ROWS_MAX: usize = 65_536;

/// The state that a batch meets.
pub(super) struct Context<'a> {
    pub(super) number: u64,
    pub(super) at: Time,
    pub(super) latest: &'a LatestCache,
    /// Is what it stores wanted?
    pub(super) has_followers: bool,
}

impl<'a> Context<'a> {
    pub(super) fn new(stamp: Stamp, latest: &'a LatestCache) -> Context<'a> {
        let Stamp { number, at, has_followers } = stamp;
        Context { number, at, latest, has_followers }
    }
}

#[derive(Debug)]
pub(super) struct Written {
    pub(super) committed: Committed,
    pub(super) latest: HashMap<DatastreamKey, LatestRow>,
    /// Where the stored rows lie, with repetitions.
    pub(super) buckets: Vec<i64>,
    /// The stored rows in the order in which they came, where they are wanted.
    pub(super) stored: Option<Vec<ObservationRow>>,
}

/// Refuses what cannot be stored before anything of the batch is written.
pub(super) fn check_rows(
    rows: &Rows,
    directory: &Directory,
    n_sources: usize,
) -> Result<(), StoreError> {
    let refused = |detail| Err(StoreError::Refused { detail });
    let n_rows = rows.observations.len() + rows.quarantined.len() + rows.refused.len();
    if n_rows > ROWS_MAX {
        return refused(format!("a batch of {n_rows} rows; at most {ROWS_MAX} are allowed"));
    }
    // Keys are given without gaps.
    let last_key = directory.datastreams.keys().next_back().map_or(0, |key| key.0);
    for (place, row) in rows.observations.iter().enumerate() {
        let (key, time) = (row.datastream.0, row.time);
        let problem = if !row.value.is_finite() {
            format!("its value is {}", row.value)
        } else if row.since.is_some_and(|since| row.time < since) {
            "its interval ends before it begins".to_owned()
        } else if !(1..=last_key).contains(&key) {
            "its datastream does not exist".to_owned()
        } else {
            continue;
        };
        return refused(format!("observation {place} (datastream {key}, {time}): {problem}"));
    }
    let sources = rows.observations.iter().map(|row| row.source);
    let sources = sources.chain(rows.quarantined.iter().map(|row| row.source));
    let mut sources = sources.chain(rows.refused.iter().map(|row| row.source));
    match sources.find(|source| !(1..=n_sources).contains(&usize::from(source.0))) {
        Some(source) => refused(format!("source {} does not exist", source.0)),
        None => Ok(()),
    }
}

pub(super) fn write_rows(
    transaction: &Connection,
    rows: &Rows,
    context: &Context<'_>,
) -> Result<Written, Failure> {
    let is_wanted = context.has_followers && rows.observations.len() <= follower::ROWS_MAX;
    let stored = is_wanted.then(|| Vec::with_capacity(rows.observations.len()));
    let mut tally = Tally { stored, ..Tally::default() };
    let mut latest = LatestChanges::new(context.latest);
    write_observations(transaction, &rows.observations, context, &mut tally, &mut latest)?;
    write_quarantine(transaction, rows, context, &mut tally)?;
    write_refusals(transaction, rows, context, &mut tally)?;

    let latest = latest.into_changed();
    write_latest(transaction, &latest)?;
    write_hours(transaction, &tally.hours, context.number)?;
    write_ledger(transaction, context.at, &tally.ledger)?;
    Ok(Written {
        committed: tally.committed(context),
        latest,
        buckets: tally.buckets,
        stored: tally.stored,
    })
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    stored: u64,
    duplicate: u64,
    quarantined: u64,
    refused: u64,
    replaced: u64,
}

/// What a batch does to an hour.
#[derive(Debug, Clone, Copy)]
struct OfHour {
    is_released: bool,
    /// New visible rows: a row that replaces is none.
    n_new: u64,
    /// Was anything stored, new or in the place of another value?
    is_changed: bool,
}

impl OfHour {
    fn read(transaction: &Connection, hour: Time) -> rusqlite::Result<OfHour> {
        let mut state = transaction
            .prepare_cached("SELECT 1 FROM hours WHERE hour = ?1 AND state = 'released'")?;
        Ok(OfHour { is_released: state.exists([hour.millis()])?, n_new: 0, is_changed: false })
    }
}

#[derive(Debug, Default)]
struct Tally {
    ledger: BTreeMap<SourceKey, Counts>,
    /// By hour of event time.
    hours: BTreeMap<Time, OfHour>,
    /// Of stored rows; the same one not twice in a row.
    buckets: Vec<i64>,
    stored: Option<Vec<ObservationRow>>,
}

impl Tally {
    fn note_stored(&mut self, row: &ObservationRow, value: f64) {
        let bucket = bucket(row.time);
        if self.buckets.last() != Some(&bucket) {
            self.buckets.push(bucket);
        }
        if let Some(stored) = &mut self.stored {
            stored.push(ObservationRow { source: SourceKey::UNKNOWN, value, ..*row });
        }
    }

    fn of(&mut self, source: SourceKey) -> &mut Counts {
        self.ledger.entry(source).or_default()
    }

    fn committed(&self, context: &Context<'_>) -> Committed {
        let sum = |count: fn(&Counts) -> u64| self.ledger.values().map(count).sum();
        Committed {
            commit: context.number,
            at: context.at,
            n_stored: sum(|counts| counts.stored),
            n_duplicate: sum(|counts| counts.duplicate),
            n_replaced: sum(|counts| counts.replaced),
            n_quarantined: sum(|counts| counts.quarantined),
            n_refused: sum(|counts| counts.refused),
        }
    }
}

fn write_observations(
    transaction: &Connection,
    rows: &[ObservationRow],
    context: &Context<'_>,
    tally: &mut Tally,
    latest: &mut LatestChanges<'_>,
) -> Result<(), Failure> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO observations \
         (bucket, datastream, time, since, value, quality, received, \"commit\") \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
    )?;
    let mut conflict = Conflict::prepare(transaction)?;
    let mut late = Late::prepare(transaction)?;
    for row in rows {
        let observation = StoredObservation {
            time: row.time,
            since: row.since,
            // SQLite keeps no sign of zero: -0.0 would come back as another value.
            value: row.value + 0.0,
            quality: row.quality,
            received: row.received,
            commit: context.number,
        };
        let n_inserted = insert.execute(params![
            bucket(observation.time),
            row.datastream.0,
            observation.time.millis(),
            observation.since.map(Time::millis),
            observation.value,
            observation.quality.to_bits(),
            observation.received.millis(),
            to_sql(observation.commit),
        ])?;
        let of_hour = match tally.hours.entry(observation.time.floor_to(HOUR)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(first) => {
                let hour = *first.key();
                first.insert(OfHour::read(transaction, hour)?)
            }
        };
        if n_inserted == 1 {
            of_hour.n_new += 1;
            of_hour.is_changed = true;
            if of_hour.is_released {
                late.note(row, &observation, context.at)?;
            }
        } else if conflict.is_duplicate(row.datastream, &observation)? {
            tally.of(row.source).duplicate += 1;
            continue;
        } else {
            conflict.replace(row.datastream, &observation)?;
            of_hour.is_changed = true;
            tally.of(row.source).replaced += 1;
        }
        tally.of(row.source).stored += 1;
        tally.note_stored(row, observation.value);
        latest.see(row.datastream, observation);
    }
    Ok(())
}

fn write_quarantine(
    transaction: &Connection,
    rows: &Rows,
    context: &Context<'_>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO quarantine \
         (source, thing, topic, codec, received, reason, detail, n_readings, \"commit\", payload) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for row in &rows.quarantined {
        insert.execute(params![
            row.source.0,
            row.thing.as_ref().map(model::ThingId::as_str),
            &*row.topic,
            row.codec,
            row.received.millis(),
            row.reason,
            row.detail,
            row.n_readings,
            to_sql(context.number),
            &*row.payload,
        ])?;
        tally.of(row.source).quarantined += u64::from(row.n_readings);
    }
    Ok(())
}

fn write_refusals(
    transaction: &Connection,
    rows: &Rows,
    context: &Context<'_>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO refusals (source, peer, user, topic, reason, received, \"commit\") \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for row in &rows.refused {
        insert.execute(params![
            row.source.0,
            row.peer,
            row.user.as_ref().map(model::ThingId::as_str),
            row.topic,
            row.reason,
            row.received.millis(),
            to_sql(context.number),
        ])?;
        tally.of(row.source).refused += 1;
    }
    Ok(())
}

fn write_latest(
    transaction: &Connection,
    latest: &HashMap<DatastreamKey, LatestRow>,
) -> Result<(), Failure> {
    let mut put = transaction.prepare_cached(
        "INSERT OR REPLACE INTO latest \
         (datastream, time, since, value, quality, received, \"commit\", unchanged_since) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut in_key_order: Vec<&LatestRow> = latest.values().collect();
    in_key_order.sort_unstable_by_key(|row| row.datastream);
    for LatestRow { datastream, observation, unchanged_since } in in_key_order {
        put.execute(params![
            datastream.0,
            observation.time.millis(),
            observation.since.map(Time::millis),
            observation.value,
            observation.quality.to_bits(),
            observation.received.millis(),
            to_sql(observation.commit),
            unchanged_since.millis(),
        ])?;
    }
    Ok(())
}

fn write_hours(
    transaction: &Connection,
    hours: &BTreeMap<Time, OfHour>,
    number: u64,
) -> Result<(), Failure> {
    let mut add = transaction.prepare_cached(
        "INSERT INTO hours (hour, state, rows, changed) VALUES (?1, 'open', ?2, ?3) \
         ON CONFLICT (hour) DO UPDATE SET rows = rows + excluded.rows, \
         changed = excluded.changed, dirty = CASE state WHEN 'open' THEN dirty ELSE 1 END",
    )?;
    for (hour, of_hour) in hours.iter().filter(|(_, of_hour)| of_hour.is_changed) {
        add.execute(params![hour.millis(), to_sql(of_hour.n_new), to_sql(number)])?;
    }
    Ok(())
}

fn write_ledger(
    transaction: &Connection,
    at: Time,
    ledger: &BTreeMap<SourceKey, Counts>,
) -> Result<(), Failure> {
    let mut add = transaction.prepare_cached(
        "INSERT INTO ledger \
         (source, hour, received, stored, duplicate, quarantined, refused, replaced) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (hour, source) DO UPDATE SET received = received + excluded.received, \
         stored = stored + excluded.stored, duplicate = duplicate + excluded.duplicate, \
         quarantined = quarantined + excluded.quarantined, refused = refused + excluded.refused, \
         replaced = replaced + excluded.replaced",
    )?;
    for (source, counts) in ledger {
        let received = counts.stored + counts.duplicate + counts.quarantined + counts.refused;
        add.execute(params![
            source.0,
            at.floor_to(HOUR).millis(),
            to_sql(received),
            to_sql(counts.stored),
            to_sql(counts.duplicate),
            to_sql(counts.quarantined),
            to_sql(counts.refused),
            to_sql(counts.replaced),
        ])?;
    }
    Ok(())
}

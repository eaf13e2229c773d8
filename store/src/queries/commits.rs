//! Reading commits again, with what they wrote.
//!
//! A commit's rows are found by the buckets it noted. A bucket holds the rows
//! of many commits, so they are read together, a [`Chunk`] at a time, and a few
//! buckets in one read, so that no read is long. A row that another value took
//! the place of between two reads is found in `replaced`, which is read last.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use model::{Document, Quality, Time};
use rusqlite::{Connection, Row, params};

use super::{BUCKET, buckets, documents, last_commit, optional_time, time};
use crate::buckets::BucketSet;
use crate::follower::{Commit, Content};
use crate::query::TimeRange;
use crate::rows::{DatastreamKey, ObservationRow, SourceKey};
use crate::sqlite::{to_sql, unsigned};

/// Commits of one chunk.
const COMMITS_MAX: usize = 4096;

/// Rows of one chunk, unless one commit alone has more.
const ROWS_MAX: u64 = 32_768;

/// Buckets of one read: at full rate each holds a million rows.
pub(crate) const BUCKETS_PER_READ: usize = 6;

/// As `commits.kind` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Other,
    Observations,
    Documents,
    Things,
    Tick,
}

impl Kind {
    const ALL: [Kind; 5] =
        [Kind::Other, Kind::Observations, Kind::Documents, Kind::Things, Kind::Tick];

    pub(crate) fn number(self) -> i64 {
        match self {
            Kind::Other => 0,
            Kind::Observations => 1,
            Kind::Documents => 2,
            Kind::Things => 3,
            Kind::Tick => 4,
        }
    }

    fn read(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
        let number = row.get(column)?;
        let known = Kind::ALL.into_iter().find(|kind| kind.number() == number);
        known.ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
    }
}

#[derive(Debug)]
struct Note {
    number: u64,
    at: Time,
    kind: Kind,
    n_rows: u64,
    buckets: Option<BucketSet>,
}

/// A run of commits that are read together.
#[derive(Debug)]
pub(crate) struct Chunk {
    after: u64,
    notes: Vec<Note>,
    documents: Vec<(u64, Document)>,
    /// Where the rows of these commits lie, in order.
    pub(crate) buckets: Vec<i64>,
    /// The last commit when the first read began.
    seen: u64,
}

impl Chunk {
    /// The last commit of it; `None` where there is nothing after `after`.
    pub(crate) fn last(&self) -> Option<u64> {
        self.notes.last().map(|note| note.number)
    }
}

/// The number up to which commits are forgotten.
pub(crate) fn forgotten(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT number FROM commits_forgotten WHERE id = 1")?
        .query_row([], |row| unsigned(row, 0))
}

/// What is noted of the first commits after `after`, or the number up to which
/// they are forgotten.
pub(crate) fn chunk(connection: &Connection, after: u64) -> rusqlite::Result<Result<Chunk, u64>> {
    let forgotten = forgotten(connection)?;
    if after < forgotten {
        return Ok(Err(forgotten));
    }
    let notes = notes(connection, after)?;
    let last = notes.last().map_or(after, |note| note.number);
    Ok(Ok(Chunk {
        after,
        buckets: buckets_of(connection, &notes)?,
        documents: documents::of_commits(connection, after, last)?,
        notes,
        seen: last_commit(connection)?,
    }))
}

fn notes(connection: &Connection, after: u64) -> rusqlite::Result<Vec<Note>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, at, kind, rows, bucket_first, bucket_last, buckets FROM commits \
         WHERE number > ?1 ORDER BY number LIMIT ?2",
    )?;
    let mut found = statement.query(params![to_sql(after), to_sql(COMMITS_MAX as u64)])?;
    let mut notes = Vec::new();
    let mut n_rows = 0;
    while let Some(row) = found.next()? {
        let note = Note {
            number: unsigned(row, 0)?,
            at: time(row, 1)?,
            kind: Kind::read(row, 2)?,
            n_rows: unsigned(row, 3)?,
            buckets: BucketSet::read(row, 4)?,
        };
        n_rows += note.n_rows;
        if ROWS_MAX < n_rows && !notes.is_empty() {
            break;
        }
        notes.push(note);
    }
    Ok(notes)
}

fn buckets_of(connection: &Connection, notes: &[Note]) -> rusqlite::Result<Vec<i64>> {
    let mut found = BTreeSet::new();
    for note in notes.iter().filter(|note| note.kind == Kind::Observations) {
        match &note.buckets {
            None => (),
            Some(BucketSet { listed: Some(listed), .. }) => found.extend(listed),
            Some(BucketSet { first, last, .. }) if first == last => {
                found.insert(*first);
            }
            Some(BucketSet { first, last, .. }) => {
                let range = TimeRange { start: start_of(*first), stop: start_of(*last) + BUCKET };
                found.extend(buckets(connection, range)?);
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn start_of(bucket: i64) -> Time {
    Time::from_millis_clamped(bucket.saturating_mul(BUCKET.as_millis() as i64))
}

/// Reads `commit, datastream, time, since, value, quality, received`.
fn numbered_row(row: &Row<'_>) -> rusqlite::Result<(u64, ObservationRow)> {
    let observation = ObservationRow {
        source: SourceKey::UNKNOWN,
        datastream: DatastreamKey(row.get(1)?),
        time: time(row, 2)?,
        since: optional_time(row, 3)?,
        value: row.get(4)?,
        quality: Quality::from_bits(row.get(5)?),
        received: time(row, 6)?,
    };
    Ok((unsigned(row, 0)?, observation))
}

/// The chunk's rows that lie in these buckets.
pub(crate) fn visible(
    connection: &Connection,
    chunk: &Chunk,
    buckets: &[i64],
) -> rusqlite::Result<Vec<(u64, ObservationRow)>> {
    let mut statement = connection.prepare_cached(
        "SELECT \"commit\", datastream, time, since, value, quality, received \
         FROM observations WHERE bucket = ?1 AND \"commit\" > ?2 AND \"commit\" <= ?3",
    )?;
    let (after, last) = (to_sql(chunk.after), to_sql(chunk.last().unwrap_or(chunk.after)));
    let mut rows = Vec::new();
    for bucket in buckets {
        for row in statement.query_map(params![bucket, after, last], numbered_row)? {
            rows.push(row?);
        }
    }
    Ok(rows)
}

/// A value that the commit `by` took the place of.
#[derive(Debug)]
pub(crate) struct Replaced {
    commit: u64,
    by: u64,
    row: ObservationRow,
}

/// The chunk's rows that another value took the place of, in that order.
pub(crate) fn replaced(connection: &Connection, chunk: &Chunk) -> rusqlite::Result<Vec<Replaced>> {
    let mut statement = connection.prepare_cached(
        "SELECT \"commit\", datastream, time, since, value, quality, received, replaced_by \
         FROM replaced WHERE \"commit\" > ?1 AND \"commit\" <= ?2 ORDER BY \"commit\", id",
    )?;
    let (after, last) = (to_sql(chunk.after), to_sql(chunk.last().unwrap_or(chunk.after)));
    let rows = statement.query_map([after, last], |row| {
        let (commit, observation) = numbered_row(row)?;
        Ok(Replaced { commit, by: unsigned(row, 7)?, row: observation })
    })?;
    rows.collect()
}

/// The commits as those saw them who were there. Says how many rows are missing
/// or too many by what the commits noted.
pub(crate) fn assemble(
    chunk: &Chunk,
    visible: Vec<(u64, ObservationRow)>,
    replaced: Vec<Replaced>,
) -> (Vec<Commit>, u64) {
    let key = |commit: u64, row: &ObservationRow| (commit, row.datastream, row.time);
    let seen_visible: HashSet<_> = visible.iter().map(|(commit, row)| key(*commit, row)).collect();
    // What was replaced after the first read may have been read before.
    let is_double =
        |old: &Replaced| chunk.seen < old.by && seen_visible.contains(&key(old.commit, &old.row));
    let mut rows_of: HashMap<u64, Vec<ObservationRow>> = HashMap::new();
    for old in replaced.iter().filter(|old| !is_double(old)) {
        rows_of.entry(old.commit).or_default().push(old.row);
    }
    for (commit, row) in visible {
        rows_of.entry(commit).or_default().push(row);
    }
    let mut documents_of: HashMap<u64, Vec<Document>> = HashMap::new();
    for (commit, document) in &chunk.documents {
        documents_of.entry(*commit).or_default().push(document.clone());
    }

    let mut n_wrong = 0;
    let mut commits = Vec::with_capacity(chunk.notes.len());
    for note in &chunk.notes {
        let content = match note.kind {
            Kind::Other => Content::Other,
            Kind::Things => Content::Things,
            Kind::Tick => Content::Tick,
            Kind::Documents => {
                Content::Documents(documents_of.remove(&note.number).unwrap_or_default())
            }
            Kind::Observations => {
                let rows = rows_of.remove(&note.number).unwrap_or_default();
                n_wrong += note.n_rows.abs_diff(rows.len() as u64);
                Content::Observations(in_order(rows.into()))
            }
        };
        commits.push(Commit { number: note.number, at: note.at, content });
    }
    (commits, n_wrong)
}

/// By datastream and time; what a commit wrote twice stays in its order.
pub(crate) fn in_order(mut rows: Arc<[ObservationRow]>) -> Arc<[ObservationRow]> {
    let key = |row: &ObservationRow| (row.datastream, row.time);
    if !rows.is_sorted_by_key(key) {
        Arc::make_mut(&mut rows).sort_by_key(key);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One datastream with commit 1 at second 1 and commit 2 at second 2.
    fn journal() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../journal/migrations/0001.sql")).unwrap();
        connection.execute_batch(include_str!("../journal/migrations/0002.sql")).unwrap();
        let rows = "INSERT INTO observations VALUES \
                    (0, 1, 1000, NULL, 1.0, 1, 1000, 1), (0, 1, 2000, NULL, 2.0, 1, 2000, 2); \
                    INSERT INTO hours (hour, state, rows) VALUES (0, 'open', 2); \
                    INSERT INTO commits VALUES (1, 0, 1, 1, 0, 0, NULL), (2, 0, 1, 1, 0, 0, NULL); \
                    UPDATE last_commit SET number = 2";
        connection.execute_batch(rows).unwrap();
        connection
    }

    /// Commit 3 writes another value at second 1.
    fn replace(connection: &Connection) {
        let rows = "INSERT INTO replaced SELECT NULL, datastream, time, since, value, quality, \
                    received, \"commit\", 3 FROM observations WHERE time = 1000; \
                    UPDATE observations SET value = 9.0, \"commit\" = 3 WHERE time = 1000";
        connection.execute_batch(rows).unwrap();
    }

    /// Reads commits 1 and 2, commit 3 coming after so many of the reads.
    #[track_caller]
    fn check(n_reads_before: usize) {
        let connection = journal();
        let replace_at = |n| {
            if n == n_reads_before {
                replace(&connection)
            }
        };
        replace_at(0);
        let chunk = chunk(&connection, 0).unwrap().unwrap();
        replace_at(1);
        let visible = visible(&connection, &chunk, &chunk.buckets).unwrap();
        replace_at(2);
        let replaced = replaced(&connection, &chunk).unwrap();
        let (commits, n_wrong) = assemble(&chunk, visible, replaced);
        assert_eq!(n_wrong, 0);
        let value = |commit: &Commit| match &commit.content {
            Content::Observations(rows) => rows.iter().map(|row| row.value).collect::<Vec<_>>(),
            other => panic!("expected observations, found {other:?}"),
        };
        assert_eq!(commits.iter().map(value).collect::<Vec<_>>(), [[1.0], [2.0]]);
    }

    #[test]
    fn a_value_replaced_between_two_reads_comes_once() {
        check(0);
        check(1);
        check(2);
        check(3);
    }

    #[test]
    fn a_commit_without_its_rows_is_told() {
        let connection = journal();
        connection.execute("DELETE FROM observations WHERE \"commit\" = 2", []).unwrap();
        let chunk = chunk(&connection, 0).unwrap().unwrap();
        let visible = visible(&connection, &chunk, &chunk.buckets).unwrap();
        assert_eq!(assemble(&chunk, visible, Vec::new()).1, 1);
    }
}

//! What the journal says about the archive: hours, files and spans.

use model::Time;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::{Receipt, Span};
use crate::query::TimeRange;
use crate::rejected::HOUR;
use crate::rows::DatastreamKey;
use crate::sqlite::{to_sql, unreadable, unsigned};

/// A file as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) n_rows: u64,
    pub(crate) n_bytes: u64,
    /// `None` of one that was never finished.
    pub(crate) sha256: Option<[u8; 32]>,
}

const FILE: &str = "f.file, f.name, f.rows, f.bytes, f.sha256";

fn file(row: &SqlRow<'_>, first: usize) -> rusqlite::Result<File> {
    let sha256 = row.get_ref(first + 4)?.as_blob_or_null()?;
    let sha256 = sha256.map(<[u8; 32]>::try_from).transpose();
    Ok(File {
        id: row.get(first)?,
        name: row.get(first + 1)?,
        n_rows: unsigned(row, first + 2)?,
        n_bytes: unsigned(row, first + 3)?,
        sha256: sha256.map_err(|error| unreadable(first + 4, error))?,
    })
}

fn time(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Time> {
    row.get(column).map(Time::from_millis_clamped)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HourState {
    Open,
    Closed,
    Released,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hour {
    pub(crate) hour: Time,
    pub(crate) state: HourState,
    /// Rows in the journal.
    pub(crate) n_rows: u64,
    pub(crate) generation: u64,
    pub(crate) is_dirty: bool,
    pub(crate) archived_commit: u64,
    pub(crate) archived_rows: u64,
    pub(crate) lost: u64,
    pub(crate) digest: Option<[u8; 32]>,
    /// Where its generation is.
    pub(crate) file: Option<File>,
}

fn hour(row: &SqlRow<'_>) -> rusqlite::Result<Hour> {
    let state = match row.get_ref(1)?.as_str()? {
        "open" => HourState::Open,
        "closed" => HourState::Closed,
        _ => HourState::Released,
    };
    let digest = row.get_ref(8)?.as_blob_or_null()?.map(<[u8; 32]>::try_from).transpose();
    let has_file = row.get_ref(9)? != rusqlite::types::ValueRef::Null;
    Ok(Hour {
        hour: time(row, 0)?,
        state,
        n_rows: unsigned(row, 2)?,
        generation: unsigned(row, 3)?,
        is_dirty: row.get(4)?,
        archived_commit: unsigned(row, 5)?,
        archived_rows: unsigned(row, 6)?,
        lost: unsigned(row, 7)?,
        digest: digest.map_err(|error| unreadable(8, error))?,
        file: if has_file { Some(file(row, 9)?) } else { None },
    })
}

fn select_hours(which: &str) -> String {
    format!(
        "SELECT h.hour, h.state, h.rows, h.generation, h.dirty, h.archived_commit, \
         h.archived_rows, h.lost, h.digest, {FILE} \
         FROM hours AS h LEFT JOIN archive_files AS f ON f.file = h.file {which}"
    )
}

pub(super) fn one_hour(connection: &Connection, of: Time) -> rusqlite::Result<Option<Hour>> {
    let sql = select_hours("WHERE h.hour = ?1");
    connection.prepare_cached(&sql)?.query_row([of.millis()], hour).optional()
}

/// In order; `which` is one of ours.
pub(super) fn hours(
    connection: &Connection,
    which: Which,
    before: Time,
    limit: usize,
) -> rusqlite::Result<Vec<Hour>> {
    let condition = match which {
        Which::Open => "h.state = 'open' AND h.rows > 0",
        Which::Closed => "h.state = 'closed'",
        Which::Dirty => "h.state <> 'open' AND h.dirty",
        Which::Leftover => "h.state = 'released' AND h.rows > 0",
    };
    let sql = select_hours(&format!("WHERE {condition} AND h.hour < ?1 ORDER BY h.hour LIMIT ?2"));
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map(params![before.millis(), to_sql(limit as u64)], hour)?.collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Open,
    Closed,
    Dirty,
    /// Released, with rows in the journal.
    Leftover,
}

pub(super) fn hours_of(connection: &Connection, range: TimeRange) -> rusqlite::Result<Vec<Hour>> {
    let sql = select_hours("WHERE h.hour >= ?1 AND h.hour < ?2 ORDER BY h.hour");
    let first = range.start.floor_to(HOUR).millis();
    connection.prepare_cached(&sql)?.query_map([first, range.stop.millis()], hour)?.collect()
}

/// The hours that name a file.
pub(super) fn hours_in(connection: &Connection, file: i64) -> rusqlite::Result<Vec<Hour>> {
    let sql = select_hours("WHERE h.file = ?1 ORDER BY h.hour");
    connection.prepare_cached(&sql)?.query_map([file], hour)?.collect()
}

/// Is any of the range read from the archive?
pub(super) fn has_released(connection: &Connection, range: TimeRange) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM hours INDEXED BY hours_released \
             WHERE state = 'released' AND hour >= ?1 AND hour < ?2 AND archived_rows > 0",
        )?
        .exists([range.start.floor_to(HOUR).millis(), range.stop.millis()])
}

/// Files and the hours that they are read for, oldest first.
pub(super) fn released(
    connection: &Connection,
    range: TimeRange,
) -> rusqlite::Result<Vec<(File, Vec<Time>)>> {
    let sql = format!(
        "SELECT h.hour, {FILE} FROM hours AS h INDEXED BY hours_released \
         JOIN archive_files AS f USING (file) \
         WHERE h.state = 'released' AND h.hour >= ?1 AND h.hour < ?2 AND h.archived_rows > 0 \
         ORDER BY h.hour"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let first = range.start.floor_to(HOUR).millis();
    let mut rows = statement.query([first, range.stop.millis()])?;
    let mut found: Vec<(File, Vec<Time>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (hour, file) = (time(row, 0)?, file(row, 1)?);
        // A day has one file, or one for each of a few of its hours.
        match found.iter_mut().rev().take(25).find(|(known, _)| known.id == file.id) {
            Some((_, hours)) => hours.push(hour),
            None => found.push((file, vec![hour])),
        }
    }
    Ok(found)
}

/// The spans of these datastreams in a file, in the order of the file.
pub(super) fn spans(
    connection: &Connection,
    file: i64,
    keys: &str,
    range: TimeRange,
) -> rusqlite::Result<Vec<Span>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.datastream, s.row_first, s.n_rows, s.time_min, s.time_max \
         FROM json_each(?1) AS w CROSS JOIN spans AS s \
         WHERE s.file = ?2 AND s.datastream = w.value AND s.time_max >= ?3 AND s.time_min < ?4",
    )?;
    let values = params![keys, file, range.start.millis(), range.stop.millis()];
    let rows = statement.query_map(values, span)?;
    let mut spans = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    spans.sort_unstable_by_key(|span| span.row_first);
    Ok(spans)
}

/// The last commit that every follower has taken in: rows of later ones must
/// stay where followers look for them. Their places are the memory of the
/// evaluation and `cursors`.
pub(super) fn followed(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT min((SELECT number FROM last_commit), \
             coalesce((SELECT max(\"commit\") FROM memory), 9223372036854775807), \
             coalesce((SELECT min(\"commit\") FROM cursors), 9223372036854775807))",
        )?
        .query_row([], |row| unsigned(row, 0))
}

/// Files that no hour is read from.
pub(super) fn superseded(
    connection: &Connection,
    before_real: Time,
    limit: usize,
) -> rusqlite::Result<Vec<File>> {
    let sql = format!(
        "SELECT {FILE} FROM archive_files AS f \
         WHERE f.state = 'superseded' AND f.superseded <= ?1 ORDER BY f.file LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let values = params![before_real.millis(), to_sql(limit as u64)];
    statement.query_map(values, |row| file(row, 0))?.collect()
}

pub(super) fn unfinished(connection: &Connection) -> rusqlite::Result<Vec<File>> {
    let sql = format!("SELECT {FILE} FROM archive_files AS f WHERE f.state = 'writing'");
    connection.prepare_cached(&sql)?.query_map([], |row| file(row, 0))?.collect()
}

pub(super) fn all_files(connection: &Connection) -> rusqlite::Result<Vec<File>> {
    let sql = format!("SELECT {FILE} FROM archive_files AS f ORDER BY f.file");
    connection.prepare_cached(&sql)?.query_map([], |row| file(row, 0))?.collect()
}

/// Files that hours are read from.
pub(super) fn current(connection: &Connection) -> rusqlite::Result<Vec<File>> {
    let sql =
        format!("SELECT {FILE} FROM archive_files AS f WHERE f.state = 'current' ORDER BY f.file");
    connection.prepare_cached(&sql)?.query_map([], |row| file(row, 0))?.collect()
}

pub(super) fn is_current(connection: &Connection, file: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM archive_files WHERE file = ?1 AND state = 'current'")?
        .exists([file])
}

pub(super) fn knows_file(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM archive_files WHERE name = ?1")?.exists([name])
}

/// In the order of the file.
pub(super) fn all_spans(connection: &Connection, file: i64) -> rusqlite::Result<Vec<Span>> {
    let mut statement = connection.prepare_cached(
        "SELECT datastream, row_first, n_rows, time_min, time_max FROM spans \
         WHERE file = ?1 ORDER BY row_first",
    )?;
    statement.query_map([file], span)?.collect()
}

fn span(row: &SqlRow<'_>) -> rusqlite::Result<Span> {
    Ok(Span {
        datastream: DatastreamKey(row.get(0)?),
        row_first: unsigned(row, 1)?,
        n_rows: unsigned(row, 2)?,
        time_min: time(row, 3)?,
        time_max: time(row, 4)?,
    })
}

pub(super) fn begin_file(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    connection.prepare_cached("INSERT INTO archive_files (name) VALUES (?1)")?.execute([name])?;
    Ok(connection.last_insert_rowid().unsigned_abs())
}

pub(super) fn add_spans(
    connection: &Connection,
    file: i64,
    spans: &[Span],
) -> rusqlite::Result<u64> {
    let mut add = connection.prepare_cached(
        "INSERT OR REPLACE INTO spans (file, datastream, row_first, n_rows, time_min, time_max) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for span in spans {
        add.execute(params![
            file,
            span.datastream.0,
            to_sql(span.row_first),
            to_sql(span.n_rows),
            span.time_min.millis(),
            span.time_max.millis(),
        ])?;
    }
    Ok(spans.len() as u64)
}

/// The file is what `receipt` says, from now on.
pub(super) fn finish_file(
    connection: &Connection,
    file: i64,
    receipt: &Receipt,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE archive_files SET state = 'current', rows = ?2, bytes = ?3, sha256 = ?4 \
             WHERE file = ?1",
        )?
        .execute(params![file, to_sql(receipt.n_rows), to_sql(receipt.n_bytes), receipt.sha256,])?;
    Ok(())
}

/// Files that no hour names any more are removed some time after `real`.
pub(super) fn supersede(connection: &Connection, file: i64, real: Time) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE archive_files SET state = 'superseded', superseded = ?2 \
             WHERE file = ?1 AND NOT EXISTS (SELECT 1 FROM hours AS h WHERE h.file = ?1)",
        )?
        .execute(params![file, real.millis()])?;
    Ok(())
}

/// Forgets up to `limit` spans of a file, and then the file.
pub(super) fn forget_file(
    connection: &Connection,
    file: i64,
    limit: usize,
) -> rusqlite::Result<u64> {
    let n_gone = connection
        .prepare_cached(
            "DELETE FROM spans WHERE file = ?1 AND datastream IN \
             (SELECT datastream FROM spans WHERE file = ?1 LIMIT ?2)",
        )?
        .execute(params![file, to_sql(limit as u64)])?;
    if n_gone < limit {
        connection.prepare_cached("DELETE FROM archive_files WHERE file = ?1")?.execute([file])?;
    }
    Ok(n_gone as u64)
}

//! The tick log, scores, and the memory of the evaluation.

use model::{Level, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::time;
use crate::query::TimeRange;
use crate::sqlite::{to_sql, unsigned};
use crate::tick::{MemoryPart, ScoreFilter, ScoreRow, TickRow};

const LEVELS: [Level; 5] = [Level::None, Level::Blue, Level::Yellow, Level::Orange, Level::Red];

/// As `scores.level` has it.
pub(crate) fn level_number(level: Level) -> i64 {
    match level {
        Level::None => 0,
        Level::Blue => 1,
        Level::Yellow => 2,
        Level::Orange => 3,
        Level::Red => 4,
    }
}

fn level(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Level>> {
    let Some(number) = row.get::<_, Option<i64>>(column)? else {
        return Ok(None);
    };
    let known = LEVELS.into_iter().find(|level| level_number(*level) == number);
    known.map(Some).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

fn tick(row: &Row<'_>) -> rusqlite::Result<TickRow> {
    Ok(TickRow { at: time(row, 0)?, commit: unsigned(row, 1)? })
}

pub(crate) fn last(connection: &Connection) -> rusqlite::Result<Option<TickRow>> {
    connection
        .prepare_cached("SELECT at, seen FROM ticks ORDER BY at DESC LIMIT 1")?
        .query_row([], tick)
        .optional()
}

pub(crate) fn ticks(
    connection: &Connection,
    range: TimeRange,
    limit: usize,
) -> rusqlite::Result<Vec<TickRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT at, seen FROM ticks WHERE at >= ?1 AND at < ?2 ORDER BY at LIMIT ?3",
    )?;
    let values = params![range.start.millis(), range.stop.millis(), to_sql(limit as u64)];
    statement.query_map(values, tick)?.collect()
}

pub(crate) fn memory(connection: &Connection) -> rusqlite::Result<Vec<MemoryPart>> {
    let mut statement =
        connection.prepare_cached("SELECT part, at, \"commit\", body FROM memory ORDER BY part")?;
    let rows = statement.query_map([], |row| {
        Ok(MemoryPart {
            part: row.get(0)?,
            at: time(row, 1)?,
            commit: unsigned(row, 2)?,
            body: row.get(3)?,
        })
    })?;
    rows.collect()
}

const SCORE: &str = "s.\"index\", s.feature, s.at, s.score, s.level, s.grey, s.provisional, \
                     s.coverage, s.confidence, s.body";

fn score(row: &Row<'_>) -> rusqlite::Result<ScoreRow> {
    Ok(ScoreRow {
        index: row.get(0)?,
        feature: row.get(1)?,
        at: time(row, 2)?,
        score: row.get(3)?,
        level: level(row, 4)?,
        grey: row.get(5)?,
        provisional: row.get(6)?,
        coverage: row.get(7)?,
        confidence: row.get(8)?,
        body: row.get(9)?,
    })
}

/// One feature of one index is a stretch of an index; anything less exact is a
/// stretch of time of which some rows are left out.
pub(crate) fn scores(
    connection: &Connection,
    filter: &ScoreFilter,
    range: TimeRange,
    limit: usize,
) -> rusqlite::Result<Vec<ScoreRow>> {
    let is_exact = filter.index.is_some() && filter.feature.is_some();
    let wanted = if is_exact {
        "s.\"index\" = ?1 AND s.feature = ?2"
    } else {
        "(?1 IS NULL OR s.\"index\" = ?1) AND (?2 IS NULL OR s.feature = ?2)"
    };
    let sql = format!(
        "SELECT {SCORE} FROM scores AS s WHERE {wanted} AND s.at >= ?3 AND s.at < ?4 \
         ORDER BY s.at, s.\"index\", s.feature LIMIT ?5"
    );
    let (start, stop) = (range.start.millis(), range.stop.millis());
    let values = params![filter.index, filter.feature, start, stop, to_sql(limit as u64)];
    connection.prepare_cached(&sql)?.query_map(values, score)?.collect()
}

/// Goes from feature to feature by the index, so its cost does not grow with
/// the history.
pub(crate) fn scores_at(
    connection: &Connection,
    index: &str,
    at: Time,
) -> rusqlite::Result<Vec<ScoreRow>> {
    let sql = format!(
        "WITH RECURSIVE features (feature) AS ( \
             SELECT min(feature) FROM scores WHERE \"index\" = ?1 \
             UNION ALL \
             SELECT (SELECT min(n.feature) FROM scores AS n \
                     WHERE n.\"index\" = ?1 AND n.feature > f.feature) \
             FROM features AS f WHERE f.feature IS NOT NULL) \
         SELECT {SCORE} FROM features AS f CROSS JOIN scores AS s \
         WHERE s.id = (SELECT m.id FROM scores AS m WHERE m.\"index\" = ?1 \
                       AND m.feature = f.feature AND m.at <= ?2 ORDER BY m.at DESC LIMIT 1) \
         ORDER BY s.feature"
    );
    connection.prepare_cached(&sql)?.query_map(params![index, at.millis()], score)?.collect()
}

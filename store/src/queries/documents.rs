//! Documents: the newest version of an id, as of a commit.

use model::{Document, DocumentId, DocumentKind};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::time;
use crate::document::StoredDocument;
use crate::sqlite::{from_json, to_sql, unsigned};

const COLUMNS: &str = "d.body, d.revision, d.\"commit\", d.at, d.actor";

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredDocument> {
    Ok(StoredDocument {
        document: from_json(row, 0)?,
        revision: unsigned(row, 1)?,
        commit: unsigned(row, 2)?,
        at: time(row, 3)?,
        actor: row.get(4)?,
    })
}

pub(crate) fn newest(
    connection: &Connection,
    kind: DocumentKind,
    id: &DocumentId,
) -> rusqlite::Result<Option<StoredDocument>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM documents AS d WHERE d.kind = ?1 AND d.id = ?2 \
         ORDER BY d.revision DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row(params![kind.as_str(), id.as_str()], stored).optional()
}

/// Leaves out what has a later version that is old enough for the reader.
const NO_LATER: &str = "NOT EXISTS (SELECT 1 FROM documents AS n WHERE n.kind = d.kind \
                        AND n.id = d.id AND n.revision > d.revision AND n.\"commit\" <= ?1)";

pub(crate) fn page(
    connection: &Connection,
    kind: DocumentKind,
    as_of: Option<u64>,
    before: Option<u64>,
    limit: usize,
) -> rusqlite::Result<Vec<StoredDocument>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM documents AS d WHERE d.kind = ?2 AND d.\"commit\" <= ?1 \
         AND d.\"commit\" < ?3 AND {NO_LATER} ORDER BY d.\"commit\" DESC LIMIT ?4"
    );
    let number = |given: Option<u64>| given.map_or(i64::MAX, to_sql);
    let values = params![number(as_of), kind.as_str(), number(before), to_sql(limit as u64)];
    connection.prepare_cached(&sql)?.query_map(values, stored)?.collect()
}

pub(crate) fn all(connection: &Connection, as_of: u64) -> rusqlite::Result<Vec<Document>> {
    let sql = format!(
        "SELECT d.body FROM documents AS d WHERE d.\"commit\" <= ?1 AND {NO_LATER} \
         ORDER BY d.\"commit\""
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([to_sql(as_of)], |row| from_json(row, 0))?.collect()
}

/// The versions that the commits after `after` up to `last` wrote, each with
/// its commit.
pub(crate) fn of_commits(
    connection: &Connection,
    after: u64,
    last: u64,
) -> rusqlite::Result<Vec<(u64, Document)>> {
    let mut statement = connection.prepare_cached(
        "SELECT \"commit\", body FROM documents WHERE \"commit\" > ?1 AND \"commit\" <= ?2 \
         ORDER BY \"commit\"",
    )?;
    let range = [to_sql(after), to_sql(last)];
    statement.query_map(range, |row| Ok((unsigned(row, 0)?, from_json(row, 1)?)))?.collect()
}

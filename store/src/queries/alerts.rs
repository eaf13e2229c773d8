//! Alerts and their transitions.

use model::{ThingId, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{optional_time, time};
use crate::sqlite::{parsed, to_sql};
use crate::tick::{AlertFilter, AlertRow, AlertTransitionRow};

const ALERT: &str = "SELECT id, datastream, thing, township, opened, closed, updated, body \
                     FROM alerts";

fn alert(row: &Row<'_>) -> rusqlite::Result<AlertRow> {
    let has_township = row.get_ref(3)? != rusqlite::types::ValueRef::Null;
    Ok(AlertRow {
        id: row.get(0)?,
        datastream: row.get(1)?,
        thing: parsed(row, 2)?,
        township: if has_township { Some(parsed(row, 3)?) } else { None },
        opened: time(row, 4)?,
        closed: optional_time(row, 5)?,
        updated: time(row, 6)?,
        body: row.get(7)?,
    })
}

pub(crate) fn page(
    connection: &Connection,
    filter: &AlertFilter,
    before: Option<&(Time, String)>,
    limit: usize,
) -> rusqlite::Result<Vec<AlertRow>> {
    let open = if filter.open_only { "closed IS NULL AND" } else { "" };
    let page = if before.is_some() { "(opened, id) < (?1, ?2) AND" } else { "" };
    let sql = format!(
        "{ALERT} WHERE {open} {page} opened >= ?3 AND (?4 IS NULL OR township = ?4) \
         AND (?5 IS NULL OR thing = ?5) ORDER BY opened DESC, id DESC LIMIT ?6"
    );
    let values = params![
        before.map(|(opened, _)| opened.millis()),
        before.map(|(_, id)| id),
        filter.since.map_or(i64::MIN, Time::millis),
        filter.township.map(|code| code.to_string()),
        filter.thing.as_ref().map(ThingId::as_str),
        to_sql(limit as u64),
    ];
    connection.prepare_cached(&sql)?.query_map(values, alert)?.collect()
}

pub(crate) fn one(connection: &Connection, id: &str) -> rusqlite::Result<Option<AlertRow>> {
    let sql = format!("{ALERT} WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], alert).optional()
}

pub(crate) fn history(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Vec<AlertTransitionRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT alert, sequence, at, body FROM alert_transitions \
         WHERE alert = ?1 ORDER BY sequence",
    )?;
    let rows = statement.query_map([id], |row| {
        Ok(AlertTransitionRow {
            alert: row.get(0)?,
            sequence: row.get(1)?,
            at: time(row, 2)?,
            body: row.get(3)?,
        })
    })?;
    rows.collect()
}

//! Deliveries to receivers outside.

use model::Time;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{optional_time, time};
use crate::sqlite::{parsed, to_sql, unsigned};
use crate::tick::{OutboxRow, OutboxState};

const DELIVERY: &str = "SELECT id, key, receiver, body, created, state, n_tries, next_try, detail \
                        FROM outbox";

fn delivery(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        id: unsigned(row, 0)?,
        key: row.get(1)?,
        receiver: row.get(2)?,
        body: row.get(3)?,
        created: time(row, 4)?,
        state: parsed(row, 5)?,
        n_tries: row.get(6)?,
        next_try: optional_time(row, 7)?,
        detail: row.get(8)?,
    })
}

pub(crate) fn due(
    connection: &Connection,
    at_real: Time,
    limit: usize,
) -> rusqlite::Result<Vec<OutboxRow>> {
    let sql = format!(
        "{DELIVERY} WHERE state = 'waiting' AND (next_try IS NULL OR next_try <= ?1) \
         ORDER BY id LIMIT ?2"
    );
    let values = params![at_real.millis(), to_sql(limit as u64)];
    connection.prepare_cached(&sql)?.query_map(values, delivery)?.collect()
}

pub(crate) fn list(
    connection: &Connection,
    state: Option<OutboxState>,
    limit: usize,
) -> rusqlite::Result<Vec<OutboxRow>> {
    let sql = format!("{DELIVERY} WHERE ?1 IS NULL OR state = ?1 ORDER BY id DESC LIMIT ?2");
    let values = params![state.map(OutboxState::as_str), to_sql(limit as u64)];
    connection.prepare_cached(&sql)?.query_map(values, delivery)?.collect()
}

/// The oldest waiting delivery of a receiver, due or not: deliveries of one
/// receiver keep their order.
pub(crate) fn next(connection: &Connection, receiver: &str) -> rusqlite::Result<Option<OutboxRow>> {
    let sql = format!("{DELIVERY} WHERE state = 'waiting' AND receiver = ?1 ORDER BY id LIMIT 1");
    connection.prepare_cached(&sql)?.query_row([receiver], delivery).optional()
}

/// Deliveries by receiver and state.
pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<Vec<(String, OutboxState, u64)>> {
    let sql = "SELECT receiver, state, count(*) FROM outbox GROUP BY receiver, state";
    let counted = |row: &Row<'_>| Ok((row.get(0)?, parsed(row, 1)?, unsigned(row, 2)?));
    connection.prepare_cached(sql)?.query_map([], counted)?.collect()
}

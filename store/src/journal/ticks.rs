//! Writing what an evaluation found, and what became of deliveries.

use model::{ThingId, Time};
use rusqlite::{Connection, params};

use super::transactions::{Failure, Transactions};
use crate::StoreError;
use crate::queries::ticks::level_number;
use crate::sqlite::to_sql;
use crate::tick::{
    AlertRow, AlertTransitionRow, MemoryPart, OutboxNew, OutboxState, ScoreRow, TickRow, TickWrite,
};

/// Rows of one tick besides its observations: 18 townships, the county and
/// three indices make fewer than 100 scores.
const ROWS_MAX: usize = 65_536;

/// Refuses what is too large before anything of the tick is written.
pub(super) fn check_tick(write: &TickWrite) -> Result<(), StoreError> {
    let n_rows = write.scores.len()
        + write.alerts.len()
        + write.transitions.len()
        + write.memory.len()
        + write.outbox.len();
    if ROWS_MAX < n_rows {
        let at = write.tick.at;
        let detail = format!("tick {at} has {n_rows} rows; at most {ROWS_MAX} are allowed");
        return Err(StoreError::Refused { detail });
    }
    Ok(())
}

/// All of a tick but its observations.
pub(super) fn write_tick(
    transaction: &Connection,
    write: &TickWrite,
    number: u64,
) -> Result<(), Failure> {
    put_tick(transaction, write.tick, number)?;
    put_scores(transaction, &write.scores, number)?;
    put_alerts(transaction, &write.alerts, number)?;
    add_transitions(transaction, &write.transitions, number)?;
    put_memory(transaction, &write.memory)?;
    add_deliveries(transaction, &write.outbox)
}

fn put_tick(transaction: &Connection, tick: TickRow, number: u64) -> Result<(), Failure> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO ticks (at, seen, \"commit\") VALUES (?1, ?2, ?3)")?
        .execute(params![tick.at.millis(), to_sql(tick.commit), to_sql(number)])?;
    Ok(())
}

fn put_scores(transaction: &Connection, scores: &[ScoreRow], number: u64) -> Result<(), Failure> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO scores (\"index\", feature, at, score, level, grey, provisional, coverage, \
         confidence, \"commit\", body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
         ON CONFLICT (\"index\", feature, at) DO UPDATE SET score = excluded.score, \
         level = excluded.level, grey = excluded.grey, provisional = excluded.provisional, \
         coverage = excluded.coverage, confidence = excluded.confidence, \
         \"commit\" = excluded.\"commit\", body = excluded.body",
    )?;
    for row in scores {
        put.execute(params![
            row.index,
            row.feature,
            row.at.millis(),
            row.score,
            row.level.map(level_number),
            row.grey,
            row.provisional,
            row.coverage,
            row.confidence,
            to_sql(number),
            row.body,
        ])?;
    }
    Ok(())
}

fn put_alerts(transaction: &Connection, alerts: &[AlertRow], number: u64) -> Result<(), Failure> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO alerts (id, datastream, thing, township, opened, closed, updated, \
         \"commit\", body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
         ON CONFLICT (id) DO UPDATE SET datastream = excluded.datastream, thing = excluded.thing, \
         township = excluded.township, opened = excluded.opened, closed = excluded.closed, \
         updated = excluded.updated, \"commit\" = excluded.\"commit\", body = excluded.body",
    )?;
    for row in alerts {
        put.execute(params![
            row.id,
            row.datastream,
            ThingId::as_str(&row.thing),
            row.township.map(|code| code.to_string()),
            row.opened.millis(),
            row.closed.map(Time::millis),
            row.updated.millis(),
            to_sql(number),
            row.body,
        ])?;
    }
    Ok(())
}

fn add_transitions(
    transaction: &Connection,
    transitions: &[AlertTransitionRow],
    number: u64,
) -> Result<(), Failure> {
    let mut add = transaction.prepare_cached(
        "INSERT INTO alert_transitions (alert, sequence, at, \"commit\", body) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (alert, sequence) DO NOTHING",
    )?;
    for row in transitions {
        let (at, commit) = (row.at.millis(), to_sql(number));
        add.execute(params![row.alert, row.sequence, at, commit, row.body])?;
    }
    Ok(())
}

fn put_memory(transaction: &Connection, memory: &[MemoryPart]) -> Result<(), Failure> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO memory (part, at, \"commit\", body) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (part) DO UPDATE SET at = excluded.at, \"commit\" = excluded.\"commit\", \
         body = excluded.body",
    )?;
    for part in memory {
        put.execute(params![part.part, part.at.millis(), to_sql(part.commit), part.body])?;
    }
    Ok(())
}

fn add_deliveries(transaction: &Connection, outbox: &[OutboxNew]) -> Result<(), Failure> {
    let mut add = transaction.prepare_cached(
        "INSERT INTO outbox (key, receiver, body, created) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (key) DO NOTHING",
    )?;
    for delivery in outbox {
        let created = delivery.created.millis();
        add.execute(params![delivery.key, delivery.receiver, delivery.body, created])?;
    }
    Ok(())
}

impl Transactions {
    /// Deliveries have no commit number: no evaluation looks at them.
    pub(super) fn outbox_update(
        &mut self,
        id: u64,
        state: OutboxState,
        next_try: Option<Time>,
        detail: &str,
    ) -> Result<(), StoreError> {
        let update = |transaction: &Connection| {
            let n_updated = transaction
                .prepare_cached(
                    "UPDATE outbox SET state = ?2, next_try = ?3, detail = ?4, \
                     n_tries = n_tries + 1 WHERE id = ?1",
                )?
                .execute(params![to_sql(id), state.as_str(), next_try.map(Time::millis), detail])?;
            match n_updated {
                0 => Err(Failure::Refused(format!("delivery {id} does not exist"))),
                _ => Ok(()),
            }
        };
        match self.write(None, &update) {
            Err(StoreError::Full) => self.write(None, &update),
            other => other,
        }
    }
}

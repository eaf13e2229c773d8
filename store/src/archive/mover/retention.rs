//! What is older than it is kept goes, a piece at a time.
//!
//! "Older" counts from the scene clock or the newest hour that has a row,
//! whichever is earlier: a clock that jumps ahead deletes nothing.

use std::time::Duration;

use model::Time;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Mover, PIECE_ROWS, millis_before};
use crate::StoreError;
use crate::archive::tables;
use crate::rejected::HOUR;
use crate::sqlite::to_sql;

/// Looked for this often.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// Quarantined payloads have up to 256 KiB.
const PAYLOADS: usize = 100;

impl Mover {
    /// One piece, if anything is too old.
    pub(super) async fn expire(&mut self) -> Result<bool, StoreError> {
        let real = self.real();
        if real < self.expire_at {
            return Ok(false);
        }
        let newest = self.store.readers().read(newest_hour).await?;
        let Some(newest) = newest else { return Ok(false) };
        let now = self.scene().min(newest + HOUR);
        let cut = |keep: Option<Duration>| keep.map(|keep| millis_before(now, keep));
        let options = &self.options;
        let mut n_gone = 0;
        if let Some(cut) = cut(options.keep_readings) {
            n_gone += self.store.writer().piece(move |c| expire_hour(c, cut, real)).await?;
        }
        let tables = [
            (cut(options.keep_rollups), expire_rollups as fn(&Connection, i64) -> _),
            (cut(options.keep_replaced), expire_replaced),
            (cut(options.keep_quarantine), expire_quarantine),
        ];
        for (cut, expire) in tables {
            if let Some(cut) = cut {
                n_gone += self.store.writer().piece(move |c| expire(c, cut)).await?;
            }
        }
        if n_gone == 0 {
            self.expire_at = real + EXPIRE_EVERY;
        }
        Ok(0 < n_gone)
    }
}

fn newest_hour(connection: &Connection) -> rusqlite::Result<Option<Time>> {
    let newest: Option<i64> =
        connection.query_row("SELECT max(hour) FROM hours", [], |row| row.get(0))?;
    Ok(newest.map(Time::from_millis_clamped))
}

/// The oldest hour, once nothing of it is on the move. The ledger goes on to
/// count its rows, so their number is kept.
fn expire_hour(connection: &Connection, cut: i64, real: Time) -> rusqlite::Result<u64> {
    let hour_ms = i64::try_from(HOUR.as_millis()).expect("an hour is short");
    let oldest = connection
        .prepare_cached(
            "SELECT hour, file, archived_rows + lost FROM hours \
             WHERE hour <= ?1 ORDER BY hour LIMIT 1",
        )?
        .query_row([cut.saturating_sub(hour_ms)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((hour, file, n_rows)) = oldest else { return Ok(0) };
    let n_gone = connection
        .prepare_cached(
            "DELETE FROM hours \
             WHERE hour = ?1 AND state = 'released' AND rows = 0 AND NOT dirty",
        )?
        .execute([hour])?;
    if n_gone == 0 {
        return Ok(0);
    }
    connection
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES ('expired_rows', CAST(?1 AS TEXT)) \
             ON CONFLICT (key) DO UPDATE \
             SET value = CAST(CAST(value AS INTEGER) + ?1 AS TEXT)",
        )?
        .execute([n_rows])?;
    if let Some(file) = file {
        tables::supersede(connection, file, real)?;
    }
    Ok(1)
}

fn expire_rollups(connection: &Connection, cut: i64) -> rusqlite::Result<u64> {
    let n_gone = connection
        .prepare_cached(
            "DELETE FROM hourly WHERE (datastream, hour) IN \
             (SELECT datastream, hour FROM hourly WHERE hour < ?1 LIMIT ?2)",
        )?
        .execute(params![cut, to_sql(PIECE_ROWS as u64)])?;
    Ok(n_gone as u64)
}

/// Ids grow with time, so the first ones are the oldest.
fn expire_replaced(connection: &Connection, cut: i64) -> rusqlite::Result<u64> {
    let n_gone = connection
        .prepare_cached(
            "DELETE FROM replaced WHERE received < ?1 AND id IN \
             (SELECT id FROM replaced ORDER BY id LIMIT ?2)",
        )?
        .execute(params![cut, to_sql(PIECE_ROWS as u64)])?;
    Ok(n_gone as u64)
}

fn expire_quarantine(connection: &Connection, cut: i64) -> rusqlite::Result<u64> {
    let n_gone = connection
        .prepare_cached(
            "DELETE FROM quarantine WHERE received < ?1 AND id IN \
             (SELECT id FROM quarantine ORDER BY id LIMIT ?2)",
        )?
        .execute(params![cut, to_sql(PAYLOADS as u64)])?;
    Ok(n_gone as u64)
}

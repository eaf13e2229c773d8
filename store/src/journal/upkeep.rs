//! Small work beside the batches: counts from outside, marks, probes.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use tracing::warn;

use super::commits::Note;
use super::transactions::{Failure, Transactions};
use crate::StoreError;
use crate::follower::Content;
use crate::rejected::RejectedKey;
use crate::sqlite::to_sql;

impl Transactions {
    pub(super) fn write_rejected(&mut self) {
        // Still full is no news.
        let _ = self.shared.space.make_room();
        let rejected = self.shared.rejected.take();
        if rejected.is_empty() {
            return;
        }
        if let Err(error) = self.write(None, &|transaction| add_rejected(transaction, &rejected)) {
            warn!(%error, "rejected connections not written, kept");
            self.shared.rejected.put_back(rejected);
        }
    }

    pub(super) fn mark_redriven(&mut self, id: u64) -> Result<(), StoreError> {
        self.write_urgent(|transaction, stamp| {
            let mut mark =
                transaction.prepare_cached("UPDATE quarantine SET redriven = ?2 WHERE id = ?1")?;
            match mark.execute(params![to_sql(id), stamp.at.millis()])? {
                0 => Err(Failure::Refused(format!("quarantined row {id} does not exist"))),
                _ => Ok(Note::of(Content::Other).done(())),
            }
        })
    }

    /// A write that reaches the disk and says nothing.
    pub(super) fn probe(&mut self) -> Result<(), StoreError> {
        let at = self.shared.clock.real().millis().to_string();
        self.write(None, &|transaction| {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', ?1)")?
                .execute([&at])?;
            Ok(())
        })
    }
}

fn add_rejected(
    transaction: &Connection,
    rejected: &HashMap<RejectedKey, u64>,
) -> Result<(), Failure> {
    let mut add = transaction.prepare_cached(
        "INSERT INTO rejected_connections (hour, peer, reason, count) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (hour, peer, reason) DO UPDATE SET count = count + excluded.count",
    )?;
    for (key, n) in rejected {
        add.execute(params![key.hour.millis(), key.peer, key.reason, to_sql(*n)])?;
    }
    Ok(())
}

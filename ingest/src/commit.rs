//! Making rows durable, whatever the store says at first.
//!
//! * The disk or file does not answer: tried again, at growing delays.
//! * The disk is full: tried again when there is room.
//! * A row is refused: halved until it is alone, and set aside.
//!
//! Nothing of a batch is acknowledged before all of it is durable. Giving up
//! is the supervisor's choice, not this module's.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use store::{Committed, Journal, Rows, Store, StoreError};
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::chunk::Entry;
use crate::meter;
use crate::pipeline::Shared;
use crate::retry::RetryDelay;
use crate::split::{Part, find_entry, pick, scrubbed};
use crate::{CommittedBatch, Problem};

/// A full disk is tried again when this much is free.
pub(crate) const FREE_BYTES_MIN: u64 = 64 << 20;

const FREE_BYTES_POLL: Duration = Duration::from_secs(1);

/// The quarantine reason of a row that the store would not take.
pub(crate) const STORE_REFUSED: &str = "store_refused";

type FreeBytes = Box<dyn Fn() -> Result<u64, StoreError> + Send + Sync>;

pub(crate) struct Committer {
    journal: Arc<dyn Journal>,
    free_bytes: FreeBytes,
    shared: Arc<Shared>,
}

impl Committer {
    pub(crate) fn new(journal: Arc<dyn Journal>, store: Store, shared: Arc<Shared>) -> Committer {
        Committer { journal, free_bytes: Box::new(move || store.free_bytes()), shared }
    }

    #[cfg(test)]
    pub(crate) fn set_free_bytes(
        &mut self,
        free_bytes: impl Fn() -> Result<u64, StoreError> + Send + Sync + 'static,
    ) {
        self.free_bytes = Box::new(free_bytes);
    }

    /// Returns when all rows are durable, or set aside durably; what is set
    /// aside is booked with the entry it came from.
    pub(crate) async fn commit(&self, rows: Rows, entries: &mut [Entry]) -> Vec<CommittedBatch> {
        let rows = Arc::new(rows);
        match self.commit_until_durable(&rows).await {
            Ok(committed) => vec![CommittedBatch { committed, rows }],
            Err(_) => self.commit_in_parts(&rows, entries).await,
        }
    }

    /// Returns when the rows are durable, or with what the store says of a row
    /// that it will never take.
    async fn commit_until_durable(&self, rows: &Arc<Rows>) -> Result<Committed, String> {
        let n_rows = rows.observations.len() + rows.quarantined.len() + rows.refused.len();
        let mut delay = RetryDelay::default();
        let mut n_failures = 0_u32;
        let outcome = loop {
            let error = match self.journal.commit(rows).await {
                Ok(committed) => break Ok(committed),
                Err(StoreError::Refused { detail }) => break Err(detail),
                Err(error) => error,
            };
            meter::count_store_error(&error);
            if n_failures == 0 {
                error!(%error, rows = n_rows, "commit failed, will retry");
                self.shared.is_stalled.store(true, Ordering::Relaxed);
            }
            n_failures = n_failures.saturating_add(1);
            match error {
                StoreError::Full => self.wait_for_space().await,
                _ => delay.wait().await,
            }
        };
        if 0 < n_failures {
            info!(n_failures, "commit works again");
            self.shared.is_stalled.store(false, Ordering::Relaxed);
        }
        outcome
    }

    /// A full disk is not tried again before it has room.
    async fn wait_for_space(&self) {
        self.shared.is_disk_full.store(true, Ordering::Relaxed);
        loop {
            sleep(FREE_BYTES_POLL).await;
            match (self.free_bytes)() {
                Ok(free) if FREE_BYTES_MIN <= free => break,
                Ok(_) => {}
                Err(error) => meter::count_store_error(&error),
            }
        }
        self.shared.is_disk_full.store(false, Ordering::Relaxed);
    }

    /// The store refused the batch: halves it until the bad rows are alone,
    /// and sets those aside. The good ones are stored.
    async fn commit_in_parts(
        &self,
        rows: &Arc<Rows>,
        entries: &mut [Entry],
    ) -> Vec<CommittedBatch> {
        let mut written = Vec::new();
        let mut set_aside = Rows::default();
        let mut open: Vec<Range<usize>> = Vec::new();
        open.push(0..Part::len(rows));
        while let Some(range) = open.pop() {
            if range.is_empty() {
                continue;
            }
            let part = Arc::new(pick(rows, range.clone()));
            match self.commit_until_durable(&part).await {
                Ok(committed) => written.push(CommittedBatch { committed, rows: part }),
                Err(detail) if range.len() == 1 => {
                    self.set_aside(rows, range.start, detail, entries, &mut set_aside);
                }
                Err(_) => {
                    let middle = range.start + range.len() / 2;
                    open.push(middle..range.end);
                    open.push(range.start..middle);
                }
            }
        }
        if !set_aside.is_empty() {
            written.push(self.commit_set_aside(Arc::new(set_aside)).await);
        }
        written
    }

    fn set_aside(
        &self,
        rows: &Rows,
        index: usize,
        detail: String,
        entries: &mut [Entry],
        set_aside: &mut Rows,
    ) {
        warn!(%detail, "the store refused a row, it is set aside");
        match Part::at(rows, index) {
            Part::Observation(place) => {
                let entry = find_entry(entries, place);
                let row = entry.origin.quarantine(STORE_REFUSED, detail.clone(), 1);
                set_aside.quarantined.push(row);
                entry.n_store_refused += 1;
                let pointer = Problem::WHOLE.to_owned();
                entry.problems.push(Problem { pointer, code: STORE_REFUSED, detail });
            }
            Part::Quarantine(place) => {
                set_aside.quarantined.push(scrubbed(&rows.quarantined[place], detail));
            }
            Part::Refusal(place) => {
                let mut row = rows.refused[place].clone();
                row.peer = String::new();
                row.topic = String::new();
                set_aside.refused.push(row);
            }
        }
    }

    /// Rows made of our own texts: that the store refuses these is a fault of
    /// the program, and retried like any other.
    async fn commit_set_aside(&self, rows: Arc<Rows>) -> CommittedBatch {
        let mut delay = RetryDelay::default();
        loop {
            match self.commit_until_durable(&rows).await {
                Ok(committed) => return CommittedBatch { committed, rows },
                Err(detail) => {
                    error!(%detail, "the store refuses what was set aside, will retry");
                    delay.wait().await;
                }
            }
        }
    }
}

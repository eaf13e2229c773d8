//! The mover: what becomes of an hour after it ended.
//!
//! | state      | when                | read from                                   |
//! |------------|---------------------|---------------------------------------------|
//! | `open`     | from its first row  | the journal                                 |
//! | `closed`   | 2 h after its end   | the journal; a generation is in the archive |
//! | `released` | after the hot time  | the archive; journal rows win by key        |
//!
//! *Rewriting* an hour makes its next generation, of all rows up to the last
//! commit *c* when it began, and one transaction makes it count. Rows with a
//! commit above *c* stay in the journal, as does the mark `dirty`, so nothing
//! that arrives meanwhile is lost. *Releasing* only changes the state. Then
//! rows that the generation has are deleted, a piece at a time; until the last
//! is gone they are in both places and equal.
//!
//! A row that is stored into a released hour is noted in `late`, because the
//! ledger counted it as new and the archive may have its key. Before a rewrite
//! the notes up to *c* are *settled* against the generation that counts: the
//! same value becomes a duplicate and leaves, another value has replaced.
//!
//! Every transaction is a short piece that the writer runs after commits and
//! ticks. A kill between any two leaves either generation counting and both
//! readable; what was being written is removed at the next start.

mod compact;
mod late;
mod retention;
mod rewrite;
mod rollups;
mod tidy;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{PropertyId, Time};
use tracing::{error, info};

use super::tables::{self, HourState, Which};
use super::{Archive, Part};
use crate::query::TimeRange;
use crate::rejected::HOUR;
use crate::{Store, StoreError};

/// An hour closes this long after its end.
const CLOSE_AFTER: Duration = Duration::from_secs(2 * 3600);

/// Who began to read a generation has this long to finish.
const SUPERSEDED_KEPT: Duration = Duration::from_secs(600);

const IDLE: Duration = Duration::from_secs(5);
const REST_MAX: Duration = Duration::from_secs(2);
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Rows of one piece: a few milliseconds of the writer's time.
const PIECE_ROWS: usize = 5_000;

/// Hours of one round of merging.
const ROUND_MAX: usize = 10_000;

#[derive(Debug, Clone)]
pub struct MoverOptions {
    /// How long after its end an hour is read from the journal.
    pub hot: Duration,
    /// How often late rows are merged, of the real clock.
    pub merge_every: Duration,
    /// How often the hours of settled days become one file, of the real clock.
    pub compact_every: Duration,
    /// Properties whose datastreams get sums for each hour.
    pub rollups: BTreeSet<PropertyId>,
    /// How long things are kept; `None` is for ever.
    pub keep_readings: Option<Duration>,
    pub keep_rollups: Option<Duration>,
    pub keep_replaced: Option<Duration>,
    pub keep_quarantine: Option<Duration>,
}

impl Default for MoverOptions {
    fn default() -> MoverOptions {
        let days = |n: u64| Some(Duration::from_secs(n * 86_400));
        MoverOptions {
            hot: Duration::from_secs(72 * 3600),
            merge_every: Duration::from_secs(600),
            compact_every: Duration::from_secs(86_400),
            rollups: BTreeSet::new(),
            keep_readings: None,
            keep_rollups: days(400),
            keep_replaced: days(400),
            keep_quarantine: days(400),
        }
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is nothing to do now.
    Idle,
    Closed(Time),
    Released(Time),
    /// Rows that the archive has left the journal.
    Deleted(u64),
    /// Late rows of the hour are in its new generation.
    Merged(Time),
    /// The hours of a day are one file.
    Compacted(Time),
    /// A file that nobody reads any more is gone.
    Removed,
    /// Something is older than it is kept.
    Expired,
}

/// Moves hours one step at a time. There is one for a store.
#[derive(Debug)]
pub struct Mover {
    store: Store,
    options: MoverOptions,
    is_clean: bool,
    /// The picture of the directory whose names the archive has.
    described: Option<u64>,
    merge_at: Time,
    /// Dirty hours of this round.
    to_merge: VecDeque<Time>,
    /// Released hours that may have rows to delete.
    to_delete: VecDeque<Time>,
    compact_at: Time,
    to_compact: VecDeque<Time>,
    expire_at: Time,
}

impl Mover {
    pub fn new(store: Store, options: MoverOptions) -> Mover {
        let (to_merge, to_delete, to_compact) = Default::default();
        Mover {
            store,
            options,
            is_clean: false,
            described: None,
            merge_at: Time::MIN,
            to_merge,
            to_delete,
            compact_at: Time::MIN,
            to_compact,
            expire_at: Time::MIN,
        }
    }

    /// Steps for ever, never more than half of the time. An error is told once
    /// and tried again: nothing is lost by waiting. Cancel-safe: what a step
    /// leaves behind is what a kill would.
    pub async fn run(mut self) {
        let mut is_failing = false;
        loop {
            let begun = Instant::now();
            let rest = match self.step().await {
                Ok(Step::Idle) => IDLE,
                Ok(_) => begun.elapsed().min(REST_MAX),
                Err(error) => {
                    if !is_failing {
                        error!(%error, "the archive is not written; rows stay in the journal");
                    }
                    is_failing = true;
                    tokio::time::sleep(AFTER_FAILURE).await;
                    continue;
                }
            };
            if is_failing {
                info!("the archive is written again");
                is_failing = false;
            }
            tokio::time::sleep(rest).await;
        }
    }

    /// Does the next thing, oldest first. After an error the same may be tried
    /// again.
    pub async fn step(&mut self) -> Result<Step, StoreError> {
        let step = self.advance().await;
        if step.is_err() {
            // What was under way is as a kill would leave it.
            self.is_clean = false;
        }
        step
    }

    async fn advance(&mut self) -> Result<Step, StoreError> {
        if self.store.shared().space.is_full() {
            return Err(StoreError::Full);
        }
        if !self.is_clean {
            self.clean().await?;
            self.is_clean = true;
        }
        self.describe().await?;
        if let Some(step) = self.delete_some().await? {
            return Ok(step);
        }
        if let Some(hour) = self.first(Which::Open, CLOSE_AFTER).await? {
            self.rewrite(&hour).await?;
            return Ok(Step::Closed(hour.hour));
        }
        if let Some(hour) = self.first(Which::Closed, self.options.hot).await? {
            self.release(hour.hour).await?;
            return Ok(Step::Released(hour.hour));
        }
        if let Some(step) = self.merge_next().await? {
            return Ok(step);
        }
        if let Some(step) = self.compact_next().await? {
            return Ok(step);
        }
        if self.remove_superseded().await? {
            return Ok(Step::Removed);
        }
        if self.expire().await? {
            return Ok(Step::Expired);
        }
        Ok(Step::Idle)
    }

    fn scene(&self) -> Time {
        self.store.shared().clock.scene()
    }

    fn real(&self) -> Time {
        self.store.shared().clock.real()
    }

    fn archive(&self) -> &Arc<dyn Archive> {
        &self.store.history().archive
    }

    /// The oldest hour of this kind that ended so long ago.
    async fn first(&self, which: Which, ago: Duration) -> Result<Option<tables::Hour>, StoreError> {
        // An hour that ends at the instant is old enough.
        let before = Time::from_millis_clamped(millis_before(self.scene(), ago + HOUR) + 1);
        let found = self.store.readers().read(move |c| tables::hours(c, which, before, 1)).await?;
        Ok(found.into_iter().next())
    }

    /// From now on the archive is read.
    async fn release(&mut self, hour: Time) -> Result<(), StoreError> {
        let release = move |c: &rusqlite::Connection| {
            c.prepare_cached(
                "UPDATE hours SET state = 'released' \
                 WHERE hour = ?1 AND state = 'closed' AND file IS NOT NULL",
            )?
            .execute([hour.millis()])
            .map(|n| n as u64)
        };
        if self.store.writer().piece(release).await? == 0 {
            return Err(StoreError::Corrupt {
                detail: format!("hour {hour} is closed and has no file; run `tidewatch repair`"),
            });
        }
        self.to_delete.push_back(hour);
        Ok(())
    }

    async fn merge_next(&mut self) -> Result<Option<Step>, StoreError> {
        let real = self.real();
        if self.to_merge.is_empty() && self.merge_at <= real {
            self.merge_at = real + self.options.merge_every;
            let list = |which| move |c: &_| tables::hours(c, which, Time::MAX, ROUND_MAX);
            let dirty = self.store.readers().read(list(Which::Dirty)).await?;
            self.to_merge.extend(dirty.iter().map(|hour| hour.hour));
            // Rows that followers still needed may be free now.
            let left = self.store.readers().read(list(Which::Leftover)).await?;
            self.to_delete = left.iter().map(|hour| hour.hour).collect();
        }
        while let Some(hour) = self.to_merge.pop_front() {
            let found = self.store.readers().read(move |c| tables::one_hour(c, hour)).await?;
            let Some(found) = found.filter(|hour| hour.is_dirty) else { continue };
            // Rows that followers have not seen stay where they are.
            let followed = self.store.readers().read(tables::followed).await?;
            if found.state == HourState::Released && followed <= found.archived_commit {
                continue;
            }
            self.rewrite(&found).await?;
            if found.state == HourState::Released {
                self.to_delete.push_back(hour);
            }
            return Ok(Some(Step::Merged(hour)));
        }
        Ok(None)
    }

    /// A generation's name that nobody has.
    async fn name(&self, part: Part, after: u64) -> Result<(String, u64), StoreError> {
        let mut generation = after + 1;
        while self.archive().has(&part.name(generation)).await? {
            generation += 1;
        }
        Ok((part.name(generation), generation))
    }
}

/// Millis of `time` less a duration.
fn millis_before(time: Time, ago: Duration) -> i64 {
    let ago_ms = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
    time.millis().saturating_sub(ago_ms)
}

fn range_of(hour: Time) -> TimeRange {
    TimeRange { start: hour, stop: hour + HOUR }
}

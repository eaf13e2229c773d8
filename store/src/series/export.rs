//! Many datastreams from beginning to end, in order of time and key.
//!
//! Each page is all rows of a piece of time, so an instant is never split
//! between two pages. How long a piece is follows the density.

use std::time::Duration;

use model::Time;

use crate::{DatastreamKey, Store, StoreError, StoredObservation, TimeRange};

use super::reader::next_step;

/// Rows of a page: below 4 MiB.
const PAGE_ROWS: usize = 50_000;

const STEP_FIRST: Duration = Duration::from_secs(3_600);
const STEP_MIN: Duration = Duration::from_millis(1);
const STEP_MAX: Duration = Duration::from_secs(366 * 86_400);

#[derive(Debug)]
pub struct ExportReader {
    store: Store,
    datastreams: Vec<DatastreamKey>,
    left: TimeRange,
    step: Duration,
}

impl ExportReader {
    /// `datastreams` without repetition.
    pub fn new(
        store: &Store,
        mut datastreams: Vec<DatastreamKey>,
        range: TimeRange,
    ) -> ExportReader {
        datastreams.sort();
        datastreams.dedup();
        ExportReader { store: store.clone(), datastreams, left: range, step: STEP_FIRST }
    }

    /// The rows of the next piece of time that has any; `None` at the end of
    /// the range.
    pub async fn next_page(
        &mut self,
    ) -> Result<Option<Vec<(DatastreamKey, StoredObservation)>>, StoreError> {
        while self.left.start < self.left.stop && !self.datastreams.is_empty() {
            let stop = self.left.stop.min(self.left.start + self.step);
            let rows = self.piece(TimeRange { start: self.left.start, stop }).await?;
            let is_cut = rows.len() >= PAGE_ROWS;
            let is_shortest = self.left.start + STEP_MIN >= stop;
            let was = self.step;
            self.step = next_step(self.step, rows.len(), PAGE_ROWS, STEP_MIN..=STEP_MAX);
            if is_cut && !is_shortest {
                // The piece has more rows than a page: again, with a shorter one.
                let length_ms = stop.millis_since(self.left.start).unsigned_abs();
                self.step = was.min(Duration::from_millis(length_ms)) / 2;
                self.step = self.step.max(STEP_MIN);
                continue;
            }
            self.left.start = stop;
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    /// Everything before this instant was handed out.
    pub fn position(&self) -> Time {
        self.left.start
    }

    /// At most a page; a piece of one millisecond is read whole, as it has one
    /// row of each datastream at most.
    async fn piece(
        &self,
        range: TimeRange,
    ) -> Result<Vec<(DatastreamKey, StoredObservation)>, StoreError> {
        let limit = PAGE_ROWS.max(self.datastreams.len());
        let (_, slices) = self.store.slices(self.datastreams.clone(), range, limit).await?;
        let with_key = self.datastreams.iter().zip(slices);
        let mut rows: Vec<(DatastreamKey, StoredObservation)> =
            with_key.flat_map(|(key, rows)| rows.into_iter().map(|row| (*key, row))).collect();
        rows.sort_by_key(|(key, row)| (row.time, *key));
        Ok(rows)
    }
}

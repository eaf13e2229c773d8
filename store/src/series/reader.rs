//! One datastream from beginning to end, a page at a time.

use std::time::Duration;

use model::Time;

use crate::{DatastreamKey, Store, StoreError, StoredObservation, TimeRange};

/// Rows of a page: about half a megabyte.
const PAGE_ROWS: usize = 10_000;

/// A page looks at this much time at first; sparse series take longer steps,
/// dense ones shorter ones, so that a transaction stays far below its limit.
const STEP_FIRST: Duration = Duration::from_secs(7 * 86_400);
const STEP_MIN: Duration = Duration::from_secs(600);
const STEP_MAX: Duration = Duration::from_secs(366 * 86_400);

/// Rows of one datastream in time order. Each page sees the newest commit of
/// its own moment; a row that arrives behind the reader is not seen.
#[derive(Debug)]
pub struct SeriesReader {
    store: Store,
    datastream: DatastreamKey,
    left: TimeRange,
    step: Duration,
}

impl SeriesReader {
    pub fn new(store: &Store, datastream: DatastreamKey, range: TimeRange) -> SeriesReader {
        SeriesReader { store: store.clone(), datastream, left: range, step: STEP_FIRST }
    }

    /// The next rows, never an empty page; `None` at the end of the range.
    pub async fn next_page(&mut self) -> Result<Option<Vec<StoredObservation>>, StoreError> {
        while self.left.start < self.left.stop {
            let stop = self.left.stop.min(self.left.start + self.step);
            let piece = TimeRange { start: self.left.start, stop };
            let rows = self.store.observations(self.datastream, piece, PAGE_ROWS).await?;
            self.left.start = match rows.last() {
                Some(last) if rows.len() == PAGE_ROWS => last.time + Duration::from_millis(1),
                _ => stop,
            };
            self.step = next_step(self.step, rows.len(), PAGE_ROWS, STEP_MIN..=STEP_MAX);
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    /// Where the next page begins.
    pub fn position(&self) -> Time {
        self.left.start
    }
}

/// How much time the next page looks at, after one of `n_rows`.
pub(super) fn next_step(
    step: Duration,
    n_rows: usize,
    page_rows: usize,
    bounds: std::ops::RangeInclusive<Duration>,
) -> Duration {
    let next = match n_rows {
        n if n >= page_rows => step / 2,
        n if n < page_rows / 8 => step * 2,
        _ => step,
    };
    next.clamp(*bounds.start(), *bounds.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(step_h: u64, n_rows: usize, expected_h: u64) {
        let hours = |h: u64| Duration::from_secs(h * 3600);
        let found = next_step(hours(step_h), n_rows, 1_000, hours(1)..=hours(100));
        assert_eq!(found, hours(expected_h));
    }

    #[test]
    fn steps_follow_the_density_within_their_bounds() {
        check(10, 1_000, 5);
        check(10, 500, 10);
        check(10, 0, 20);
        check(1, 1_000, 1);
        check(80, 3, 100);
    }
}

//! From the rows of a datastream to one value for each window. Rows come in
//! time order, one at a time; sums go in the same order.
//!
//! The time-weighted mean takes a reading as a level that holds until the next
//! one, but for `hold_max` at most: three periods of the property, so that a
//! silent sensor does not fill the night with its last word. A window's value
//! is the mean of the level over the time in which one was known, and
//! `coverage` says which share of the window that was.

use std::time::Duration;

use model::{Flag, Time};

use crate::query::{Aggregate, Step, StoredObservation, TimeRange};

/// What is made of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowValue {
    Of(Aggregate),
    TimeWeightedMean {
        /// A reading holds at most this long.
        hold_max: Duration,
        /// No level is known from here on: the present.
        known_until: Time,
    },
}

/// One window; `start` is its first instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesWindow {
    pub start: Time,
    pub value: f64,
    /// Readings in it that did not fail.
    pub n: u64,
    /// Share of the window in which a level was known; of time-weighted means.
    pub coverage: Option<f64>,
}

/// Failed values are left out, and windows without a value.
#[derive(Debug)]
pub struct Windows {
    step: Step,
    range: TimeRange,
    value: WindowValue,
    open: Option<Open>,
    /// The last reading, of a time-weighted mean.
    level: Option<(Time, f64)>,
    finished: Vec<SeriesWindow>,
}

/// A window under way.
#[derive(Debug, Clone, Copy)]
struct Open {
    start: Time,
    n: u64,
    sum: f64,
    min: f64,
    max: f64,
    first: f64,
    last: f64,
    /// Milliseconds in which a level was known, and the level summed over them.
    covered_ms: i64,
    level_ms: f64,
}

impl Windows {
    pub fn new(step: Step, range: TimeRange, value: WindowValue) -> Windows {
        Windows { step, range, value, open: None, level: None, finished: Vec::new() }
    }

    /// What must be read: the level at the range's start comes from before it.
    pub fn read_range(&self) -> TimeRange {
        match self.value {
            WindowValue::Of(_) => self.range,
            WindowValue::TimeWeightedMean { hold_max, .. } => {
                TimeRange { start: self.range.start - hold_max, stop: self.range.stop }
            }
        }
    }

    /// Takes the next row in time order; hands finished windows to `each`.
    pub fn push(&mut self, row: &StoredObservation, each: &mut impl FnMut(SeriesWindow)) {
        if row.quality.flag() == Flag::Fail {
            return;
        }
        if let WindowValue::TimeWeightedMean { .. } = self.value {
            self.hold_until(row.time);
            self.level = Some((row.time, row.value));
        }
        if self.range.start <= row.time && row.time < self.range.stop {
            self.window_of(row.time).add(row.value);
        }
        self.finished.drain(..).for_each(each);
    }

    /// The windows that are left when no row follows.
    pub fn finish(mut self, each: &mut impl FnMut(SeriesWindow)) {
        self.hold_until(self.range.stop);
        self.close();
        self.finished.drain(..).for_each(each);
    }

    /// The open window that `time` is in.
    fn window_of(&mut self, time: Time) -> &mut Open {
        let start = self.step.window_start(time);
        if self.open.is_some_and(|open| open.start != start) {
            self.close();
        }
        self.open.get_or_insert(Open::new(start))
    }

    fn close(&mut self) {
        let closed = self.open.take().and_then(|open| open.value(self.value, self.step.every));
        self.finished.extend(closed);
    }

    /// Spreads the held level over the windows up to `next`.
    fn hold_until(&mut self, next: Time) {
        let WindowValue::TimeWeightedMean { hold_max, known_until } = self.value else {
            return;
        };
        let Some((since, level)) = self.level else {
            return;
        };
        let end = next.min(since + hold_max).min(known_until).min(self.range.stop);
        let mut begin = since.max(self.range.start);
        while begin < end {
            let stop = (self.step.window_start(begin) + self.step.every).min(end);
            self.window_of(begin).hold(level, stop.millis_since(begin));
            // Windows of no length cannot be asked for; this ends all the same.
            begin = stop.max(begin + Duration::from_millis(1));
        }
    }
}

impl Step {
    /// The start of the window that `time` is in.
    pub fn window_start(&self, time: Time) -> Time {
        let every_ms = i64::try_from(self.every.as_millis()).unwrap_or(i64::MAX).max(1);
        let n_windows = time.millis_since(self.origin).div_euclid(every_ms);
        let start_ms = n_windows.saturating_mul(every_ms).saturating_add(self.origin.millis());
        Time::from_millis_clamped(start_ms)
    }
}

impl Open {
    fn new(start: Time) -> Open {
        Open {
            start,
            n: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            first: 0.0,
            last: 0.0,
            covered_ms: 0,
            level_ms: 0.0,
        }
    }

    fn add(&mut self, value: f64) {
        if self.n == 0 {
            self.first = value;
        }
        self.n += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.last = value;
    }

    #[expect(clippy::cast_precision_loss, reason = "a window is far below 2^53 ms")]
    fn hold(&mut self, level: f64, length_ms: i64) {
        self.covered_ms += length_ms;
        self.level_ms += level * length_ms as f64;
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and lengths stay far below 2^53")]
    fn value(&self, value: WindowValue, every: Duration) -> Option<SeriesWindow> {
        let n = self.n as f64;
        let (value, coverage) = match value {
            WindowValue::TimeWeightedMean { .. } => {
                let covered = self.covered_ms as f64;
                let share = covered / (every.as_secs_f64() * 1000.0);
                (self.covered_ms > 0).then_some((self.level_ms / covered, Some(share)))?
            }
            WindowValue::Of(_) if self.n == 0 => return None,
            WindowValue::Of(Aggregate::Mean) => (self.sum / n, None),
            WindowValue::Of(Aggregate::Min) => (self.min, None),
            WindowValue::Of(Aggregate::Max) => (self.max, None),
            WindowValue::Of(Aggregate::Sum) => (self.sum, None),
            WindowValue::Of(Aggregate::Count) => (n, None),
            WindowValue::Of(Aggregate::First) => (self.first, None),
            WindowValue::Of(Aggregate::Last) => (self.last, None),
        };
        Some(SeriesWindow { start: self.start, value, n: self.n, coverage })
    }
}

#[cfg(test)]
mod tests {
    use model::Quality;
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: Time = Time::EPOCH;

    fn at(minute: i64) -> Time {
        Time::from_millis(minute * 60_000).unwrap()
    }

    fn row(minute: i64, value: f64, flag: Flag) -> StoredObservation {
        let quality = Quality::new(flag);
        StoredObservation {
            time: at(minute),
            since: None,
            value,
            quality,
            received: at(minute),
            commit: 1,
        }
    }

    fn run(
        value: WindowValue,
        (start, stop): (i64, i64),
        rows: &[StoredObservation],
    ) -> Vec<SeriesWindow> {
        let step = Step { every: Duration::from_secs(600), origin: ORIGIN };
        let range = TimeRange { start: at(start), stop: at(stop) };
        let mut windows = Windows::new(step, range, value);
        let mut found = Vec::new();
        for row in rows {
            windows.push(row, &mut |window| found.push(window));
        }
        windows.finish(&mut |window| found.push(window));
        found
    }

    /// Windows of ten minutes; expected are start in minutes, value, count.
    #[track_caller]
    fn check(aggregate: Aggregate, readings: &[(i64, f64)], expected: &[(i64, f64, u64)]) {
        let rows: Vec<_> =
            readings.iter().map(|(minute, value)| row(*minute, *value, Flag::Pass)).collect();
        let found = run(WindowValue::Of(aggregate), (0, 60), &rows);
        let found: Vec<_> =
            found.iter().map(|w| (w.start.millis() / 60_000, w.value, w.n)).collect();
        assert_eq!(found, expected, "{aggregate:?}");
    }

    #[test]
    fn each_aggregate_is_of_its_window() {
        let readings = [(0, 4.0), (5, 1.0), (9, 4.0), (30, 7.0)];
        check(Aggregate::Mean, &readings, &[(0, 3.0, 3), (30, 7.0, 1)]);
        check(Aggregate::Min, &readings, &[(0, 1.0, 3), (30, 7.0, 1)]);
        check(Aggregate::Max, &readings, &[(0, 4.0, 3), (30, 7.0, 1)]);
        check(Aggregate::Sum, &readings, &[(0, 9.0, 3), (30, 7.0, 1)]);
        check(Aggregate::Count, &readings, &[(0, 3.0, 3), (30, 1.0, 1)]);
        check(Aggregate::First, &readings, &[(0, 4.0, 3), (30, 7.0, 1)]);
        check(Aggregate::Last, &[(0, 4.0), (9, 2.0)], &[(0, 2.0, 2)]);
        check(Aggregate::Mean, &[], &[]);
    }

    /// A level holds for at most 15 minutes; expected are start in minutes,
    /// value, count and covered minutes.
    #[track_caller]
    fn check_level(
        range: (i64, i64),
        known_until: i64,
        readings: &[(i64, f64, Flag)],
        expected: &[(i64, f64, u64, i64)],
    ) {
        let rows: Vec<_> = readings.iter().map(|(m, value, flag)| row(*m, *value, *flag)).collect();
        let value = WindowValue::TimeWeightedMean {
            hold_max: Duration::from_secs(900),
            known_until: at(known_until),
        };
        let found: Vec<_> = run(value, range, &rows)
            .iter()
            .map(|w| {
                let covered = w.coverage.unwrap() * 10.0;
                #[expect(clippy::cast_possible_truncation, reason = "whole minutes")]
                let covered = covered.round() as i64;
                (w.start.millis() / 60_000, w.value, w.n, covered)
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_level_holds_until_the_next_reading_or_three_periods() {
        use Flag::{Fail, Pass};
        // 8 minutes of 10, then 2 of 20.
        check_level((0, 10), 99, &[(0, 10.0, Pass), (8, 20.0, Pass)], &[(0, 12.0, 2, 10)]);
        // Over the window's border, and no longer than 15 minutes.
        check_level((0, 60), 99, &[(5, 3.0, Pass)], &[(0, 3.0, 1, 5), (10, 3.0, 0, 10)]);
        // The reading before the range is its first level.
        check_level((10, 20), 99, &[(8, 6.0, Pass), (15, 2.0, Pass)], &[(10, 4.0, 1, 10)]);
        // Too long before.
        check_level((10, 20), 99, &[(-6, 6.0, Pass)], &[]);
        // What failed says nothing; the level before it still holds.
        check_level((0, 10), 99, &[(0, 1.0, Pass), (4, 9.0, Fail)], &[(0, 1.0, 1, 10)]);
        // Nobody knows the future.
        check_level((0, 20), 6, &[(0, 1.0, Pass)], &[(0, 1.0, 1, 6)]);
        check_level((0, 20), 99, &[], &[]);
    }

    proptest! {
        #[test]
        fn a_weighted_mean_is_within_its_readings_and_covers_at_most_the_window(
            minutes in proptest::collection::btree_set(-20_i64..80, 0..40),
            values in proptest::collection::vec(-1e6_f64..1e6, 40),
        ) {
            let rows: Vec<_> =
                minutes.iter().zip(&values).map(|(m, v)| row(*m, *v, Flag::Pass)).collect();
            let value = WindowValue::TimeWeightedMean {
                hold_max: Duration::from_secs(900),
                known_until: Time::MAX,
            };
            let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let found = run(value, (0, 60), &rows);
            prop_assert!(found.is_sorted_by(|a, b| a.start < b.start));
            for window in found {
                let coverage = window.coverage.unwrap();
                prop_assert!(0.0 < coverage && coverage <= 1.0 + 1e-12);
                prop_assert!(lowest - 1e-6 <= window.value && window.value <= highest + 1e-6);
            }
        }
    }
}

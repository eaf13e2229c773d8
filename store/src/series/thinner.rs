//! Down-sampling of any number of rows in bounded memory.
//!
//! Up to [`EXACT_MAX`] rows are kept as they come and the method chooses among
//! all of them. Beyond, the span is cut into equal buckets of time whose
//! lowest and highest rows go on, and the method chooses among those
//! (MinMaxLTTB); the answer names what was done.

use crate::TimeRange;

use super::downsample::{Point, lttb, min_max};

const EXACT_MAX: usize = 100_000;
const N_BUCKETS: i64 = 25_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downsampling {
    Lttb,
    MinMax,
}

impl Downsampling {
    fn choose(self, points: &[Point], n_max: usize) -> Vec<usize> {
        match self {
            Downsampling::Lttb => lttb(points, n_max),
            Downsampling::MinMax => min_max(points, n_max),
        }
    }
}

/// What is left, in time order.
#[derive(Debug, Clone, PartialEq)]
pub struct Thinned<T> {
    pub rows: Vec<T>,
    /// How many there were.
    pub n_before: u64,
    /// How it was done; `None` when all rows are there.
    pub method: Option<&'static str>,
}

#[derive(Debug)]
pub struct Thinner<T> {
    range: TimeRange,
    point: fn(&T) -> Point,
    rows: Vec<T>,
    n_before: u64,
    /// Set once there were too many rows to keep all.
    bucket: Option<Bucket<T>>,
}

/// The extremes of the bucket under way, and the last row of all.
#[derive(Debug)]
struct Bucket<T> {
    number: i64,
    lowest: T,
    highest: T,
    last: T,
}

impl<T: Copy> Thinner<T> {
    /// `point` is what a row looks like on a chart.
    pub fn new(range: TimeRange, point: fn(&T) -> Point) -> Thinner<T> {
        Thinner { range, point, rows: Vec::new(), n_before: 0, bucket: None }
    }

    /// Takes the next row in time order.
    pub fn push(&mut self, row: T) {
        self.n_before += 1;
        if self.bucket.is_some() {
            self.push_into_bucket(row);
        } else if self.rows.len() < EXACT_MAX {
            self.rows.push(row);
        } else {
            let mut all = std::mem::take(&mut self.rows).into_iter();
            // The first row stays whatever its bucket says.
            self.rows.extend(all.next());
            all.for_each(|row| self.push_into_bucket(row));
            self.push_into_bucket(row);
        }
    }

    fn push_into_bucket(&mut self, row: T) {
        let (time_ms, value) = (self.point)(&row);
        let span_ms = self.range.stop.millis_since(self.range.start).max(1);
        let since_start = i128::from(time_ms - self.range.start.millis());
        let number = since_start * i128::from(N_BUCKETS) / i128::from(span_ms);
        let number = i64::try_from(number).unwrap_or(N_BUCKETS);
        match &mut self.bucket {
            Some(bucket) if bucket.number == number => {
                if value < (self.point)(&bucket.lowest).1 {
                    bucket.lowest = row;
                }
                if value > (self.point)(&bucket.highest).1 {
                    bucket.highest = row;
                }
                bucket.last = row;
            }
            _ => {
                self.close_bucket();
                self.bucket = Some(Bucket { number, lowest: row, highest: row, last: row });
            }
        }
    }

    fn close_bucket(&mut self) -> Option<T> {
        let bucket = self.bucket.take()?;
        let time = |row: &T| (self.point)(row).0;
        let (earlier, later) = if time(&bucket.lowest) <= time(&bucket.highest) {
            (bucket.lowest, bucket.highest)
        } else {
            (bucket.highest, bucket.lowest)
        };
        let is_one = time(&earlier) == time(&later);
        self.rows.push(earlier);
        if !is_one {
            self.rows.push(later);
        }
        Some(bucket.last)
    }

    /// At most `n_max` rows; with at least four, the first, the last and, by
    /// `MinMax`, the extremes of all are among them.
    pub fn finish(mut self, n_max: usize, downsampling: Downsampling) -> Thinned<T> {
        let last = self.close_bucket();
        let is_exact = last.is_none();
        if let Some(last) = last {
            let time = |row: &T| (self.point)(row).0;
            if self.rows.last().is_some_and(|row| time(row) < time(&last)) {
                self.rows.push(last);
            }
        }
        let method = match downsampling {
            _ if is_exact && self.rows.len() <= n_max => None,
            Downsampling::Lttb if is_exact => Some("lttb"),
            Downsampling::Lttb => Some("minmax_lttb"),
            Downsampling::MinMax => Some("minmax"),
        };
        let points: Vec<Point> = self.rows.iter().map(self.point).collect();
        let kept = downsampling.choose(&points, n_max);
        let rows = kept.into_iter().map(|place| self.rows[place]).collect();
        Thinned { rows, n_before: self.n_before, method }
    }
}

#[cfg(test)]
mod tests {
    use model::Time;

    use super::*;

    fn thin(n: i64, n_max: usize, downsampling: Downsampling) -> Thinned<Point> {
        let stop = Time::from_millis(n * 10).unwrap();
        let mut thinner =
            Thinner::new(TimeRange { start: Time::EPOCH, stop }, |point: &Point| *point);
        for place in 0..n {
            // One high and one low point among many small ones.
            let value = match place {
                777 => 1e6,
                1_234 => -1e6,
                _ => f64::from(u8::try_from(place % 100).unwrap()),
            };
            thinner.push((place * 10, value));
        }
        thinner.finish(n_max, downsampling)
    }

    #[track_caller]
    fn check(n: i64, downsampling: Downsampling, method: Option<&str>) {
        let n_max = 2_000;
        let thinned = thin(n, n_max, downsampling);
        assert_eq!((thinned.n_before, thinned.method), (n.unsigned_abs(), method), "{n}");
        assert!(thinned.rows.len() <= n_max);
        assert!(thinned.rows.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(thinned.rows.first().unwrap().0, 0);
        assert_eq!(thinned.rows.last().unwrap().0, (n - 1) * 10);
        for extreme in [1e6, -1e6] {
            assert!(thinned.rows.iter().any(|row| row.1 == extreme), "{n}: {extreme} is gone");
        }
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        check(2_000, Downsampling::Lttb, None);
        check(2_000, Downsampling::MinMax, None);
    }

    #[test]
    fn extremes_and_ends_stay_also_beyond_what_is_kept_in_memory() {
        check(50_000, Downsampling::Lttb, Some("lttb"));
        check(50_000, Downsampling::MinMax, Some("minmax"));
        check(1_000_000, Downsampling::Lttb, Some("minmax_lttb"));
        check(1_000_000, Downsampling::MinMax, Some("minmax"));
    }
}

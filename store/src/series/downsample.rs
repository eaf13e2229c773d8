//! Which points of a line stay when it has more than a chart has pixels.
//!
//! `lttb` (largest triangle three buckets, Steinarsson 2013) keeps the line's
//! look; `min_max` keeps every bucket's extremes. Both answer with places in
//! the input: the values that stay are measured ones.

/// Milliseconds and value.
pub(crate) type Point = (i64, f64);

/// At most `n_max` places, in order; first and last point are among them.
pub fn lttb(points: &[Point], n_max: usize) -> Vec<usize> {
    if let Some(few) = few(points.len(), n_max) {
        return few;
    }
    let mut kept = Vec::with_capacity(n_max);
    kept.push(0);
    let n_buckets = n_max - 2;
    let mut before = 0;
    for bucket in 0..n_buckets {
        let (begin, end) = bounds(points.len(), bucket, n_buckets);
        let next = if bucket + 1 < n_buckets {
            let (begin, end) = bounds(points.len(), bucket + 1, n_buckets);
            mean(&points[begin..end])
        } else {
            coordinates(points[points.len() - 1])
        };
        let area = |place: &usize| triangle(points[before], points[*place], next);
        // The first of equals stays, whatever the platform.
        before = (begin..end).rev().max_by(|a, b| area(a).total_cmp(&area(b))).unwrap_or(begin);
        kept.push(before);
    }
    kept.push(points.len() - 1);
    kept
}

/// At most `n_max` places, in order: the first, the last, and the lowest and
/// highest of each bucket between. From four on the lowest and highest of all
/// are among them.
pub fn min_max(points: &[Point], n_max: usize) -> Vec<usize> {
    if let Some(few) = few(points.len(), n_max) {
        return few;
    }
    let mut kept = Vec::with_capacity(n_max);
    kept.push(0);
    let n_buckets = (n_max - 2) / 2;
    for bucket in 0..n_buckets {
        let (begin, end) = bounds(points.len(), bucket, n_buckets);
        let of = |place: &usize| points[*place].1;
        let lowest = (begin..end).min_by(|a, b| of(a).total_cmp(&of(b))).unwrap_or(begin);
        let highest = (begin..end).rev().max_by(|a, b| of(a).total_cmp(&of(b))).unwrap_or(begin);
        kept.push(lowest.min(highest));
        if lowest != highest {
            kept.push(lowest.max(highest));
        }
    }
    kept.push(points.len() - 1);
    kept
}

/// The answers that need no choice.
fn few(n_points: usize, n_max: usize) -> Option<Vec<usize>> {
    match n_max {
        _ if n_points <= n_max => Some((0..n_points).collect()),
        0 => Some(Vec::new()),
        1 => Some(vec![0]),
        2 => Some(vec![0, n_points - 1]),
        _ => None,
    }
}

/// A bucket's places: equal shares of the points between first and last.
fn bounds(n_points: usize, bucket: usize, n_buckets: usize) -> (usize, usize) {
    let n_between = n_points - 2;
    (1 + bucket * n_between / n_buckets, 1 + (bucket + 1) * n_between / n_buckets)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds are below 2^53")]
fn coordinates((time_ms, value): Point) -> (f64, f64) {
    (time_ms as f64, value)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn mean(points: &[Point]) -> (f64, f64) {
    let n = points.len() as f64;
    let (time, value) = points
        .iter()
        .map(|point| coordinates(*point))
        .fold((0.0, 0.0), |(time, value), (t, v)| (time + t / n, value + v / n));
    (time, value)
}

/// Twice the area.
fn triangle(a: Point, b: Point, (c_time, c_value): (f64, f64)) -> f64 {
    let ((a_time, a_value), (b_time, b_value)) = (coordinates(a), coordinates(b));
    ((a_time - c_time) * (b_value - a_value) - (a_time - b_time) * (c_value - a_value)).abs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(values: &[f64]) -> Vec<Point> {
        values.iter().enumerate().map(|(n, value)| (n as i64 * 1000, *value)).collect()
    }

    #[test]
    fn a_peak_stays_and_a_flat_part_is_thinned() {
        let mut values = vec![0.0; 100];
        values[40] = 9.0;
        values[41] = -5.0;
        assert!(lttb(&points(&values), 10).contains(&40));
        let kept = min_max(&points(&values), 10);
        assert!(kept.contains(&40) && kept.contains(&41), "{kept:?}");
    }

    #[test]
    fn few_points_are_all_kept() {
        for thin in [lttb, min_max] {
            assert_eq!(thin(&points(&[]), 5), [0_usize; 0]);
            assert_eq!(thin(&points(&[1.0, 2.0]), 5), [0, 1]);
            assert_eq!(thin(&points(&[1.0, 2.0, 3.0]), 2), [0, 2]);
            assert_eq!(thin(&points(&[1.0, 2.0, 3.0]), 1), [0]);
            assert_eq!(thin(&points(&[1.0, 2.0, 3.0]), 0), [0_usize; 0]);
        }
    }

    proptest! {
        #[test]
        fn what_stays_is_an_ordered_part_with_both_ends(
            values in proptest::collection::vec(-1e9_f64..1e9, 3..400),
            n_max in 3_usize..60,
        ) {
            let points = points(&values);
            for thin in [lttb, min_max] {
                let kept = thin(&points, n_max);
                prop_assert!(kept.len() <= n_max);
                prop_assert!(kept.is_sorted_by(|a, b| a < b), "{kept:?}");
                prop_assert_eq!(kept.first(), Some(&0));
                prop_assert_eq!(kept.last(), Some(&(points.len() - 1)));
            }
            let lttb_fills = lttb(&points, n_max).len();
            prop_assert_eq!(lttb_fills, n_max.min(points.len()));
            if n_max >= 4 {
                let kept = min_max(&points, n_max);
                let of_kept = |pick: fn(f64, f64) -> f64, start: f64| {
                    kept.iter().map(|place| points[*place].1).fold(start, pick)
                };
                let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
                let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                prop_assert_eq!(of_kept(f64::min, f64::INFINITY), lowest);
                prop_assert_eq!(of_kept(f64::max, f64::NEG_INFINITY), highest);
            }
        }
    }
}

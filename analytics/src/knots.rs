//! The hazard score of a quantity: piecewise linear through six knots, and the
//! level a score stands for (docs/indices.md 4.1).

use model::{Level, Thresholds};

/// The scores at zero, blue, yellow, orange, red and saturation.
pub const KNOT_SCORES: [f64; 6] = [0.0, 40.0, 60.0, 75.0, 90.0, 100.0];

/// Every bound on a score, coverage or confidence is compared with this
/// tolerance (docs/indices.md section 5, "Display").
pub const TOLERANCE: f64 = 1e-9;

/// The values at zero, blue, yellow, orange, red and saturation; strictly
/// rising.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knots([f64; 6]);

impl Knots {
    /// `None` unless all are finite and each is above the one before.
    pub fn new(values: [f64; 6]) -> Option<Knots> {
        let is_rising = values.is_sorted_by(|lower, higher| lower < higher);
        (is_rising && values.iter().all(|value| value.is_finite())).then_some(Knots(values))
    }

    /// Knots of a station's own levels (docs/indices.md 4.1, A): zero is half
    /// the span blue–red below blue, saturation as much above red. `None` for a
    /// station whose levels are not all set: it is not coloured.
    pub fn from_levels(levels: &Thresholds) -> Option<Knots> {
        let (blue, red) = (levels.blue?, levels.red?);
        let half_span = (red - blue) / 2.0;
        Knots::new([blue - half_span, blue, levels.yellow?, levels.orange?, red, red + half_span])
    }

    pub fn values(&self) -> &[f64; 6] {
        &self.0
    }

    /// Hazard score of a value, 0..100 (docs/indices.md 4.1, A): 0 up to the
    /// zero knot, linear between knots, 100 from saturation on. The value has
    /// the knots' unit.
    pub fn score(&self, value: f64) -> f64 {
        debug_assert!(value.is_finite());
        piecewise_linear(&self.0, &KNOT_SCORES, value)
    }
}

/// Linear between `(xs[i], ys[i])`, flat outside; `xs` rise strictly.
pub fn piecewise_linear(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let above = xs.partition_point(|knot| *knot <= x);
    if above == 0 {
        return ys[0];
    }
    if above == xs.len() {
        return ys[above - 1];
    }
    let share = (x - xs[above - 1]) / (xs[above] - xs[above - 1]);
    ys[above - 1] + (ys[above] - ys[above - 1]) * share
}

/// Level of a danger score (docs/indices.md section 4): none below 40, blue
/// from 40, yellow 60, orange 75, red 90, with 1e-9 tolerance.
pub fn danger_level(score: f64) -> Level {
    let reached = |level: &Level| score >= danger_bound(*level) - TOLERANCE;
    Level::COLOURED.into_iter().rev().find(reached).unwrap_or(Level::None)
}

/// The score at which a danger level begins; also the floor that a colour in
/// force puts under its group (docs/indices.md 4.2).
pub fn danger_bound(level: Level) -> f64 {
    match level {
        Level::None => KNOT_SCORES[0],
        Level::Blue => KNOT_SCORES[1],
        Level::Yellow => KNOT_SCORES[2],
        Level::Orange => KNOT_SCORES[3],
        Level::Red => KNOT_SCORES[4],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(knots: [f64; 6], value: f64, expected: f64) {
        let found = Knots::new(knots).unwrap().score(value);
        assert!((found - expected).abs() < 5e-3, "{found} {expected}");
    }

    #[test]
    fn scores_of_domain_4_1() {
        let wind = [5.5, 10.8, 17.2, 24.5, 32.7, 51.0];
        check(wind, 14.0, 50.0);
        check(wind, 24.5, 75.0);
        check(wind, 35.97, 91.79);
        check(wind, 5.5, 0.0);
        check(wind, -1.0, 0.0);
        check(wind, 60.0, 100.0);
        let rainfall_1h = [5.0, 20.0, 30.0, 50.0, 80.0, 120.0];
        check(rainfall_1h, 25.0, 50.0);
        check(rainfall_1h, 88.0, 92.0);
        let gas = [5.0, 10.0, 20.0, 25.0, 50.0, 100.0];
        check(gas, 37.5, 82.5);
        check(gas, 50.0, 90.0);
    }

    #[test]
    fn station_levels_make_knots() {
        let levels =
            Thresholds { blue: Some(2.0), yellow: Some(2.5), orange: Some(3.0), red: Some(4.0) };
        let knots = Knots::from_levels(&levels).unwrap();
        assert_eq!(knots.values(), &[1.0, 2.0, 2.5, 3.0, 4.0, 5.0]);
        assert_eq!(Knots::from_levels(&Thresholds { orange: None, ..levels }), None);
        assert_eq!(Knots::from_levels(&Thresholds { orange: Some(4.0), ..levels }), None);
    }

    #[test]
    fn a_level_is_read_with_tolerance() {
        assert_eq!(danger_level(90.0 - 1e-10), Level::Red);
        assert_eq!(danger_level(90.0 - 1e-8), Level::Orange);
        assert_eq!(danger_level(39.9), Level::None);
    }
}

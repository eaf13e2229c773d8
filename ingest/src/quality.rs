//! The quality tests of single readings, after the QARTOD manuals of US IOOS
//! (flags of IOC Manuals and Guides 54:V3: pass 1, not evaluated 2, suspect 3,
//! fail 4).
//!
//! Pure functions over the rules of a property, what is remembered of its
//! datastream, and a new reading. A stored flag is never rewritten, so each
//! test looks backwards only: where QARTOD's spike test compares a reading
//! with both neighbours, ours compares it with the two readings before.
//!
//! A reading not later than the newest one (out of order, redelivered) is
//! tested for its gross range only and moves nothing. A reading that fails the
//! gross range is no reference for later ones.

use std::time::Duration;

use model::{Flag, GrossRange, Quality, QualityRules, QualityTest, Time};

/// What the tests see of a reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub time: Time,
    pub since: Option<Time>,
    pub value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    time: Time,
    value: f64,
}

/// What is remembered of a datastream between two readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    newest: Point,
    /// The two newest readings that were no spikes, older one first.
    calm: (Option<Point>, Point),
    /// The value that a flat line would keep, and since when it does.
    flat: Point,
}

impl Memory {
    /// From the newest reading alone, as after a start.
    pub fn begin(time: Time, value: f64, unchanged_since: Time) -> Memory {
        let newest = Point { time, value };
        Memory { newest, calm: (None, newest), flat: Point { time: unchanged_since, value } }
    }
}

/// Tests a reading and returns its quality with what to remember after it.
pub fn assess(
    rules: &QualityRules,
    period: Option<Duration>,
    memory: Option<Memory>,
    sample: Sample,
) -> (Quality, Option<Memory>) {
    let mut verdict = Verdict { quality: Quality::NOT_EVALUATED };
    if let Some(range) = rules.gross_range {
        let is_inside = is_in_gross_range(range, period, sample);
        verdict.book(QualityTest::GrossRange, is_inside, Flag::Fail);
        if !is_inside {
            return (verdict.quality, memory);
        }
    }

    let point = Point { time: sample.time, value: sample.value };
    let Some(before) = memory else {
        let after = Memory::begin(point.time, point.value, point.time);
        return (verdict.quality, Some(after));
    };
    if point.time <= before.newest.time {
        return (verdict.quality, memory);
    }

    if let Some(step) = rules.step
        && let Some(is_credible) = is_credible_step(step, period, before.newest, point)
    {
        verdict.book(QualityTest::RateOfChange, is_credible, Flag::Suspect);
    }
    let mut is_spike = false;
    if let Some(limit) = rules.spike
        && let Some(is_near) = is_near_the_line(limit, period, before.calm, point)
    {
        verdict.book(QualityTest::Spike, is_near, Flag::Suspect);
        is_spike = !is_near;
    }
    let tolerance = rules.flat_line.map_or(0.0, |flat| flat.tolerance);
    let flat = flat_run(tolerance, period, before, point);
    if let Some(rule) = rules.flat_line {
        let is_moving = lasted(flat.time, point.time) < rule.suspect_after;
        verdict.book(QualityTest::FlatLine, is_moving, Flag::Suspect);
    }

    let calm = if is_spike { before.calm } else { (Some(before.calm.1), point) };
    (verdict.quality, Some(Memory { newest: point, calm, flat }))
}

/// The worst finding so far. A reading that no test applied to stays «not
/// evaluated».
struct Verdict {
    quality: Quality,
}

impl Verdict {
    fn book(&mut self, test: QualityTest, is_good: bool, finding: Flag) {
        let evaluated =
            if self.quality.flag() == Flag::NotEvaluated { Quality::PASS } else { self.quality };
        self.quality = if is_good { evaluated } else { evaluated.marked(test, finding) };
    }
}

/// Gross range (QARTOD test 4): fail when the value lies outside
/// `[min, max]`, in the property's unit. With `per`, the value is a total and
/// the bounds hold for that much of its interval: they grow with the ratio
/// interval / per, and do not shrink for shorter ones. The interval is time −
/// since, or the period where the payload names no start.
fn is_in_gross_range(range: GrossRange, period: Option<Duration>, sample: Sample) -> bool {
    let growth = match range.per {
        None => 1.0,
        Some(per) => {
            let interval = match sample.since {
                Some(since) => lasted(since, sample.time),
                None => period.unwrap_or(per),
            };
            (interval.as_secs_f64() / per.as_secs_f64().max(1e-3)).max(1.0)
        }
    };
    (range.min * growth..=range.max * growth).contains(&sample.value)
}

/// Rate of change (QARTOD test 7): suspect when `|value − newest| > step`, in
/// the property's unit, between readings at most two periods apart. Not
/// evaluated across a longer gap, or without a period.
fn is_credible_step(
    step: f64,
    period: Option<Duration>,
    newest: Point,
    point: Point,
) -> Option<bool> {
    is_close(period, newest, point).then(|| (point.value - newest.value).abs() <= step)
}

/// Spike (QARTOD test 6, one-sided): suspect when the value is further than
/// `limit`, in the property's unit, from the straight line through the two
/// readings before *and* from their mean: the line alone would call noise a
/// spike, the mean alone a steep rise. The three readings follow each other
/// within two periods. A reading found to be a spike is left out of the next
/// line, so that the return to normal is none; a lasting shift of level is
/// taken as the new normal when the old readings are two periods old.
fn is_near_the_line(
    limit: f64,
    period: Option<Duration>,
    calm: (Option<Point>, Point),
    point: Point,
) -> Option<bool> {
    let (Some(first), second) = calm else {
        return None;
    };
    if !is_close(period, first, second) || !is_close(period, second, point) {
        return None;
    }
    let slope_per_ms = (second.value - first.value) / second.time.millis_since(first.time) as f64;
    let line = second.value + slope_per_ms * point.time.millis_since(second.time) as f64;
    let mean = (first.value + second.value) / 2.0;
    Some((point.value - line).abs() <= limit || (point.value - mean).abs() <= limit)
}

/// Flat line (QARTOD test 8): suspect when the value has stayed within
/// `tolerance` (the property's unit) of the value it had when the run began,
/// for `suspect_after` or longer. A gap of more than two periods begins a new
/// run. Returns the beginning of the run that the reading belongs to.
fn flat_run(tolerance: f64, period: Option<Duration>, before: Memory, point: Point) -> Point {
    let is_same = (point.value - before.flat.value).abs() <= tolerance;
    let is_after_gap = period.is_some() && !is_close(period, before.newest, point);
    if is_same && !is_after_gap { before.flat } else { point }
}

/// At most two periods apart; never without a period.
fn is_close(period: Option<Duration>, earlier: Point, later: Point) -> bool {
    period.is_some_and(|period| lasted(earlier.time, later.time) <= 2 * period)
}

fn lasted(start: Time, end: Time) -> Duration {
    Duration::from_millis(u64::try_from(end.millis_since(start)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use model::FlatLine;
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;
    const PERIOD: Duration = Duration::from_secs(600);

    fn rules() -> QualityRules {
        QualityRules {
            gross_range: Some(GrossRange { min: -5.0, max: 30.0, per: None }),
            step: Some(2.0),
            spike: Some(0.5),
            flat_line: Some(FlatLine {
                tolerance: 0.001,
                suspect_after: Duration::from_secs(1_800),
            }),
        }
    }

    /// Runs readings `(minute, value)` through the tests; the findings of the
    /// last one, with its flag.
    #[track_caller]
    fn check(rules: &QualityRules, readings: &[(i64, f64)], flag: Flag, tests: &[QualityTest]) {
        let mut memory = None;
        let mut quality = Quality::PASS;
        for &(minute, value) in readings {
            let time = Time::from_millis(minute * MINUTE).unwrap();
            let sample = Sample { time, since: None, value };
            (quality, memory) = assess(rules, Some(PERIOD), memory, sample);
        }
        assert_eq!(quality.flag(), flag, "{readings:?}");
        assert_eq!(quality.tests().collect::<Vec<_>>(), tests, "{readings:?}");
    }

    #[test]
    fn gross_range_includes_its_ends() {
        check(&rules(), &[(0, 30.0)], Flag::Pass, &[]);
        check(&rules(), &[(0, -5.0)], Flag::Pass, &[]);
        check(&rules(), &[(0, 30.001)], Flag::Fail, &[QualityTest::GrossRange]);
        check(&rules(), &[(0, -5.001)], Flag::Fail, &[QualityTest::GrossRange]);
    }

    #[test]
    fn a_total_may_grow_with_its_interval() {
        let range = GrossRange { min: 0.0, max: 60.0, per: Some(PERIOD) };
        let fits = |value, minutes: Option<i64>| {
            let time = Time::from_millis(100 * MINUTE).unwrap();
            let since = minutes.map(|n| Time::from_millis((100 - n) * MINUTE).unwrap());
            is_in_gross_range(range, Some(PERIOD), Sample { time, since, value })
        };
        assert!(fits(60.0, None) && !fits(61.0, None));
        assert!(fits(120.0, Some(20)) && !fits(121.0, Some(20)));
        assert!(fits(60.0, Some(1)) && !fits(61.0, Some(1)), "a short interval keeps the bound");
        assert!(!fits(-0.1, Some(20)));
    }

    #[test]
    fn without_rules_nothing_is_evaluated() {
        let none = QualityRules::default();
        check(&none, &[(0, 1.0), (10, 1e9)], Flag::NotEvaluated, &[]);
    }

    #[test]
    fn a_step_counts_up_to_two_periods() {
        let step = QualityRules { step: Some(2.0), ..QualityRules::default() };
        check(&step, &[(0, 1.0)], Flag::NotEvaluated, &[]);
        check(&step, &[(0, 1.0), (10, 3.0)], Flag::Pass, &[]);
        check(&step, &[(0, 1.0), (20, 3.1)], Flag::Suspect, &[QualityTest::RateOfChange]);
        check(&step, &[(0, 1.0), (21, 9.0)], Flag::NotEvaluated, &[]);
        check(&step, &[(0, 1.0), (10, 9.0), (20, 9.0)], Flag::Pass, &[]);
    }

    #[test]
    fn a_spike_is_off_the_line_and_off_the_mean() {
        let spike = QualityRules { spike: Some(0.5), ..QualityRules::default() };
        check(&spike, &[(0, 1.0), (10, 1.0), (20, 2.0)], Flag::Suspect, &[QualityTest::Spike]);
        check(&spike, &[(0, 1.0), (10, 2.0), (20, 3.0)], Flag::Pass, &[]);
        check(&spike, &[(0, 1.0), (10, 1.4), (20, 1.2)], Flag::Pass, &[]);
        check(&spike, &[(0, 1.0), (10, 1.0), (31, 2.0)], Flag::NotEvaluated, &[]);
        check(&spike, &[(0, 1.0), (10, 1.0)], Flag::NotEvaluated, &[]);
    }

    #[test]
    fn the_return_from_a_spike_is_none_and_a_new_level_becomes_normal() {
        let spike = QualityRules { spike: Some(0.5), ..QualityRules::default() };
        let back = [(0, 1.0), (10, 1.0), (20, 9.0), (30, 1.0)];
        check(&spike, &back, Flag::Pass, &[]);
        let level = [(0, 1.0), (10, 1.0), (20, 5.0), (30, 5.0)];
        check(&spike, &level, Flag::Suspect, &[QualityTest::Spike]);
        let level = [(0, 1.0), (10, 1.0), (20, 5.0), (30, 5.0), (40, 5.0), (50, 5.0), (60, 5.0)];
        check(&spike, &level, Flag::Pass, &[]);
    }

    #[test]
    fn a_flat_line_is_suspect_once_it_lasted() {
        let flat = QualityRules { flat_line: rules().flat_line, ..QualityRules::default() };
        check(&flat, &[(0, 1.0), (10, 1.0), (20, 1.0)], Flag::Pass, &[]);
        let long = [(0, 1.0), (10, 1.0005), (20, 1.0), (30, 1.0)];
        check(&flat, &long, Flag::Suspect, &[QualityTest::FlatLine]);
        check(&flat, &[(0, 1.0), (10, 1.0), (20, 1.1), (30, 1.1)], Flag::Pass, &[]);
        check(&flat, &[(0, 1.0), (60, 1.0)], Flag::Pass, &[]);
    }

    #[test]
    fn late_and_failed_readings_move_nothing() {
        let late = [(0, 1.0), (10, 1.0), (5, 20.0), (20, 1.1)];
        check(&rules(), &late, Flag::Pass, &[]);
        check(&rules(), &[(0, 1.0), (10, 1.0), (5, 20.0)], Flag::Pass, &[]);
        check(&rules(), &[(0, 1.0), (10, 99.0), (20, 1.1)], Flag::Pass, &[]);
        check(&rules(), &[(10, 1.0), (5, 99.0)], Flag::Fail, &[QualityTest::GrossRange]);
    }

    #[test]
    fn a_start_knows_since_when_the_value_is_the_same() {
        let at = |minute: i64| Time::from_millis(minute * MINUTE).unwrap();
        let memory = Memory::begin(at(60), 1.0, at(0));
        let sample = Sample { time: at(70), since: None, value: 1.0 };
        let (quality, _) = assess(&rules(), Some(PERIOD), Some(memory), sample);
        assert!(quality.has(QualityTest::FlatLine));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Whatever comes in whatever order: fail means outside the gross
        /// range and nothing else, and no reading moves the memory back.
        #[test]
        fn only_the_gross_range_fails(
            readings in prop::collection::vec((0_i64..500, -10.0_f64..40.0), 1..30),
        ) {
            let mut memory: Option<Memory> = None;
            for (minute, value) in readings {
                let time = Time::from_millis(minute * MINUTE).unwrap();
                let sample = Sample { time, since: None, value };
                let (quality, after) = assess(&rules(), Some(PERIOD), memory, sample);
                let is_outside = !(-5.0..=30.0).contains(&value);
                prop_assert_eq!(quality.flag() == Flag::Fail, is_outside);
                prop_assert!(memory.map(|m| m.newest.time) <= after.map(|m| m.newest.time));
                memory = after;
            }
        }
    }
}

//! Windows over the samples of one datastream: sums, means, extremes, last
//! values, online shares, rain slots.
//!
//! Samples are in order of event time and windows are half-open, `(at −
//! window, at]`, in event time: when a sample arrived plays no part, and a
//! sample after `at` is not yet known. Every sum is taken anew in time order,
//! never by adding what enters and subtracting what leaves, so that the same
//! samples give the same bits whatever was asked before.

use std::time::Duration;

use model::{Quality, Time};

/// One value of one datastream, as windows see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub time: Time,
    /// Set when the value is a total of `[since, time]`.
    pub since: Option<Time>,
    pub value: f64,
    pub quality: Quality,
}

impl Sample {
    /// May the sample enter an index? What failed its tests never does.
    pub fn is_usable(&self) -> bool {
        self.quality.is_usable() && self.value.is_finite()
    }
}

/// The samples of `(at − window, at]`.
pub fn in_window(samples: &[Sample], at: Time, window: Duration) -> &[Sample] {
    debug_assert!(samples.is_sorted_by_key(|sample| sample.time));
    let known = up_to(samples, at);
    let first = known.partition_point(|sample| sample.time <= at - window);
    &known[first..]
}

/// The samples at or before `at`.
pub fn up_to(samples: &[Sample], at: Time) -> &[Sample] {
    &samples[..samples.partition_point(|sample| sample.time <= at)]
}

/// Plain summation in time order; 0 without samples.
pub fn sum(samples: &[Sample]) -> f64 {
    samples.iter().fold(0.0, |total, sample| total + sample.value)
}

pub fn mean(samples: &[Sample]) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let n = u32::try_from(samples.len()).expect("a window holds fewer than 2^32 samples");
    Some(sum(samples) / f64::from(n))
}

/// The sample with the highest value; of equals the newest.
pub fn highest(samples: &[Sample]) -> Option<&Sample> {
    samples.iter().reduce(|best, sample| if sample.value >= best.value { sample } else { best })
}

/// The sample with the lowest value; of equals the newest.
pub fn lowest(samples: &[Sample]) -> Option<&Sample> {
    samples.iter().reduce(|best, sample| if sample.value <= best.value { sample } else { best })
}

/// The newest sample at or before `at`.
pub fn last(samples: &[Sample], at: Time) -> Option<&Sample> {
    up_to(samples, at).last()
}

/// Share of `(at − window, at]` in which the newest sample was no older than
/// `age_max` (docs/indices.md 3.1: online is an age of at most 3T). `samples`
/// reach back to `age_max` before the window.
pub fn online_share(samples: &[Sample], at: Time, window: Duration, age_max: Duration) -> f64 {
    let start = at - window;
    let span_ms = at.millis_since(start);
    if span_ms <= 0 {
        return 0.0;
    }
    let intervals = up_to(samples, at).iter().map(|sample| (sample.time, sample.time + age_max));
    covered_millis(intervals, start, at) as f64 / span_ms as f64
}

/// The rain of a window, with what is known of its completeness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RainTotal {
    pub depth_mm: f64,
    pub slots_present: u32,
    pub slots: u32,
    /// The newest report in the window.
    pub newest: Time,
}

impl RainTotal {
    /// In 0..1.
    pub fn share_present(&self) -> f64 {
        if self.slots == 0 { 0.0 } else { f64::from(self.slots_present) / f64::from(self.slots) }
    }
}

/// How a datastream of rain reports, and how finely a window is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RainSlots {
    /// 10 min for rolling sums, 1 h for long ones.
    pub slot: Duration,
    /// The expected period: the interval of a report that names none.
    pub period: Duration,
}

/// Sum of rain over `(at − window, at]`, mm. A total of an interval that
/// begins before the window counts by the share of it that lies inside.
/// `None` when no report lies in the window.
pub fn rain_total(
    samples: &[Sample],
    at: Time,
    window: Duration,
    slots: RainSlots,
) -> Option<RainTotal> {
    let inside = in_window(samples, at, window);
    let newest = inside.last()?.time;
    let start = at - window;
    let depth_mm = inside.iter().fold(0.0, |total, sample| total + depth_within(sample, start, at));

    let present = rain_slots(samples, at, window, slots);
    let slots_present = present.iter().filter(|slot| slot.depth_mm.is_some()).count();
    Some(RainTotal {
        depth_mm,
        slots_present: u32::try_from(slots_present).expect("no more than the window's slots"),
        slots: u32::try_from(present.len()).expect("a window holds fewer than 2^32 slots"),
        newest,
    })
}

/// One slot of a rain window, `(start, end]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RainSlot {
    pub end: Time,
    /// `None` when less than half of the slot was reported: nothing says that
    /// it was dry.
    pub depth_mm: Option<f64>,
    /// Were all of its minutes reported?
    pub is_complete: bool,
}

/// The slots of `(at − window, at]`, oldest first, counted back from `at`; a
/// remainder shorter than a slot is left out.
pub fn rain_slots(
    samples: &[Sample],
    at: Time,
    window: Duration,
    slots: RainSlots,
) -> Vec<RainSlot> {
    let known = up_to(samples, at);
    let slot_ms = millis(slots.slot).max(1);
    let n_slots = millis(window) / slot_ms;
    let lengths =
        known.iter().map(|sample| sample.time.millis_since(interval_start(sample, slots.period)));
    let longest_ms = lengths.max().and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
    let reach = Duration::from_millis(longest_ms).min(REPORT_MAX);
    // Both ends of what touches a slot only move on from slot to slot.
    let (mut first, mut behind) = (0, 0);
    (0..n_slots)
        .rev()
        .map(|back| {
            let end = Time::from_millis_clamped(at.millis() - back * slot_ms);
            let (start, reached) = (end - slots.slot, end + reach);
            first += ended(&known[first..], |time| time <= start);
            behind = behind.max(first);
            behind += ended(&known[behind..], |time| time <= end || time < reached);
            slot_of(&known[first..behind], start, end, slots)
        })
        .collect()
}

/// A report longer than this is not looked for when a slot is filled.
const REPORT_MAX: Duration = Duration::from_secs(86_400);

/// The slot that ends at `end`, from all samples given: a report that ends
/// after it may fill it too.
pub(crate) fn rain_slot(known: &[Sample], end: Time, slots: RainSlots) -> RainSlot {
    let (start, reached) = (end - slots.slot, end + REPORT_MAX);
    let first = known.partition_point(|sample| sample.time <= start);
    let behind = known.partition_point(|sample| sample.time <= end || sample.time < reached);
    slot_of(&known[first..behind], start, end, slots)
}

/// How many samples lead that a slot has behind it.
fn ended(samples: &[Sample], has: impl Fn(Time) -> bool) -> usize {
    samples.iter().take_while(|sample| has(sample.time)).count()
}

/// A slot from the samples that touch it.
fn slot_of(touching: &[Sample], start: Time, end: Time, slots: RainSlots) -> RainSlot {
    let intervals =
        touching.iter().map(|sample| (interval_start(sample, slots.period), sample.time));
    let covered_ms = covered_millis(intervals, start, end);
    let is_present = 2 * covered_ms >= millis(slots.slot);
    let depth = touching.iter().fold(0.0, |total, sample| total + depth_within(sample, start, end));
    RainSlot {
        end,
        depth_mm: is_present.then_some(depth),
        is_complete: covered_ms >= millis(slots.slot),
    }
}

fn interval_start(sample: &Sample, period: Duration) -> Time {
    sample.since.unwrap_or(sample.time - period)
}

/// The part of a report's depth that fell in `(start, end]`. One without an
/// interval counts whole where its time lies.
fn depth_within(sample: &Sample, start: Time, end: Time) -> f64 {
    let is_inside = start < sample.time && sample.time <= end;
    let Some(since) = sample.since.filter(|since| *since < sample.time) else {
        return if is_inside { sample.value } else { 0.0 };
    };
    if is_inside && start <= since {
        return sample.value;
    }
    let overlap_ms = sample.time.min(end).millis_since(since.max(start)).max(0);
    sample.value * (overlap_ms as f64 / sample.time.millis_since(since) as f64)
}

/// Length of the union of intervals, in order of their ends, inside
/// `[start, end]`.
fn covered_millis(intervals: impl Iterator<Item = (Time, Time)>, start: Time, end: Time) -> i64 {
    let mut covered = 0;
    let mut reached = start;
    for (from, to) in intervals {
        let from = from.max(reached);
        let to = to.min(end);
        if from < to {
            covered += to.millis_since(from);
        }
        reached = reached.max(to);
    }
    covered
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const SLOTS: RainSlots =
        RainSlots { slot: Duration::from_secs(600), period: Duration::from_secs(600) };

    fn minute(n: i64) -> Time {
        Time::from_millis_clamped(n * 60_000)
    }

    fn sample(time_min: i64, value: f64) -> Sample {
        Sample { time: minute(time_min), since: None, value, quality: Quality::PASS }
    }

    fn total(since_min: i64, time_min: i64, value: f64) -> Sample {
        Sample { since: Some(minute(since_min)), ..sample(time_min, value) }
    }

    #[track_caller]
    fn check_rain(samples: &[Sample], window_min: u32, expected: Option<(f64, u32, u32)>) {
        let found = rain_total(samples, minute(60), MINUTE * window_min, SLOTS)
            .map(|rain| (rain.depth_mm, rain.slots_present, rain.slots));
        assert_eq!(found, expected);
    }

    #[test]
    fn windows_leave_out_their_start_and_hold_their_end() {
        let samples = [sample(0, 1.0), sample(1, 2.0), sample(60, 4.0), sample(61, 8.0)];
        let inside = in_window(&samples, minute(60), MINUTE * 60);
        assert_eq!(inside, &samples[1..3]);
        assert_eq!((sum(inside), mean(inside)), (6.0, Some(3.0)));
        assert_eq!(last(&samples, minute(59)), Some(&samples[1]));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn of_equal_extremes_the_newest_speaks() {
        let samples = [sample(1, 3.0), sample(2, 7.0), sample(3, 7.0), sample(4, 3.0)];
        assert_eq!(highest(&samples).unwrap().time, minute(3));
        assert_eq!(lowest(&samples).unwrap().time, minute(4));
    }

    #[test]
    fn rain_of_a_full_hour() {
        let samples: Vec<Sample> = (0..=6).map(|i| sample(10 * i, 0.5)).collect();
        check_rain(&samples, 60, Some((3.0, 6, 6)));
    }

    #[test]
    fn missing_rain_slots_are_counted_not_taken_for_dry() {
        check_rain(&[sample(30, 2.0), sample(60, 1.0)], 60, Some((3.0, 2, 6)));
        check_rain(&[], 60, None);
    }

    #[test]
    fn a_total_counts_by_the_share_that_lies_in_the_window() {
        check_rain(&[total(-30, 30, 6.0)], 60, Some((3.0, 3, 6)));
        check_rain(&[total(0, 60, 6.0)], 60, Some((6.0, 6, 6)));
    }

    #[test]
    fn reports_off_the_grid_fill_their_slots() {
        let samples: Vec<Sample> = (0..6).map(|i| total(10 * i - 3, 10 * i + 7, 1.0)).collect();
        check_rain(&samples, 60, Some((1.0 * 0.7 + 5.0, 6, 6)));
    }

    #[test]
    fn hourly_slots_share_out_longer_totals() {
        let hourly = RainSlots { slot: MINUTE * 60, period: MINUTE * 60 };
        let slots = rain_slots(&[total(-120, 0, 8.0)], minute(60), MINUTE * 180, hourly);
        let depths: Vec<_> = slots.iter().map(|slot| slot.depth_mm).collect();
        assert_eq!(depths, [Some(4.0), Some(4.0), None]);
    }

    #[test]
    fn online_share_counts_overlaps_once() {
        let samples = [sample(-20, 0.0), sample(5, 0.0), sample(10, 0.0), sample(50, 0.0)];
        let share = online_share(&samples, minute(60), MINUTE * 60, MINUTE * 30);
        assert_eq!(share, (10.0 + 30.0 - 5.0 + 5.0 + 10.0) / 60.0);
    }
}

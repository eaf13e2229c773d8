//! What one station says of one quantity at one instant.

use std::borrow::Cow;

use model::{Flag, Quality, Thresholds, Time};

use super::spec::{QuantitySpec, Statistic};
use crate::knots::danger_level;
use crate::windows::{RainSlots, Sample, highest, in_window, rain_total, up_to};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StationReading {
    /// In the quantity's unit.
    pub value: f64,
    /// Event time of the newest input: ages count from here.
    pub newest: Time,
    /// Share of the window's slots that were reported; 1 for other statistics.
    pub slots_present: f64,
    pub quality: Quality,
}

/// The value of a quantity at a station: highest, sum or latest of its usable
/// samples up to `at`; `None` when its window holds none. `levels` are the
/// station's own.
pub fn read_samples(
    samples: &[Sample],
    levels: Option<&Thresholds>,
    quantity: &QuantitySpec,
    at: Time,
) -> Option<StationReading> {
    let samples = counting(up_to(samples, at), quantity, levels);
    match quantity.statistic {
        Statistic::Highest { window } => {
            let inside = in_window(&samples, at, window);
            let speaker = highest(inside)?;
            let newest = inside.last()?.time;
            let (value, quality) = (speaker.value, speaker.quality);
            Some(StationReading { value, newest, slots_present: 1.0, quality })
        }
        Statistic::Sum { window, slot } => {
            let slots = RainSlots { slot, period: quantity.period };
            let rain = rain_total(&samples, at, window, slots)?;
            Some(StationReading {
                value: rain.depth_mm,
                newest: rain.newest,
                slots_present: rain.share_present(),
                quality: samples.last()?.quality,
            })
        }
        Statistic::Latest => {
            let sample = samples.last()?;
            Some(StationReading {
                value: sample.value,
                newest: sample.time,
                slots_present: 1.0,
                quality: sample.quality,
            })
        }
    }
}

/// The samples that may count: usable ones, and of the suspect ones those
/// whose next reading agrees, by the same level or a worse one (docs/indices.md
/// section 5, "Quality").
fn counting<'a>(
    known: &'a [Sample],
    quantity: &QuantitySpec,
    levels: Option<&Thresholds>,
) -> Cow<'a, [Sample]> {
    let is_plain = |sample: &Sample| sample.is_usable() && sample.quality.flag() != Flag::Suspect;
    if known.iter().all(is_plain) {
        return Cow::Borrowed(known);
    }
    let level = |sample: &Sample| quantity.score(sample.value, levels).map(danger_level);
    let usable: Vec<Sample> = known.iter().copied().filter(Sample::is_usable).collect();
    let agrees = |index: usize| {
        is_plain(&usable[index])
            || usable.get(index + 1).is_some_and(|next| level(next) >= level(&usable[index]))
    };
    (0..usable.len()).filter(|&index| agrees(index)).map(|index| usable[index]).collect()
}

#[cfg(test)]
mod tests {
    use model::QualityTest;

    use super::*;
    use crate::flood_typhoon::FloodModel;

    const AT_MIN: i64 = 100_000;

    fn minute(n: i64) -> Time {
        Time::from_millis_clamped(n * 60_000)
    }

    /// Samples as (minutes before the evaluation, value).
    fn samples(samples: &[(i64, f64)]) -> Vec<Sample> {
        let sample = |(ago, value): &(i64, f64)| Sample {
            time: minute(AT_MIN - ago),
            since: None,
            value: *value,
            quality: Quality::PASS,
        };
        samples.iter().map(sample).collect()
    }

    #[track_caller]
    fn check(quantity: &str, samples: &[Sample], expected: Option<f64>) {
        let text = include_str!("../../../config/models/flood-typhoon.toml");
        let model = FloodModel::from_toml(text).unwrap();
        let quantity = model.quantity(quantity).unwrap();
        let found = read_samples(samples, None, quantity, minute(AT_MIN));
        assert_eq!(found.map(|found| found.value), expected);
    }

    #[test]
    fn wind_is_the_highest_of_the_trailing_hour() {
        check("wind_speed", &samples(&[(60, 40.0), (50, 14.0), (0, 3.0)]), Some(14.0));
        check("wind_speed", &samples(&[(61, 40.0)]), None);
        check("wind_speed", &[], None);
    }

    #[test]
    fn rain_sums_roll_by_event_time() {
        let rain: Vec<(i64, f64)> = (0..5).rev().map(|i| (10 * i, 5.0)).collect();
        check("rainfall_1h", &samples(&rain), Some(25.0));
        check("rainfall_24h", &samples(&rain), Some(25.0));
    }

    #[test]
    fn a_suspect_value_counts_when_the_next_agrees() {
        let with_suspect = |values: &[(i64, f64)]| {
            let mut found = samples(values);
            found[1].quality = Quality::PASS.marked(QualityTest::Spike, Flag::Suspect);
            found
        };
        check("wind_speed", &with_suspect(&[(20, 5.5), (10, 33.0), (0, 5.5)]), Some(5.5));
        check("wind_speed", &with_suspect(&[(20, 5.5), (10, 33.0), (0, 35.97)]), Some(35.97));
    }

    #[test]
    fn what_failed_or_is_not_in_service_never_enters() {
        let mut wind = samples(&[(20, 50.0), (10, 50.0), (0, 5.5)]);
        wind[0].quality = Quality::new(Flag::Fail);
        wind[1].quality = Quality::PASS.marked(QualityTest::NotInService, Flag::Pass);
        check("wind_speed", &wind, Some(5.5));
    }

    #[test]
    fn later_samples_are_not_yet_known() {
        check("wind_speed", &samples(&[(0, 5.5), (-1, 60.0)]), Some(5.5));
    }
}

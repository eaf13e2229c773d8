//! What one station says of one quantity at one instant.

use std::borrow::Cow;

use model::{DatastreamId, Flag, PropertyId, Quality, Thresholds, Time};

use super::model::{QuantitySpec, Statistic};
use crate::knots::danger_level;
use crate::windows::{RainSlots, Sample, highest, in_window, rain_total, up_to};

/// The samples of one station's datastream, as far back as the longest window
/// that reads them.
#[derive(Debug, Clone, PartialEq)]
pub struct StationSeries {
    pub datastream: DatastreamId,
    pub property: PropertyId,
    /// The station's own levels, for quantities that have no fixed knots.
    pub levels: Option<Thresholds>,
    /// In order of event time.
    pub samples: Vec<Sample>,
}

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
/// samples up to `at`; `None` when its window holds none.
pub fn read_station(
    series: &StationSeries,
    quantity: &QuantitySpec,
    at: Time,
) -> Option<StationReading> {
    let known = up_to(&series.samples, at);
    let samples = counting(known, quantity, series.levels.as_ref());
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
/// whose next reading agrees, by the same level or a worse one (domain.md
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

//! What a sensor may say instead of the truth.

use std::time::Duration;

use analytics::windows::Sample;
use model::Time;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    /// The value of the beginning, again and again.
    Stuck,
    /// One reading in an hour far too high.
    Spike,
    /// Two percent more each hour.
    Drift,
    /// Two stations' ids are exchanged.
    SwappedIds,
    /// Kilometres an hour, or tenths of a millimetre.
    UnitError,
    /// Somebody pours water into the rain gauge: 15 mm each ten minutes for an
    /// hour.
    PouredWater,
}

const HOUR: Duration = Duration::from_secs(3_600);

impl Lie {
    pub(super) const ALL: [Lie; 6] =
        [Lie::Stuck, Lie::Spike, Lie::Drift, Lie::SwappedIds, Lie::UnitError, Lie::PouredWater];

    /// What the station says instead; `first` is what it said when it began.
    pub(super) fn told(self, property: &str, true_one: Sample, first: f64, begins: Time) -> Sample {
        let is_wind = property.starts_with("wind_speed");
        let is_rain = property == "rainfall_depth";
        if !is_wind && !is_rain {
            return true_one;
        }
        let passed_ms = true_one.time.millis_since(begins);
        let hour_ms = 3_600_000;
        let value = match self {
            Lie::Stuck => first,
            Lie::Spike if is_wind && passed_ms % hour_ms < 600_000 => true_one.value + 35.0,
            Lie::Drift => true_one.value * (1.0 + 0.02 * passed_ms as f64 / hour_ms as f64),
            Lie::UnitError if is_wind => true_one.value * 3.6,
            Lie::UnitError => true_one.value * 10.0,
            Lie::PouredWater if is_rain && true_one.time < begins + HOUR => true_one.value + 15.0,
            Lie::Spike | Lie::SwappedIds | Lie::PouredWater => true_one.value,
        };
        Sample { value, ..true_one }
    }
}

//! The level of a single value against its limits, and when it is better.

use model::{Level, Limits, Thresholds};

/// How far beyond a threshold a value must come back (docs/indices.md section
/// 5, A).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Margin {
    /// This share of |threshold| (0.05), or the sensor's noise if larger.
    Share { share: f64, noise: f64 },
    /// For levels against a datum (0.10 m).
    Fixed(f64),
}

impl Margin {
    fn at(self, threshold: f64) -> f64 {
        match self {
            Margin::Share { share, noise } => (share * threshold.abs()).max(noise),
            Margin::Fixed(margin) => margin,
        }
    }
}

/// The limits that hold for one datastream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlarmLimits {
    pub high: Option<Thresholds>,
    pub low: Option<Thresholds>,
    /// The limits apply to the absolute value.
    pub absolute: bool,
    pub margin: Margin,
}

impl AlarmLimits {
    /// The limits of a property, with a thing's own thresholds in their place
    /// where they are set per thing; `None` when nothing is watched.
    pub fn new(limits: &Limits, own: Option<Thresholds>, margin: Margin) -> Option<AlarmLimits> {
        let high = if limits.per_thing { own.or(limits.high) } else { limits.high };
        let is_watched = high.is_some() || limits.low.is_some();
        let found = AlarmLimits { high, low: limits.low, absolute: limits.absolute, margin };
        is_watched.then_some(found)
    }

    /// The worst level whose threshold the value reaches.
    pub fn level(&self, value: f64) -> Level {
        let value = self.shown(value);
        let high = self.high.iter().flat_map(Thresholds::configured);
        let low = self.low.iter().flat_map(Thresholds::configured);
        let reached = high
            .filter(|(_, threshold)| value >= *threshold)
            .chain(low.filter(|(_, threshold)| value <= *threshold));
        reached.map(|(level, _)| level).max().unwrap_or(Level::None)
    }

    /// Is the value better than the thresholds of `level` by the margin? True
    /// for a level that has no threshold.
    pub fn is_better(&self, value: f64, level: Level) -> bool {
        let value = self.shown(value);
        let high = self.high.and_then(|high| high.at(level));
        let low = self.low.and_then(|low| low.at(level));
        high.is_none_or(|threshold| value < threshold - self.margin.at(threshold))
            && low.is_none_or(|threshold| value > threshold + self.margin.at(threshold))
    }

    fn shown(&self, value: f64) -> f64 {
        if self.absolute { value.abs() } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thresholds(values: [Option<f64>; 4]) -> Option<Thresholds> {
        let [blue, yellow, orange, red] = values;
        Some(Thresholds { blue, yellow, orange, red })
    }

    const SHARE: Margin = Margin::Share { share: 0.05, noise: 0.0 };

    #[test]
    fn both_sides_are_watched() {
        let oxygen = AlarmLimits {
            high: thresholds([None, None, Some(23.5), Some(25.0)]),
            low: thresholds([None, None, Some(19.5), Some(18.0)]),
            absolute: false,
            margin: SHARE,
        };
        for (value, level) in [
            (20.9, Level::None),
            (23.5, Level::Orange),
            (25.1, Level::Red),
            (19.5, Level::Orange),
            (17.0, Level::Red),
        ] {
            assert_eq!(oxygen.level(value), level);
        }
        assert!(oxygen.is_better(20.9, Level::Orange));
        assert!(!oxygen.is_better(20.0, Level::Orange) && !oxygen.is_better(23.0, Level::Orange));
    }

    #[test]
    fn margins_by_share_noise_and_datum() {
        let high = thresholds([Some(2.0), None, None, Some(4.0)]);
        let limits = |margin| AlarmLimits { high, low: None, absolute: true, margin };
        assert!(
            limits(SHARE).is_better(1.89, Level::Blue)
                && !limits(SHARE).is_better(1.9, Level::Blue)
        );
        let noisy = limits(Margin::Share { share: 0.05, noise: 0.5 });
        assert!(!noisy.is_better(1.6, Level::Blue));
        assert!(limits(Margin::Fixed(0.1)).is_better(3.89, Level::Red));
        assert_eq!(limits(SHARE).level(-4.2), Level::Red);
        assert!(limits(SHARE).is_better(9.0, Level::Yellow), "no threshold, nothing to end");
    }
}

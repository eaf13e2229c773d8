//! What a datastream shows at an instant: tides of the moon and the sun, rain
//! in spells, winds that come and go, and slow wandering for the rest.

use std::f64::consts::TAU;

use model::{ObservedProperty, Time};

const HOUR_S: f64 = 3_600.0;

/// Periods of the two great tides.
const MOON_S: f64 = 12.420_601_2 * HOUR_S;
const SUN_S: f64 = 12.0 * HOUR_S;

/// Weather changes over days.
const SPELL_S: f64 = 36.0 * HOUR_S;
const DAY_S: f64 = 24.0 * HOUR_S;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Course {
    Tide,
    Rain,
    Wind,
    /// Between two bounds, with a day's rhythm.
    Wander,
}

/// The course of one property.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Series {
    course: Course,
    low: f64,
    high: f64,
    /// Sensors tell no finer.
    resolution: f64,
}

impl Series {
    pub(super) fn of(property: &ObservedProperty) -> Series {
        let range = property.spec.quality.gross_range;
        let (low, high) = range.map_or((0.0, 100.0), |range| (range.min, range.max));
        let (course, low, high) = match property.id.as_str() {
            "tide_level" => (Course::Tide, -3.0, 3.0),
            "rainfall_depth" => (Course::Rain, 0.0, 8.0),
            "wind_speed" => (Course::Wind, 0.0, 24.0),
            "wind_speed_of_gust" => (Course::Wind, 0.0, 34.0),
            // The middle third of what is possible: nothing alarms all year.
            _ => (Course::Wander, low + (high - low) / 3.0, high - (high - low) / 3.0),
        };
        let resolution = match high - low {
            width if width <= 2.0 => 0.01,
            width if width <= 200.0 => 0.1,
            _ => 1.0,
        };
        Series { course, low, high, resolution }
    }

    pub(super) fn value(&self, seed: u64, key: u64, at: Time) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds are below 2^53")]
        let time_s = at.millis() as f64 / 1000.0;
        let spell = smooth(seed, key | 1 << 40, time_s / SPELL_S);
        let gust = smooth(seed, key | 1 << 41, time_s / 600.0);
        let phase = unit(hash(seed, key, 0));
        let share = match self.course {
            Course::Tide => {
                let moon = libm::sin(TAU * time_s / MOON_S);
                let sun = libm::sin(TAU * time_s / SUN_S + phase);
                0.5 + 0.32 * moon + 0.12 * sun + 0.04 * (spell - 0.5)
            }
            // Dry four days of five.
            Course::Rain => (spell - 0.8).max(0.0) * 5.0 * gust * gust,
            Course::Wind => spell * spell * (0.6 + 0.4 * gust),
            Course::Wander => {
                let day = 0.5 + 0.5 * libm::sin(TAU * (time_s / DAY_S + phase));
                0.5 * spell + 0.4 * day + 0.1 * gust
            }
        };
        let value = self.low + (self.high - self.low) * share.clamp(0.0, 1.0);
        (value / self.resolution).round() * self.resolution
    }
}

/// Noise between 0 and 1 that is smooth between whole numbers.
fn smooth(seed: u64, key: u64, at: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "spells since 1970 are few")]
    let before = at.floor() as i64;
    let share = at - at.floor();
    let weight = share * share * (3.0 - 2.0 * share);
    let (a, b) = (unit(hash(seed, key, before)), unit(hash(seed, key, before + 1)));
    a + (b - a) * weight
}

/// From 0 to below 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// SplitMix64 over what is hashed.
pub(super) fn hash(seed: u64, key: u64, at: i64) -> u64 {
    let mut mixed = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(key.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(at.cast_unsigned().wrapping_mul(0x8CB9_2BA7_2F3D_8DD7));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_extremes(course: Course, low: f64, high: f64) {
        let series = Series { course, low: 0.0, high: 100.0, resolution: 0.1 };
        let values: Vec<f64> = (0..4_320)
            .map(|step| series.value(3, 9, Time::from_millis(step * 600_000).unwrap()))
            .collect();
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!(lowest <= low && high <= highest, "{course:?}: {lowest} to {highest}");
    }

    #[test]
    fn each_course_has_its_lows_and_highs_within_a_month() {
        check_extremes(Course::Tide, 20.0, 80.0);
        check_extremes(Course::Rain, 0.0, 5.0);
        check_extremes(Course::Wind, 5.0, 40.0);
        check_extremes(Course::Wander, 30.0, 60.0);
    }
}

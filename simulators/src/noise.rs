//! Repeatable randomness: every value is a pure function of a seed, a name
//! and a time, so that a run can be repeated and readings asked for in any
//! order.

use model::Time;

/// A stream of random numbers of its own, addressed by an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64, name: &str) -> Noise {
        // FNV-1a over the name, then mixed with the seed.
        let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        Noise(mixed(hash ^ mixed(seed)))
    }

    /// Another stream, for another use of the same name.
    pub(crate) fn named(self, name: &str) -> Noise {
        Noise::new(self.0, name)
    }

    pub(crate) fn bits(self, n: i64) -> u64 {
        mixed(self.0 ^ mixed(n.cast_unsigned()))
    }

    /// Even in [0, 1).
    pub(crate) fn unit(self, n: i64) -> f64 {
        // 53 bits fill the mantissa, so the cast is exact.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a f64")]
        let bits = (self.bits(n) >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }

    /// Even in [low, high).
    pub(crate) fn between(self, n: i64, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit(n)
    }

    /// Wanders in [-1, 1], with a new direction about every `scale_s` seconds.
    pub(crate) fn smooth(self, at: Time, scale_s: f64) -> f64 {
        let place = seconds(at) / scale_s;
        let cell = place.floor();
        let share = place - cell;
        #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 fit an i64")]
        let cell = cell as i64;
        let eased = share * share * (3.0 - 2.0 * share);
        let (from, to) = (self.between(cell, -1.0, 1.0), self.between(cell + 1, -1.0, 1.0));
        from + (to - from) * eased
    }

    /// White in [-1, 1]: a new value every second.
    pub(crate) fn white(self, at: Time) -> f64 {
        self.between(at.millis().div_euclid(1000), -1.0, 1.0)
    }
}

/// Steele, Lea and Flood's finaliser (SplitMix64).
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Seconds since 1970, with their fraction.
pub(crate) fn seconds(at: Time) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of our era fit a f64")]
    let millis = at.millis() as f64;
    millis / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_address_gives_the_same_number() {
        let noise = Noise::new(1, "hm-001");
        assert_eq!(noise.bits(7), Noise::new(1, "hm-001").bits(7));
        assert_ne!(noise.bits(7), Noise::new(2, "hm-001").bits(7));
        assert_ne!(noise.bits(7), Noise::new(1, "hm-002").bits(7));
        assert_ne!(noise.bits(7), noise.bits(8));
        assert_ne!(noise, noise.named("x"));
    }

    #[test]
    fn numbers_keep_their_bounds_and_fill_them() {
        let noise = Noise::new(3, "x");
        let units: Vec<f64> = (0..10_000).map(|n| noise.unit(n)).collect();
        let mean = units.iter().sum::<f64>() / 10_000.0;
        assert!(units.iter().all(|unit| (0.0..1.0).contains(unit)));
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }

    #[test]
    fn smooth_noise_has_no_jumps() {
        let noise = Noise::new(3, "x");
        let value = |second: i64| noise.smooth(Time::from_millis_clamped(second * 1000), 600.0);
        for second in 0..5_000 {
            assert!((value(second) - value(second + 1)).abs() < 0.01);
            assert!(value(second).abs() <= 1.0);
        }
    }
}

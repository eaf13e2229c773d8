//! How age turns into trust (docs/indices.md section 5, "Freshness",
//! "Holding").

use std::time::Duration;

use model::Time;

use crate::explain::NodeState;

/// Freshness of a value (docs/indices.md section 5, A), 0..1: 1 while its age
/// is at most T, then `2^(−(age − T)/T)`.
pub fn freshness(age_ms: i64, period: Duration) -> f64 {
    let period_ms = millis(period).max(1);
    if age_ms <= period_ms {
        return 1.0;
    }
    libm::exp2(-((age_ms - period_ms) as f64 / period_ms as f64))
}

/// Freshness where a shorter T holds since `changed` (a response declared, a
/// shelter opened): the smaller of the freshness by the long T and that by the
/// short T with the age counted from the later of the report and the change,
/// so that declaring changes nothing at that minute (docs/indices.md section 5,
/// A).
pub fn freshness_since_change(
    reported: Time,
    changed: Time,
    at: Time,
    long: Duration,
    short: Duration,
) -> f64 {
    let by_long = freshness(at.millis_since(reported), long);
    let by_short = freshness(at.millis_since(reported.max(changed)), short);
    by_long.min(by_short)
}

/// When a value was true and how it ages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aging {
    pub time: Time,
    /// T.
    pub period: Duration,
    pub credibility: f64,
    /// A shorter T that holds since a change.
    pub since_change: Option<(Time, Duration)>,
}

impl Aging {
    pub fn state(&self, at: Time) -> NodeState {
        state_at_age(at.millis_since(self.time), self.period)
    }

    /// f·q of a known value, 0 of a held one.
    pub fn confidence(&self, at: Time) -> f64 {
        if self.state(at) != NodeState::Known {
            return 0.0;
        }
        let fresh = match self.since_change {
            Some((changed, short)) => {
                freshness_since_change(self.time, changed, at, self.period, short)
            }
            None => freshness(at.millis_since(self.time), self.period),
        };
        fresh * self.credibility
    }
}

/// Known up to an age of 3T, then held: still counted, outside coverage.
pub fn state_at_age(age_ms: i64, period: Duration) -> NodeState {
    if age_ms <= millis(period).saturating_mul(3) { NodeState::Known } else { NodeState::Held }
}

/// Credibility of a source before age (docs/indices.md section 5, "Confidence",
/// A).
pub mod credibility {
    pub const MEASURED: f64 = 1.0;
    pub const OUTLOOK: f64 = 1.0;
    pub const NO_DEMAND: f64 = 1.0;
    pub const NEIGHBOUR: f64 = 0.8;
    pub const MANUAL: f64 = 0.6;
    pub const WIND_MODEL: f64 = 0.5;
    pub const DEFAULT: f64 = 0.3;
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn freshness_halves_each_period_after_the_first() {
        let f = |age_min: i64| freshness(age_min * 60_000, MINUTE * 5);
        assert_eq!((f(0), f(5), f(10), f(15)), (1.0, 1.0, 0.5, 0.25));
        assert!((f(30) - 0.0312).abs() < 1e-4);
    }

    #[test]
    fn declaring_a_response_changes_nothing_at_that_minute() {
        let hour = |n: i64| Time::from_millis_clamped(n * 3_600_000);
        let (day, short) = (MINUTE * 1440, MINUTE * 60);
        let f = |at| freshness_since_change(hour(0), hour(20), hour(at), day, short);
        assert_eq!((f(20), f(21), f(22)), (1.0, 1.0, 0.5));
    }

    #[test]
    fn known_becomes_held_after_three_periods() {
        assert_eq!(state_at_age(15 * 60_000, MINUTE * 5), NodeState::Known);
        assert_eq!(state_at_age(15 * 60_000 + 1, MINUTE * 5), NodeState::Held);
    }
}

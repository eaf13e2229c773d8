//! When a reading was true, once the time of its arrival is known.

use model::{ReadingTime, Time};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolvedTime {
    pub time: Time,
    /// The time depends on that of arrival: a second delivery of the same
    /// payload gives another one, and the observation is to be marked.
    pub by_arrival: bool,
}

/// Times out of range become the nearest that can be written.
pub fn resolve_time(time: ReadingTime, received: Time) -> ResolvedTime {
    match time {
        ReadingTime::At(time) => ResolvedTime { time, by_arrival: false },
        ReadingTime::Arrival => ResolvedTime { time: received, by_arrival: true },
        ReadingTime::RelativeToArrival(offset_ms) => {
            let millis = received.millis().saturating_add(offset_ms);
            ResolvedTime { time: Time::from_millis_clamped(millis), by_arrival: true }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(time: ReadingTime, expected_ms: i64, by_arrival: bool) {
        let received = Time::from_millis(10_000).unwrap();
        let expected = ResolvedTime { time: Time::from_millis_clamped(expected_ms), by_arrival };
        assert_eq!(resolve_time(time, received), expected);
    }

    #[test]
    fn only_a_time_of_its_own_does_not_depend_on_arrival() {
        check(ReadingTime::At(Time::EPOCH), 0, false);
        check(ReadingTime::Arrival, 10_000, true);
        check(ReadingTime::RelativeToArrival(-2_500), 7_500, true);
        check(ReadingTime::RelativeToArrival(i64::MAX), i64::MAX, true);
        check(ReadingTime::RelativeToArrival(i64::MIN), i64::MIN, true);
    }
}

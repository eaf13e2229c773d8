//! Event time: milliseconds since 1970-01-01 UTC.
//!
//! One integer type serves the journal, windows and the wire. It is written
//! as RFC 3339 with a numeric offset, `+08:00` unless asked otherwise.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant, to the millisecond, between the years 1 and 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    #[error(
        "time `{0}` has no offset from UTC; write it like 2026-07-25T08:15:30+08:00 \
         (a `+` in a query string must be written %2B)"
    )]
    Naive(String),
    #[error(
        "time `{0}` is not RFC 3339; write it like 2026-07-25T08:15:30+08:00 \
         (a `+` in a query string must be written %2B)"
    )]
    Syntax(String),
    #[error("{0} milliseconds since 1970 is outside the years 1 to 9999")]
    Range(i64),
}

const SHOWN_MAX: usize = 60;

/// China Standard Time has had no daylight saving since 1991: day windows and
/// output use a fixed offset.
const CHINA_OFFSET_MS: i64 = 8 * 3_600_000;

impl Time {
    pub const MIN: Time = Time(-62_135_596_800_000);
    pub const MAX: Time = Time(253_402_300_799_999);
    pub const EPOCH: Time = Time(0);

    pub fn from_millis(millis: i64) -> Result<Time, TimeError> {
        if (Time::MIN.0..=Time::MAX.0).contains(&millis) {
            Ok(Time(millis))
        } else {
            Err(TimeError::Range(millis))
        }
    }

    /// The nearest time that can be written; for values read back from our
    /// own files.
    pub fn from_millis_clamped(millis: i64) -> Time {
        Time(millis.clamp(Time::MIN.0, Time::MAX.0))
    }

    pub fn millis(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339 with an offset or `Z`. Fractions beyond a millisecond
    /// are rounded down.
    pub fn parse(text: &str) -> Result<Time, TimeError> {
        let shown = || text.escape_debug().take(SHOWN_MAX).collect::<String>();
        match text.parse::<jiff::Timestamp>() {
            Ok(timestamp) => {
                let nanos = timestamp.as_nanosecond();
                let millis =
                    i64::try_from(nanos.div_euclid(1_000_000)).expect("jiff's years end at 9999");
                Time::from_millis(millis)
            }
            Err(_) if text.parse::<jiff::civil::DateTime>().is_ok() => {
                Err(TimeError::Naive(shown()))
            }
            Err(_) => Err(TimeError::Syntax(shown())),
        }
    }

    /// Milliseconds from `earlier` to `self`; negative if it is later.
    pub fn millis_since(self, earlier: Time) -> i64 {
        self.0 - earlier.0
    }

    /// The start of the slot of `step` that holds this instant, slots counted
    /// from 1970-01-01 UTC.
    pub fn floor_to(self, step: Duration) -> Time {
        let step_ms = duration_millis(step).max(1);
        Time(self.0.div_euclid(step_ms) * step_ms).clamp(Time::MIN, Time::MAX)
    }

    /// The start of this instant's day in Asia/Shanghai.
    pub fn china_day_start(self) -> Time {
        let day_ms = 86_400_000;
        let local = self.0 + CHINA_OFFSET_MS;
        Time(local.div_euclid(day_ms) * day_ms - CHINA_OFFSET_MS).clamp(Time::MIN, Time::MAX)
    }

    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).expect("a Time lies within jiff's range")
    }
}

/// Durations of our configuration fit; longer ones saturate.
fn duration_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, duration: Duration) -> Time {
        Time(self.0.saturating_add(duration_millis(duration))).clamp(Time::MIN, Time::MAX)
    }
}

impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, duration: Duration) -> Time {
        Time(self.0.saturating_sub(duration_millis(duration))).clamp(Time::MIN, Time::MAX)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.to_jiff().display_with_offset(Offset::constant(8));
        write!(f, "{local:.3}")
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Time, TimeError> {
        Time::parse(text)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Time::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, TimeError>) {
        assert_eq!(Time::parse(text).map(|time| time.to_string()), expected.map(str::to_owned));
    }

    #[test]
    fn times_are_written_at_china_offset_with_milliseconds() {
        check("2026-07-25T00:15:30.123456Z", Ok("2026-07-25T08:15:30.123+08:00"));
        check("2026-07-25T08:15:30+08:00", Ok("2026-07-25T08:15:30.000+08:00"));
    }

    #[test]
    fn a_naive_time_says_so() {
        check("2026-07-25T08:15:30", Err(TimeError::Naive("2026-07-25T08:15:30".into())));
    }

    #[test]
    fn a_plus_turned_space_is_a_syntax_error_that_names_percent_2b() {
        let error = Time::parse("2026-07-25T08:15:30 08:00").unwrap_err();
        assert!(error.to_string().contains("%2B"));
    }

    #[test]
    fn fractions_before_1970_round_down() {
        check("1969-12-31T23:59:59.9999Z", Ok("1970-01-01T07:59:59.999+08:00"));
    }

    #[test]
    fn days_start_at_midnight_in_shanghai() {
        let time = Time::parse("2026-07-25T23:59:59+08:00").unwrap();
        assert_eq!(time.china_day_start().to_string(), "2026-07-25T00:00:00.000+08:00");
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Time::MAX + Duration::MAX, Time::MAX);
        assert_eq!(Time::MIN - Duration::MAX, Time::MIN);
    }
}

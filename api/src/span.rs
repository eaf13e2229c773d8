//! The time part of a series query: range, zone and windows.

use std::time::Duration;

use jiff::tz::{Offset, TimeZone};
use jiff::{SpanRelativeTo, Unit};
use model::{Clock, Time, duration_text};
use store::{Step, TimeRange};

use crate::observations::ObservationsQuery;
use crate::paging;
use crate::problem::ApiError;

const DEFAULT_ZONE: &str = "Asia/Shanghai";
const DEFAULT_LENGTH: Duration = Duration::from_secs(24 * 3600);

/// Readings may be ahead of the clock by five minutes; they are in the
/// default range too.
const AHEAD: Duration = Duration::from_secs(10 * 60);

const EVERY_MIN: Duration = Duration::from_secs(1);
const EVERY_MAX: Duration = Duration::from_secs(366 * 86_400);

#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) range: TimeRange,
    pub(crate) tz: String,
    offset: Offset,
    pub(crate) windows: Option<Windows>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Windows {
    /// As asked for.
    pub(crate) every: String,
    pub(crate) step: Step,
}

impl Span {
    /// RFC 3339 with milliseconds and the zone's offset.
    pub(crate) fn write(&self, time: Time) -> String {
        format!("{:.3}", time.to_jiff().display_with_offset(self.offset))
    }
}

pub(crate) fn parse(query: &ObservationsQuery, clock: &Clock) -> Result<Span, ApiError> {
    let stop = instant(("stop", query.stop.as_deref()), ("to", query.to))?
        .unwrap_or_else(|| clock.scene() + AHEAD);
    let start = instant(("start", query.start.as_deref()), ("from", query.from))?
        .unwrap_or_else(|| stop - DEFAULT_LENGTH);
    let range = TimeRange { start, stop };

    let tz = query.tz.clone().unwrap_or_else(|| DEFAULT_ZONE.to_owned());
    let zone = TimeZone::get(&tz)
        .map_err(|_| ApiError::parameter("tz", "is no IANA zone, as Asia/Shanghai"))?;
    let offset = zone.to_offset(start.to_jiff());
    let changes = zone.following(start.to_jiff()).next();
    let is_fixed = changes.is_none_or(|change| change.timestamp() >= stop.to_jiff());
    let every = every(query)?;
    if query.tz.is_some() && stop > start && !is_fixed && every.is_some() {
        let reason = format!("{tz} changes its offset within the range; ask for two ranges");
        return Err(ApiError::parameter("tz", reason));
    }

    let day_start = match (query.day.as_deref(), &every) {
        (None, _) => Duration::ZERO,
        (Some("hydro"), Some(_)) => Duration::from_secs(8 * 3600),
        (Some("hydro"), None) => return Err(ApiError::parameter("day", "needs `every`")),
        (Some(_), _) => return Err(ApiError::parameter("day", "is not `hydro`")),
    };
    let windows = every.map(|(text, every)| Windows {
        every: text,
        step: Step { every, origin: day_origin(start, offset, day_start) },
    });
    Ok(Span { range, tz, offset, windows })
}

fn instant(
    (name, text): (&'static str, Option<&str>),
    (synonym, millis): (&'static str, Option<i64>),
) -> Result<Option<Time>, ApiError> {
    match (paging::filter(name, text, Time::parse)?, millis) {
        (Some(_), Some(_)) => {
            Err(ApiError::parameter(synonym, format!("and `{name}` are the same; give one")))
        }
        (None, Some(millis)) => {
            Time::from_millis(millis).map(Some).map_err(|error| ApiError::parameter(synonym, error))
        }
        (given, None) => Ok(given),
    }
}

/// The length of windows, as text and as it is.
fn every(query: &ObservationsQuery) -> Result<Option<(String, Duration)>, ApiError> {
    match (&query.every, query.interval_ms) {
        (Some(_), Some(_)) => {
            Err(ApiError::parameter("interval_ms", "and `every` are the same; give one"))
        }
        (Some(text), None) => {
            let every = parse_every(text).map_err(|reason| ApiError::parameter("every", reason))?;
            Ok(Some((text.clone(), every)))
        }
        (None, Some(millis)) => {
            let every = in_bounds(Duration::from_millis(millis))
                .map_err(|reason| ApiError::parameter("interval_ms", reason))?;
            Ok(Some((duration_text::format(every), every)))
        }
        (None, None) => Ok(None),
    }
}

fn in_bounds(every: Duration) -> Result<Duration, String> {
    if (EVERY_MIN..=EVERY_MAX).contains(&every) {
        Ok(every)
    } else {
        Err("is not within 1s and 366d".to_owned())
    }
}

/// `1h`, `10min`, or ISO 8601 as `PT1H`, `P1D`; a day is 24 h.
fn parse_every(text: &str) -> Result<Duration, String> {
    let iso = || {
        let span: jiff::Span = text.parse().ok()?;
        if span.get_years() != 0 || span.get_months() != 0 || !text.starts_with('P') {
            return None;
        }
        let seconds = span.total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours())).ok()?;
        (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds / 1000.0))
    };
    let parsed = duration_text::parse(text).ok().or_else(iso);
    match parsed {
        Some(every) => in_bounds(every),
        None => Err("is no duration; write it like 10min, 1h, 1d or PT1H".to_owned()),
    }
}

/// The start of the day that `time` is in, by the zone's clock.
fn day_origin(time: Time, offset: Offset, day_start: Duration) -> Time {
    let day_ms = 86_400_000;
    let shift_ms = i64::from(offset.seconds()) * 1000
        - i64::try_from(day_start.as_millis()).expect("a day start is below a day");
    let local = time.millis() + shift_ms;
    Time::from_millis_clamped(local.div_euclid(day_ms) * day_ms - shift_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn clock() -> Clock {
        Clock::manual(time("2026-07-25T12:00:00+08:00"))
    }

    #[track_caller]
    fn check_every(text: &str, expected: Option<u64>) {
        let found = parse_every(text).ok().map(|every| every.as_secs());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn windows_are_written_in_two_ways() {
        check_every("1h", Some(3600));
        check_every("10min", Some(600));
        check_every("PT1H", Some(3600));
        check_every("PT90M", Some(5400));
        check_every("P1D", Some(86_400));
        for text in ["", "0s", "-PT1H", "P1M", "P1Y", "1 hour", "400d", "every"] {
            check_every(text, None);
        }
    }

    #[test]
    fn days_begin_where_the_zone_and_hydrology_say() {
        let at = time("2026-07-25T07:30:00+08:00");
        let china = Offset::constant(8);
        let eight = Duration::from_secs(8 * 3600);
        assert_eq!(day_origin(at, china, Duration::ZERO), time("2026-07-25T00:00:00+08:00"));
        assert_eq!(day_origin(at, china, eight), time("2026-07-24T08:00:00+08:00"));
        let utc = day_origin(at, Offset::UTC, Duration::ZERO);
        assert_eq!(utc, time("2026-07-24T00:00:00Z"));
    }

    #[test]
    fn the_default_is_the_last_day_with_what_may_be_ahead() {
        let span = parse(&ObservationsQuery::default(), &clock()).unwrap();
        assert_eq!(span.range.stop, time("2026-07-25T12:10:00+08:00"));
        assert_eq!(span.range.start, time("2026-07-24T12:10:00+08:00"));
        assert_eq!(span.write(span.range.stop), "2026-07-25T12:10:00.000+08:00");
    }

    #[test]
    fn contradictions_and_shifting_zones_are_refused() {
        let query = |change: fn(&mut ObservationsQuery)| {
            let mut query = ObservationsQuery {
                start: Some("2026-03-20T00:00:00Z".to_owned()),
                stop: Some("2026-04-20T00:00:00Z".to_owned()),
                ..ObservationsQuery::default()
            };
            change(&mut query);
            parse(&query, &clock())
        };
        assert!(query(|query| query.from = Some(0)).is_err());
        assert!(query(|query| query.tz = Some("Mars/Olympus".to_owned())).is_err());
        assert!(query(|query| query.day = Some("hydro".to_owned())).is_err());
        let berlin = |query: &mut ObservationsQuery| {
            query.tz = Some("Europe/Berlin".to_owned());
            query.every = Some("1d".to_owned());
        };
        assert!(query(berlin).is_err());
        let span = query(|query| query.tz = Some("UTC".to_owned())).unwrap();
        assert_eq!(span.write(span.range.start), "2026-03-20T00:00:00.000+00:00");
    }
}

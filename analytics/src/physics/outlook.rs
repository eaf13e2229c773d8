//! The typhoon outlook ladder (docs/indices.md 4.3): how soon a wind may come.

use std::time::Duration;

use model::{Level, Position, Time};

use super::local_wind::local_wind;
use super::track::Track;

const HOUR_MS: i64 = 3_600_000;

/// One step of the ladder: this wind within this time means this level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LadderStep {
    pub level: Level,
    pub wind_mps: f64,
    pub within: Duration,
}

const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3_600)
}

/// The signal rule of docs/indices.md 1.1 on mean wind (S): force 8 in 24 h,
/// force 10 in 12 h, force 12 in 6 h; it turns red far too late to act on.
pub const SIGNAL_RULE: [LadderStep; 3] = [
    LadderStep { level: Level::Yellow, wind_mps: 17.2, within: hours(24) },
    LadderStep { level: Level::Orange, wind_mps: 24.5, within: hours(12) },
    LadderStep { level: Level::Red, wind_mps: 32.7, within: hours(6) },
];

/// The local winds of a storm at a site on the hourly grid that starts at the
/// track's first fix, m/s, up to `until`.
pub fn hourly_winds(track: &Track, site: Position, until: Time) -> Vec<f64> {
    let hours = until.millis_since(track.first_time()).div_euclid(HOUR_MS);
    (0..=hours)
        .map(|hour| {
            let time = Time::from_millis_clamped(track.first_time().millis() + hour * HOUR_MS);
            local_wind(track, site, time).wind_mps
        })
        .collect()
}

/// What the ladder says at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    pub level: Level,
    /// The highest wind within the longest step, m/s; 0 when none is forecast.
    pub wind_max_mps: f64,
}

/// The level at `time` (docs/indices.md 4.3, A): the highest step whose wind is
/// reached by the maximum over the grid hours of `[time, time + within]`, both
/// ends included. `winds` are [`hourly_winds`] from `first` on; beyond them
/// nothing is forecast.
pub fn outlook(winds: &[f64], first: Time, time: Time, ladder: &[LadderStep]) -> Outlook {
    let mut level = Level::None;
    let mut wind_max_mps = 0.0_f64;
    for step in ladder {
        let highest = highest_within(winds, first, time, step.within);
        wind_max_mps = wind_max_mps.max(highest);
        if highest >= step.wind_mps {
            level = level.max(step.level);
        }
    }
    Outlook { level, wind_max_mps }
}

fn highest_within(winds: &[f64], first: Time, time: Time, within: Duration) -> f64 {
    // The first grid hour not before `time`, the last not after its end.
    let from = (time.millis_since(first) + HOUR_MS - 1).div_euclid(HOUR_MS).max(0);
    let to = (time + within).millis_since(first).div_euclid(HOUR_MS);
    let n_winds = i64::try_from(winds.len()).unwrap_or(i64::MAX);
    let index = |hour: i64| usize::try_from(hour.clamp(0, n_winds)).unwrap_or(0);
    let (from, to) = (index(from), index(to.saturating_add(1)));
    winds.get(from..to).unwrap_or_default().iter().fold(0.0, |best, wind| wind.max(best))
}

/// The worst of several active storms (docs/indices.md 4.3); none active is
/// level none, and known.
pub fn worst_outlook(outlooks: impl Iterator<Item = Outlook>) -> Outlook {
    let calm = Outlook { level: Level::None, wind_max_mps: 0.0 };
    outlooks.fold(calm, |worst, outlook| Outlook {
        level: worst.level.max(outlook.level),
        wind_max_mps: worst.wind_max_mps.max(outlook.wind_max_mps),
    })
}

/// Is a storm active (docs/indices.md 4.3, A)? From its first fix until its
/// final bulletin or an operator's `ended`, at the latest 24 h after its track
/// ends.
pub fn is_active(track: &Track, ended: Option<Time>, time: Time) -> bool {
    let end = ended.unwrap_or(Time::MAX).min(track.last_time() + hours(24));
    track.first_time() <= time && time < end
}

/// The first grid hour at which each step of the ladder is true on its own.
pub fn first_times(
    track: &Track,
    site: Position,
    ladder: &[LadderStep],
) -> Vec<(Level, Option<Time>)> {
    let winds = hourly_winds(track, site, track.last_time());
    let first = track.first_time();
    ladder
        .iter()
        .map(|step| {
            let is_true =
                |time: &Time| highest_within(&winds, first, *time, step.within) >= step.wind_mps;
            (step.level, track.hours().find(is_true))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LADDER: [LadderStep; 2] = [
        LadderStep { level: Level::Blue, wind_mps: 17.2, within: hours(4) },
        LadderStep { level: Level::Red, wind_mps: 24.5, within: hours(2) },
    ];

    #[track_caller]
    fn check(minute: i64, level: Level) {
        let winds = [1.0, 1.0, 1.0, 1.0, 17.2, 30.0, 1.0];
        let time = Time::from_millis_clamped(minute * 60_000);
        assert_eq!(outlook(&winds, Time::EPOCH, time, &LADDER).level, level);
    }

    #[test]
    fn both_ends_of_the_span_count() {
        check(-60, Level::None);
        check(0, Level::Blue);
        check(179, Level::Blue);
        check(180, Level::Red);
        check(300, Level::Red);
        check(301, Level::None);
        check(100_000, Level::None);
    }

    #[test]
    fn no_storm_is_level_none() {
        assert_eq!(worst_outlook(std::iter::empty()).level, Level::None);
    }
}

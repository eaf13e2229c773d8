//! What becomes of a message after a try.

use std::time::Duration;

use axum::http::StatusCode;
use model::Time;

const DELAY_MIN: Duration = Duration::from_secs(1);
const DELAY_MAX: Duration = Duration::from_secs(600);

/// After this a message is given up and shown as undelivered.
pub(super) const TRIED_FOR_MAX: Duration = Duration::from_secs(24 * 3_600);

/// A message that its receiver calls malformed is given up after so many tries:
/// it must not dam up those behind it.
const REFUSALS_MAX: u32 = 5;

/// How long to wait after the `n_failed`th failure in a row: twice as long each
/// time, from the half to the whole of it as `random` falls, and not shorter
/// than the receiver asked for.
pub(super) fn delay(n_failed: u32, random: u64, retry_after: Option<Duration>) -> Duration {
    let doublings = n_failed.saturating_sub(1).min(10);
    let ceiling = DELAY_MIN.saturating_mul(1 << doublings).min(DELAY_MAX);
    let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
    let jittered = ceiling.mul_f64(0.5 + share / 2.0);
    jittered.max(retry_after.unwrap_or_default()).min(DELAY_MAX)
}

/// When the next try is due; a clock that was set back must not hold a message
/// for longer than the longest delay.
pub(super) fn is_due(next_try: Option<Time>, real: Time) -> bool {
    next_try.is_none_or(|next_try| next_try <= real || next_try > real + DELAY_MAX)
}

pub(super) fn is_over(created: Time, real: Time) -> bool {
    created + TRIED_FOR_MAX <= real
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Delivered,
    Again,
    GiveUp,
}

/// After an answer to try number `n_tries`, the first being 1.
pub(super) fn verdict(status: StatusCode, n_tries: u32) -> Verdict {
    let is_malformed = matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY
    );
    match status {
        _ if status.is_success() => Verdict::Delivered,
        _ if is_malformed && n_tries >= REFUSALS_MAX => Verdict::GiveUp,
        _ => Verdict::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_ten_minutes_with_jitter() {
        let seconds = |n_failed, random| delay(n_failed, random, None).as_secs_f64();
        for (n_failed, ceiling) in [(1, 1.0), (2, 2.0), (4, 8.0), (10, 512.0), (11, 600.0)] {
            assert_eq!(seconds(n_failed, 0), ceiling / 2.0);
            let highest = seconds(n_failed, u64::MAX);
            assert!(highest <= ceiling && highest > ceiling * 0.999, "{highest}");
        }
        assert_eq!(seconds(u32::MAX, 0), 300.0);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_ever() {
        let asked = |seconds| delay(1, 0, Some(Duration::from_secs(seconds))).as_secs_f64();
        assert_eq!([asked(0), asked(30), asked(86_400)], [0.5, 30.0, 600.0]);
    }

    #[test]
    fn only_success_ends_a_message_and_a_refused_one_is_given_up() {
        let found = |status: u16, n_tries| verdict(StatusCode::from_u16(status).unwrap(), n_tries);
        assert_eq!([200, 204, 299].map(|status| found(status, 1)), [Verdict::Delivered; 3]);
        for status in [301, 302, 401, 403, 404, 408, 429, 500, 503] {
            assert_eq!(found(status, 1_000), Verdict::Again, "{status}");
        }
        for status in [400, 413, 415, 422] {
            assert_eq!([found(status, 4), found(status, 5)], [Verdict::Again, Verdict::GiveUp]);
        }
    }

    #[test]
    fn a_clock_set_back_holds_nothing() {
        let at = |seconds: i64| Time::from_millis_clamped(seconds * 1_000);
        assert!(is_due(None, at(0)) && is_due(Some(at(5)), at(5)));
        assert!(!is_due(Some(at(6)), at(5)));
        assert!(is_due(Some(at(10_000)), at(5)));
        assert!(!is_over(at(0), at(86_399)) && is_over(at(0), at(86_400)));
    }
}

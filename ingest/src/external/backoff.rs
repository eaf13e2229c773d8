//! The wait before the next connection: full jitter below a bound that
//! doubles from 0.5 s to 30 s and falls back after a minute of health.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

const BOUND_FIRST: Duration = Duration::from_millis(500);
const BOUND_MAX: Duration = Duration::from_secs(30);
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Backoff {
    bound: Duration,
    connected_at: Option<Instant>,
}

impl Backoff {
    pub(super) fn new() -> Backoff {
        Backoff { bound: BOUND_FIRST, connected_at: None }
    }

    pub(super) fn connected(&mut self) {
        self.connected_at = Some(Instant::now());
    }

    /// Has this connection lasted?
    pub(super) fn is_healthy(&self) -> bool {
        self.connected_at.is_some_and(|at| HEALTHY_AFTER <= at.elapsed())
    }

    /// The connection failed; how long to wait.
    pub(super) fn next(&mut self) -> Duration {
        if self.is_healthy() {
            self.bound = BOUND_FIRST;
        }
        self.connected_at = None;
        let bound = self.bound;
        self.bound = (bound * 2).min(BOUND_MAX);
        bound.mul_f64(random_fraction())
    }
}

/// From the keys that std draws for each new hasher: enough for jitter.
fn random_fraction() -> f64 {
    let bits = RandomState::new().hash_one(0_u8);
    f64::from((bits >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bounds_double_and_fall_back_after_a_minute_of_health() {
        let mut backoff = Backoff::new();
        for bound_ms in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            assert_eq!(backoff.bound.as_millis(), bound_ms);
            assert!(backoff.next().as_millis() <= bound_ms);
        }
        backoff.connected();
        tokio::time::advance(Duration::from_secs(59)).await;
        backoff.next();
        assert_eq!(backoff.bound, BOUND_MAX, "fell back too early");
        backoff.connected();
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(backoff.next() <= BOUND_FIRST);
    }

    #[test]
    fn the_jitter_is_spread() {
        let drawn: Vec<f64> = (0..1_000).map(|_| random_fraction()).collect();
        assert!(drawn.iter().all(|fraction| (0.0..=1.0).contains(fraction)));
        assert!(drawn.iter().any(|fraction| *fraction < 0.1));
        assert!(drawn.iter().any(|fraction| 0.9 < *fraction));
    }
}

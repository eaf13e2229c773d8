//! A token bucket that delays instead of refusing.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Shared by the connections of one thing.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Between two messages in the long run.
    interval: Duration,
    /// How far the schedule may lie behind: the burst.
    slack: Duration,
    /// When the next message is due; locked for a few instructions only.
    due: Mutex<Instant>,
}

impl Throttle {
    pub(super) fn new(messages_per_second: u32, burst: u32) -> Throttle {
        let interval = Duration::from_secs(1) / messages_per_second.max(1);
        Throttle { interval, slack: interval * burst, due: Mutex::new(Instant::now()) }
    }

    /// Takes a place in the schedule and waits for it.
    pub(super) async fn wait(&self) {
        let place = self.take_place(Instant::now());
        if let Some(place) = place {
            sleep_until(place).await;
        }
    }

    fn take_place(&self, now: Instant) -> Option<Instant> {
        let mut due = self.due.lock().expect("no holder of the lock panics");
        let place = due.max(now.checked_sub(self.slack).unwrap_or(now));
        *due = place + self.interval;
        (now < place).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_rest_follows_at_the_rate() {
        let throttle = Throttle::new(100, 50);
        tokio::time::advance(Duration::from_secs(10)).await;
        let start = Instant::now();
        for _ in 0..51 {
            throttle.wait().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..100 {
            throttle.wait().await;
        }
        let took = start.elapsed();
        assert!((990..=1_010).contains(&took.as_millis()), "{took:?}");
    }
}

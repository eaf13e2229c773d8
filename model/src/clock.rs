//! The two clocks. Code asks for `scene()` or `real()`, never for "now".
//!
//! `scene()` drives event time, windows, ticks, alerts; `real()` drives
//! sessions, time-outs, retries, audit. In `run` they are equal.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::Time;

/// Cheap to clone; clones of a manual clock share its hands.
#[derive(Debug, Clone)]
pub enum Clock {
    /// Both clocks are the system's.
    System,
    /// Both stand still until the holder moves them: tests.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(start: Time) -> Clock {
        Clock::Manual(Arc::new(AtomicI64::new(start.millis())))
    }

    pub fn scene(&self) -> Time {
        self.read()
    }

    pub fn real(&self) -> Time {
        self.read()
    }

    /// How fast the scene runs against real time.
    pub fn speed(&self) -> f64 {
        1.0
    }

    fn read(&self) -> Time {
        match self {
            Clock::System => system_time(),
            Clock::Manual(millis) => Time::from_millis_clamped(millis.load(Ordering::Acquire)),
        }
    }

    /// Moves a manual clock; the system's cannot be moved.
    pub fn set(&self, time: Time) {
        match self {
            Clock::System => debug_assert!(false, "the system clock is not ours to set"),
            Clock::Manual(millis) => millis.store(time.millis(), Ordering::Release),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's time")]
fn system_time() -> Time {
    Time::from_millis_clamped(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Time::EPOCH);
        let other = clock.clone();
        clock.set(Time::EPOCH + Duration::from_secs(5));
        assert_eq!(other.scene().millis(), 5_000);
    }
}

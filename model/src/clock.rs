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
    /// The scene runs faster than real time: `demo`.
    Scaled(ScaledClock),
    /// Both stand still until the holder moves them: tests.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(start: Time) -> Clock {
        Clock::Manual(Arc::new(AtomicI64::new(start.millis())))
    }

    /// A scene that is at `scene` when it is made and runs `speed` times as
    /// fast as real time.
    pub fn scaled(scene: Time, speed: f64) -> Clock {
        Clock::Scaled(ScaledClock { scene, real: system_time(), speed })
    }

    pub fn scene(&self) -> Time {
        match self {
            Clock::System => system_time(),
            Clock::Scaled(scaled) => scaled.scene_at(system_time()),
            Clock::Manual(millis) => Time::from_millis_clamped(millis.load(Ordering::Acquire)),
        }
    }

    pub fn real(&self) -> Time {
        match self {
            Clock::System | Clock::Scaled(_) => system_time(),
            Clock::Manual(millis) => Time::from_millis_clamped(millis.load(Ordering::Acquire)),
        }
    }

    /// How fast the scene runs against real time.
    pub fn speed(&self) -> f64 {
        match self {
            Clock::Scaled(scaled) => scaled.speed,
            Clock::System | Clock::Manual(_) => 1.0,
        }
    }

    /// How long in real time the scene takes for `scene_ms`.
    pub fn real_of_scene_ms(&self, scene_ms: u64) -> std::time::Duration {
        std::time::Duration::from_secs_f64(scene_ms as f64 / 1_000.0 / self.speed())
    }

    /// Moves a manual clock; the others cannot be moved.
    pub fn set(&self, time: Time) {
        match self {
            Clock::System | Clock::Scaled(_) => {
                debug_assert!(false, "this clock is not ours to set");
            }
            Clock::Manual(millis) => millis.store(time.millis(), Ordering::Release),
        }
    }
}

/// Where a scaled scene began, in both times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScaledClock {
    scene: Time,
    real: Time,
    speed: f64,
}

impl ScaledClock {
    fn scene_at(self, real: Time) -> Time {
        let elapsed_ms = real.millis_since(self.real) as f64 * self.speed;
        Time::from_millis_clamped(self.scene.millis().saturating_add(elapsed_ms as i64))
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
    fn a_scaled_scene_runs_faster() {
        let clock =
            ScaledClock { scene: Time::EPOCH, real: Time::from_millis_clamped(5_000), speed: 60.0 };
        assert_eq!(clock.scene_at(Time::from_millis_clamped(6_000)).millis(), 60_000);
    }

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Time::EPOCH);
        let other = clock.clone();
        clock.set(Time::EPOCH + Duration::from_secs(5));
        assert_eq!(other.scene().millis(), 5_000);
    }
}

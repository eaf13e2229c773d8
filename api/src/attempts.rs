//! Counts of attempts in a window, in a bounded map: what stands between a
//! password and whoever guesses it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Duration;

use model::Time;

const KEYS_MAX: usize = 20_000;

#[derive(Debug, Clone, Copy)]
struct Window {
    start: Time,
    n: u32,
}

/// At most `max` in each window of a key; a window begins with its first
/// attempt.
#[derive(Debug)]
pub(crate) struct Attempts<K> {
    max: u32,
    window: Duration,
    /// Held for a map operation only, never across an await.
    counts: Mutex<HashMap<K, Window>>,
}

impl<K: Eq + Hash + Clone> Attempts<K> {
    pub(crate) fn new(max: u32, window: Duration) -> Attempts<K> {
        Attempts { max, window, counts: Mutex::new(HashMap::new()) }
    }

    /// Counts one; an error says how long to wait, and counts nothing.
    pub(crate) fn count(&self, key: K, now: Time) -> Result<(), Duration> {
        let mut counts = self.counts.lock().expect("no holder of this lock can panic");
        if counts.len() >= KEYS_MAX && !counts.contains_key(&key) {
            make_room(&mut counts, self.window, now);
        }
        let entry = counts.entry(key).or_insert(Window { start: now, n: 0 });
        let age_ms = u64::try_from(now.millis_since(entry.start)).unwrap_or(u64::MAX);
        let age = Duration::from_millis(age_ms);
        if age >= self.window {
            *entry = Window { start: now, n: 0 };
        }
        if entry.n >= self.max {
            return Err(self.window.saturating_sub(age));
        }
        entry.n += 1;
        Ok(())
    }

    /// Would [`count`](Attempts::count) refuse?
    pub(crate) fn check(&self, key: &K, now: Time) -> Result<(), Duration> {
        let counts = self.counts.lock().expect("no holder of this lock can panic");
        let Some(entry) = counts.get(key) else { return Ok(()) };
        let age_ms = u64::try_from(now.millis_since(entry.start)).unwrap_or(u64::MAX);
        let left = self.window.saturating_sub(Duration::from_millis(age_ms));
        if entry.n >= self.max && !left.is_zero() { Err(left) } else { Ok(()) }
    }

    /// A success forgives.
    pub(crate) fn forget(&self, key: &K) {
        self.counts.lock().expect("no holder of this lock can panic").remove(key);
    }
}

/// Drops windows that are over; if that is not enough, the oldest half.
fn make_room<K: Eq + Hash + Clone>(counts: &mut HashMap<K, Window>, window: Duration, now: Time) {
    counts.retain(|_, entry| entry.start + window > now);
    if counts.len() < KEYS_MAX {
        return;
    }
    let mut starts: Vec<Time> = counts.values().map(|entry| entry.start).collect();
    starts.sort_unstable();
    let median = starts[starts.len() / 2];
    counts.retain(|_, entry| entry.start > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(900);

    #[test]
    fn the_sixth_attempt_waits_for_the_end_of_the_window() {
        let attempts = Attempts::new(5, WINDOW);
        let start = Time::EPOCH;
        for _ in 0..5 {
            assert_eq!(attempts.count("a", start), Ok(()));
        }
        let later = start + Duration::from_secs(100);
        assert_eq!(attempts.count("a", later), Err(Duration::from_secs(800)));
        assert_eq!(attempts.check(&"a", later), Err(Duration::from_secs(800)));
        assert_eq!(attempts.count("b", later), Ok(()));
        assert_eq!(attempts.check(&"a", start + WINDOW), Ok(()));
        assert_eq!(attempts.count("a", start + WINDOW), Ok(()));
    }

    #[test]
    fn a_success_forgives() {
        let attempts = Attempts::new(1, WINDOW);
        attempts.count("a", Time::EPOCH).unwrap();
        attempts.forget(&"a");
        assert_eq!(attempts.count("a", Time::EPOCH), Ok(()));
    }

    #[test]
    fn the_map_stays_bounded_and_keeps_the_newest() {
        let attempts = Attempts::new(1, WINDOW);
        for key in 0..KEYS_MAX + 10 {
            let at = Time::EPOCH + Duration::from_millis(u64::try_from(key).unwrap());
            attempts.count(key, at).unwrap();
        }
        assert!(attempts.counts.lock().unwrap().len() <= KEYS_MAX);
        let now = Time::EPOCH + Duration::from_secs(30);
        assert!(attempts.count(KEYS_MAX + 9, now).is_err(), "the newest window was forgotten");
    }
}

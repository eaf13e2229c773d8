//! Counts of connections and packets that died below the ledger, kept until
//! the writer takes them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Time;

/// Peers times reasons times hours that wait to be written. What comes beyond
/// is counted under the peer `other`.
const WAITING_MAX: usize = 4096;

const PEER_CHARS_MAX: usize = 64;

const OTHER: &str = "other";

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RejectedKey {
    pub(crate) hour: Time,
    pub(crate) peer: String,
    pub(crate) reason: &'static str,
}

/// The lock is held for a look-up only, so `count` does not wait.
#[derive(Debug, Default)]
pub(crate) struct RejectedCounts(Mutex<HashMap<RejectedKey, u64>>);

impl RejectedCounts {
    pub(crate) fn count(&self, at: Time, peer: &str, reason: &'static str) {
        let peer = peer.chars().flat_map(char::escape_default).take(PEER_CHARS_MAX).collect();
        self.add(RejectedKey { hour: at.floor_to(HOUR), peer, reason }, 1);
    }

    pub(crate) fn take(&self) -> HashMap<RejectedKey, u64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives back what could not be written.
    pub(crate) fn put_back(&self, counts: HashMap<RejectedKey, u64>) {
        for (key, n) in counts {
            self.add(key, n);
        }
    }

    fn add(&self, mut key: RejectedKey, n: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= WAITING_MAX && !counts.contains_key(&key) {
            key.peer = OTHER.to_owned();
        }
        *counts.entry(key).or_default() += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_bounded_and_no_count_is_lost() {
        let counts = RejectedCounts::default();
        for peer in 0..WAITING_MAX + 100 {
            counts.count(Time::EPOCH, &peer.to_string(), "malformed");
        }
        let taken = counts.take();
        assert_eq!(taken.len(), WAITING_MAX + 1);
        counts.put_back(taken);
        let taken = counts.take();
        assert_eq!(taken.values().sum::<u64>(), WAITING_MAX as u64 + 100);
        assert!(counts.take().is_empty());
    }

    #[test]
    fn peers_are_short_and_escaped() {
        let counts = RejectedCounts::default();
        counts.count(Time::EPOCH, &"\n".repeat(100), "malformed");
        let peer = counts.take().into_keys().next().unwrap().peer;
        assert_eq!(peer, "\\n".repeat(PEER_CHARS_MAX / 2));
    }
}

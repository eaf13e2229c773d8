//! Failed logins by address: after a few within a minute only those are looked
//! at who were let in from that address before. Many devices may share one
//! address, so a stranger's guesses do not lock the others out.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use model::ThingId;
use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(60);

/// Addresses and pairs remembered; beyond it old ones make room.
const ADDRESSES_MAX: usize = 10_000;
const KNOWN_MAX: usize = 50_000;

#[derive(Debug)]
pub(super) struct Logins {
    failures_max: u32,
    /// Locked for one look, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: HashMap<IpAddr, Failures>,
    known: HashSet<(IpAddr, ThingId)>,
}

#[derive(Debug)]
struct Failures {
    since: Instant,
    n: u32,
}

impl Logins {
    pub(super) fn new(failures_max: u32) -> Logins {
        Logins { failures_max, state: Mutex::default() }
    }

    /// Is this login refused without a look at its secret?
    pub(super) fn is_refused(&self, address: IpAddr, thing: Option<&ThingId>) -> bool {
        let state = self.state.lock().expect("no holder of the lock panics");
        let is_over = state.failures.get(&address).is_some_and(|failures| {
            self.failures_max <= failures.n && failures.since.elapsed() < WINDOW
        });
        is_over && !thing.is_some_and(|thing| state.known.contains(&(address, thing.clone())))
    }

    pub(super) fn failed(&self, address: IpAddr) {
        let mut state = self.state.lock().expect("no holder of the lock panics");
        if ADDRESSES_MAX <= state.failures.len() && !state.failures.contains_key(&address) {
            state.failures.retain(|_, failures| failures.since.elapsed() < WINDOW);
            if ADDRESSES_MAX <= state.failures.len() {
                // So many attackers at once: forget one rather than grow.
                let one = state.failures.keys().next().copied();
                one.and_then(|address| state.failures.remove(&address));
            }
        }
        let now = Instant::now();
        let failures = state.failures.entry(address).or_insert(Failures { since: now, n: 0 });
        if WINDOW <= failures.since.elapsed() {
            *failures = Failures { since: now, n: 0 };
        }
        failures.n = failures.n.saturating_add(1);
    }

    pub(super) fn succeeded(&self, address: IpAddr, thing: &ThingId) {
        let mut state = self.state.lock().expect("no holder of the lock panics");
        if KNOWN_MAX <= state.known.len() {
            state.known.clear();
        }
        state.known.insert((address, thing.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn guesses_are_refused_and_the_known_are_not() {
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        let thing = ThingId::parse("rain-017").unwrap();
        let stranger = ThingId::parse("rain-018").unwrap();
        let logins = Logins::new(3);
        logins.succeeded(address, &thing);
        for _ in 0..3 {
            assert!(!logins.is_refused(address, Some(&stranger)));
            logins.failed(address);
        }
        assert!(logins.is_refused(address, Some(&stranger)));
        assert!(logins.is_refused(address, None));
        assert!(!logins.is_refused(address, Some(&thing)));
        assert!(!logins.is_refused(other, Some(&stranger)));
        tokio::time::advance(WINDOW).await;
        assert!(!logins.is_refused(address, Some(&stranger)));
    }
}

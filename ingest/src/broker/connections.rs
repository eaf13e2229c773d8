//! Who is connected: counts by address and thing, and which connection of a
//! client id is the newest.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::ThingId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::BrokerOptions;
use super::throttle::Throttle;

/// Takeovers are counted for this long.
const TAKEOVER_WINDOW: Duration = Duration::from_secs(60);

/// Things remembered with nothing connected are forgotten beyond this.
const THINGS_MAX: usize = 50_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConnectionId(u64);

/// Why a login that showed the right secret is refused all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoginRefusal {
    TooManyConnections,
    TooManyTakeovers,
}

impl LoginRefusal {
    pub(super) fn reason(self) -> &'static str {
        match self {
            LoginRefusal::TooManyConnections => "too_many_connections_of_thing",
            LoginRefusal::TooManyTakeovers => "too_many_takeovers",
        }
    }
}

/// What a login that is let in gets.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) throttle: Arc<Throttle>,
    /// A client id of the thing that has to make room: its session ends.
    pub(super) forgotten: Option<String>,
}

/// Locked for one look-up at a time, never across an await.
#[derive(Debug)]
pub(super) struct Connections {
    options: BrokerOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    n_admitted: usize,
    next_id: u64,
    by_address: HashMap<IpAddr, usize>,
    /// The newest connection of each client id.
    by_client: HashMap<String, (ConnectionId, CancellationToken)>,
    by_thing: HashMap<ThingId, ThingEntry>,
}

#[derive(Debug)]
struct ThingEntry {
    throttle: Arc<Throttle>,
    connections: Vec<(ConnectionId, CancellationToken)>,
    /// With the time each was last used.
    client_ids: HashMap<String, Instant>,
    takeovers_since: Instant,
    n_takeovers: u32,
}

impl Connections {
    pub(super) fn new(options: BrokerOptions) -> Connections {
        Connections { options, state: Mutex::default() }
    }

    /// A socket was accepted; `None` when there are too many.
    pub(super) fn admit(&self, address: IpAddr) -> Option<ConnectionId> {
        let mut state = self.lock();
        let n_of_address = state.by_address.get(&address).copied().unwrap_or(0);
        if self.options.connections_max <= state.n_admitted
            || self.options.connections_per_ip_max <= n_of_address
        {
            return None;
        }
        state.n_admitted += 1;
        state.by_address.insert(address, n_of_address + 1);
        state.next_id += 1;
        Some(ConnectionId(state.next_id))
    }

    /// Its credentials were accepted. Ends the older connection of the same
    /// client id. `keeps_session`: it asks for a session that outlives it.
    pub(super) fn log_in(
        &self,
        id: ConnectionId,
        cancel: &CancellationToken,
        thing: &ThingId,
        client_id: &str,
        keeps_session: bool,
    ) -> Result<Admission, LoginRefusal> {
        let options = &self.options;
        let mut guard = self.lock();
        let state = &mut *guard;
        if THINGS_MAX <= state.by_thing.len() {
            state.by_thing.retain(|_, entry| !entry.connections.is_empty());
        }
        let is_takeover = state.by_client.contains_key(client_id);
        let entry = state.by_thing.entry(thing.clone()).or_insert_with(|| ThingEntry::new(options));

        let n_others = entry.connections.len() - usize::from(is_takeover);
        if options.connections_per_thing_max <= n_others {
            return Err(LoginRefusal::TooManyConnections);
        }
        if is_takeover {
            entry.count_takeover(options)?;
        }
        let newest = (id, cancel.clone());
        if let Some((older, token)) = state.by_client.insert(client_id.to_owned(), newest) {
            token.cancel();
            // Whoever counts the thing's connections next must not see it.
            entry.connections.retain(|(other, _)| *other != older);
            metrics::counter!("ingest_takeovers_total").increment(1);
        }
        entry.connections.push((id, cancel.clone()));
        let forgotten = if keeps_session {
            let is_connected = |client_id: &str| state.by_client.contains_key(client_id);
            entry.use_client_id(client_id, options, is_connected)
        } else {
            None
        };
        Ok(Admission { throttle: Arc::clone(&entry.throttle), forgotten })
    }

    pub(super) fn is_newest(&self, id: ConnectionId, client_id: &str) -> bool {
        self.lock().by_client.get(client_id).is_some_and(|(newest, _)| *newest == id)
    }

    /// The socket is closed; `login` is what it was logged in as.
    pub(super) fn remove(
        &self,
        id: ConnectionId,
        address: IpAddr,
        login: Option<(&ThingId, &str)>,
    ) {
        let mut state = self.lock();
        state.n_admitted -= 1;
        if let Some(n) = state.by_address.get_mut(&address) {
            *n -= 1;
            if *n == 0 {
                state.by_address.remove(&address);
            }
        }
        let Some((thing, client_id)) = login else {
            return;
        };
        if state.by_client.get(client_id).is_some_and(|(newest, _)| *newest == id) {
            state.by_client.remove(client_id);
        }
        if let Some(entry) = state.by_thing.get_mut(thing) {
            entry.connections.retain(|(other, _)| *other != id);
        }
    }

    /// Ends every connection that logged in as `thing`.
    pub(super) fn disconnect_thing(&self, thing: &ThingId) -> usize {
        let state = self.lock();
        let Some(entry) = state.by_thing.get(thing) else {
            return 0;
        };
        for (_, token) in &entry.connections {
            token.cancel();
        }
        entry.connections.len()
    }

    pub(super) fn n_connections(&self) -> usize {
        self.lock().n_admitted
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }
}

impl ThingEntry {
    fn new(options: &BrokerOptions) -> ThingEntry {
        ThingEntry {
            throttle: Arc::new(Throttle::new(options.messages_per_second, options.messages_burst)),
            connections: Vec::new(),
            client_ids: HashMap::new(),
            takeovers_since: Instant::now(),
            n_takeovers: 0,
        }
    }

    /// Books the client id; one too many makes the longest unused one leave.
    fn use_client_id(
        &mut self,
        client_id: &str,
        options: &BrokerOptions,
        is_connected: impl Fn(&str) -> bool,
    ) -> Option<String> {
        self.client_ids.insert(client_id.to_owned(), Instant::now());
        if self.client_ids.len() <= options.client_ids_per_thing_max {
            return None;
        }
        let unused = self.client_ids.iter().filter(|(other, _)| !is_connected(other));
        let oldest = unused.min_by_key(|(_, used)| **used).map(|(other, _)| other.clone());
        oldest.inspect(|other| {
            self.client_ids.remove(other);
        })
    }

    fn count_takeover(&mut self, options: &BrokerOptions) -> Result<(), LoginRefusal> {
        if TAKEOVER_WINDOW <= self.takeovers_since.elapsed() {
            self.takeovers_since = Instant::now();
            self.n_takeovers = 0;
        }
        if options.takeovers_per_minute <= self.n_takeovers {
            return Err(LoginRefusal::TooManyTakeovers);
        }
        self.n_takeovers += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        connections: Connections,
        thing: ThingId,
        address: IpAddr,
    }

    impl Fixture {
        fn new() -> Fixture {
            let options = BrokerOptions {
                connections_max: 4,
                connections_per_ip_max: 3,
                connections_per_thing_max: 2,
                client_ids_per_thing_max: 2,
                takeovers_per_minute: 1,
                ..BrokerOptions::default()
            };
            Fixture {
                connections: Connections::new(options),
                thing: ThingId::parse("rain-017").unwrap(),
                address: "192.0.2.1".parse().unwrap(),
            }
        }

        fn log_in(
            &self,
            client_id: &str,
        ) -> (ConnectionId, CancellationToken, Result<Admission, LoginRefusal>) {
            let id = self.connections.admit(self.address).unwrap();
            let cancel = CancellationToken::new();
            let outcome = self.connections.log_in(id, &cancel, &self.thing, client_id, true);
            (id, cancel, outcome)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_connection_of_a_client_id_ends_the_older() {
        let fixture = Fixture::new();
        let (first, first_cancel, _) = fixture.log_in("rain-017");
        let (second, second_cancel, outcome) = fixture.log_in("rain-017");
        assert!(outcome.is_ok() && first_cancel.is_cancelled() && !second_cancel.is_cancelled());
        assert!(fixture.connections.is_newest(second, "rain-017"));
        let login = Some((&fixture.thing, "rain-017"));
        fixture.connections.remove(first, fixture.address, login);
        assert!(fixture.connections.is_newest(second, "rain-017"), "an end forgot the newer one");
        let (_, third_cancel, outcome) = fixture.log_in("rain-017");
        assert_eq!(outcome.unwrap_err(), LoginRefusal::TooManyTakeovers);
        assert!(!third_cancel.is_cancelled() && !second_cancel.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_limited_by_thing_and_address() {
        let fixture = Fixture::new();
        for client_id in ["rain-017", "rain-017.a"] {
            assert!(fixture.log_in(client_id).2.is_ok());
        }
        let (id, _, outcome) = fixture.log_in("rain-017.b");
        assert_eq!(outcome.unwrap_err(), LoginRefusal::TooManyConnections);
        assert!(fixture.connections.admit(fixture.address).is_none());
        assert!(fixture.connections.admit("192.0.2.2".parse().unwrap()).is_some());
        assert!(fixture.connections.admit("192.0.2.3".parse().unwrap()).is_none());
        fixture.connections.remove(id, fixture.address, None);
        assert!(fixture.connections.admit(fixture.address).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_session_unused_for_longest_makes_room() {
        let fixture = Fixture::new();
        let mut forgotten = Vec::new();
        for client_id in ["rain-017", "rain-017.a", "rain-017.b"] {
            let (id, _, outcome) = fixture.log_in(client_id);
            forgotten.push(outcome.unwrap().forgotten);
            let login = Some((&fixture.thing, client_id));
            fixture.connections.remove(id, fixture.address, login);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(forgotten, [None, None, Some("rain-017".to_owned())]);
    }

    #[tokio::test(start_paused = true)]
    async fn revocation_ends_all_connections_of_a_thing() {
        let fixture = Fixture::new();
        let (_, first, _) = fixture.log_in("rain-017");
        let (_, second, _) = fixture.log_in("rain-017.a");
        assert_eq!(fixture.connections.disconnect_thing(&fixture.thing), 2);
        assert!(first.is_cancelled() && second.is_cancelled());
    }
}

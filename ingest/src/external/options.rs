//! What is known of a foreign broker.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use model::SourceName;
use rumqttc::NetworkOptions;
use rumqttc::v5::MqttOptions;
use serde::Deserialize;

use super::gate::SOCKET_BYTES;
use super::routes::{ExternalRoute, is_valid_filter};

/// A password; never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExternalOptions {
    /// Its deliveries are booked under the source `mqtt_{name}`.
    pub name: String,
    pub host: String,
    pub port: u16,
    /// Fixed, so that the broker keeps the session.
    pub client_id: String,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub routes: Vec<ExternalRoute>,
    /// `Some(group)` subscribes to `$share/{group}/{filter}`.
    pub share: Option<String>,
    /// Deliveries of this broker in the process at a time.
    pub window: u16,
    pub packet_bytes_max: u32,
    pub keep_alive: Duration,
    /// How long the broker keeps the session while we are away.
    pub session_expiry: Duration,
}

impl Default for ExternalOptions {
    fn default() -> ExternalOptions {
        ExternalOptions {
            name: "broker".to_owned(),
            host: "localhost".to_owned(),
            port: 1883,
            client_id: "tidewatch".to_owned(),
            username: None,
            password: None,
            routes: vec![ExternalRoute::Own],
            share: None,
            window: 10_000,
            packet_bytes_max: 256 * 1024,
            keep_alive: Duration::from_secs(30),
            session_expiry: Duration::from_secs(7 * 86_400),
        }
    }
}

/// What is wrong with the options; `key` is that of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct ExternalProblem {
    pub key: &'static str,
    pub reason: String,
}

/// Below this the client library panics.
const KEEP_ALIVE_MIN: Duration = Duration::from_secs(5);

/// We publish nothing; the library wants a number above zero.
const OUTGOING_MAX: u16 = 16;

impl ExternalOptions {
    /// All that would not work, among it what makes the library panic.
    pub fn problems(&self) -> Vec<ExternalProblem> {
        let mut problems = Vec::new();
        let mut refuse = |key, reason: String| problems.push(ExternalProblem { key, reason });
        if self.source_name().is_none() {
            refuse("name", format!("`mqtt_{}` does not fit {}", self.name, SourceName::GRAMMAR));
        }
        if self.host.is_empty() || self.host.contains(char::is_whitespace) {
            refuse("host", "is empty or has a space".to_owned());
        }
        if self.port == 0 {
            refuse("port", "is zero".to_owned());
        }
        if self.client_id.is_empty() || 256 < self.client_id.len() {
            refuse("client_id", "a kept session needs a name of 1 to 256 bytes".to_owned());
        }
        if self.password.is_some() && self.username.is_none() {
            refuse("password", "needs a username".to_owned());
        }
        if self.window == 0 {
            refuse("window", "is zero".to_owned());
        }
        if self.packet_bytes_max < 1024 {
            refuse("packet_bytes_max", "is below 1KiB".to_owned());
        }
        if self.keep_alive < KEEP_ALIVE_MIN || 65_535 < self.keep_alive.as_secs() {
            refuse("keep_alive", "is not between 5s and 65535s".to_owned());
        }
        if self.session_expiry < Duration::from_secs(1) {
            refuse("session_expiry", "is zero: messages would be lost at each stop".to_owned());
        }
        if self
            .share
            .as_ref()
            .is_some_and(|group| group.is_empty() || group.contains(['/', '+', '#']))
        {
            refuse("share", "a group has no /, + or #".to_owned());
        }
        if self.routes.is_empty() {
            refuse("routes", "is empty: nothing would be subscribed to".to_owned());
        }
        for route in &self.routes {
            if !is_valid_filter(route.filter()) {
                refuse("routes.filter", format!("`{}` is no topic filter", route.filter()));
            }
        }
        problems
    }

    pub fn source_name(&self) -> Option<SourceName> {
        SourceName::parse(&format!("mqtt_{}", self.name)).ok()
    }

    pub(super) fn subscriptions(&self) -> Vec<String> {
        let filters = self.routes.iter().map(ExternalRoute::filter);
        match &self.share {
            Some(group) => filters.map(|filter| format!("$share/{group}/{filter}")).collect(),
            None => filters.map(str::to_owned).collect(),
        }
    }

    /// `gate` is where the library finds the broker.
    pub(super) fn library_options(&self, gate: SocketAddr) -> MqttOptions {
        let mut options = MqttOptions::new(&self.client_id, gate.ip().to_string(), gate.port());
        let mut network = NetworkOptions::new();
        network.set_tcp_recv_buffer_size(SOCKET_BYTES);
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        options.set_clean_start(false);
        options.set_manual_acks(true);
        options.set_keep_alive(self.keep_alive);
        let expiry_s = u32::try_from(self.session_expiry.as_secs()).unwrap_or(u32::MAX);
        options.set_session_expiry_interval(Some(expiry_s));
        options.set_receive_maximum(Some(self.window));
        options.set_max_packet_size(Some(self.packet_bytes_max));
        options.set_outgoing_inflight_upper_limit(OUTGOING_MAX);
        if let Some(username) = &self.username {
            let password = self.password.as_ref().map_or("", Secret::expose);
            options.set_credentials(username, password);
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut ExternalOptions), expected: &[&str]) {
        let mut options = ExternalOptions::default();
        change(&mut options);
        let found: Vec<&str> = options.problems().iter().map(|problem| problem.key).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_would_panic_or_lose_messages_is_found_before() {
        check(|_| (), &[]);
        check(|options| options.client_id.clear(), &["client_id"]);
        check(|options| options.window = 0, &["window"]);
        check(|options| options.keep_alive = Duration::from_millis(4_999), &["keep_alive"]);
        check(|options| options.session_expiry = Duration::ZERO, &["session_expiry"]);
        check(|options| options.password = Some(Secret::new("x")), &["password"]);
        check(|options| options.share = Some("a/b".to_owned()), &["share"]);
        check(|options| options.routes.clear(), &["routes"]);
        check(|options| options.name = "Not a name".to_owned(), &["name"]);
    }

    #[test]
    fn a_password_is_never_shown() {
        let options = ExternalOptions {
            username: Some("u".to_owned()),
            password: Some(Secret::new("canary-4711")),
            ..ExternalOptions::default()
        };
        assert!(!format!("{options:?}").contains("canary"));
    }

    #[test]
    fn a_share_group_is_asked_for_only_when_set() {
        let mut options = ExternalOptions::default();
        assert_eq!(options.subscriptions(), ["tidewatch/v1/+/+"]);
        options.share = Some("west".to_owned());
        assert_eq!(options.subscriptions(), ["$share/west/tidewatch/v1/+/+"]);
    }
}

//! The settings of `tidewatch.toml`: one struct a section, each with the one
//! place of its defaults. A test keeps the shipped file equal to them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use analytics::alerts::Class;
use model::{Level, duration_text};
use serde::{Deserialize, Serialize};

use super::archive::ArchiveSettings;
use super::size_text;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) county: CountySettings,
    pub(crate) log: LogSettings,
    pub(crate) http: HttpSettings,
    pub(crate) mqtt: MqttSettings,
    pub(crate) network: NetworkSettings,
    pub(crate) ingest: IngestSettings,
    pub(crate) archive: ArchiveSettings,
    pub(crate) api: ApiSettings,
    pub(crate) shutdown: ShutdownSettings,
    #[serde(skip_serializing_if = "SourceSettings::is_empty")]
    pub(crate) source: SourceSettings,
    /// Receivers of alerts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) webhook: Vec<WebhookSettings>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CountySettings {
    pub(crate) folder: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogSettings {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) connections_max: usize,
    #[serde(with = "duration_text")]
    pub(crate) header_timeout: Duration,
    /// Where people reach the program; empty is `http://` and `listen`.
    pub(crate) external_url: String,
}

impl HttpSettings {
    /// Without a slash at the end.
    pub(crate) fn external_url(&self) -> String {
        match self.external_url.trim_end_matches('/') {
            "" => format!("http://{}", self.listen),
            url => url.to_owned(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MqttSettings {
    pub(crate) enabled: bool,
    pub(crate) listen: SocketAddr,
    pub(crate) connections_max: usize,
    pub(crate) connections_per_address_max: usize,
    #[serde(with = "duration_text")]
    pub(crate) publish_wait_max: Duration,
    pub(crate) messages_per_second_max: u32,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NetworkSettings {
    pub(crate) allow_plain_off_loopback: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IngestSettings {
    #[serde(with = "size_text")]
    pub(crate) packet_max: usize,
    pub(crate) deliveries_max: usize,
    #[serde(with = "size_text")]
    pub(crate) bytes_in_flight_max: usize,
    pub(crate) batch_rows_max: usize,
    #[serde(with = "duration_text")]
    pub(crate) commit_interval: Duration,
    #[serde(with = "duration_text")]
    pub(crate) future_max: Duration,
    #[serde(with = "duration_or_none")]
    pub(crate) age_max: Option<Duration>,
    pub(crate) datastreams_per_thing_max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PublicRead {
    None,
    Indices,
    All,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApiSettings {
    pub(crate) public_read: PublicRead,
    #[serde(with = "duration_text")]
    pub(crate) session_idle_max: Duration,
    #[serde(with = "duration_text")]
    pub(crate) session_max: Duration,
    #[serde(with = "duration_text")]
    pub(crate) request_timeout: Duration,
    pub(crate) sse_clients_max: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ShutdownSettings {
    #[serde(with = "duration_text")]
    pub(crate) grace: Duration,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SourceSettings {
    pub(crate) mqtt: Vec<MqttSource>,
}

impl SourceSettings {
    fn is_empty(&self) -> bool {
        self.mqtt.is_empty()
    }
}

/// One external broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MqttSource {
    pub(crate) name: String,
    pub(crate) host: String,
    #[serde(default = "default_mqtt_port")]
    pub(crate) port: u16,
    pub(crate) client_id: String,
    #[serde(default)]
    pub(crate) username: String,
    /// The secret itself never stands in a configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<PathBuf>,
    #[serde(default = "default_window")]
    pub(crate) window: u16,
    #[serde(default = "default_keep_alive", with = "duration_text")]
    pub(crate) keep_alive: Duration,
    #[serde(default = "default_session_expiry", with = "duration_text")]
    pub(crate) session_expiry: Duration,
    #[serde(default)]
    pub(crate) share: String,
    #[serde(default)]
    pub(crate) route: Vec<MqttRoute>,
}

/// Maps a topic filter of a broker whose topics are not ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MqttRoute {
    pub(crate) filter: String,
    /// The topic level, from 0, that names the thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) thing_level: Option<usize>,
    /// The one thing that all messages belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) thing: Option<String>,
    pub(crate) codec: String,
}

/// One receiver of alerts outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSettings {
    pub(crate) name: String,
    /// Path and query may be secret: shown without them.
    #[serde(serialize_with = "without_path")]
    pub(crate) url: String,
    /// The secret itself never stands in a configuration file.
    pub(crate) secret_file: PathBuf,
    #[serde(default = "default_min_level")]
    pub(crate) min_level: Level,
    /// Empty means all.
    #[serde(default)]
    pub(crate) classes: Vec<Class>,
    /// Gets replayed and simulated data, and only that.
    #[serde(default)]
    pub(crate) exercise: bool,
    #[serde(default)]
    pub(crate) allow_private: bool,
    #[serde(default)]
    pub(crate) allow_http_loopback: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
}

fn default_min_level() -> Level {
    Level::Yellow
}

fn without_path<S: serde::Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", ""));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    serializer.collect_str(&format_args!("{scheme}://{host}/…"))
}

fn default_mqtt_port() -> u16 {
    1883
}

fn default_window() -> u16 {
    4096
}

fn default_keep_alive() -> Duration {
    Duration::from_secs(30)
}

fn default_session_expiry() -> Duration {
    Duration::from_secs(30 * 86_400)
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Default for CountySettings {
    fn default() -> CountySettings {
        CountySettings { folder: "xiangshan".to_owned() }
    }
}

impl Default for LogSettings {
    fn default() -> LogSettings {
        LogSettings { filter: "info,mqtt5=error".to_owned(), format: LogFormat::Text }
    }
}

impl Default for HttpSettings {
    fn default() -> HttpSettings {
        HttpSettings {
            listen: loopback(8080),
            connections_max: 2000,
            header_timeout: Duration::from_secs(10),
            external_url: String::new(),
        }
    }
}

impl Default for MqttSettings {
    fn default() -> MqttSettings {
        MqttSettings {
            enabled: true,
            listen: loopback(1883),
            connections_max: 10_000,
            connections_per_address_max: 10_000,
            publish_wait_max: Duration::from_secs(30),
            messages_per_second_max: 500,
        }
    }
}

impl Default for IngestSettings {
    fn default() -> IngestSettings {
        IngestSettings {
            packet_max: 256 << 10,
            deliveries_max: 16_384,
            bytes_in_flight_max: 32 << 20,
            batch_rows_max: 5000,
            commit_interval: Duration::from_millis(5),
            future_max: Duration::from_secs(300),
            age_max: Some(Duration::from_secs(400 * 86_400)),
            datastreams_per_thing_max: 128,
        }
    }
}

impl Default for ApiSettings {
    fn default() -> ApiSettings {
        ApiSettings {
            public_read: PublicRead::None,
            session_idle_max: Duration::from_secs(1800),
            session_max: Duration::from_secs(12 * 3600),
            request_timeout: Duration::from_secs(30),
            sse_clients_max: 500,
        }
    }
}

impl Default for ShutdownSettings {
    fn default() -> ShutdownSettings {
        ShutdownSettings { grace: Duration::from_secs(10) }
    }
}

/// A duration, or `"none"`.
pub(super) mod duration_or_none {
    use std::time::Duration;

    use model::duration_text;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => duration_text::serialize(duration, serializer),
            None => serializer.serialize_str("none"),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "none" => Ok(None),
            text => duration_text::parse(text).map(Some).map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_settings_hide_what_a_url_may_hold() {
        let text = "[[webhook]]\nname = \"duty\"\nsecret_file = \"/etc/x\"\n\
                    url = \"https://relay.example:8443/send?key=hush\"";
        let settings: Settings = toml::from_str(text).unwrap();
        let printed = toml::to_string(&settings).unwrap();
        assert!(printed.contains("\"https://relay.example:8443/…\""), "{printed}");
        assert!(!printed.contains("hush"));
        assert_eq!(settings.webhook[0].min_level, Level::Yellow);
    }

    #[test]
    fn the_external_url_is_where_the_program_listens_unless_it_is_set() {
        let mut http = HttpSettings::default();
        assert_eq!(http.external_url(), "http://127.0.0.1:8080");
        http.external_url = "https://tidewatch.example/".to_owned();
        assert_eq!(http.external_url(), "https://tidewatch.example");
    }

    #[test]
    fn the_shipped_file_holds_every_key_at_its_default() {
        let shipped = include_str!("../../config/tidewatch.toml");
        let parsed: toml::Table = shipped.parse().unwrap();
        let expected = toml::Table::try_from(Settings::default()).unwrap();
        assert_eq!(parsed, expected);
    }
}

//! Where devices send to, and as whom.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use model::Thing;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::message::Message;
use crate::noise::Noise;
use crate::progress::Progress;
use crate::{http, mqtt};

const RETRY_DELAY_FIRST: Duration = Duration::from_millis(500);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MqttVersion {
    V3,
    V5,
}

impl FromStr for MqttVersion {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<MqttVersion> {
        match text {
            "3" | "3.1.1" => Ok(MqttVersion::V3),
            "5" => Ok(MqttVersion::V5),
            _ => bail!("unknown MQTT version `{}`; known are 3, 5", text.escape_debug()),
        }
    }
}

/// `mqtt://HOST[:PORT]` or `http://HOST[:PORT][/PATH]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoorUrl {
    Mqtt { host: String, port: u16 },
    Http { host: String, port: u16, path: String },
}

impl FromStr for DoorUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<DoorUrl> {
        let shown = text.escape_debug();
        let form = "write it like mqtt://127.0.0.1:1883 or http://127.0.0.1:8080";
        let (scheme, rest) =
            text.split_once("://").with_context(|| format!("`{shown}` is no URL; {form}"))?;
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(a, path)| (a, path));
        let default_port = match scheme {
            "mqtt" => 1883,
            "http" => 8080,
            _ => bail!("`{shown}` is neither mqtt nor http; {form}"),
        };
        // The colons of an IPv6 address stand in brackets.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (
                host,
                port.parse().with_context(|| format!("`{shown}` has no valid port; {form}"))?,
            ),
            _ => (authority, default_port),
        };
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_host) {
            bail!("`{shown}` has no valid host; {form}");
        }
        let host = host.to_owned();
        match scheme {
            "mqtt" if path.is_empty() => Ok(DoorUrl::Mqtt { host, port }),
            "mqtt" => bail!("`{shown}` has a path, which MQTT has no place for; {form}"),
            _ => Ok(DoorUrl::Http { host, port, path: path.trim_end_matches('/').to_owned() }),
        }
    }
}

impl fmt::Display for DoorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DoorUrl::Mqtt { host, port } => write!(f, "mqtt://{host}:{port}"),
            DoorUrl::Http { host, port, path } => write!(f, "http://{host}:{port}/{path}"),
        }
    }
}

/// How to reach the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    pub url: DoorUrl,
    pub mqtt: MqttVersion,
    /// What stands before `/{thing}/{codec}` in a topic.
    pub topic_prefix: String,
}

impl Door {
    pub const TOPIC_PREFIX: &'static str = "tidewatch/v1";

    pub fn new(url: DoorUrl) -> Door {
        let topic_prefix = Door::TOPIC_PREFIX.to_owned();
        Door { url, mqtt: MqttVersion::V5, topic_prefix }
    }
}

/// A device: a thing and how it logs in.
#[derive(Clone)]
pub struct Device {
    pub thing: Thing,
    /// The thing's id unless an external broker knows it by another name.
    pub user: Option<String>,
    /// Without one the device does not log in at all.
    pub secret: Option<String>,
}

impl Device {
    pub fn new(thing: Thing, secret: String) -> Device {
        Device { thing, user: None, secret: Some(secret) }
    }

    /// User and secret, if it logs in.
    pub(crate) fn login(&self) -> Option<(&str, &str)> {
        let user = self.user.as_deref().unwrap_or(self.thing.id.as_str());
        Some((user, self.secret.as_deref()?))
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("thing", &self.thing.id).finish_non_exhaustive()
    }
}

/// One device's way to the door.
pub(crate) struct Session {
    pub(crate) door: Arc<Door>,
    pub(crate) device: Device,
    /// How many messages may wait for their acknowledgement.
    pub(crate) window: u16,
    pub(crate) progress: Arc<Progress>,
    /// Ends the session although messages are not acknowledged.
    pub(crate) give_up: CancellationToken,
}

impl Session {
    /// Runs until `input` is closed and all of it is acknowledged or refused.
    pub(crate) async fn deliver(self, input: mpsc::Receiver<Message>) {
        match &self.door.url {
            DoorUrl::Mqtt { .. } => mqtt::deliver(&self, input).await,
            DoorUrl::Http { .. } => http::deliver(&self, input).await,
        }
    }

    /// Waits after the `n`th failure in a row; false when it is time to give up.
    pub(crate) async fn backs_off(&self, n: u32) -> bool {
        let delay = retry_delay(Noise::new(0, self.device.thing.id.as_str()), n);
        // Both only wait, so nothing is lost with the one that is dropped.
        tokio::select! {
            () = tokio::time::sleep(delay) => true,
            () = self.give_up.cancelled() => false,
        }
    }
}

/// Doubles from half a second to 30 s, with a jitter of a quarter, so that a
/// fleet does not come back in one wave.
fn retry_delay(device: Noise, n: u32) -> Duration {
    let delay = RETRY_DELAY_FIRST.saturating_mul(1 << n.min(10)).min(RETRY_DELAY_MAX);
    delay.mul_f64(device.between(i64::from(n), 0.75, 1.25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(text.parse::<DoorUrl>().unwrap().to_string(), expected);
    }

    #[test]
    fn urls_name_scheme_host_and_port() {
        check("mqtt://127.0.0.1", "mqtt://127.0.0.1:1883");
        check("mqtt://broker.example:8883/", "mqtt://broker.example:8883");
        check("http://[::1]:81/tidewatch/", "http://[::1]:81/tidewatch");
        check("http://[::1]", "http://[::1]:8080/");
    }

    #[test]
    fn other_urls_are_refused() {
        for text in
            ["", "127.0.0.1", "mqtts://a", "mqtt://", "mqtt://a:b", "mqtt://a/b", "http://a b"]
        {
            assert!(text.parse::<DoorUrl>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn retries_slow_down_to_half_a_minute() {
        let device = Noise::new(0, "x");
        let delays: Vec<f64> = (0..40).map(|n| retry_delay(device, n).as_secs_f64()).collect();
        assert!((0.375..0.625).contains(&delays[0]));
        assert!(delays.iter().all(|delay| *delay <= 37.5));
        assert!(delays[39] >= 22.5);
    }
}

//! The rival at mosquitto: a subscriber that acknowledges at once and does
//! nothing else, on the library that ours has.
//!
//! The library acknowledges by itself, ten at a time in one write. One
//! `ack` for each message, as ours must do, is about a sixth slower, so it
//! would be the weaker rival.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};

/// The rival subscribes here, so that the server gets none of it.
pub(crate) const FILTER: &str = "rival/v1/+/+";

/// As the server's `window`.
pub(crate) const WINDOW: u16 = 2_000;

/// rumqttc's queue holds every packet id there is.
const REQUESTS: usize = 65_535;

/// It says so after each of so many messages.
pub(crate) const EVERY: usize = 500;

/// Says `ready` when subscribed, then `more` after each [`EVERY`] messages.
pub(crate) async fn subscribe(port: u16) -> anyhow::Result<()> {
    let mut options = MqttOptions::new("acknowledge-only", "127.0.0.1", port);
    options
        .set_keep_alive(Duration::from_secs(600))
        .set_clean_start(true)
        .set_receive_maximum(Some(WINDOW))
        .set_max_packet_size(Some(256 * 1024));
    let (client, mut events) = AsyncClient::new(options, REQUESTS);
    client.try_subscribe(FILTER, QoS::AtLeastOnce).context("subscribe")?;
    let mut n_received: usize = 0;
    loop {
        match events.poll().await.context("poll mosquitto")? {
            Event::Incoming(Packet::SubAck(_)) => say("ready")?,
            Event::Incoming(Packet::Publish(_)) => {
                n_received += 1;
                if n_received.is_multiple_of(EVERY) {
                    say("more")?;
                }
            }
            Event::Incoming(Packet::Disconnect(reason)) => bail!("disconnected: {reason:?}"),
            _ => {}
        }
    }
}

pub(crate) fn say(word: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{word}").and_then(|()| output.flush()).context("tell the benchmark")
}

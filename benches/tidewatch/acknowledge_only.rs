//! The rival at mosquitto: a subscriber that acknowledges at once and does
//! nothing else, on the library and with the settings that ours has.

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

/// Says `ready` when subscribed, then `done` after each `n` messages.
pub(crate) async fn subscribe(port: u16, n: usize) -> anyhow::Result<()> {
    let mut options = MqttOptions::new("acknowledge-only", "127.0.0.1", port);
    options
        .set_keep_alive(Duration::from_secs(30))
        .set_clean_start(true)
        .set_manual_acks(true)
        .set_receive_maximum(Some(WINDOW))
        .set_max_packet_size(Some(256 * 1024));
    let (client, mut events) = AsyncClient::new(options, REQUESTS);
    client.try_subscribe(FILTER, QoS::AtLeastOnce).context("subscribe")?;
    let mut n_received = 0;
    loop {
        match events.poll().await.context("poll mosquitto")? {
            Event::Incoming(Packet::SubAck(_)) => say("ready")?,
            Event::Incoming(Packet::Publish(publish)) => {
                client.try_ack(&publish).context("acknowledge")?;
                n_received += 1;
                if n_received == n {
                    n_received = 0;
                    say("done")?;
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

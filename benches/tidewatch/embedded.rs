//! The embedded broker at 1,000 connections with one publish under way each,
//! against a handler that only commits, in turns.

use std::time::Duration;

use crate::connections::Devices;
use crate::process::{Rival, peak_memory_mib, scratch};
use crate::ratio::Turns;
use crate::report::Row;
use crate::support::ports::free_port;
use crate::{Scale, setup};

const NAME: &str = "embedded";
const N_CONNECTIONS: usize = 1_000;

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let server = setup::server(None).await?;
    let http = server.administrator().await?;
    let logins = setup::devices(&http, N_CONNECTIONS).await?;
    let ours = Devices { port: server.mqtt_port, logins: logins.clone() };
    let folder = scratch()?;
    let port = free_port()?;
    let file = folder.path().join("rival.db").to_string_lossy().into_owned();
    let rival = Rival::start(&["commit-only", &port.to_string(), &file]).await?;
    let rivals = Devices { port, logins };

    let span = Duration::from_secs(scale.seconds);
    let mut turns = Turns::default();
    // A first turn, not counted, registers datastreams and fills caches.
    for turn in 0..=scale.n_runs {
        let our_rate = ours.publish(span, None).await?.per_second();
        let rival_rate = rivals.publish(span, None).await?.per_second();
        if turn > 0 {
            turns.add(our_rate, rival_rate);
        }
    }
    rival.stop().await?;
    let memory = peak_memory_mib(server.pid()?)?;
    Ok(vec![
        Row::plain(NAME, "1,000 connections, PUBACK after the commit", turns.ours(), "msg/s"),
        Row::plain(NAME, "handler that only commits", turns.rivals(), "msg/s"),
        Row::plain(NAME, "embedded broker, ratio to commit-only", turns.percent(), "%")
            .at_least(40.0, "at least 40 %, goal 60 %".to_owned()),
        Row::plain(NAME, "peak memory of the server", memory, "MiB")
            .at_most(400.0, "at most 400 MiB".to_owned()),
    ])
}

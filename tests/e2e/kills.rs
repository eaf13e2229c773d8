//! kill -9 at random moments under load: what was acknowledged stays, once.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep;

use crate::support::mosquitto::Mosquitto;
use crate::support::oracle::{check_ledger, check_readings, count};
use crate::support::publisher::{Plan, Publisher};
use crate::support::server::Server;
use crate::support::{things, wait_for};

const N_KILLS: usize = 20;
const THINGS: [&str; 6] = ["kill-1", "kill-2", "kill-3", "kill-4", "kill-5", "kill-6"];
const RATE: u32 = 120;

/// From the start of the process; on a busy machine, in an unoptimised build.
const FIRST_ACK_LIMIT: Duration = Duration::from_secs(20);

/// Devices at `port` that go on until they are told to stop.
fn devices(port: u16, secret: impl Fn(&str) -> String) -> anyhow::Result<Vec<Publisher>> {
    let start = |(n, thing): (usize, &&str)| {
        Publisher::start(Plan {
            port,
            version: if n % 2 == 0 { "5" } else { "3" },
            thing: (*thing).to_owned(),
            property: "wind_speed",
            secret: secret(thing),
            count: 0,
            rate: RATE,
            window: 20,
        })
    };
    THINGS.iter().enumerate().map(start).collect()
}

/// Every number that any of the devices saw acknowledged.
fn acked(devices: &[Publisher]) -> anyhow::Result<Vec<BTreeSet<u64>>> {
    devices.iter().map(Publisher::acked).collect()
}

fn n_acked(devices: &[Publisher]) -> anyhow::Result<usize> {
    Ok(acked(devices)?.iter().map(BTreeSet::len).sum())
}

async fn kill_again_and_again(
    server: &mut Server,
    devices: &[Publisher],
    seed: u64,
) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    for round in 1..=N_KILLS {
        sleep(Duration::from_millis(random.random_range(50..1_500))).await;
        server.kill().await?;
        sleep(Duration::from_millis(random.random_range(0..200))).await;
        let n_before = n_acked(devices)?;
        server.launch().await.with_context(|| format!("start after kill {round}"))?;
        wait_for("a PUBACK after the restart", FIRST_ACK_LIMIT, async || {
            Ok((n_before < n_acked(devices)?).then_some(()))
        })
        .await
        .with_context(|| format!("kill {round}"))?;
    }
    Ok(())
}

/// Stops the devices and holds the oracle's rules over all of them.
async fn check(server: &Server, devices: Vec<Publisher>) -> anyhow::Result<()> {
    let http = server.administrator().await?;
    let (mut n_visible, mut n_sent, mut n_acked) = (0, 0, 0);
    for device in devices {
        let sent = device.finish().await?;
        n_visible += check_readings(&http, &sent).await?;
        n_sent += sent.n_sent;
        n_acked += sent.acked.len();
    }
    ensure!(n_acked > 1_000, "only {n_acked} readings were acknowledged: no load");
    let ledger = check_ledger(&http, n_visible).await?;
    let n_received = count(&ledger, "received");
    eprintln!("{n_sent} sent, {n_acked} acknowledged, {n_received} received, {n_visible} visible");
    ensure!(n_sent <= n_received, "{n_sent} sent, {n_received} received");
    Ok(())
}

#[tokio::test]
async fn twenty_kills_under_the_embedded_broker() -> anyhow::Result<()> {
    let seed = 20_261_124;
    eprintln!("seed {seed}");
    let mut server = Server::start().await?;
    let secrets = things::stations(&server.administrator().await?, &THINGS).await?;
    let devices = devices(server.mqtt_port, |thing| secrets[thing].clone())?;
    kill_again_and_again(&mut server, &devices, seed).await?;
    check(&server, devices).await
}

#[tokio::test]
async fn twenty_kills_behind_mosquitto() -> anyhow::Result<()> {
    let seed = 20_261_125;
    eprintln!("seed {seed}");
    let mosquitto = Mosquitto::start().await?;
    let mut server = Server::start_with(&mosquitto.source("kills")).await?;
    mosquitto.wait_for_subscriber("kills").await?;
    things::stations(&server.administrator().await?, &THINGS).await?;
    let devices = devices(mosquitto.port, |_| String::new())?;
    kill_again_and_again(&mut server, &devices, seed).await?;
    check(&server, devices).await
}

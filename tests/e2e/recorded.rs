//! `simulate --csv`: a recorded series through both brokers, every row once,
//! every value the file's.

use std::time::Duration;

use anyhow::{Context, ensure};
use model::Time;

use crate::support::http::Http;
use crate::support::mosquitto::Mosquitto;
use crate::support::oracle::{check_ledger, observations_so_far};
use crate::support::server::Server;
use crate::support::{now, programs, things, wait_for};

const N_ROWS: i64 = 400;
const SIX_MINUTES: i64 = 360_000;
const LIMIT: Duration = Duration::from_secs(60);

/// A made-up tide: (epoch ms, water level in m, wind in m/s).
fn series() -> Vec<(i64, f64, f64)> {
    let end = now().millis() / SIX_MINUTES * SIX_MINUTES - 10 * SIX_MINUTES;
    let row = |n: i64| {
        let hours = n as f64 / 10.0;
        let level = 1.85 * (hours * std::f64::consts::TAU / 12.42).cos() + 0.137;
        let wind = 6.0 + 0.01 * (n % 97) as f64;
        (end - (N_ROWS - n) * SIX_MINUTES, (level * 1e4).round() / 1e4, wind)
    };
    (0..N_ROWS).map(row).collect()
}

fn csv(series: &[(i64, f64, f64)]) -> String {
    let mut text = "time_utc,water_level_m,wind_mps,remark\n".to_owned();
    for (time, level, wind) in series {
        let time = Time::from_millis_clamped(*time).to_jiff();
        text.push_str(&format!("{time},{level},{wind},made up\n"));
    }
    text
}

async fn check(
    http: &Http,
    datastream: &str,
    expected: impl Iterator<Item = (i64, f64)>,
) -> anyhow::Result<()> {
    let expected: Vec<(i64, f64)> = expected.collect();
    let what = format!("{} rows of {datastream}", expected.len());
    let found = wait_for(&what, LIMIT, async || {
        let found = observations_so_far(http, datastream).await?;
        Ok((found.len() >= expected.len()).then_some(found))
    });
    assert_eq!(found.await?, expected);
    Ok(())
}

async fn play(server: &Server, broker: u16, more: &[&str]) -> anyhow::Result<()> {
    let file = server.path("tide.csv");
    let mut command = server.program();
    command.args(["simulate", "--thing", "tide-1", "--time", "time_utc", "--as-recorded"]);
    command.args(["--map", "water_level_m=water_level,wind_mps=wind_speed"]);
    command.arg("--csv").arg(file).arg("--broker").arg(format!("mqtt://127.0.0.1:{broker}"));
    command.args(more);
    programs::run(command, b"").await?.expect_code(0).context("simulate --csv")?;
    Ok(())
}

fn tide_gauge() -> Vec<String> {
    let row = "tide-1,hydromet_station,潮位站,Tide gauge,330225101,121.93,29.21,in_service,\
               water_level wind_speed,water_level=2.0/2.5/3.0/4.0,local,,";
    vec![row.to_owned()]
}

async fn check_all(server: &Server, series: &[(i64, f64, f64)]) -> anyhow::Result<()> {
    let http = server.administrator().await?;
    check(&http, "tide-1/water_level", series.iter().map(|row| (row.0, row.1))).await?;
    check(&http, "tide-1/wind_speed", series.iter().map(|row| (row.0, row.2))).await?;
    check_ledger(&http, 2 * series.len() as u64).await?;
    Ok(())
}

#[tokio::test]
async fn a_recorded_series_through_the_embedded_broker_is_stored_as_it_is() -> anyhow::Result<()> {
    let server = Server::start().await?;
    things::import(&server.administrator().await?, &tide_gauge()).await?;
    let series = series();
    std::fs::write(server.path("tide.csv"), csv(&series))?;
    let data = server.data();
    let data = data.to_str().context("a path in UTF-8")?;
    play(&server, server.mqtt_port, &["--data", data]).await?;
    check_all(&server, &series).await?;

    // Played again it is all duplicates.
    play(&server, server.mqtt_port, &["--data", data, "--mqtt", "3"]).await?;
    check_all(&server, &series).await?;
    let http = server.administrator().await?;
    let ledger = http.get_json("/api/v1/ledger").await?;
    ensure!(ledger["total"]["duplicate"] == 2 * N_ROWS, "{ledger}");
    Ok(())
}

#[tokio::test]
async fn a_recorded_series_through_mosquitto_is_stored_as_it_is() -> anyhow::Result<()> {
    let mosquitto = Mosquitto::start().await?;
    let server = Server::start_with(&mosquitto.source("recorded")).await?;
    mosquitto.wait_for_subscriber("recorded").await?;
    things::import(&server.administrator().await?, &tide_gauge()).await?;
    let series = series();
    std::fs::write(server.path("tide.csv"), csv(&series))?;
    let secret = server.path("secret");
    std::fs::write(&secret, "any\n")?;
    let secret = secret.to_str().context("a path in UTF-8")?;
    play(&server, mosquitto.port, &["--user", "player", "--secret-file", secret]).await?;
    check_all(&server, &series).await
}

//! The storm of the demo: what a tick with storing takes with the county's
//! example things, and how long the replay of all its 108 hours takes.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::time::sleep;

use crate::Scale;
use crate::report::Row;
use crate::support::http::Http;
use crate::support::server::{Server, terminate};
use crate::support::wait_for;

const NAME: &str = "storm";
const SCENARIO: [&str; 2] = ["--scenario", "haikui-2012"];
const LIMIT: Duration = Duration::from_secs(60);
const TICK: &str = "analytics_run_seconds";

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let mut rows = ticks(scale).await?;
    rows.push(replay().await?);
    Ok(rows)
}

/// Ticks of the demo at 60 times its pace: a whole minute each second.
async fn ticks(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let server = Server::prepare()?;
    let mut command = server.program();
    command.arg("demo").args(SCENARIO).args(["--speed", "60", "--data"]).arg(server.data());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut demo = command.spawn().context("start the demo")?;
    let anonymous = Http::new(server.http_port);
    wait_for("the demo", LIMIT, async || {
        let answer = anonymous.get("/readyz").await;
        Ok(answer.ok().filter(|answer| answer.status == 200).map(|_| ()))
    })
    .await?;
    let http = server.administrator().await?;
    // Until all things have spoken.
    sleep(Duration::from_secs(scale.seconds * 4)).await;
    let before = Ticks::read(&http).await?;
    sleep(Duration::from_secs(scale.long_seconds)).await;
    let after = Ticks::read(&http).await?;
    let latest = http.get_json("/api/v1/datastreams/latest").await?;
    let n_datastreams = latest["datastream"].as_array().map_or(0, Vec::len);
    terminate(&mut demo).await?;

    let n = after.n - before.n;
    ensure!(n > 0.0, "no tick in {} s", scale.long_seconds);
    let mean_ms = (after.seconds - before.seconds) / n * 1e3;
    let within = (after.n_within_50_ms - before.n_within_50_ms) / n * 100.0;
    Ok(vec![
        Row::plain(NAME, "datastreams of the demo", n_datastreams as f64, ""),
        Row::plain(NAME, "tick with storing, mean", mean_ms, "ms")
            .at_most(50.0, "at most 50 ms".to_owned()),
        Row::plain(NAME, "ticks within 50 ms", within, "%"),
    ])
}

/// The histogram of ticks.
struct Ticks {
    n: f64,
    seconds: f64,
    n_within_50_ms: f64,
}

impl Ticks {
    async fn read(http: &Http) -> anyhow::Result<Ticks> {
        let text = http.get("/metrics").await?.expect(200)?.text();
        let figure = |name: String| {
            let line = text.lines().find_map(|line| line.strip_prefix(&name));
            let value = line.with_context(|| format!("no {name} in the metrics"))?;
            value.trim().parse::<f64>().with_context(|| format!("{name} is `{value}`"))
        };
        Ok(Ticks {
            n: figure(format!("{TICK}_count "))?,
            seconds: figure(format!("{TICK}_sum "))?,
            n_within_50_ms: figure(format!("{TICK}_bucket{{le=\"0.05\"}} "))?,
        })
    }
}

async fn replay() -> anyhow::Result<Row> {
    let server = Server::prepare()?;
    let mut command = server.program();
    command.arg("replay").args(SCENARIO).arg("--data").arg(server.data());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status().await.context("start the replay")?;
    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    ensure!(status.success(), "the replay ended with {status}");
    let row = Row::plain(NAME, "replay of the 108 h of Haikui", minutes, "min");
    Ok(row.at_most(4.0, "at most 4 min".to_owned()))
}

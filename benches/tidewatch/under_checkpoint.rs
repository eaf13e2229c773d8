//! A long flood: the log of the journal grows and is copied into the file
//! while commits go on. What commits and devices feel of it.

use std::time::Duration;

use crate::connections::Devices;
use crate::process::peak_memory_mib;
use crate::report::Row;
use crate::stats::percentile;
use crate::support::http::Http;
use crate::{Scale, setup};

const NAME: &str = "checkpoint";
const N_CONNECTIONS: usize = 1_000;

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let server = setup::server(None).await?;
    let http = server.administrator().await?;
    let logins = setup::devices(&http, N_CONNECTIONS).await?;
    let devices = Devices { port: server.mqtt_port, logins };
    devices.publish(Duration::from_secs(1), None).await?;

    let acknowledged = devices.publish(Duration::from_secs(scale.long_seconds), None).await?;
    let latencies_ms = &acknowledged.latencies_ms;
    let journal = std::fs::metadata(server.data().join("journal.db"))?.len() as f64;
    let log = std::fs::metadata(server.data().join("journal.db-wal"))?.len() as f64;
    let memory = peak_memory_mib(server.pid()?)?;
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let row = |what: &str, value, unit| Row::plain(NAME, what, value, unit);
    let mut rows = vec![
        row("load", acknowledged.per_second(), "msg/s"),
        row("publish to PUBACK under checkpoints, p99", percentile(latencies_ms, 99.0), "ms"),
        row("publish to PUBACK under checkpoints, largest", percentile(latencies_ms, 100.0), "ms"),
    ];
    if let Some(p99_ms) = commit_p99_ms(&http).await? {
        rows.push(row("commit under checkpoints, p99", p99_ms, "ms"));
    }
    rows.extend([
        row("the journal's log afterwards", mib(log), "MiB")
            .at_most(256.0, "at most 256 MiB".to_owned()),
        row("the journal afterwards", mib(journal), "MiB"),
        row("peak memory of the server", memory, "MiB")
            .at_most(400.0, "at most 400 MiB".to_owned()),
    ]);
    Ok(rows)
}

/// The p99 that the metrics give: of a summary its quantile, of a histogram
/// the bound of the bucket that it lies in.
async fn commit_p99_ms(http: &Http) -> anyhow::Result<Option<f64>> {
    let text = http.get("/metrics").await?.expect(200)?.text();
    let value = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
    let quantile = "store_commit_seconds{quantile=\"0.99\"}";
    if let Some(line) = text.lines().find(|line| line.starts_with(quantile)) {
        return Ok(value(line).map(|seconds| seconds * 1e3));
    }
    let total = text.lines().find(|line| line.starts_with("store_commit_seconds_count"));
    let Some(total) = total.and_then(value) else { return Ok(None) };
    let bucket = |line: &str| {
        let bound = line.strip_prefix("store_commit_seconds_bucket{le=\"")?.split('"').next()?;
        Some((bound.parse::<f64>().ok()?, value(line)?))
    };
    let reached = text.lines().filter_map(bucket).find(|(_, count)| *count >= 0.99 * total);
    Ok(reached.map(|(bound, _)| bound * 1e3))
}

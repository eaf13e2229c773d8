//! publish → PUBACK and publish → SSE at 2,000 readings a second, beside the
//! fsync latency of the same seconds.

use std::time::Duration;

use anyhow::Context;
use model::Time;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::connections::Devices;
use crate::fsync::Probe;
use crate::process::scratch;
use crate::report::Row;
use crate::stats::percentile;
use crate::support::events::Events;
use crate::support::http::Http;
use crate::support::now;
use crate::{Scale, setup};

const NAME: &str = "latency";
const N_CONNECTIONS: usize = 200;
const EVERY: Duration = Duration::from_millis(100);

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let server = setup::server(None).await?;
    let http = server.administrator().await?;
    let logins = setup::devices(&http, N_CONNECTIONS).await?;
    let devices = Devices { port: server.mqtt_port, logins };
    // A first second registers the datastreams.
    devices.publish(Duration::from_secs(1), Some(EVERY)).await?;

    let folder = scratch()?;
    let probe = Probe::start(folder.path())?;
    let stop = CancellationToken::new();
    let live = tokio::spawn(watch(http.clone(), stop.clone()));
    let span = Duration::from_secs(scale.seconds * 4);
    let acknowledged = devices.publish(span, Some(EVERY)).await?;
    stop.cancel();
    let live_ms = live.await.context("the watcher failed")??;
    let fsync_ms = probe.finish()?;

    let puback_ms = &acknowledged.latencies_ms;
    let fsync_p99 = percentile(&fsync_ms, 99.0);
    let limit = f64::max(30.0, 3.0 * fsync_p99);
    let goal = format!("at most {limit:.0} ms (30 or 3 fsync)");
    let row = |what: &str, value| Row::plain(NAME, what, value, "ms");
    Ok(vec![
        Row::plain(NAME, "load", acknowledged.per_second(), "msg/s"),
        row("publish to PUBACK, p50", percentile(puback_ms, 50.0)),
        row("publish to PUBACK, p99", percentile(puback_ms, 99.0)).at_most(limit, goal),
        row("publish to SSE (coalesced), p50", percentile(&live_ms, 50.0)),
        row("publish to SSE (coalesced), p99", percentile(&live_ms, 99.0)),
        row("fsync beside it, p50", percentile(&fsync_ms, 50.0)),
        row("fsync beside it, p99", fsync_p99),
    ])
}

/// For each value on SSE, how long ago it was published: its reading's time.
async fn watch(http: Http, stop: CancellationToken) -> anyhow::Result<Vec<f64>> {
    let mut events = Events::open(&http, "?topics=latest", None).await?;
    let mut latencies_ms = Vec::new();
    loop {
        // Both only lose what is no longer wanted.
        let event = tokio::select! {
            event = events.next(Duration::from_secs(30)) => event?,
            () = stop.cancelled() => return Ok(latencies_ms),
        };
        let event = event.context("the stream ended")?;
        if event.name == "latest" {
            let arrived = now();
            let times = event.data["time"].as_array().map(Vec::as_slice).unwrap_or_default();
            for time in times.iter().filter_map(Value::as_str) {
                latencies_ms.push(arrived.millis_since(Time::parse(time)?) as f64);
            }
        }
    }
}

//! What the end-to-end tests and the benchmark share: the real program and a
//! real mosquitto in directories of their own, clients of MQTT, HTTP and SSE,
//! and the oracle that compares what was acknowledged with what is visible.
//!
//! A program that is missing is a failed test whose text names the package.

pub(crate) mod events;
pub(crate) mod http;
pub(crate) mod mosquitto;
pub(crate) mod oracle;
pub(crate) mod ports;
pub(crate) mod programs;
pub(crate) mod publisher;
pub(crate) mod receiver;
pub(crate) mod server;
pub(crate) mod things;

use std::time::Duration;

use anyhow::bail;
use model::{Clock, Time};
use tokio::time::{Instant, sleep};

/// The real time; devices of the tests live in it.
pub(crate) fn now() -> Time {
    Clock::System.real()
}

/// Asks `probe` until it gives a value; fails with `what` after `limit`.
pub(crate) async fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = probe().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {limit:?} in vain for {what}");
        }
        sleep(Duration::from_millis(20)).await;
    }
}

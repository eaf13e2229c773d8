//! The oracle: what devices sent and saw acknowledged against what is visible.
//!
//! I1 acked ⊆ visible. I2 no key twice. I3 visible ⊆ sent, values equal.
//! I4 received = stored + duplicate + quarantined + refused, and visible =
//! stored − replaced.

use std::time::Duration;

use anyhow::{Context, ensure};
use model::Time;
use serde_json::Value;

use super::http::{Http, encode};
use super::publisher::Sent;
use super::wait_for;

/// How long a reading may take from its PUBACK by a broker to the API.
const VISIBLE_LIMIT: Duration = Duration::from_secs(60);

/// All observations of a datastream as (epoch ms, value), in order of time.
pub(crate) async fn observations(http: &Http, datastream: &str) -> anyhow::Result<Vec<(i64, f64)>> {
    let path = format!(
        "/api/v1/datastreams/{}/observations?start=2000-01-01T00:00:00Z&stop=2100-01-01T00:00:00Z\
         &limit=100000",
        encode(datastream)
    );
    let items = http.get_all(&path).await?;
    let observation = |item: &Value| {
        let time = Time::parse(item["time"].as_str().context("a time")?)?;
        Ok((time.millis(), item["value"].as_f64().context("a value")?))
    };
    items.iter().map(observation).collect()
}

/// The same, empty for a datastream that nobody has registered yet.
pub(crate) async fn observations_so_far(
    http: &Http,
    datastream: &str,
) -> anyhow::Result<Vec<(i64, f64)>> {
    let path = format!("/api/v1/datastreams/{}/observations", encode(datastream));
    if http.get(&path).await?.status == 404 {
        return Ok(Vec::new());
    }
    observations(http, datastream).await
}

/// Waits until all that was acknowledged is visible, then holds I1 to I3.
pub(crate) async fn check_readings(http: &Http, sent: &Sent) -> anyhow::Result<u64> {
    let is_complete = async || {
        let found = observations_so_far(http, &sent.datastream).await?;
        Ok((missing(sent, &found).is_empty()).then_some(found))
    };
    let what = format!("all acknowledged readings of {}", sent.datastream);
    let visible = match wait_for(&what, VISIBLE_LIMIT, is_complete).await {
        Ok(visible) => visible,
        Err(error) => {
            let missing = missing(sent, &observations_so_far(http, &sent.datastream).await?);
            let first = &missing[..missing.len().min(20)];
            let n = missing.len();
            return Err(error.context(format!("I1: {n} acked are not visible, first {first:?}")));
        }
    };
    ensure!(visible.is_sorted_by(|a, b| a.0 < b.0), "I2: a key of {} is twice", sent.datastream);
    for &(time, value) in &visible {
        let n = u64::try_from(time - sent.base_ms).context("I3: a time before the first")?;
        ensure!(n < sent.n_sent, "I3: reading {n} of {} was never sent", sent.datastream);
        ensure!(value == Sent::value(n), "I3: reading {n} has {value}, not {}", Sent::value(n));
    }
    Ok(visible.len() as u64)
}

fn missing(sent: &Sent, visible: &[(i64, f64)]) -> Vec<u64> {
    let is_visible = |n: u64| {
        let time = sent.base_ms + i64::try_from(n).unwrap_or(i64::MAX);
        visible.binary_search_by_key(&time, |observation| observation.0).is_ok()
    };
    sent.acked.iter().copied().filter(|&n| !is_visible(n)).collect()
}

/// A count of the ledger's total.
pub(crate) fn count(ledger: &Value, key: &str) -> u64 {
    ledger["total"][key].as_u64().unwrap_or_else(|| panic!("no total `{key}` in {ledger}"))
}

/// Holds I4 for each line and in all; gives the ledger.
pub(crate) async fn check_ledger(http: &Http, n_visible: u64) -> anyhow::Result<Value> {
    let ledger = http.get_json("/api/v1/ledger").await?;
    let lines = ledger["items"].as_array().context("the ledger's lines")?;
    for line in lines {
        let n = |key: &str| line[key].as_u64().unwrap_or(u64::MAX);
        let parts = [n("stored"), n("duplicate"), n("quarantined"), n("refused")];
        let sum = parts.iter().fold(0u64, |sum, part| sum.saturating_add(*part));
        ensure!(n("received") == sum, "I4: {line}");
        ensure!(n("lost_acknowledged") == 0, "readings were lost: {line}");
    }
    ensure!(ledger["balanced"] == true, "I4: {ledger}");
    let in_all = |key: &str| -> u64 { lines.iter().filter_map(|line| line[key].as_u64()).sum() };
    ensure!(in_all("received") == count(&ledger, "received"), "the total is another: {ledger}");
    ensure!(
        in_all("stored") - in_all("replaced") == n_visible,
        "I4: {n_visible} are visible: {ledger}"
    );
    ensure!(count(&ledger, "visible") == n_visible, "I4: {n_visible} are visible: {ledger}");
    Ok(ledger)
}

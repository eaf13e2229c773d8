//! Ingest through mosquitto: the server, with its whole pipeline on, against
//! a subscriber that only acknowledges, in turns at the same broker.

use std::time::Duration;

use anyhow::{bail, ensure};
use tokio::time::{Instant, sleep};

use crate::acknowledge_only::{EVERY, WINDOW};
use crate::load::{Lead, Message, Publishers};
use crate::process::{Rival, peak_memory_mib};
use crate::ratio::Turns;
use crate::report::Row;
use crate::support::http::Http;
use crate::support::mosquitto::Mosquitto;
use crate::support::now;
use crate::{Scale, setup};

const NAME: &str = "mosquitto";
const CLIENT_ID: &str = "bench";
const N_STATIONS: usize = 1_000;
const N_PUBLISHERS: usize = 4;

/// Messages on their way at most: mosquitto with a long queue is slow, and it
/// would be mosquitto that is measured.
const LEAD: usize = 10_000;

const HOUR_MS: i64 = 3_600_000;

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let mosquitto = Mosquitto::start().await?;
    let server = setup::server(Some(&mosquitto.source(CLIENT_ID))).await?;
    mosquitto.wait_for_subscriber(CLIENT_ID).await?;
    let http = server.administrator().await?;
    setup::register(&http, N_STATIONS).await?;
    let port = mosquitto.port.to_string();
    let mut rival = Rival::start(&["acknowledge-only", &port]).await?;
    let publishers =
        Publishers { port: mosquitto.port, name: "load".to_owned(), login: None, n: N_PUBLISHERS };

    let mut turns = Turns::default();
    // Ten hours ago, so that no turn's readings are in the future.
    let base_ms = now().millis() - 10 * HOUR_MS;
    // A first turn, not counted, registers datastreams and fills caches.
    for turn in 0..=scale.n_runs {
        let turn_ms = base_ms + i64::try_from(turn)? * HOUR_MS;
        let (n, lead) = (scale.n_messages, Lead::new(LEAD));
        let begin = Instant::now();
        let publish = publishers.publish(n, &lead, move |n| message("tidewatch", turn_ms, n));
        let (published, arrived) = tokio::join!(publish, watch_stored(&http, n, &lead));
        let ours = begin.elapsed();
        published.and(arrived)?;

        let lead = Lead::new(LEAD);
        let begin = Instant::now();
        let publish = publishers.publish(n, &lead, move |n| message("rival", turn_ms, n));
        let (published, arrived) = tokio::join!(publish, watch_rival(&mut rival, n, &lead));
        let rivals = begin.elapsed();
        published.and(arrived)?;

        let rate = |elapsed: Duration| scale.n_messages as f64 / elapsed.as_secs_f64();
        if turn > 0 {
            turns.add(rate(ours), rate(rivals));
        }
    }
    rival.stop().await?;
    // The metric that ended the turns counts what the ledger has, no more.
    let ledger = http.get_json("/api/v1/ledger").await?;
    let n_expected = (scale.n_runs + 1) * scale.n_messages;
    ensure!(ledger["total"]["stored"] == n_expected, "{n_expected} stored: {ledger}");
    let memory = peak_memory_mib(server.pid()?)?;
    let ratio = format!("ingest, ratio to acknowledge-only (window {WINDOW})");
    Ok(vec![
        Row::plain(NAME, "ingest through mosquitto, whole pipeline", turns.ours(), "msg/s"),
        Row::plain(NAME, "subscriber that only acknowledges", turns.rivals(), "msg/s"),
        Row::plain(NAME, &ratio, turns.percent(), "%")
            .at_least(60.0, "at least 60 %, goal 80 %".to_owned()),
        Row::plain(NAME, "peak memory of the server", memory, "MiB")
            .at_most(400.0, "at most 400 MiB".to_owned()),
    ])
}

fn message(prefix: &str, turn_ms: i64, n: usize) -> Message {
    let station = setup::station(n % N_STATIONS);
    let time_ms = turn_ms + (n / N_STATIONS) as i64 * 1_000;
    let value = (n % 300) as f64 / 10.0;
    let payload =
        format!("{{\"time\":{time_ms},\"seq\":{n},\"values\":{{\"wind_speed\":{value}}}}}");
    (format!("{prefix}/v1/{station}/json"), payload.into_bytes())
}

/// Readings stored so far, from the metrics: cheap to ask for.
async fn stored(http: &Http) -> anyhow::Result<f64> {
    let text = http.get("/metrics").await?.expect(200)?.text();
    let of_quality = text.lines().filter(|line| line.starts_with("ingest_observations_total{"));
    let counts = of_quality.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    Ok(counts.sum())
}

/// Until `n` more are stored.
async fn watch_stored(http: &Http, n: usize, lead: &Lead) -> anyhow::Result<()> {
    let n_before = stored(http).await?;
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let n_arrived = (stored(http).await? - n_before) as usize;
        lead.arrived(n_arrived);
        if n <= n_arrived {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("the server stored {n_arrived} of {n} readings within two minutes");
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Until the rival has acknowledged `n` more.
async fn watch_rival(rival: &mut Rival, n: usize, lead: &Lead) -> anyhow::Result<()> {
    for n_arrived in (EVERY..=n).step_by(EVERY) {
        rival.expect("more").await?;
        lead.arrived(n_arrived);
    }
    Ok(())
}

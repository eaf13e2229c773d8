//! publish → index on SSE, publish → limit alarm on SSE at 2,000 readings a
//! second, and restart → first index.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::connections::Devices;
use crate::mqtt::{PUBACK_BYTES, connect, push_publish};
use crate::report::Row;
use crate::stats::percentile;
use crate::support::events::Events;
use crate::support::http::Http;
use crate::support::server::Server;
use crate::support::{now, things, wait_for};
use crate::{Scale, setup};

const NAME: &str = "live";
const GATEWAY: &str = "bench-gw";
const GAUGE: &str = "bench-gauge";
/// Far from the stations of the load, which are in another township.
const GAUGE_TOWNSHIP: &str = "330225001";
const N_CONNECTIONS: usize = 200;
const EVERY: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let mut server = setup::server(None).await?;
    let http = server.administrator().await?;
    let n_indices = scale.n_runs * 12;
    let n_alarms = scale.n_runs * 40;
    let logins = setup::devices(&http, N_CONNECTIONS).await?;
    let mut gateway = Gateway::open(&server, &http, n_alarms).await?;
    let devices = Devices { port: server.mqtt_port, logins };
    let span = Duration::from_secs(scale.seconds * 4);
    let load = tokio::spawn(async move { devices.publish(span, Some(EVERY)).await });
    let alarm_ms = alarms(&http, &mut gateway, n_alarms).await?;
    let load = load.await.context("the load failed")??;
    let index_ms = indices(&http, &mut gateway, n_indices).await?;
    let restart_s = restart(&mut server).await?;

    let row = |what: &str, value| Row::plain(NAME, what, value, "ms");
    Ok(vec![
        row("publish to index on SSE, p50", percentile(&index_ms, 50.0)),
        row("publish to index on SSE, p99", percentile(&index_ms, 99.0))
            .at_most(1_500.0, "at most 1,500 ms".to_owned()),
        Row::plain(NAME, "load beside the alarms", load.per_second(), "msg/s"),
        row("publish to limit alarm on SSE, p50", percentile(&alarm_ms, 50.0)),
        row("publish to limit alarm on SSE, p99", percentile(&alarm_ms, 99.0))
            .at_most(200.0, "at most 200 ms".to_owned()),
        Row::plain(NAME, "restart to first index", restart_s, "s")
            .at_most(5.0, "at most 5 s".to_owned()),
    ])
}

fn vessel(n: usize) -> String {
    format!("bench-v-{n:04}")
}

/// A connection that may publish for all things of the measurement.
struct Gateway {
    stream: TcpStream,
}

impl Gateway {
    /// Registers gauge, vessels and itself, and connects.
    async fn open(server: &Server, http: &Http, n_vessels: usize) -> anyhow::Result<Gateway> {
        let mut rows = vec![
            format!("{GATEWAY},gateway,网关,Gateway,,,,in_service,,,,,"),
            format!(
                "{GAUGE},hydromet_station,水位站,Gauge,{GAUGE_TOWNSHIP},121.88,29.45,in_service,\
                 water_level,water_level=2.0/2.5/3.0/4.0,local,,"
            ),
        ];
        rows.extend((0..n_vessels).map(|n| {
            let id = vessel(n);
            format!(
                "{id},fishing_vessel,渔船{id},Vessel {id},330225101,,,in_service,smoke_alarm,,,,"
            )
        }));
        for rows in rows.chunks(1_000) {
            things::import(http, rows).await?;
        }
        let grant = json!({"things": [], "prefixes": ["bench-"]});
        let path = format!("/api/v1/things/{GATEWAY}/credentials");
        let answer = http.post_json(&path, &grant).await?.expect(201)?.json()?;
        let secret = answer["secret"].as_str().context("a secret")?;
        let stream = connect(server.mqtt_port, GATEWAY, Some((GATEWAY, secret))).await?;
        Ok(Gateway { stream })
    }

    /// Publishes one reading of now; the instant before it left.
    async fn publish(&mut self, thing: &str, name: &str, value: f64) -> anyhow::Result<Instant> {
        let payload = json!({"time": now().millis(), "values": {name: value}}).to_string();
        let mut packet = Vec::new();
        let topic = format!("tidewatch/v1/{thing}/json");
        push_publish(&mut packet, &topic, 1, payload.as_bytes());
        let begin = Instant::now();
        self.stream.write_all(&packet).await?;
        let mut ack = [0; PUBACK_BYTES];
        self.stream.read_exact(&mut ack).await.context("wait for PUBACK")?;
        Ok(begin)
    }
}

/// The next event of that name that is the wanted one.
async fn wanted(
    events: &mut Events,
    name: &str,
    is_it: impl Fn(&Value) -> bool,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        let event = events.next(LIMIT).await?.context("the stream ended")?;
        if event.name == name && is_it(&event.data) {
            return Ok(());
        }
    }
    bail!("the {name} did not come within {LIMIT:?}")
}

/// A smoke alarm of one vessel after the other.
async fn alarms(http: &Http, gateway: &mut Gateway, n: usize) -> anyhow::Result<Vec<f64>> {
    let mut events = Events::open(http, "?topics=alerts", None).await?;
    let mut latencies_ms = Vec::new();
    for n in 0..n {
        let id = vessel(n);
        let begin = gateway.publish(&id, "smoke_alarm", 1.0).await?;
        wanted(&mut events, "alert", |alert| alert["thing"] == id.as_str()).await?;
        latencies_ms.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    Ok(latencies_ms)
}

/// Water that rises by 5 mm from reading to reading, from blue (40) at 2.0 m
/// to yellow (60) at 2.5 m: each has a hazard of its own.
async fn indices(http: &Http, gateway: &mut Gateway, n: usize) -> anyhow::Result<Vec<f64>> {
    ensure!(n <= 100, "the gauge has room for 100 readings below yellow");
    let mut events = Events::open(http, "?topics=scores", None).await?;
    let mut latencies_ms = Vec::new();
    for n in 0..n {
        let begin = gateway.publish(GAUGE, "water_level", 2.0 + 0.005 * n as f64).await?;
        let expected = 40.0 + 0.2 * n as f64;
        let is_it = |score: &Value| {
            score["index"] == "hazard"
                && score["township"] == GAUGE_TOWNSHIP
                && score["score"].as_f64().is_some_and(|found| (found - expected).abs() < 1e-6)
        };
        wanted(&mut events, "score", is_it).await?;
        latencies_ms.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    Ok(latencies_ms)
}

/// From the start of a killed server's next process to its first scores.
async fn restart(server: &mut Server) -> anyhow::Result<f64> {
    server.kill().await?;
    let begin = Instant::now();
    server.spawn()?;
    let anonymous = Http::new(server.http_port);
    wait_for("the server", LIMIT, async || {
        let answer = anonymous.get("/healthz").await;
        Ok(answer.ok().filter(|answer| answer.status == 200).map(|_| ()))
    })
    .await?;
    let http = server.administrator().await?;
    wait_for("the first scores", LIMIT, async || {
        let answer = http.get("/api/v1/indices/hazard/scores").await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await?;
    Ok(begin.elapsed().as_secs_f64())
}

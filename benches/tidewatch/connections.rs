//! Many connections with one publish under way each, as real devices are.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at};

use crate::mqtt::{PUBACK_BYTES, connect, push_publish};
use crate::support::now;

/// Devices that log in as things.
#[derive(Debug, Clone)]
pub(crate) struct Devices {
    pub(crate) port: u16,
    /// Thing and secret of each.
    pub(crate) logins: Arc<Vec<(String, String)>>,
}

/// What the devices saw.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    pub(crate) elapsed: Duration,
    /// From the write of a PUBLISH to its PUBACK, in ms.
    pub(crate) latencies_ms: Vec<f64>,
}

impl Acknowledged {
    pub(crate) fn per_second(&self) -> f64 {
        self.latencies_ms.len() as f64 / self.elapsed.as_secs_f64()
    }
}

impl Devices {
    /// Publishes for `span`. With `every` each device has that period, and
    /// their first publishes are spread over it; else the next follows the
    /// PUBACK. Reading times are the times of the publish.
    pub(crate) async fn publish(
        &self,
        span: Duration,
        every: Option<Duration>,
    ) -> anyhow::Result<Acknowledged> {
        let n = self.logins.len();
        let start = Arc::new(Barrier::new(n + 1));
        let mut tasks = JoinSet::new();
        for index in 0..n {
            let (logins, port) = (Arc::clone(&self.logins), self.port);
            let barrier = Arc::clone(&start);
            let phase = every.map(|every| every.mul_f64(index as f64 / n as f64));
            tasks.spawn(async move {
                let (thing, secret) = &logins[index];
                let connected = connect(port, thing, Some((thing, secret))).await;
                // All wait, also for one that failed.
                barrier.wait().await;
                let device = Device { stream: connected?, thing, packet: Vec::new() };
                device.run(span, every.zip(phase)).await
            });
        }
        start.wait().await;
        let begin = Instant::now();
        let mut acknowledged = Acknowledged::default();
        while let Some(done) = tasks.join_next().await {
            acknowledged.latencies_ms.extend(done.context("a device failed")??);
        }
        acknowledged.elapsed = begin.elapsed();
        Ok(acknowledged)
    }
}

struct Device<'a> {
    stream: TcpStream,
    thing: &'a str,
    packet: Vec<u8>,
}

impl Device<'_> {
    async fn run(
        mut self,
        span: Duration,
        pace: Option<(Duration, Duration)>,
    ) -> anyhow::Result<Vec<f64>> {
        let begin = Instant::now();
        let mut ticks = pace.map(|(every, phase)| interval_at(begin + phase, every));
        let mut latencies_ms = Vec::new();
        let mut last_ms = 0;
        while begin.elapsed() < span {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            // A key of its own for each reading, also within a millisecond.
            last_ms = now().millis().max(last_ms + 1);
            let latency = self.exchange(last_ms).await?;
            latencies_ms.push(latency.as_secs_f64() * 1e3);
        }
        Ok(latencies_ms)
    }

    async fn exchange(&mut self, time_ms: i64) -> anyhow::Result<Duration> {
        let topic = format!("tidewatch/v1/{}/json", self.thing);
        let value = (time_ms % 300) as f64 / 10.0;
        let payload = format!("{{\"time\":{time_ms},\"values\":{{\"wind_speed\":{value}}}}}");
        self.packet.clear();
        push_publish(&mut self.packet, &topic, 1, payload.as_bytes());
        let begin = Instant::now();
        self.stream.write_all(&self.packet).await?;
        let mut ack = [0; PUBACK_BYTES];
        self.stream.read_exact(&mut ack).await.context("wait for PUBACK")?;
        Ok(begin.elapsed())
    }
}

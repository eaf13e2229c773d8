//! The latest value of all of 5,000 datastreams over REST, and the memory of
//! a server that has them.

use std::time::Instant;

use anyhow::ensure;
use serde_json::json;

use crate::load::{Lead, Publishers};
use crate::process::peak_memory_mib;
use crate::report::Row;
use crate::stats::percentile;
use crate::support::now;
use crate::{Scale, setup};

const NAME: &str = "latest";
const N_STATIONS: usize = 1_250;
const N_REQUESTS: usize = 200;

/// Readings of each datastream, one a minute.
const N_ROUNDS: usize = 10;

pub(crate) async fn measure(_scale: Scale) -> anyhow::Result<Vec<Row>> {
    let server = setup::server(None).await?;
    let http = server.administrator().await?;
    setup::register(&http, N_STATIONS).await?;
    let gateway = "bench-gw,gateway,网关,Gateway,,,,in_service,,,,,".to_owned();
    crate::support::things::import(&http, &[gateway]).await?;
    let grant = json!({"things": [], "prefixes": ["bench-"]});
    let answer = http.post_json("/api/v1/things/bench-gw/credentials", &grant).await?;
    let secret = answer.expect(201)?.json()?["secret"].as_str().unwrap_or_default().to_owned();
    let publishers = Publishers {
        port: server.mqtt_port,
        name: "bench-gw".to_owned(),
        login: Some(("bench-gw".to_owned(), secret)),
        n: 4,
    };
    let base_ms = now().millis() - 3_600_000;
    let message = move |n: usize| {
        let time_ms = |round: usize| base_ms + round as i64 * 60_000;
        let reading = |round: usize| {
            let value = (n + round) as f64 % 10.0;
            json!({"time": time_ms(round), "values": {
                "wind_speed": value, "wind_speed_of_gust": value + 5.0,
                "air_temperature": 20.0 + value, "relative_humidity": 60.0 + value,
            }})
        };
        let payload: Vec<serde_json::Value> = (0..N_ROUNDS).map(reading).collect();
        let topic = format!("tidewatch/v1/{}/json", setup::station(n));
        (topic, serde_json::Value::from(payload).to_string().into_bytes())
    };
    publishers.publish(N_STATIONS, &Lead::new(usize::MAX), message).await?;

    let mut latencies_ms = Vec::new();
    let mut n_bytes = 0;
    for _ in 0..N_REQUESTS {
        let begin = Instant::now();
        let answer = http.get("/api/v1/datastreams/latest").await?.expect(200)?;
        latencies_ms.push(begin.elapsed().as_secs_f64() * 1e3);
        n_bytes = answer.body.len();
    }
    let latest = http.get_json("/api/v1/datastreams/latest").await?;
    let n = latest["datastream"].as_array().map_or(0, Vec::len);
    ensure!(n == 4 * N_STATIONS, "{n} datastreams");
    let memory = peak_memory_mib(server.pid()?)?;
    Ok(vec![
        Row::plain(NAME, "latest of 5,000 datastreams, p50", percentile(&latencies_ms, 50.0), "ms")
            .at_most(50.0, "at most 50 ms".to_owned()),
        Row::plain(NAME, "latest of 5,000 datastreams, p99", percentile(&latencies_ms, 99.0), "ms"),
        Row::plain(NAME, "size of the answer", n_bytes as f64 / 1024.0, "KiB"),
        Row::plain(NAME, "peak memory with 5,000 datastreams", memory, "MiB")
            .at_most(400.0, "at most 400 MiB".to_owned()),
    ])
}

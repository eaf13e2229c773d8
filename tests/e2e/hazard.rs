//! The hazard of a township, from readings to the API, against numbers worked
//! out by hand from the knots of `config/models/flood-typhoon.toml`.

use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::http::{Http, encode};
use crate::support::server::Server;
use crate::support::{now, things, wait_for};

const MINUTE: i64 = 60_000;
const TOWNSHIP: &str = "330225101";
const ELSEWHERE: &str = "330225001";
const LIMIT: Duration = Duration::from_secs(30);

async fn post(http: &Http, thing: &str, readings: &[(i64, &str, f64)]) -> anyhow::Result<()> {
    let reading = |&(time, property, value): &(i64, &str, f64)| json!({"time": time, "values": {property: value}});
    let body = Value::from(readings.iter().map(reading).collect::<Vec<_>>());
    let path = format!("/api/v1/observations?thing={thing}");
    let answer = http.send(Method::POST, &path, "application/json", body.to_string()).await?;
    let answer = answer.expect(201)?.json()?;
    ensure!(answer["quarantined"] == 0, "{answer}");
    Ok(())
}

/// The township's hazard, once it is this.
async fn wait_for_hazard(http: &Http, township: &str, expected: f64) -> anyhow::Result<Value> {
    let mut last = Value::Null;
    let what = format!("a hazard of {expected}");
    let found = wait_for(&what, LIMIT, async || {
        let answer = http.get("/api/v1/indices/hazard/scores").await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let scores = answer.expect(200)?.json()?;
        let items = scores["items"].as_array().context("items")?;
        last = items.iter().find(|item| item["township"] == township).cloned().unwrap_or_default();
        let is_it = last["score"].as_f64().is_some_and(|score| (score - expected).abs() < 1e-9);
        Ok(is_it.then(|| last.clone()))
    });
    found.await.with_context(|| format!("the last was {last}"))
}

/// What it was made of at that instant.
async fn explain(http: &Http, township: &str, at: &Value) -> anyhow::Result<Value> {
    let at = encode(at.as_str().context("a time")?);
    let path = format!("/api/v1/indices/hazard/townships/{township}/explanation?at={at}");
    let explanation = http.get_json(&path).await?;
    let tree = explanation["tree"].clone();
    assert_sums(&tree);
    Ok(tree)
}

/// The parts of every node add up to it.
#[track_caller]
fn assert_sums(node: &Value) {
    let parts = node["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let contributions: Vec<f64> =
        parts.iter().filter_map(|part| part["contribution"].as_f64()).collect();
    if let Some(score) = node["score"].as_f64()
        && !contributions.is_empty()
    {
        let sum: f64 = contributions.iter().sum();
        assert!((sum - score).abs() < 1e-9, "{sum} is not {score} in {node}");
    }
    parts.iter().for_each(assert_sums);
}

/// The node of that path below the root.
fn part<'a>(tree: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(tree, |node, id| {
        let parts = node["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        parts.iter().find(|part| part["id"] == *id).unwrap_or(&Value::Null)
    })
}

#[tokio::test]
async fn the_api_says_what_was_worked_out_by_hand() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    let station = "wx-1,hydromet_station,石浦站,Shipu,330225101,121.93,29.21,in_service,\
                   wind_speed rainfall_depth,,,,";
    let gauge = "tg-1,hydromet_station,石浦潮位,Shipu gauge,330225101,121.94,29.20,in_service,\
                 water_level,water_level=2.0/2.5/3.0/4.0,local,,";
    let elsewhere = "wx-2,hydromet_station,别处,Elsewhere,330225001,121.88,29.45,in_service,\
                     wind_speed,,,,";
    let rows = [station, gauge, elsewhere].map(str::to_owned);
    things::import(&http, &rows).await?;

    let at = now().millis();
    let minutes = |n: i64| at + n * MINUTE;
    let wind = [(-20, 11.0), (-10, 14.0), (0, 12.0)];
    let wind = wind.map(|(minute, value)| (minutes(minute), "wind_speed", value));
    post(&http, "wx-1", &wind).await?;
    post(&http, "tg-1", &[(minutes(-5), "water_level", 2.5)]).await?;
    // A storm in a township far from there is none here.
    post(&http, "wx-2", &[(minutes(-5), "wind_speed", 24.5)]).await?;

    // Wind 14.0 between 10.8 (40) and 17.2 (60): 50. Level at yellow: 60.
    // M = 60, S = 50: 60 + 40 · 0.25 · 0.50 = 65.
    let first = wait_for_hazard(&http, TOWNSHIP, 65.0).await?;
    assert_eq!(first["level"], "yellow", "{first}");
    let tree = explain(&http, TOWNSHIP, &first["time"]).await?;
    assert_eq!(part(&tree, &["wind"])["score"], 50.0, "{tree}");
    assert_eq!(part(&tree, &["rain_flood"])["score"], 60.0, "{tree}");
    let leaf = part(&tree, &["rain_flood", "water_level", "tg-1/water_level"]);
    assert_eq!((&leaf["raw"]["value"], &leaf["raw"]["unit"]), (&json!(2.5), &json!("m")), "{tree}");
    let other = wait_for_hazard(&http, ELSEWHERE, 75.0).await?;
    assert_eq!(other["level"], "orange", "{other}");

    // Rain of 6 × 10 mm in the last hour: 60 mm between 50 (75) and 80 (90):
    // 80, above 60 mm in 3 h (50 → 60, 75 → 75: 66) and in 24 h (50 → 40,
    // 80 → 60: 46.67). M = 80, S = 50: 80 + 20 · 0.25 · 0.50 = 82.5.
    let rain = [-50, -40, -30, -20, -10, 0];
    let rain = rain.map(|minute| (minutes(minute), "rainfall_depth", 10.0));
    post(&http, "wx-1", &rain).await?;
    let second = wait_for_hazard(&http, TOWNSHIP, 82.5).await?;
    assert_eq!(second["level"], "orange", "{second}");
    let tree = explain(&http, TOWNSHIP, &second["time"]).await?;
    let quantity = |id: &str| part(&tree, &["rain_flood", id])["score"].as_f64().unwrap_or(-1.0);
    assert!((quantity("rainfall_1h") - 80.0).abs() < 1e-9, "{tree}");
    assert!((quantity("rainfall_3h") - 66.0).abs() < 1e-9, "{tree}");
    assert!((quantity("rainfall_24h") - 140.0 / 3.0).abs() < 1e-9, "{tree}");

    // What was shown before is still told as it was shown.
    let tree = explain(&http, TOWNSHIP, &first["time"]).await?;
    ensure!(part(&tree, &["rain_flood"])["score"] == 60.0, "{tree}");
    Ok(())
}

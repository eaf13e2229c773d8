//! The hazard score of a township, from readings to the API, against numbers
//! worked out by hand from the knots of `config/models/hazard.toml`.

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::http::{Http, encode};
use crate::support::server::Server;
use crate::support::{now, things};
use model::Time;

const MINUTE: i64 = 60_000;
const TOWNSHIP: &str = "330225101";

async fn post(http: &Http, thing: &str, readings: &[(i64, &str, f64)]) -> anyhow::Result<()> {
    let reading = |&(time, property, value): &(i64, &str, f64)| json!({"time": time, "values": {property: value}});
    let body = Value::from(readings.iter().map(reading).collect::<Vec<_>>());
    let path = format!("/api/v1/observations?thing={thing}");
    let answer = http.send(Method::POST, &path, "application/json", body.to_string()).await?;
    let answer = answer.expect(201)?.json()?;
    ensure!(answer["quarantined"] == 0, "{answer}");
    Ok(())
}

/// The township's score, whole, at an instant.
async fn score(http: &Http, at_ms: i64) -> anyhow::Result<Value> {
    let at = Time::from_millis_clamped(at_ms).to_string();
    let path = format!("/api/v1/indices/hazard/scores?at={}", encode(&at));
    let scores = http.get_json(&path).await?;
    let items = scores["items"].as_array().context("items")?;
    let found = items.iter().find(|item| item["township"] == TOWNSHIP);
    found.cloned().with_context(|| format!("no score of {TOWNSHIP}: {scores}"))
}

#[track_caller]
fn check(score: &Value, expected: f64, level: &str) {
    let found = score["score"].as_f64().unwrap_or_else(|| panic!("no score: {score}"));
    assert!((found - expected).abs() < 1e-9, "expected {expected}: {score}");
    assert_eq!(score["level"], level, "{score}");
    assert_sums(score["score"].as_f64(), &score["parts"], score);
}

/// The parts of every node add up to it.
#[track_caller]
fn assert_sums(score: Option<f64>, parts: &Value, whole: &Value) {
    let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
    let contributions: Vec<f64> =
        parts.iter().filter_map(|part| part["contribution"].as_f64()).collect();
    if let Some(score) = score
        && !contributions.is_empty()
    {
        let sum: f64 = contributions.iter().sum();
        assert!((sum - score).abs() < 1e-9, "{sum} is not {score} in {whole}");
    }
    for part in parts {
        assert_sums(part["score"].as_f64(), &part["parts"], whole);
    }
}

/// The node of that path below the score.
fn part<'a>(score: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(score, |node, id| {
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

    // Everything a few hours back: no tick of the running clock plays a part.
    let at = now().millis() / MINUTE * MINUTE - 300 * MINUTE;
    let minutes = |n: i64| at + n * MINUTE;
    let wind = [(-20, 11.0), (-10, 14.0), (0, 12.0)];
    let wind = wind.map(|(minute, value)| (minutes(minute), "wind_speed", value));
    post(&http, "wx-1", &wind).await?;
    post(&http, "tg-1", &[(minutes(-5), "water_level", 2.5)]).await?;
    // A storm in another township is none here.
    post(&http, "wx-2", &[(minutes(-5), "wind_speed", 24.5)]).await?;

    // Wind 14.0 between 10.8 (40) and 17.2 (60): 50. Level at yellow: 60.
    // M = 60, S = 50: 60 + 40 · 0.25 · 0.50 = 65.
    let first = score(&http, at).await?;
    check(&first, 65.0, "yellow");
    assert_eq!(part(&first, &["wind"])["score"], 50.0);
    assert_eq!(part(&first, &["rain_flood"])["score"], 60.0);
    let leaf = part(&first, &["rain_flood", "water_level", "tg-1/water_level"]);
    assert_eq!((&leaf["raw"]["value"], &leaf["raw"]["unit"]), (&json!(2.5), &json!("m")));
    assert_eq!(leaf["raw"]["age_s"], 300.0);

    // 55 minutes later the 14.0 is 65 minutes old and out of the hour. The
    // highest is 12.0: 40 + 20 · 1.2/6.4 = 43.75. The level, 60 minutes old,
    // is held. 60 + 40 · 0.25 · 0.4375 = 64.375.
    let second = score(&http, minutes(55)).await?;
    check(&second, 64.375, "yellow");
    let leaf = part(&second, &["rain_flood", "water_level", "tg-1/water_level"]);
    assert_eq!(leaf["state"], "held");

    // Rain of 6 × 10 mm in the hour before minute 120: 60 mm between 50 (75)
    // and 80 (90): 80, above 60 mm in 3 h (50 → 60, 75 → 75: 66) and in 24 h
    // (50 → 40, 80 → 60: 46.67). Wind has left its hour: no second group.
    let rain = [70, 80, 90, 100, 110, 120];
    let rain = rain.map(|minute| (minutes(minute), "rainfall_depth", 10.0));
    post(&http, "wx-1", &rain).await?;
    let third = score(&http, minutes(120)).await?;
    check(&third, 80.0, "orange");
    let quantity = |id: &str| part(&third, &["rain_flood", id])["score"].as_f64().unwrap_or(-1.0);
    assert!((quantity("rainfall_1h") - 80.0).abs() < 1e-9, "{third}");
    assert!((quantity("rainfall_3h") - 66.0).abs() < 1e-9, "{third}");
    assert!((quantity("rainfall_24h") - 140.0 / 3.0).abs() < 1e-9, "{third}");
    let missing = third["missing"].as_array().context("missing")?;
    ensure!(missing.contains(&json!("wind")), "the group without data is named: {third}");

    // The other township has its own: wind at orange, nothing else.
    let at_text = encode(&Time::from_millis_clamped(at).to_string());
    let all = http.get_json(&format!("/api/v1/indices/hazard/scores?at={at_text}")).await?;
    let items = all["items"].as_array().context("items")?;
    let other = items.iter().find(|item| item["township"] == "330225001").context("Dandong")?;
    check(other, 75.0, "orange");
    let unknown = items.iter().filter(|item| item["score"].is_null()).count();
    assert_eq!(unknown, items.len() - 2, "nobody else has a score");
    Ok(())
}

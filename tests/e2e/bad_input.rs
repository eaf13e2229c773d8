//! Every bad input of the design: set aside with its bytes and its reason,
//! acknowledged, in the ledger; its neighbours in the same payload survive.

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::http::Http;
use crate::support::mosquitto::Mosquitto;
use crate::support::oracle::{check_ledger, count, observations};
use crate::support::publisher::{hex, publish_each};
use crate::support::server::Server;
use crate::support::{now, things, wait_for};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

struct Case {
    topic: String,
    payload: Vec<u8>,
    reason: &'static str,
    n_quarantined: u64,
    /// Neighbours of the bad reading that are stored.
    n_stored: u64,
}

/// The cases; each stored neighbour has a time of its own.
fn cases(now_ms: i64) -> Vec<Case> {
    let mut times = (1..).map(|n| now_ms - HOUR + n * SECOND);
    let mut t = || times.next().expect("the series has no end");
    let mut cases = Vec::new();
    let mut case = |topic: &str, payload: String, reason, n_quarantined, n_stored| {
        let topic = format!("tidewatch/v1/{topic}");
        let payload = payload.into_bytes();
        cases.push(Case { topic, payload, reason, n_quarantined, n_stored });
    };
    let array = |good: i64, bad: String| {
        format!("[{{\"time\":{good},\"values\":{{\"wind_speed\":5}}}},{bad}]")
    };

    // What cannot be decoded is lost as a whole, and counts as one.
    case("bad-1/json", "{\"values\":{\"wind_speed\":1".to_owned(), "syntax", 1, 0);
    case("bad-1/json", "{\"values\":{\"wind_speed\":NaN}}".to_owned(), "not_finite", 1, 0);
    case("bad-1/json", "[".repeat(100_000), "too_deep", 1, 0);
    let twice = "{\"values\":{\"wind_speed\":1,\"wind_speed\":2}}".to_owned();
    case("bad-1/json", twice, "duplicate_key", 1, 0);
    let member = format!("{{\"time\":{},\"wind_speed\":1}}", t());
    case("bad-1/json", member, "unknown_member", 1, 0);
    let many = vec!["{\"values\":{\"wind_speed\":1}}"; 1_001].join(",");
    case("bad-1/json", format!("[{many}]"), "too_many_readings", 1, 0);
    case("bad-1/senml", "{\"n\":1}".to_owned(), "syntax", 1, 0);
    case("bad-1/raw", "windy".to_owned(), "bad_value", 1, 0);
    case("bad-1/raw", "inf".to_owned(), "not_finite", 1, 0);
    case("ghost-1/json", "{\"values\":{\"wind_speed\":1}}".to_owned(), "unknown_thing", 1, 0);
    let two = "{\"values\":{\"wind_speed\":1,\"air_temperature\":2}}".to_owned();
    case("ghost-1/json", two, "unknown_thing", 2, 0);

    // What is bad in a sound payload costs only itself.
    let values =
        |t: i64, bad: &str| format!("{{\"time\":{t},\"values\":{{\"wind_speed\":5,{bad}}}}}");
    case("bad-1/json", values(t(), "\"colour\":2"), "unknown_property", 1, 1);
    case("bad-1/json", values(t(), "\"air_temperature\":1e400"), "not_finite", 1, 1);
    case("bad-1/json", values(t(), "\"air_temperature\":\"21\""), "bad_value", 1, 1);
    case("bad-1/json", values(t(), "\"occupancy\":12"), "property_not_of_kind", 1, 1);
    case("bad-1/json", values(t(), "\"rainfall_24h\":12"), "computed_property", 1, 1);
    let naive = "{\"time\":\"2026-07-25T08:15:30\",\"values\":{\"wind_speed\":6}}".to_owned();
    case("bad-1/json", array(t(), naive), "naive_time", 1, 1);
    let at = |t: i64| format!("{{\"time\":{t},\"values\":{{\"wind_speed\":6}}}}");
    case("bad-1/json", array(t(), at(now_ms + HOUR)), "future_time", 1, 1);
    case("bad-1/json", array(t(), at(now_ms - 500 * DAY)), "too_old", 1, 1);
    let senml = |t: i64, bad: &str| {
        let seconds = t as f64 / 1e3;
        format!("[{{\"bt\":{seconds},\"n\":\"wind_speed\",\"u\":\"m/s\",\"v\":5}},{bad}]")
    };
    let record = |unit: &str| format!("{{\"n\":\"air_temperature\",\"u\":\"{unit}\",\"v\":20}}");
    case("bad-1/senml", senml(t(), &record("mm")), "unit_mismatch", 1, 1);
    case("bad-1/senml", senml(t(), &record("furlong")), "unknown_unit", 1, 1);
    let foreign = "{\"n\":\"other-1/air_temperature\",\"v\":20}";
    case("bad-1/senml", senml(t(), foreign), "wrong_thing", 1, 1);
    cases
}

fn invalid_utf8() -> Case {
    let mut payload = b"{\"values\":{\"wind_speed\":1},\"".to_vec();
    payload.extend([0xff, 0xfe, b'"', b'}']);
    Case {
        topic: "tidewatch/v1/bad-1/json".to_owned(),
        payload,
        reason: "not_utf8",
        n_quarantined: 1,
        n_stored: 0,
    }
}

fn wrong_topics() -> Vec<Case> {
    let case = |topic: &str| Case {
        topic: topic.to_owned(),
        payload: b"{\"values\":{\"wind_speed\":1}}".to_vec(),
        reason: "wrong_topic",
        n_quarantined: 1,
        n_stored: 0,
    };
    vec![case("tidewatch/v1/bad-1/xml"), case("tidewatch/v1/BAD/json")]
}

/// Every entry has the case's reason and exactly its bytes, in order of
/// arrival; the ledger and the stored neighbours agree.
async fn check(http: &Http, cases: &[Case]) -> anyhow::Result<()> {
    let entries = wait_for("all entries", std::time::Duration::from_secs(10), async || {
        let entries = http.get_all("/api/v1/quarantine?limit=1000").await?;
        Ok((entries.len() >= cases.len()).then_some(entries))
    });
    let mut entries = entries.await?;
    entries.reverse();
    for (entry, case) in entries.iter().zip(cases) {
        let shown = String::from_utf8_lossy(&case.payload).chars().take(120).collect::<String>();
        check_entry(http, entry, case).await.with_context(|| format!("{} {shown}", case.topic))?;
    }
    ensure!(entries.len() == cases.len(), "{} entries for {}", entries.len(), cases.len());

    let n_stored: u64 = cases.iter().map(|case| case.n_stored).sum();
    let n_quarantined: u64 = cases.iter().map(|case| case.n_quarantined).sum();
    let ledger = check_ledger(http, n_stored).await?;
    let counts = ["received", "stored", "quarantined", "refused", "duplicate"];
    let counts = counts.map(|key| count(&ledger, key));
    assert_eq!(counts, [n_stored + n_quarantined, n_stored, n_quarantined, 0, 0]);
    let winds = observations(http, "bad-1/wind_speed").await?;
    ensure!(winds.iter().all(|(_, value)| *value == 5.0), "only neighbours are stored: {winds:?}");
    ensure!(winds.len() as u64 == n_stored, "{} of {n_stored} neighbours", winds.len());
    Ok(())
}

async fn check_entry(http: &Http, entry: &Value, case: &Case) -> anyhow::Result<()> {
    ensure!(entry["reason"] == case.reason, "expected {}: {entry}", case.reason);
    ensure!(entry["n_readings"] == case.n_quarantined, "{entry}");
    ensure!(entry["topic"] == case.topic.as_str(), "{entry}");
    ensure!(entry["size_bytes"] == case.payload.len(), "{entry}");
    ensure!(!entry["detail"].as_str().unwrap_or_default().is_empty(), "no detail: {entry}");
    let whole = http.get_json(&format!("/api/v1/quarantine/{}", entry["id"])).await?;
    ensure!(whole["payload_hex"] == hex(&case.payload).as_str(), "other bytes");
    Ok(())
}

fn payloads(cases: &[Case]) -> Vec<(String, Vec<u8>)> {
    cases.iter().map(|case| (case.topic.clone(), case.payload.clone())).collect()
}

#[tokio::test]
async fn through_mosquitto_every_bad_input_is_set_aside_and_acknowledged() -> anyhow::Result<()> {
    let mosquitto = Mosquitto::start().await?;
    let server = Server::start_with(&mosquitto.source("bad-input")).await?;
    mosquitto.wait_for_subscriber("bad-input").await?;
    let http = server.administrator().await?;
    things::stations(&http, &["bad-1"]).await?;
    let mut cases = cases(now().millis());
    cases.push(invalid_utf8());
    cases.extend(wrong_topics());
    publish_each((mosquitto.port, "3"), ("a-publisher", ""), &payloads(&cases)).await?;
    check(&http, &cases).await
}

#[tokio::test]
async fn at_the_embedded_broker_a_gateway_s_bad_input_is_set_aside() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    things::stations(&http, &["bad-1"]).await?;
    things::import(&http, &["gw-1,gateway,网关,Gateway,,,,in_service,,,,,".to_owned()]).await?;
    let grant = json!({"things": ["bad-1"], "prefixes": ["ghost-"]});
    let answer = http.post_json("/api/v1/things/gw-1/credentials", &grant).await?.expect(201)?;
    let secret = answer.json()?["secret"].as_str().context("a secret")?.to_owned();
    let mut cases = cases(now().millis());
    cases.push(invalid_utf8());
    // Acknowledged one by one over one connection: no case ends it.
    publish_each((server.mqtt_port, "5"), ("gw-1", &secret), &payloads(&cases)).await?;
    check(&http, &cases).await
}

#[tokio::test]
async fn the_http_door_says_what_became_of_each_reading() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let administrator = server.administrator().await?;
    let secrets = things::stations(&administrator, &["bad-1"]).await?;
    let device = Http::device(server.http_port, "bad-1", &secrets["bad-1"]);
    let time = now().millis() - HOUR;
    let send = async |body: String| {
        device.send(Method::POST, "/api/v1/observations", "application/json", body).await
    };

    let some = format!("{{\"time\":{time},\"values\":{{\"wind_speed\":5,\"colour\":1}}}}");
    let answer = send(some).await?.expect(201)?.json()?;
    assert_eq!((&answer["accepted"], &answer["quarantined"]), (&json!(1), &json!(1)));
    assert_eq!(answer["problems"].as_array().map(Vec::len), Some(1));

    let answer = send("{\"values\":{\"colour\":1}}".to_owned()).await?.expect(422)?;
    let content_type = answer.headers["content-type"].to_str()?.to_owned();
    ensure!(content_type.starts_with("application/problem+json"), "{content_type}");
    let problem = answer.json()?;
    ensure!(problem["errors"].as_array().is_some_and(|errors| errors.len() == 1), "{problem}");

    let ledger = check_ledger(&administrator, 1).await?;
    assert_eq!((count(&ledger, "received"), count(&ledger, "quarantined")), (3, 2));
    let stranger = Http::device(server.http_port, "bad-1", "not-the-secret");
    let body = "{\"values\":{\"wind_speed\":1}}";
    let path = "/api/v1/observations";
    stranger.send(Method::POST, path, "application/json", body).await?.expect(401)?;
    Ok(())
}

//! Ranges, windows, pages, latest values.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::rig::Rig;

const PATH: &str = "/api/v1/datastreams/hm-001%2Fwind_speed/observations";

/// Six readings, each half an hour from 05:00 on, with the values 1 to 6.
async fn ready() -> (Rig, String) {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    let readings: Vec<Value> = (0..6)
        .map(|n| {
            let (hour, minute) = (5 + n / 2, 30 * (n % 2));
            let time = format!("2026-07-25T{hour:02}:{minute:02}:00+08:00");
            json!({ "time": time, "values": { "wind_speed": n + 1 } })
        })
        .collect();
    let answer = rig.post(&token, "/api/v1/observations?thing=hm-001", json!(readings)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    (rig, token)
}

async fn values(rig: &Rig, token: &str, query: &str) -> Vec<f64> {
    let answer = rig.get(token, &format!("{PATH}?{query}")).await;
    let body = answer.json();
    let items = body["items"].as_array().unwrap_or_else(|| panic!("{query}: {body}"));
    items.iter().map(|item| item["value"].as_f64().unwrap()).collect()
}

const HOURS: &str = "start=2026-07-25T05:00:00%2B08:00&stop=2026-07-25T07:00:00%2B08:00";

#[tokio::test]
async fn ranges_are_half_open_and_have_synonyms() {
    let (rig, token) = ready().await;
    assert_eq!(values(&rig, &token, HOURS).await, [1.0, 2.0, 3.0, 4.0]);
    // 05:00 and 07:00 in Xiangshan, in epoch milliseconds.
    let grafana = "from=1784926800000&to=1784934000000";
    assert_eq!(values(&rig, &token, grafana).await, [1.0, 2.0, 3.0, 4.0]);
    let rows = rig.get(&token, &format!("{PATH}?{grafana}&shape=rows")).await.json();
    assert_eq!(rows["rows"][0], json!([1_784_926_800_000_u64, 1.0]));
    assert_eq!(values(&rig, &token, "").await.len(), 6);
    let utc = rig.get(&token, &format!("{PATH}?{HOURS}&tz=UTC")).await.json();
    assert_eq!(utc["items"][0]["time"], "2026-07-24T21:00:00.000+00:00");
    let reversed = "start=2026-07-25T07:00:00%2B08:00&stop=2026-07-25T07:00:00%2B08:00";
    assert_eq!(rig.get(&token, &format!("{PATH}?{reversed}")).await.problem().0, 400);
}

#[tokio::test]
async fn windows_say_how_they_were_cut() {
    let (rig, token) = ready().await;
    let ask = |query: &'static str| rig.get(&token, query);
    let mean = values(&rig, &token, &format!("{HOURS}&every=1h")).await;
    assert_eq!(mean, [1.5, 3.5]);
    let iso = values(&rig, &token, &format!("{HOURS}&every=PT1H&aggregate=max")).await;
    assert_eq!(iso, [2.0, 4.0]);
    let path = "/api/v1/datastreams/hm-001%2Fwind_speed/observations?\
                every=1d&aggregate=count&day=hydro&start=2026-07-24T00:00:00%2B08:00\
                &stop=2026-07-26T00:00:00%2B08:00";
    let days = ask(path).await.json();
    assert_eq!(days["items"][0]["start"], "2026-07-24T08:00:00.000+08:00", "{days}");
    assert_eq!((&days["every"], &days["tz"]), (&json!("1d"), &json!("Asia/Shanghai")));
    assert_eq!((&days["aggregate"], &days["items"][0]["value"]), (&json!("count"), &json!(6.0)));
    for query in ["aggregate=max", "every=1h&aggregate=median", "every=0s", "day=hydro"] {
        assert_eq!(rig.get(&token, &format!("{PATH}?{query}")).await.problem().0, 400, "{query}");
    }
}

#[tokio::test]
async fn pages_of_a_series_leave_nothing_out() {
    let (rig, token) = ready().await;
    for query in ["limit=4", "limit=1&every=1h&aggregate=sum"] {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("{PATH}?{query}{cursor}");
            let body = rig.get(&token, &path).await.json();
            let items = body["items"].as_array().unwrap_or_else(|| panic!("{path}: {body}"));
            found.extend(items.iter().map(|item| item["value"].as_f64().unwrap()));
            assert!(found.len() <= 6, "{query}: the pages do not end");
            match body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let expected: &[f64] =
            if query.contains("every") { &[3.0, 7.0, 11.0] } else { &[1., 2., 3., 4., 5., 6.] };
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn latest_is_of_the_greatest_event_time_in_equal_columns() {
    let (rig, token) = ready().await;
    let late = json!({ "time": "2026-07-25T04:00:00+08:00", "values": { "wind_speed": 70 } });
    rig.post(&token, "/api/v1/observations?thing=hm-001", late).await;
    let latest = rig.get(&token, "/api/v1/datastreams/latest").await.json();
    assert_eq!(latest["datastream"], json!(["hm-001/wind_speed"]));
    assert_eq!(latest["value"], json!([6.0]));
    assert_eq!(latest["time"], json!(["2026-07-25T07:30:00.000+08:00"]));
    for column in ["quality", "received", "unchanged_since"] {
        assert_eq!(latest[column].as_array().unwrap().len(), 1, "{column}");
    }
    assert!(latest["commit"].as_u64().unwrap() > 0);
    let other = rig.get(&token, "/api/v1/datastreams/latest?township=330225102").await.json();
    assert_eq!(other["datastream"], json!([]));
}

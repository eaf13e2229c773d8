//! Long series: down-sampling, time-weighted means, columns, deadlines.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::rig::Rig;

const PATH: &str = "/api/v1/datastreams/hm-001%2Fwind_speed/observations";
const DAY: &str = "start=2026-07-24T08:00:00%2B08:00&stop=2026-07-25T08:00:00%2B08:00";

/// A day of readings each minute from 08:00 on, calm but for one gust.
async fn a_day(rig: &Rig, token: &str, id: &str) {
    rig.station(token, id).await;
    for hour in 0..24 {
        let readings: Vec<Value> = (0..60)
            .map(|minute| {
                let value = if (hour, minute) == (13, 7) { 40 } else { hour % 5 };
                let at = 1_784_851_200_000_i64 + (hour * 60 + minute) * 60_000;
                json!({ "time": at, "values": { "wind_speed": value } })
            })
            .collect();
        let path = format!("/api/v1/observations?thing={id}");
        let answer = rig.post(token, &path, json!(readings)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
}

async fn ready() -> (Rig, String) {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    a_day(&rig, &token, "hm-001").await;
    (rig, token)
}

#[tokio::test]
async fn a_thinned_series_says_so_and_keeps_its_peak() {
    let (rig, token) = ready().await;
    for (query, method) in [("", "lttb"), ("&downsample=minmax", "minmax")] {
        let path = format!("{PATH}?{DAY}&max_data_points=50{query}");
        let body = rig.get(&token, &path).await.json();
        let items = body["items"].as_array().unwrap_or_else(|| panic!("{body}"));
        assert!(items.len() <= 50, "{}", items.len());
        assert_eq!((&body["downsampled"], &body["method"]), (&json!(true), &json!(method)));
        assert_eq!((&body["n_before"], &body["next_cursor"]), (&json!(1_440), &json!(null)));
        assert!(items.iter().any(|item| item["value"] == 40.0), "{method} lost the gust");
        assert_eq!(items[0]["time"], "2026-07-24T08:00:00.000+08:00");
    }
    let rows = format!("{PATH}?from=1784851200000&to=1784937600000&max_data_points=500&shape=rows");
    let body = rig.get(&token, &rows).await.json();
    assert_eq!(body["downsampled"], true, "{body}");
    assert_eq!(body["rows"].as_array().unwrap().len(), 500);
    let whole = rig.get(&token, &format!("{PATH}?{DAY}&max_data_points=2000")).await.json();
    assert_eq!((&whole["downsampled"], &whole["method"]), (&json!(false), &json!(null)));
    assert_eq!(whole["items"].as_array().unwrap().len(), 1_440);
    let plain = rig.get(&token, &format!("{PATH}?{DAY}")).await.json();
    assert!(plain.get("downsampled").is_none(), "only who asks is told");
}

#[tokio::test]
async fn windows_can_be_thinned_and_have_grafanas_name_for_their_length() {
    let (rig, token) = ready().await;
    let path = format!("{PATH}?{DAY}&interval_ms=600000&aggregate=max&max_data_points=10");
    let body = rig.get(&token, &path).await.json();
    assert_eq!((&body["every"], &body["n_before"]), (&json!("10min"), &json!(144)), "{body}");
    let items = body["items"].as_array().unwrap();
    assert!(items.len() <= 10 && items.iter().any(|item| item["value"] == 40.0), "{body}");
}

#[tokio::test]
async fn a_time_weighted_mean_says_how_much_it_knows() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    // 10 m/s for 15 minutes, then 20 until three periods of ten minutes later.
    let readings = json!([
        { "time": "2026-07-25T05:00:00+08:00", "values": { "wind_speed": 10 } },
        { "time": "2026-07-25T05:15:00+08:00", "values": { "wind_speed": 20 } },
    ]);
    rig.post(&token, "/api/v1/observations?thing=hm-001", readings).await;
    let span = "start=2026-07-25T05:00:00%2B08:00&stop=2026-07-25T07:00:00%2B08:00";
    let path = format!("{PATH}?{span}&every=1h&aggregate=time_weighted_mean");
    let body = rig.get(&token, &path).await.json();
    assert_eq!(body["aggregate"], "time_weighted_mean");
    let items = body["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{body}");
    let mean = items[0]["value"].as_f64().unwrap();
    assert!((mean - (10.0 * 15.0 + 20.0 * 30.0) / 45.0).abs() < 1e-9, "{mean}");
    assert_eq!((&items[0]["coverage"], &items[0]["n"]), (&json!(0.75), &json!(2)));
}

#[tokio::test]
async fn datastreams_stand_side_by_side() {
    let (rig, token) = ready().await;
    rig.station(&token, "hm-002").await;
    let one = json!({ "time": "2026-07-24T10:10:00+08:00", "values": { "wind_speed": 7 } });
    rig.post(&token, "/api/v1/observations?thing=hm-002", one).await;
    let both = "datastream=hm-001%2Fwind_speed&datastream=hm-002%2Fwind_speed";
    let path = format!("/api/v1/observations?{both}&{DAY}&every=1h&aggregate=max");
    let body = rig.get(&token, &path).await.json();
    assert_eq!(body["time"].as_array().unwrap().len(), 24, "{body}");
    let column = |id: &str| body["columns"][id].as_array().unwrap().clone();
    assert_eq!(column("hm-001/wind_speed")[6], 1.0);
    assert_eq!(column("hm-001/wind_speed")[13], 40.0);
    assert_eq!(column("hm-002/wind_speed")[2], 7.0);
    assert_eq!(column("hm-002/wind_speed")[3], Value::Null);
    assert_eq!(body["units"]["hm-002/wind_speed"], "m/s");

    // Pages are the same windows.
    let mut times = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = rig.get(&token, &format!("{path}&limit=7{cursor}")).await.json();
        times.extend(page["time"].as_array().unwrap().clone());
        assert!(times.len() <= 24, "the pages do not end");
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(times), body["time"]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_a_reason() {
    let (rig, token) = ready().await;
    for query in [
        "max_data_points=3",
        "max_data_points=100001",
        "max_data_points=10&limit=5",
        "downsample=lttb",
        "max_data_points=10&downsample=median",
        "every=1h&interval_ms=60000",
        "interval_ms=10",
        "every=1h&aggregate=time_weighted",
    ] {
        assert_eq!(rig.get(&token, &format!("{PATH}?{query}")).await.problem().0, 400, "{query}");
    }
    let many: String = (0..33).map(|n| format!("datastream=hm-{n}%2Fwind_speed&")).collect();
    for (query, status) in [
        ("every=1h", 400),
        ("datastream=hm-001%2Fwind_speed", 400),
        ("datastream=hm-009%2Fwind_speed&every=1h", 404),
        ("datastream=hm-001%2Fwind_speed&every=1h&limit=100001", 400),
        (many.as_str(), 400),
    ] {
        let answer = rig.get(&token, &format!("/api/v1/observations?{query}")).await;
        assert_eq!(answer.problem().0, status, "{query}");
    }
}

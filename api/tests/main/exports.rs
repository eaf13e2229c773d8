//! History as a file: formats, filters, limits, who may, and what is audited.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use store::Role;

use crate::rig::{Rig, call};

const SPAN: &str = "start=2026-07-25T05:00:00%2B08:00&stop=2026-07-25T07:00:00%2B08:00";

/// Four readings of each of two stations, and one tide.
async fn ready() -> (Rig, String) {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    for id in ["hm-001", "hm-002"] {
        rig.station(&token, id).await;
        let readings: Vec<Value> = (0..4)
            .map(|n| {
                let (hour, minute) = (5 + n / 2, 30 * (n % 2));
                let time = format!("2026-07-25T{hour:02}:{minute:02}:00+08:00");
                json!({ "time": time, "values": { "wind_speed": n + 1 } })
            })
            .collect();
        let path = format!("/api/v1/observations?thing={id}");
        let answer = rig.post(&token, &path, json!(readings)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
    let tide = json!({ "time": "2026-07-25T06:00:00+08:00", "values": { "tide_level": -1.25 } });
    rig.post(&token, "/api/v1/observations?thing=hm-001", tide).await;
    (rig, token)
}

#[tokio::test]
async fn csv_is_in_order_of_time_with_unit_and_quality() {
    let (rig, token) = ready().await;
    let path = format!("/api/v1/exports/observations?{SPAN}&thing=hm-001&format=csv");
    let answer = rig.get(&token, &path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("tidewatch-schema"), "observations/1");
    assert_eq!(answer.header("tidewatch-origin"), "real");
    let text = answer.text();
    let lines: Vec<&str> = text.split("\r\n").collect();
    let header = "datastream,time,value,unit,quality,quality_tests,since,received,commit,origin";
    assert_eq!((lines[0], lines.len()), (header, 7), "{text}");
    assert!(lines[1].starts_with("hm-001/wind_speed,2026-07-25T05:00:00.000+08:00,1,m/s,1,,,"));
    assert!(lines[1].ends_with(",real"), "{}", lines[1]);
    let times: Vec<&str> = lines[1..6].iter().map(|line| line.split(',').nth(1).unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(text.contains("hm-001/tide_level,2026-07-25T06:00:00.000+08:00,-1.25,m,"), "{text}");
    let bom = rig.get(&token, &format!("{path}&bom=1")).await;
    assert_eq!(&bom.body[..3], b"\xef\xbb\xbf");
}

#[tokio::test]
async fn filters_choose_datastreams() {
    let (rig, token) = ready().await;
    for (filter, n_rows) in [
        ("", 9),
        ("&property=wind_speed", 8),
        ("&thing=hm-002", 4),
        ("&township=330225102", 0),
        ("&kind=hydromet_station&property=tide_level", 1),
        ("&datastream=hm-001%2Fwind_speed&datastream=hm-001%2Ftide_level", 5),
        ("&datastream=hm-001%2Fwind_speed&property=tide_level", 0),
    ] {
        let path = format!("/api/v1/exports/observations?{SPAN}&format=ndjson{filter}");
        let answer = rig.get(&token, &path).await;
        assert_eq!(answer.text().lines().count(), n_rows, "{filter}: {}", answer.text());
    }
    let missing = format!("/api/v1/exports/observations?{SPAN}&datastream=hm-009%2Fwind_speed");
    assert_eq!(rig.get(&token, &missing).await.problem().1, "datastream_not_found");
}

#[tokio::test]
async fn an_export_that_ends_at_its_limit_says_so_and_goes_on() {
    let (rig, token) = ready().await;
    let base = format!("/api/v1/exports/observations?{SPAN}&format=ndjson&property=wind_speed");
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        // Both stations report at the same instants: three rows become four.
        let text = rig.get(&token, &format!("{base}&limit=3{cursor}")).await.text();
        let mut rows: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = rows.pop().unwrap();
        found.extend(rows);
        match last["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => {
                found.push(last);
                break;
            }
        }
        assert!(found.len() <= 8, "the export does not end");
    }
    let pairs: Vec<(&str, &str)> = found
        .iter()
        .map(|row| (row["time"].as_str().unwrap(), row["datastream"].as_str().unwrap()))
        .collect();
    assert_eq!(pairs.len(), 8);
    assert!(pairs.is_sorted(), "{pairs:?}");
    let csv = rig.get(&token, &format!("{base}&limit=3").replace("ndjson", "csv")).await.text();
    let last = csv.trim_end().split("\r\n").last().unwrap().to_owned();
    assert!(last.starts_with("#truncated,"), "{last}");
    let foreign = format!("/api/v1/exports/observations?{SPAN}&format=csv{cursor}");
    assert_eq!(rig.get(&token, &foreign).await.problem().1, "cursor_invalid");
}

#[tokio::test]
async fn parquet_ends_with_its_footer_and_names_its_columns() {
    let (rig, token) = ready().await;
    let path = format!("/api/v1/exports/observations?{SPAN}&limit=2");
    let mut request = call(axum::http::Method::GET, &path, &token, None);
    let parquet = "application/vnd.apache.parquet";
    request.headers_mut().insert(header::ACCEPT, parquet.parse().unwrap());
    let answer = rig.send(request).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), parquet);
    assert!(answer.body.starts_with(b"PAR1") && answer.body.ends_with(b"PAR1"));
    let has = |text: &[u8]| answer.body.windows(text.len()).any(|window| window == text);
    for text in ["tidewatch.schema", "observations/1", "tidewatch.truncated", "quality"] {
        assert!(has(text.as_bytes()), "{text}");
    }
}

#[tokio::test]
async fn scores_are_exported_with_the_countys() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    rig.measure(&token, "wind_speed", 5.0).await;
    rig.tick(1).await;
    rig.measure(&token, "wind_speed", 24.5).await;
    rig.tick(2).await;
    let path = "/api/v1/exports/scores?index=hazard&township=330225101&format=csv";
    let text = rig.get(&token, path).await.text();
    let lines: Vec<&str> = text.trim_end().split("\r\n").collect();
    let header = "index,township,time,score,level,grey,provisional,coverage,confidence,origin";
    assert_eq!((lines[0], lines.len()), (header, 3), "{text}");
    let orange = "hazard,330225101,2026-07-25T08:02:00.000+08:00,75,orange,false,";
    assert!(lines[2].starts_with(orange), "{text}");
    let county = "/api/v1/exports/scores?index=flood-typhoon&township=330225&format=ndjson";
    let text = rig.get(&token, county).await.text();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&first["township"], &first["origin"]), (&json!("330225"), &json!("real")));
    let all = rig.get(&token, "/api/v1/exports/scores?format=ndjson").await.text();
    assert!(all.lines().count() > 8, "{all}");
}

#[tokio::test]
async fn whoever_exports_has_an_account_and_is_audited() {
    let (rig, token) = ready().await;
    let path = format!("/api/v1/exports/observations?{SPAN}");
    assert_eq!(rig.get("", &path).await.problem().0, 401);
    let viewer = rig.token("li", Role::Viewer).await;
    assert_eq!(rig.get(&viewer, &path).await.status, StatusCode::OK);
    let trail = rig.store.registry().audit_entries(10).await.unwrap();
    let by_viewer = trail.iter().find(|entry| entry.actor == "li").expect("the export is audited");
    assert_eq!((by_viewer.action.as_str(), by_viewer.object.as_str()), ("export", "observations"));
    let running = rig.get(&token, "/api/v1/exports").await.json();
    assert_eq!(running["items"], json!([]), "none is under way any more");
}

#[tokio::test]
async fn an_export_is_listed_while_it_runs_and_there_is_a_limit_to_them() {
    let options = api::ApiOptions { exports_max: 1, ..api::ApiOptions::default() };
    let rig = Rig::with(options).await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    rig.measure(&token, "wind_speed", 5.0).await;
    let request = call(axum::http::Method::GET, "/api/v1/exports/observations", &token, None);
    let answer = tower::ServiceExt::oneshot(rig.router.clone(), request).await.unwrap();
    let id = answer.headers()["tidewatch-export"].to_str().unwrap().to_owned();
    let running = rig.get(&token, "/api/v1/exports").await.json();
    assert_eq!(running["items"][0]["id"].to_string(), id, "{running}");
    assert_eq!(running["items"][0]["rows"], 1);
    let other = rig.token("li", Role::Viewer).await;
    assert_eq!(rig.get(&other, "/api/v1/exports").await.json()["items"], json!([]));
    let refused = rig.get(&token, "/api/v1/exports/observations").await.problem();
    assert_eq!(refused, (503, "exports_full".to_owned()));
    drop(answer);
    let again = rig.get(&token, "/api/v1/exports/observations").await;
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn an_export_that_breaks_off_is_no_shorter_file() {
    let (rig, token) = ready().await;
    let path = format!("/api/v1/exports/observations?{SPAN}&format=csv");
    let request = call(axum::http::Method::GET, &path, &token, None);
    let answer = tower::ServiceExt::oneshot(rig.router.clone(), request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    rig.shutdown.cancel();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
    assert!(body.is_err(), "the body ended as if it were whole");
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let (rig, token) = ready().await;
    for (path, status) in [
        ("observations?format=xlsx", 400),
        ("observations?format=ndjson&bom=1", 400),
        ("observations?limit=0", 400),
        ("observations?start=2026-07-25T09:00:00%2B08:00&stop=2026-07-25T08:00:00%2B08:00", 400),
        ("scores?index=none", 404),
        ("scores?township=330225999", 404),
        ("scores?township=x", 404),
    ] {
        let answer = rig.get(&token, &format!("/api/v1/exports/{path}")).await;
        assert_eq!(answer.problem().0, status, "{path}");
    }
}

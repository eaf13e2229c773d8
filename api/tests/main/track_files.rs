//! Positions of storms in files: one bulletin, or several storms at once.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use store::Role;

use crate::rig::{Answer, Rig, call};

const QUERY: &str =
    "agency=CMA&issued=2026-07-25T08:00:00%2B08:00&averaging_min=2&id=bu-1&is_final=false";

async fn ready() -> (Rig, String) {
    let rig = Rig::new().await;
    let token = rig.token("wang", Role::Engineer).await;
    let storm = json!({ "id": "haikui-2012", "name": { "zh": "海葵", "en": "Haikui" } });
    let answer = rig.post(&token, "/api/v1/storms", storm).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    (rig, token)
}

async fn send(rig: &Rig, token: &str, path: &str, text: &str) -> Answer {
    let mut request = call(Method::POST, path, token, None);
    request.headers_mut().insert(header::CONTENT_TYPE, "text/csv".parse().unwrap());
    *request.body_mut() = Body::from(text.to_owned());
    rig.send(request).await
}

async fn bulletin(rig: &Rig, token: &str, query: &str, text: &str) -> Answer {
    let path = format!("/api/v1/storms/haikui-2012/bulletins?{query}");
    send(rig, token, &path, text).await
}

fn times(fixes: &Value) -> Vec<&str> {
    fixes.as_array().unwrap().iter().map(|fix| &fix["time"].as_str().unwrap()[11..16]).collect()
}

#[tokio::test]
async fn a_file_of_positions_is_a_bulletin() {
    let (rig, token) = ready().await;
    let text = "\u{feff}time,longitude,latitude,pressure_hpa,wind_mps,force7_km,kind\r\n\
        2026-07-25T02:00:00+08:00,124.0,28.5,960,38,300,\r\n\
        2026-07-25T08:00:00+08:00,123.4,28.9,965,,,\r\n\
        2026-07-25T14:00:00+08:00,122.5,29.1,970,35,,\r\n\
        2026-07-25T20:00:00+08:00,121.7,29.3,975,,,forecast\r\n";
    let answer = bulletin(&rig, &token, QUERY, text).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let location = "/api/v1/storms/haikui-2012/bulletins/bu-1";
    assert_eq!(answer.header(header::LOCATION), location);
    let stored = rig.get(&token, location).await.json();
    assert_eq!(times(&stored["observed"]), ["02:00", "08:00"]);
    assert_eq!(times(&stored["forecast"]), ["14:00", "20:00"]);
    let first = &stored["observed"][0];
    assert_eq!((&first["position"], &first["wind_mps"]), (&json!([124.0, 28.5]), &json!(38.0)));
    assert_eq!((&first["force7_km"], &first["force10_km"]), (&json!(300.0), &json!(null)));
    assert_eq!((&stored["agency"], &stored["averaging_min"]), (&json!("CMA"), &json!(2)));
}

/// Where the problems of a file are: pointers and parameters.
fn places(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.problem(), (422, "document_invalid".to_owned()), "{}", answer.text());
    let place = |error: &Value| {
        let place = error["pointer"].as_str().or(error["parameter"].as_str());
        place.unwrap().to_owned()
    };
    answer.json()["errors"].as_array().unwrap().iter().map(place).collect()
}

#[tokio::test]
async fn a_bad_row_refuses_the_bulletin_and_is_named_by_its_line() {
    let (rig, token) = ready().await;
    let head = "time,latitude,longitude,pressure_hpa,kind\n";
    let good = "2026-07-25T02:00:00+08:00,28.5,124.0,960,observed\n";
    let cases: [(&str, &[&str]); 7] = [
        ("2026-07-25T08:00:00+08:00,123.4,28.9,965,\n", &["#/lines/3/position"]),
        ("2026-07-25T01:00:00+08:00,28.9,123.4,965,\n", &["#/lines/3/time"]),
        ("2026-07-25T08:00:00+08:00,28.9,123.4,0,\n", &["#/lines/3/pressure_hpa"]),
        ("2026-07-25T08:00:00+08:00,28.9,123.4,NaN,\n", &["#/lines/3/pressure_hpa"]),
        ("\n25 July,,123.4,965,\n", &["#/lines/4/time", "#/lines/4/latitude"]),
        ("2026-07-25T08:00:00+08:00,28.9,123.4,965,guess\n", &["#/lines/3/kind"]),
        ("2026-07-25T14:00:00+08:00,28.9,123.4,965,observed\n", &["#/lines/3/time"]),
    ];
    for (row, expected) in cases {
        let answer = bulletin(&rig, &token, QUERY, &format!("{head}{good}{row}")).await;
        assert_eq!(places(&answer), expected, "{row}");
    }
    let answer = bulletin(&rig, &token, "id=bu-1", &format!("{head}{good}")).await;
    assert_eq!(places(&answer), ["agency", "issued", "averaging_min"]);
    for (query, text) in [
        (QUERY, "time,latitude,longitude\n"),
        (QUERY, "time,latitude,longitude,pressure_hpa,colour\n"),
        (QUERY, ""),
    ] {
        let answer = bulletin(&rig, &token, query, text).await;
        assert_eq!(answer.problem(), (422, "file_invalid".to_owned()), "{text}");
    }
    let list = rig.get(&token, "/api/v1/storms/haikui-2012/bulletins").await.json();
    assert_eq!(list["items"], json!([]));
    let path = format!("/api/v1/storms/haikui-2012/bulletins?{QUERY}");
    assert_eq!(rig.post(&token, &path, json!({})).await.problem().0, 400, "JSON says it itself");
    let unknown = send(&rig, &token, "/api/v1/storms/lekima/bulletins?agency=CMA", head).await;
    assert_eq!(unknown.problem().0, 404);
}

const TRACKS: &str = "storm,utc,lat,lon,pres_hpa,intensity_factor,kt\n\
    HAIKUI,2012-08-05T00:00:00Z,26.7,129.1,980,1.1,45\n\
    LEKIMA,2019-08-08T00:00:00Z,22.9,125.6,935,,100\n\
    HAIKUI,2012-08-05T06:00:00Z,27.0,128.5,975,1.1,50\n\
    IN-FA,2021-07-23T00:00:00Z,25.0,125.0,0,,80\n\
    IN-FA,2021-07-23T06:00:00Z,25.5,124.5,960,,80\n";

#[tokio::test]
async fn an_import_says_what_it_would_do_before_it_does() {
    let (rig, token) = ready().await;
    let path = "/api/v1/storms/import?agency=JMA&is_final=true";
    let dry = send(&rig, &token, &format!("{path}&dry_run=true"), TRACKS).await;
    assert_eq!(dry.status, StatusCode::OK, "{}", dry.text());
    let counts = |answer: &Answer| {
        let report = answer.json();
        ["created", "updated", "unchanged", "failed"].map(|name| report[name].as_u64().unwrap())
    };
    assert_eq!(counts(&dry), [1, 1, 0, 1]);
    assert_eq!(rig.get(&token, "/api/v1/storms/lekima-2019").await.problem().0, 404);
    let done = send(&rig, &token, path, TRACKS).await;
    assert_eq!(done.json(), dry.json(), "the rehearsal told the truth");
    let report = done.json();
    let rows: Vec<(u64, u64)> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["row"].as_u64().unwrap(), row["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(rows, [(2, 200), (3, 201), (4, 200), (5, 422), (6, 422)]);
    let detail = report["rows"][3]["detail"].as_str().unwrap();
    assert!(detail.contains("pres_hpa") || detail.contains("pressure_hpa"), "{detail}");
    assert!(!report["rows"][4]["detail"].is_null(), "why a sound row was not imported");
    assert_eq!(rig.get(&token, "/api/v1/storms/in-fa-2021").await.problem().0, 404);

    let haikui = rig.get(&token, "/api/v1/storms/haikui-2012").await.json();
    assert_eq!((&haikui["name"]["zh"], &haikui["intensity_factor"]), (&json!("海葵"), &json!(1.1)));
    let track = "/api/v1/storms/haikui-2012/bulletins/bu-haikui-2012-import";
    let track = rig.get(&token, track).await.json();
    assert_eq!((&track["agency"], &track["is_final"]), (&json!("JMA"), &json!(true)));
    assert_eq!(times(&track["observed"]), ["08:00", "14:00"]);

    let again = send(&rig, &token, path, TRACKS).await;
    assert_eq!(counts(&again), [0, 0, 2, 1]);
    assert_eq!(send(&rig, &token, "/api/v1/storms/import", TRACKS).await.problem().0, 400);
    let json = rig.post(&token, path, json!({})).await;
    assert_eq!(json.problem().0, 415);
}

//! Registering things, by hand and in bulk.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::json;

use crate::rig::{Answer, Rig, call, station};

#[tokio::test]
async fn a_change_needs_the_revision_that_was_read() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let made = rig.post(&token, "/api/v1/things", station("hm-001")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.header(header::LOCATION), "/api/v1/things/hm-001");
    let path = "/api/v1/things/hm-001";
    let tag = made.header(header::ETAG).to_owned();
    let read = rig.get(&token, path).await;
    assert_eq!(read.header(header::ETAG), tag);
    assert_eq!(tag, format!("\"r{}\"", read.json()["revision"]));

    // What was read can be sent back with a change.
    let mut thing = read.json();
    thing["name"]["en"] = json!("Renamed");
    let put = |name: header::HeaderName, value: &str| {
        let mut request = call(Method::PUT, path, &token, Some(thing.clone()));
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let bare = rig.send(call(Method::PUT, path, &token, Some(thing.clone()))).await;
    assert_eq!(bare.problem(), (428, "precondition_required".to_owned()));
    for stale in ["\"r999\"", "W/\"r1\"", "\"x\""] {
        let answer = rig.send(put(header::IF_MATCH, stale)).await;
        assert_eq!(answer.problem(), (412, "stale".to_owned()), "{stale}");
    }
    let create_only = rig.send(put(header::IF_NONE_MATCH, "*")).await;
    assert_eq!(create_only.problem().0, 412);
    let changed = rig.send(put(header::IF_MATCH, &tag)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert_ne!(changed.header(header::ETAG), tag);
    assert_eq!(changed.json()["name"]["en"], "Renamed");
    assert_eq!(rig.send(put(header::IF_MATCH, &tag)).await.problem().0, 412);

    let mut known = call(Method::GET, path, &token, None);
    let tag = changed.header(header::ETAG).parse().unwrap();
    known.headers_mut().insert(header::IF_NONE_MATCH, tag);
    assert_eq!(rig.send(known).await.status, StatusCode::NOT_MODIFIED);
    let twice = rig.post(&token, "/api/v1/things", station("hm-001")).await;
    assert_eq!(twice.problem(), (409, "thing_exists".to_owned()));
}

#[tokio::test]
async fn lists_are_read_page_by_page_with_their_filters() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    for n in 1..=5 {
        rig.station(&token, &format!("hm-00{n}")).await;
    }
    let mut path = "/api/v1/things?kind=hydromet_station&limit=2".to_owned();
    let mut ids = Vec::new();
    for n_page in 1.. {
        assert!(n_page <= 3, "the pages do not end");
        let page = rig.get(&token, &path).await;
        let body = page.json();
        let items = body["items"].as_array().unwrap();
        ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let link = page.header(header::LINK);
        let Some(cursor) = body["next_cursor"].as_str() else {
            assert!(!link.contains("next"), "{link}");
            break;
        };
        assert!(link.contains(&format!("limit=2&cursor={cursor}>; rel=\"next\"")), "{link}");
        path = format!("/api/v1/things?kind=hydromet_station&limit=2&cursor={cursor}");
        let foreign = format!("/api/v1/things?limit=2&cursor={cursor}");
        assert_eq!(rig.get(&token, &foreign).await.problem().1, "cursor_invalid");
    }
    assert_eq!(ids, ["hm-001", "hm-002", "hm-003", "hm-004", "hm-005"]);
    let none = rig.get(&token, "/api/v1/things?q=STATION%20HM-003").await.json();
    assert_eq!(none["items"].as_array().unwrap().len(), 1);
    let none = rig.get(&token, "/api/v1/things?kind=shelter").await.json();
    assert_eq!(none["items"], json!([]));

    let streams = rig.get(&token, "/api/v1/datastreams?limit=3").await.json();
    assert_eq!(streams["items"][2]["id"], "hm-002/tide_level");
    let cursor = streams["next_cursor"].as_str().unwrap();
    let more = rig.get(&token, &format!("/api/v1/datastreams?limit=3&cursor={cursor}")).await;
    assert_eq!(more.json()["items"][0]["id"], "hm-002/wind_speed");
    assert_eq!(more.json()["items"][0]["unit"], "m/s");
    let path = "/api/v1/datastreams?thing=hm-004&property=tide_level";
    let found = rig.get(&token, path).await.json();
    assert_eq!(found["items"][0]["levels"]["orange"], 3.0);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

fn import(token: &str, query: &str, csv: &str) -> axum::http::Request<Body> {
    let path = format!("/api/v1/things/import{query}");
    let mut request = call(Method::POST, &path, token, None);
    let media = "text/csv; charset=utf-8".parse().unwrap();
    request.headers_mut().insert(header::CONTENT_TYPE, media);
    *request.body_mut() = Body::from(csv.to_owned());
    request
}

#[track_caller]
fn check_counts(answer: &Answer, expected: [u64; 4]) {
    let report = answer.json();
    let found = ["created", "updated", "unchanged", "failed"].map(|name| report[name].as_u64());
    assert_eq!(found, expected.map(Some), "{report}");
}

const HEADER: &str = "id,kind,name_zh,name_en,township,state,datastreams\n";

#[tokio::test]
async fn an_import_tells_what_became_of_every_row() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let csv = format!(
        "{HEADER}sh-001,shelter,避灾点,Shelter,330225101,in_service,occupancy\n\
         sh-002,shlter,避灾点,Shelter,330225101,in_service,\n\
         sh-003,shelter,避灾点,Shelter,330225999,in_service,nothing\n\
         sh-004,shelter,避灾点,Shelter,330225102,planned,\n"
    );
    let dry = rig.send(import(&token, "?dry_run=true", &csv)).await;
    assert_eq!(dry.status, StatusCode::OK, "{}", dry.text());
    check_counts(&dry, [2, 0, 0, 2]);
    assert!(rig.store.directory().things.is_empty(), "a dry run changed something");

    let real = rig.send(import(&token, "", &csv)).await;
    assert_eq!(real.json(), dry.json());
    let report = real.json();
    let rows = report["rows"].as_array().unwrap();
    let lines: Vec<u64> = rows.iter().map(|row| row["row"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3, 4, 5]);
    let statuses: Vec<u64> = rows.iter().map(|row| row["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 422, 422, 201]);
    let detail = rows[2]["detail"].as_str().unwrap();
    assert!(detail.contains("330225999") && detail.contains("nothing"), "{detail}");

    check_counts(&rig.send(import(&token, "", &csv)).await, [0, 0, 2, 2]);
    let other = format!("{HEADER}sh-001,enterprise,企业,Plant,330225101,in_service,\n");
    let refused = rig.send(import(&token, "", &other)).await;
    check_counts(&refused, [0, 0, 0, 1]);
    assert_eq!(refused.json()["rows"][0]["status"], 409);
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    rig.station(&token, "hm-001").await;
    let mut request = call(Method::GET, "/api/v1/things", &token, None);
    request.headers_mut().insert(header::ACCEPT, "text/csv".parse().unwrap());
    let export = rig.send(request).await;
    assert!(export.header(header::CONTENT_TYPE).starts_with("text/csv"));
    check_counts(&rig.send(import(&token, "", &export.text())).await, [0, 0, 1, 0]);
    let changed = export.text().replace("in_service", "maintenance");
    check_counts(&rig.send(import(&token, "", &changed)).await, [0, 1, 0, 0]);
}

#[tokio::test]
async fn townships_come_as_a_list_or_as_outlines() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    let list = rig.get(&token, "/api/v1/townships").await;
    assert_eq!(list.json()["items"][0]["name"]["zh"], "石浦镇");
    assert_eq!(list.json()["items"][0]["seat"], json!([121.95, 29.21]));
    let mut request = call(Method::GET, "/api/v1/townships", &token, None);
    request.headers_mut().insert(header::ACCEPT, "application/geo+json".parse().unwrap());
    let outlines = rig.send(request).await;
    assert_eq!(outlines.header(header::CONTENT_TYPE), "application/geo+json");
    let features = outlines.json()["features"].clone();
    assert_eq!(features[0]["properties"]["boundary"], "illustrative");
    assert_eq!(features[0]["bbox"], json!([121.8, 29.1, 122.0, 29.3]));
    assert_eq!(features[1]["geometry"], json!(null));
    let mut request = call(Method::GET, "/api/v1/townships", &token, None);
    request.headers_mut().insert(header::ACCEPT, "text/csv".parse().unwrap());
    assert_eq!(rig.send(request).await.problem().0, 406);
}

//! The document and the routes say the same.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::{Method, StatusCode};
use serde_json::Value;

use crate::rig::{Rig, call};

fn document() -> Value {
    serde_json::from_str(api::openapi_json()).unwrap()
}

/// To write the file anew: `tidewatch openapi > api/openapi.json`.
#[tokio::test]
async fn the_committed_document_is_the_served_one() {
    let rig = Rig::new().await;
    let served = rig.get("", "/api/openapi.json").await;
    assert_eq!(served.text(), api::openapi_json());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let committed = std::fs::read_to_string(path).unwrap();
    let is_same = committed.trim_end() == api::openapi_json();
    assert!(is_same, "api/openapi.json is stale: `tidewatch openapi` writes it");
}

#[test]
fn the_document_is_sound() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let text = api::openapi_json();
    assert!(!text.contains("\"nullable\""));
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(operation["summary"].is_string(), "{id} has no summary");
            for status in ["400", "401", "403", "429", "500", "503"] {
                let reference = &operation["responses"][status]["$ref"];
                assert!(reference.is_string(), "{method} {path} lacks {status}");
            }
            assert!(operation["security"].is_array(), "{id} has no security");
            for status in ["200", "201"] {
                let media = &operation["responses"][status]["content"]["application/json"];
                assert!(media.is_null() || !media["example"].is_null(), "{id} {status}");
            }
            let body = &operation["requestBody"]["content"]["application/json"];
            assert!(body.is_null() || !body["example"].is_null(), "{id} lacks a body's example");
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if name.ends_with("Input") || name == "Login" {
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
    }
    // Every reference leads somewhere.
    for reference in text.split("\"$ref\": \"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn every_documented_operation_is_a_route_that_refuses_unknown_parameters() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let path = path.replace("{id}", "1").replace(['{', '}'], "");
            let method: Method = method.to_uppercase().parse().unwrap();
            let request = call(method, &format!("{path}?no_such_parameter=1"), &token, None);
            let answer = rig.send(request).await;
            let (status, code) = answer.problem();
            assert_eq!((status, code.as_str()), (400, "query_invalid"), "{id}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn methods_that_are_not_documented_are_not_there() {
    let rig = Rig::new().await;
    let token = rig.admin().await;
    for (path, item) in document()["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "1").replace(['{', '}'], "");
        for method in ["get", "post", "put", "delete", "patch"] {
            if item.get(method).is_some() {
                continue;
            }
            let request = call(method.to_uppercase().parse().unwrap(), &path, &token, None);
            let answer = rig.send(request).await;
            // `/things/{id}` serves what no fixed path under it does.
            let is_covered = path.starts_with("/api/v1/things/");
            let is_refused = answer.status == StatusCode::METHOD_NOT_ALLOWED;
            assert!(is_refused || is_covered, "{method} {path}: {}", answer.status);
        }
    }
}

//! An example for the JSON answer of each operation, and for each JSON body.

use serde_json::{Value, json};

use super::live_examples;

/// Puts the examples where the operation has JSON.
pub(super) fn add(operation_id: &str, operation: &mut Value) {
    for (status, example) in [("200", answer(operation_id)), ("201", answer(operation_id))] {
        let pointer = format!("/responses/{status}/content/application~1json");
        if let (Some(media), Some(example)) = (operation.pointer_mut(&pointer), example) {
            media["example"] = example;
        }
    }
    let media = operation.pointer_mut("/requestBody/content/application~1json");
    if let (Some(media), Some(example)) = (media, body(operation_id)) {
        media["example"] = example;
    }
}

pub(super) fn page(item: Value) -> Value {
    json!({ "items": [item], "next_cursor": null })
}

fn thing() -> Value {
    json!({
        "id": "hm-001",
        "kind": "hydromet_station",
        "name": { "zh": "石浦水文站", "en": "Shipu hydromet station" },
        "township": "330225101",
        "position": [121.95, 29.21],
        "state": "in_service",
        "serves": [],
        "raw_property": null,
        "datastreams": [{
            "id": "hm-001/tide_level",
            "property": "tide_level",
            "channel": null,
            "levels": { "blue": 2.1, "yellow": 2.5, "orange": 3.0, "red": 3.4 },
            "datum": "1985国家高程基准",
        }],
        "revision": 7,
    })
}

fn session() -> Value {
    json!({
        "user": { "name": "wang", "role": "engineer" },
        "public_read": "none",
        "origin": "real",
        "title": { "zh": "县域风险感知与研判平台", "en": "Tidewatch" },
        "county": { "code": "330225", "name": { "zh": "象山县", "en": "Xiangshan" } },
        "bureau": { "zh": "象山县应急管理局", "en": "Xiangshan emergency-management bureau" },
        "version": "0.1.0",
    })
}

fn receipt() -> Value {
    json!({
        "commit": 88_231,
        "accepted": 2,
        "quarantined": 1,
        "problems": [{
            "pointer": "#/2/values/watr_level",
            "code": "unknown_property",
            "detail": "property `watr_level` is not in the catalogue",
        }],
    })
}

fn quarantine_entry() -> Value {
    json!({
        "id": 17,
        "source": "embedded",
        "thing": "rain-017",
        "topic": "tidewatch/v1/rain-017/json",
        "codec": "json",
        "received": "2026-07-25T08:15:30.123+08:00",
        "reason": "unknown_property",
        "detail": "property `rainfal_depth` is not in the catalogue",
        "n_readings": 1,
        "size_bytes": 74,
        "commit": 88_231,
        "redriven": null,
    })
}

fn answer(operation_id: &str) -> Option<Value> {
    let time = "2026-07-25T08:15:00.000+08:00";
    Some(match operation_id {
        "get_clock" => json!({ "scene": time, "real": time, "speed": 1.0 }),
        "get_session" | "log_in" => session(),
        "list_townships" => page(json!({
            "code": "330225101",
            "name": { "zh": "石浦镇", "en": "Shipu" },
            "seat": [121.9274, 29.2065],
            "coastal": true,
            "villages": 57,
        })),
        "list_things" => page(thing()),
        "get_thing" | "create_thing" | "put_thing" => thing(),
        "import_things" => json!({
            "created": 1, "updated": 0, "unchanged": 0, "failed": 1,
            "rows": [
                { "row": 2, "id": "sh-012", "status": 201, "detail": null },
                { "row": 3, "id": null, "status": 422, "detail": "kind: unknown kind `shlter`" },
            ],
        }),
        "get_credential" => json!({
            "thing": "gw-3", "things": ["rain-017"], "prefixes": ["rain-"], "created": time,
        }),
        "issue_credential" => json!({
            "thing": "gw-3", "secret": "(shown once)", "things": ["rain-017"],
            "prefixes": ["rain-"], "created": time,
        }),
        "issue_credentials" => json!({
            "items": [{ "thing": "rain-017", "secret": "(shown once)" }],
        }),
        "list_properties" => page(json!({
            "id": "wind_speed",
            "name": { "zh": "风速", "en": "Wind speed" },
            "unit": "m/s",
            "kinds": ["hydromet_station"],
            "period_s": 600.0,
            "limits": null,
            "computed": false,
        })),
        "list_datastreams" => page(json!({
            "id": "hm-001/wind_speed", "thing": "hm-001", "property": "wind_speed",
            "channel": null, "unit": "m/s", "name": { "zh": "风速", "en": "Wind speed" },
            "levels": null, "datum": null, "period_s": 600.0,
        })),
        "list_latest" => json!({
            "commit": 88_231, "as_of": time, "datastream": ["hm-001/wind_speed"],
            "time": [time], "value": [21.4], "quality": [1], "received": [time],
            "unchanged_since": [time],
        }),
        "list_observations" => json!({
            "datastream": "hm-001/wind_speed", "unit": "m/s",
            "items": [{
                "time": time, "value": 21.4, "quality": 3, "quality_tests": ["rate_of_change"],
                "received": time, "commit": 88_231,
            }],
            "next_cursor": null,
        }),
        "list_columns" => json!({
            "every": "1h", "tz": "Asia/Shanghai", "aggregate": "mean", "time": [time],
            "columns": { "hm-001/wind_speed": [21.4], "hm-002/wind_speed": [null] },
            "units": { "hm-001/wind_speed": "m/s", "hm-002/wind_speed": "m/s" },
            "next_cursor": null,
        }),
        "list_exports" => page(json!({
            "id": 17, "what": "observations", "format": "parquet", "begun": time,
            "start": time, "stop": time, "reached": time, "rows": 120_000, "share": 0.34,
        })),
        "send_observations" | "redrive_quarantine" => receipt(),
        "get_ledger" => {
            let counts = json!({
                "received": 12, "stored": 10, "duplicate": 1, "quarantined": 1, "refused": 0,
                "replaced": 0, "lost_acknowledged": 0,
            });
            let with = |name: &str, value: Value| {
                let mut object = counts.clone();
                object[name] = value;
                object
            };
            let mut item = with("source", json!("embedded"));
            item["hour"] = json!("2026-07-25T08:00:00.000+08:00");
            json!({
                "items": [item],
                "total": with("visible", json!(10)),
                "balanced": true,
                "rejected_connections": [],
                "upstream_gaps": [{ "thing": "rain-017", "missing": 2 }],
            })
        }
        "list_quarantine" => page(quarantine_entry()),
        "get_quarantine" => {
            let mut entry = quarantine_entry();
            entry["payload_text"] = json!("{\"values\":{\"rainfal_depth\":0.4}}");
            entry["payload_hex"] = json!("7b2276616c756573223a7b7d7d");
            entry
        }
        "list_webhooks" => page(json!({
            "name": "wecom-duty", "host": "relay.example", "state": "working",
            "min_level": "yellow", "classes": ["life", "hazard"], "exercise": false,
            "waiting": 0, "undelivered": 0, "failures": 0, "last_error": null,
            "last_error_at": null, "last_success": time,
        })),
        "test_webhook" => json!({
            "receiver": "wecom-duty", "delivered": true, "status": 200, "error": null,
            "took_ms": 84,
        }),
        "list_users" => page(json!({
            "name": "wang", "role": "engineer", "created": time, "disabled": false,
            "has_password": true,
        })),
        "create_user" => json!({
            "name": "wang", "role": "engineer", "password": "(shown once)",
        }),
        "set_password" => json!({ "name": "wang" }),
        other => return live_examples::answer(other),
    })
}

fn body(operation_id: &str) -> Option<Value> {
    Some(match operation_id {
        "log_in" => json!({ "name": "wang", "password": "(ten characters or more)" }),
        "create_thing" | "put_thing" => thing(),
        "issue_credential" => json!({ "things": ["rain-017"], "prefixes": ["rain-"] }),
        "issue_credentials" => json!({ "things": ["rain-017", "rain-018"] }),
        "send_observations" => json!({
            "time": "2026-07-25T08:15:30.123+08:00",
            "seq": 4711,
            "values": { "rainfall_depth": 0.4, "battery_voltage": 3.71 },
        }),
        "create_user" => json!({ "name": "wang", "role": "engineer" }),
        "set_password" => json!({}),
        other => return live_examples::body(other),
    })
}

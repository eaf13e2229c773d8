//! Examples of scores, documents and alerts.

use serde_json::{Value, json};

use super::examples::page;

const TIME: &str = "2026-07-25T08:15:00.000+08:00";
const LATER: &str = "2026-07-26T20:00:00.000+08:00";
const HASH: &str = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

fn with(mut document: Value, extra: &Value) -> Value {
    if let (Some(object), Some(extra)) = (document.as_object_mut(), extra.as_object()) {
        object.extend(extra.clone());
    }
    document
}

/// A stored version of what a client sent.
fn stored(document: Value) -> Value {
    let stored = json!({ "commit": 88_231, "at": TIME, "by": "wang" });
    with(document, &json!({ "revision": 1, "stored": stored }))
}

fn score() -> Value {
    json!({
        "index": "flood-typhoon", "township": "330225101", "time": TIME,
        "score": 62.4, "level": "yellow", "grey": false, "provisional": false,
        "hazard_level": "yellow", "sensed_level": "blue", "official_level": "yellow",
        "response_level": "none", "displayed_level": "yellow", "displayed_by": "assessed",
        "unverified": null, "attention": 1, "n_unmoved": 120.0, "n_life_alarms": 0,
        "oldest_report": TIME, "confidence": 0.61, "coverage": 0.92,
        "model": "flood-typhoon@3", "model_hash": HASH, "revised": false, "origin": "real",
        "missing": ["landslide"], "caps": [], "drivers": "大风、人员未转移、风暴潮",
    })
}

fn tree() -> Value {
    json!({
        "id": "flood-typhoon", "kind": "index", "aggregation": "geometric", "score": 62.4,
        "weight": null, "contribution": null, "state": "known", "raw": null, "reasons": [],
        "parts": [],
    })
}

fn signal() -> Value {
    json!({
        "id": "sg-2026-0725-1", "kind": "typhoon", "level": "yellow", "area": "county",
        "issuer": "象山县气象台", "issued": TIME, "valid_from": TIME, "valid_until": LATER,
        "cancelled": null, "note": null,
    })
}

fn response() -> Value {
    json!({
        "id": "rs-2026-0725-1", "level": "orange", "area": { "townships": ["330225101"] },
        "issuer": "象山县防汛防台指挥部", "issued": TIME, "valid_from": TIME,
        "valid_until": null, "cancelled": null, "note": null,
    })
}

fn recall_order() -> Value {
    json!({
        "id": "ro-2026-0725-1", "issuer": "象山县农业农村局", "issued": TIME,
        "valid_from": TIME, "valid_until": null, "cancelled": null,
        "bands": [
            { "lat_min": 20.0, "lat_max": 29.0, "deadline": TIME },
            { "lat_min": 29.0, "lat_max": 35.0, "deadline": LATER },
        ],
        "note": null,
    })
}

fn storm() -> Value {
    json!({
        "id": "haikui-2012", "name": { "zh": "海葵", "en": "Haikui" }, "number": "1211",
        "intensity_factor": 1.0, "ended": null,
    })
}

fn bulletin() -> Value {
    let fix = |time: &str, position: [f64; 2]| {
        json!({
            "time": time, "position": position, "pressure_hpa": 965.0, "wind_mps": 35.0,
            "force7_km": 300.0, "force10_km": null, "force12_km": null,
        })
    };
    json!({
        "id": "bu-jma-2026-0725-00", "storm": "haikui-2012", "agency": "JMA", "issued": TIME,
        "averaging_min": 10, "is_final": false,
        "observed": [fix(TIME, [123.4, 28.9])], "forecast": [fix(LATER, [121.7, 29.3])],
    })
}

fn alert() -> Value {
    json!({
        "id": "a-5512", "sequence": 2, "datastream": "hm-001/tide_level", "thing": "hm-001",
        "property": "tide_level", "township": "330225101", "class": "hazard",
        "phase": "firing", "level": "orange", "level_highest": "orange",
        "confirmed_level": "orange", "value": 3.42, "limit": 3.2, "unit": "m",
        "phenomenon_time": TIME, "received": TIME, "opened": TIME, "closed": null,
        "updated": TIME, "is_late": false, "needs_person": false, "data_missing": false,
        "escalated": false, "in_maintenance": false, "is_false": false, "silenced": false,
        "acknowledged_by": null, "acknowledged_at": null, "acknowledged_by_unit": null,
        "opened_in_storm": true, "transition": "worsened", "origin": "real",
    })
}

fn silence() -> Value {
    json!({
        "thing": "hm-001", "township": null, "property": "tide_level",
        "reason": "检修,已与值班员确认", "until": LATER,
    })
}

fn override_() -> Value {
    json!({ "kind": "fault", "reason": "浮子卡住,已派人", "until": LATER, "second": "li" })
}

pub(super) fn answer(operation_id: &str) -> Option<Value> {
    let acted = |id: &str| json!({ "id": id, "by": "wang", "from": TIME, "ended": null });
    Some(match operation_id {
        "list_indices" => page(json!({
            "id": "flood-typhoon",
            "name": { "zh": "基层防汛防台综合指数", "en": "Flood and typhoon index" },
            "direction": "high_is_dangerous",
            "model": "flood-typhoon@3",
            "model_hash": HASH,
            "levels": [{ "level": "blue", "from": 40.0 }, { "level": "red", "from": 90.0 }],
            "note": { "zh": "系统研判,不是预警。", "en": "An assessment, not a warning." },
        })),
        "list_scores" => json!({
            "index": "flood-typhoon", "time": TIME, "commit": 88_231, "origin": "real",
            "items": [score()], "county": with(score(), &json!({ "township": "330225" })),
        }),
        "list_township_scores" => json!({
            "index": "flood-typhoon", "township": "330225101", "origin": "real",
            "items": [{
                "time": TIME, "score": 62.4, "level": "yellow", "grey": false,
                "provisional": false, "coverage": 0.92, "confidence": 0.61,
            }],
            "next_cursor": null,
        }),
        "get_explanation" => json!({
            "index": "flood-typhoon", "township": "330225101", "time": TIME,
            "score": score(), "tree": tree(),
        }),
        "list_signals" => page(stored(signal())),
        "get_signal" | "create_signal" | "put_signal" => stored(signal()),
        "list_responses" => page(stored(response())),
        "get_response" | "create_response" | "put_response" => stored(response()),
        "list_recall_orders" => page(stored(recall_order())),
        "get_recall_order" | "create_recall_order" | "put_recall_order" => stored(recall_order()),
        "list_storms" => page(stored(storm())),
        "get_storm" | "create_storm" | "put_storm" => stored(storm()),
        "list_bulletins" => page(stored(bulletin())),
        "get_bulletin" | "create_bulletin" | "put_bulletin" => stored(bulletin()),
        "import_storms" => json!({
            "created": 1, "updated": 0, "unchanged": 0, "failed": 1,
            "rows": [
                { "row": 2, "id": "haikui-2012", "status": 201, "detail": null },
                { "row": 3, "id": "lekima-2019", "status": 422,
                  "detail": "pres_hpa: 0 is not within 850 and 1050" },
            ],
        }),
        "list_alerts" => page(alert()),
        "get_alert" => with(alert(), &json!({ "history": [alert()] })),
        "acknowledge_alert" | "close_alert" => alert(),
        "list_silences" => page(stored(with(silence(), &acted("si-1")))),
        "create_silence" => stored(with(silence(), &acted("si-1"))),
        "list_overrides" | "create_override" => {
            let datastream = json!({ "datastream": "hm-001/tide_level" });
            let found = stored(with(with(override_(), &acted("ov-1")), &datastream));
            if operation_id == "create_override" { found } else { page(found) }
        }
        other => return super::situation_examples::answer(other),
    })
}

pub(super) fn body(operation_id: &str) -> Option<Value> {
    Some(match operation_id {
        "create_signal" | "put_signal" => signal(),
        "create_response" | "put_response" => response(),
        "create_recall_order" | "put_recall_order" => recall_order(),
        "create_storm" | "put_storm" => storm(),
        "create_bulletin" | "put_bulletin" => bulletin(),
        "acknowledge_alert" | "close_alert" => {
            json!({ "acting_as": "desk", "note": "已电话通知值班员" })
        }
        "create_silence" => silence(),
        "create_override" => override_(),
        _ => return None,
    })
}

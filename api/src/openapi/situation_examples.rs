//! Examples of the situation, holds, readiness, models and the system.

use serde_json::{Value, json};

const TIME: &str = "2026-07-25T08:15:00.000+08:00";
const HASH: &str = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
const BEFORE: &str = "2026-07-25T07:20:00.000+08:00";

fn shipu() -> Value {
    json!({ "zh": "石浦镇", "en": "Shipu" })
}

fn row() -> Value {
    json!({
        "code": "330225101", "name": shipu(), "displayed_level": "orange", "level": "yellow",
        "attention_rank": 1,
        "people": {
            "to_move": 1_800.0, "moved": 1_680.0, "left": 120.0, "share_left": 0.0667,
            "categories": [{
                "channel": "crew", "in_demand": true, "to_move": 1_800.0, "moved": 1_680.0,
                "left": 120.0,
            }],
            "reported": BEFORE,
        },
        "vessels": {
            "total": 420, "in_haven": 409, "at_sea": 11, "at_sea_force7": 2, "silent": 1,
            "overdue": 2,
            "named_overdue": [{ "thing": "fv-0412", "name": { "zh": "浙象渔0412", "en": "0412" } }],
        },
        "shelters": {
            "total": 4, "usable": 3, "places": 900.0, "people": 310.0, "share_used": 0.344,
            "reported": BEFORE,
        },
        "sites": { "total": 6, "stopped": 5, "not_stopped": 1, "share_not_stopped": 0.167 },
        "power": {
            "things": 5, "mains_lost": 1, "backup_under_2h": 0, "silent": 0, "dark": 0,
        },
        "reports": { "last": TIME, "late_offices": ["to-102"] },
        "unknown": ["landslide"],
        "change_1h": {
            "people_left": -260.0, "vessels_at_sea": -14, "shelter_people": 120.0,
            "sites_not_stopped": 0, "mains_lost": 1,
        },
    })
}

fn readiness() -> Value {
    json!({
        "code": "330225101", "name": shipu(),
        "indices": [{
            "index": "flood-typhoon", "coverage": 0.75,
            "items": [{
                "dimension": "exposure", "id": "people_unmoved", "state": "unknown",
                "registered": 0, "sensed": 0, "reported": 0, "configured": false,
                "coverage_cost": 0.25,
            }],
        }],
    })
}

pub(super) fn answer(operation_id: &str) -> Option<Value> {
    Some(match operation_id {
        "get_situation" => json!({
            "time": TIME, "origin": "real", "county": row(), "townships": [row()],
        }),
        "get_readiness" => json!({
            "time": TIME, "origin": "real", "county": readiness(), "townships": [readiness()],
        }),
        "list_holds" => json!({
            "index": "flood-typhoon", "township": "330225101", "time": TIME, "level": "red",
            "displayed_level": "red",
            "held": [{
                "quantity": "tide_level", "group": "tide", "datastream": "hm-014/tide_level",
                "thing": "hm-014", "value": 3.9, "unit": "m", "score": 93.1, "since": BEFORE,
                "last_time": BEFORE, "state": "held", "reason": "silent",
            }],
            "falls": { "to": "orange", "at": TIME }, "run_since": BEFORE,
        }),
        "list_models" => super::examples::page(json!({
            "id": "flood-typhoon", "version": 1, "hash": HASH, "valid_from": BEFORE,
            "author": "象山县应急管理局", "note": "initial", "running": true,
        })),
        "get_system" => json!({
            "version": "0.1.0", "origin": "real", "time": TIME, "uptime_s": 86_400.0,
            "ledger_today": {
                "received": 4_320, "stored": 4_318, "duplicate": 1, "quarantined": 1,
                "refused": 0, "replaced": 0, "lost_acknowledged": 0, "balanced": true,
            },
            "pipeline": {
                "n_waiting": 0, "bytes_in_flight": 0, "stalled": false, "disk_full": false,
            },
            "evaluation": {
                "last_commit": 88_231, "lag_commits": 0, "last_tick": TIME,
                "last_tick_age_s": 4.2, "last_error": null,
            },
            "disk_free_bytes": 52_428_800_000_u64,
            "sources": [{ "name": "mqtt:county-broker", "ok": true, "detail": null }],
            "webhooks": [{
                "receiver": "wecom-duty", "waiting": 0, "delivered": 12, "undelivered": 0,
            }],
        }),
        _ => return None,
    })
}

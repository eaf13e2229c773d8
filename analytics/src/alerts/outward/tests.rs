//! Who outside is told of which alerts, and in which words.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{
    Catalogue, LocalizedName, ObservedProperty, Position, PropertyId, Thing, ThingId, Township,
};
use serde_json::{Value, json};

use super::*;
use crate::record::AlertPhase;
use crate::world::{Documents, Facts, Memory, MustMonitor, TownshipFacts};

fn name(zh: &str, en: &str) -> LocalizedName {
    LocalizedName { zh: zh.to_owned(), en: en.to_owned() }
}

fn time(text: &str) -> Time {
    Time::parse(&format!("2026-07-25T{text}+08:00")).unwrap()
}

fn property(id: &'static str, spec: &Value) -> ObservedProperty {
    let spec = serde_json::from_value(spec.clone()).unwrap();
    ObservedProperty { id: PropertyId::from_static(id), spec }
}

fn world() -> World {
    let kinds = json!(["hydromet_station"]);
    let high = json!({ "orange": 3.2 });
    let properties = vec![
        property(
            "tide_level",
            &json!({ "name": { "zh": "潮位", "en": "Tide level" }, "unit": "m", "kinds": kinds,
                "limits": { "high": high }, "persistence": "P1", "mark": "S" }),
        ),
        property(
            "battery_voltage",
            &json!({ "name": { "zh": "电池电压", "en": "Battery voltage" }, "unit": "V",
                "kinds": kinds, "limits": { "low": { "yellow": 3.4 } }, "persistence": "P1",
                "mark": "S" }),
        ),
        property(
            "oxygen_concentration",
            &json!({ "name": { "zh": "氧气浓度", "en": "Oxygen" }, "unit": "%", "kinds": kinds,
                "limits": { "high": { "red": 25 }, "low": { "red": 18 } }, "persistence": "P0",
                "mark": "S" }),
        ),
    ];
    let code = TownshipCode::parse("330225101").unwrap();
    let township = Township {
        code,
        name: name("石浦镇", "Shipu"),
        seat: Position::new(121.92, 29.2).unwrap(),
        coastal: true,
        villages: None,
    };
    let thing = Thing {
        id: ThingId::parse("hm-001").unwrap(),
        kind: model::ThingKind::HydrometStation,
        name: name("石浦水文站", "Shipu station"),
        township: Some(code),
        position: None,
        state: model::ThingState::InService,
        serves: Vec::new(),
        raw_property: None,
        datastreams: Vec::new(),
    };
    let facts =
        TownshipFacts { township, population: None, groups: Vec::new(), reporting_from: None };
    World {
        facts: Arc::new(Facts {
            townships: vec![facts],
            havens: Vec::new(),
            must_monitor: MustMonitor::default(),
        }),
        catalogue: Arc::new(Catalogue::new(properties).unwrap()),
        things: BTreeMap::from([(thing.id.clone(), Arc::new(thing))]),
        streams: Default::default(),
        documents: Documents::default(),
        alerts: BTreeMap::new(),
        memory: Memory::default(),
    }
}

fn alert(id: &str, transition: &str) -> AlertRecord {
    let closed = matches!(transition, "resolved" | "closed_by_operator");
    AlertRecord {
        id: id.to_owned(),
        sequence: 3,
        datastream: "hm-001/tide_level".to_owned(),
        thing: ThingId::parse("hm-001").unwrap(),
        property: "tide_level".to_owned(),
        township: Some(TownshipCode::parse("330225101").unwrap()),
        class: Class::Hazard,
        phase: if closed { AlertPhase::Resolved } else { AlertPhase::Firing },
        level: if closed { Level::None } else { Level::Orange },
        level_highest: Level::Orange,
        confirmed_level: if closed { Level::None } else { Level::Orange },
        value: Some(3.420_000_000_1),
        limit: Some(3.2),
        unit: "m".to_owned(),
        phenomenon_time: Some(time("08:15:00")),
        received: Some(time("08:15:01")),
        opened: time("08:16:00"),
        closed: closed.then(|| time("09:00:00")),
        updated: time("08:16:00"),
        is_late: false,
        needs_person: false,
        data_missing: false,
        escalated: false,
        in_maintenance: false,
        is_false: false,
        silenced: false,
        acknowledged_by: None,
        acknowledged_at: None,
        acknowledged_by_unit: None,
        opened_in_storm: false,
        transition: transition.to_owned(),
    }
}

fn rule() -> WebhookRule {
    WebhookRule {
        name: "wecom-duty".to_owned(),
        level_min: Level::Yellow,
        classes: Vec::new(),
        exercise: false,
    }
}

fn rows(rule: WebhookRule, origin: Origin, changed: &[AlertRecord]) -> Vec<OutboxNew> {
    let external_url = "http://tidewatch.local:8080".to_owned();
    let outward = Outward { rules: vec![rule], origin, external_url };
    outbox_rows(changed, &world(), &outward, time("08:16:02"))
}

fn body(changed: &[AlertRecord]) -> Value {
    let rows = rows(rule(), Origin::Real, changed);
    assert_eq!(rows.len(), 1);
    serde_json::from_str(&rows[0].body).unwrap()
}

#[test]
fn a_body_has_alertmanagers_shape() {
    let rows = rows(rule(), Origin::Real, &[alert("hm-001/tide_level@1", "raised")]);
    assert_eq!(rows[0].key, "wecom-duty:hm-001/tide_level@1-3");
    assert_eq!((rows[0].receiver.as_str(), rows[0].created), ("wecom-duty", time("08:16:02")));
    let body: Value = serde_json::from_str(&rows[0].body).unwrap();
    let fingerprint = body["alerts"][0]["fingerprint"].as_str().unwrap();
    assert!(fingerprint.len() == 16 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit()));
    let labels = json!({
        "alertname": "tide_level_high", "thing": "hm-001", "datastream": "hm-001/tide_level",
        "property": "tide_level", "township": "330225101", "origin": "real",
        "class": "hazard", "severity": "orange",
    });
    let annotations = json!({
        "summary": "【橙色】石浦镇 石浦水文站 潮位 3.42 m(限值 3.2 m):报警",
        "summary_en": "[orange] Shipu Shipu station Tide level 3.42 m (limit 3.2 m): alarm",
        "transition": "raised", "level": "orange", "level_highest": "orange",
        "value": "3.42 m", "limit": "3.2 m",
        "phenomenon_time": "2026-07-25T08:15:00.000+08:00",
        "received": "2026-07-25T08:15:01.000+08:00",
        "updated": "2026-07-25T08:16:00.000+08:00",
    });
    let expected = json!({
        "version": "4",
        "groupKey": "{}:{township=\"330225101\"}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "wecom-duty",
        "groupLabels": { "township": "330225101" },
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://tidewatch.local:8080",
        "alerts": [{
            "status": "firing",
            "labels": labels,
            "annotations": annotations,
            "startsAt": "2026-07-25T08:16:00.000+08:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://tidewatch.local:8080/#/t/330225101",
            "fingerprint": fingerprint,
        }],
    });
    assert_eq!(body, expected);
}

#[test]
fn what_identifies_an_alert_never_changes() {
    let worse = AlertRecord {
        level: Level::Red,
        level_highest: Level::Red,
        confirmed_level: Level::Red,
        escalated: true,
        sequence: 9,
        ..alert("a-1", "escalated")
    };
    let end =
        AlertRecord { level_highest: Level::Red, value: Some(2.0), ..alert("a-1", "resolved") };
    let bodies = [alert("a-1", "raised"), worse, end].map(|alert| body(&[alert]));
    for body in &bodies {
        assert_eq!(body["alerts"][0]["fingerprint"], bodies[0]["alerts"][0]["fingerprint"]);
        for label in ["alertname", "thing", "datastream", "property", "township", "origin"] {
            let of = |body: &Value| body["alerts"][0]["labels"][label].clone();
            assert_eq!(of(body), of(&bodies[0]), "{label}");
        }
    }
    let label = |label: &str| bodies.each_ref().map(|body| body["commonLabels"][label].clone());
    assert_eq!(label("severity"), ["orange", "red", "red"]);
    assert_eq!(label("escalated"), [Value::Null, json!("true"), Value::Null]);
    assert_eq!(bodies[2]["status"], "resolved");
    assert_eq!(bodies[2]["alerts"][0]["endsAt"], "2026-07-25T09:00:00.000+08:00");
}

#[test]
fn the_side_that_is_watched_is_in_the_name() {
    for (property, expected) in [
        ("tide_level", "tide_level_high"),
        ("battery_voltage", "battery_voltage_low"),
        ("oxygen_concentration", "oxygen_concentration_out_of_range"),
        ("not_in_the_catalogue", "not_in_the_catalogue_high"),
    ] {
        let alert = AlertRecord { property: property.to_owned(), ..alert("a-1", "raised") };
        assert_eq!(body(&[alert])["commonLabels"]["alertname"], expected);
    }
}

#[track_caller]
fn check_sent(changed: AlertRecord, expected: bool) {
    let shown = format!("{changed:?}");
    assert_eq!(rows(rule(), Origin::Real, &[changed]).len() == 1, expected, "{shown}");
}

#[test]
fn some_transitions_are_sent_and_some_are_not() {
    for transition in [
        "raised",
        "raised_past",
        "confirmed",
        "worsened",
        "improved",
        "escalated",
        "notified_again",
        "data_missing",
        "resolved",
        "closed_by_operator",
    ] {
        check_sent(alert("a-1", transition), true);
    }
    for transition in
        ["pending", "forgotten", "acknowledged", "resolving", "returned", "data_back", ""]
    {
        check_sent(alert("a-1", transition), false);
    }
}

#[test]
fn what_nobody_asked_for_is_not_sent_but_its_end_is() {
    let silenced = |transition| AlertRecord { silenced: true, ..alert("a-1", transition) };
    let is_false = |transition| AlertRecord { is_false: true, ..alert("a-1", transition) };
    let maintained = |transition| AlertRecord { in_maintenance: true, ..alert("a-1", transition) };
    for withheld in [silenced, is_false, maintained] {
        check_sent(withheld("raised"), false);
        check_sent(withheld("notified_again"), false);
        check_sent(withheld("resolved"), true);
    }
    check_sent(AlertRecord { class: Class::Life, ..maintained("raised") }, true);
    check_sent(AlertRecord { class: Class::Life, ..is_false("raised") }, false);

    let blue = |transition| AlertRecord { level: Level::Blue, ..alert("a-1", transition) };
    check_sent(blue("notified_again"), false);
    check_sent(blue("improved"), true);
    let always_blue = |transition| AlertRecord { level_highest: Level::Blue, ..blue(transition) };
    check_sent(always_blue("improved"), false);
    check_sent(AlertRecord { level: Level::None, ..always_blue("resolved") }, false);
}

#[test]
fn receivers_get_their_classes_and_their_kind_of_data() {
    let life = AlertRecord { class: Class::Life, ..alert("a-1", "raised") };
    let changed = [life, alert("b-1", "raised")];
    let only = |classes: Vec<Class>| WebhookRule { classes, ..rule() };
    let n = |rule, origin| rows(rule, origin, &changed).len();
    assert_eq!(n(only(vec![Class::Life]), Origin::Real), 1);
    assert_eq!(n(only(vec![Class::Life, Class::Hazard]), Origin::Real), 2);
    assert_eq!(n(only(vec![Class::Equipment]), Origin::Real), 0);
    let exercise = WebhookRule { exercise: true, ..rule() };
    assert_eq!(n(exercise.clone(), Origin::Real), 0);
    for origin in [Origin::Replay, Origin::Simulated] {
        assert_eq!(n(rule(), origin), 0);
        let rows = rows(exercise.clone(), origin, &changed);
        let body: Value = serde_json::from_str(&rows[0].body).unwrap();
        assert_eq!(body["commonLabels"]["exercise"], "true");
        assert!(body["alerts"][0]["annotations"]["summary"].as_str().unwrap().contains("演练"));
    }
}

#[test]
fn marks_are_said_in_words() {
    let late = AlertRecord {
        is_late: true,
        needs_person: true,
        confirmed_level: Level::None,
        ..alert("a-1", "raised_past")
    };
    let body = body(&[late]);
    let annotations = &body["commonAnnotations"];
    assert_eq!(
        [&annotations["late"], &annotations["needs_person"], &annotations["unverified"]],
        ["迟到", "已过待核", "未证实"]
    );
    assert!(annotations["summary"].as_str().unwrap().ends_with("报警【迟到、已过待核、未证实】"));
}

#[test]
fn what_has_no_unit_is_said_without_one() {
    let states = AlertRecord {
        value: Some(1.0),
        limit: Some(1.0),
        unit: "1".to_owned(),
        ..alert("a-1", "raised")
    };
    let summary = body(&[states])["commonAnnotations"]["summary"].as_str().unwrap().to_owned();
    assert!(summary.ends_with("潮位 1(限值 1):报警"), "{summary}");
}

#[test]
fn a_flood_is_told_by_township_and_lives_one_by_one() {
    let mut changed: Vec<AlertRecord> = (0..300)
        .map(|n| AlertRecord { level_highest: Level::Yellow, ..alert(&format!("a-{n}"), "raised") })
        .collect();
    changed[200].level_highest = Level::Red;
    changed.push(AlertRecord { class: Class::Life, ..alert("life", "raised") });
    let rows = rows(rule(), Origin::Real, &changed);
    let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["wecom-duty:life-3", "wecom-duty:a-200-3+299"]);
    let body: Value = serde_json::from_str(&rows[1].body).unwrap();
    assert_eq!(body["truncatedAlerts"], 300 - ALERTS_MAX);
    assert_eq!(body["alerts"].as_array().unwrap().len(), ALERTS_MAX);
    assert!(rows[1].body.len() < 256 << 10, "{} bytes", rows[1].body.len());
}

#[test]
fn a_test_message_has_the_same_shape() {
    let body = test_body("wecom-duty", Origin::Real, "http://t", time("08:00:00"));
    let body = serde_json::to_value(&body).unwrap();
    assert_eq!(body["version"], "4");
    assert_eq!(body["groupKey"], "{}:{}");
    assert_eq!(body["alerts"][0]["labels"]["test"], "true");
}

//! From a delivery to what is stored, quarantined, refused and acknowledged.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use codec::Codec;
use ingest::{Ack, Delivery, PipelineOptions, RedriveError, Route, RouteError};
use model::{Flag, QualityTest, ThingId};
use store::{Expected, PutOutcome, RefusalRow};
use tokio::sync::oneshot;

use crate::door::{ALL_TIME, System};
use crate::testing::{FlakyJournal, scene};

const GAUGE: &str = "tidewatch/v1/gauge-1/json";

/// One payload of `gauge-1` (or of the topic given), and what it is refused
/// with; `None` when it is stored.
async fn check(topic: &str, payload: &str, reason: Option<&str>, n_readings: u64) {
    let system = System::start().await;
    let receipt = system.deliver(topic, payload).await;
    let reasons: Vec<&str> = receipt.problems.iter().map(|problem| problem.code).collect();
    let ledger = system.ledger().await["http"];
    match reason {
        None => {
            assert_eq!(reasons, [""; 0], "{payload}");
            assert_eq!(receipt.n_accepted, n_readings, "{payload}");
            assert_eq!(ledger, [n_readings, n_readings, 0, 0, 0], "{payload}");
        }
        Some(reason) => {
            assert_eq!(reasons, [reason], "{payload}");
            assert_eq!(receipt.n_accepted, 0, "{payload}");
            assert_eq!(system.quarantine_reasons().await, [reason], "{payload}");
            assert_eq!(ledger, [n_readings, 0, 0, n_readings, 0], "{payload}");
        }
    }
    assert!(0 < receipt.commit);
}

#[tokio::test]
async fn good_payloads_are_stored_in_the_propertys_unit() {
    let one = r#"{"time":"2026-07-25T07:59:00+08:00","values":{"water_level":1.5}}"#;
    check(GAUGE, one, None, 1).await;
    let two = r#"[{"time":"2026-07-25T07:59:00+08:00","values":{"water_level":1.5}},
                  {"time":"2026-07-25T07:58:00+08:00","values":{"water_level":1.4}}]"#;
    check(GAUGE, two, None, 2).await;
    check("tidewatch/v1/gauge-1/raw", "1.25", None, 1).await;

    let system = System::start().await;
    let senml = r#"[{"bn":"gauge-1/","bt":1784937540,"n":"rainfall_depth","u":"m","v":0.002}]"#;
    let receipt = system.deliver("tidewatch/v1/gauge-1/senml", senml).await;
    assert_eq!((receipt.n_accepted, receipt.problems), (1, Vec::new()));
    assert_eq!(system.observations("gauge-1/rainfall_depth").await[0].value, 2.0);
}

#[tokio::test]
async fn each_bad_payload_is_quarantined_with_its_reason() {
    let at = r#""time":"2026-07-25T07:59:00+08:00""#;
    let level = r#""values":{"water_level":1.5}"#;
    let cases = [
        ("not json", "syntax"),
        (r#"{"values":{"water_level":1,"water_level":2}}"#, "duplicate_key"),
        (r#"{"time":"2026-07-25T07:59:00","values":{"water_level":1.5}}"#, "naive_time"),
        (&format!(r#"{{{at},"values":{{"water_level":1e400}}}}"#), "not_finite"),
        (&format!(r#"{{{at},"values":{{"nonsense":1}}}}"#), "unknown_property"),
        (&format!(r#"{{{at},"values":{{"rainfall_1h":1}}}}"#), "computed_property"),
        (&format!(r#"{{{at},"values":{{"crane_tilt":1}}}}"#), "property_not_of_kind"),
        (&format!(r#"{{{at},"values":{{"power_state:wind":1}}}}"#), "bad_channel"),
        (&format!(r#"{{"time":"2026-07-25T08:05:01+08:00",{level}}}"#), "future_time"),
        (&format!(r#"{{"time":"2025-06-19T08:00:00+08:00",{level}}}"#), "too_old"),
    ];
    for (payload, reason) in cases {
        check(GAUGE, payload, Some(reason), 1).await;
    }
    let ok = format!("{{{at},{level}}}");
    check("tidewatch/v1/nobody/json", &ok, Some("unknown_thing"), 1).await;
    check("tidewatch/v1/old-1/json", &ok, Some("retired_thing"), 1).await;
    check(
        "tidewatch/v1/gauge-1/json",
        &format!(r#"{{"time":"2026-07-25T08:04:59+08:00",{level}}}"#),
        None,
        1,
    )
    .await;

    let unit = r#"[{"bn":"gauge-1/","bt":1784937540,"n":"water_level","u":"Cel","v":1}]"#;
    check("tidewatch/v1/gauge-1/senml", unit, Some("unit_mismatch"), 1).await;
    let three = r#"{"values":{"water_level":1,"battery_voltage":2,"rainfall_depth":3}}"#;
    check("tidewatch/v1/nobody/json", three, Some("unknown_thing"), 3).await;
}

#[tokio::test]
async fn a_bad_reading_costs_only_itself() {
    let system = System::start().await;
    let payload = r#"{"time":"2026-07-25T07:59:00+08:00",
        "values":{"water_level":1.5,"nonsense":1,"crane_tilt":2,"battery_voltage":3.6}}"#;
    let receipt = system.deliver(GAUGE, payload).await;
    assert_eq!(receipt.n_accepted, 2);
    let found: Vec<(&str, &str)> =
        receipt.problems.iter().map(|p| (p.pointer.as_str(), p.code)).collect();
    assert_eq!(
        found,
        [
            ("#/values/nonsense", "unknown_property"),
            ("#/values/crane_tilt", "property_not_of_kind")
        ]
    );
    assert_eq!(system.ledger().await["http"], [4, 2, 0, 2, 0]);

    let rows = system.store.quarantine(Default::default(), None, 10).await.unwrap();
    assert_eq!(rows.len(), 1, "one row for each delivery that lost readings");
    assert_eq!((rows[0].reason.as_str(), rows[0].n_readings), ("unknown_property", 2));
    assert!(rows[0].detail.contains("crane_tilt"), "{}", rows[0].detail);
    assert_eq!(rows[0].payload, payload.as_bytes());
}

#[tokio::test]
async fn a_repeated_reading_is_a_duplicate() {
    let system = System::start().await;
    let payload = r#"{"time":"2026-07-25T07:59:00+08:00","values":{"water_level":1.5}}"#;
    for _ in 0..3 {
        assert_eq!(system.deliver(GAUGE, payload).await.n_accepted, 1);
    }
    assert_eq!(system.observations("gauge-1/water_level").await.len(), 1);
    assert_eq!(system.ledger().await["http"], [3, 1, 2, 0, 0]);
}

#[tokio::test]
async fn marks_say_that_a_time_is_by_arrival_and_a_thing_not_in_service() {
    let system = System::start().await;
    system.deliver("tidewatch/v1/gauge-1/raw", "1.5").await;
    let observation = system.observations("gauge-1/water_level").await[0];
    assert_eq!(observation.time, scene());
    assert!(observation.quality.has(QualityTest::ArrivalTime));
    assert!(observation.quality.is_usable());

    let timed = r#"{"time":"2026-07-25T07:59:00+08:00","values":{"water_level":1.5}}"#;
    system.deliver("tidewatch/v1/new-1/json", timed).await;
    let observation = system.observations("new-1/water_level").await[0];
    assert!(observation.quality.has(QualityTest::NotInService));
    assert!(!observation.quality.is_usable());
    assert_eq!(observation.quality.flag(), Flag::Pass);
}

#[tokio::test]
async fn quality_flags_do_not_depend_on_batches_and_survive_a_start() {
    let system = System::start().await;
    let reading = |minute: u32, value: f64| {
        format!(
            r#"{{"time":"2026-07-25T07:{minute:02}:00+08:00","values":{{"water_level":{value}}}}}"#
        )
    };
    let array = format!("[{},{}]", reading(0, 1.0), reading(10, 2.5));
    system.deliver(GAUGE, &array).await;
    system.deliver("tidewatch/v1/gauge-2/json", &reading(0, 1.0)).await;
    system.deliver("tidewatch/v1/gauge-2/json", &reading(10, 2.5)).await;
    for datastream in ["gauge-1/water_level", "gauge-2/water_level"] {
        let flags: Vec<Flag> =
            system.observations(datastream).await.iter().map(|o| o.quality.flag()).collect();
        assert_eq!(flags, [Flag::Pass, Flag::Suspect], "{datastream}");
    }

    // A second pipeline on the same store knows the newest reading.
    let (pipeline, _task) = ingest::Pipeline::start(
        PipelineOptions::default(),
        system.store.clone(),
        Arc::new(system.store.clone()),
        crate::testing::catalogue(),
        system.clock.clone(),
    );
    let source = system.source("http").await;
    let route = Route::from_topic(GAUGE).unwrap();
    let payload = Bytes::from(reading(20, 9.0));
    pipeline.deliver(source, Arc::from(GAUGE), route, payload).await.unwrap();
    let last = *system.observations("gauge-1/water_level").await.last().unwrap();
    assert!(last.quality.has(QualityTest::RateOfChange));
}

#[tokio::test]
async fn datastreams_register_themselves_within_their_things_limit() {
    let system = System::start().await;
    let payload = r#"{"time":"2026-07-25T07:59:00+08:00","values":{"water_level:a":1,
        "water_level:b":1,"water_level:c":1,"water_level:d":1,"water_level:e":1}}"#;
    let receipt = system.deliver(GAUGE, payload).await;
    assert_eq!(receipt.n_accepted, 4);
    assert_eq!(receipt.problems[0].code, "too_many_datastreams");
    assert_eq!(system.store.directory().datastreams.len(), 4);

    // Those that are registered go on, and a new name is refused again.
    let payload = payload.replace("07:59", "07:58").replace("water_level:a", "water_level:f");
    let receipt = system.deliver(GAUGE, &payload).await;
    assert_eq!((receipt.n_accepted, receipt.problems.len()), (3, 2));
}

#[tokio::test]
async fn a_retained_copy_needs_a_time_of_its_own() {
    let system = System::start().await;
    let source = system.source("mqtt_county").await;
    let thing = ThingId::parse("gauge-1").unwrap();
    for payload in [
        r#"{"values":{"water_level":1.5,"battery_voltage":3.6}}"#,
        r#"{"time":"2026-07-25T07:59:00+08:00","values":{"water_level":1.5}}"#,
    ] {
        let (sender, receipt) = oneshot::channel();
        let delivery = Delivery {
            source,
            topic: Arc::from(GAUGE),
            route: Ok(Route { thing: thing.clone(), codec: Codec::Json }),
            payload: Bytes::from_static(payload.as_bytes()),
            received: scene(),
            is_retained: true,
            ack: Ack::new(|receipt| sender.send(receipt).unwrap()),
        };
        system.pipeline.submit(delivery).await.unwrap();
        receipt.await.unwrap();
    }
    assert_eq!(system.ledger().await["mqtt_county"], [2, 1, 0, 0, 1]);
    assert!(system.quarantine_reasons().await.is_empty());
}

#[tokio::test]
async fn a_topic_that_leads_nowhere_is_quarantined_and_a_refusal_booked() {
    let system = System::start().await;
    let source = system.source("embedded").await;
    let (sender, receipt) = oneshot::channel();
    let delivery = Delivery {
        source,
        topic: Arc::from("tidewatch/v1/gauge-1/xml"),
        route: Err(RouteError { code: "wrong_topic", detail: "no such codec".to_owned() }),
        payload: Bytes::from_static(b"x"),
        received: scene(),
        is_retained: false,
        ack: Ack::new(|receipt| sender.send(receipt).unwrap()),
    };
    system.pipeline.submit(delivery).await.unwrap();
    receipt.await.unwrap();
    let rows = system.store.quarantine(Default::default(), None, 10).await.unwrap();
    assert_eq!(rows[0].reason, "wrong_topic");
    assert_eq!(rows[0].thing.as_ref().map(ThingId::as_str), Some("gauge-1"));

    let refusal = RefusalRow {
        source,
        peer: "192.0.2.1".to_owned(),
        user: None,
        topic: "#".to_owned(),
        reason: "not_authorized",
        received: scene(),
    };
    system.pipeline.refuse(refusal).await.unwrap();
    assert_eq!(system.ledger().await["embedded"], [2, 0, 0, 1, 1]);
}

#[tokio::test]
async fn what_was_mended_is_redriven_once() {
    let system = System::start().await;
    let topic = "tidewatch/v1/gauge-9/raw";
    system.deliver(topic, "1.75").await;
    let id = system.store.quarantine(Default::default(), None, 1).await.unwrap()[0].id;
    assert!(system.observations("gauge-9/water_level").await.is_empty());

    let directory = system.store.directory();
    let mut thing = directory.things[&ThingId::parse("gauge-1").unwrap()].thing.clone();
    thing.id = ThingId::parse("gauge-9").unwrap();
    thing.datastreams.clear();
    let outcome = system.store.put_things(vec![(thing, Expected::Absent)]).await.unwrap();
    assert!(matches!(outcome[0], PutOutcome::Created { .. }));

    system.clock.set(scene() + Duration::from_secs(3_600));
    let receipt = system.pipeline.redrive(&system.store, id).await.unwrap();
    assert_eq!((receipt.n_accepted, receipt.problems.len()), (1, 0));
    let observation = system.observations("gauge-9/water_level").await[0];
    assert_eq!((observation.time, observation.value), (scene(), 1.75));
    assert_eq!(system.ledger().await["redrive"], [1, 1, 0, 0, 0]);

    let again = system.pipeline.redrive(&system.store, id).await.unwrap_err();
    assert!(matches!(again, RedriveError::Done { .. }), "{again}");
    let missing = system.pipeline.redrive(&system.store, id + 1).await.unwrap_err();
    assert!(matches!(missing, RedriveError::Missing(_)), "{missing}");
}

#[tokio::test]
async fn upstream_gaps_are_found_by_the_devices_count() {
    let system = System::start().await;
    for seq in [4, 5, 9] {
        let payload = format!(
            r#"{{"time":"2026-07-25T07:59:0{seq}+08:00","seq":{seq},"boot":1,"values":{{"water_level":1}}}}"#
        );
        system.deliver(GAUGE, &payload).await;
    }
    assert_eq!(system.pipeline.upstream_gaps(), [(ThingId::parse("gauge-1").unwrap(), 3)]);
}

#[tokio::test]
async fn dropping_the_handle_drains_and_acknowledges() {
    let journal = Arc::new(FlakyJournal::default());
    let shown = Arc::clone(&journal);
    let system = System::start_with(PipelineOptions::default(), Some(shown)).await;
    let source = system.source("http").await;
    let mut batches = system.pipeline.subscribe();
    let mut receipts = Vec::new();
    for value in 0..100 {
        let (sender, receipt) = oneshot::channel();
        receipts.push(receipt);
        let delivery = Delivery {
            source,
            topic: Arc::from("tidewatch/v1/gauge-1/raw"),
            route: Route::from_topic("tidewatch/v1/gauge-1/raw"),
            payload: Bytes::from(value.to_string()),
            received: scene() + Duration::from_millis(value),
            is_retained: false,
            ack: Ack::new(|receipt| sender.send(receipt).unwrap()),
        };
        system.pipeline.submit(delivery).await.unwrap();
    }
    let crate::door::System { pipeline, task, store, .. } = system;
    drop(pipeline);
    task.await.unwrap();
    for receipt in receipts {
        assert_eq!(receipt.await.unwrap().n_accepted, 1);
    }
    let kept: usize = journal.batches().iter().map(|rows| rows.observations.len()).sum();
    assert_eq!(kept, 100);
    let mut told = 0;
    while let Ok(batch) = batches.recv().await {
        told += batch.rows.observations.len();
    }
    assert_eq!(told, 100);
    assert!(store.ledger(ALL_TIME).await.unwrap().is_empty(), "the flaky journal took the rows");
}

//! The embedded broker over loopback, with MQTT 3.1.1 and 5 clients: who may do
//! what, and what becomes of a publish.

use std::time::Duration;

use ingest::broker::BrokerOptions;
use tokio::time::timeout;

use crate::client::{Answer, BOTH, Device, Login, PATIENCE, Version};
use crate::embedded::{Broker, GAUGE, eventually, reading};

#[tokio::test]
async fn puback_follows_the_commit() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut device = broker.device(version, "gauge-1").await;
        let gate = broker.close_gate().await;
        device.send(GAUGE, reading(1), 1, false).await;
        let early = timeout(Duration::from_millis(300), device.answer()).await;
        assert!(early.is_err(), "answered before the commit: {early:?}");
        assert!(broker.system.observations("gauge-1/water_level").await.is_empty());
        drop(gate);
        assert_eq!(timeout(PATIENCE, device.answer()).await.unwrap(), Answer::Acknowledged);
        assert_eq!(broker.system.observations("gauge-1/water_level").await.len(), 1);
    }
}

#[tokio::test]
async fn every_quality_of_service_and_retain_are_ordinary_readings() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut device = broker.device(version, "gauge-1").await;
        device.send(GAUGE, reading(1), 0, false).await;
        for (minute, qos, retain) in [(2, 1, true), (3, 2, false), (4, 2, true)] {
            device.send(GAUGE, reading(minute), qos, retain).await;
            assert_eq!(timeout(PATIENCE, device.answer()).await.unwrap(), Answer::Acknowledged);
        }
        assert_eq!(broker.system.observations("gauge-1/water_level").await.len(), 4);
        assert_eq!(broker.system.ledger().await["embedded"], [4, 4, 0, 0, 0]);
    }
}

#[tokio::test]
async fn a_device_speaks_for_itself_and_a_gateway_for_its_things() {
    let cases = [
        ("gauge-1", "tidewatch/v1/gauge-1/json", true),
        ("gauge-1", "tidewatch/v1/gauge-2/json", false),
        ("gauge-1", "tidewatch/v1/gauge-10/json", false),
        ("gauge-1", "tidewatch/v1/GAUGE-1/json", false),
        ("gauge-1", "tidewatch/v1//json", false),
        ("gauge-1", "tidewatch/v1", false),
        ("gauge-1", "$SYS/broker/uptime", false),
        ("gauge-1", "$share/g/tidewatch/v1/gauge-1/json", false),
        ("gauge-1", "elsewhere", false),
        ("gateway-1", "tidewatch/v1/gauge-2/json", true),
        ("gateway-1", "tidewatch/v1/new-1/json", true),
        ("gateway-1", "tidewatch/v1/gauge-1/json", false),
    ];
    for version in BOTH {
        let broker = Broker::start().await;
        for (thing, topic, is_allowed) in cases {
            let mut device = broker.device(version, thing).await;
            let answer = device.publish(topic, reading(1)).await;
            let expected = match (is_allowed, version) {
                (true, _) => Answer::Acknowledged,
                (false, Version::V5) => Answer::Refused("NotAuthorized".to_owned()),
                (false, Version::V311) => Answer::Closed,
            };
            assert_eq!(answer, expected, "{version:?} {thing} {topic}");
        }
        let n_allowed = cases.iter().filter(|case| case.2).count() as u64;
        let n_denied = cases.len() as u64 - n_allowed;
        let ledger = broker.system.ledger().await["embedded"];
        assert_eq!((ledger[0], ledger[4]), (n_allowed + n_denied, n_denied), "{version:?}");
        for stranger in ["gauge-1/water_level", "gauge-2/water_level", "new-1/water_level"] {
            assert_eq!(broker.system.observations(stranger).await.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_topic_alias_leads_to_the_same_check() {
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::PublishProperties;

    let broker = Broker::start().await;
    for (topic, expected) in [
        (GAUGE, Answer::Acknowledged),
        ("tidewatch/v1/gauge-2/json", Answer::Refused("NotAuthorized".to_owned())),
    ] {
        let mut device = broker.device(Version::V5, "gauge-1").await;
        for (sent, minute) in [(topic, 1), ("", 2)] {
            let alias = PublishProperties { topic_alias: Some(1), ..Default::default() };
            let Device::V5(client, _) = &device else { unreachable!("connected as 5") };
            client
                .publish_with_properties(sent, QoS::AtLeastOnce, false, reading(minute), alias)
                .await
                .unwrap();
            assert_eq!(timeout(PATIENCE, device.answer()).await.unwrap(), expected, "{topic}");
        }
    }
    assert_eq!(broker.system.observations("gauge-1/water_level").await.len(), 2);
}

#[tokio::test]
async fn what_is_wrong_below_the_own_topic_is_kept_and_acknowledged() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut device = broker.device(version, "gauge-1").await;
        for topic in ["tidewatch/v1/gauge-1/xml", "tidewatch/v1/gauge-1", GAUGE] {
            assert_eq!(device.publish(topic, "no json").await, Answer::Acknowledged, "{topic}");
        }
        let reasons = broker.system.quarantine_reasons().await;
        assert_eq!(reasons, ["wrong_topic", "wrong_topic", "syntax"]);
    }
}

#[tokio::test]
async fn nobody_subscribes() {
    for version in BOTH {
        let broker = Broker::start().await;
        for filter in ["#", "+/+/+/+", GAUGE, "$SYS/#", "$share/g/#", "tidewatch/v1/gauge-2/#"] {
            let mut device = broker.device(version, "gauge-1").await;
            assert!(!device.subscribe(filter).await, "{version:?} {filter}");
        }
    }
}

#[tokio::test]
async fn a_login_needs_the_secret_and_a_client_id_of_its_own() {
    for version in BOTH {
        let broker = Broker::start().await;
        let change = |change: fn(&mut Login)| {
            let mut login = Login::of("gauge-1");
            change(&mut login);
            broker.connect(version, login)
        };
        for bad in [
            change(|login| login.secret.push('x')).await,
            change(|login| login.secret.clear()).await,
            change(|login| login.user = "gauge-2".to_owned()).await,
            change(|login| login.user = "nobody".to_owned()).await,
            change(|login| login.user = "Not an id".to_owned()).await,
        ] {
            let reason = bad.err().expect("let in with a wrong secret");
            assert!(reason.contains("BadUserNamePassword"), "{reason}");
        }
        broker.rejected("bad_credentials", 5).await;
        for client_id in ["gauge-2", "gauge-10", "Gauge-1", "x"] {
            let mut login = Login::of("gauge-1");
            login.client_id = client_id.to_owned();
            let reason = broker.connect(version, login).await.err().expect("let in");
            let is_said = reason.contains("BadClientId") || reason.contains("ClientIdentifier");
            assert!(is_said, "{client_id}: {reason}");
        }
        for client_id in ["", "gauge-1", "gauge-1.second"] {
            let mut login = Login::of("gauge-1");
            login.client_id = client_id.to_owned();
            let mut device = broker.connect(version, login).await.unwrap();
            assert_eq!(device.publish(GAUGE, reading(1)).await, Answer::Acknowledged);
        }
    }
}

#[tokio::test]
async fn guessing_ends_after_ten_and_does_not_lock_the_known_out() {
    let broker = Broker::start().await;
    drop(broker.device(Version::V5, "gauge-1").await);
    for n in 0..20 {
        let mut login = Login::of("gauge-2");
        login.secret = n.to_string();
        let reason = broker.connect(Version::V5, login).await.err().unwrap();
        assert_eq!(reason.contains("BadUserNamePassword"), n < 10, "{n}: {reason}");
    }
    broker.rejected("bad_credentials", 10).await;
    broker.rejected("too_many_failed_logins", 10).await;
    assert!(broker.connect(Version::V5, Login::of("gauge-1")).await.is_ok());
}

#[tokio::test]
async fn wills_are_no_readings_and_only_allowed_on_own_topics() {
    for version in BOTH {
        let broker = Broker::start().await;
        let mut login = Login::of("gauge-1");
        login.will = Some("tidewatch/v1/gauge-2/raw".to_owned());
        assert!(broker.connect(version, login.clone()).await.is_err());
        login.will = Some("tidewatch/v1/gauge-1/raw".to_owned());
        drop(broker.connect(version, login).await.unwrap());
        eventually("the end", || async { broker.handle.n_connections() == 0 }).await;
        assert!(broker.system.ledger().await.is_empty());
    }
}

#[tokio::test]
async fn many_devices_share_their_commits() {
    let options = BrokerOptions { connections_per_thing_max: 64, ..BrokerOptions::default() };
    let broker = Broker::start_with(options).await;
    let mut devices = tokio::task::JoinSet::new();
    for n in 0..40 {
        let mut login = Login::of("gauge-1");
        login.client_id = format!("gauge-1.{n}");
        let mut device = broker.connect(BOTH[n % 2], login).await.unwrap();
        devices.spawn(async move {
            for i in 0..5 {
                let second = n * 5 + i;
                let payload = format!(
                    r#"{{"time":{},"values":{{"water_level":1}}}}"#,
                    1_784_930_000_000_u64 + second as u64 * 1_000
                );
                assert_eq!(device.publish(GAUGE, payload).await, Answer::Acknowledged);
            }
        });
    }
    devices.join_all().await;
    let stored = broker.system.observations("gauge-1/water_level").await;
    assert_eq!(stored.len(), 200);
    let commits: std::collections::HashSet<u64> = stored.iter().map(|o| o.commit).collect();
    assert!(commits.len() < 100, "{} commits for 200 readings", commits.len());
}

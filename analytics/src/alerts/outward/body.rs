//! One message: the names and fields are Alertmanager's, version "4".

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::{LocalizedName, Origin, Time};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{ALERTS_MAX, Outward, words};
use crate::alerts::Class;
use crate::record::AlertRecord;
use crate::world::World;

/// The end of an alert that has not ended.
pub const NEVER: &str = "0001-01-01T00:00:00Z";

type Pairs = BTreeMap<&'static str, String>;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    version: &'static str,
    group_key: String,
    truncated_alerts: usize,
    status: &'static str,
    receiver: String,
    group_labels: Pairs,
    common_labels: Pairs,
    common_annotations: Pairs,
    #[serde(rename = "externalURL")]
    external_url: String,
    alerts: Vec<OutwardAlert>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutwardAlert {
    status: &'static str,
    labels: Pairs,
    annotations: Pairs,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

impl Body {
    /// Of alerts of one township.
    pub(super) fn new(
        receiver: &str,
        group: &[&AlertRecord],
        world: &World,
        outward: &Outward,
    ) -> Body {
        let named = group.iter().take(ALERTS_MAX);
        let alerts: Vec<OutwardAlert> =
            named.map(|alert| outward_alert(alert, world, outward)).collect();
        let township = alerts.first().and_then(|alert| alert.labels.get("township").cloned());
        Body::of_alerts(receiver, alerts, group.len(), township, &outward.external_url)
    }

    fn of_alerts(
        receiver: &str,
        alerts: Vec<OutwardAlert>,
        n_alerts: usize,
        township: Option<String>,
        external_url: &str,
    ) -> Body {
        let is_firing = alerts.iter().any(|alert| alert.status == FIRING);
        Body {
            version: "4",
            group_key: township.as_ref().map_or_else(
                || "{}:{}".to_owned(),
                |township| format!("{{}}:{{township=\"{township}\"}}"),
            ),
            truncated_alerts: n_alerts - alerts.len(),
            status: if is_firing { FIRING } else { RESOLVED },
            receiver: receiver.to_owned(),
            group_labels: township.map(|township| ("township", township)).into_iter().collect(),
            common_labels: common(&alerts, |alert| &alert.labels),
            common_annotations: common(&alerts, |alert| &alert.annotations),
            external_url: external_url.to_owned(),
            alerts,
        }
    }
}

const FIRING: &str = "firing";
const RESOLVED: &str = "resolved";

/// What all alerts of a message share.
fn common(alerts: &[OutwardAlert], pairs: impl Fn(&OutwardAlert) -> &Pairs) -> Pairs {
    let Some((first, others)) = alerts.split_first() else { return Pairs::new() };
    let mut shared = pairs(first).clone();
    shared.retain(|key, value| others.iter().all(|other| pairs(other).get(key) == Some(value)));
    shared
}

fn outward_alert(alert: &AlertRecord, world: &World, outward: &Outward) -> OutwardAlert {
    let has_ended = is_end(alert);
    let mut labels = Pairs::from([
        ("alertname", alert_name(alert, world)),
        ("thing", alert.thing.to_string()),
        ("datastream", alert.datastream.clone()),
        ("property", alert.property.clone()),
        ("origin", outward.origin.to_string()),
    ]);
    if let Some(township) = alert.township {
        labels.insert("township", township.to_string());
    }
    // Only what identifies the alert is in the fingerprint.
    let fingerprint = fingerprint(&labels);
    let level = if has_ended { alert.level_highest } else { alert.level };
    labels.insert("class", class_word(alert.class).to_owned());
    labels.insert("severity", words::level(level)[1].to_owned());
    if alert.escalated {
        labels.insert("escalated", "true".to_owned());
    }
    if outward.origin != Origin::Real {
        labels.insert("exercise", "true".to_owned());
    }
    OutwardAlert {
        status: if has_ended { RESOLVED } else { FIRING },
        labels,
        annotations: annotations(alert, world, outward),
        starts_at: alert.opened.to_string(),
        ends_at: match alert.closed {
            Some(closed) => closed.to_string(),
            None if has_ended => alert.updated.to_string(),
            None => NEVER.to_owned(),
        },
        generator_url: page_of(alert, &outward.external_url),
        fingerprint,
    }
}

fn is_end(alert: &AlertRecord) -> bool {
    alert.closed.is_some() || matches!(alert.transition.as_str(), "resolved" | "closed_by_operator")
}

/// How a class is written.
pub fn class_word(class: Class) -> &'static str {
    match class {
        Class::Life => "life",
        Class::Hazard => "hazard",
        Class::Equipment => "equipment",
    }
}

/// The property and the side that is watched. By configuration and not by the
/// value, which comes back while the alert is open.
fn alert_name(alert: &AlertRecord, world: &World) -> String {
    let property = model::PropertyId::parse(&alert.property).ok();
    let property = property.and_then(|id| world.catalogue.find(&id));
    let limits = property.and_then(|property| property.spec.limits.as_ref());
    let side = match limits {
        Some(limits) if limits.low.is_some() && (limits.high.is_some() || limits.per_thing) => {
            "out_of_range"
        }
        Some(limits) if limits.low.is_some() => "low",
        _ => "high",
    };
    format!("{}_{side}", alert.property)
}

fn annotations(alert: &AlertRecord, world: &World, outward: &Outward) -> Pairs {
    let shown = |value: Option<f64>| value.map(|value| words::quantity(value, &alert.unit));
    let time = |time: Option<Time>| time.map(|time| time.to_string());
    let flag = |set: bool, mark: &str| set.then(|| mark.to_owned());
    let is_exercise = outward.origin != Origin::Real;
    let [summary, summary_en] = words::summary(alert, &names(alert, world), is_exercise);
    let pairs = [
        ("summary", Some(summary)),
        ("summary_en", Some(summary_en)),
        ("transition", Some(alert.transition.clone())),
        ("level", Some(words::level(alert.level)[1].to_owned())),
        ("level_highest", Some(words::level(alert.level_highest)[1].to_owned())),
        ("value", shown(alert.value)),
        ("limit", shown(alert.limit)),
        ("phenomenon_time", time(alert.phenomenon_time)),
        ("received", time(alert.received)),
        ("updated", time(Some(alert.updated))),
        ("late", flag(alert.is_late, words::LATE[0])),
        ("needs_person", flag(alert.needs_person, words::PAST[0])),
        ("unverified", flag(words::is_unverified(alert), words::UNVERIFIED[0])),
        ("data_missing", flag(alert.data_missing, words::NO_DATA[0])),
        ("in_maintenance", flag(alert.in_maintenance, words::MAINTENANCE[0])),
        ("acknowledged_by", alert.acknowledged_by.clone()),
    ];
    pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// What people call township, thing and property.
fn names(alert: &AlertRecord, world: &World) -> Vec<LocalizedName> {
    let same = |text: &str| LocalizedName { zh: text.to_owned(), en: text.to_owned() };
    let township = alert.township.and_then(|code| world.facts.township(code));
    let thing = world.things.get(&alert.thing).map(|thing| thing.name.clone());
    let property = model::PropertyId::parse(&alert.property).ok();
    let property = property.and_then(|id| world.catalogue.find(&id));
    let mut names: Vec<LocalizedName> =
        township.map(|facts| facts.township.name.clone()).into_iter().collect();
    names.push(thing.unwrap_or_else(|| same(alert.thing.as_str())));
    names.push(property.map_or_else(|| same(&alert.property), |found| found.spec.name.clone()));
    names
}

/// 16 hexadecimal digits of what identifies an alert.
fn fingerprint(labels: &Pairs) -> String {
    let mut hash = Sha256::new();
    for (key, value) in labels {
        hash.update(key.as_bytes());
        hash.update([0xff]);
        hash.update(value.as_bytes());
        hash.update([0xff]);
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes what is written");
        hex
    })
}

/// The page that shows the alert: its township's, or the list of all.
fn page_of(alert: &AlertRecord, external_url: &str) -> String {
    match alert.township {
        Some(code) => format!("{external_url}/#/t/{code}"),
        None => format!("{external_url}/#/alerts"),
    }
}

/// A message that only says that messages arrive.
pub fn test_body(receiver: &str, origin: Origin, external_url: &str, at: Time) -> Body {
    let labels = Pairs::from([
        ("alertname", "tidewatch_test".to_owned()),
        ("origin", origin.to_string()),
        ("severity", "none".to_owned()),
        ("test", "true".to_owned()),
    ]);
    let alert = OutwardAlert {
        status: FIRING,
        fingerprint: fingerprint(&labels),
        labels,
        annotations: Pairs::from([
            ("summary", "【测试】这是一条测试消息,不是报警。".to_owned()),
            ("summary_en", "[test] this is a test message, not an alarm".to_owned()),
        ]),
        starts_at: at.to_string(),
        ends_at: NEVER.to_owned(),
        generator_url: format!("{external_url}/"),
    };
    Body::of_alerts(receiver, vec![alert], 1, None, external_url)
}

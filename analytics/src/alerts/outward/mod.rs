//! What leaves the house about alerts: bodies in Alertmanager's shape,
//! version 4, one row of the outbox for each receiver.
//!
//! **What is sent**: raised (also 已过待核), confirmed, worsened, improved,
//! escalated, told again, no data any more, and the end. Pending and forgotten
//! never; acknowledgements and the steps towards an end neither: they change
//! nothing for who is outside. Silenced alerts, alerts marked false and, but for
//! those about lives, alerts of things in maintenance are not sent. Their end
//! is: whoever was told before must not keep them open.
//!
//! **Labels**: `alertname`, `thing`, `datastream`, `property`, `township` and
//! `origin` identify an alert and never change; the fingerprint is made of
//! them. `severity`, `class` and `escalated` say how it stands, so that a
//! receiver can route by them. Data that is not real carries `exercise` and
//! goes to receivers for exercises alone.
//!
//! **Floods**: of more than [`SINGLES_MAX`] alerts of one moment those not
//! about lives are sent by township, with the worst [`ALERTS_MAX`] named.

mod body;
mod words;

use std::collections::BTreeMap;

use model::{Level, Origin, Time, TownshipCode};
use store::OutboxNew;

use super::Class;
use crate::record::AlertRecord;
use crate::world::World;

pub use body::{Body, NEVER, OutwardAlert, class_word, test_body};

/// Alerts of one moment that each get a message of their own.
pub const SINGLES_MAX: usize = 20;

/// Alerts named in one message; the others are counted.
pub const ALERTS_MAX: usize = 64;

/// Which alerts a receiver gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRule {
    /// The receiver's.
    pub name: String,
    pub level_min: Level,
    /// Empty means all.
    pub classes: Vec<Class>,
    /// Gets what is not real, and only that; all others get only what is real.
    pub exercise: bool,
}

/// What is the same for all alerts. Without rules nothing leaves the house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outward {
    pub rules: Vec<WebhookRule>,
    pub origin: Origin,
    /// Where people reach this program, without a slash at the end.
    pub external_url: String,
}

impl Outward {
    /// For a program that tells nobody, as a replay.
    pub fn silent(origin: Origin) -> Outward {
        Outward { rules: Vec::new(), origin, external_url: String::new() }
    }
}

/// The messages about alerts that changed, one record for each transition, for
/// every receiver that wants them. The same records make the same keys.
pub fn outbox_rows(
    changed: &[AlertRecord],
    world: &World,
    outward: &Outward,
    real: Time,
) -> Vec<OutboxNew> {
    let mut rows = Vec::new();
    for rule in &outward.rules {
        let mut wanted: Vec<&AlertRecord> =
            changed.iter().filter(|alert| wants(rule, outward.origin, alert)).collect();
        // Lives first; else in the order of the transitions.
        wanted.sort_by_key(|alert| alert.class != Class::Life);
        for group in grouped(wanted) {
            let body = Body::new(&rule.name, &group, world, outward);
            rows.push(OutboxNew {
                key: format!("{}:{}", rule.name, idempotency_key(&group)),
                receiver: rule.name.clone(),
                body: serde_json::to_string(&body).expect("a body holds nothing but text"),
                created: real,
            });
        }
    }
    rows
}

fn wants(rule: &WebhookRule, origin: Origin, alert: &AlertRecord) -> bool {
    let is_of_class = rule.classes.is_empty() || rule.classes.contains(&alert.class);
    if (origin != Origin::Real) != rule.exercise || !is_of_class {
        return false;
    }
    match alert.transition.as_str() {
        "resolved" | "closed_by_operator" | "withdrawn" => alert.level_highest >= rule.level_min,
        "improved" => is_told(alert) && alert.level_highest >= rule.level_min,
        "raised" | "raised_past" | "confirmed" | "worsened" | "escalated" | "notified_again"
        | "data_missing" => is_told(alert) && alert.level >= rule.level_min,
        _ => false,
    }
}

fn is_told(alert: &AlertRecord) -> bool {
    let is_withheld = alert.in_maintenance && alert.class != Class::Life;
    !(alert.silenced || alert.is_false || is_withheld)
}

/// One alert a message, or by township when there are too many.
fn grouped(wanted: Vec<&AlertRecord>) -> Vec<Vec<&AlertRecord>> {
    if wanted.len() <= SINGLES_MAX {
        return wanted.into_iter().map(|alert| vec![alert]).collect();
    }
    let (lives, others): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|alert| alert.class == Class::Life);
    let mut townships: BTreeMap<(Option<TownshipCode>, bool), Vec<&AlertRecord>> = BTreeMap::new();
    for alert in others {
        townships.entry((alert.township, alert.closed.is_some())).or_default().push(alert);
    }
    let mut groups: Vec<Vec<&AlertRecord>> = lives.into_iter().map(|alert| vec![alert]).collect();
    groups.extend(townships.into_values().map(|mut group| {
        group.sort_by_key(|alert| std::cmp::Reverse(alert.level_highest));
        group
    }));
    groups
}

/// `{alert}-{sequence}`; of a group its first alert's, and how many it has.
fn idempotency_key(group: &[&AlertRecord]) -> String {
    let first = group.first().map_or_else(String::new, |alert| {
        let AlertRecord { id, sequence, .. } = alert;
        format!("{id}-{sequence}")
    });
    match group.len() {
        1 => first,
        n => format!("{first}+{}", n.saturating_sub(1)),
    }
}

#[cfg(test)]
mod tests;

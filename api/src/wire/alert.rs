//! Alerts over the wire.

use analytics::alerts::Class;
use analytics::record::{AlertPhase, AlertRecord};
use model::{Origin, Time};
use serde::Serialize;
use utoipa::ToSchema;

use super::level_name;

/// An alert as it stands after one of its transitions.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Alert)]
pub(crate) struct AlertView {
    #[schema(example = "a-5512")]
    id: String,
    /// Of the transition; grows by 1.
    #[schema(example = 3)]
    sequence: u32,
    #[schema(example = "tide-01/tide_level")]
    datastream: String,
    #[schema(example = "tide-01")]
    thing: String,
    #[schema(example = "tide_level")]
    property: String,
    #[schema(example = "330225101")]
    township: Option<String>,
    /// `life`, `hazard` or `equipment`.
    #[schema(example = "hazard")]
    class: &'static str,
    /// `pending`, `firing`, `acknowledged`, `resolving`, `resolved`, or
    /// `forgotten` when it was pending and did not last.
    #[schema(example = "firing")]
    phase: &'static str,
    #[schema(example = "orange")]
    level: &'static str,
    level_highest: &'static str,
    /// Indices and caps count this one.
    confirmed_level: &'static str,
    /// The reading that made the newest level.
    #[schema(example = 3.42)]
    value: Option<f64>,
    #[schema(example = 3.2)]
    limit: Option<f64>,
    /// UCUM.
    #[schema(example = "m")]
    unit: String,
    /// When the value was true.
    #[schema(value_type = Option<String>, format = DateTime)]
    phenomenon_time: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    received: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    opened: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    closed: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    updated: Time,
    /// The reading came late.
    is_late: bool,
    /// Over when it was raised: only a person closes it.
    needs_person: bool,
    /// Nothing heard for three periods; the alert stays open.
    data_missing: bool,
    /// Nobody acknowledged in time.
    escalated: bool,
    in_maintenance: bool,
    /// An override marks it false.
    is_false: bool,
    silenced: bool,
    acknowledged_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    acknowledged_at: Option<Time>,
    /// The responsible unit's own.
    #[schema(value_type = Option<String>, format = DateTime)]
    acknowledged_by_unit: Option<Time>,
    /// A typhoon or gale signal or a response was in force when it opened.
    opened_in_storm: bool,
    /// The newest transition, as `raised`, `worsened`, `escalated`.
    #[schema(example = "raised")]
    transition: String,
    /// `real`, `replay` or `simulated`.
    #[schema(example = "real")]
    origin: &'static str,
}

impl AlertView {
    pub(crate) fn new(record: &AlertRecord, origin: Origin) -> AlertView {
        AlertView {
            id: record.id.clone(),
            sequence: record.sequence,
            datastream: record.datastream.clone(),
            thing: record.thing.to_string(),
            property: record.property.clone(),
            township: record.township.map(|code| code.to_string()),
            class: class_name(record.class),
            phase: phase_name(record.phase),
            level: level_name(record.level),
            level_highest: level_name(record.level_highest),
            confirmed_level: level_name(record.confirmed_level),
            value: record.value,
            limit: record.limit,
            unit: record.unit.clone(),
            phenomenon_time: record.phenomenon_time,
            received: record.received,
            opened: record.opened,
            closed: record.closed,
            updated: record.updated,
            is_late: record.is_late,
            needs_person: record.needs_person,
            data_missing: record.data_missing,
            escalated: record.escalated,
            in_maintenance: record.in_maintenance,
            is_false: record.is_false,
            silenced: record.silenced,
            acknowledged_by: record.acknowledged_by.clone(),
            acknowledged_at: record.acknowledged_at,
            acknowledged_by_unit: record.acknowledged_by_unit,
            opened_in_storm: record.opened_in_storm,
            transition: record.transition.clone(),
            origin: origin.as_str(),
        }
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Life => "life",
        Class::Hazard => "hazard",
        Class::Equipment => "equipment",
    }
}

fn phase_name(phase: AlertPhase) -> &'static str {
    match phase {
        AlertPhase::Pending => "pending",
        AlertPhase::Firing => "firing",
        AlertPhase::Acknowledged => "acknowledged",
        AlertPhase::Resolving => "resolving",
        AlertPhase::Resolved => "resolved",
        AlertPhase::Forgotten => "forgotten",
    }
}

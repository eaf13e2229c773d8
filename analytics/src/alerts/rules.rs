//! The alarm rules of a datastream, from its property and its own levels.

use std::time::Duration;

use model::{DatastreamSpec, Persistence, PropertyId, PropertySpec};

use super::limits::{AlarmLimits, Margin};
use super::notify::EscalationRules;
use super::state::AlarmRules;

const MINUTE: Duration = Duration::from_secs(60);

/// The numbers by which alarms end and escalate. The defaults are those of
/// docs/indices.md section 5, "Lowering" and "Alerts" (A).
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmSettings {
    /// A value is better than a threshold by this share of it: 5 %.
    pub margin_share: f64,
    /// The same for levels against a datum: 0.10 m.
    pub margin_datum_m: f64,
    /// A level ends when the value has been better for this long: 30 min.
    pub better_for: Duration,
    /// The same for hydrological quantities: 60 min.
    pub better_for_hydrological: Duration,
    /// A level lasts at least this long: 15 min.
    pub level_lasts: Duration,
    /// The device's own alarm flag confirms after this: 10 s.
    pub device_flag_confirms: Duration,
    /// 30 min at yellow, 15 at orange, 5 at red; told again every 30 min.
    pub escalation: EscalationRules,
    /// `silent_duration` is one colour lower below this local wind: 13.9 m/s,
    /// force 7 (docs/indices.md 1.5).
    pub offline_wind_mps: f64,
    /// Properties, besides those against a datum, that are hydrological.
    pub hydrological: Vec<PropertyId>,
    /// Alarms of these are about equipment.
    pub equipment: Vec<PropertyId>,
    /// The levels that a device sets for these are low sides.
    pub low_side: Vec<PropertyId>,
    /// Alarms of these close only by an operator.
    pub closed_by_operator: Vec<PropertyId>,
    /// How long a closed alert is remembered for the alarm burdens: 60 d.
    pub closed_kept: Duration,
}

impl Default for AlarmSettings {
    fn default() -> AlarmSettings {
        let ids = |ids: &[&'static str]| ids.iter().copied().map(PropertyId::from_static).collect();
        AlarmSettings {
            margin_share: 0.05,
            margin_datum_m: 0.10,
            better_for: MINUTE * 30,
            better_for_hydrological: MINUTE * 60,
            level_lasts: MINUTE * 15,
            device_flag_confirms: Duration::from_secs(10),
            escalation: EscalationRules {
                yellow: MINUTE * 30,
                orange: MINUTE * 15,
                red: MINUTE * 5,
                notify_every: MINUTE * 30,
            },
            offline_wind_mps: 13.9,
            hydrological: ids(&[
                "rainfall_1h",
                "rainfall_3h",
                "rainfall_24h",
                "soil_water_index",
                "waterlogging_depth",
            ]),
            equipment: ids(&["mains_power", "backup_power_runtime", "battery_voltage"]),
            low_side: ids(&["battery_voltage"]),
            closed_by_operator: ids(&["sos_alarm"]),
            closed_kept: Duration::from_secs(60 * 86_400),
        }
    }
}

/// The rules of one datastream; `None` when nothing of it is watched.
pub fn alarm_rules(
    property: &PropertySpec,
    datastream: &DatastreamSpec,
    settings: &AlarmSettings,
) -> Option<AlarmRules> {
    let margin = if property.datum {
        Margin::Fixed(settings.margin_datum_m)
    } else {
        Margin::Share { share: settings.margin_share, noise: 0.0 }
    };
    let id = &datastream.property;
    let mut limits = AlarmLimits::new(property.limits.as_ref()?, datastream.levels, margin)?;
    if settings.low_side.contains(id) && limits.low.is_none() {
        limits.low = limits.high.take();
    }
    let is_hydrological = property.datum || settings.hydrological.contains(id);
    Some(AlarmRules {
        limits,
        persistence: property.persistence.unwrap_or(Persistence::P1),
        period: property.period,
        life_safety: property.life_safety,
        is_equipment: settings.equipment.contains(id),
        better_for: if is_hydrological {
            settings.better_for_hydrological
        } else {
            settings.better_for
        },
        level_lasts: settings.level_lasts,
        only_operator_closes: settings.closed_by_operator.contains(id),
        device_flag_confirms: settings.device_flag_confirms,
        escalation: settings.escalation,
    })
}

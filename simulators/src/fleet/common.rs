//! What things of several kinds have: batteries, power, smoke detectors.

use model::Time;

use super::{Moment, rounded};
use crate::noise::seconds;

pub(super) fn value(moment: &Moment<'_>) -> Option<f64> {
    let Moment { noise, own, weather, at, .. } = moment;
    Some(match moment.property() {
        "battery_voltage" => {
            rounded(own.between(1, 12.4, 12.8) + 0.2 * weather.day + 0.02 * noise.white(*at), 2)
        }
        "smoke_alarm" => 0.0,
        "mains_power" => f64::from(u8::from(!has_lost_power(moment))),
        "backup_power_runtime" => {
            let full_h = own.between(3, 24.0, 72.0);
            let left_h = match power_lost_since(moment) {
                Some(since) => full_h - (seconds(*at) - seconds(since)) / 3600.0,
                None if has_lost_power(moment) => full_h * (1.0 - 0.6 * weather.street),
                None => full_h,
            };
            rounded(left_h.max(0.0), 1)
        }
        "relative_humidity" => {
            rounded((weather.humidity_percent + 2.0 * noise.smooth(*at, 1200.0)).min(100.0), 0)
        }
        "carbon_monoxide_concentration" => {
            rounded(2.5 + 0.8 * noise.smooth(*at, 1800.0) + 0.2 * noise.white(*at), 1)
        }
        "position_longitude" => rounded(moment.thing.position?.longitude(), 5),
        "position_latitude" => rounded(moment.thing.position?.latitude(), 5),
        _ => return None,
    })
}

/// In the worst of the storm some places lose their mains.
fn has_lost_power(moment: &Moment<'_>) -> bool {
    match moment.script() {
        Some(_) => power_lost_since(moment).is_some(),
        None => moment.weather.storm > 0.75 && moment.own.unit(2) < 0.15,
    }
}

fn power_lost_since(moment: &Moment<'_>) -> Option<Time> {
    moment.script()?.power_lost_since(moment.thing.township, moment.own, moment.at)
}

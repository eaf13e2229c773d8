//! High-risk enterprises: clean air with a rare leak, tanks, registers.

use super::{Moment, rounded};
use crate::noise::seconds;

pub(super) fn value(moment: &Moment<'_>) -> Option<f64> {
    let Moment { noise, own, weather, at, .. } = moment;
    let gas = |clean: f64, leak: f64, decimals: i32| {
        let floor = clean * (1.0 + 0.4 * noise.smooth(*at, 1800.0) + 0.1 * noise.white(*at));
        rounded(floor + leak * leaking(moment), decimals)
    };
    let people = libm::floor(own.between(30, 8.0, 60.0));
    let month = seconds(*at) / (30.0 * 86_400.0);
    let found = libm::floor(noise.between(0, 1.0, 6.0) * (month - month.floor()));
    Some(match moment.property() {
        "combustible_gas_concentration" => gas(1.5, 28.0, 1),
        "hydrogen_sulfide_concentration" => gas(0.4, 12.0, 2),
        "ammonia_concentration" => gas(2.0, 35.0, 1),
        "carbon_monoxide_concentration" => gas(2.0, 30.0, 1),
        "chlorine_concentration" => gas(0.04, 1.2, 3),
        "sulfur_dioxide_concentration" => gas(0.3, 8.0, 2),
        "oxygen_concentration" => rounded(20.9 + 0.05 * noise.white(*at), 2),
        "tank_level" => rounded(52.0 + 20.0 * noise.smooth(*at, 36_000.0), 1),
        "tank_pressure_ratio" => rounded(55.0 + 6.0 * noise.smooth(*at, 7200.0), 1),
        "tank_temperature" => {
            rounded(26.0 + 2.5 * weather.day + 0.8 * noise.smooth(*at, 5400.0), 1)
        }
        "major_hazard_index" => rounded(own.between(31, 2.0, 60.0), 1),
        "credit_grade" => {
            if own.unit(32) < 0.4 {
                5.0
            } else {
                4.0
            }
        }
        "certificates_required" => required(moment, people),
        "certificates_valid" => libm::floor(required(moment, people) * own.between(33, 0.9, 1.01)),
        "hazards_found" => found + 2.0,
        "hazards_due" => found + 1.0,
        "hazards_rectified" => found,
        "major_hazards_overdue" => 0.0,
        _ => return None,
    })
}

fn required(moment: &Moment<'_>, people: f64) -> f64 {
    match moment.channel() {
        "principal" => 2.0,
        "safety" => 3.0,
        _ => people,
    }
}

/// A leak is rare: one slot of six hours in two hundred has one of half an
/// hour, which rises and falls.
fn leaking(moment: &Moment<'_>) -> f64 {
    const SLOT_MS: i64 = 6 * 3_600_000;
    const LEAK_MS: i64 = 1_800_000;
    let slot = moment.at.millis().div_euclid(SLOT_MS);
    let leaks = moment.noise.named("leak");
    if leaks.unit(slot) >= 0.005 {
        return 0.0;
    }
    let since_ms = moment.at.millis().rem_euclid(SLOT_MS);
    if since_ms >= LEAK_MS {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "less than half an hour of milliseconds")]
    let share = since_ms as f64 / LEAK_MS as f64;
    1.0 - (2.0 * share - 1.0).abs()
}

//! Shelters: closed and stocked on a calm day, filling before a storm.

use super::{Moment, rounded};

pub(super) fn value(moment: &Moment<'_>) -> Option<f64> {
    let Moment { noise, own, weather, at, .. } = moment;
    let capacity = 50.0 * libm::floor(own.between(10, 3.0, 17.0));
    let (prepared, is_open, filled) = state(moment);
    let stock = |per_person: f64| libm::round(capacity * per_person * noise.between(0, 0.9, 1.4));
    let ordered = |per_person: f64| libm::round(capacity * per_person * 0.2 * prepared);
    Some(match moment.property() {
        // 1 standby, 2 open.
        "shelter_status" => {
            if is_open {
                2.0
            } else {
                1.0
            }
        }
        "occupancy" => libm::round(capacity * filled),
        "capacity" => capacity,
        "carbon_dioxide_concentration" => {
            let people = 480.0 * filled;
            rounded(440.0 + people + 25.0 * noise.smooth(*at, 1800.0) + 4.0 * noise.white(*at), 0)
        }
        "indoor_air_temperature" => {
            rounded(23.5 + 1.5 * weather.day + 0.5 * noise.smooth(*at, 3600.0), 1)
        }
        "drinking_water_stock" => stock(9.0),
        "food_stock" => stock(9.0),
        "quilt_stock" => stock(1.0),
        "supply_arriving_12h" => match moment.channel() {
            "water" | "food" => ordered(9.0),
            _ => ordered(1.0),
        },
        "supply_eta" => rounded(own.between(12, 2.0, 9.0), 1),
        _ => return None,
    })
}

/// How much is prepared, whether it is open, and the share of places taken.
fn state(moment: &Moment<'_>) -> (f64, bool, f64) {
    let Moment { own, weather, thing, at, .. } = moment;
    let Some(script) = moment.script() else {
        let prepared = weather.prepared;
        return (prepared, prepared > 0.1, own.between(11, 0.3, 0.85) * prepared);
    };
    let plan = script.shelters;
    let is_open = (plan.open.of(*own, 13)..plan.close.of(*own, 14)).contains(at);
    if !is_open {
        return (0.0, false, 0.0);
    }
    let most = own.between(11, plan.filled.0, plan.filled.1);
    let housed = thing.township.map_or(0.0, |code| script.evacuation.share_housed(code, *at));
    (1.0, true, most * housed)
}

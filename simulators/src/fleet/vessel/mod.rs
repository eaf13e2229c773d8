//! Fishing vessels: trips from their berth to a fishing ground and back, on
//! lines that keep to the water roughly. In a storm they come home; in a
//! script they shelter in a haven.

mod route;
mod voyage;

use model::Time;

use self::route::{Place, Route, offset_m};
use self::voyage::Voyage;
use super::{Moment, rounded};
use crate::weather::prepared;

const KNOT_MPS: f64 = 1852.0 / 3600.0;

/// Speed and course are those of the last minute.
const STEP: std::time::Duration = std::time::Duration::from_secs(60);

pub(super) fn value(moment: &Moment<'_>) -> Option<f64> {
    let Moment { noise, weather, at, .. } = moment;
    Some(match moment.property() {
        "position_longitude" => rounded(place(moment, *at)?.0, 5),
        "position_latitude" => rounded(place(moment, *at)?.1, 5),
        "speed_over_ground" => rounded(motion(moment)?.0, 1),
        "course_over_ground" => rounded(motion(moment)?.1, 0).rem_euclid(360.0),
        "sos_alarm" => 0.0,
        "bilge_level" => 0.0,
        "engine_coolant_temperature" => {
            let warm = if is_running(moment)? { 78.0 } else { 55.0 };
            rounded(warm + 4.0 * noise.smooth(*at, 1800.0) + 0.1 * weather.day, 1)
        }
        "engine_oil_pressure" => {
            // Moored vessels idle: the property is about a running engine.
            let pressure = if is_running(moment)? { 0.42 } else { 0.3 };
            rounded(pressure + 0.03 * noise.smooth(*at, 900.0), 2)
        }
        _ => return None,
    })
}

fn is_running(moment: &Moment<'_>) -> Option<bool> {
    Some(motion(moment)?.0 > 0.5)
}

/// Where the vessel is, with the swing about its anchor.
fn place(moment: &Moment<'_>, at: Time) -> Option<Place> {
    const SWING_DEG: f64 = 0.000_08;
    let home = moment.thing.position?;
    let (home, own) = ((home.longitude(), home.latitude()), moment.own);
    let (lon, lat) = match moment.script() {
        Some(script) => Voyage::new(own, home, &script.vessels).at(at),
        None => Route::from_home(own, home).at_trip(at, 1.0 - prepared(&moment.fleet.scenario, at)),
    };
    let drift = own.named("drift");
    Some((
        lon + SWING_DEG * drift.smooth(at, 900.0),
        lat + SWING_DEG * drift.named("n").smooth(at, 900.0),
    ))
}

/// Speed in knots and course in degrees over one step.
fn motion(moment: &Moment<'_>) -> Option<(f64, f64)> {
    let (before, after) = (place(moment, moment.at - STEP)?, place(moment, moment.at)?);
    let (east, north) = offset_m(before, after);
    let speed_kn = libm::hypot(east, north) / STEP.as_secs_f64() / KNOT_MPS;
    Some((speed_kn, libm::atan2(east, north).to_degrees().rem_euclid(360.0)))
}

//! Rain gauges, anemometers, tide, river and reservoir gauges.

use std::f64::consts::TAU;

use super::{Moment, rounded};
use crate::noise::seconds;
use crate::weather::rain_mm;

/// Periods of the two largest tides, in hours.
const M2_H: f64 = 12.420_601_2;
const S2_H: f64 = 12.0;

pub(super) fn value(moment: &Moment<'_>) -> Option<f64> {
    let Moment { noise, own, weather, at, .. } = moment;
    let (low, high) = moment.script().map_or((0.9, 1.12), |script| script.exposure);
    let exposure = own.between(1, low, high);
    Some(match moment.property() {
        "rainfall_depth" => {
            let place = moment.thing.position;
            let rain = rain_mm(moment.fleet.seed, &moment.fleet.scenario, place, moment.since, *at);
            // A script says itself how much falls where.
            let share = if moment.script().is_some() { 1.0 } else { own.between(2, 0.8, 1.2) };
            rounded(rain * share, 2)
        }
        "wind_speed" => rounded((weather.wind_mps * exposure + 0.3 * noise.white(*at)).max(0.0), 1),
        "wind_speed_of_gust" => {
            rounded((weather.gust_mps * exposure + 0.5 * noise.white(*at)).max(0.0), 1)
        }
        "wind_from_direction" => {
            rounded((weather.wind_from_deg + 15.0 * noise.smooth(*at, 300.0)).rem_euclid(360.0), 0)
        }
        "air_temperature" => {
            rounded(weather.temperature_c + own.between(3, -1.0, 1.0) + 0.1 * noise.white(*at), 1)
        }
        "air_pressure" => rounded(weather.pressure_hpa - own.between(4, 0.0, 6.0), 1),
        "visibility" => rounded(weather.visibility_m + 400.0 * noise.smooth(*at, 900.0), 0),
        "sea_surface_wave_significant_height" => {
            let sea = 0.6 + 0.11 * (weather.wind_mps - 4.0).max(0.0);
            rounded(sea + 0.1 * noise.smooth(*at, 2400.0), 2)
        }
        "tide_level" => rounded(tide_m(moment) + 0.01 * noise.white(*at), 3),
        "water_level" => {
            let mean = blue_level(moment, 1.6) - 0.45 + 0.08 * noise.smooth(*at, 86_400.0);
            rounded(mean + 1.2 * weather.river + 0.005 * noise.white(*at), 3)
        }
        "reservoir_level" => {
            let mean = blue_level(moment, 40.0) - 1.2 + 0.2 * noise.smooth(*at, 400_000.0);
            rounded(mean + 1.9 * weather.reservoir + 0.005 * noise.white(*at), 3)
        }
        "waterlogging_depth" => {
            let deepest = own.between(5, 25.0, 70.0);
            rounded(deepest * weather.street * weather.street, 1)
        }
        _ => return None,
    })
}

/// The station's own blue level, so that calm water lies just below it.
fn blue_level(moment: &Moment<'_>, otherwise: f64) -> f64 {
    moment.spec.levels.and_then(|levels| levels.blue).unwrap_or(otherwise)
}

/// M2 and S2 about the datum, an hour later per degree north, and a surge.
fn tide_m(moment: &Moment<'_>) -> f64 {
    let latitude = moment.thing.position.map_or(29.2, |position| position.latitude());
    let hours = seconds(moment.at) / 3600.0 - (latitude - 29.2);
    let wave = |amplitude_m: f64, period_h: f64| {
        let share = hours / period_h;
        amplitude_m * libm::cos((share - libm::floor(share)) * TAU)
    };
    0.2 + wave(1.5, M2_H) + wave(0.6, S2_H) + moment.weather.surge_m
}

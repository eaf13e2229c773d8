//! Local wind of a storm at a site (docs/indices.md 2.3, "Local wind model",
//! A): what `wind`, `outlook`, the replay and the third source of a wind
//! quantity compute.

use std::time::Duration;

use model::{Position, Time};

use super::geo::haversine_km;
use super::profiles::{AIR_DENSITY, atkinson_holliday_mps, radius_max_km};
use super::track::Track;

const HALF_SPAN: Duration = Duration::from_secs(3 * 3_600);
const SPAN_S: f64 = 6.0 * 3_600.0;

/// The parts of one evaluation of the local wind model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalWind {
    /// Mean wind at the site, m/s, compared with 2-minute thresholds.
    pub wind_mps: f64,
    /// Distance of the centre, km.
    pub distance_km: f64,
}

/// Wind at `site` at `time` (docs/indices.md 2.3 steps 1 to 5, A), m/s, 0 or
/// above: a Holland shape around the interpolated centre, strengthened on the
/// right of its motion, scaled by the track's intensity factor. No terrain, no
/// decay over land.
pub fn local_wind(track: &Track, site: Position, time: Time) -> LocalWind {
    let centre = track.at(time);
    let before = track.at(time - HALF_SPAN).position;
    let after = track.at(time + HALF_SPAN).position;
    let distance_km = haversine_km(centre.position, site);
    let translation_mps = translation_mps(before, after);

    let drop_hpa = pressure_drop_hpa(centre.pressure_hpa);
    let sustained_mps = sustained_wind_mps(drop_hpa, translation_mps);
    let b = local_wind_b(sustained_mps, drop_hpa);
    let q = libm::pow(radius_max_km(centre.pressure_hpa) / distance_km.max(1.0), b);
    let symmetric_mps = sustained_mps * libm::sqrt(q * libm::exp(1.0 - q));

    let side = side_of_motion(before, after, centre.position, site);
    let pushed_mps = 0.5 * translation_mps * side * (symmetric_mps / sustained_mps).min(1.0);
    let wind_mps = (symmetric_mps + pushed_mps).max(0.0) * track.intensity_factor();
    LocalWind { wind_mps, distance_km }
}

/// Speed of the centre (docs/indices.md 2.3 step 2, A), m/s: the distance
/// between the positions 3 h before and after, over 6 h also at the track's
/// ends.
fn translation_mps(before: Position, after: Position) -> f64 {
    haversine_km(before, after) * 1000.0 / SPAN_S
}

/// `Δp = max(1010 − p, 1)` hPa (docs/indices.md 2.3 step 3, A).
fn pressure_drop_hpa(pressure_hpa: f64) -> f64 {
    (1010.0 - pressure_hpa).max(1.0)
}

/// `vs = max(vm − 0.5·vt, 5)` (docs/indices.md 2.3 step 3, A), m/s: the wind
/// without the storm's own motion.
fn sustained_wind_mps(drop_hpa: f64, translation_mps: f64) -> f64 {
    (atkinson_holliday_mps(drop_hpa) - 0.5 * translation_mps).max(5.0)
}

/// `B = ρ e vs²/(100·Δp)` clipped to 1.0..2.2 (docs/indices.md 2.3 step 3, A).
fn local_wind_b(sustained_mps: f64, drop_hpa: f64) -> f64 {
    let raw =
        AIR_DENSITY * std::f64::consts::E * sustained_mps * sustained_mps / (100.0 * drop_hpa);
    raw.clamp(1.0, 2.2)
}

/// `sin(θ − φ)` of the direction of motion θ and the direction to the site φ
/// (docs/indices.md 2.3 step 4, A): +1 right of the motion, −1 left of it.
fn side_of_motion(before: Position, after: Position, centre: Position, site: Position) -> f64 {
    let narrowing = libm::cos(centre.latitude().to_radians());
    let motion = libm::atan2(
        after.latitude() - before.latitude(),
        (after.longitude() - before.longitude()) * narrowing,
    );
    let to_site = libm::atan2(
        site.latitude() - centre.latitude(),
        (site.longitude() - centre.longitude()) * narrowing,
    );
    libm::sin(motion - to_site)
}

#[cfg(test)]
mod tests {
    use super::super::track::Fix;
    use super::*;

    /// A storm that moves due north past (20 N, 130 E) at its middle.
    fn northward() -> Track {
        let fix = |hour: i64, latitude: f64| Fix {
            time: Time::from_millis_clamped(hour * 3_600_000),
            centre: Position::new(130.0, latitude).unwrap(),
            pressure_hpa: 960.0,
        };
        Track::new(vec![fix(0, 19.0), fix(12, 21.0)], 1.0).unwrap()
    }

    fn wind_at(latitude: f64, longitude: f64) -> LocalWind {
        let site = Position::new(longitude, latitude).unwrap();
        local_wind(&northward(), site, Time::from_millis_clamped(6 * 3_600_000))
    }

    #[test]
    fn the_right_side_is_stronger() {
        let (right, left) = (wind_at(20.0, 131.0), wind_at(20.0, 129.0));
        assert!((right.distance_km - left.distance_km).abs() < 1e-9);
        assert!(right.wind_mps > left.wind_mps + 2.0);
    }

    #[test]
    fn the_centre_and_the_far_field_are_calm() {
        assert!(wind_at(20.0, 130.0).wind_mps < 1.0);
        assert!(wind_at(20.0, 170.0).wind_mps < wind_at(20.0, 131.0).wind_mps / 3.0);
    }
}

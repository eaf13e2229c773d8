//! Distance and bearing on the sphere.

use model::Position;

/// Mean radius of the Earth, km (docs/indices.md 2.3, K).
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Great-circle distance by the haversine formula (K), km, 0..20,016.
pub fn haversine_km(from: Position, to: Position) -> f64 {
    let (lat_from, lat_to) = (from.latitude().to_radians(), to.latitude().to_radians());
    let half_lat = (lat_to - lat_from) / 2.0;
    let half_lon = (to.longitude() - from.longitude()).to_radians() / 2.0;
    let (sin_lat, sin_lon) = (libm::sin(half_lat), libm::sin(half_lon));
    let chord = sin_lat * sin_lat + libm::cos(lat_from) * libm::cos(lat_to) * sin_lon * sin_lon;
    2.0 * EARTH_RADIUS_KM * libm::asin(libm::sqrt(chord.min(1.0)))
}

/// Initial bearing of the great circle (K), degrees clockwise from north,
/// 0..360.
pub fn bearing_deg(from: Position, to: Position) -> f64 {
    let (lat_from, lat_to) = (from.latitude().to_radians(), to.latitude().to_radians());
    let lon = (to.longitude() - from.longitude()).to_radians();
    let east = libm::sin(lon) * libm::cos(lat_to);
    let north = libm::cos(lat_from) * libm::sin(lat_to)
        - libm::sin(lat_from) * libm::cos(lat_to) * libm::cos(lon);
    let degrees = libm::atan2(east, north).to_degrees();
    if degrees < 0.0 { degrees + 360.0 } else { degrees }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Position {
        Position::new(longitude, latitude).unwrap()
    }

    #[test]
    fn worked_example_18() {
        let shipu = at(29.2065, 121.9274);
        let hepu = at(29.15308, 121.90309);
        let danxi = at(29.47472, 121.86556);
        assert!((haversine_km(hepu, shipu) - 6.392).abs() < 1e-3);
        assert!((haversine_km(danxi, shipu) - 30.421).abs() < 1e-3);
    }

    #[test]
    fn bearings_turn_clockwise_from_north() {
        let origin = at(0.0, 120.0);
        for (target, expected) in [
            (at(1.0, 120.0), 0.0),
            (at(0.0, 121.0), 90.0),
            (at(-1.0, 120.0), 180.0),
            (at(0.0, 119.0), 270.0),
        ] {
            assert!((bearing_deg(origin, target) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn half_the_globe_is_the_largest_distance() {
        assert!((haversine_km(at(0.0, 0.0), at(0.0, 180.0)) - 20_015.11).abs() < 0.1);
    }
}

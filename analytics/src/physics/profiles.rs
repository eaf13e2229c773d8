//! Published wind profiles of tropical cyclones (docs/indices.md 2.3; equations
//! S, from CLIMADA). Pressures in hPa, distances in km, winds in m/s.

use crate::knots::piecewise_linear;

/// Density of air, kg/m³.
pub const AIR_DENSITY: f64 = 1.15;

/// Twice the angular velocity of the Earth, 1/s.
const EARTH_ROTATION_TWICE: f64 = 2.0 * 7.292e-5;

const EULER: f64 = std::f64::consts::E;

/// Coriolis parameter `f = 2·7.292e-5·sin φ` (K), 1/s, of a latitude in
/// degrees; negative in the south.
pub fn coriolis_per_s(latitude_deg: f64) -> f64 {
    EARTH_ROTATION_TWICE * libm::sin(latitude_deg.to_radians())
}

/// Holland 1980 B parameter (S): `B = ρ e v_g²/Δp`, clipped to 1..2.5; Δp in
/// hPa above 0, the gradient wind in m/s (a surface wind divided by 0.9).
pub fn holland_1980_b(pressure_drop_hpa: f64, gradient_wind_mps: f64) -> f64 {
    let raw =
        AIR_DENSITY * EULER * gradient_wind_mps * gradient_wind_mps / (100.0 * pressure_drop_hpa);
    raw.clamp(1.0, 2.5)
}

/// Holland 1980 gradient wind (S), m/s, 0 or above:
/// `v = √[(B/ρ)(Rm/r)^B Δp e^{−(Rm/r)^B} + (r f/2)²] − r|f|/2`.
pub fn holland_1980_wind_mps(
    radius_km: f64,
    radius_max_km: f64,
    b: f64,
    pressure_drop_hpa: f64,
    latitude_deg: f64,
) -> f64 {
    if radius_km <= 0.0 {
        return 0.0;
    }
    let shape = libm::pow(radius_max_km / radius_km, b);
    let pressure_term = b / AIR_DENSITY * shape * (100.0 * pressure_drop_hpa) * libm::exp(-shape);
    let coriolis_term = radius_km * 1000.0 * coriolis_per_s(latitude_deg).abs() / 2.0;
    libm::sqrt(pressure_term + coriolis_term * coriolis_term) - coriolis_term
}

/// Holland 2008 surface B parameter (S): `bs = −4.4e-5Δp² + 0.01Δp + 0.03 dp/dt
/// − 0.014|φ| + 0.15 vt^x + 1`, `x = 0.6(1 − Δp/215)`; hPa, hPa/h, degrees, m/s.
pub fn holland_2008_b(
    pressure_drop_hpa: f64,
    pressure_change_hpa_per_h: f64,
    latitude_deg: f64,
    translation_mps: f64,
) -> f64 {
    let x = 0.6 * (1.0 - pressure_drop_hpa / 215.0);
    -4.4e-5 * pressure_drop_hpa * pressure_drop_hpa
        + 0.01 * pressure_drop_hpa
        + 0.03 * pressure_change_hpa_per_h
        - 0.014 * latitude_deg.abs()
        + 0.15 * libm::pow(translation_mps, x)
        + 1.0
}

/// Holland 2008 maximum surface wind (S), m/s, 1-minute: `vm = √(b Δp/(ρ e))`.
pub fn holland_2008_wind_max_mps(b: f64, pressure_drop_hpa: f64) -> f64 {
    libm::sqrt(b * 100.0 * pressure_drop_hpa / (AIR_DENSITY * EULER))
}

/// Wind and radius at which Holland 2010 fits its outer exponent.
pub const HOLLAND_2010_OUTER_WIND_MPS: f64 = 17.0;
pub const HOLLAND_2010_OUTER_RADIUS_KM: f64 = 300.0;

/// Holland 2010 outer exponent (S), 0 or above:
/// `x_n = ln(v_n/vm)/ln((Rm/r_n)^b e^{1−(Rm/r_n)^b})` at 17 m/s and 300 km.
pub fn holland_2010_outer_exponent(wind_max_mps: f64, radius_max_km: f64, b: f64) -> f64 {
    let decay = holland_2010_decay(HOLLAND_2010_OUTER_RADIUS_KM, radius_max_km, b);
    let exponent = libm::log(HOLLAND_2010_OUTER_WIND_MPS / wind_max_mps) / libm::log(decay);
    exponent.max(0.0)
}

/// Holland 2010 surface wind (S), m/s, 0..vm: `v = vm{(Rm/r)^b e^{1−(Rm/r)^b}}^x`,
/// v(0) = 0; x is 0.5 up to Rm and from there linear in r to x_n at 300 km, on
/// with the same slope, not below 0.
pub fn holland_2010_wind_mps(radius_km: f64, wind_max_mps: f64, radius_max_km: f64, b: f64) -> f64 {
    if radius_km <= 0.0 {
        return 0.0;
    }
    let x = if radius_km <= radius_max_km {
        0.5
    } else {
        let outer = holland_2010_outer_exponent(wind_max_mps, radius_max_km, b);
        let span = HOLLAND_2010_OUTER_RADIUS_KM - radius_max_km;
        (0.5 + (radius_km - radius_max_km) * (outer - 0.5) / span).max(0.0)
    };
    wind_max_mps * libm::pow(holland_2010_decay(radius_km, radius_max_km, b), x)
}

/// `(Rm/r)^b e^{1−(Rm/r)^b}`, 0..1.
fn holland_2010_decay(radius_km: f64, radius_max_km: f64, b: f64) -> f64 {
    let shape = libm::pow(radius_max_km / radius_km, b);
    shape * libm::exp(1.0 - shape)
}

const NAUTICAL_MILE_KM: f64 = 1.852;
const RADIUS_KNOTS_HPA: [f64; 4] = [872.0, 940.0, 980.0, 1021.0];
const RADIUS_KNOTS_NM: [f64; 4] = [14.907318, 15.726927, 25.742142, 56.856522];

/// Radius of maximum wind by central pressure (docs/indices.md 2.3, S), km:
/// linear between four knots, clamped at both ends, 27.6..105.3.
pub fn radius_max_km(central_pressure_hpa: f64) -> f64 {
    piecewise_linear(&RADIUS_KNOTS_HPA, &RADIUS_KNOTS_NM, central_pressure_hpa) * NAUTICAL_MILE_KM
}

/// Atkinson–Holliday maximum wind (K), 1-minute, m/s: `3.447·Δp^0.644`, Δp in
/// hPa below 1010.
pub fn atkinson_holliday_mps(pressure_drop_hpa: f64) -> f64 {
    3.447 * libm::pow(pressure_drop_hpa.max(0.0), 0.644)
}

/// Surge from the fall of pressure alone (docs/indices.md 2.3, K), m: 1 cm per
/// hPa.
pub fn pressure_surge_m(pressure_drop_hpa: f64) -> f64 {
    0.01 * pressure_drop_hpa
}

/// Wind set-up (docs/indices.md 2.3, K), m: `η = ρa Cd U² F/(ρw g h)` with the
/// fetch and the mean depth in m, ρw = 1025 kg/m³, g = 9.81 m/s².
pub fn wind_setup_m(wind_mps: f64, drag: f64, fetch_m: f64, depth_m: f64) -> f64 {
    AIR_DENSITY * drag * wind_mps * wind_mps * fetch_m / (1025.0 * 9.81 * depth_m)
}

/// Weight of a place when only a bulletin's force-7 radius is known
/// (docs/indices.md 2.3, A), 0..1: `exp(−max(0, d − R7)/300 km)`.
pub fn bulletin_weight(distance_km: f64, force7_radius_km: f64) -> f64 {
    libm::exp(-(distance_km - force7_radius_km).max(0.0) / 300.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() < tolerance, "{found} {expected}");
    }

    #[test]
    fn worked_example_7_holland_1980() {
        let radii = [299.4501, 291.0738, 292.5441, 40.66545];
        for (radius, expected) in radii.into_iter().zip([11.28, 11.68, 11.61, 42.41]) {
            let found = holland_1980_wind_mps(radius, 40.66545, 1.486076, 39.12, -14.0891);
            near(found, expected, 1e-2);
        }
    }

    #[test]
    fn worked_example_9_holland_1980_b() {
        near(holland_1980_b(15.0, 35.0), 2.5, 1e-9);
        near(holland_1980_b(30.0, 40.0), 1.667213, 1e-6);
    }

    #[test]
    fn worked_example_10_holland_2008() {
        near(holland_2008_wind_max_mps(2.5, 15.0), 34.635341, 1e-6);
        near(holland_2008_wind_max_mps(1.67, 30.0), 40.033421, 1e-6);
    }

    #[test]
    fn holland_2010_passes_its_three_fixed_points() {
        let wind = |radius| holland_2010_wind_mps(radius, 40.0, 40.0, 1.5);
        near(wind(0.0), 0.0, 1e-12);
        near(wind(40.0), 40.0, 1e-9);
        near(wind(300.0), 17.0, 1e-9);
    }

    #[test]
    fn holland_2008_b_of_a_standing_storm() {
        near(holland_2008_b(50.0, 0.0, 20.0, 0.0), -0.11 + 0.5 - 0.28 + 1.0, 1e-9);
    }

    #[test]
    fn radius_and_wind_by_pressure() {
        near(radius_max_km(850.0), 14.907318 * 1.852, 1e-9);
        near(radius_max_km(960.0), (15.726927 + 25.742142) / 2.0 * 1.852, 1e-9);
        near(radius_max_km(1030.0), 56.856522 * 1.852, 1e-9);
        for (pressure, wind) in [(955.0, 45.5), (965.0, 40.0), (975.0, 34.0), (985.0, 27.4)] {
            near(atkinson_holliday_mps(1010.0 - pressure), wind, 0.06);
        }
    }

    #[test]
    fn surge_and_bulletin_weight() {
        near(pressure_surge_m(45.0), 0.45, 1e-12);
        near(bulletin_weight(500.0, 200.0), libm::exp(-1.0), 1e-12);
        near(bulletin_weight(100.0, 200.0), 1.0, 1e-12);
        near(wind_setup_m(30.0, 2e-3, 1e5, 20.0), 1.029, 1e-3);
    }
}

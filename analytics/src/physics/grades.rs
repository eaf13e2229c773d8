//! Classes of wind, cyclones, rain and water (docs/indices.md 1.1 and 1.2).

use model::{Level, Position, Thresholds};

/// Lower bounds of Beaufort forces 0 to 17 and "above 17", m/s (GB/T
/// 28591-2012, K).
pub const BEAUFORT_LOWER_MPS: [f64; 19] = [
    0.0, 0.3, 1.6, 3.4, 5.5, 8.0, 10.8, 13.9, 17.2, 20.8, 24.5, 28.5, 32.7, 37.0, 41.5, 46.2, 51.0,
    56.1, 61.3,
];

/// Beaufort force of a mean wind in m/s (GB/T 28591-2012, K): 0..18, where 18
/// means above 17. Classified by the table, never by the formula of the
/// middles.
pub fn beaufort_force(wind_mps: f64) -> usize {
    BEAUFORT_LOWER_MPS.partition_point(|bound| *bound <= wind_mps).saturating_sub(1)
}

/// Middle of a Beaufort class, m/s: `v ≈ 0.836·B^1.5` (docs/indices.md 1.1, K).
pub fn beaufort_middle_mps(force: u32) -> f64 {
    let force = f64::from(force);
    0.836 * force * libm::sqrt(force)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CycloneGrade {
    TropicalDepression,
    TropicalStorm,
    SevereTropicalStorm,
    Typhoon,
    SevereTyphoon,
    SuperTyphoon,
}

/// Grade of a tropical cyclone by its 2-minute mean wind near the centre, m/s
/// (GB/T 19201-2006, K); `None` below 10.8.
pub fn cyclone_grade(wind_2min_mps: f64) -> Option<CycloneGrade> {
    let grades = [
        (51.0, CycloneGrade::SuperTyphoon),
        (41.5, CycloneGrade::SevereTyphoon),
        (32.7, CycloneGrade::Typhoon),
        (24.5, CycloneGrade::SevereTropicalStorm),
        (17.2, CycloneGrade::TropicalStorm),
        (10.8, CycloneGrade::TropicalDepression),
    ];
    grades.into_iter().find(|(bound, _)| wind_2min_mps >= *bound).map(|(_, grade)| grade)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RainGrade {
    None,
    Light,
    Moderate,
    Heavy,
    Rainstorm,
    HeavyRainstorm,
    ExtremeRainstorm,
}

const RAIN_GRADES: [RainGrade; 7] = [
    RainGrade::None,
    RainGrade::Light,
    RainGrade::Moderate,
    RainGrade::Heavy,
    RainGrade::Rainstorm,
    RainGrade::HeavyRainstorm,
    RainGrade::ExtremeRainstorm,
];

/// Grade of 24 h of rain, mm (GB/T 28592-2012, K).
pub fn rain_grade_24h(depth_mm: f64) -> RainGrade {
    rain_grade(depth_mm, [0.1, 10.0, 25.0, 50.0, 100.0, 250.0])
}

/// Grade of 12 h of rain, mm (GB/T 28592-2012, K).
pub fn rain_grade_12h(depth_mm: f64) -> RainGrade {
    rain_grade(depth_mm, [0.1, 5.0, 15.0, 30.0, 70.0, 140.0])
}

fn rain_grade(depth_mm: f64, bounds: [f64; 6]) -> RainGrade {
    RAIN_GRADES[bounds.partition_point(|bound| *bound <= depth_mm)]
}

/// China's 24 h typhoon warning line, (lon E, lat N), north to south
/// (docs/indices.md 1.1, K).
pub const WARNING_LINE_24H: [(f64, f64); 6] =
    [(132.0, 34.0), (119.0, 22.0), (119.0, 18.0), (113.0, 11.0), (113.0, 4.5), (105.0, 0.0)];

/// China's 48 h typhoon warning line (docs/indices.md 1.1, K).
pub const WARNING_LINE_48H: [(f64, f64); 4] =
    [(132.0, 34.0), (132.0, 15.0), (120.0, 0.0), (105.0, 0.0)];

/// Is a centre on China's side of a warning line? It is when the line, at the
/// centre's latitude, runs no further west than the centre; north of the line
/// its northern end holds on, south of it nothing is inside.
pub fn is_inside_warning_line(centre: Position, line: &[(f64, f64)]) -> bool {
    let (lat, lon) = (centre.latitude(), centre.longitude());
    if lat >= line[0].1 {
        return lon <= line[0].0;
    }
    let crossing = line.windows(2).find(|pair| pair[1].1 <= lat && lat < pair[0].1);
    crossing.is_some_and(|pair| {
        let ((lon_north, lat_north), (lon_south, lat_south)) = (pair[0], pair[1]);
        let share = (lat_north - lat) / (lat_north - lat_south);
        lon <= lon_north + (lon_south - lon_north) * share
    })
}

/// Levels of a river station from its warning and guarantee stages, m
/// (docs/indices.md 1.2: yellow and red K; blue 0.3 m below, orange midway, A).
pub fn river_levels(warning_m: f64, guarantee_m: f64) -> Thresholds {
    Thresholds {
        blue: Some(warning_m - 0.3),
        yellow: Some(warning_m),
        orange: Some((warning_m + guarantee_m) / 2.0),
        red: Some(guarantee_m),
    }
}

/// Levels of a reservoir from its flood-season limit and design flood stages,
/// m (docs/indices.md 1.2: blue and red K; yellow and orange at a quarter and
/// half of the way, A).
pub fn reservoir_levels(limit_m: f64, design_m: f64) -> Thresholds {
    let span = design_m - limit_m;
    Thresholds {
        blue: Some(limit_m),
        yellow: Some(limit_m + 0.25 * span),
        orange: Some(limit_m + 0.5 * span),
        red: Some(design_m),
    }
}

/// Level of the tide signal by the rule before 2012 (docs/indices.md 1.2, K),
/// m: red above 0.80 over the warning level, orange from 0.30, yellow from 0,
/// blue below it with a surge of at least 0.50.
pub fn tide_level_before_2012(tide_m: f64, warning_m: f64, surge_m: f64) -> Level {
    match tide_m - warning_m {
        over if over > 0.8 => Level::Red,
        over if over >= 0.3 => Level::Orange,
        over if over >= 0.0 => Level::Yellow,
        _ if surge_m >= 0.5 => Level::Blue,
        _ => Level::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forces_follow_the_table() {
        for (wind, force) in [(0.0, 0), (10.7, 5), (10.8, 6), (32.7, 12), (61.2, 17), (61.3, 18)] {
            assert_eq!(beaufort_force(wind), force);
        }
        for (force, middle) in [(6, 12.3), (8, 18.9), (10, 26.4), (12, 34.8)] {
            assert!((beaufort_middle_mps(force) - middle).abs() < 0.06);
        }
    }

    #[test]
    fn cyclones_and_rain_are_graded_by_their_bounds() {
        assert_eq!(cyclone_grade(10.7), None);
        assert_eq!(cyclone_grade(32.7), Some(CycloneGrade::Typhoon));
        assert_eq!(cyclone_grade(51.0), Some(CycloneGrade::SuperTyphoon));
        assert_eq!(rain_grade_24h(50.0), RainGrade::Rainstorm);
        assert_eq!(rain_grade_24h(249.9), RainGrade::HeavyRainstorm);
        assert_eq!(rain_grade_12h(0.0), RainGrade::None);
    }

    #[test]
    fn warning_lines_part_the_sea() {
        let at = |lon, lat| Position::new(lon, lat).unwrap();
        assert!(is_inside_warning_line(at(118.9, 20.0), &WARNING_LINE_24H));
        assert!(!is_inside_warning_line(at(119.1, 20.0), &WARNING_LINE_24H));
        assert!(is_inside_warning_line(at(131.0, 20.0), &WARNING_LINE_48H));
        assert!(!is_inside_warning_line(at(133.0, 20.0), &WARNING_LINE_48H));
    }

    #[test]
    fn water_levels_are_derived_from_the_two_known_ones() {
        let river = river_levels(1.9, 2.5);
        assert!((river.blue.unwrap() - 1.6).abs() < 1e-12);
        assert!((river.orange.unwrap() - 2.2).abs() < 1e-12);
        assert_eq!(reservoir_levels(40.0, 48.0).yellow, Some(42.0));
        assert_eq!(tide_level_before_2012(4.0, 3.5, 0.0), Level::Orange);
        assert_eq!(tide_level_before_2012(3.0, 3.5, 0.6), Level::Blue);
    }
}

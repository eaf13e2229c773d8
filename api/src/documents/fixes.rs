//! Positions of a storm's centre, as clients send them: in JSON or in the rows
//! of a file.

use model::{Position, StormFix, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checks::Checks;
use crate::problem::Check;

/// More than any agency gives of one storm.
pub(super) const FIXES_MAX: usize = 400;

const PRESSURE_HPA: (f64, f64) = (850.0, 1050.0);
const WIND_MPS_MAX: f64 = 150.0;
const RADIUS_KM_MAX: f64 = 3_000.0;

/// The centre of a storm at an instant.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StormFix)]
pub(super) struct FixView {
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    /// `[longitude, latitude]` in degrees, WGS 84.
    #[schema(example = json!([123.4, 28.9]))]
    position: [f64; 2],
    #[schema(example = 965.0)]
    pressure_hpa: f64,
    /// Highest mean wind near the centre, averaged as the bulletin says.
    wind_mps: Option<f64>,
    /// Largest radius of winds of force 7, km.
    force7_km: Option<f64>,
    force10_km: Option<f64>,
    force12_km: Option<f64>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = StormFixInput)]
#[serde(deny_unknown_fields)]
pub(super) struct FixInput {
    #[schema(value_type = String, format = DateTime)]
    pub(super) time: Time,
    /// `[longitude, latitude]` in degrees, WGS 84.
    #[schema(value_type = [f64; 2], example = json!([123.4, 28.9]))]
    pub(super) position: PositionInput,
    #[schema(minimum = 850, maximum = 1050, example = 965.0)]
    pub(super) pressure_hpa: f64,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 150)]
    pub(super) wind_mps: Option<f64>,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3000)]
    pub(super) force7_km: Option<f64>,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3000)]
    pub(super) force10_km: Option<f64>,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3000)]
    pub(super) force12_km: Option<f64>,
}

/// A pair, or named as configuration files name it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "a position is [longitude, latitude]")]
pub(super) enum PositionInput {
    Pair([f64; 2]),
    Named(Named),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    longitude: f64,
    latitude: f64,
}

/// A fix and the place that its problems are told of.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// As `#/observed/3` or `#/lines/17`.
    pub(super) place: String,
    pub(super) fix: FixInput,
}

/// Rows of a JSON array.
pub(super) fn rows(list: &str, fixes: Vec<FixInput>) -> Vec<Row> {
    let numbered = fixes.into_iter().enumerate();
    numbered.map(|(index, fix)| Row { place: format!("#/{list}/{index}"), fix }).collect()
}

/// Checks what was observed up to `issued` and forecast after it.
pub(super) fn check(
    checks: &mut Checks,
    issued: Option<Time>,
    observed: &[Row],
    forecast: &[Row],
) -> (Vec<StormFix>, Vec<StormFix>) {
    let found = observed.len() + forecast.len();
    if found > FIXES_MAX {
        let longer = if observed.len() >= forecast.len() { observed } else { forecast };
        let list = longer.first().map_or("#/observed", |row| row.place.as_str());
        let list = list.rsplit_once('/').map_or(list, |(list, _)| list);
        checks.refuse(list, Check::TooMany { found, max: FIXES_MAX });
        return (Vec::new(), Vec::new());
    }
    check_order(checks, observed);
    check_order(checks, forecast);
    for row in observed {
        if issued.is_some_and(|issued| row.fix.time > issued) {
            checks.refuse(format!("{}/time", row.place), Check::ObservedAfterIssue);
        }
    }
    let last_observed = observed.iter().map(|row| row.fix.time).max();
    for row in forecast {
        if last_observed.is_some_and(|last| row.fix.time <= last) {
            checks.refuse(format!("{}/time", row.place), Check::ForecastNotAfterObserved);
        }
    }
    let mut read = |rows: &[Row]| rows.iter().filter_map(|row| check_one(checks, row)).collect();
    (read(observed), read(forecast))
}

fn check_order(checks: &mut Checks, rows: &[Row]) {
    for pair in rows.windows(2) {
        if pair[1].fix.time <= pair[0].fix.time {
            checks.refuse(format!("{}/time", pair[1].place), Check::TimeBackwards);
        }
    }
}

fn check_one(checks: &mut Checks, row: &Row) -> Option<StormFix> {
    let Row { place, fix } = row;
    let (longitude, latitude) = match fix.position {
        PositionInput::Pair([longitude, latitude]) => (longitude, latitude),
        PositionInput::Named(Named { longitude, latitude }) => (longitude, latitude),
    };
    let position = Position::new(longitude, latitude);
    if position.is_err() {
        let (longitude, latitude) = (longitude.to_string(), latitude.to_string());
        checks.refuse(format!("{place}/position"), Check::OffGlobe { longitude, latitude });
    }
    let (min, max) = PRESSURE_HPA;
    checks.within(format!("{place}/pressure_hpa"), fix.pressure_hpa, min, max);
    let others = [
        ("wind_mps", fix.wind_mps, WIND_MPS_MAX),
        ("force7_km", fix.force7_km, RADIUS_KM_MAX),
        ("force10_km", fix.force10_km, RADIUS_KM_MAX),
        ("force12_km", fix.force12_km, RADIUS_KM_MAX),
    ];
    for (name, value, max) in others {
        if let Some(value) = value {
            checks.within(format!("{place}/{name}"), value, 0.0, max);
        }
    }
    Some(StormFix {
        time: fix.time,
        position: position.ok()?,
        pressure_hpa: fix.pressure_hpa,
        wind_mps: fix.wind_mps,
        force7_km: fix.force7_km,
        force10_km: fix.force10_km,
        force12_km: fix.force12_km,
    })
}

impl From<&StormFix> for FixView {
    fn from(fix: &StormFix) -> FixView {
        FixView {
            time: fix.time,
            position: [fix.position.longitude(), fix.position.latitude()],
            pressure_hpa: fix.pressure_hpa,
            wind_mps: fix.wind_mps,
            force7_km: fix.force7_km,
            force10_km: fix.force10_km,
            force12_km: fix.force12_km,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Hour, longitude, latitude, pressure.
    type Given = (u64, f64, f64, f64);

    fn series(list: &str, given: &[Given]) -> Vec<Row> {
        let fixes = given
            .iter()
            .map(|&(hour, longitude, latitude, pressure_hpa)| FixInput {
                time: Time::EPOCH + Duration::from_secs(hour * 3_600),
                position: PositionInput::Pair([longitude, latitude]),
                pressure_hpa,
                wind_mps: None,
                force7_km: None,
                force10_km: None,
                force12_km: None,
            })
            .collect();
        rows(list, fixes)
    }

    #[track_caller]
    fn check_refused(observed: &[Given], forecast: &[Given], expected: &[&str]) {
        let mut checks = Checks::default();
        let issued = Some(Time::EPOCH + Duration::from_secs(12 * 3_600));
        let (observed, forecast) = (series("observed", observed), series("forecast", forecast));
        check(&mut checks, issued, &observed, &forecast);
        let found: Vec<String> =
            checks.into_errors().iter().map(|error| format!("{:?}", error.place)).collect();
        let expected: Vec<String> =
            expected.iter().map(|pointer| format!("Pointer({pointer:?})")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_bad_row_is_named() {
        let good = (6, 129.1, 26.7, 980.0);
        check_refused(&[good], &[(18, 127.0, 27.0, 970.0)], &[]);
        let off = [(0, 29.0, 129.1, 980.0), (6, f64::NAN, 27.0, 0.0)];
        let pointers =
            ["#/observed/0/position", "#/observed/1/position", "#/observed/1/pressure_hpa"];
        check_refused(&off, &[], &pointers);
        check_refused(&[good, good], &[], &["#/observed/1/time"]);
        check_refused(&[(13, 129.1, 26.7, 980.0)], &[], &["#/observed/0/time"]);
        check_refused(&[good], &[good], &["#/forecast/0/time"]);
        check_refused(&vec![good; 401], &[], &["#/observed"]);
    }
}

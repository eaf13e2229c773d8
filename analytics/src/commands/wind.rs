//! `wind` and `outlook`: the local wind of a storm's track at a site.

use std::fmt::Write;

use model::{Position, Time};

use super::{Columns, CommandError, csv_error, line_of};
use crate::physics::local_wind::local_wind;
use crate::physics::outlook::{LadderStep, first_times};
use crate::physics::track::{Fix, Track, TrackError};

const COLUMNS: [&str; 6] = ["storm", "utc", "lat", "lon", "pres_hpa", "intensity_factor"];
const N_REQUIRED: usize = 5;

/// Reads one storm from a track file: columns `storm`, `utc`, `lat`, `lon`,
/// `pres_hpa` and optionally `intensity_factor`, which is one number per storm;
/// other columns are left alone.
pub fn read_track(track_csv: &str, storm: &str) -> Result<Track, CommandError> {
    let mut reader = csv::Reader::from_reader(track_csv.as_bytes());
    let header = reader.headers().map_err(|error| csv_error(&error))?.clone();
    let columns = Columns::find(&header, &COLUMNS, N_REQUIRED)?;

    let mut fixes = Vec::new();
    let mut lines = Vec::new();
    let mut factor = None;
    let mut storms = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(&error))?;
        let name = columns.cell(&record, 0).to_owned();
        let is_asked = name.eq_ignore_ascii_case(storm);
        if !storms.contains(&name) {
            storms.push(name);
        }
        if !is_asked {
            continue;
        }
        fixes.push(read_fix(&columns, &record)?);
        lines.push(line_of(&record));
        if !columns.cell(&record, 5).is_empty() {
            let given = columns.number(&record, 5)?;
            if factor.is_some_and(|factor| factor != given) {
                let reason = "intensity_factor differs from the storm's rows before";
                return Err(CommandError::line(line_of(&record), reason));
            }
            factor = Some(given);
        }
    }
    if fixes.is_empty() {
        let reason = format!("`{storm}` is not in the file; there are {}", storms.join(", "));
        return Err(CommandError::key("storm", reason));
    }
    Track::new(fixes, factor.unwrap_or(1.0)).map_err(|error| match error {
        TrackError::TimeBackwards { index, .. } | TrackError::Pressure { index, .. } => {
            CommandError::line(lines[index], error.to_string())
        }
        error => CommandError::line(lines[0], error.to_string()),
    })
}

fn read_fix(columns: &Columns, record: &csv::StringRecord) -> Result<Fix, CommandError> {
    let refuse = |reason: String| CommandError::line(line_of(record), reason);
    let time = Time::parse(columns.cell(record, 1)).map_err(|error| refuse(error.to_string()))?;
    let (latitude, longitude) = (columns.number(record, 2)?, columns.number(record, 3)?);
    let centre = Position::new(longitude, latitude).map_err(|error| refuse(error.to_string()))?;
    Ok(Fix { time, centre, pressure_hpa: columns.number(record, 4)? })
}

/// Reads `LAT,LON`.
pub fn parse_site(text: &str) -> Result<Position, CommandError> {
    let refuse = |reason: String| CommandError::key("at", reason);
    let numbers: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    let [latitude, longitude] = numbers[..] else {
        let shown: String = text.escape_debug().take(40).collect();
        return Err(refuse(format!("`{shown}` is no LAT,LON such as 29.21,121.95")));
    };
    Position::new(longitude, latitude).map_err(|error| refuse(error.to_string()))
}

/// CSV `time,wind_mps,distance_km`, hourly from the first fix to the last.
pub fn wind(track_csv: &str, storm: &str, site: Position) -> Result<String, CommandError> {
    let track = read_track(track_csv, storm)?;
    let mut text = String::from("time,wind_mps,distance_km\n");
    for time in track.hours() {
        let local = local_wind(&track, site, time);
        writeln!(text, "{time},{:.2},{:.1}", local.wind_mps, local.distance_km)
            .expect("a String takes every write");
    }
    Ok(text)
}

/// CSV `level,first_time`: when each step of the ladder first became true;
/// empty for never.
pub fn outlook(
    track_csv: &str,
    storm: &str,
    site: Position,
    ladder: &[LadderStep],
) -> Result<String, CommandError> {
    let track = read_track(track_csv, storm)?;
    let mut text = String::from("level,first_time\n");
    for (level, time) in first_times(&track, site, ladder) {
        let time = time.map(|time| time.to_string()).unwrap_or_default();
        writeln!(text, "{},{time}", format!("{level:?}").to_lowercase())
            .expect("a String takes every write");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "storm,utc,lat,lon,pres_hpa\n";

    #[track_caller]
    fn check_refused(rows: &str, expected: &str) {
        let error = read_track(&format!("{HEADER}{rows}"), "A").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn broken_tracks_are_refused_with_their_line() {
        check_refused("A,2012-08-05T00:00Z,97,129.1,980\n", "line 2: longitude 129.1, latitude 97");
        check_refused(
            "A,2012-08-05T06:00Z,27,129.1,980\nB,2012-08-05T00:00Z,27,129,980\nA,2012-08-05T00:00Z,27,129,980\n",
            "line 4: fix 1: time",
        );
        check_refused("A,2012-08-05T06:00Z,27,129.1,0\n", "line 2: fix 0: pressure 0 hPa");
        check_refused("A,2012-08-05T06:00Z,27,NaN,980\n", "line 2: lon `NaN` is not a finite");
        check_refused("A,2012-08-05T06:00,27,129,980\n", "line 2: time");
        check_refused("B,2012-08-05T06:00Z,27,129,980\n", "there are B");
    }

    #[test]
    fn sites_are_latitude_then_longitude() {
        assert_eq!(parse_site("29.21, 121.95").unwrap().latitude(), 29.21);
        for text in ["29.21", "121.95,29.21", "a,b", "29.21,121.95,3"] {
            assert!(parse_site(text).is_err(), "{text}");
        }
    }
}

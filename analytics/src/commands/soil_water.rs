//! `soil-water`: the soil water index of a series of rain.

use std::fmt::Write;
use std::time::Duration;

use model::{Time, duration_text};

use super::{Columns, CommandError, csv_error, line_of};
use crate::physics::soil_water::{STEP_MAX_H, SoilWater};

const COLUMNS: [&str; 2] = ["time", "rain_mm"];

/// More steps than this between two rows are refused as a slip in the times.
const GAP_STEPS_MAX: i64 = 1_000_000;

/// CSV `time,swi_mm` of CSV `time,rain_mm`: rain of the step of `every` that
/// ends at `time`. A step without a row, or with an empty cell, holds the
/// tanks.
pub fn soil_water(rain_csv: &str, every: Duration) -> Result<String, CommandError> {
    let step_h = every.as_secs_f64() / 3_600.0;
    if !(0.0 < step_h && step_h <= STEP_MAX_H) {
        let reason = format!("{} is not a step of up to 1h", duration_text::format(every));
        return Err(CommandError::key("every", reason));
    }
    let step_ms = i64::try_from(every.as_millis()).expect("a step of up to 1 h");

    let mut reader = csv::Reader::from_reader(rain_csv.as_bytes());
    let header = reader.headers().map_err(|error| csv_error(&error))?.clone();
    let columns = Columns::find(&header, &COLUMNS, COLUMNS.len())?;

    let mut text = String::from("time,swi_mm\n");
    let mut state = SoilWater::default();
    let mut before: Option<Time> = None;
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(&error))?;
        let refuse = |reason: String| CommandError::line(line_of(&record), reason);
        let time =
            Time::parse(columns.cell(&record, 0)).map_err(|error| refuse(error.to_string()))?;
        let rain = match columns.cell(&record, 1) {
            "" => None,
            _ => Some(columns.number(&record, 1)?),
        };
        if rain.is_some_and(|rain| rain < 0.0) {
            return Err(refuse("rain_mm is below 0".to_owned()));
        }
        if let Some(before) = before {
            let since_ms = time.millis_since(before);
            if since_ms <= 0 || since_ms % step_ms != 0 || since_ms / step_ms > GAP_STEPS_MAX {
                return Err(refuse(format!(
                    "{time} is not a whole number of steps after {before}"
                )));
            }
            for step in 1..since_ms / step_ms {
                state = state.step(None, step_h);
                write_row(
                    &mut text,
                    before + every * u32::try_from(step).unwrap_or(u32::MAX),
                    &state,
                );
            }
        }
        state = state.step(rain, step_h);
        write_row(&mut text, time, &state);
        before = Some(time);
    }
    Ok(text)
}

fn write_row(text: &mut String, time: Time, state: &SoilWater) {
    writeln!(text, "{time},{:.4}", state.index_mm()).expect("a String takes every write");
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn values(rows: &[(u32, &str)]) -> Result<Vec<String>, CommandError> {
        let mut input = String::from("time,rain_mm\n");
        for (hour, rain) in rows {
            writeln!(input, "2026-07-25T{hour:02}:00:00+08:00,{rain}").unwrap();
        }
        let text = soil_water(&input, HOUR)?;
        Ok(text.lines().skip(1).map(|row| row.split_once(',').unwrap().1.to_owned()).collect())
    }

    #[test]
    fn worked_example_12_by_the_command() {
        let rows = [(1, "20"), (2, "40"), (3, "30"), (4, "0"), (5, "0"), (6, "0")];
        let expected = ["20.0000", "59.5000", "85.2900", "76.7793", "72.2932", "68.6341"];
        assert_eq!(values(&rows).unwrap(), expected);
    }

    #[test]
    fn missing_steps_hold_the_index() {
        let expected = ["20.0000", "20.0000", "20.0000", "19.5000"];
        assert_eq!(values(&[(1, "20"), (2, ""), (4, "0")]).unwrap(), expected);
    }

    #[test]
    fn bad_rows_are_refused_with_their_line() {
        for (rows, expected) in [
            ([(2, "1"), (1, "1")], "line 3: 2026-07-25T01"),
            ([(1, "1"), (2, "-1")], "line 3: rain_mm is below 0"),
            ([(1, "x"), (2, "1")], "line 2: rain_mm `x`"),
        ] {
            let error = values(&rows).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(soil_water("time,rain_mm\n", HOUR * 2).is_err());
    }
}

//! The CSV files of a scenario.

use std::collections::BTreeMap;

use csv::StringRecord;
use model::{Channel, Position, StormFix, Time, TownshipCode};

use super::Surroundings;
use crate::config::Problem;

const KNOT_MPS: f64 = 1852.0 / 3600.0;
const HOUR_MS: i64 = 3_600_000;

/// No file of a scenario comes near it.
const ROWS_MAX: usize = 10_000;

pub(super) fn problem(file: &str, line: Option<usize>, reason: String) -> Problem {
    Problem { file: file.to_owned(), line, key: String::new(), reason }
}

/// A file's header and rows; its mistakes go to the common list.
struct Table<'a> {
    shown: &'a str,
    header: StringRecord,
    /// With their lines.
    rows: Vec<(usize, StringRecord)>,
}

impl<'a> Table<'a> {
    /// `first` are the columns that the file begins with.
    fn read(
        shown: &'a str,
        text: &str,
        first: &[&str],
        problems: &mut Vec<Problem>,
    ) -> Option<Table<'a>> {
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => {
                problems.push(problem(shown, Some(1), error.to_string()));
                return None;
            }
        };
        if !first.iter().zip(header.iter()).all(|(wanted, found)| *wanted == found)
            || header.len() < first.len()
        {
            let reason = format!("must begin with the columns {}", first.join(","));
            problems.push(problem(shown, Some(1), reason));
            return None;
        }
        let mut rows = Vec::new();
        for record in reader.records().take(ROWS_MAX) {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    rows.push((usize::try_from(line).unwrap_or(0), record));
                }
                Err(error) => problems.push(problem(shown, None, error.to_string())),
            }
        }
        if rows.is_empty() {
            problems.push(problem(shown, None, "has no rows".to_owned()));
            return None;
        }
        Some(Table { shown, header, rows })
    }

    /// Reads every row; those that cannot be read become problems.
    fn map<T>(
        &self,
        problems: &mut Vec<Problem>,
        read: impl Fn(&StringRecord) -> Result<T, String>,
    ) -> Vec<(usize, T)> {
        let mut read_rows = Vec::new();
        for (line, record) in &self.rows {
            match read(record) {
                Ok(row) => read_rows.push((*line, row)),
                Err(reason) => problems.push(problem(self.shown, Some(*line), reason)),
            }
        }
        read_rows
    }

    /// The categories of people that columns after the first are named for.
    fn categories(&self, problems: &mut Vec<Problem>) -> Vec<Channel> {
        let mut categories = Vec::new();
        for name in self.header.iter().skip(1) {
            match Channel::parse(name) {
                Ok(category) => categories.push(category),
                Err(error) => problems.push(problem(self.shown, Some(1), error.to_string())),
            }
        }
        categories
    }
}

fn time(record: &StringRecord) -> Result<Time, String> {
    Time::parse(record.get(0).unwrap_or_default()).map_err(|error| error.to_string())
}

fn number(record: &StringRecord, column: usize) -> Result<f64, String> {
    let text = record.get(column).unwrap_or_default();
    let parsed: Option<f64> = text.parse().ok();
    parsed
        .filter(|value| value.is_finite())
        .ok_or_else(|| format!("column {}: `{}` is no number", column + 1, text.escape_debug()))
}

fn refuse_disorder(
    shown: &str,
    times: impl Iterator<Item = (usize, Time)>,
    problems: &mut Vec<Problem>,
) {
    let mut last: Option<Time> = None;
    for (line, time) in times {
        if last.is_some_and(|last| time <= last) {
            problems.push(problem(
                shown,
                Some(line),
                format!("{time} is not after the row before"),
            ));
        }
        last = Some(time);
    }
}

/// `track.csv`.
#[derive(Debug)]
pub(super) struct TrackTable {
    pub(super) shown: String,
    pub(super) fixes: Vec<StormFix>,
}

impl TrackTable {
    pub(super) fn read(shown: &str, text: &str, problems: &mut Vec<Problem>) -> Option<TrackTable> {
        let columns = ["time", "latitude", "longitude", "pressure_hpa", "wind_kt"];
        let n_problems = problems.len();
        let table = Table::read(shown, text, &columns, problems)?;
        let rows = table.map(problems, fix);
        refuse_disorder(shown, rows.iter().map(|(line, fix)| (*line, fix.time)), problems);
        let fixes = rows.into_iter().map(|(_, fix)| fix).collect();
        // What is made of a broken track would only tell its mistakes again.
        let track = TrackTable { shown: shown.to_owned(), fixes };
        (problems.len() == n_problems).then_some(track)
    }
}

fn fix(record: &StringRecord) -> Result<StormFix, String> {
    let pressure_hpa = number(record, 3)?;
    if !(850.0..=1050.0).contains(&pressure_hpa) {
        return Err(format!("pressure {pressure_hpa} hPa is not in 850..1050"));
    }
    let wind_kt = number(record, 4)?;
    if !(0.0..=200.0).contains(&wind_kt) {
        return Err(format!("wind {wind_kt} kt is not in 0..200"));
    }
    let position = Position::new(number(record, 2)?, number(record, 1)?);
    Ok(StormFix {
        time: time(record)?,
        position: position.map_err(|error| error.to_string())?,
        pressure_hpa,
        // 0 is the best track's word for not given.
        wind_mps: (wind_kt > 0.0).then_some(wind_kt * KNOT_MPS),
        force7_km: None,
        force10_km: None,
        force12_km: None,
    })
}

/// `rain.csv`: hour by hour without gaps.
#[derive(Debug)]
pub(super) struct RainTable {
    shown: String,
    pub(super) first: Time,
    pub(super) mm: Vec<f64>,
}

impl RainTable {
    pub(super) fn read(shown: &str, text: &str, problems: &mut Vec<Problem>) -> Option<RainTable> {
        let table = Table::read(shown, text, &["hour", "mm"], problems)?;
        let rows = table.map(problems, |record| {
            let mm = number(record, 1)?;
            if !(0.0..=250.0).contains(&mm) {
                return Err(format!("{mm} mm in an hour is not in 0..250"));
            }
            Ok((time(record)?, mm))
        });
        let first = rows.first()?.1.0;
        for ((line, (hour, _)), n) in rows.iter().zip(0_i64..) {
            if hour.millis_since(first) != n * HOUR_MS {
                let reason = format!("{hour} is not the hour after the row before");
                problems.push(problem(shown, Some(*line), reason));
                break;
            }
        }
        let mm = rows.into_iter().map(|(_, (_, mm))| mm).collect();
        Some(RainTable { shown: shown.to_owned(), first, mm })
    }

    /// Does the highest hour differ from what `scenario.toml` says it is?
    pub(super) fn problem(&self, hourly_max: f64) -> Option<Problem> {
        let highest = self.mm.iter().fold(0.0_f64, |highest, mm| highest.max(*mm));
        ((highest - hourly_max).abs() > 1e-9).then(|| {
            let reason =
                format!("the highest hour has {highest} mm, not rain.hourly_max {hourly_max}");
            problem(&self.shown, None, reason)
        })
    }
}

/// `evacuation.csv`.
#[derive(Debug)]
pub(super) struct EvacuationTable {
    shown: String,
    categories: Vec<Channel>,
    pub(super) by_township: BTreeMap<TownshipCode, BTreeMap<Channel, u32>>,
}

impl EvacuationTable {
    pub(super) fn read(
        shown: &str,
        text: &str,
        county: &Surroundings<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<EvacuationTable> {
        let table = Table::read(shown, text, &["township"], problems)?;
        let categories = table.categories(problems);
        let rows = table.map(problems, |record| {
            let code = record.get(0).unwrap_or_default();
            let code = TownshipCode::parse(code).map_err(|error| error.to_string())?;
            if !county.townships.contains(&code) {
                return Err(format!("{code} is no township of the county"));
            }
            let mut people = BTreeMap::new();
            for (category, text) in categories.iter().zip(record.iter().skip(1)) {
                let n = text.parse::<u32>();
                let n =
                    n.map_err(|_| format!("{category}: `{}` is no count", text.escape_debug()))?;
                people.insert(category.clone(), n);
            }
            Ok((code, people))
        });
        let mut by_township = BTreeMap::new();
        for (line, (code, people)) in rows {
            if by_township.insert(code, people).is_some() {
                problems.push(problem(shown, Some(line), format!("{code} is there twice")));
            }
        }
        Some(EvacuationTable { shown: shown.to_owned(), categories, by_township })
    }

    /// Where columns do not add up to the county's figures.
    pub(super) fn differences_to(&self, county: &BTreeMap<Channel, u32>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for category in self.categories.iter().filter(|it| !county.contains_key(it)) {
            let reason = format!("`{category}` is not in evacuation.county");
            problems.push(problem(&self.shown, Some(1), reason));
        }
        for (category, wanted) in county {
            let townships = self.by_township.values();
            let sum: u32 = townships.filter_map(|people| people.get(category)).sum();
            if sum != *wanted {
                let reason =
                    format!("`{category}` adds up to {sum}, the county's figure is {wanted}");
                problems.push(problem(&self.shown, None, reason));
            }
        }
        problems
    }
}

/// `evacuation-progress.csv`.
#[derive(Debug)]
pub(super) struct Progress {
    shown: String,
    categories: Vec<Channel>,
    pub(super) shares: Vec<(Time, BTreeMap<Channel, f64>)>,
}

impl Progress {
    pub(super) fn read(shown: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Progress> {
        let table = Table::read(shown, text, &["time"], problems)?;
        let categories = table.categories(problems);
        let rows = table.map(problems, |record| {
            let mut shares = BTreeMap::new();
            for (column, category) in (1..).zip(&categories) {
                let percent = number(record, column)?;
                if !(0.0..=100.0).contains(&percent) {
                    return Err(format!("{category}: {percent} % is not in 0..100"));
                }
                shares.insert(category.clone(), percent / 100.0);
            }
            Ok((time(record)?, shares))
        });
        refuse_disorder(shown, rows.iter().map(|(line, (time, _))| (*line, *time)), problems);
        let shares = rows.into_iter().map(|(_, row)| row).collect();
        Some(Progress { shown: shown.to_owned(), categories, shares })
    }

    /// Where the columns are not those of the people.
    pub(super) fn differences_to(&self, people: &EvacuationTable) -> Option<Problem> {
        (self.categories != people.categories).then(|| {
            let reason = format!("must have the same categories as {}", people.shown);
            problem(&self.shown, Some(1), reason)
        })
    }
}

//! From a CSV file to rows with a time and values.

use std::str::FromStr;

use anyhow::{Context, bail};
use csv::StringRecord;
use model::csv_lines::LineCounter;
use model::{Channel, PropertyId, Reading, ReadingTime, Time};

/// How many problems are shown; all are counted.
const PROBLEMS_SHOWN: usize = 20;

/// How many rows a file may have.
const ROWS_MAX: usize = 10_000_000;

/// Which column of the file is which property: `COLUMN=PROPERTY[:CHANNEL]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub property: PropertyId,
    pub channel: Option<Channel>,
}

impl FromStr for Column {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Column> {
        let shown = text.escape_debug();
        let (name, property) = text.rsplit_once('=').with_context(|| {
            format!("`{shown}` names no property; write it like water_level_m=water_level")
        })?;
        let (property, channel) = Reading::parse_name(property.trim())?;
        let name = name.trim().to_owned();
        Ok(Column { name, property, channel })
    }
}

/// One row: values by the place of their column; empty cells are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub time: Time,
    pub values: Vec<(usize, f64)>,
}

impl Row {
    pub(super) fn readings<'a>(
        &'a self,
        columns: &'a [Column],
    ) -> impl Iterator<Item = Reading> + 'a {
        self.values.iter().map(|&(place, value)| Reading {
            property: columns[place].property.clone(),
            channel: columns[place].channel.clone(),
            value,
            unit: None,
            time: ReadingTime::At(self.time),
            since: None,
        })
    }
}

/// Reads all rows, or says what is wrong with which line.
pub fn read(bytes: &[u8], time_column: &str, columns: &[Column]) -> anyhow::Result<Vec<Row>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).context("the file is not UTF-8")?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = reader.records();
    let header = records.next().context("the file is empty")??;
    let places = Places::find(&header, time_column, columns)?;

    let mut lines = LineCounter::new(text);
    let (mut rows, mut problems, mut n_problems) = (Vec::new(), Vec::new(), 0);
    for record in records {
        let record = record?;
        let line = lines.line_of(&record);
        if rows.len() == ROWS_MAX {
            bail!("the file has more than {ROWS_MAX} rows; play it in pieces");
        }
        match places.row(&record, header.len()) {
            Ok(row) => rows.push(row),
            Err(problem) => {
                n_problems += 1;
                if problems.len() < PROBLEMS_SHOWN {
                    problems.push(format!("line {line}: {problem:#}"));
                }
            }
        }
    }
    if n_problems > 0 {
        bail!("nothing was sent: {n_problems} bad rows\n{}", problems.join("\n"));
    }
    if rows.is_empty() {
        bail!("the file has no rows");
    }
    Ok(rows)
}

/// Where the time and the values stand.
struct Places {
    time: usize,
    values: Vec<usize>,
}

impl Places {
    fn find(header: &StringRecord, time: &str, columns: &[Column]) -> anyhow::Result<Places> {
        let find = |name: &str| {
            let known = || header.iter().map(str::trim).collect::<Vec<_>>().join(", ");
            let mut places =
                (0..header.len()).filter(|&place| header.get(place).map(str::trim) == Some(name));
            let place = places
                .next()
                .with_context(|| format!("the file has no column `{name}`; it has {}", known()))?;
            if places.next().is_some() {
                bail!("the file has two columns `{name}`");
            }
            Ok(place)
        };
        if columns.is_empty() {
            bail!("no column is mapped to a property");
        }
        for (n, column) in columns.iter().enumerate() {
            let is_same = |other: &&Column| {
                other.property == column.property && other.channel == column.channel
            };
            if columns[..n].iter().any(|other| is_same(&other)) {
                bail!("two columns are mapped to `{}`", column.property);
            }
        }
        let values = columns.iter().map(|column| find(&column.name)).collect::<Result<_, _>>()?;
        Ok(Places { time: find(time)?, values })
    }

    fn row(&self, record: &StringRecord, width: usize) -> anyhow::Result<Row> {
        if record.len() != width {
            bail!("has {} cells, the header has {width}", record.len());
        }
        let cell = |place: usize| record.get(place).map_or("", str::trim);
        let mut values = Vec::new();
        for (column, &place) in self.values.iter().enumerate() {
            if !cell(place).is_empty() {
                values.push((column, number(cell(place))?));
            }
        }
        Ok(Row { time: time(cell(self.time))?, values })
    }
}

fn number(text: &str) -> anyhow::Result<f64> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => bail!("`{}` is not a number", text.escape_debug()),
    }
}

/// RFC 3339 with an offset, or whole milliseconds since 1970.
fn time(text: &str) -> anyhow::Result<Time> {
    match text.parse::<i64>() {
        Ok(millis) => Ok(Time::from_millis(millis)?),
        Err(_) => Ok(Time::parse(text)?),
    }
}

/// Shifts all rows by one constant so that the latest is at `end`.
pub(super) fn shift_to_end_at(rows: &mut [Row], end: Time) -> i64 {
    let Some(latest) = rows.iter().map(|row| row.time).max() else { return 0 };
    let shift_ms = end.millis_since(latest);
    for row in rows {
        row.time = Time::from_millis_clamped(row.time.millis() + shift_ms);
    }
    shift_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(texts: &[&str]) -> Vec<Column> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[track_caller]
    fn check_refused(csv: &str, map: &[&str], expected: &str) {
        let error = read(csv.as_bytes(), "t", &columns(map)).unwrap_err();
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }

    #[test]
    fn rows_become_readings_of_the_mapped_columns() {
        let csv = "\u{feff}t,a,x,b\r\n2015-01-01T00:00:00Z,1.798,?,\r\n1420070760000, -0.5 ,,3\r\n";
        let columns = columns(&["a=water_level", "b=wind_speed:2"]);
        let rows = read(csv.as_bytes(), "t", &columns).unwrap();
        assert_eq!(rows[0].values, [(0, 1.798)]);
        assert_eq!(rows[1].values, [(0, -0.5), (1, 3.0)]);
        assert_eq!(rows[1].time.millis_since(rows[0].time), 360_000);
        let readings: Vec<Reading> = rows[1].readings(&columns).collect();
        assert_eq!(readings[1].channel.as_ref().map(Channel::as_str), Some("2"));
    }

    #[test]
    fn all_bad_rows_are_named_by_line() {
        let csv = "t,a\n2015-01-01T00:00:00Z,1\n2015-01-01 00:06,2\n\n1420070400000,NaN\n1\n";
        check_refused(csv, &["a=x"], "3 bad rows\nline 3: ");
        check_refused(csv, &["a=x"], "\nline 5: `NaN` is not a number");
        check_refused(csv, &["a=x"], "\nline 6: has 1 cells, the header has 2");
    }

    #[test]
    fn only_twenty_problems_are_shown() {
        let csv = format!("t,a\n{}", "1,x\n".repeat(50));
        let error = read(csv.as_bytes(), "t", &columns(&["a=x"])).unwrap_err().to_string();
        assert!(error.contains("50 bad rows"));
        assert_eq!(error.lines().count(), 21);
    }

    #[test]
    fn columns_must_be_there_once_and_map_to_different_properties() {
        check_refused("t,a\n1,2\n", &["b=x"], "no column `b`; it has t, a");
        check_refused("t,a,a\n1,2,3\n", &["a=x"], "two columns `a`");
        check_refused("t,a,b\n1,2,3\n", &["a=x", "b=x"], "mapped to `x`");
        check_refused("time,a\n1,2\n", &["a=x"], "no column `t`");
        check_refused("t,a\n", &["a=x"], "no rows");
        check_refused("", &["a=x"], "empty");
        assert!("water_level".parse::<Column>().is_err());
    }

    #[test]
    fn a_shift_is_one_constant() {
        let csv = "t,a\n1000,1\n361000,2\n61000,3\n";
        let mut rows = read(csv.as_bytes(), "t", &columns(&["a=x"])).unwrap();
        let shift_ms = shift_to_end_at(&mut rows, Time::from_millis_clamped(960_000));
        assert_eq!(shift_ms, 599_000);
        let times: Vec<i64> = rows.iter().map(|row| row.time.millis()).collect();
        assert_eq!(times, [600_000, 960_000, 660_000]);
    }
}

//! CSV files of positions, row by row with the lines people have to find.

use csv::StringRecord;
use model::Time;
use model::csv_lines::LineCounter;

use super::checks::Checks;
use super::fixes::{FixInput, PositionInput, Row};
use crate::problem::{ApiError, Check, Kind, Message};

const ROWS_MAX: usize = 10_000;

/// A file whose columns are known and whose records are whole.
#[derive(Debug)]
pub(super) struct Table {
    /// Where each known column stands; known columns first required, then not.
    columns: Vec<(&'static str, Option<usize>)>,
    pub(super) records: Vec<(usize, StringRecord)>,
}

fn refused(reason: impl Into<String>) -> ApiError {
    ApiError::new(Kind::Validation, Message::Body(reason.into())).with_code("file_invalid")
}

impl Table {
    /// `others_allowed`: columns that are not known are left alone.
    pub(super) fn read(
        bytes: &[u8],
        required: &[&'static str],
        optional: &[&'static str],
        others_allowed: bool,
    ) -> Result<Table, ApiError> {
        let text = std::str::from_utf8(bytes).map_err(|_| refused("the file is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| refused(error.to_string()))?.clone();
        let place = |name: &str| header.iter().position(|column| column == name);
        let mut columns = Vec::new();
        for name in required {
            let found = place(name).ok_or_else(|| {
                refused(format!("column `{name}` is missing; wanted are {}", required.join(",")))
            })?;
            columns.push((*name, Some(found)));
        }
        columns.extend(optional.iter().map(|name| (*name, place(name))));
        let is_known = |name: &str| columns.iter().any(|(known, _)| *known == name);
        if let Some(other) = header.iter().find(|name| !others_allowed && !is_known(name)) {
            let shown: String = other.escape_debug().take(40).collect();
            return Err(refused(format!("column `{shown}` is unknown")));
        }
        let mut lines = LineCounter::new(text);
        let mut records = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| refused(error.to_string()))?;
            if records.len() == ROWS_MAX {
                return Err(refused(format!("the file has more than {ROWS_MAX} rows")));
            }
            records.push((lines.line_of(&record), record));
        }
        Ok(Table { columns, records })
    }

    /// The text of a cell; empty where the column is missing.
    pub(super) fn cell<'a>(&self, record: &'a StringRecord, column: &str) -> &'a str {
        let place = self.columns.iter().find(|(name, _)| *name == column);
        place.and_then(|(_, index)| record.get((*index)?)).unwrap_or_default()
    }

    pub(super) fn time(
        &self,
        checks: &mut Checks,
        (line, record): (usize, &StringRecord),
        column: &str,
    ) -> Option<Time> {
        match Time::parse(self.cell(record, column)) {
            Ok(time) => Some(time),
            Err(error) => {
                checks.refuse(pointer(line, column), Check::Form(error.to_string()));
                None
            }
        }
    }

    pub(super) fn number(
        &self,
        checks: &mut Checks,
        (line, record): (usize, &StringRecord),
        column: &str,
    ) -> Option<f64> {
        let text = self.cell(record, column);
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        if number.is_none() {
            let check = match text {
                "" => Check::Missing,
                _ => Check::NotANumber(text.escape_debug().take(40).collect()),
            };
            checks.refuse(pointer(line, column), check);
        }
        number
    }

    /// A cell that may be empty.
    fn number_or_none(
        &self,
        checks: &mut Checks,
        row: (usize, &StringRecord),
        column: &str,
    ) -> Option<f64> {
        match self.cell(row.1, column) {
            "" => None,
            _ => self.number(checks, row, column),
        }
    }

    /// The fix of a row, from the columns of these names.
    pub(super) fn fix(
        &self,
        checks: &mut Checks,
        row: (usize, &StringRecord),
        [time, latitude, longitude, pressure]: [&str; 4],
    ) -> Option<Row> {
        let time = self.time(checks, row, time);
        let latitude = self.number(checks, row, latitude);
        let longitude = self.number(checks, row, longitude);
        let pressure_hpa = self.number(checks, row, pressure);
        let mut other = |column| self.number_or_none(checks, row, column);
        let (wind_mps, force7_km) = (other("wind_mps"), other("force7_km"));
        let (force10_km, force12_km) = (other("force10_km"), other("force12_km"));
        let fix = FixInput {
            time: time?,
            position: PositionInput::Pair([longitude?, latitude?]),
            pressure_hpa: pressure_hpa?,
            wind_mps,
            force7_km,
            force10_km,
            force12_km,
        };
        Some(Row { place: format!("#/lines/{}", row.0), fix })
    }
}

pub(super) fn pointer(line: usize, column: &str) -> String {
    format!("#/lines/{line}/{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_lines_counted() {
        let text = "\u{feff}b,a\r\n1,2\r\n\r\n3,x\r\n";
        let table = Table::read(text.as_bytes(), &["a"], &["c"], true).unwrap();
        let lines: Vec<usize> = table.records.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4]);
        let mut checks = Checks::default();
        let row = |index: usize| (table.records[index].0, &table.records[index].1);
        assert_eq!(table.number(&mut checks, row(0), "a"), Some(2.0));
        assert_eq!(table.number(&mut checks, row(1), "a"), None);
        assert_eq!(table.cell(row(0).1, "c"), "");
        assert_eq!(checks.into_errors().len(), 1);
    }

    #[test]
    fn files_that_cannot_be_read_are_refused_whole() {
        for text in ["", "b\n1\n", "a,a2\n1\n", "a\n\u{0}\n1,2\n"] {
            assert!(Table::read(text.as_bytes(), &["a"], &[], true).is_err(), "{text:?}");
        }
        assert!(Table::read(b"a,b\n1,2\n", &["a"], &[], false).is_err(), "an unknown column");
        assert!(Table::read(&[0xff, 0xfe], &["a"], &[], true).is_err());
    }
}

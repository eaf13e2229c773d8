//! Tables as CSV (RFC 4180) or NDJSON; Parquet is the store's.

use std::fmt::Write as _;

use store::{Cells, ParquetExport, StoreError, Table};

use super::Format;

const BOM: &str = "\u{feff}";

/// The first cell of a line that is no row: the export ended at its limit.
const TRUNCATED: &str = "#truncated";

/// Rows of a row group of Parquet.
const ROW_GROUP: usize = 65_536;

/// Turns pages into bytes. Its work is long enough to be done where blocking
/// is allowed.
#[derive(Debug)]
pub(super) enum Encoder {
    Csv { has_bom: bool, has_header: bool },
    Ndjson,
    Parquet { export: Box<ParquetExport>, waiting: Table },
}

/// What the reader of a file must know of it.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// Name and version of the columns.
    pub(super) schema: &'static str,
    pub(super) origin: &'static str,
}

impl Encoder {
    /// `empty` has the columns.
    pub(super) fn new(format: Format, has_bom: bool, empty: &Table) -> Result<Encoder, StoreError> {
        Ok(match format {
            Format::Csv => Encoder::Csv { has_bom, has_header: false },
            Format::Ndjson => Encoder::Ndjson,
            Format::Parquet => Encoder::Parquet {
                export: Box::new(ParquetExport::new(empty)?),
                waiting: empty.clone(),
            },
        })
    }

    pub(super) fn write(&mut self, table: Table) -> Result<Vec<u8>, StoreError> {
        match self {
            Encoder::Csv { has_bom, has_header } => {
                let mut text = String::with_capacity(table.n_rows() * 100);
                if !std::mem::replace(has_header, true) {
                    text.push_str(if *has_bom { BOM } else { "" });
                    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
                    text.push_str(&names.join(","));
                    text.push_str("\r\n");
                }
                (0..table.n_rows()).for_each(|row| csv_line(&mut text, &table, row));
                Ok(text.into_bytes())
            }
            Encoder::Ndjson => {
                let mut text = String::with_capacity(table.n_rows() * 160);
                (0..table.n_rows()).for_each(|row| json_line(&mut text, &table, row));
                Ok(text.into_bytes())
            }
            Encoder::Parquet { export, waiting } => {
                waiting.append(table);
                if waiting.n_rows() < ROW_GROUP {
                    return Ok(Vec::new());
                }
                export.write(&waiting.take_rows())
            }
        }
    }

    /// What ends the file. `next_cursor` is set when its limit cut it off.
    pub(super) fn finish(
        self,
        facts: &Facts,
        next_cursor: Option<&str>,
        empty: &Table,
    ) -> Result<Vec<u8>, StoreError> {
        match self {
            Encoder::Csv { .. } => {
                let cells = empty.columns.len().saturating_sub(2);
                let line =
                    |cursor| format!("{TRUNCATED},{cursor}{}\r\n", ",".repeat(cells)).into_bytes();
                Ok(next_cursor.map(line).unwrap_or_default())
            }
            Encoder::Ndjson => {
                let line = |cursor| {
                    let marker = serde_json::json!({ "truncated": true, "next_cursor": cursor });
                    format!("{marker}\n").into_bytes()
                };
                Ok(next_cursor.map(line).unwrap_or_default())
            }
            Encoder::Parquet { mut export, waiting } => {
                let mut bytes = export.write(&waiting)?;
                let mut metadata = vec![
                    ("tidewatch.schema".to_owned(), facts.schema.to_owned()),
                    ("tidewatch.origin".to_owned(), facts.origin.to_owned()),
                ];
                metadata.extend(
                    next_cursor.map(|cursor| ("tidewatch.truncated".to_owned(), cursor.to_owned())),
                );
                bytes.extend(export.finish(metadata)?);
                Ok(bytes)
            }
        }
    }
}

fn csv_line(line: &mut String, table: &Table, row: usize) {
    for (place, (_, cells)) in table.columns.iter().enumerate() {
        if place > 0 {
            line.push(',');
        }
        match cells {
            Cells::Text(cells) => csv_text(line, cells[row].as_deref().unwrap_or_default()),
            Cells::Number(cells) => write_some(line, cells[row].as_ref()),
            Cells::Integer(cells) => write_some(line, Some(&cells[row])),
            Cells::Time(cells) => write_some(line, cells[row].as_ref()),
            Cells::Flag(cells) => write_some(line, Some(&cells[row])),
        }
    }
    line.push_str("\r\n");
}

fn write_some(text: &mut String, value: Option<&impl std::fmt::Display>) {
    if let Some(value) = value {
        write!(text, "{value}").expect("a string takes everything");
    }
}

/// A text that a spreadsheet would take for a formula gets a `'` before it.
fn csv_text(line: &mut String, text: &str) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_quoted = text.contains([',', '"', '\r', '\n']);
    if is_quoted {
        line.push('"');
    }
    if is_formula {
        line.push('\'');
    }
    for letter in text.chars() {
        if letter == '"' {
            line.push('"');
        }
        line.push(letter);
    }
    if is_quoted {
        line.push('"');
    }
}

fn json_line(line: &mut String, table: &Table, row: usize) {
    for (place, (name, cells)) in table.columns.iter().enumerate() {
        line.push_str(if place == 0 { "{\"" } else { ",\"" });
        line.push_str(name);
        line.push_str("\":");
        match cells {
            Cells::Text(cells) => json_value(line, &cells[row].as_deref()),
            Cells::Number(cells) => json_value(line, &cells[row]),
            Cells::Integer(cells) => json_value(line, &cells[row]),
            Cells::Time(cells) => json_value(line, &cells[row]),
            Cells::Flag(cells) => json_value(line, &cells[row]),
        }
    }
    line.push_str("}\n");
}

fn json_value(line: &mut String, value: &impl serde::Serialize) {
    line.push_str(&serde_json::to_string(value).expect("texts, numbers and times are always JSON"));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::Time;

    use super::*;

    fn table() -> Table {
        let text = |text: &str| Some(Arc::from(text));
        Table {
            columns: vec![
                ("name", Cells::Text(vec![text("a,\"b\""), text("=1+1"), None])),
                ("time", Cells::Time(vec![Some(Time::EPOCH), None, Some(Time::EPOCH)])),
                ("value", Cells::Number(vec![Some(-1.5), Some(3.0), None])),
                ("n", Cells::Integer(vec![-1, 2, 3])),
                ("grey", Cells::Flag(vec![true, false, false])),
            ],
        }
    }

    const FACTS: Facts = Facts { schema: "observations/1", origin: "real" };

    fn written(format: Format, has_bom: bool, next_cursor: Option<&str>) -> String {
        let empty = table().empty();
        let mut encoder = Encoder::new(format, has_bom, &empty).unwrap();
        let mut bytes = encoder.write(table()).unwrap();
        bytes.extend(encoder.finish(&FACTS, next_cursor, &empty).unwrap());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn csv_is_quoted_and_harmless_and_leaves_numbers_alone() {
        let lines = "name,time,value,n,grey\r\n\
                     \"a,\"\"b\"\"\",1970-01-01T08:00:00.000+08:00,-1.5,-1,true\r\n\
                     '=1+1,,3,2,false\r\n\
                     ,1970-01-01T08:00:00.000+08:00,,3,false\r\n";
        assert_eq!(written(Format::Csv, false, None), lines);
        let cut = written(Format::Csv, true, Some("abc"));
        assert_eq!(cut, format!("\u{feff}{lines}#truncated,abc,,,\r\n"));
    }

    #[test]
    fn formulas_of_every_kind_are_made_harmless() {
        for text in ["=A1", "+1", "-1", "@x", "\tx"] {
            let mut cell = String::new();
            csv_text(&mut cell, text);
            assert_eq!(cell, format!("'{text}"));
        }
    }

    #[test]
    fn ndjson_has_one_object_a_line() {
        let lines = written(Format::Ndjson, false, Some("abc"));
        let objects: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects.len(), 4);
        assert_eq!(objects[0]["name"], "a,\"b\"");
        assert_eq!(objects[1]["time"], serde_json::Value::Null);
        assert_eq!(objects[3]["next_cursor"], "abc");
    }
}

//! The pure commands: text in, text out. The program's subcommands read the
//! files, call these and print.

mod explanation;
mod score;
mod soil_water;
mod wind;

use ::model::Catalogue;

use crate::flood_typhoon::FloodModel;
use crate::model_file::{ModelError, Section};
use crate::township_safety::SafetyModel;

pub use explanation::explanation;
pub use score::score;
pub use soil_water::soil_water;
pub use wind::{outlook, parse_site, read_track, wind};

/// A model file of one of the indices, told apart by its id.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelText {
    Safety(Box<SafetyModel>),
    Flood(Box<FloodModel>),
}

impl ModelText {
    /// Reads a model file; all its problems at once.
    pub fn parse(text: &str) -> Result<ModelText, Vec<ModelError>> {
        let file = Section::parse(text)?;
        match file.peek_text("id") {
            Some("township-safety") => {
                SafetyModel::from_toml(text).map(|model| ModelText::Safety(Box::new(model)))
            }
            Some("flood-typhoon") => {
                FloodModel::from_toml(text).map(|model| ModelText::Flood(Box::new(model)))
            }
            _ => Err(vec![ModelError {
                key: "id".to_owned(),
                reason: "is neither `township-safety` nor `flood-typhoon`".to_owned(),
            }]),
        }
    }

    /// Refuses what the catalogue does not have.
    pub fn check_properties(&self, catalogue: &Catalogue) -> Result<(), Vec<ModelError>> {
        match self {
            ModelText::Safety(model) => model.check_properties(catalogue),
            ModelText::Flood(model) => model.check_properties(catalogue),
        }
    }
}

/// Why a command has no answer. Every text names the line or the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("line {line}: {reason}")]
    Line { line: u64, reason: String },
    #[error("{key}: {reason}")]
    Key { key: String, reason: String },
}

impl CommandError {
    fn line(line: u64, reason: impl Into<String>) -> CommandError {
        CommandError::Line { line, reason: reason.into() }
    }

    fn key(key: impl Into<String>, reason: impl Into<String>) -> CommandError {
        CommandError::Key { key: key.into(), reason: reason.into() }
    }
}

/// A CSV file with a header, and where the columns that are asked for stand.
struct Columns {
    indices: Vec<Option<usize>>,
    names: &'static [&'static str],
}

impl Columns {
    fn find(
        header: &csv::StringRecord,
        names: &'static [&'static str],
        n_required: usize,
    ) -> Result<Columns, CommandError> {
        let place = |name: &&str| header.iter().position(|cell| cell.trim() == *name);
        let indices: Vec<Option<usize>> = names.iter().map(place).collect();
        if let Some(missing) = indices[..n_required].iter().position(Option::is_none) {
            return Err(CommandError::line(1, format!("column `{}` is missing", names[missing])));
        }
        Ok(Columns { indices, names })
    }

    /// The trimmed cell of a column; empty when the column is not there.
    fn cell<'a>(&self, record: &'a csv::StringRecord, column: usize) -> &'a str {
        self.indices[column].and_then(|index| record.get(index)).unwrap_or_default().trim()
    }

    fn number(&self, record: &csv::StringRecord, column: usize) -> Result<f64, CommandError> {
        let text = self.cell(record, column);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => {
                let shown: String = text.escape_debug().take(40).collect();
                let reason = format!("{} `{shown}` is not a finite number", self.names[column]);
                Err(CommandError::line(line_of(record), reason))
            }
        }
    }
}

fn line_of(record: &csv::StringRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

fn csv_error(error: &csv::Error) -> CommandError {
    let line = error.position().map_or(0, csv::Position::line);
    CommandError::line(line, format!("is not CSV: {error}"))
}

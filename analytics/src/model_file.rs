//! Reading a model file so that all its problems are told at once.
//!
//! A [`Section`] is one table of the file. Every key that is read is taken
//! out; what is left at the end was never asked for and is an unknown key.
//! A problem never stops the reading: a stand-in value goes on, and the loader
//! refuses the file at the end.

use std::time::Duration;

use model::{Catalogue, PropertyId, Time, Unit, duration_text};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

/// One thing that is wrong with a model file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct ModelError {
    /// The path of the key, such as `quantity[3].knots`.
    pub key: String,
    pub reason: String,
}

/// Who made a model, when it begins to hold, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelHead {
    pub id: String,
    pub version: u32,
    pub valid_from: Time,
    pub author: String,
    pub note: String,
    /// SHA-256 of the file's text, in hexadecimal.
    pub hash: String,
}

/// A name shown to people, in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub zh: String,
    pub en: String,
}

/// SHA-256 of a model file's text, in hexadecimal.
pub fn content_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong so far, in the order of reading.
#[derive(Debug, Default)]
pub struct Problems(Vec<ModelError>);

impl Problems {
    pub fn refuse(&mut self, key: impl Into<String>, reason: impl Into<String>) {
        self.0.push(ModelError { key: key.into(), reason: reason.into() });
    }

    /// Refuses weights that do not add up to 1.
    pub fn refuse_sum(&mut self, key: &str, weights: impl Iterator<Item = f64>) {
        let sum = weights.fold(0.0, |sum, weight| sum + weight);
        if (sum - 1.0).abs() > 1e-9 {
            self.refuse(key, format!("adds up to {sum}, not to 1"));
        }
    }

    pub fn into_result<T>(self, model: T) -> Result<T, Vec<ModelError>> {
        if self.0.is_empty() { Ok(model) } else { Err(self.0) }
    }
}

/// One table of a model file, being read.
#[derive(Debug)]
pub struct Section {
    path: String,
    table: Table,
}

impl Section {
    /// The whole file; a text that is not TOML has only that problem.
    pub fn parse(text: &str) -> Result<Section, Vec<ModelError>> {
        match text.parse::<Table>() {
            Ok(table) => Ok(Section { path: String::new(), table }),
            Err(error) => {
                let reason = error.to_string().trim_end().to_owned();
                Err(vec![ModelError { key: "file".to_owned(), reason }])
            }
        }
    }

    /// The path of a key of this table.
    pub fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A text, left in its place.
    pub fn peek_text(&self, name: &str) -> Option<&str> {
        self.table.get(name)?.as_str()
    }

    pub fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    fn take(&mut self, name: &str, problems: &mut Problems) -> Option<Value> {
        let value = self.table.remove(name);
        if value.is_none() {
            problems.refuse(self.key(name), "is missing");
        }
        value
    }

    pub fn text(&mut self, name: &str, problems: &mut Problems) -> String {
        match self.take(name, problems) {
            Some(Value::String(text)) if !text.is_empty() => text,
            Some(_) => {
                problems.refuse(self.key(name), "is not a text");
                String::new()
            }
            None => String::new(),
        }
    }

    /// A finite number, whole or not.
    pub fn number(&mut self, name: &str, problems: &mut Problems) -> f64 {
        match self.take(name, problems) {
            Some(value) => finite(&value).unwrap_or_else(|| {
                problems.refuse(self.key(name), "is not a finite number");
                0.0
            }),
            None => 0.0,
        }
    }

    /// A finite number of `min..=max`.
    pub fn number_in(&mut self, name: &str, min: f64, max: f64, problems: &mut Problems) -> f64 {
        let is_given = self.has(name);
        let number = self.number(name, problems);
        if is_given && !(min..=max).contains(&number) {
            problems.refuse(self.key(name), format!("{number} is not in {min}..{max}"));
        }
        number
    }

    /// A weight: a finite number above 0 (a zero weight with a zero score has
    /// no geometric mean).
    pub fn weight(&mut self, name: &str, problems: &mut Problems) -> f64 {
        let is_given = self.has(name);
        let weight = self.number(name, problems);
        if weight > 0.0 {
            return weight;
        }
        if is_given {
            problems.refuse(self.key(name), format!("weight {weight} is not above 0"));
        }
        1.0
    }

    pub fn count(&mut self, name: &str, problems: &mut Problems) -> u32 {
        match self.take(name, problems) {
            Some(Value::Integer(number)) if u32::try_from(number).is_ok() => {
                u32::try_from(number).expect("checked in the pattern")
            }
            Some(_) => {
                problems.refuse(self.key(name), "is not a whole number of 0 or more");
                0
            }
            None => 0,
        }
    }

    pub fn flag(&mut self, name: &str, problems: &mut Problems) -> Option<bool> {
        let value = self.take(name, problems)?;
        let flag = value.as_bool();
        if flag.is_none() {
            problems.refuse(self.key(name), "is neither true nor false");
        }
        flag
    }

    /// A flag that is false when it is not there.
    pub fn flag_or_false(&mut self, name: &str, problems: &mut Problems) -> bool {
        self.has(name) && self.flag(name, problems).unwrap_or_default()
    }

    pub fn duration(&mut self, name: &str, problems: &mut Problems) -> Duration {
        let stand_in = Duration::from_secs(60);
        match self.take(name, problems) {
            Some(Value::String(text)) => match duration_text::parse(&text) {
                Ok(duration) if !duration.is_zero() => duration,
                Ok(_) => {
                    problems.refuse(self.key(name), "is zero");
                    stand_in
                }
                Err(error) => {
                    problems.refuse(self.key(name), error.to_string());
                    stand_in
                }
            },
            Some(_) => {
                problems.refuse(self.key(name), "is not a duration such as \"10min\"");
                stand_in
            }
            None => stand_in,
        }
    }

    pub fn time(&mut self, name: &str, problems: &mut Problems) -> Time {
        let text = match self.take(name, problems) {
            Some(Value::String(text)) => text,
            Some(Value::Datetime(time)) => time.to_string(),
            Some(_) => {
                problems.refuse(self.key(name), "is not a time");
                return Time::EPOCH;
            }
            None => return Time::EPOCH,
        };
        Time::parse(&text).unwrap_or_else(|error| {
            problems.refuse(self.key(name), error.to_string());
            Time::EPOCH
        })
    }

    /// A word of a fixed set.
    pub fn word<T: Copy>(
        &mut self,
        name: &str,
        words: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        if !self.has(name) {
            problems.refuse(self.key(name), "is missing");
            return None;
        }
        let text = self.text(name, problems);
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() && !text.is_empty() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            problems.refuse(
                self.key(name),
                format!("`{text}` is unknown; known are {}", known.join(", ")),
            );
        }
        found
    }

    pub fn property(&mut self, name: &str, problems: &mut Problems) -> Option<PropertyId> {
        let text = self.text(name, problems);
        if text.is_empty() {
            return None;
        }
        PropertyId::parse(&text)
            .map_err(|error| problems.refuse(self.key(name), error.to_string()))
            .ok()
    }

    pub fn unit(&mut self, name: &str, problems: &mut Problems) -> Unit {
        let text = self.text(name, problems);
        if text.is_empty() {
            return Unit::One;
        }
        Unit::parse(&text).unwrap_or_else(|error| {
            problems.refuse(self.key(name), error.to_string());
            Unit::One
        })
    }

    pub fn name(&mut self, name: &str, problems: &mut Problems) -> Name {
        match self.table(name, problems) {
            Some(mut table) => {
                let found = Name { zh: table.text("zh", problems), en: table.text("en", problems) };
                table.finish(problems);
                found
            }
            None => Name { zh: String::new(), en: String::new() },
        }
    }

    /// A list of finite numbers.
    pub fn numbers(&mut self, name: &str, problems: &mut Problems) -> Vec<f64> {
        match self.take(name, problems) {
            Some(Value::Array(values)) => {
                let numbers: Vec<f64> = values.iter().filter_map(finite).collect();
                if numbers.len() < values.len() {
                    problems.refuse(self.key(name), "has an element that is not a finite number");
                }
                numbers
            }
            Some(_) => {
                problems.refuse(self.key(name), "is not a list of numbers");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// A list of exactly `N` finite numbers.
    pub fn numbers_of<const N: usize>(
        &mut self,
        name: &str,
        problems: &mut Problems,
    ) -> Option<[f64; N]> {
        let is_given = self.has(name);
        let numbers = self.numbers(name, problems);
        let found = <[f64; N]>::try_from(numbers.as_slice()).ok();
        if is_given && found.is_none() {
            problems.refuse(self.key(name), format!("needs {N} numbers, has {}", numbers.len()));
        }
        found
    }

    /// A list of property ids.
    pub fn properties(&mut self, name: &str, problems: &mut Problems) -> Vec<PropertyId> {
        let key = self.key(name);
        let mut properties = Vec::new();
        for text in self.texts(name, problems) {
            match PropertyId::parse(&text) {
                Ok(property) => properties.push(property),
                Err(error) => problems.refuse(key.clone(), error.to_string()),
            }
        }
        properties
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str, problems: &mut Problems) -> Vec<String> {
        match self.take(name, problems) {
            Some(Value::Array(values)) => {
                let texts: Vec<String> =
                    values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                if texts.len() < values.len() {
                    problems.refuse(self.key(name), "has an element that is not a text");
                }
                texts
            }
            Some(_) => {
                problems.refuse(self.key(name), "is not a list of texts");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    pub fn table(&mut self, name: &str, problems: &mut Problems) -> Option<Section> {
        let path = self.key(name);
        match self.take(name, problems)? {
            Value::Table(table) => Some(Section { path, table }),
            _ => {
                problems.refuse(path, "is not a table");
                None
            }
        }
    }

    /// A table; an empty one stands in, so that its keys are told as missing.
    pub fn table_or_empty(&mut self, name: &str, problems: &mut Problems) -> Section {
        let path = self.key(name);
        self.table(name, problems).unwrap_or_else(|| Section { path, table: Table::new() })
    }

    /// A list of tables, in the order of the file; at least one.
    pub fn tables(&mut self, name: &str, problems: &mut Problems) -> Vec<Section> {
        let path = self.key(name);
        let Some(value) = self.take(name, problems) else {
            return Vec::new();
        };
        let Value::Array(values) = value else {
            problems.refuse(path, "is not a list of tables");
            return Vec::new();
        };
        let mut sections = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            match value {
                Value::Table(table) => {
                    sections.push(Section { path: format!("{path}[{index}]"), table });
                }
                _ => problems.refuse(format!("{path}[{index}]"), "is not a table"),
            }
        }
        if sections.is_empty() {
            problems.refuse(path, "is empty");
        }
        sections
    }

    /// Id, version, valid-from, author and note, with the hash of `text`.
    pub fn head(&mut self, text: &str, problems: &mut Problems) -> ModelHead {
        ModelHead {
            id: self.text("id", problems),
            version: self.count("version", problems),
            valid_from: self.time("valid_from", problems),
            author: self.text("author", problems),
            note: self.text("note", problems),
            hash: content_hash(text),
        }
    }

    /// Refuses every key that nobody asked for.
    pub fn finish(self, problems: &mut Problems) {
        for name in self.table.keys() {
            problems.refuse(self.key(name), "is an unknown key");
        }
    }
}

/// Refuses a property that the catalogue does not have, or that is derived
/// from itself.
pub fn check_property(
    key: &str,
    property: &PropertyId,
    catalogue: &Catalogue,
    problems: &mut Problems,
) {
    let mut seen = vec![property.clone()];
    let mut next = property.clone();
    loop {
        let Some(found) = catalogue.find(&next) else {
            problems.refuse(key, format!("property `{next}` is not in the catalogue"));
            return;
        };
        match &found.spec.derived_from {
            None => return,
            Some(parent) if seen.contains(parent) => {
                problems.refuse(key, format!("property `{property}` is derived from itself"));
                return;
            }
            Some(parent) => {
                seen.push(parent.clone());
                next = parent.clone();
            }
        }
    }
}

fn finite(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Float(number) => *number,
        // Whole numbers of a model file are far below 2^53.
        Value::Integer(number) => *number as f64,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_told_with_their_keys() {
        let text = "a = 1\nb = nan\nweight = -1\nperiod = \"ten\"\n[t]\nx = 1\n";
        let mut section = Section::parse(text).unwrap();
        let mut problems = Problems::default();
        section.text("a", &mut problems);
        section.number("b", &mut problems);
        section.weight("weight", &mut problems);
        section.duration("period", &mut problems);
        section.table("t", &mut problems).unwrap().finish(&mut problems);
        section.count("missing", &mut problems);
        section.finish(&mut problems);
        let found = problems.into_result(()).unwrap_err();
        let keys: Vec<&str> = found.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "weight", "period", "t.x", "missing"]);
    }

    #[test]
    fn a_text_that_is_not_toml_says_where() {
        let problems = Section::parse("a = 1\nb = = 2\n").unwrap_err();
        assert!(problems[0].reason.contains("line 2"), "{}", problems[0].reason);
    }

    #[test]
    fn the_hash_is_that_of_the_text() {
        assert_eq!(
            content_hash("hello world"),
            "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
        );
    }
}

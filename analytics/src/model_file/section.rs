//! One table of a model file, key by key.

use std::time::Duration;

use model::{PropertyId, Time, Unit, duration_text};
use toml::{Table, Value};

use super::{ModelError, ModelHead, Name, Problems, content_hash};

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

fn finite(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Float(number) => *number,
        // Whole numbers of a model file are far below 2^53.
        Value::Integer(number) => *number as f64,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

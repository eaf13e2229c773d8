//! Shipped files with an operator's differences laid over them, by key, and
//! where in which file a key stands.

use std::collections::HashMap;
use std::fmt;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// One mistake in a configuration file, written for the person who mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) file: String,
    pub(crate) line: Option<usize>,
    pub(crate) key: String,
    pub(crate) reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// One TOML file, with the line of every key.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) name: String,
    pub(crate) table: Table,
    lines: HashMap<String, usize>,
}

impl Layer {
    pub(crate) fn parse(name: &str, text: &str) -> Result<Layer, Problem> {
        let at = |error: &toml::de::Error| Problem {
            file: name.to_owned(),
            line: error.span().map(|span| line_at(text, span.start)),
            key: String::new(),
            reason: error.message().to_owned(),
        };
        let table: Table = text.parse().map_err(|error| at(&error))?;
        let spanned = DeTable::parse(text).map_err(|error| at(&error))?;
        let mut lines = HashMap::new();
        collect_lines(text, spanned.get_ref(), "", &mut lines);
        Ok(Layer { name: name.to_owned(), table, lines })
    }

    /// A layer that is no file.
    pub(crate) fn without_lines(name: &str, table: Table) -> Layer {
        Layer { name: name.to_owned(), table, ..Layer::default() }
    }

    /// Does the layer set this key, or a list that it is in? Looks at the
    /// first two steps of the path.
    pub(crate) fn sets(&self, key: &str) -> bool {
        let mut steps = key.split('.');
        let section = steps.next().and_then(|section| self.table.get(section));
        match (section, steps.next()) {
            (Some(Value::Table(section)), Some(step)) => section.contains_key(step),
            (Some(Value::Array(_)), Some(_)) => true,
            _ => false,
        }
    }

    /// A problem with a key of this file; a key that stands only in the file
    /// below has no line here.
    pub(crate) fn problem(&self, key: &str, reason: impl fmt::Display) -> Problem {
        let mut known = key;
        let line = loop {
            if let Some(line) = self.lines.get(known) {
                break Some(*line);
            }
            match known.rfind('.') {
                Some(dot) => known = &known[..dot],
                None => break None,
            }
        };
        Problem { file: self.name.clone(), line, key: key.to_owned(), reason: reason.to_string() }
    }
}

fn line_at(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn collect_lines(text: &str, table: &DeTable<'_>, path: &str, lines: &mut HashMap<String, usize>) {
    for (key, value) in table {
        let path = join(path, key.get_ref());
        lines.insert(path.clone(), line_at(text, key.span().start));
        collect_value_lines(text, value, &path, lines);
    }
}

fn collect_value_lines(
    text: &str,
    value: &Spanned<DeValue<'_>>,
    path: &str,
    lines: &mut HashMap<String, usize>,
) {
    match value.get_ref() {
        DeValue::Table(table) => collect_lines(text, table, path, lines),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = join(path, &index.to_string());
                lines.insert(path.clone(), line_at(text, item.span().start));
                collect_value_lines(text, item, &path, lines);
            }
        }
        _ => (),
    }
}

/// Lays `over` on `base`: tables key by key, everything else as a whole.
pub(crate) fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The paths of all values in which `over` differs from `base`, with both.
pub(crate) fn differences(base: &Table, over: &Table) -> Vec<(String, Option<Value>, Value)> {
    let mut found = Vec::new();
    collect_differences(base, over, "", &mut found);
    found
}

fn collect_differences(
    base: &Table,
    over: &Table,
    path: &str,
    found: &mut Vec<(String, Option<Value>, Value)>,
) {
    for (key, value) in over {
        let path = join(path, key);
        match (base.get(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => {
                collect_differences(base, over, &path, found);
            }
            (below, _) if below == Some(value) => (),
            (below, _) => found.push((path, below.cloned(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_knows_its_line() {
        let layer = Layer::parse("x.toml", "[a]\nb = 1\n\n[[s.m]]\nname = \"n\"\n").unwrap();
        assert_eq!(layer.problem("a.b", "bad").to_string(), "x.toml:2: a.b: bad");
        assert_eq!(layer.problem("s.m.0.name", "bad").line, Some(5));
        assert_eq!(layer.problem("a.missing", "bad").line, Some(1));
    }

    #[test]
    fn a_syntax_error_knows_its_line() {
        let problem = Layer::parse("x.toml", "[a]\nb = \n").unwrap_err();
        assert_eq!(problem.line, Some(2));
    }

    #[test]
    fn overlays_replace_by_key() {
        let mut base: Table = "[a]\nb = 1\nc = [1, 2]\n".parse().unwrap();
        let over: Table = "[a]\nc = [3]\n[d]\ne = 4\n".parse().unwrap();
        let changed: Vec<String> =
            differences(&base, &over).into_iter().map(|(path, ..)| path).collect();
        assert_eq!(changed, ["a.c", "d"]);
        merge(&mut base, &over);
        assert_eq!(base, "[a]\nb = 1\nc = [3]\n[d]\ne = 4\n".parse::<Table>().unwrap());
    }
}

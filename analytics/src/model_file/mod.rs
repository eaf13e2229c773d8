//! Reading a model file so that all its problems are told at once.
//!
//! A [`Section`] is one table of the file. Every key that is read is taken
//! out; what is left at the end was never asked for and is an unknown key.
//! A problem never stops the reading: a stand-in value goes on, and the loader
//! refuses the file at the end.

mod section;

use model::{Catalogue, PropertyId, Time};
use sha2::{Digest, Sha256};

pub use section::Section;

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

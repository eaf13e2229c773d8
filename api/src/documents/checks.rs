//! Reads the members of a document: every problem at once, each with its
//! place.

use std::time::Duration;

use model::{Area, DocumentId, Level, Time, TownshipCode};
use serde_json::Value;
use uuid::Uuid;

use crate::county::County;
use crate::problem::{ApiError, Check, FieldError, Kind, Message};

const NAME_MAX: usize = 200;
const NOTE_MAX: usize = 2_000;

/// How far a document's issue may be ahead of the scene's present.
const AHEAD_MAX: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Default)]
pub(crate) struct Checks {
    errors: Vec<FieldError>,
}

impl Checks {
    pub(crate) fn refuse(&mut self, pointer: impl Into<String>, check: Check) {
        self.errors.push(FieldError::check(pointer, check));
    }

    /// The document, or all its problems.
    pub(crate) fn finish<T>(self, made: Option<T>) -> Result<T, ApiError> {
        match made {
            Some(made) if self.errors.is_empty() => Ok(made),
            _ => {
                let message = Message::DocumentInvalid { n: self.errors.len() };
                Err(ApiError::new(Kind::Validation, message)
                    .with_code("document_invalid")
                    .with_errors(self.errors))
            }
        }
    }

    /// For files whose rows are reported one by one.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    pub(crate) fn required<T>(&mut self, pointer: &str, given: Option<T>) -> Option<T> {
        if given.is_none() {
            self.refuse(pointer, Check::Missing);
        }
        given
    }

    /// The id given, or a new one that begins with `prefix`.
    pub(crate) fn id(&mut self, given: Option<&str>, prefix: &str) -> Option<DocumentId> {
        let Some(text) = given else { return Some(new_id(prefix)) };
        match DocumentId::parse(text) {
            Ok(id) => Some(id),
            Err(error) => {
                self.refuse("#/id", Check::Form(error.to_string()));
                None
            }
        }
    }

    /// A name that must be there.
    pub(crate) fn name(&mut self, pointer: &str, given: Option<String>) -> Option<String> {
        let given = given.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let text = self.required(pointer, given)?;
        self.fits(pointer, &text, NAME_MAX).then_some(text)
    }

    /// Why somebody did something; must be there.
    pub(crate) fn reason(&mut self, pointer: &str, given: Option<String>) -> Option<String> {
        let given = given.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let text = self.required(pointer, given)?;
        self.fits(pointer, &text, NOTE_MAX).then_some(text)
    }

    /// A remark that may be left out.
    pub(crate) fn note(&mut self, given: Option<String>) -> Option<String> {
        let text = given.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())?;
        self.fits("#/note", &text, NOTE_MAX).then_some(text)
    }

    fn fits(&mut self, pointer: &str, text: &str, max: usize) -> bool {
        let fits = text.chars().count() <= max;
        if !fits {
            self.refuse(pointer, Check::TooLong { max });
        }
        fits
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        pointer: &str,
        given: Option<&str>,
        words: &[(&'static str, T)],
        known: &'static str,
    ) -> Option<T> {
        let text = self.required(pointer, given)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let found = text.escape_debug().take(80).collect();
            self.refuse(pointer, Check::UnknownWord { found, known });
        }
        found
    }

    /// A colour: `none` declares nothing.
    pub(crate) fn level(&mut self, given: Option<&str>) -> Option<Level> {
        let text = self.required("#/level", given)?;
        let found = COLOURS.iter().find(|(word, _)| *word == text).map(|(_, level)| *level);
        if found.is_none() {
            self.refuse("#/level", Check::LevelNone);
        }
        found
    }

    /// `"county"` or `{"townships":[codes]}`.
    pub(crate) fn area(&mut self, given: Option<&Value>, county: &County) -> Option<Area> {
        let given = self.required("#/area", given.filter(|value| !value.is_null()))?;
        if given.as_str() == Some("county") {
            return Some(Area::County);
        }
        let listed = given.as_object().filter(|object| object.len() == 1);
        let codes = listed.and_then(|object| object.get("townships")).and_then(Value::as_array);
        let Some(codes) = codes.filter(|codes| !codes.is_empty()) else {
            self.refuse("#/area", Check::AreaForm);
            return None;
        };
        let max = county.townships.len();
        if codes.len() > max {
            self.refuse("#/area/townships", Check::TooMany { found: codes.len(), max });
            return None;
        }
        let mut found: Vec<TownshipCode> = Vec::with_capacity(codes.len());
        for (index, code) in codes.iter().enumerate() {
            let pointer = format!("#/area/townships/{index}");
            let shown = || code.to_string().trim_matches('"').chars().take(40).collect();
            let known = code.as_str().and_then(|code| TownshipCode::parse(code).ok());
            match known.filter(|code| county.township(*code).is_some()) {
                Some(code) if found.contains(&code) => self.refuse(pointer, Check::Twice(shown())),
                Some(code) => found.push(code),
                None => self.refuse(pointer, Check::NoTownship(shown())),
            }
        }
        (found.len() == codes.len()).then_some(Area::Townships(found))
    }

    pub(crate) fn issued(&mut self, given: Option<Time>, now: Time) -> Option<Time> {
        let issued = self.required("#/issued", given)?;
        if issued > now + AHEAD_MAX {
            self.refuse("#/issued", Check::IssuedAhead { minutes: AHEAD_MAX.as_secs() / 60 });
        }
        Some(issued)
    }

    /// A validity that ends after it begins.
    pub(crate) fn ends_after(&mut self, pointer: &str, begin: Option<Time>, end: Option<Time>) {
        if let (Some(begin), Some(end)) = (begin, end)
            && end <= begin
        {
            self.refuse(pointer, Check::EndNotAfterBegin);
        }
    }

    pub(crate) fn cancelled(&mut self, issued: Option<Time>, cancelled: Option<Time>) {
        if let (Some(issued), Some(cancelled)) = (issued, cancelled)
            && cancelled < issued
        {
            self.refuse("#/cancelled", Check::BeforeIssued);
        }
    }

    /// An end in the near future.
    pub(crate) fn until(&mut self, given: Option<Time>, now: Time, max: Duration) -> Option<Time> {
        let until = self.required("#/until", given)?;
        if until <= now {
            self.refuse("#/until", Check::UntilPast);
        } else if until > now + max {
            self.refuse("#/until", Check::UntilTooLate { hours: max.as_secs() / 3_600 });
        }
        Some(until)
    }

    /// Is the number finite and in the range?
    pub(crate) fn within(&mut self, pointer: String, value: f64, min: f64, max: f64) -> bool {
        let is_within = (min..=max).contains(&value);
        if !is_within {
            let (found, min, max) = (value.to_string(), min.to_string(), max.to_string());
            self.refuse(pointer, Check::OutOfRange { found, min, max });
        }
        is_within
    }
}

const COLOURS: [(&str, Level); 4] = [
    ("blue", Level::Blue),
    ("yellow", Level::Yellow),
    ("orange", Level::Orange),
    ("red", Level::Red),
];

/// Sorts by the time of its making.
pub(crate) fn new_id(prefix: &str) -> DocumentId {
    let text = format!("{prefix}-{}", Uuid::now_v7().simple());
    DocumentId::parse(&text).expect("a short prefix, a dash and hex digits fit the grammar")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn county() -> County {
        let name = || model::LocalizedName { zh: "县".to_owned(), en: "County".to_owned() };
        let township = |code: &str| {
            serde_json::from_value(json!({
                "code": code, "name": { "zh": "镇", "en": "Town" },
                "seat": { "longitude": 121.95, "latitude": 29.21 },
                "coastal": true, "villages": null,
            }))
        };
        let townships = vec![township("330225101").unwrap(), township("330225102").unwrap()];
        let outlines = r#"{"type":"FeatureCollection","features":[]}"#;
        County::new("330225".to_owned(), name(), name(), name(), townships, outlines).unwrap()
    }

    #[track_caller]
    fn check_area(given: &Value, expected: Result<usize, &[&str]>) {
        let mut checks = Checks::default();
        let area = checks.area(Some(given), &county());
        let found = checks.finish(area).map_err(|error| error.errors);
        match (found, expected) {
            (Ok(Area::County), Ok(n)) => assert_eq!(n, 0, "{given}"),
            (Ok(Area::Townships(codes)), Ok(n)) => assert_eq!(codes.len(), n, "{given}"),
            (Err(errors), Err(pointers)) => {
                let found: Vec<String> = errors.iter().map(|e| format!("{:?}", e.place)).collect();
                let expected: Vec<String> =
                    pointers.iter().map(|pointer| format!("Pointer({pointer:?})")).collect();
                assert_eq!(found, expected, "{given}");
            }
            (found, _) => panic!("{given}: {found:?}"),
        }
    }

    #[test]
    fn areas_are_the_county_or_its_townships() {
        check_area(&json!("county"), Ok(0));
        check_area(&json!({ "townships": ["330225101", "330225102"] }), Ok(2));
        for wrong in [json!("all"), json!({}), json!({ "townships": [] }), json!([]), json!(null)] {
            check_area(&wrong, Err(&["#/area"]));
        }
        let other = json!({ "townships": ["330225101", 7] });
        check_area(&other, Err(&["#/area/townships/1"]));
        let twice = json!({ "townships": ["330225101", "330225101"] });
        check_area(&twice, Err(&["#/area/townships/1"]));
        let many = json!({ "townships": ["330225101", "330225102", "330225103"] });
        check_area(&many, Err(&["#/area/townships"]));
    }

    #[test]
    fn generated_ids_differ_and_fit() {
        let (a, b) = (new_id("sg"), new_id("sg"));
        assert_ne!(a, b);
        assert!(a.as_str().starts_with("sg-"));
    }
}

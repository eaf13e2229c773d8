//! `score`: one index from given values, without history (docs/indices.md 4.7).

use model::{Level, Time, TownshipCode};
use serde_json::{Map, Value, json};

use super::explanation::explanation;
use super::{CommandError, ModelText};
use crate::drivers::{Sentence, danger_drivers, safety_drivers, sentence};
use crate::explain::{Node, NodeKind, NodeState};
use crate::flood_typhoon::items::{DimensionScore, ItemScore, dimension};
use crate::flood_typhoon::sources::{GroupScore, group_score};
use crate::flood_typhoon::{Composition, FloodModel, ItemSpec, compose};
use crate::hazard::{GroupSpec, KnotSource};
use crate::township_safety::caps::{CapId, HeldCap};
use crate::township_safety::{
    DimensionInput, Face, IndicatorInput, IndicatorValue, SafetyInputs, SafetyModel, evaluate,
};

/// Scores the values of a JSON object under a model: JSON with the full
/// explanation. All problems of the values at once, each with its key.
pub fn score(model: &ModelText, values_json: &str) -> Result<String, Vec<CommandError>> {
    let values: Value = serde_json::from_str(values_json)
        .map_err(|error| vec![CommandError::key("values", format!("is not JSON: {error}"))])?;
    let Value::Object(values) = values else {
        return Err(vec![CommandError::key("values", "is not a JSON object")]);
    };
    let mut given = Given { values, errors: Vec::new() };
    let found = match model {
        ModelText::Safety(model) => score_safety(model, &mut given),
        ModelText::Flood(model) => score_flood(model, &mut given),
    };
    given.refuse_unread();
    if !given.errors.is_empty() {
        return Err(given.errors);
    }
    Ok(serde_json::to_string_pretty(&found).expect("a JSON value can be written"))
}

/// A given value; what is read is taken out.
enum Word {
    Unknown,
    NotApplicable,
    Number(f64),
}

struct Given {
    values: Map<String, Value>,
    errors: Vec<CommandError>,
}

impl Given {
    fn refuse(&mut self, key: &str, reason: impl Into<String>) {
        self.errors.push(CommandError::key(key, reason));
    }

    fn word(&mut self, key: &str) -> Word {
        match self.values.remove(key) {
            None | Some(Value::Null) => Word::Unknown,
            Some(Value::String(text)) if text == "not_applicable" => Word::NotApplicable,
            Some(value) => match value.as_f64().filter(|number| number.is_finite()) {
                Some(number) => Word::Number(number),
                None => {
                    self.refuse(key, format!("{value} is no number, null or \"not_applicable\""));
                    Word::Unknown
                }
            },
        }
    }

    /// A number of `0..=max`, or one of the words.
    fn word_up_to(&mut self, key: &str, max: f64) -> Word {
        match self.word(key) {
            Word::Number(number) if !(0.0..=max).contains(&number) => {
                self.refuse(key, format!("{number} is not in 0..{max}"));
                Word::Unknown
            }
            word => word,
        }
    }

    fn flag(&mut self, key: &str) -> bool {
        match self.values.remove(key) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => flag,
            Some(value) => {
                self.refuse(key, format!("{value} is neither true nor false"));
                false
            }
        }
    }

    /// Numbers by name, from one object or one number for all.
    fn numbers(&mut self, key: &str, names: [&str; 2], max: f64) -> [Option<f64>; 2] {
        let value = self.values.remove(key);
        let mut read = |value: &Value, key: &str| match value.as_f64() {
            Some(number) if (0.0..=max).contains(&number) => Some(number),
            _ => {
                self.errors
                    .push(CommandError::key(key, format!("{value} is not a number in 0..{max}")));
                None
            }
        };
        match value {
            None | Some(Value::Null) => [None; 2],
            Some(Value::Object(mut object)) => {
                let found = names.map(|name| {
                    let value = object.remove(name)?;
                    read(&value, &format!("{key}.{name}"))
                });
                for name in object.keys() {
                    self.errors
                        .push(CommandError::key(format!("{key}.{name}"), "is an unknown key"));
                }
                found
            }
            Some(value) => [read(&value, key); 2],
        }
    }

    fn caps(&mut self) -> Vec<HeldCap> {
        let Some(value) = self.values.remove("caps") else { return Vec::new() };
        let Value::Array(values) = value else {
            self.refuse("caps", "is not a list of cap ids");
            return Vec::new();
        };
        let mut caps = Vec::new();
        for value in values {
            match value.as_str().and_then(CapId::parse) {
                Some(id) => caps.push(HeldCap { id, since: None, expires: None }),
                None => self.refuse("caps", format!("{value} is no cap id")),
            }
        }
        caps
    }

    fn refuse_unread(&mut self) {
        let unread: Vec<String> = self.values.keys().cloned().collect();
        for key in unread {
            self.refuse(&key, "is an unknown key of this model");
        }
    }
}

/// A township that stands for nowhere: given values have none.
fn no_township() -> TownshipCode {
    TownshipCode::parse("100000000").expect("nine digits")
}

fn score_safety(model: &SafetyModel, given: &mut Given) -> Value {
    let face = match given.values.remove("face") {
        None | Some(Value::Null) => Face::Live,
        Some(Value::String(text)) if text == "live" => Face::Live,
        Some(Value::String(text)) if text == "month" => Face::Month,
        Some(value) => {
            given.refuse("face", format!("{value} is neither \"live\" nor \"month\""));
            Face::Live
        }
    };
    let mut dimensions = Vec::new();
    for spec in &model.dimensions {
        let whole = given.word_up_to(&spec.id, 100.0);
        let indicators: Vec<(&str, Word)> =
            spec.indicators.iter().map(|i| (i.id.as_str(), given.word(&i.id))).collect();
        let is_given = |word: &Word| !matches!(word, Word::Unknown);
        if is_given(&whole) && indicators.iter().any(|(_, word)| is_given(word)) {
            given.refuse(&spec.id, "is given beside indicators of its own branch");
        }
        dimensions.push(match whole {
            Word::Number(score) => DimensionInput::Score(score),
            Word::NotApplicable => DimensionInput::NotApplicable,
            Word::Unknown => DimensionInput::Indicators(
                indicators.into_iter().map(|(_, word)| indicator_input(word)).collect(),
            ),
        });
    }
    let confidence = given.numbers("confidence", ["exposure", "capability_gap"], 1.0);
    let inputs = SafetyInputs {
        township: no_township(),
        face,
        dimensions,
        caps: given.caps(),
        confidence: confidence[0],
    };
    let found = evaluate(&inputs, model, Time::EPOCH);
    let drivers = safety_drivers(&found.explanation);
    json!({
        "index": model.head.id,
        "model": format!("{}@{}", model.head.id, model.head.version),
        "model_hash": model.head.hash,
        "face": if face == Face::Month { "month" } else { "live" },
        "raw": found.raw,
        "score": found.score,
        "level": found.level.map(level_text),
        "coverage": found.coverage,
        "confidence": found.confidence,
        "provisional": found.provisional,
        "grey": found.grey,
        "caps": found.caps.iter().map(|cap| cap.id.as_str()).collect::<Vec<_>>(),
        "missing": found.missing,
        "drivers": sentence_json(&sentence(&drivers, |id| model.name_of(id))),
        "explanation": explanation(&found.explanation),
    })
}

fn indicator_input(word: Word) -> IndicatorInput {
    match word {
        Word::Unknown => IndicatorInput::Unknown,
        Word::NotApplicable => IndicatorInput::NotApplicable,
        Word::Number(value) => IndicatorInput::Value(IndicatorValue {
            value,
            time: Time::EPOCH,
            credibility: None,
            raw: None,
        }),
    }
}

fn score_flood(model: &FloodModel, given: &mut Given) -> Value {
    let groups: Vec<GroupScore> =
        model.groups.iter().filter_map(|group| given_group(group, given)).collect();
    if given.values.remove("hazard").is_some() {
        given.refuse("hazard", "cannot stand for its groups: the hazard level needs them");
    }
    let weight_min = 1.0 - model.exposure.unentered_max;
    let exposure = given_dimension("exposure", &model.exposure_items, weight_min, given);
    let capability = given_dimension(
        "capability_gap",
        &model.capability_items,
        model.capability.weight_min,
        given,
    );
    let names = ["exposure", "capability_gap"];
    let confidence = given.numbers("confidence", names, 1.0).map(|found| found.or(Some(1.0)));
    let composition = Composition {
        township: no_township(),
        groups,
        exposure,
        capability,
        response: Level::None,
        red_alarm_open: given.flag("red_alarm_open"),
        last_known: given.numbers("last_known", names, 100.0),
        confidence,
    };
    let found = compose(&composition, model, Time::EPOCH);
    let drivers = danger_drivers(&found.explanation);
    json!({
        "index": model.head.id,
        "model": format!("{}@{}", model.head.id, model.head.version),
        "model_hash": model.head.hash,
        "score": found.score,
        "level": level_text(found.level),
        "hazard": found.hazard,
        "exposure": found.exposure,
        "capability_gap": found.capability_gap,
        "hazard_level": level_text(found.hazard_level),
        "sensed_level": level_text(found.sensed_level),
        "coverage": found.coverage,
        "confidence": found.confidence,
        "provisional": found.provisional,
        "grey": found.grey,
        "missing": found.missing,
        "drivers": sentence_json(&sentence(&drivers, |id| model.name_of(id))),
        "explanation": explanation(&found.explanation),
    })
}

/// A group given by its own score or by raw values of its quantities; `None`
/// when it is not configured.
fn given_group(spec: &GroupSpec, given: &mut Given) -> Option<GroupScore> {
    let whole = given.word_up_to(&spec.id, 100.0);
    let mut parts = Vec::new();
    for quantity in &spec.quantities {
        let id = quantity.id.as_str();
        let Word::Number(value) = given.word(id) else { continue };
        if quantity.knots == KnotSource::Station {
            given.refuse(id, format!("needs a station's levels: give the group `{}`", spec.id));
            continue;
        }
        let score = quantity.score(value, None);
        parts.push(Node { score, ..Node::new(id, NodeKind::Quantity, NodeState::Known) });
    }
    match whole {
        Word::NotApplicable => return None,
        Word::Number(_) if !parts.is_empty() => {
            given.refuse(&spec.id, "is given beside quantities of its own");
        }
        Word::Number(score) => {
            let node = Node::new(spec.id.as_str(), NodeKind::Quantity, NodeState::Known);
            parts.push(Node { score: Some(score), ..node });
        }
        Word::Unknown => {}
    }
    let confidences = if parts.is_empty() { vec![0.0] } else { vec![1.0] };
    Some(group_score(spec, Level::None, parts, &confidences))
}

fn given_dimension(
    id: &'static str,
    specs: &[ItemSpec],
    weight_min: f64,
    given: &mut Given,
) -> DimensionScore {
    let whole = given.word_up_to(id, 100.0);
    let words: Vec<Word> = specs.iter().map(|spec| given.word_up_to(&spec.id, 1.0)).collect();
    let is_given = words.iter().any(|word| !matches!(word, Word::Unknown));
    if let Word::Number(score) = whole {
        if is_given {
            given.refuse(id, "is given beside items of its own branch");
        }
        let node = Node::new(id, NodeKind::Dimension, NodeState::Known);
        return DimensionScore {
            score: Some(score),
            confidence: 1.0,
            node: Node { score: Some(score), ..node },
        };
    }
    let items: Vec<ItemScore> = words
        .into_iter()
        .map(|word| match word {
            Word::Unknown => ItemScore::unknown(),
            Word::NotApplicable => ItemScore::not_applicable(),
            Word::Number(share) => ItemScore::known(share, 1.0),
        })
        .collect();
    dimension(id, specs, &items, weight_min)
}

fn level_text(level: Level) -> String {
    format!("{level:?}").to_lowercase()
}

fn sentence_json(sentence: &Sentence) -> Value {
    json!({"zh": sentence.zh, "en": sentence.en})
}

#[cfg(test)]
mod tests;

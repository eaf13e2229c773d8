//! The county's records from its townships' (docs/indices.md 3.4).

use model::{Level, Time, TownshipCode};

use super::Evaluated;
use crate::county::{CountyValue, TownshipValue, Worse, county};
use crate::knots::danger_level;
use crate::record::{Feature, FloodPart, IndexId, ScoreRecord};

type Townships<'a> = [(TownshipCode, &'a Evaluated, Option<f64>)];

/// What a township brings to the county's flags.
struct Brought {
    provisional: bool,
    coverage: f64,
    confidence: f64,
}

/// The records of both indices and of hazard.
pub(super) fn county_records(
    townships: &Townships<'_>,
    safety: &CountyValue,
    flood: &CountyValue,
    at: Time,
) -> impl Iterator<Item = ScoreRecord> + use<> {
    let of_safety = |found: &Evaluated| {
        let score = &found.scores.safety;
        let (coverage, confidence) = (score.coverage, score.confidence);
        Brought { provisional: score.provisional, coverage, confidence }
    };
    let of_flood = |found: &Evaluated| {
        let score = &found.scores.flood.score;
        let (coverage, confidence) = (score.coverage, score.confidence);
        Brought { provisional: score.provisional, coverage, confidence }
    };
    let of_hazard = |found: &Evaluated| Brought {
        provisional: false,
        coverage: if found.scores.flood.score.hazard_is_available { 1.0 } else { 0.0 },
        confidence: found.scores.flood.score.hazard_confidence,
    };
    let hazard = hazard_value(townships);
    let record = |index, value: &CountyValue, of: fn(&Evaluated) -> Brought| {
        record(index, townships, value, of, at)
    };
    let mut records = [
        record(IndexId::TownshipSafety, safety, of_safety),
        record(IndexId::FloodTyphoon, flood, of_flood),
        record(IndexId::Hazard, &hazard, of_hazard),
    ];
    let part = flood_part(townships, flood.level);
    records[1].flood = Some(part.clone());
    records[2].flood = Some(part);
    records.into_iter()
}

fn hazard_value(townships: &Townships<'_>) -> CountyValue {
    let values: Vec<TownshipValue> = townships
        .iter()
        .map(|(_, found, population)| {
            let score = &found.scores.flood.score;
            TownshipValue {
                score: score.hazard.filter(|_| score.hazard_is_available),
                level: score.hazard_is_available.then_some(score.hazard_level),
                population: *population,
            }
        })
        .collect();
    county(&values, Worse::High, Level::None, danger_level)
}

/// Coverage and confidence are the means over the townships.
fn record(
    index: IndexId,
    townships: &Townships<'_>,
    value: &CountyValue,
    of: fn(&Evaluated) -> Brought,
    at: Time,
) -> ScoreRecord {
    let brought: Vec<Brought> = townships.iter().map(|(_, found, _)| of(found)).collect();
    let mean = |of: fn(&Brought) -> f64| {
        let sum = brought.iter().fold(0.0, |sum, brought| sum + of(brought));
        if brought.is_empty() { 0.0 } else { sum / brought.len() as f64 }
    };
    let left_out = value.grey.iter().filter_map(|place| townships.get(*place));
    ScoreRecord {
        index,
        feature: Feature::County,
        time: at,
        score: value.score,
        level: value.level,
        grey: value.score.is_none(),
        provisional: brought.iter().any(|brought| brought.provisional),
        coverage: mean(|brought| brought.coverage),
        confidence: mean(|brought| brought.confidence),
        flood: None,
        missing: left_out.map(|(code, ..)| code.to_string()).collect(),
        caps: Vec::new(),
        sentence: [String::new(), String::new()],
        explanation: None,
    }
}

/// The worst of the townships; numbers of people and alarms are added up.
fn flood_part(townships: &Townships<'_>, level: Option<Level>) -> FloodPart {
    let worst = |of: fn(&Evaluated) -> Level| {
        townships.iter().map(|(_, found, _)| of(found)).max().unwrap_or(Level::None)
    };
    let official_level = worst(|found| found.scores.flood.score.official_level);
    let response_level = worst(|found| found.response);
    let level = level.unwrap_or(Level::None);
    let displayed_level = level.max(official_level).max(response_level);
    let displayed_by = match displayed_level {
        shown if shown == level => "assessed",
        shown if shown == official_level => "official",
        _ => "response",
    };
    let attentions = || townships.iter().map(|(_, found, _)| &found.scores.flood.attention);
    FloodPart {
        hazard_level: worst(|found| found.scores.flood.score.hazard_level),
        sensed_level: worst(|found| found.scores.flood.score.sensed_level),
        official_level,
        response_level,
        displayed_level,
        displayed_by: displayed_by.to_owned(),
        unverified: None,
        n_unmoved: attentions().fold(0.0, |sum, found| sum + found.n_unmoved),
        n_life_alarms: attentions().fold(0, |sum, found| sum + found.n_life_alarms),
        oldest_report: attentions().filter_map(|found| found.oldest_report).min(),
        attention: 0,
    }
}

//! Scores of townships in the form that is stored and shown.

use model::{Level, Time, TownshipCode};

use crate::county_run::TownshipScores;
use crate::drivers::{Driver, Sentence, danger_drivers, safety_drivers, sentence};
use crate::explain::{Node, NodeState, Raw};
use crate::flood_typhoon::{DisplayedBy, FloodModel};
use crate::record::{CapRecord, Feature, FloodPart, IndexId, NodeRecord, RawRecord, ScoreRecord};
use crate::township_safety::SafetyModel;

/// One township's evaluation, as it is told.
pub(super) struct Township<'a> {
    pub(super) code: TownshipCode,
    pub(super) at: Time,
    pub(super) scores: &'a TownshipScores,
    pub(super) response: Level,
    /// Order of attention, 1 first.
    pub(super) rank: u32,
}

pub(super) fn safety_record(township: &Township<'_>, model: &SafetyModel) -> ScoreRecord {
    let found = &township.scores.safety;
    let drivers = safety_drivers(&found.explanation);
    ScoreRecord {
        index: IndexId::TownshipSafety,
        feature: Feature::Township(township.code),
        time: township.at,
        score: found.score,
        level: found.level,
        grey: found.grey,
        provisional: found.provisional,
        coverage: found.coverage,
        confidence: found.confidence,
        flood: None,
        missing: found.missing.clone(),
        caps: found
            .caps
            .iter()
            .map(|cap| CapRecord {
                id: cap.id.as_str().to_owned(),
                since: cap.since,
                expires: cap.expires,
            })
            .collect(),
        sentence: words(&drivers, |drivers| sentence(drivers, |id| model.name_of(id))),
        explanation: Some(node_record(&found.explanation)),
    }
}

pub(super) fn flood_record(township: &Township<'_>, model: &FloodModel) -> ScoreRecord {
    let found = &township.scores.flood.score;
    let drivers = danger_drivers(&found.explanation);
    ScoreRecord {
        index: IndexId::FloodTyphoon,
        feature: Feature::Township(township.code),
        time: township.at,
        score: found.score,
        level: (!found.grey).then_some(found.level),
        grey: found.grey,
        provisional: found.provisional,
        coverage: found.coverage,
        confidence: found.confidence,
        flood: Some(flood_part(township)),
        missing: found.missing.clone(),
        caps: Vec::new(),
        sentence: words(&drivers, |drivers| sentence(drivers, |id| model.name_of(id))),
        explanation: Some(node_record(&found.explanation)),
    }
}

/// The hazard part of Index B alone: H with the level of its largest group.
/// Its coverage is the share of its groups that are known.
pub(super) fn hazard_record(township: &Township<'_>, model: &FloodModel) -> ScoreRecord {
    let found = &township.scores.flood.score;
    let hazard = found.explanation.part("hazard");
    let groups = hazard.map_or(&[][..], |hazard| hazard.parts.as_slice());
    let missing: Vec<String> = groups
        .iter()
        .filter(|group| group.state != NodeState::Known)
        .map(|group| group.id.to_string())
        .collect();
    let n_known = (groups.len() - missing.len()) as f64;
    let drivers = hazard.map(danger_drivers).unwrap_or_default();
    ScoreRecord {
        index: IndexId::Hazard,
        feature: Feature::Township(township.code),
        time: township.at,
        score: found.hazard,
        level: found.hazard_is_available.then_some(found.hazard_level),
        grey: !found.hazard_is_available,
        provisional: false,
        coverage: if groups.is_empty() { 0.0 } else { n_known / groups.len() as f64 },
        confidence: found.hazard_confidence,
        flood: Some(flood_part(township)),
        missing,
        caps: Vec::new(),
        sentence: words(&drivers, |drivers| sentence(drivers, |id| model.name_of(id))),
        explanation: hazard.map(|hazard| NodeRecord {
            kind: "index".to_owned(),
            weight: None,
            contribution: None,
            ..node_record(hazard)
        }),
    }
}

fn words(drivers: &[Driver], in_words: impl Fn(&[Driver]) -> Sentence) -> [String; 2] {
    let Sentence { zh, en } = in_words(drivers);
    [zh, en]
}

pub(super) fn displayed_by(by: DisplayedBy) -> &'static str {
    match by {
        DisplayedBy::Assessed => "assessed",
        DisplayedBy::Official => "official",
        DisplayedBy::Response => "response",
    }
}

fn flood_part(township: &Township<'_>) -> FloodPart {
    let found = &township.scores.flood;
    let score = &found.score;
    FloodPart {
        hazard_level: score.hazard_level,
        sensed_level: score.sensed_level,
        official_level: score.official_level,
        response_level: township.response,
        displayed_level: score.displayed_level,
        displayed_by: displayed_by(score.displayed_by).to_owned(),
        unverified: found.unverified.clone(),
        n_unmoved: found.attention.n_unmoved,
        n_life_alarms: found.attention.n_life_alarms,
        oldest_report: found.attention.oldest_report,
        attention: township.rank,
    }
}

pub(super) fn node_record(node: &Node) -> NodeRecord {
    NodeRecord {
        id: node.id.to_string(),
        kind: node.kind.as_str().to_owned(),
        aggregation: node.aggregation.map(|aggregation| aggregation.as_str().to_owned()),
        score: node.score,
        weight: node.weight,
        contribution: node.contribution,
        state: node.state.as_str().to_owned(),
        raw: node.raw.as_ref().map(raw_record),
        reasons: node.reasons.iter().map(ToString::to_string).collect(),
        parts: node.parts.iter().map(node_record).collect(),
    }
}

fn raw_record(raw: &Raw) -> RawRecord {
    RawRecord {
        value: raw.value,
        unit: raw.unit.ucum().to_owned(),
        time: raw.time,
        age_s: raw.age_s,
        quality: raw.quality.code(),
        datastreams: raw.datastreams.iter().map(ToString::to_string).collect(),
    }
}

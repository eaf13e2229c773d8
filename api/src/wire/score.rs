//! Scores over the wire, and their conversion from the runner's.

use std::sync::Arc;

use analytics::Models;
use analytics::record::{Feature, FloodPart, IndexId, NodeRecord, RawRecord, ScoreRecord};
use model::{Level, Origin, Time};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Language;

/// One evaluation of one index, of a township or of the county.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Score {
    #[schema(example = "flood-typhoon")]
    pub(crate) index: &'static str,
    /// Code of the township, or of the county.
    #[schema(value_type = String, example = "330225101")]
    pub(crate) township: Arc<str>,
    /// The instant it is of, scene clock.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) time: Time,
    /// 0 to 100; a grey score keeps its value and has no level.
    #[schema(example = 62.4, minimum = 0, maximum = 100)]
    pub(crate) score: Option<f64>,
    /// `none`, `blue`, `yellow`, `orange` or `red`; an assessed level, never a
    /// warning.
    #[schema(example = "yellow")]
    pub(crate) level: Option<&'static str>,
    /// Too little is known for a level.
    pub(crate) grey: bool,
    /// A part was replaced by its last known value.
    pub(crate) provisional: bool,
    /// Level of the largest hazard group. Of Index B and of hazard only, as
    /// the others down to `oldest_report`.
    pub(crate) hazard_level: Option<&'static str>,
    /// The same without official floors.
    pub(crate) sensed_level: Option<&'static str>,
    /// The official signal in force.
    pub(crate) official_level: Option<&'static str>,
    /// The emergency response in force.
    pub(crate) response_level: Option<&'static str>,
    /// The worst of assessed level, official signal and response.
    pub(crate) displayed_level: Option<&'static str>,
    /// Which of them made it: `assessed`, `official` or `response`.
    #[schema(example = "assessed")]
    pub(crate) displayed_by: Option<String>,
    /// The thing that alone says so.
    pub(crate) unverified: Option<String>,
    /// Order of attention among the townships, 1 first.
    pub(crate) attention: Option<u32>,
    /// People to be moved who are not.
    pub(crate) n_unmoved: Option<f64>,
    pub(crate) n_life_alarms: Option<u32>,
    /// Time of the oldest report that counts.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) oldest_report: Option<Time>,
    /// 0 to 1.
    #[schema(example = 0.61)]
    pub(crate) confidence: f64,
    /// Share of the weight that has a value.
    #[schema(example = 0.9)]
    pub(crate) coverage: f64,
    #[schema(value_type = String, example = "flood-typhoon@3")]
    pub(crate) model: Arc<str>,
    /// SHA-256 of the model file.
    #[schema(value_type = String)]
    pub(crate) model_hash: Arc<str>,
    /// Computed again with what came later.
    pub(crate) revised: bool,
    /// `real`, `replay` or `simulated`.
    #[schema(example = "real")]
    pub(crate) origin: &'static str,
    /// Groups, items or indicators without a known value; of the county the
    /// townships left out.
    pub(crate) missing: Vec<String>,
    /// Caps that hold.
    pub(crate) caps: Vec<Cap>,
    /// The strongest drivers in a sentence of the request's language.
    pub(crate) drivers: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ScoreCap)]
pub(crate) struct Cap {
    pub(crate) id: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) since: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires: Option<Time>,
}

/// One part of a score, and what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ScoreNode)]
pub(crate) struct Node {
    #[schema(example = "rain_flood")]
    pub(crate) id: String,
    /// `index`, `dimension`, `group`, `item`, `indicator`, `quantity` or `cap`.
    #[schema(example = "group")]
    pub(crate) kind: String,
    /// How the parts make the score: `arithmetic`, `geometric`, `maximum`,
    /// `compound`.
    #[schema(example = "maximum")]
    pub(crate) aggregation: Option<String>,
    pub(crate) score: Option<f64>,
    pub(crate) weight: Option<f64>,
    /// What it adds to the score above.
    pub(crate) contribution: Option<f64>,
    /// `known`, `held` (older than three periods, still counted), `unknown` or
    /// `not_applicable`.
    #[schema(example = "known")]
    pub(crate) state: String,
    pub(crate) raw: Option<Raw>,
    pub(crate) reasons: Vec<String>,
    #[schema(no_recursion)]
    pub(crate) parts: Vec<Node>,
}

/// The value that a score was made from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = RawValue)]
pub(crate) struct Raw {
    pub(crate) value: f64,
    /// UCUM.
    #[schema(example = "m/s")]
    pub(crate) unit: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) time: Time,
    /// Seconds.
    pub(crate) age_s: f64,
    /// QARTOD flag.
    #[schema(example = 1)]
    pub(crate) quality: u8,
    pub(crate) datastreams: Vec<String>,
}

/// What all scores of this data have in common.
#[derive(Debug, Clone)]
pub(crate) struct ScoreFacts {
    county: Arc<str>,
    origin: Origin,
    flood: ModelName,
    safety: ModelName,
}

#[derive(Debug, Clone)]
pub(crate) struct ModelName {
    pub(crate) model: Arc<str>,
    pub(crate) hash: Arc<str>,
}

impl ScoreFacts {
    pub(crate) fn new(county: &str, origin: Origin, models: &Models) -> ScoreFacts {
        let name = |head: &analytics::model_file::ModelHead| ModelName {
            model: format!("{}@{}", head.id, head.version).into(),
            hash: head.hash.as_str().into(),
        };
        let (flood, safety) = (name(&models.flood.head), name(&models.safety.head));
        ScoreFacts { county: county.into(), origin, flood, safety }
    }

    /// Hazard is a part of Index B and of its model.
    pub(crate) fn model(&self, index: IndexId) -> &ModelName {
        match index {
            IndexId::TownshipSafety => &self.safety,
            IndexId::FloodTyphoon | IndexId::Hazard => &self.flood,
        }
    }

    pub(crate) fn score(&self, record: &ScoreRecord, language: Language) -> Score {
        let ModelName { model, hash } = self.model(record.index);
        let flood = record.flood.as_ref();
        let level = |of: fn(&FloodPart) -> Level| flood.map(|flood| level_name(of(flood)));
        let [zh, en] = &record.sentence;
        Score {
            index: record.index.as_str(),
            township: match record.feature {
                Feature::County => Arc::clone(&self.county),
                Feature::Township(code) => code.to_string().into(),
            },
            time: record.time,
            score: record.score,
            level: record.level.map(level_name),
            grey: record.grey,
            provisional: record.provisional,
            hazard_level: level(|flood| flood.hazard_level),
            sensed_level: level(|flood| flood.sensed_level),
            official_level: level(|flood| flood.official_level),
            response_level: level(|flood| flood.response_level),
            displayed_level: level(|flood| flood.displayed_level),
            displayed_by: flood.map(|flood| flood.displayed_by.clone()),
            unverified: flood.and_then(|flood| flood.unverified.as_ref()).map(ToString::to_string),
            attention: flood.map(|flood| flood.attention),
            n_unmoved: flood.map(|flood| flood.n_unmoved),
            n_life_alarms: flood.map(|flood| flood.n_life_alarms),
            oldest_report: flood.and_then(|flood| flood.oldest_report),
            confidence: record.confidence,
            coverage: record.coverage,
            model: Arc::clone(model),
            model_hash: Arc::clone(hash),
            revised: false,
            origin: self.origin.as_str(),
            missing: record.missing.clone(),
            caps: record
                .caps
                .iter()
                .map(|cap| Cap { id: cap.id.clone(), since: cap.since, expires: cap.expires })
                .collect(),
            drivers: language.pick(zh, en).to_owned(),
        }
    }
}

impl From<&NodeRecord> for Node {
    fn from(node: &NodeRecord) -> Node {
        Node {
            id: node.id.clone(),
            kind: node.kind.clone(),
            aggregation: node.aggregation.clone(),
            score: node.score,
            weight: node.weight,
            contribution: node.contribution,
            state: node.state.clone(),
            raw: node.raw.as_ref().map(Raw::from),
            reasons: node.reasons.clone(),
            parts: node.parts.iter().map(Node::from).collect(),
        }
    }
}

impl From<&RawRecord> for Raw {
    fn from(raw: &RawRecord) -> Raw {
        Raw {
            value: raw.value,
            unit: raw.unit.clone(),
            time: raw.time,
            age_s: raw.age_s,
            quality: raw.quality,
            datastreams: raw.datastreams.clone(),
        }
    }
}

pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::None => "none",
        Level::Blue => "blue",
        Level::Yellow => "yellow",
        Level::Orange => "orange",
        Level::Red => "red",
    }
}

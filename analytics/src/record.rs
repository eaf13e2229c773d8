//! Scores and alerts as they are stored and handed to whoever shows them. The
//! inner types of the indices stay free of any wire form.

use model::{Level, ThingId, Time, TownshipCode};
use serde::{Deserialize, Serialize};

use crate::alerts::Class;

/// Which index a score is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexId {
    TownshipSafety,
    FloodTyphoon,
    /// The hazard part of `flood-typhoon` alone.
    Hazard,
}

impl IndexId {
    pub const ALL: [IndexId; 3] = [IndexId::TownshipSafety, IndexId::FloodTyphoon, IndexId::Hazard];

    pub fn as_str(self) -> &'static str {
        match self {
            IndexId::TownshipSafety => "township-safety",
            IndexId::FloodTyphoon => "flood-typhoon",
            IndexId::Hazard => "hazard",
        }
    }

    pub fn parse(text: &str) -> Option<IndexId> {
        IndexId::ALL.into_iter().find(|index| index.as_str() == text)
    }
}

/// What a score is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    Township(TownshipCode),
    County,
}

/// One evaluation of one index, as published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRecord {
    pub index: IndexId,
    pub feature: Feature,
    pub time: Time,
    /// Grey scores keep their value and have no level.
    pub score: Option<f64>,
    pub level: Option<Level>,
    pub grey: bool,
    pub provisional: bool,
    pub coverage: f64,
    pub confidence: f64,
    /// Of Index B and of hazard only.
    pub flood: Option<FloodPart>,
    /// Ids of groups, items or indicators without a known value; of the county
    /// the townships left out.
    pub missing: Vec<String>,
    /// Ids of the caps that hold, with since and until.
    pub caps: Vec<CapRecord>,
    /// The three strongest drivers in words, Chinese and English.
    pub sentence: [String; 2],
    /// `None` of the county.
    pub explanation: Option<NodeRecord>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FloodPart {
    pub hazard_level: Level,
    pub sensed_level: Level,
    pub official_level: Level,
    pub response_level: Level,
    pub displayed_level: Level,
    /// `assessed`, `official` or `response`.
    pub displayed_by: String,
    /// The thing that alone says so: 未证实.
    pub unverified: Option<ThingId>,
    /// People to be moved who are not.
    pub n_unmoved: f64,
    pub n_life_alarms: u32,
    /// The time of the oldest report that counts.
    pub oldest_report: Option<Time>,
    /// Order of attention among the townships, 1 first.
    pub attention: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapRecord {
    pub id: String,
    pub since: Option<Time>,
    pub expires: Option<Time>,
}

/// A node of an explanation (docs/indices.md section 5, "Contributions").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeRecord {
    pub id: String,
    /// `index dimension group item indicator quantity cap`.
    pub kind: String,
    pub aggregation: Option<String>,
    pub score: Option<f64>,
    pub weight: Option<f64>,
    pub contribution: Option<f64>,
    /// `known held unknown not_applicable`.
    pub state: String,
    pub raw: Option<RawRecord>,
    pub reasons: Vec<String>,
    pub parts: Vec<NodeRecord>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawRecord {
    pub value: f64,
    pub unit: String,
    pub time: Time,
    pub age_s: f64,
    pub quality: u8,
    pub datastreams: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertPhase {
    Pending,
    Firing,
    Acknowledged,
    Resolving,
    Resolved,
    /// It was pending and did not last.
    Forgotten,
}

/// An alert as it stands after its newest transition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRecord {
    /// From the datastream and the opening alone: the same events, the same id.
    pub id: String,
    /// Of the newest transition; grows by 1.
    pub sequence: u32,
    pub datastream: String,
    pub thing: ThingId,
    pub property: String,
    pub township: Option<TownshipCode>,
    pub class: Class,
    pub phase: AlertPhase,
    pub level: Level,
    pub level_highest: Level,
    pub confirmed_level: Level,
    /// The reading that made the newest level.
    pub value: Option<f64>,
    pub limit: Option<f64>,
    pub unit: String,
    /// When the value was true, and when it came.
    pub phenomenon_time: Option<Time>,
    pub received: Option<Time>,
    pub opened: Time,
    pub closed: Option<Time>,
    pub updated: Time,
    /// 迟到.
    pub is_late: bool,
    /// 已过待核: only a person closes it.
    pub needs_person: bool,
    /// Nothing heard for three periods; the alert stays open.
    pub data_missing: bool,
    /// Nobody acknowledged in time.
    pub escalated: bool,
    /// 检修中: its thing is in maintenance.
    pub in_maintenance: bool,
    /// An override marks it false.
    pub is_false: bool,
    pub silenced: bool,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<Time>,
    pub acknowledged_by_unit: Option<Time>,
    /// A typhoon or gale signal or a response was in force when it opened.
    pub opened_in_storm: bool,
    /// The newest transition: `raised`, `worsened`, `escalated`, …
    pub transition: String,
}

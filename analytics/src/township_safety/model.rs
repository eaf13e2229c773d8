//! The model file of Index A: its tree with weights and scoring functions, its
//! caps, its bounds.

use std::time::Duration;

use model::{Catalogue, Level, PropertyId, Time, Unit};

use super::caps::{CapId, CapRules};
use super::indicators::{AccidentRules, BurdenRules, CreditRules};
use crate::knots::{TOLERANCE, piecewise_linear};
use crate::levels::LevelRules;
use crate::model_file::{ModelError, ModelHead, Name, Problems, Section, check_property};

/// From an indicator's quantity to its score, 0..100.
#[derive(Debug, Clone, PartialEq)]
pub enum Scoring {
    /// The quantity is the score.
    Identity,
    /// Linear through `(x, y)`, flat outside (RATE, ONLINE of docs/indices.md
    /// 3.1).
    Knots { xs: Vec<f64>, ys: Vec<f64> },
    /// `100·min(1, x/target)`.
    Target { target: f64 },
    /// `100·e^(−x/scale)`.
    Exponential { scale: f64 },
}

impl Scoring {
    /// Score of a quantity (docs/indices.md 3.1, A), 0..100.
    pub fn score(&self, x: f64) -> f64 {
        let score = match self {
            Scoring::Identity => x,
            Scoring::Knots { xs, ys } => piecewise_linear(xs, ys, x),
            Scoring::Target { target } => 100.0 * (x / target),
            Scoring::Exponential { scale } => 100.0 * libm::exp(-x / scale),
        };
        score.clamp(0.0, 100.0)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorSpec {
    pub id: String,
    pub name: Name,
    pub weight: f64,
    pub unit: Unit,
    pub scoring: Scoring,
    /// T of the reports or datastreams behind it.
    pub period: Duration,
    /// Credibility of its source: measured 1, manual 0.6.
    pub credibility: f64,
    /// How a month without it is marked: 未报 (reports) or 未接 (sensors).
    pub is_measured: bool,
    pub properties: Vec<PropertyId>,
    /// Not applicable before this.
    pub start: Option<Time>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DimensionSpec {
    pub id: String,
    pub name: Name,
    pub weight: f64,
    pub indicators: Vec<IndicatorSpec>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CapSpec {
    pub id: CapId,
    pub name: Name,
    pub limit: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SafetyModel {
    pub head: ModelHead,
    /// Lower bounds of blue, yellow and orange: 90, 80, 60.
    pub bounds: [f64; 3],
    pub coverage_min: f64,
    pub dimension_coverage_min: f64,
    pub levels: LevelRules,
    pub dimensions: Vec<DimensionSpec>,
    pub caps: Vec<CapSpec>,
    pub cap_rules: CapRules,
    pub credit: CreditRules,
    pub burden: BurdenRules,
    pub accidents: AccidentRules,
    /// Day of the next month on which a month is frozen.
    pub freeze_day: u32,
}

impl SafetyModel {
    /// Reads a model file; all its problems at once.
    pub fn from_toml(text: &str) -> Result<SafetyModel, Vec<ModelError>> {
        let mut file = Section::parse(text)?;
        let problems = &mut Problems::default();
        let head = file.head(text, problems);
        let bounds: [f64; 3] = file.numbers_of("bounds", problems).unwrap_or([90.0, 80.0, 60.0]);
        if !bounds.is_sorted_by(|better, worse| better > worse) {
            problems.refuse("bounds", "do not fall from blue to orange");
        }
        let model = SafetyModel {
            head,
            bounds,
            coverage_min: file.number_in("coverage_min", 0.0, 1.0, problems),
            dimension_coverage_min: file.number_in("dimension_coverage_min", 0.0, 1.0, problems),
            levels: LevelRules {
                margin: file.number_in("improve_margin", 0.0, 20.0, problems),
                run: file.duration("improve_after", problems),
            },
            freeze_day: file.count("freeze_day", problems),
            dimensions: read_dimensions(&mut file, problems),
            caps: read_caps(&mut file, problems),
            cap_rules: read_cap_rules(&mut file, problems),
            credit: read_credit(&mut file, problems),
            burden: read_burden(&mut file, problems),
            accidents: read_accidents(&mut file, problems),
        };
        file.finish(problems);
        check_tree(&model.dimensions, problems);
        std::mem::take(problems).into_result(model)
    }

    /// Refuses properties that the catalogue does not have.
    pub fn check_properties(&self, catalogue: &Catalogue) -> Result<(), Vec<ModelError>> {
        let mut problems = Problems::default();
        for indicator in self.dimensions.iter().flat_map(|dimension| &dimension.indicators) {
            for property in &indicator.properties {
                check_property(&indicator.id, property, catalogue, &mut problems);
            }
        }
        problems.into_result(())
    }

    /// Level of a score (docs/indices.md section 3; bounds S): blue from 90,
    /// yellow from 80, orange from 60, else red; a value on a bound is the
    /// better one.
    pub fn level(&self, score: f64) -> Level {
        let levels = [Level::Blue, Level::Yellow, Level::Orange];
        let reached = |(bound, _): &(f64, Level)| score >= bound - TOLERANCE;
        let found = self.bounds.into_iter().zip(levels).find(reached);
        found.map_or(Level::Red, |(_, level)| level)
    }

    pub fn cap_limit(&self, id: CapId) -> Option<f64> {
        self.caps.iter().find(|cap| cap.id == id).map(|cap| cap.limit)
    }

    /// The name of a dimension, indicator or cap.
    pub fn name_of(&self, id: &str) -> Option<&Name> {
        let dimensions = self.dimensions.iter().map(|d| (d.id.as_str(), &d.name));
        let indicators = self.dimensions.iter().flat_map(|d| &d.indicators);
        let indicators = indicators.map(|i| (i.id.as_str(), &i.name));
        let caps = self.caps.iter().map(|cap| (cap.id.as_str(), &cap.name));
        let mut all = dimensions.chain(indicators).chain(caps);
        all.find(|(found, _)| *found == id).map(|(_, name)| name)
    }
}

fn read_dimensions(file: &mut Section, problems: &mut Problems) -> Vec<DimensionSpec> {
    let mut dimensions = Vec::new();
    for mut section in file.tables("dimension", problems) {
        dimensions.push(DimensionSpec {
            id: section.text("id", problems),
            name: section.name("name", problems),
            weight: section.weight("weight", problems),
            indicators: section
                .tables("indicator", problems)
                .into_iter()
                .map(|table| read_indicator(table, problems))
                .collect(),
        });
        section.finish(problems);
    }
    dimensions
}

fn read_indicator(mut section: Section, problems: &mut Problems) -> IndicatorSpec {
    let indicator = IndicatorSpec {
        id: section.text("id", problems),
        name: section.name("name", problems),
        weight: section.weight("weight", problems),
        unit: section.unit("unit", problems),
        scoring: read_scoring(&mut section, problems),
        period: section.duration("period", problems),
        credibility: section.number_in("credibility", 0.0, 1.0, problems),
        is_measured: section.flag("measured", problems).unwrap_or_default(),
        properties: section.properties("properties", problems),
        start: section.has("start").then(|| section.time("start", problems)),
    };
    section.finish(problems);
    indicator
}

#[derive(Debug, Clone, Copy)]
enum ScoringWord {
    Identity,
    Knots,
    Target,
    Exponential,
}

const SCORINGS: [(&str, ScoringWord); 4] = [
    ("identity", ScoringWord::Identity),
    ("knots", ScoringWord::Knots),
    ("target", ScoringWord::Target),
    ("exponential", ScoringWord::Exponential),
];

fn read_scoring(section: &mut Section, problems: &mut Problems) -> Scoring {
    match section.word("scoring", &SCORINGS, problems) {
        Some(ScoringWord::Knots) => {
            let (xs, ys) = (section.numbers("xs", problems), section.numbers("ys", problems));
            let is_sound = xs.len() == ys.len() && !xs.is_empty();
            if !is_sound || !xs.is_sorted_by(|a, b| a < b) || !ys.is_sorted() {
                let reason = "need as many ys as xs, both rising";
                problems.refuse(section.key("xs"), reason);
                return Scoring::Identity;
            }
            Scoring::Knots { xs, ys }
        }
        Some(ScoringWord::Target) => Scoring::Target { target: section.weight("target", problems) },
        Some(ScoringWord::Exponential) => {
            Scoring::Exponential { scale: section.weight("scale", problems) }
        }
        Some(ScoringWord::Identity) | None => Scoring::Identity,
    }
}

fn check_tree(dimensions: &[DimensionSpec], problems: &mut Problems) {
    let mut ids: Vec<&str> = Vec::new();
    let check = |id: &str, ids: &[&str], problems: &mut Problems| {
        if ids.contains(&id) {
            problems.refuse("dimension", format!("id `{id}` is there twice"));
        }
    };
    for dimension in dimensions {
        check(&dimension.id, &ids, problems);
        ids.push(&dimension.id);
        for indicator in &dimension.indicators {
            check(&indicator.id, &ids, problems);
            ids.push(&indicator.id);
        }
        let weights = dimension.indicators.iter().map(|indicator| indicator.weight);
        problems.refuse_sum(&format!("{}.indicator.weight", dimension.id), weights);
    }
    problems.refuse_sum("dimension.weight", dimensions.iter().map(|dimension| dimension.weight));
}

fn read_caps(file: &mut Section, problems: &mut Problems) -> Vec<CapSpec> {
    let words = CapId::ALL.map(|id| (id.as_str(), id));
    let mut caps: Vec<CapSpec> = Vec::new();
    for mut section in file.tables("cap", problems) {
        let id = section.word("id", &words, problems);
        let name = section.name("name", problems);
        let limit = section.number_in("limit", 0.0, 100.0, problems);
        if let Some(id) = id {
            if caps.iter().any(|cap| cap.id == id) {
                problems.refuse(section.key("id"), "is there twice");
            }
            caps.push(CapSpec { id, name, limit });
        }
        section.finish(problems);
    }
    for id in CapId::ALL {
        if !caps.iter().any(|cap| cap.id == id) {
            problems.refuse("cap", format!("`{}` has no limit", id.as_str()));
        }
    }
    caps
}

fn read_cap_rules(file: &mut Section, problems: &mut Problems) -> CapRules {
    let mut section = file.table_or_empty("cap_rules", problems);
    let rules = CapRules {
        unacknowledged: section.duration("unacknowledged", problems),
        unacknowledged_long: section.duration("unacknowledged_long", problems),
        fatal_accident: section.duration("fatal_accident", problems),
        major_accident: section.duration("major_accident", problems),
        major_accident_deaths: section.number_in("major_accident_deaths", 2.0, 100.0, problems),
        offline: section.duration("offline", problems),
        held_in_month: section.duration("held_in_month", problems),
    };
    section.finish(problems);
    rules
}

fn read_credit(file: &mut Section, problems: &mut Problems) -> CreditRules {
    let mut section = file.table_or_empty("credit", problems);
    let rules = CreditRules {
        points: section.numbers_of("points", problems).unwrap_or_default(),
        hazard_weights: section.numbers_of("hazard_weights", problems).unwrap_or_default(),
    };
    if rules.hazard_weights.iter().any(|weight| *weight <= 0.0) {
        problems.refuse(section.key("hazard_weights"), "has a weight that is not above 0");
    }
    section.finish(problems);
    rules
}

fn read_burden(file: &mut Section, problems: &mut Problems) -> BurdenRules {
    let mut section = file.table_or_empty("burden", problems);
    let rules = BurdenRules {
        severities: section.numbers_of("severities", problems).unwrap_or_default(),
        half_life: section.duration("half_life", problems),
        left_out_after: section.duration("left_out_after", problems),
        per_things: section.weight("per_things", problems),
        things_min: section.weight("things_min", problems),
    };
    section.finish(problems);
    rules
}

fn read_accidents(file: &mut Section, problems: &mut Problems) -> AccidentRules {
    let mut section = file.table_or_empty("accidents", problems);
    let rules = AccidentRules {
        death: section.weight("death", problems),
        serious_injury: section.weight("serious_injury", problems),
        minor_injury: section.weight("minor_injury", problems),
        fire: section.weight("fire", problems),
        half_life: section.duration("half_life", problems),
        left_out_after: section.duration("left_out_after", problems),
        per_people: section.weight("per_people", problems),
    };
    section.finish(problems);
    rules
}

#[cfg(test)]
mod tests;

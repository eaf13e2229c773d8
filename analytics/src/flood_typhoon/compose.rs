//! From H, V and L to Index B and its levels (docs/indices.md 4, 4.5, 4.6).

use std::cmp::Ordering;

use model::{Level, Time, TownshipCode};

use super::items::DimensionScore;
use super::model::FloodModel;
use super::sources::GroupScore;
use crate::aggregate::{Weighted, geometric};
use crate::compound::{Compound, compound};
use crate::explain::{Aggregation, Node, NodeKind, NodeState};
use crate::knots::{TOLERANCE, danger_level};
use crate::levels::one_milder;

/// Everything that one evaluation of Index B is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    pub township: TownshipCode,
    pub groups: Vec<GroupScore>,
    pub exposure: DimensionScore,
    pub capability: DimensionScore,
    /// The level of the response in force.
    pub response: Level,
    /// A confirmed red alarm of a property marked B, b or L is open on a
    /// shelter, site, vessel or enterprise of the township.
    pub red_alarm_open: bool,
    /// The last known V and L.
    pub last_known: [Option<f64>; 2],
    /// Confidence of V and of L, given instead of computed (docs/indices.md
    /// 4.7).
    pub confidence: [Option<f64>; 2],
}

/// Which of the three made the displayed level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayedBy {
    Assessed,
    Official,
    Response,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FloodScore {
    pub township: TownshipCode,
    pub time: Time,
    /// B, 0..100; `None` when no group has a value.
    pub score: Option<f64>,
    pub hazard: Option<f64>,
    /// M, the largest group score.
    pub hazard_largest: Option<f64>,
    /// V and L as they entered B, with what stood in for them.
    pub exposure: f64,
    pub capability_gap: f64,
    /// 研判等级, with its memory.
    pub level: Level,
    /// The same without memory.
    pub level_now: Level,
    /// The level with B and M worsened by the margin, for the memory.
    pub candidate: Level,
    pub hazard_level: Level,
    /// Of the largest group before official floors.
    pub sensed_level: Level,
    pub displayed_level: Level,
    pub displayed_by: DisplayedBy,
    pub official_level: Level,
    pub coverage: f64,
    pub confidence: f64,
    /// Of H alone.
    pub hazard_confidence: f64,
    /// A group other than the outlook has a value.
    pub hazard_is_available: bool,
    pub provisional: bool,
    /// 数据不足: the value is shown grey, the level is the hazard's.
    pub grey: bool,
    /// Ids of groups and items without a known value.
    pub missing: Vec<String>,
    pub explanation: Node,
}

/// `B = max(H,10)^0.50 · max(V,10)^0.25 · max(L,10)^0.25` (docs/indices.md
/// section 4, A), 10..100, with its parts. `None` without H.
fn product(h: Option<f64>, v: f64, l: f64, model: &FloodModel) -> Option<[f64; 4]> {
    let scores = [Some(h?), Some(v), Some(l)];
    let parts: Vec<Weighted> = model
        .weights
        .into_iter()
        .zip(scores)
        .map(|(weight, score)| Weighted { weight, score })
        .collect();
    let aggregate = geometric(&parts, model.floor)?;
    let part = |index: usize| aggregate.contributions[index].unwrap_or(0.0);
    Some([aggregate.score, part(0), part(1), part(2)])
}

/// One evaluation without history.
pub fn compose(given: &Composition, model: &FloodModel, at: Time) -> FloodScore {
    let scores: Vec<Option<f64>> = given.groups.iter().map(|group| group.score).collect();
    let compounded = compound(&scores, model.second_share);
    let hazard = compounded.as_ref().map(|compounded| compounded.score);
    let largest = compounded.as_ref().map(|compounded| compounded.largest);
    let hazard_is_available = given.groups.iter().zip(&scores).any(|(group, score)| {
        let is_outlook = model.group(&group.id).is_some_and(|spec| spec.is_outlook);
        score.is_some() && !is_outlook
    });

    let (exposure, exposure_confidence) = available(given, 0, &given.exposure, model);
    let (capability_gap, capability_confidence) = available(given, 1, &given.capability, model);
    let v_is_missing = given.exposure.score.is_none();
    let l_is_missing = given.capability.score.is_none();
    let provisional = v_is_missing || l_is_missing;
    let coverage = covered_weight(model, [hazard_is_available, !v_is_missing, !l_is_missing]);
    let grey = !hazard_is_available || coverage < model.coverage_min - TOLERANCE;

    let parts = product(hazard, exposure, capability_gap, model);
    let score = parts.map(|[score, ..]| score);
    let relief = Relief {
        is_certain: !provisional
            && exposure_confidence >= model.relief.confidence_min - TOLERANCE
            && capability_confidence >= model.relief.confidence_min - TOLERANCE
            && given.groups.iter().all(|group| group.state == NodeState::Known)
            && !given.red_alarm_open,
        score_below: model.relief.score_below,
    };
    let official = given.groups.iter().map(|group| group.official).max().unwrap_or(Level::None);
    let final_level = |margin: f64| match (score, largest) {
        (Some(score), Some(largest)) if !grey => {
            relief.final_level(score + margin, danger_level(largest + margin))
        }
        (_, largest) => {
            largest.map_or(Level::None, |largest| danger_level(largest + margin)).max(official)
        }
    };
    let sensed = given.groups.iter().filter_map(|group| group.before_floor).reduce(f64::max);
    let hazard_confidence = mean_confidence(&given.groups);
    let confidence = model.weights[0] * hazard_confidence
        + model.weights[1] * exposure_confidence
        + model.weights[2] * capability_confidence;

    let mut found = FloodScore {
        township: given.township,
        time: at,
        score,
        hazard,
        hazard_largest: largest,
        exposure,
        capability_gap,
        level: final_level(0.0),
        level_now: final_level(0.0),
        candidate: final_level(model.levels.margin),
        hazard_level: largest.map_or(Level::None, danger_level),
        sensed_level: sensed.map_or(Level::None, danger_level),
        displayed_level: Level::None,
        displayed_by: DisplayedBy::Assessed,
        official_level: official,
        coverage,
        confidence,
        hazard_confidence,
        hazard_is_available,
        provisional,
        grey,
        missing: missing(given),
        explanation: tree(given, model, compounded, parts, exposure, capability_gap),
    };
    found.show(given.response);
    found
}

impl FloodScore {
    /// `displayed_level = max(final, official signal, response)`
    /// (docs/indices.md 4.6), saying which of the three made it.
    pub fn show(&mut self, response: Level) {
        self.displayed_level = self.level.max(self.official_level).max(response);
        self.displayed_by = match self.displayed_level {
            shown if shown == self.level => DisplayedBy::Assessed,
            shown if shown == self.official_level => DisplayedBy::Official,
            _ => DisplayedBy::Response,
        };
    }
}

/// The single-critical rule (docs/indices.md 4.6, A).
struct Relief {
    /// All conditions but the one on B hold.
    is_certain: bool,
    score_below: f64,
}

impl Relief {
    /// `final = max(level(B), hazLevel − step)`, step 1 only if B is below 60
    /// and everything else that matters is certain.
    fn final_level(&self, score: f64, hazard_level: Level) -> Level {
        let is_relieved = self.is_certain && score < self.score_below - TOLERANCE;
        let least = if is_relieved { one_milder(hazard_level) } else { hazard_level };
        danger_level(score).max(least)
    }
}

/// V or L with its confidence; when not available `max(last known, 70)` with
/// q 0.3 (docs/indices.md 4.5, A).
fn available(
    given: &Composition,
    index: usize,
    dimension: &DimensionScore,
    model: &FloodModel,
) -> (f64, f64) {
    match dimension.score {
        Some(score) => (score, given.confidence[index].unwrap_or(dimension.confidence)),
        None => {
            let last = given.last_known[index].unwrap_or(0.0);
            (last.max(model.stand_in), model.stand_in_credibility)
        }
    }
}

/// Weight of the dimensions that are available (docs/indices.md 4.5, A), 0..1.
fn covered_weight(model: &FloodModel, available: [bool; 3]) -> f64 {
    let dimensions = model.weights.iter().zip(available);
    dimensions.filter(|(_, available)| *available).fold(0.0, |sum, (weight, _)| sum + weight)
}

/// The weight of H is split equally over the configured groups.
fn mean_confidence(groups: &[GroupScore]) -> f64 {
    if groups.is_empty() {
        return 0.0;
    }
    groups.iter().fold(0.0, |sum, group| sum + group.confidence) / groups.len() as f64
}

fn missing(given: &Composition) -> Vec<String> {
    let groups = given.groups.iter().map(|group| (&*group.id, group.state));
    let items = given.exposure.node.parts.iter().chain(&given.capability.node.parts);
    let items = items.map(|item| (&*item.id, item.state));
    let is_missing =
        |(_, state): &(&str, NodeState)| matches!(state, NodeState::Held | NodeState::Unknown);
    groups.chain(items).filter(is_missing).map(|(id, _)| id.to_owned()).collect()
}

fn tree(
    given: &Composition,
    model: &FloodModel,
    compounded: Option<Compound>,
    parts: Option<[f64; 4]>,
    exposure: f64,
    capability_gap: f64,
) -> Node {
    let contributions = compounded.as_ref().map(|compounded| &compounded.contributions);
    let groups: Vec<Node> = given
        .groups
        .iter()
        .enumerate()
        .map(|(index, group)| Node {
            contribution: contributions.and_then(|all| all[index]),
            ..group.node.clone()
        })
        .collect();
    let hazard_state = NodeState::best(groups.iter().map(|group| group.state));
    let hazard = Node {
        aggregation: Some(Aggregation::Compound),
        score: compounded.map(|compounded| compounded.score),
        parts: groups,
        ..Node::new("hazard", NodeKind::Dimension, hazard_state)
    };
    let stand_in = |dimension: &DimensionScore, score: f64| {
        let mut node = dimension.node.clone();
        if node.score.is_none() {
            node.score = Some(score);
            node.reasons.push("stand_in".into());
        }
        node
    };
    let dimensions =
        [hazard, stand_in(&given.exposure, exposure), stand_in(&given.capability, capability_gap)];
    let dimensions: Vec<Node> = dimensions
        .into_iter()
        .enumerate()
        .map(|(index, node)| Node {
            weight: Some(model.weights[index]),
            contribution: parts.map(|parts| parts[index + 1]),
            ..node
        })
        .collect();
    let state = NodeState::best(dimensions.iter().map(|dimension| dimension.state));
    Node {
        aggregation: Some(Aggregation::Geometric),
        score: parts.map(|[score, ..]| score),
        parts: dimensions,
        ..Node::new(model.head.id.as_str(), NodeKind::Index, state)
    }
}

/// What orders townships within a displayed level (docs/indices.md 4.6).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attention {
    pub displayed_level: Level,
    pub n_life_alarms: u32,
    pub score: f64,
    pub n_unmoved: f64,
    /// The oldest report that counts; none is oldest.
    pub oldest_report: Option<Time>,
}

impl Attention {
    /// Most urgent first: level, open life-safety alarms, B, people unmoved,
    /// older reports.
    pub fn order(&self, other: &Attention) -> Ordering {
        other
            .displayed_level
            .cmp(&self.displayed_level)
            .then(other.n_life_alarms.cmp(&self.n_life_alarms))
            .then(other.score.total_cmp(&self.score))
            .then(other.n_unmoved.total_cmp(&self.n_unmoved))
            .then(self.oldest_report.cmp(&other.oldest_report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_goes_to_the_worst_first() {
        let calm = Attention {
            displayed_level: Level::Orange,
            n_life_alarms: 0,
            score: 50.0,
            n_unmoved: 10.0,
            oldest_report: Some(Time::EPOCH),
        };
        let later = Time::from_millis_clamped(1);
        let order = [
            Attention { displayed_level: Level::Red, score: 1.0, ..calm },
            Attention { n_life_alarms: 1, score: 1.0, ..calm },
            Attention { score: 60.0, ..calm },
            Attention { n_unmoved: 11.0, ..calm },
            Attention { oldest_report: None, ..calm },
            calm,
            Attention { oldest_report: Some(later), ..calm },
        ];
        let mut sorted = order;
        sorted.reverse();
        sorted.sort_by(Attention::order);
        assert_eq!(sorted, order);
    }
}

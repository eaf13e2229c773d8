//! From indicator values to Index A: scores, dimensions, index, caps,
//! coverage, confidence, level (docs/indices.md 3.2, 3.3 and section 5).

use model::{Level, Time, TownshipCode};
use serde::{Deserialize, Serialize};

use super::caps::HeldCap;
use super::model::{DimensionSpec, IndicatorSpec, SafetyModel};
use crate::aggregate::{Weighted, arithmetic, geometric};
use crate::explain::{Aggregation, Node, NodeKind, NodeState, Raw, index_of_largest};
use crate::freshness::{freshness, state_at_age};
use crate::knots::TOLERANCE;
use crate::levels::{LevelEvidence, LevelMemory};

/// The two faces of the model (docs/indices.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Evaluated every minute; what is missing is held or left out.
    Live,
    /// A calendar month; what is missing scores 0.
    Month,
}

/// What is known of one indicator.
#[derive(Debug, Clone, PartialEq)]
pub enum IndicatorInput {
    NotApplicable,
    /// It never had a value (live), or none of the month (month).
    Unknown,
    Value(IndicatorValue),
}

#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorValue {
    /// The indicator's quantity, in its unit.
    pub value: f64,
    /// When its newest input was true; ages count from here.
    pub time: Time,
    /// Credibility; `None` takes the model's.
    pub credibility: Option<f64>,
    pub raw: Option<Raw>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum DimensionInput {
    /// One input per indicator, in the model's order.
    Indicators(Vec<IndicatorInput>),
    /// A score that stands for the whole branch (docs/indices.md 4.7).
    Score(f64),
    /// The whole branch is unknown.
    Unknown,
    NotApplicable,
}

/// What is known of one township at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetyInputs {
    pub township: TownshipCode,
    pub face: Face,
    /// One input per dimension, in the model's order.
    pub dimensions: Vec<DimensionInput>,
    /// The caps that hold.
    pub caps: Vec<HeldCap>,
    /// Given instead of computed (docs/indices.md 4.7).
    pub confidence: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SafetyScore {
    pub township: TownshipCode,
    pub time: Time,
    /// Before caps; `None` without any value.
    pub raw: Option<f64>,
    /// After caps; the level comes from it.
    pub score: Option<f64>,
    /// The published level, with its memory; `None` when grey.
    pub level: Option<Level>,
    /// The level at the bounds, without memory.
    pub level_now: Option<Level>,
    pub coverage: f64,
    pub confidence: f64,
    pub provisional: bool,
    /// Coverage below the minimum: 数据不足, no level.
    pub grey: bool,
    pub caps: Vec<HeldCap>,
    /// Ids of the indicators (or given dimensions) without a known value.
    pub missing: Vec<String>,
    pub explanation: Node,
}

/// Memory of one township's Index A between evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SafetyState {
    pub level: LevelMemory,
}

/// One evaluation with memory: the score at `at`, and what to remember. The
/// level improves only at whole minutes; a month has no memory.
pub fn step(
    state: SafetyState,
    inputs: &SafetyInputs,
    model: &SafetyModel,
    at: Time,
) -> (SafetyState, SafetyScore) {
    let mut score = evaluate(inputs, model, at);
    if inputs.face == Face::Month {
        return (state, score);
    }
    let candidate = score.score.map_or(Level::Red, |capped| {
        level_of(model, capped - model.levels.margin, score.provisional)
    });
    let evidence = LevelEvidence {
        level: score.level_now,
        candidate,
        coverage: score.coverage,
        breaks_run: score.grey || score.provisional,
    };
    let is_whole_minute = at.millis().rem_euclid(60_000) == 0;
    let level = state.level.step(at, evidence, &model.levels, is_whole_minute);
    score.level = score.level_now.and(level.level);
    (SafetyState { level }, score)
}

/// One evaluation without history (docs/indices.md 3.2, 3.3, 4.7, A):
/// indicators to dimensions by the arithmetic mean, dimensions to the index by
/// the geometric mean, each at least 1, then `capped = min(raw, caps)`.
pub fn evaluate(inputs: &SafetyInputs, model: &SafetyModel, at: Time) -> SafetyScore {
    debug_assert_eq!(inputs.dimensions.len(), model.dimensions.len());
    let mut branches: Vec<Branch> = model
        .dimensions
        .iter()
        .zip(&inputs.dimensions)
        .map(|(spec, input)| branch(spec, input, model, inputs.face, at))
        .collect();

    let applicable = |branch: &&Branch| branch.node.state != NodeState::NotApplicable;
    let total = branches.iter().filter(applicable).fold(0.0, |sum, branch| sum + branch.weight);
    let weighted_sum = |of: fn(&Branch) -> f64| {
        let parts = branches.iter().filter(applicable);
        let sum = parts.fold(0.0, |sum, branch| sum + branch.weight * of(branch));
        if total > 0.0 { sum / total } else { 0.0 }
    };
    let is_month = inputs.face == Face::Month;
    let coverage = if is_month { 1.0 } else { weighted_sum(|branch| branch.coverage) };
    let confidence = inputs.confidence.unwrap_or_else(|| weighted_sum(|b| b.confidence));
    let provisional =
        !is_month && branches.iter().filter(applicable).any(|branch| branch.node.score.is_none());
    let grey = coverage < model.coverage_min - TOLERANCE;

    let weights: Vec<Weighted> = branches
        .iter()
        .map(|branch| Weighted { weight: branch.weight, score: branch.node.score })
        .collect();
    let aggregate = geometric(&weights, 1.0);
    let raw = aggregate.as_ref().map(|aggregate| aggregate.score);
    if let Some(aggregate) = aggregate {
        for (branch, contribution) in branches.iter_mut().zip(aggregate.contributions) {
            branch.node.contribution = contribution;
        }
    }
    let missing = branches.iter_mut().flat_map(|b| std::mem::take(&mut b.missing)).collect();
    let mut parts: Vec<Node> = branches.into_iter().map(|branch| branch.node).collect();
    let state = NodeState::best(parts.iter().map(|part| part.state));
    let score = raw.map(|raw| apply_caps(raw, &inputs.caps, model, &mut parts));
    let level_now = score.filter(|_| !grey).map(|capped| level_of(model, capped, provisional));

    SafetyScore {
        township: inputs.township,
        time: at,
        raw,
        score,
        level: level_now,
        level_now,
        coverage,
        confidence,
        provisional,
        grey,
        caps: inputs.caps.clone(),
        missing,
        explanation: Node {
            aggregation: Some(Aggregation::Geometric),
            score,
            parts,
            ..Node::new(model.head.id.as_str(), NodeKind::Index, state)
        },
    }
}

/// The level of a capped score; never better than yellow while a dimension is
/// missing (docs/indices.md 3.2).
fn level_of(model: &SafetyModel, capped: f64, provisional: bool) -> Level {
    let level = model.level(capped);
    if provisional { level.max(Level::Yellow) } else { level }
}

/// `capped = min(raw, all caps that hold)` (docs/indices.md 3.3, A). Each cap
/// is a part; the lowest alone contributes `capped − raw`.
fn apply_caps(raw: f64, caps: &[HeldCap], model: &SafetyModel, parts: &mut Vec<Node>) -> f64 {
    let limits: Vec<Option<f64>> = caps.iter().map(|cap| model.cap_limit(cap.id)).collect();
    let lowest = index_of_largest(limits.iter().map(|limit| limit.map(|limit| -limit)));
    let capped = lowest.and_then(|index| limits[index]).map_or(raw, |limit| limit.min(raw));
    for (index, cap) in caps.iter().enumerate() {
        let contribution = if Some(index) == lowest { capped - raw } else { 0.0 };
        let mut reasons = vec![cap.id.as_str().into()];
        if let Some(since) = cap.since {
            reasons.push(format!("since {since}").into());
        }
        if let Some(expires) = cap.expires {
            reasons.push(format!("expires {expires}").into());
        }
        parts.push(Node {
            score: limits[index],
            contribution: Some(contribution),
            reasons,
            ..Node::new(cap.id.as_str(), NodeKind::Cap, NodeState::Known)
        });
    }
    capped
}

/// A dimension with what the index needs of it.
struct Branch {
    weight: f64,
    coverage: f64,
    confidence: f64,
    missing: Vec<String>,
    node: Node,
}

fn branch(
    spec: &DimensionSpec,
    input: &DimensionInput,
    model: &SafetyModel,
    face: Face,
    at: Time,
) -> Branch {
    let whole = |state, score: Option<f64>| {
        let known = if score.is_some() { 1.0 } else { 0.0 };
        let missing = if state == NodeState::Unknown { vec![spec.id.clone()] } else { Vec::new() };
        let node = Node {
            score,
            weight: Some(spec.weight),
            ..Node::new(spec.id.as_str(), NodeKind::Dimension, state)
        };
        Branch { weight: spec.weight, coverage: known, confidence: known, missing, node }
    };
    match input {
        DimensionInput::NotApplicable => whole(NodeState::NotApplicable, None),
        DimensionInput::Score(score) => whole(NodeState::Known, Some(score.clamp(0.0, 100.0))),
        DimensionInput::Unknown if face == Face::Month => whole(NodeState::Unknown, Some(0.0)),
        DimensionInput::Unknown => whole(NodeState::Unknown, None),
        DimensionInput::Indicators(inputs) => indicator_branch(spec, inputs, model, face, at),
    }
}

fn indicator_branch(
    spec: &DimensionSpec,
    inputs: &[IndicatorInput],
    model: &SafetyModel,
    face: Face,
    at: Time,
) -> Branch {
    let mut leaves: Vec<(Node, f64)> = spec
        .indicators
        .iter()
        .zip(inputs)
        .map(|(indicator, input)| leaf(indicator, input, face, at))
        .collect();
    let share = |counts: &dyn Fn(&Node, f64) -> f64| {
        let applicable = leaves
            .iter()
            .zip(&spec.indicators)
            .filter(|((node, _), _)| node.state != NodeState::NotApplicable);
        let (mut sum, mut total) = (0.0, 0.0);
        for ((node, confidence), indicator) in applicable {
            sum += indicator.weight * counts(node, *confidence);
            total += indicator.weight;
        }
        (total > 0.0).then(|| sum / total)
    };
    let with_value = share(&|node, _| if node.score.is_some() { 1.0 } else { 0.0 });
    let known = share(&|node, _| if node.state == NodeState::Known { 1.0 } else { 0.0 });
    let confidence = share(&|_, confidence| confidence).unwrap_or(0.0);
    let is_missing = |node: &Node| matches!(node.state, NodeState::Unknown | NodeState::Held);
    let missing =
        leaves.iter().filter(|(n, _)| is_missing(n)).map(|(n, _)| n.id.to_string()).collect();

    let has_enough =
        with_value.is_some_and(|share| share >= model.dimension_coverage_min - TOLERANCE);
    let weights: Vec<Weighted> = leaves
        .iter()
        .zip(&spec.indicators)
        .map(|((node, _), indicator)| Weighted { weight: indicator.weight, score: node.score })
        .collect();
    let aggregate = arithmetic(&weights).filter(|_| has_enough);
    if let Some(aggregate) = &aggregate {
        for ((node, _), contribution) in leaves.iter_mut().zip(&aggregate.contributions) {
            node.contribution = *contribution;
        }
    }
    let state = match with_value {
        None => NodeState::NotApplicable,
        Some(_) if !has_enough => NodeState::Unknown,
        Some(_) => NodeState::best(leaves.iter().map(|(node, _)| node.state)),
    };
    Branch {
        weight: spec.weight,
        coverage: if has_enough { known.unwrap_or(0.0) } else { 0.0 },
        confidence,
        missing,
        node: Node {
            aggregation: Some(Aggregation::Arithmetic),
            score: aggregate.map(|aggregate| aggregate.score),
            weight: Some(spec.weight),
            parts: leaves.into_iter().map(|(node, _)| node).collect(),
            ..Node::new(spec.id.as_str(), NodeKind::Dimension, state)
        },
    }
}

/// An indicator's node and its confidence f·q.
fn leaf(spec: &IndicatorSpec, input: &IndicatorInput, face: Face, at: Time) -> (Node, f64) {
    let node = |state, score| Node {
        score,
        weight: Some(spec.weight),
        ..Node::new(spec.id.as_str(), NodeKind::Indicator, state)
    };
    if spec.start.is_some_and(|start| at < start) {
        return (node(NodeState::NotApplicable, None), 0.0);
    }
    match input {
        IndicatorInput::NotApplicable => (node(NodeState::NotApplicable, None), 0.0),
        IndicatorInput::Unknown if face == Face::Month => {
            let reason = if spec.is_measured { "not_connected" } else { "not_reported" };
            let reasons = vec![reason.into()];
            (Node { reasons, ..node(NodeState::Unknown, Some(0.0)) }, 0.0)
        }
        IndicatorInput::Unknown => (node(NodeState::Unknown, None), 0.0),
        IndicatorInput::Value(value) => {
            let age_ms = at.millis_since(value.time);
            let state = match face {
                Face::Month => NodeState::Known,
                Face::Live => state_at_age(age_ms, spec.period),
            };
            let credibility = value.credibility.unwrap_or(spec.credibility);
            let confidence = match state {
                NodeState::Known => freshness(age_ms, spec.period) * credibility,
                _ => 0.0,
            };
            let reasons = if state == NodeState::Held { vec!["held".into()] } else { Vec::new() };
            let score = Some(spec.scoring.score(value.value));
            (Node { raw: value.raw.clone(), reasons, ..node(state, score) }, confidence)
        }
    }
}

#[cfg(test)]
mod tests;

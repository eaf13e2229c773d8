//! What each missing item costs: how much of an index's coverage is lost
//! through it now.

use crate::explain::{Node, NodeKind, NodeState};

/// What feeds a group, an item or an indicator in one township.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fed {
    /// Datastreams registered for it.
    pub n_registered: u32,
    /// Of those that sensors feed, the ones no older than their period.
    pub n_sensed: u32,
    /// Of those that people feed, the ones ever reported.
    pub n_reported: u32,
    /// The lists it needs are entered or confirmed to be empty; of a hazard
    /// group every station has its levels.
    pub is_configured: bool,
}

/// One group, item or indicator of one township.
#[derive(Debug, Clone, PartialEq)]
pub struct Readiness {
    pub dimension: String,
    pub id: String,
    pub state: NodeState,
    pub fed: Fed,
    /// 0..1; all of an index add up to 1 − coverage.
    pub coverage_cost: f64,
}

/// How coverage counts inside a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoverageRule {
    /// Index A: the known share of the weight (docs/indices.md 3.2).
    KnownShare,
    /// Index B: a dimension is covered or it is not (docs/indices.md 4.5).
    WholeDimension,
}

/// One part of a dimension with the coverage that is lost through it.
struct Lost<'a> {
    part: &'a Node,
    cost: f64,
}

/// The leaves of an explanation that coverage is made of, with what each costs.
/// Where a whole dimension is not covered, its parts without a value share the
/// loss by their weights. `is_covered` says it of Index B's dimensions.
pub fn coverage_costs<'a>(
    explanation: &'a Node,
    rule: CoverageRule,
    is_covered: &dyn Fn(&Node) -> bool,
) -> Vec<(&'a Node, &'a Node, f64)> {
    let dimensions = explanation.parts.iter().filter(|node| node.kind == NodeKind::Dimension);
    let applicable: Vec<&Node> =
        dimensions.filter(|node| node.state != NodeState::NotApplicable).collect();
    let weight = |node: &Node| node.weight.unwrap_or(0.0);
    let total = applicable.iter().fold(0.0, |sum, node| sum + weight(node));
    let mut costs = Vec::new();
    for dimension in applicable {
        let share = if total > 0.0 { weight(dimension) / total } else { 0.0 };
        for Lost { part, cost } in lost_within(dimension, rule, is_covered(dimension)) {
            costs.push((dimension, part, share * cost));
        }
    }
    costs
}

/// The parts of a dimension with their shares of what it does not cover.
fn lost_within(dimension: &Node, rule: CoverageRule, is_covered: bool) -> Vec<Lost<'_>> {
    // Groups have no weight of their own: they stand equal.
    let weight = |part: &Node| part.weight.unwrap_or(1.0);
    let parts = || dimension.parts.iter().filter(|part| part.kind != NodeKind::Cap);
    let sum = |of: &dyn Fn(&Node) -> bool| {
        parts().filter(|part| of(part)).fold(0.0, |sum, part| sum + weight(part))
    };
    let is_missing = |part: &Node| matches!(part.state, NodeState::Unknown | NodeState::Held);
    let missing = sum(&is_missing);
    let applicable = sum(&|part| part.state != NodeState::NotApplicable);
    let lost = match rule {
        _ if !is_covered => 1.0,
        CoverageRule::KnownShare if applicable > 0.0 => missing / applicable,
        CoverageRule::KnownShare | CoverageRule::WholeDimension => 0.0,
    };
    let cost = |part: &Node| match is_missing(part) && missing > 0.0 {
        true => lost * weight(part) / missing,
        false => 0.0,
    };
    parts().map(|part| Lost { part, cost: cost(part) }).collect()
}

//! Items of exposure and capability: shares and gaps that a weighted mean
//! turns into V and L (docs/indices.md 4.4, 4.5).

use super::model::ItemSpec;
use crate::aggregate::{Weighted, arithmetic};
use crate::explain::{Aggregation, Node, NodeKind, NodeState};

/// One item, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemScore {
    /// Share or gap, 0..1; `None` when unknown or not applicable.
    pub share: Option<f64>,
    pub state: NodeState,
    /// f·q.
    pub confidence: f64,
    pub reasons: Vec<String>,
}

impl ItemScore {
    pub fn not_applicable() -> ItemScore {
        ItemScore::of(None, NodeState::NotApplicable, 0.0)
    }

    pub fn unknown() -> ItemScore {
        ItemScore::of(None, NodeState::Unknown, 0.0)
    }

    pub fn known(share: f64, confidence: f64) -> ItemScore {
        ItemScore::of(Some(share), NodeState::Known, confidence)
    }

    pub fn of(share: Option<f64>, state: NodeState, confidence: f64) -> ItemScore {
        let share = share.map(|share| share.clamp(0.0, 1.0));
        ItemScore { share, state, confidence, reasons: Vec::new() }
    }

    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> ItemScore {
        self.reasons.push(reason.into());
        self
    }
}

/// V or L.
#[derive(Debug, Clone, PartialEq)]
pub struct DimensionScore {
    /// 0..100; `None` when not available (NA).
    pub score: Option<f64>,
    pub confidence: f64,
    pub node: Node,
}

/// V or L from its items (docs/indices.md 4.4, 4.5, A), 0..100:
/// `100·Σ w·share/Σ w` over the items that have a value; not available (NA)
/// when less than `weight_min` of the applicable weight has one. Nothing
/// applicable is 0.
pub fn dimension(
    id: &'static str,
    specs: &[ItemSpec],
    items: &[ItemScore],
    weight_min: f64,
) -> DimensionScore {
    debug_assert_eq!(specs.len(), items.len());
    let sum = |of: &dyn Fn(&ItemScore) -> f64| {
        let applicable =
            specs.iter().zip(items).filter(|(_, item)| item.state != NodeState::NotApplicable);
        applicable.fold(0.0, |sum, (spec, item)| sum + spec.weight * of(item))
    };
    let applicable = sum(&|_| 1.0);
    let with_value = sum(&|item| if item.share.is_some() { 1.0 } else { 0.0 });
    let confidence = if applicable > 0.0 { sum(&|item| item.confidence) / applicable } else { 1.0 };
    let is_available =
        applicable <= 0.0 || with_value / applicable >= weight_min - crate::knots::TOLERANCE;

    let weights: Vec<Weighted> = specs
        .iter()
        .zip(items)
        .map(|(spec, item)| Weighted { weight: spec.weight, score: item.share.map(|s| 100.0 * s) })
        .collect();
    let aggregate = arithmetic(&weights);
    let score = match &aggregate {
        _ if !is_available => None,
        Some(aggregate) => Some(aggregate.score),
        None => Some(0.0),
    };
    let contributions = aggregate.filter(|_| is_available).map(|found| found.contributions);
    let parts = specs
        .iter()
        .zip(items)
        .enumerate()
        .map(|(index, (spec, item))| Node {
            score: weights[index].score,
            weight: Some(spec.weight),
            contribution: contributions.as_ref().and_then(|all| all[index]),
            reasons: item.reasons.iter().map(|reason| reason.as_str().into()).collect(),
            ..Node::new(spec.id.as_str(), NodeKind::Item, item.state)
        })
        .collect();
    let state = match score {
        Some(_) => NodeState::best(items.iter().map(|item| item.state)),
        None => NodeState::Unknown,
    };
    let node = Node {
        aggregation: Some(Aggregation::Arithmetic),
        score,
        parts,
        ..Node::new(id, NodeKind::Dimension, state)
    };
    DimensionScore { score, confidence, node }
}

//! The tree that explains a score: every node says what it is, how its parts
//! make its score, and what it contributes to the node above.
//!
//! The contributions of a node's parts add up to its score within 1e-9
//! (docs/indices.md section 5, "Contributions").

use std::sync::Arc;

use model::{DatastreamId, Flag, Time, Unit};

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    Index,
    Dimension,
    Group,
    Item,
    Indicator,
    Quantity,
    Cap,
}

impl NodeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            NodeKind::Index => "index",
            NodeKind::Dimension => "dimension",
            NodeKind::Group => "group",
            NodeKind::Item => "item",
            NodeKind::Indicator => "indicator",
            NodeKind::Quantity => "quantity",
            NodeKind::Cap => "cap",
        }
    }
}

/// How the parts of a node make its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// Weighted mean.
    Arithmetic,
    /// Weighted product: a low score cannot be bought off by a high one.
    Geometric,
    /// The largest part.
    Maximum,
    /// The largest part, compounded by the second largest (docs/indices.md
    /// 4.2).
    Compound,
}

impl Aggregation {
    pub fn as_str(self) -> &'static str {
        match self {
            Aggregation::Arithmetic => "arithmetic",
            Aggregation::Geometric => "geometric",
            Aggregation::Maximum => "maximum",
            Aggregation::Compound => "compound",
        }
    }
}

/// How far the value behind a node can be trusted to be of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    Known,
    /// Older than 3T: still counts at its last value, outside coverage.
    Held,
    /// Never had a value: contributes nothing.
    Unknown,
    /// There is no such thing here.
    NotApplicable,
}

impl NodeState {
    pub fn as_str(self) -> &'static str {
        match self {
            NodeState::Known => "known",
            NodeState::Held => "held",
            NodeState::Unknown => "unknown",
            NodeState::NotApplicable => "not_applicable",
        }
    }

    /// The state of a node that is known if one of its parts is: the best
    /// state among them.
    pub fn best(states: impl Iterator<Item = NodeState>) -> NodeState {
        states.min_by_key(|state| *state as u8).unwrap_or(NodeState::NotApplicable)
    }
}

/// The value a leaf was scored from.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    pub value: f64,
    pub unit: Unit,
    pub time: Time,
    pub age_s: f64,
    pub quality: Flag,
    pub datastreams: Vec<DatastreamId>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub id: Arc<str>,
    pub kind: NodeKind,
    pub aggregation: Option<Aggregation>,
    pub score: Option<f64>,
    pub weight: Option<f64>,
    /// What the node adds to the score of the node above.
    pub contribution: Option<f64>,
    pub state: NodeState,
    pub raw: Option<Raw>,
    /// Words from a small fixed set, such as `held`, `partial_window`.
    pub reasons: Vec<Arc<str>>,
    pub parts: Vec<Node>,
}

impl Node {
    pub fn new(id: impl Into<Arc<str>>, kind: NodeKind, state: NodeState) -> Node {
        Node {
            id: id.into(),
            kind,
            aggregation: None,
            score: None,
            weight: None,
            contribution: None,
            state,
            raw: None,
            reasons: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// A node whose score is its largest part's; without parts that have a
    /// score it has none. The largest part alone contributes, of equals the
    /// first.
    pub fn maximum(id: impl Into<Arc<str>>, kind: NodeKind, mut parts: Vec<Node>) -> Node {
        let state = match NodeState::best(parts.iter().map(|part| part.state)) {
            NodeState::NotApplicable if parts.is_empty() => NodeState::Unknown,
            state => state,
        };
        let speaker = index_of_largest(parts.iter().map(|part| part.score));
        for (index, part) in parts.iter_mut().enumerate() {
            let share = if Some(index) == speaker { part.score } else { Some(0.0) };
            part.contribution = part.score.and(share);
        }
        Node {
            aggregation: Some(Aggregation::Maximum),
            score: speaker.and_then(|index| parts[index].score),
            parts,
            ..Node::new(id, kind, state)
        }
    }

    pub fn part(&self, id: &str) -> Option<&Node> {
        self.parts.iter().find(|part| &*part.id == id)
    }

    /// The largest difference, in the whole tree, between a node's score and
    /// what its parts contribute; at most 1e-9 for a sound tree.
    pub fn largest_gap(&self) -> f64 {
        let own = match self.score {
            Some(score) if self.parts.iter().any(|part| part.contribution.is_some()) => {
                let parts = self.parts.iter().filter_map(|part| part.contribution);
                (parts.fold(0.0, |total, part| total + part) - score).abs()
            }
            _ => 0.0,
        };
        self.parts.iter().fold(own, |gap, part| gap.max(part.largest_gap()))
    }
}

/// The index of the largest score; of equals the first.
pub fn index_of_largest(scores: impl Iterator<Item = Option<f64>>) -> Option<usize> {
    let mut largest: Option<(usize, f64)> = None;
    for (index, score) in scores.enumerate() {
        if let Some(score) = score
            && largest.is_none_or(|(_, best)| score > best)
        {
            largest = Some((index, score));
        }
    }
    largest.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(id: &str, score: Option<f64>, state: NodeState) -> Node {
        Node { score, ..Node::new(id, NodeKind::Quantity, state) }
    }

    #[test]
    fn of_a_maximum_the_first_largest_part_alone_contributes() {
        let parts = vec![
            leaf("a", Some(10.0), NodeState::Known),
            leaf("b", Some(40.0), NodeState::Held),
            leaf("c", Some(40.0), NodeState::Known),
            leaf("d", None, NodeState::Unknown),
        ];
        let node = Node::maximum("g", NodeKind::Group, parts);
        let found: Vec<_> = node.parts.iter().map(|part| part.contribution).collect();
        assert_eq!(found, [Some(0.0), Some(40.0), Some(0.0), None]);
        assert_eq!((node.score, node.state), (Some(40.0), NodeState::Known));
        assert_eq!(node.largest_gap(), 0.0);
    }

    #[test]
    fn a_maximum_of_nothing_is_unknown() {
        let node = Node::maximum("g", NodeKind::Group, Vec::new());
        assert_eq!((node.score, node.state), (None, NodeState::Unknown));
    }
}

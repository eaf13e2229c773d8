//! Who speaks for a quantity (docs/indices.md 4.2): own stations while all are
//! fresh; else the largest of the fresh ones, the held scores of the silent
//! ones, partial rain sums, fresh neighbours and the wind model.
//!
//! A station's hold is the memory of this module. It is written while the
//! station is fresh, speaks while it is not, and ends with two fresh readings
//! in a row or by a person.

use std::collections::BTreeMap;

use model::{DatastreamId, Level, PropertyId, Time};

use super::model::{FloodModel, SourceRules};
use super::station::{Candidate, neighbour, own_candidates};
pub use super::station::{Hold, StationInput, is_fresh};
use crate::explain::{Node, NodeKind, NodeState, Raw};
use crate::freshness::{credibility, freshness, state_at_age};
use crate::hazard::{GroupSpec, QuantitySpec};
use crate::knots::{KNOT_SCORES, danger_bound};

/// Wind of the local wind model at the township's seat, while a storm is
/// active.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelWind {
    pub wind_mps: f64,
    /// Time of the newest fix.
    pub fix_time: Time,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QuantityInput {
    pub id: PropertyId,
    pub own: Vec<StationInput>,
    /// Stations within the radius that belong to others.
    pub neighbours: Vec<StationInput>,
    pub wind_model: Option<ModelWind>,
}

/// What the outlook ladder says for the township; level none while no storm is
/// active.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutlookInput {
    pub level: Level,
    /// Issue time of the newest forecast; `None` while no storm is active.
    pub issued: Option<Time>,
}

/// One configured group of the township.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupInput {
    pub id: String,
    /// The worst official signal of the group in force.
    pub official: Level,
    /// The quantities that the township has.
    pub quantities: Vec<QuantityInput>,
    /// For the outlook group.
    pub outlook: Option<OutlookInput>,
}

pub type Holds = BTreeMap<(PropertyId, DatastreamId), Hold>;

/// Holds as a list of pairs: JSON has no keys of two parts.
pub(super) mod hold_pairs {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{DatastreamId, Hold, Holds, PropertyId};

    pub(crate) fn serialize<S: Serializer>(holds: &Holds, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(holds)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Holds, D::Error> {
        let pairs: Vec<((PropertyId, DatastreamId), Hold)> = Vec::deserialize(from)?;
        Ok(pairs.into_iter().collect())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct GroupScore {
    pub id: String,
    /// Largest of the quantities and the official floor.
    pub score: Option<f64>,
    pub before_floor: Option<f64>,
    pub official: Level,
    pub state: NodeState,
    pub confidence: f64,
    pub node: Node,
}

/// Scores the configured groups and writes what is to be remembered.
pub fn score_groups(
    inputs: &[GroupInput],
    model: &FloodModel,
    holds: &Holds,
    at: Time,
) -> (Vec<GroupScore>, Holds) {
    let mut next = Holds::new();
    let mut groups = Vec::with_capacity(inputs.len());
    for spec in &model.groups {
        let Some(input) = inputs.iter().find(|input| input.id == spec.id) else { continue };
        let mut parts = Vec::new();
        let mut confidences = Vec::new();
        for quantity in &spec.quantities {
            let Some(input) = input.quantities.iter().find(|input| input.id == quantity.id) else {
                continue;
            };
            let scored = score_quantity(input, quantity, &model.sources, holds, &mut next, at);
            parts.push(scored.node);
            confidences.push(scored.confidence);
        }
        if let Some(outlook) = &input.outlook
            && spec.is_outlook
        {
            let (node, confidence) = outlook_node(outlook, &model.sources, at);
            parts.push(node);
            confidences.push(confidence);
        }
        groups.push(group_score(spec, input.official, parts, &confidences));
    }
    (groups, next)
}

/// A group from the nodes of its quantities: their maximum, then the floor of
/// the official signal.
pub fn group_score(
    spec: &GroupSpec,
    official: Level,
    mut parts: Vec<Node>,
    confidences: &[f64],
) -> GroupScore {
    let state = match NodeState::best(parts.iter().map(|part| part.state)) {
        NodeState::NotApplicable => NodeState::Unknown,
        state => state,
    };
    let before_floor = parts.iter().filter_map(|part| part.score).reduce(f64::max);
    if official > Level::None {
        parts.push(Node {
            score: Some(danger_bound(official)),
            reasons: vec!["official_signal".into()],
            ..Node::new("official_signal", NodeKind::Quantity, NodeState::Known)
        });
    }
    let mut node = Node::maximum(spec.id.as_str(), NodeKind::Group, parts);
    node.state = state;
    if let Some(before) = before_floor
        && node.score.is_some_and(|score| score > before)
    {
        node.reasons.push(format!("before_floor {before:.1}").into());
    }
    let n = confidences.len() as f64;
    let sum = confidences.iter().fold(0.0, |sum, confidence| sum + confidence);
    GroupScore {
        id: spec.id.clone(),
        score: node.score,
        before_floor,
        official,
        state,
        confidence: if confidences.is_empty() { 0.0 } else { sum / n },
        node,
    }
}

/// Outlook score (docs/indices.md 4.3, A): 40, 60, 75 or 90 by level, none 0; a
/// stale forecast is still read, only its f falls.
fn outlook_node(outlook: &OutlookInput, rules: &SourceRules, at: Time) -> (Node, f64) {
    let confidence = outlook.issued.map_or(credibility::OUTLOOK, |issued| {
        credibility::OUTLOOK * freshness(at.millis_since(issued), rules.forecast_period)
    });
    let node = Node {
        score: Some(danger_bound(outlook.level)),
        ..Node::new("typhoon_outlook", NodeKind::Quantity, NodeState::Known)
    };
    (node, confidence)
}

struct ScoredQuantity {
    node: Node,
    confidence: f64,
}

fn score_quantity(
    input: &QuantityInput,
    spec: &QuantitySpec,
    rules: &SourceRules,
    holds: &Holds,
    next: &mut Holds,
    at: Time,
) -> ScoredQuantity {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut all_fresh = !input.own.is_empty();
    for station in &input.own {
        let key = (spec.id.clone(), station.datastream.clone());
        let own = own_candidates(station, spec, rules, holds.get(&key), at);
        all_fresh &= own.is_fresh;
        candidates.extend(own.candidates);
        if let Some(hold) = own.next {
            next.insert(key, hold);
        }
    }
    if !all_fresh {
        if spec.neighbours {
            for station in &input.neighbours {
                let key = (spec.id.clone(), station.datastream.clone());
                let near = neighbour(station, spec, rules, holds.get(&key), at);
                candidates.extend(near.candidates);
                if let Some(hold) = near.next {
                    next.insert(key, hold);
                }
            }
        }
        if let Some(wind) = input.wind_model.filter(|_| spec.wind_model) {
            candidates.push(modelled(&wind, spec, rules, at));
        }
    }
    let confidence = candidates.iter().fold(0.0_f64, |best, found| best.max(found.confidence));
    let nodes = candidates.into_iter().map(|candidate| candidate.node).collect();
    ScoredQuantity { node: Node::maximum(spec.id.as_str(), NodeKind::Quantity, nodes), confidence }
}

/// The local wind model at the seat speaks with q 0.5.
fn modelled(wind: &ModelWind, spec: &QuantitySpec, rules: &SourceRules, at: Time) -> Candidate {
    let age_ms = at.millis_since(wind.fix_time);
    let state = state_at_age(age_ms, rules.forecast_period);
    let confidence = match state {
        NodeState::Known => rules.wind_model_credibility * freshness(age_ms, rules.forecast_period),
        _ => 0.0,
    };
    let score = spec.score(wind.wind_mps, None).unwrap_or(KNOT_SCORES[0]);
    let raw = Raw {
        value: wind.wind_mps,
        unit: spec.unit,
        time: wind.fix_time,
        age_s: age_ms as f64 / 1000.0,
        quality: model::Flag::NotEvaluated,
        datastreams: Vec::new(),
    };
    let node = Node {
        score: Some(score),
        raw: Some(raw),
        reasons: vec!["wind_model".into()],
        ..Node::new("wind_model", NodeKind::Quantity, state)
    };
    Candidate { node, confidence }
}

#[cfg(test)]
mod tests {
    use model::Quality;

    use super::*;
    use crate::hazard::StationReading;

    fn model() -> FloodModel {
        let text = include_str!("../../../config/models/flood-typhoon.toml");
        FloodModel::from_toml(text).unwrap()
    }

    fn minute(n: i64) -> Time {
        Time::from_millis_clamped(n * 60_000)
    }

    fn station(id: &str, value: f64, newest_min: i64) -> StationInput {
        let reading = StationReading {
            value,
            newest: minute(newest_min),
            slots_present: 1.0,
            quality: Quality::PASS,
        };
        StationInput {
            datastream: DatastreamId::parse(&format!("{id}/wind_speed")).unwrap(),
            levels: None,
            reading: Some(reading),
            silenced: false,
            released: None,
            confirmed: false,
        }
    }

    fn wind(
        own: Vec<StationInput>,
        neighbours: Vec<StationInput>,
        model_mps: Option<f64>,
    ) -> Vec<GroupInput> {
        let quantity = QuantityInput {
            id: PropertyId::from_static("wind_speed"),
            own,
            neighbours,
            wind_model: model_mps.map(|wind_mps| ModelWind { wind_mps, fix_time: minute(0) }),
        };
        vec![GroupInput {
            id: "wind".to_owned(),
            official: Level::None,
            quantities: vec![quantity],
            outlook: None,
        }]
    }

    /// Evaluates a sequence of (minute, input); the score, state and
    /// confidence of the wind group at the end.
    fn run(sequence: &[(i64, Vec<GroupInput>)]) -> (Option<f64>, NodeState, f64) {
        let (mut holds, mut last) = (Holds::new(), None);
        for (at, inputs) in sequence {
            let (groups, next) = score_groups(inputs, &model(), &holds, minute(*at));
            holds = next;
            last = groups.into_iter().next();
        }
        let group = last.unwrap();
        assert!(group.node.largest_gap() < 1e-9);
        (
            group.score.map(|score| (score * 100.0).round() / 100.0),
            group.state,
            (group.confidence * 100.0).round() / 100.0,
        )
    }

    use NodeState::{Held, Known, Unknown};

    #[test]
    fn while_all_own_are_fresh_they_alone_speak() {
        let own = vec![station("a", 10.8, 0), station("b", 14.0, 0)];
        let found = run(&[(10, wind(own, vec![station("n", 40.0, 10)], Some(40.0)))]);
        assert_eq!(found, (Some(50.0), Known, 1.0));
    }

    #[test]
    fn a_silent_station_lets_others_speak_beside_its_hold() {
        let fresh = wind(vec![station("a", 24.5, 0)], vec![station("n", 14.0, 0)], None);
        let silent = wind(vec![station("a", 24.5, 0)], vec![station("n", 14.0, 25)], None);
        assert_eq!(run(&[(0, fresh.clone()), (25, silent.clone())]), (Some(75.0), Known, 0.8));
        let stormy = wind(vec![station("a", 24.5, 0)], vec![station("n", 32.7, 25)], Some(14.0));
        assert_eq!(run(&[(0, fresh), (25, stormy)]), (Some(90.0), Known, 0.8));
    }

    #[test]
    fn a_neighbour_that_spoke_is_held_too() {
        let lost = wind(vec![], vec![station("n", 24.5, 0)], None);
        assert_eq!(run(&[(0, lost.clone()), (25, lost.clone())]), (Some(75.0), Known, 0.28));
        assert_eq!(run(&[(0, lost.clone()), (90, lost.clone())]), (Some(75.0), Held, 0.0));
        assert_eq!(run(&[(90, lost)]).0, None, "never fresh while it was needed");
    }

    #[test]
    fn with_holds_alone_beyond_three_periods_a_quantity_is_held() {
        let own = || wind(vec![station("a", 24.5, 0)], vec![], None);
        assert_eq!(run(&[(0, own()), (30, own())]), (Some(75.0), Known, 0.25));
        assert_eq!(run(&[(0, own()), (31, own())]), (Some(75.0), Held, 0.0));
    }

    #[test]
    fn the_wind_model_speaks_with_half_credibility() {
        assert_eq!(run(&[(60, wind(vec![], vec![], Some(24.5)))]), (Some(75.0), Known, 0.5));
        assert_eq!(run(&[(60, wind(vec![], vec![], None))]), (None, Unknown, 0.0));
    }

    #[test]
    fn a_hold_ends_with_two_fresh_readings() {
        let seen = |value, newest| wind(vec![station("a", value, newest)], vec![], None);
        let before = [(0, seen(24.5, 0)), (40, seen(24.5, 0))];
        let back = |rest: &[(i64, Vec<GroupInput>)]| run(&[&before, rest].concat()).0;
        assert_eq!(back(&[(41, seen(14.0, 41))]), Some(75.0));
        assert_eq!(
            back(&[(41, seen(14.0, 41)), (45, seen(14.0, 41))]),
            Some(75.0),
            "the same reading"
        );
        assert_eq!(back(&[(41, seen(14.0, 41)), (45, seen(14.0, 44))]), Some(50.0));
    }

    #[test]
    fn a_person_ends_a_hold_for_good() {
        let silent = |released: bool, silenced: bool| {
            let released = released.then(|| minute(40));
            let station = StationInput { released, silenced, ..station("a", 24.5, 0) };
            wind(vec![station], vec![], None)
        };
        for (released, silenced) in [(true, false), (false, true)] {
            let ended = [(0, silent(false, false)), (40, silent(released, silenced))];
            assert_eq!(run(&ended).0, None);
            let after = [ended.to_vec(), vec![(50, silent(false, false))]].concat();
            assert_eq!(run(&after).0, None, "a hold once ended does not return");
        }
    }

    #[test]
    fn an_official_signal_is_a_floor_and_the_group_before_it_is_shown() {
        let mut inputs = wind(vec![station("a", 14.0, 0)], vec![], None);
        inputs[0].official = Level::Orange;
        let (groups, _) = score_groups(&inputs, &model(), &Holds::new(), minute(0));
        assert_eq!((groups[0].score, groups[0].before_floor), (Some(75.0), Some(50.0)));
        assert_eq!(&*groups[0].node.reasons[0], "before_floor 50.0");
    }
}

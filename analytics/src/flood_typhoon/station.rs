//! What one station says of one quantity, and what is remembered of it: while
//! it is fresh its score is written down, while it is silent that score speaks
//! (docs/indices.md 4.2).

use model::{DatastreamId, Thresholds, Time};
use serde::{Deserialize, Serialize};

use super::model::SourceRules;
use crate::explain::{Node, NodeKind, NodeState, Raw};
use crate::freshness::{credibility, freshness, state_at_age};
use crate::hazard::{QuantitySpec, StationReading, Statistic};
use crate::knots::TOLERANCE;

/// One station, as read for one quantity at the instant.
#[derive(Debug, Clone, PartialEq)]
pub struct StationInput {
    pub datastream: DatastreamId,
    pub levels: Option<Thresholds>,
    /// `None` when its window is empty.
    pub reading: Option<StationReading>,
    /// In maintenance or marked faulty: silent, and not held.
    pub silenced: bool,
    /// A person ended its holds at this instant; a later silence is held anew.
    pub released: Option<Time>,
    /// A person confirmed it: not unverified.
    pub confirmed: bool,
}

/// What is remembered of a station and quantity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// The last fresh score, with its value.
    pub score: f64,
    pub value: f64,
    /// The last instant at which the station was fresh.
    pub fresh_at: Time,
    /// The newest input seen.
    pub newest: Time,
    /// The station fell silent and has not yet come back.
    pub is_held: bool,
    /// A person ended the hold, or the station was silenced: it does not speak
    /// until the station is fresh again.
    pub is_ended: bool,
    /// Fresh readings since it began to come back.
    pub n_fresh: u32,
}

/// One voice that may speak for a quantity.
pub(super) struct Candidate {
    pub(super) node: Node,
    pub(super) confidence: f64,
}

pub(super) struct OwnStation {
    pub(super) is_fresh: bool,
    pub(super) candidates: Vec<Candidate>,
    pub(super) next: Option<Hold>,
}

/// Fresh (docs/indices.md 4.2, A): the newest input is no older than T and, for
/// a rain window, at least 80 % of its slots are present.
pub fn is_fresh(
    station: &StationInput,
    spec: &QuantitySpec,
    rules: &SourceRules,
    at: Time,
) -> bool {
    !station.silenced
        && station.reading.is_some_and(|reading| {
            at.millis_since(reading.newest) <= spec.period_ms()
                && reading.slots_present >= rules.slots_present_min - TOLERANCE
        })
}

pub(super) fn own_candidates(
    station: &StationInput,
    spec: &QuantitySpec,
    rules: &SourceRules,
    before: Option<&Hold>,
    at: Time,
) -> OwnStation {
    let scored = station
        .reading
        .and_then(|reading| Some((reading, spec.score(reading.value, station.levels.as_ref())?)));
    if let Some((reading, score)) = scored
        && is_fresh(station, spec, rules, at)
    {
        return fresh_station(station, spec, rules, before, reading, score, at);
    }

    // Silent. What it last said while fresh is held; of a station never seen
    // fresh, what it said last.
    let hold = before.copied().or_else(|| {
        scored.map(|(reading, score)| Hold {
            score,
            value: reading.value,
            fresh_at: reading.newest,
            newest: reading.newest,
            is_held: true,
            is_ended: false,
            n_fresh: 0,
        })
    });
    let Some(hold) = hold else {
        return OwnStation { is_fresh: false, candidates: Vec::new(), next: None };
    };
    let newest = scored.map_or(hold.newest, |(reading, _)| hold.newest.max(reading.newest));
    let is_ended = hold.is_ended || station.silenced || is_released(station, &hold);
    let hold = Hold { is_held: true, is_ended, n_fresh: 0, newest, ..hold };
    let mut candidates = Vec::new();
    if !hold.is_ended {
        candidates.push(held_candidate(station, spec, &hold, at));
    }
    if let Some((reading, score)) = scored
        && matches!(spec.statistic, Statistic::Sum { .. })
        && !station.silenced
    {
        candidates.push(partial_candidate(station, spec, &reading, score, &hold, at));
    }
    OwnStation { is_fresh: false, candidates, next: Some(hold) }
}

/// Did a person end this hold, that is, since the station was last fresh?
fn is_released(station: &StationInput, hold: &Hold) -> bool {
    station.released.is_some_and(|released| released >= hold.fresh_at)
}

/// The sum of the rain slots that are present.
fn partial_candidate(
    station: &StationInput,
    spec: &QuantitySpec,
    reading: &StationReading,
    score: f64,
    hold: &Hold,
    at: Time,
) -> Candidate {
    let age_ms = at.millis_since(reading.newest.min(hold.fresh_at));
    let mut node = station_node(station, spec, reading, score, at);
    node.reasons.push("partial_window".into());
    node.state = state_at_age(age_ms, spec.period);
    Candidate { node, confidence: known_confidence(age_ms, spec) }
}

fn fresh_station(
    station: &StationInput,
    spec: &QuantitySpec,
    rules: &SourceRules,
    before: Option<&Hold>,
    reading: StationReading,
    score: f64,
    at: Time,
) -> OwnStation {
    let node = station_node(station, spec, &reading, score, at);
    let mut candidates = vec![Candidate { node, confidence: credibility::MEASURED }];
    let written = Hold {
        score,
        value: reading.value,
        fresh_at: at,
        newest: reading.newest,
        is_held: false,
        is_ended: false,
        n_fresh: 0,
    };
    let next = match before {
        Some(hold) if hold.is_held && !hold.is_ended && !is_released(station, hold) => {
            let is_new = reading.newest > hold.newest;
            let n_fresh = hold.n_fresh + u32::from(is_new);
            if n_fresh >= rules.readings_to_end_hold {
                written
            } else {
                let hold = Hold { n_fresh, newest: reading.newest.max(hold.newest), ..*hold };
                candidates.push(held_candidate(station, spec, &hold, at));
                hold
            }
        }
        _ => written,
    };
    OwnStation { is_fresh: true, candidates, next: Some(next) }
}

fn held_candidate(station: &StationInput, spec: &QuantitySpec, hold: &Hold, at: Time) -> Candidate {
    // Ages count from the last fresh instant, or from the newest input if that
    // is older.
    let time = hold.newest.min(hold.fresh_at);
    let age_ms = at.millis_since(time);
    let raw = Raw {
        value: hold.value,
        unit: spec.unit,
        time,
        age_s: age_ms as f64 / 1000.0,
        quality: model::Flag::Pass,
        datastreams: vec![station.datastream.clone()],
    };
    let state = state_at_age(age_ms, spec.period);
    let node = Node {
        score: Some(hold.score),
        raw: Some(raw),
        reasons: vec!["held".into()],
        ..Node::new(station.datastream.to_string(), NodeKind::Quantity, state)
    };
    Candidate { node, confidence: known_confidence(age_ms, spec) }
}

fn known_confidence(age_ms: i64, spec: &QuantitySpec) -> f64 {
    match state_at_age(age_ms, spec.period) {
        NodeState::Known => credibility::MEASURED * freshness(age_ms, spec.period),
        _ => 0.0,
    }
}

fn station_node(
    station: &StationInput,
    spec: &QuantitySpec,
    reading: &StationReading,
    score: f64,
    at: Time,
) -> Node {
    let raw = Raw {
        value: reading.value,
        unit: spec.unit,
        time: reading.newest,
        age_s: at.millis_since(reading.newest) as f64 / 1000.0,
        quality: reading.quality.flag(),
        datastreams: vec![station.datastream.clone()],
    };
    let id = station.datastream.to_string();
    Node {
        score: Some(score),
        raw: Some(raw),
        ..Node::new(id, NodeKind::Quantity, NodeState::Known)
    }
}

/// A station nearby that speaks while an own one is silent. Once it has spoken
/// it is held like an own one when it falls silent too: its silence lowers
/// nothing either.
pub(super) fn neighbour(
    station: &StationInput,
    spec: &QuantitySpec,
    rules: &SourceRules,
    before: Option<&Hold>,
    at: Time,
) -> OwnStation {
    if before.is_none() && !is_fresh(station, spec, rules, at) {
        return OwnStation { is_fresh: false, candidates: Vec::new(), next: None };
    }
    let mut near = own_candidates(station, spec, rules, before, at);
    for candidate in &mut near.candidates {
        candidate.confidence *= rules.neighbour_credibility;
        candidate.node.reasons.push("neighbour".into());
    }
    near
}

//! Scores over the wire, and their conversion from the runner's.

use std::sync::Arc;

use analytics::explain::{Node as Explained, NodeState, Raw as ExplainedRaw};
use analytics::hazard::HazardScore;
use analytics::knots::danger_bound;
use analytics::{Hazard, Tick};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use model::{Level, Origin, Time};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use crate::score_source::{ScoreSource, ScoreTick};

/// The one index there is so far.
pub(crate) const HAZARD: &str = "hazard";

/// A township's score with the parts that make it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Score {
    #[schema(example = "hazard")]
    pub index: &'static str,
    #[schema(example = "330225101")]
    pub township: String,
    /// The instant it is of, scene clock.
    #[schema(value_type = String, format = DateTime)]
    pub time: Time,
    /// 0 to 100; `null` when no group has data.
    #[schema(example = 62.4, minimum = 0, maximum = 100)]
    pub score: Option<f64>,
    /// `none`, `blue`, `yellow`, `orange` or `red`; an assessed level, never a
    /// warning.
    #[schema(example = "yellow")]
    pub level: Option<&'static str>,
    #[schema(value_type = String, example = "hazard@1")]
    pub model: Arc<str>,
    /// SHA-256 of the model file.
    #[schema(value_type = String)]
    pub model_hash: Arc<str>,
    /// `real`, `replay` or `simulated`.
    #[schema(example = "real")]
    pub origin: &'static str,
    /// Groups without data.
    pub missing: Vec<String>,
    /// Their contributions add up to the score within 1e-9.
    pub parts: Vec<Node>,
}

/// One part of a score, and what it is made of.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ScoreNode)]
pub struct Node {
    #[schema(example = "rain_flood")]
    pub id: String,
    /// `group`, `quantity` or `station`.
    #[schema(example = "group")]
    pub kind: &'static str,
    /// How the parts make the score: `maximum` takes the largest.
    #[schema(example = "maximum")]
    pub aggregation: Option<&'static str>,
    pub score: Option<f64>,
    pub weight: Option<f64>,
    /// What it adds to the score above.
    pub contribution: Option<f64>,
    /// `known`, `held` (older than three periods, still counted), `unknown` or
    /// `not_applicable`.
    #[schema(example = "known")]
    pub state: &'static str,
    pub raw: Option<Raw>,
    pub reasons: Vec<String>,
    #[schema(no_recursion)]
    pub parts: Vec<Node>,
}

/// The value that a score was made from.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RawValue)]
pub struct Raw {
    pub value: f64,
    /// UCUM.
    #[schema(example = "m/s")]
    pub unit: &'static str,
    #[schema(value_type = String, format = DateTime)]
    pub time: Time,
    /// Seconds.
    pub age_s: f64,
    /// QARTOD flag.
    #[schema(example = 1)]
    pub quality: u8,
    pub datastreams: Vec<String>,
}

/// Scores of the hazard runner, in data of this origin.
pub fn score_source(hazard: &Hazard, origin: Origin) -> ScoreSource {
    let head = &hazard.model().head;
    let facts = Facts {
        model: format!("{}@{}", head.id, head.version).into(),
        model_hash: head.hash.as_str().into(),
        origin,
    };
    let of_instant = (hazard.clone(), facts.clone());
    ScoreSource {
        model: facts.model.to_string(),
        model_hash: facts.model_hash.to_string(),
        levels: Level::COLOURED.map(|level| (level, danger_bound(level))).to_vec(),
        ticks: ticks(hazard, facts).boxed(),
        at: Arc::new(move |at| {
            let (hazard, facts) = of_instant.clone();
            async move { Ok(facts.tick(&hazard.at(at).await?)) }.boxed()
        }),
    }
}

/// The newest tick, then each new one.
fn ticks(hazard: &Hazard, facts: Facts) -> impl Stream<Item = ScoreTick> + Send + use<> {
    // Subscribe first: a tick in between is seen twice rather than never.
    let receiver = hazard.subscribe();
    let first = hazard.latest();
    let of_later = facts.clone();
    let later = stream::unfold(receiver, next_tick).map(move |tick| of_later.tick(&tick));
    stream::iter(first.map(|tick| facts.tick(&tick))).chain(later)
}

/// A tick holds all townships, so that those missed need not be looked at.
async fn next_tick(
    mut receiver: broadcast::Receiver<Arc<Tick>>,
) -> Option<(Arc<Tick>, broadcast::Receiver<Arc<Tick>>)> {
    loop {
        match receiver.recv().await {
            Ok(tick) => return Some((tick, receiver)),
            Err(RecvError::Lagged(_)) => (),
            Err(RecvError::Closed) => return None,
        }
    }
}

/// What every score of a runner has in common.
#[derive(Debug, Clone)]
struct Facts {
    model: Arc<str>,
    model_hash: Arc<str>,
    origin: Origin,
}

impl Facts {
    fn tick(&self, tick: &Tick) -> ScoreTick {
        let scores = tick.scores.iter().map(|score| (score.township, Arc::new(self.score(score))));
        ScoreTick { at: tick.at, commit: tick.commit, scores: scores.collect() }
    }

    fn score(&self, score: &HazardScore) -> Score {
        let groups = &score.explanation.parts;
        let missing = groups.iter().filter(|group| group.score.is_none());
        Score {
            index: HAZARD,
            township: score.township.to_string(),
            time: score.time,
            score: score.score,
            level: score.level.map(level_name),
            model: Arc::clone(&self.model),
            model_hash: Arc::clone(&self.model_hash),
            origin: self.origin.as_str(),
            missing: missing.map(|group| group.id.to_string()).collect(),
            parts: groups.iter().map(|group| node(group, "group")).collect(),
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

/// Groups hold quantities, quantities hold stations.
fn node(part: &Explained, kind: &'static str) -> Node {
    let below = match kind {
        "group" => "quantity",
        _ => "station",
    };
    debug_assert!(part.state != NodeState::NotApplicable || part.score.is_none());
    Node {
        id: part.id.to_string(),
        kind,
        aggregation: part.aggregation.map(|aggregation| aggregation.as_str()),
        score: part.score,
        weight: part.weight,
        contribution: part.contribution,
        state: part.state.as_str(),
        raw: part.raw.as_ref().map(raw),
        reasons: part.reasons.iter().map(ToString::to_string).collect(),
        parts: part.parts.iter().map(|part| node(part, below)).collect(),
    }
}

fn raw(raw: &ExplainedRaw) -> Raw {
    Raw {
        value: raw.value,
        unit: raw.unit.ucum(),
        time: raw.time,
        age_s: raw.age_s,
        quality: raw.quality.code(),
        datastreams: raw.datastreams.iter().map(ToString::to_string).collect(),
    }
}

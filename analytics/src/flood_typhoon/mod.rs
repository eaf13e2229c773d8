//! Index B `flood-typhoon` 基层防汛防台综合指数 (docs/indices.md section 4): 0–100,
//! high is dangerous.
//!
//! One evaluation goes: stations → groups with their floors (`sources`) →
//! hazard level → demand → items of V and L (`exposure`, `capability`) → B,
//! levels, confidence (`compose`) → the memory of the level.

pub mod capability;
pub mod compose;
pub mod exposure;
pub mod items;
mod model;
pub mod ready;
pub mod sources;
mod station;
mod unverified;

pub use compose::{Attention, Composition, DisplayedBy, FloodScore, compose};
pub use model::{
    CAPABILITY_ITEMS, CapabilityRules, EXPOSURE_ITEMS, ExposureRules, FloodModel, ItemSpec,
    Reference, ReliefRules, SourceRules,
};
pub use unverified::unverified;

use ::model::{Level, ThingId, Time, TownshipCode};
use serde::{Deserialize, Serialize};

use capability::GapInput;
use exposure::{ExposureInputs, exposure_items, n_unmoved, oldest_report};
use items::dimension;
use sources::{GroupInput, Holds, score_groups};

use crate::knots::danger_level;
use crate::levels::{LevelEvidence, LevelMemory};

/// What is known of one township at one instant. A silent station stays in
/// the list: one that is left out is retired, and its holds end.
#[derive(Debug, Clone, PartialEq)]
pub struct FloodInputs {
    pub township: TownshipCode,
    /// The configured groups.
    pub groups: Vec<GroupInput>,
    /// The level of the response in force.
    pub response: Level,
    pub exposure: ExposureInputs,
    /// The items of L, in the model's order.
    pub capability: Vec<GapInput>,
    /// See [`Composition::red_alarm_open`].
    pub red_alarm_open: bool,
    pub n_life_alarms: u32,
}

/// Memory of one township's Index B between evaluations.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FloodState {
    #[serde(with = "sources::hold_pairs")]
    pub holds: Holds,
    pub level: LevelMemory,
    /// The last V and L that were available.
    pub last_known: [Option<f64>; 2],
}

/// One township's evaluation with everything that is published.
#[derive(Debug, Clone, PartialEq)]
pub struct FloodEvaluation {
    pub score: FloodScore,
    /// The thing that alone says so: 未证实.
    pub unverified: Option<ThingId>,
    pub attention: Attention,
}

/// One evaluation with memory. Memory moves at whole minutes only; between
/// them the level may only get worse (ARCHITECTURE.md, invariant 8).
pub fn step(
    state: &FloodState,
    inputs: &FloodInputs,
    model: &FloodModel,
    at: Time,
) -> (FloodState, FloodEvaluation) {
    let (groups, holds) = score_groups(&inputs.groups, model, &state.holds, at);
    let unverified = unverified(&inputs.groups, &groups, model, &state.holds, at);
    let largest = groups.iter().filter_map(|group| group.score).reduce(f64::max);
    let demand = largest.map_or(Level::None, danger_level).max(inputs.response);

    let items = exposure_items(&inputs.exposure, demand, &model.exposure, at);
    let exposure_weight_min = 1.0 - model.exposure.unentered_max;
    let gaps: Vec<_> = inputs.capability.iter().map(|gap| gap.score(at)).collect();
    let composition = Composition {
        township: inputs.township,
        groups,
        exposure: dimension("exposure", &model.exposure_items, &items, exposure_weight_min),
        capability: dimension(
            "capability_gap",
            &model.capability_items,
            &gaps,
            model.capability.weight_min,
        ),
        response: inputs.response,
        red_alarm_open: inputs.red_alarm_open,
        last_known: state.last_known,
        confidence: [None, None],
    };
    let mut score = compose(&composition, model, at);

    let evidence = LevelEvidence {
        level: Some(score.level_now),
        candidate: score.candidate,
        coverage: score.coverage,
        breaks_run: score.grey || score.provisional,
    };
    let is_whole_minute = at.millis().rem_euclid(60_000) == 0;
    let level = state.level.step(at, evidence, &model.levels, is_whole_minute);
    score.level = level.level.unwrap_or(score.level_now);
    score.show(inputs.response);

    let next = if is_whole_minute {
        let last = [composition.exposure.score, composition.capability.score];
        let last_known = [last[0].or(state.last_known[0]), last[1].or(state.last_known[1])];
        FloodState { holds, level, last_known }
    } else {
        FloodState { level, ..state.clone() }
    };
    let attention = Attention {
        displayed_level: score.displayed_level,
        n_life_alarms: inputs.n_life_alarms,
        score: score.score.unwrap_or(0.0),
        n_unmoved: n_unmoved(&inputs.exposure, demand),
        oldest_report: oldest_report(&inputs.exposure),
    };
    (next, FloodEvaluation { score, unverified, attention })
}

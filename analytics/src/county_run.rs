//! All scores of a county at one instant: both indices of every township, and
//! the county's two values.

use model::{Level, Time};
use serde::{Deserialize, Serialize};

use crate::county::{CountyValue, TownshipValue, Worse, county};
use crate::flood_typhoon::{self, FloodEvaluation, FloodInputs, FloodModel, FloodState};
use crate::knots::danger_level;
use crate::township_safety::{self, SafetyInputs, SafetyModel, SafetyScore, SafetyState};

/// Prepared inputs of one township.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedTownship {
    pub safety: SafetyInputs,
    pub flood: FloodInputs,
    /// Weighs the county's value; all or none are configured.
    pub population: Option<f64>,
}

/// Memory of one township between evaluations.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TownshipState {
    pub safety: SafetyState,
    pub flood: FloodState,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TownshipScores {
    pub safety: SafetyScore,
    pub flood: FloodEvaluation,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CountyScores {
    pub townships: Vec<TownshipScores>,
    pub safety: CountyValue,
    pub flood: CountyValue,
}

/// Scores every township and the county; `states` belong to `townships` by
/// place and are moved on.
pub fn score_county(
    states: &mut [TownshipState],
    townships: &[PreparedTownship],
    safety_model: &SafetyModel,
    flood_model: &FloodModel,
    at: Time,
) -> CountyScores {
    debug_assert_eq!(states.len(), townships.len());
    let mut scores = Vec::with_capacity(townships.len());
    for (state, inputs) in states.iter_mut().zip(townships) {
        let (safety_state, safety) =
            township_safety::step(state.safety, &inputs.safety, safety_model, at);
        let (flood_state, flood) =
            flood_typhoon::step(&state.flood, &inputs.flood, flood_model, at);
        *state = TownshipState { safety: safety_state, flood: flood_state };
        scores.push(TownshipScores { safety, flood });
    }

    let safety_values: Vec<TownshipValue> = scores
        .iter()
        .zip(townships)
        .map(|(scores, inputs)| TownshipValue {
            score: scores.safety.score.filter(|_| !scores.safety.grey),
            level: scores.safety.level,
            population: inputs.population,
        })
        .collect();
    let flood_values: Vec<TownshipValue> = scores
        .iter()
        .zip(townships)
        .map(|(scores, inputs)| TownshipValue {
            score: scores.flood.score.score.filter(|_| !scores.flood.score.grey),
            level: Some(scores.flood.score.level),
            population: inputs.population,
        })
        .collect();
    CountyScores {
        safety: county(&safety_values, Worse::Low, Level::Blue, |s| safety_model.level(s)),
        flood: county(&flood_values, Worse::High, Level::None, danger_level),
        townships: scores,
    }
}

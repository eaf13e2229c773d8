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
        scores.push(score_township(state, inputs, safety_model, flood_model, at));
    }
    let populations = townships.iter().map(|inputs| inputs.population);
    let (safety, flood) = county_values(scores.iter().zip(populations), safety_model);
    CountyScores { townships: scores, safety, flood }
}

/// Scores one township; its state is moved on.
pub fn score_township(
    state: &mut TownshipState,
    inputs: &PreparedTownship,
    safety_model: &SafetyModel,
    flood_model: &FloodModel,
    at: Time,
) -> TownshipScores {
    let (safety_state, safety) =
        township_safety::step(state.safety, &inputs.safety, safety_model, at);
    let (flood_state, flood) = flood_typhoon::step(&state.flood, &inputs.flood, flood_model, at);
    *state = TownshipState { safety: safety_state, flood: flood_state };
    TownshipScores { safety, flood }
}

/// The county's values of both indices from its townships' scores and
/// populations.
pub fn county_values<'a>(
    townships: impl Iterator<Item = (&'a TownshipScores, Option<f64>)>,
    safety_model: &SafetyModel,
) -> (CountyValue, CountyValue) {
    let (safety_values, flood_values): (Vec<TownshipValue>, Vec<TownshipValue>) = townships
        .map(|(scores, population)| {
            let TownshipScores { safety, flood } = scores;
            let of_safety = TownshipValue {
                score: safety.score.filter(|_| !safety.grey),
                level: safety.level,
                population,
            };
            let of_flood = TownshipValue {
                score: flood.score.score.filter(|_| !flood.score.grey),
                level: Some(flood.score.level),
                population,
            };
            (of_safety, of_flood)
        })
        .unzip();
    let safety = county(&safety_values, Worse::Low, Level::Blue, |s| safety_model.level(s));
    let flood = county(&flood_values, Worse::High, Level::None, danger_level);
    (safety, flood)
}

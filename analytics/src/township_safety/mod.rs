//! Index A `township-safety` 乡镇街道安全发展指数 (docs/indices.md section 3): 0–100,
//! high is safe.

pub mod caps;
pub mod indicators;
mod model;
mod score;

pub use model::{CapSpec, DimensionSpec, IndicatorSpec, SafetyModel, Scoring};
pub use score::{
    DimensionInput, Face, IndicatorInput, IndicatorValue, SafetyInputs, SafetyScore, SafetyState,
    evaluate, step,
};

//! Physics of wind, rain and soil water (docs/indices.md sections 1.1 and 2).
//!
//! Every formula is one function that names its source, unit and range. Marks:
//! S read in a published source, K known standard or formula, A assumed.

pub mod geo;
pub mod grades;
pub mod intensity;
pub mod local_wind;
pub mod outlook;
pub mod profiles;
pub mod rain;
pub mod soil_water;
pub mod track;

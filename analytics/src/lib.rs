//! Index mathematics: windows, physics, indices, alert states. Nothing here
//! but the runner does I/O; the modules compute from values to values, with
//! the same bits on every machine (docs/indices.md holds every equation).

#![deny(clippy::iter_over_hash_type)]

pub mod aggregate;
pub mod alerts;
pub mod commands;
pub mod composite;
pub mod compound;
pub mod county;
pub mod county_run;
pub mod derived;
pub mod drivers;
pub mod engine;
pub mod explain;
pub mod flood_typhoon;
pub mod freshness;
pub mod hazard;
pub mod knots;
pub mod levels;
pub mod model_file;
pub mod physics;
pub mod prepare;
pub mod readiness;
pub mod record;
mod runner;
pub mod seeded;
pub mod situation;
pub mod township_safety;
pub mod uncertainty;
pub mod weights;
pub mod windows;
pub mod world;

pub use engine::{
    Derived, Engine, Evaluation, HeldStation, Models, Observed, Picture, Scope, TownshipPicture,
    decode_score, encode_score,
};
pub use runner::{CountyTick, Runner, RunnerError, RunnerOptions, RunnerStatus};

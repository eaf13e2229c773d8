//! Tests of the index mathematics against docs/indices.md: worked examples,
//! replay goldens, properties, the golden file of scores.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to stop")]

mod golden;
mod models;
mod properties;
mod replay_goldens;

//! Tests of the index mathematics against domain.md: worked examples, replay
//! goldens, properties, the golden file of scores.

mod golden;
mod properties;
mod replay_goldens;

//! The API against a real store and a real pipeline, through its router.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by a panic too")]

mod alerts;
mod auth;
mod documents;
mod doors;
mod events;
mod exports;
mod history;
mod openapi;
mod operations;
mod problems;
mod rig;
mod scores;
mod series;
mod serving;
mod situation;
mod things;
mod track_files;
mod users;
mod webhooks;

//! The API against a real store and a real pipeline, through its router.

mod auth;
mod doors;
mod events;
mod openapi;
mod operations;
mod problems;
mod rig;
mod series;
mod serving;
mod things;
mod users;

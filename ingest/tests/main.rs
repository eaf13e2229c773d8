//! The pipeline and its doors, over real stores and loopback sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broker;
mod broker_limits;
mod client;
mod door;
mod embedded;
mod external;
mod pipeline;
#[path = "../src/testing.rs"]
#[expect(dead_code, reason = "the unit tests use the rest")]
mod testing;

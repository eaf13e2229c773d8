//! The store from outside: through its public functions and its files.

#![expect(clippy::unwrap_used, reason = "clippy knows test functions only, not their helpers")]

mod as_of;
mod border;
mod child;
mod commits;
mod damage;
mod documents;
mod failures;
mod follower;
mod kill;
mod migration;
mod mover_kill;
mod moves;
mod outbox;
mod queries;
mod registry;
mod scene;
mod support;
mod things;
mod ticks;
mod verify;

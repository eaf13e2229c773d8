//! The store from outside: through its public functions and its files.

#![expect(clippy::unwrap_used, reason = "clippy knows test functions only, not their helpers")]

mod child;
mod commits;
mod damage;
mod failures;
mod kill;
mod queries;
mod registry;
mod support;
mod things;

//! The tests of the root package, in one binary: the house rules, and the real
//! program end to end with clients that nobody here wrote.

mod architecture;
mod e2e;
mod support;

//! The way of a reading from a door to the journal.
//!
//! ```text
//! doors (embedded broker, external brokers, HTTP)
//!   └─ Delivery ─▶ check (decode, validate, quality tests) ─▶ chunk of rows
//!                    └─ writer: batch ─▶ commit (fsync) ─▶ Ack, CommittedBatch
//! ```
//!
//! An acknowledgement follows the commit, also for what was set aside.

pub mod broker;
mod check;
mod chunk;
mod commit;
mod delivery;
pub mod external;
mod loss;
mod meter;
mod pipeline;
pub mod quality;
mod redrive;
mod registrar;
mod retry;
mod route;
mod sequence;
mod slots;
mod split;
#[cfg(test)]
mod testing;
mod validate;
mod writer;

pub use delivery::{Ack, Delivery, Problem, Receipt, Route, RouteError};
pub use pipeline::{
    CommittedBatch, Pipeline, PipelineClosed, PipelineOptions, PipelineStatus, PipelineTask,
};
pub use redrive::{REDRIVE_SOURCE, RedriveError};
pub use route::{TOPIC_PREFIX, WRONG_TOPIC};
pub use validate::ValidateError;

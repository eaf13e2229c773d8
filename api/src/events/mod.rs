//! `/events`: scores, alerts and latest values as they change.
//!
//! ```text
//! ticks ───┐
//! alerts ──┼─▶ hub ─▶ log of recent events (bounded) ─▶ one stream per client
//! batches ─┘   (coalesces latest values)
//! ```
//!
//! The log is the only copy: a client keeps its place in it, and takes all that
//! follows when its socket has room: every alert, of scores and latest values
//! the newest per key. One whose place has left the log gets `reset` and a
//! fresh snapshot. Nothing here slows ingest.

mod hub;
mod log;
pub(crate) mod stream;

pub(crate) use hub::{Hub, HubParts};

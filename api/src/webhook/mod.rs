//! Alerts to the outside: signed posts in Alertmanager's shape.
//!
//! The runner writes messages into the journal in the transaction of its tick
//! (`analytics::alerts::outward` makes them); the [`Sender`] takes them from
//! there. So nothing that was told inside is lost outside:
//!
//! * a message is delivered when its receiver answers with 2xx; everything
//!   else, redirects too, is tried again after 1 s to 10 min for up to 24 h,
//!   then it is shown as undelivered. One that its receiver calls malformed
//!   (400, 413, 415, 422) is given up after five tries;
//! * messages of one receiver go one after the other, in order; receivers do
//!   not wait for each other, four at a time are talked to;
//! * the same message may arrive twice (after a crash, or when an answer got
//!   lost), always with the same `Idempotency-Key`;
//! * each try carries `Tidewatch-Timestamp` (seconds since 1970) and
//!   `Tidewatch-Signature: sha256=` + hex of HMAC-SHA256 over timestamp, a dot
//!   and the body, with the receiver's secret;
//! * `guard` says where a message may go at all;
//! * a receiver that fails three times in a row is an alarm itself: an ERROR in
//!   the log, readiness, the metric `api_webhook_failing` and `GET /webhooks`
//!   say so, until it takes a message again.

mod backoff;
mod channel;
mod guard;
mod outbox;
mod post;
mod receiver;
pub(crate) mod routes;
mod sender;
mod sign;
#[cfg(test)]
mod tests;

pub use channel::ReceiverStatus;
pub use guard::{GuardError, GuardRules};
pub use receiver::{RECEIVERS_MAX, Receiver, ReceiverError, ReceiverOptions};
pub use sender::{Sender, TestOutcome};
pub use sign::SECRET_BYTES_MIN;

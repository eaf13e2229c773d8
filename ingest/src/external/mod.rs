//! Sources on foreign brokers, by `rumqttc` (MQTT 5).
//!
//! At most `window` deliveries of a source are in the process at any time. The
//! broker is told so (Receive Maximum); one that sends more is made to wait on
//! the socket. A delivery gives its slot back when it is acknowledged or
//! dropped. So no queue here can overflow, and a slow journal ends up as a
//! broker that waits.
//!
//! PUBACK follows the commit, in the order of arrival. After a lost connection
//! all deliveries of it finish first, and their acknowledgements are
//! forgotten: a packet id means nothing on the next one. What the broker did
//! not see acknowledged it sends again.

mod backoff;
mod gate;
mod options;
mod routes;
mod source;

pub use options::{ExternalOptions, ExternalProblem, Secret};
pub use routes::{ExternalRoute, ThingFrom};
pub use source::{ExternalError, ExternalHandle, ExternalSource, ExternalStatus};

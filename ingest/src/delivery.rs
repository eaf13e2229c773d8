//! One payload on its way in, and the permission to acknowledge it.

use std::sync::Arc;

use bytes::Bytes;
use codec::Codec;
use model::{ThingId, Time};
use store::SourceKey;

/// What a topic or request says about its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub thing: ThingId,
    pub codec: Codec,
}

/// A topic that leads nowhere: the payload is quarantined with this reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct RouteError {
    /// A stable code, like `wrong_topic`.
    pub code: &'static str,
    pub detail: String,
}

#[derive(Debug)]
pub struct Delivery {
    pub source: SourceKey,
    /// As received, for people; `http` requests have their path here.
    pub topic: Arc<str>,
    pub route: Result<Route, RouteError>,
    pub payload: Bytes,
    pub received: Time,
    /// A retained copy from a foreign broker: refused unless it has its own time.
    pub is_retained: bool,
    pub ack: Ack,
}

/// What became of a delivery, told with its acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub commit: u64,
    /// Readings that are stored now, duplicates among them.
    pub n_accepted: u64,
    /// Readings (or the one payload) set aside, with their reasons.
    pub problems: Vec<Problem>,
}

/// Why one reading, or the whole payload, was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON Pointer as URI fragment, `#/2/values/water_level`; `#` is all of it.
    pub pointer: String,
    pub code: &'static str,
    pub detail: String,
}

impl Problem {
    /// The pointer to the whole payload.
    pub const WHOLE: &'static str = "#";
}

/// Permission to acknowledge one delivery: PUBACK, or the answer to a waiting
/// publish handler or HTTP request. Dropping it acknowledges nothing, and the
/// sender has to send again.
pub struct Ack(Box<dyn FnOnce(Receipt) + Send>);

impl Ack {
    pub fn new(acknowledge: impl FnOnce(Receipt) + Send + 'static) -> Ack {
        Ack(Box::new(acknowledge))
    }

    pub(crate) fn confirm(self, receipt: Receipt) {
        (self.0)(receipt);
    }
}

impl std::fmt::Debug for Ack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ack")
    }
}

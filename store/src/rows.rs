//! What one transaction of the journal takes in.

use std::sync::Arc;

use model::{Quality, ThingId, Time};

/// A datastream's integer in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatastreamKey(pub u32);

/// A source's integer in the journal, see `Store::source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceKey(pub u16);

impl SourceKey {
    /// Of rows read back from the journal, which does not keep it.
    pub const UNKNOWN: SourceKey = SourceKey(0);
}

/// A checked reading with its flag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObservationRow {
    pub source: SourceKey,
    pub datastream: DatastreamKey,
    pub time: Time,
    /// Set when the value is a total of `[since, time]`.
    pub since: Option<Time>,
    pub value: f64,
    pub quality: Quality,
    pub received: Time,
}

/// Bytes that could not become observations, kept with the reason.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarantineRow {
    pub source: SourceKey,
    /// `None` when the topic names no thing that is known.
    pub thing: Option<ThingId>,
    pub topic: Arc<str>,
    pub codec: Option<&'static str>,
    pub received: Time,
    /// A stable code from a small set, like `unknown_property`.
    pub reason: &'static str,
    /// What a person reads; device text in it is escaped and short.
    pub detail: String,
    pub payload: Arc<[u8]>,
    /// Readings lost with it; 1 for a payload that cannot be decoded.
    pub n_readings: u32,
}

/// A delivery that the protocol refused; its bytes are not kept.
#[derive(Debug, Clone, PartialEq)]
pub struct RefusalRow {
    pub source: SourceKey,
    pub peer: String,
    pub user: Option<ThingId>,
    pub topic: String,
    pub reason: &'static str,
    pub received: Time,
}

/// One batch. Each row counts in the ledger of its source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    pub observations: Vec<ObservationRow>,
    pub quarantined: Vec<QuarantineRow>,
    pub refused: Vec<RefusalRow>,
}

impl Rows {
    pub fn is_empty(&self) -> bool {
        self.observations.is_empty() && self.quarantined.is_empty() && self.refused.is_empty()
    }
}

/// What became of a batch: `observations` of it were stored, of which
/// `replaced` took the place of another value; the rest were duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    pub commit: u64,
    pub at: Time,
    pub n_stored: u64,
    pub n_duplicate: u64,
    pub n_replaced: u64,
    pub n_quarantined: u64,
    pub n_refused: u64,
}

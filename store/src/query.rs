//! What can be asked of the journal.

use std::time::Duration;

use model::{Quality, SourceName, ThingId, Time};

use crate::DatastreamKey;

/// Half-open: `start` belongs to it, `stop` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    pub start: Time,
    pub stop: Time,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredObservation {
    pub time: Time,
    pub since: Option<Time>,
    pub value: f64,
    pub quality: Quality,
    pub received: Time,
    pub commit: u64,
}

/// The observation of greatest event time of a datastream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatestRow {
    pub datastream: DatastreamKey,
    pub observation: StoredObservation,
    /// Since when the value has been the same: a dead sensor that keeps
    /// sending shows here.
    pub unchanged_since: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    Mean,
    Min,
    Max,
    Sum,
    Count,
    First,
    Last,
}

/// One window of an aggregated series; `start` is the window's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AggregateRow {
    pub start: Time,
    pub value: f64,
    pub n: u64,
}

/// How windows are cut: `every` from `origin` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub every: Duration,
    pub origin: Time,
}

/// Counts of one source in one hour of commit. Always
/// `received = stored + duplicate + quarantined + refused`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    pub source: SourceName,
    pub hour: Time,
    pub received: u64,
    pub stored: u64,
    pub duplicate: u64,
    pub quarantined: u64,
    pub refused: u64,
    /// Part of `stored`.
    pub replaced: u64,
    /// Acknowledged before a start at which the journal was found behind its
    /// side file: commits, not readings. Not part of the equation.
    pub lost_acknowledged: u64,
}

/// Connections and packets that died below the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    pub peer: String,
    pub reason: String,
    pub hour: Time,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuarantineFilter {
    pub source: Option<SourceName>,
    pub thing: Option<ThingId>,
    pub reason: Option<String>,
    /// `Some(false)`: only what was not re-driven yet.
    pub redriven: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Quarantined {
    pub id: u64,
    pub source: SourceName,
    pub thing: Option<ThingId>,
    pub topic: String,
    pub codec: Option<String>,
    pub received: Time,
    pub reason: String,
    pub detail: String,
    pub payload: Vec<u8>,
    pub n_readings: u32,
    pub commit: u64,
    /// When it was sent through the pipeline again, if it was.
    pub redriven: Option<Time>,
}

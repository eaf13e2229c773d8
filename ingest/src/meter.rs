//! Figures of the pipeline for `/metrics`, written once per batch.

use std::collections::HashMap;
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use model::{Flag, SourceName};
use store::{SourceKey, Store, StoreError};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Stored,
    /// Some readings were stored, some set aside.
    Partial,
    Quarantined,
    Refused,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Outcome::Stored => "stored",
            Outcome::Partial => "partial",
            Outcome::Quarantined => "quarantined",
            Outcome::Refused => "refused",
        }
    }
}

/// Counts of one batch.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    deliveries: HashMap<(SourceKey, Outcome), u64>,
    /// By flag: pass, not evaluated, suspect, fail.
    observations: [u64; 4],
    upstream_missing: u64,
}

impl Counts {
    pub(crate) fn delivery(&mut self, source: SourceKey, outcome: Outcome) {
        *self.deliveries.entry((source, outcome)).or_default() += 1;
    }

    pub(crate) fn observation(&mut self, flag: Flag) {
        let slot = match flag {
            Flag::Pass => 0,
            Flag::NotEvaluated | Flag::Missing => 1,
            Flag::Suspect => 2,
            Flag::Fail => 3,
        };
        self.observations[slot] += 1;
    }

    pub(crate) fn upstream_missing(&mut self, missing: u64) {
        self.upstream_missing += missing;
    }

    pub(crate) fn add(&mut self, other: Counts) {
        for (key, n) in other.deliveries {
            *self.deliveries.entry(key).or_default() += n;
        }
        for (sum, n) in self.observations.iter_mut().zip(other.observations) {
            *sum += n;
        }
        self.upstream_missing += other.upstream_missing;
    }

    /// Writes the counts of a durable batch.
    pub(crate) fn publish(&self, store: &Store) {
        for ((source, outcome), n) in &self.deliveries {
            let name = store.source_name(*source);
            let name = name.as_ref().map_or("unknown", SourceName::as_str).to_owned();
            counter!("ingest_deliveries_total", "source" => name, "outcome" => outcome.as_str())
                .increment(*n);
        }
        let flags = ["pass", "not_evaluated", "suspect", "fail"];
        for (quality, n) in flags.into_iter().zip(self.observations) {
            if n > 0 {
                counter!("ingest_observations_total", "quality" => quality).increment(n);
            }
        }
        if self.upstream_missing > 0 {
            counter!("ingest_upstream_missing_total").increment(self.upstream_missing);
        }
    }
}

pub(crate) fn record_commit(duration: Duration, lag: Duration, slots_used: usize) {
    histogram!("store_commit_seconds").record(duration.as_secs_f64());
    histogram!("ingest_lag_seconds").record(lag.as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "slots are far below 2^52")]
    gauge!("ingest_slots_used").set(slots_used as f64);
}

pub(crate) fn count_store_error(error: &StoreError) {
    let kind = match error {
        StoreError::Unavailable { .. } => "unavailable",
        StoreError::Full => "full",
        StoreError::Refused { .. } => "refused",
        StoreError::Corrupt { .. } => "corrupt",
        StoreError::Locked { .. } => "locked",
    };
    counter!("store_errors_total", "kind" => kind).increment(1);
}

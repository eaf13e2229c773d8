//! What the check stage hands to the writer: rows, and what is owed to the
//! deliveries they came from.

use std::sync::Arc;

use bytes::Bytes;
use model::{ThingId, Time};
use store::{QuarantineRow, Rows, SourceKey};

use crate::meter::Counts;
use crate::slots::Cost;
use crate::{Ack, Problem};

/// One delivery after its checks. What was refused is here too, so that
/// acknowledgements keep the order of arrival and the ledger adds up.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) ack: Ack,
    /// How many of the chunk's observations are this delivery's; they stand
    /// together, in the order of the entries.
    pub(crate) n_observations: usize,
    /// How many of them the store refused.
    pub(crate) n_store_refused: usize,
    pub(crate) problems: Vec<Problem>,
    pub(crate) origin: Origin,
}

/// Whence a payload came: kept until its rows are durable, for the case that
/// the store refuses one of them.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) source: SourceKey,
    pub(crate) topic: Arc<str>,
    pub(crate) thing: Option<ThingId>,
    pub(crate) codec: Option<&'static str>,
    pub(crate) received: Time,
    pub(crate) payload: Bytes,
}

impl Origin {
    pub(crate) fn quarantine(
        &self,
        reason: &'static str,
        detail: String,
        n_readings: u32,
    ) -> QuarantineRow {
        QuarantineRow {
            source: self.source,
            thing: self.thing.clone(),
            topic: Arc::clone(&self.topic),
            codec: self.codec,
            received: self.received,
            reason,
            detail,
            payload: Arc::from(self.payload.as_ref()),
            n_readings,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) rows: Rows,
    pub(crate) entries: Vec<Entry>,
    pub(crate) cost: Cost,
    pub(crate) counts: Counts,
}

impl Chunk {
    pub(crate) fn n_rows(&self) -> usize {
        self.rows.observations.len() + self.rows.quarantined.len() + self.rows.refused.len()
    }

    pub(crate) fn append(&mut self, mut other: Chunk) {
        self.rows.observations.append(&mut other.rows.observations);
        self.rows.quarantined.append(&mut other.rows.quarantined);
        self.rows.refused.append(&mut other.rows.refused);
        self.entries.append(&mut other.entries);
        self.cost.add(other.cost);
        self.counts.add(other.counts);
    }
}

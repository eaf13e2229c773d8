//! Parts of a batch, for the case that the store refuses one of its rows.
//!
//! Rows are numbered through: observations, then quarantine, then refusals.

use std::ops::Range;
use std::sync::Arc;

use store::{QuarantineRow, Rows};

use crate::chunk::Entry;

/// One row of a batch, by its place among its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Observation(usize),
    Quarantine(usize),
    Refusal(usize),
}

impl Part {
    pub(crate) fn len(rows: &Rows) -> usize {
        rows.observations.len() + rows.quarantined.len() + rows.refused.len()
    }

    pub(crate) fn at(rows: &Rows, index: usize) -> Part {
        let n_observations = rows.observations.len();
        let n_quarantined = rows.quarantined.len();
        if index < n_observations {
            Part::Observation(index)
        } else if index < n_observations + n_quarantined {
            Part::Quarantine(index - n_observations)
        } else {
            Part::Refusal(index - n_observations - n_quarantined)
        }
    }
}

/// The rows of a range.
pub(crate) fn pick(rows: &Rows, range: Range<usize>) -> Rows {
    let mut picked = Rows::default();
    for index in range {
        match Part::at(rows, index) {
            Part::Observation(place) => picked.observations.push(rows.observations[place]),
            Part::Quarantine(place) => picked.quarantined.push(rows.quarantined[place].clone()),
            Part::Refusal(place) => picked.refused.push(rows.refused[place].clone()),
        }
    }
    picked
}

/// The delivery that the observation at `place` came from.
pub(crate) fn find_entry(entries: &mut [Entry], place: usize) -> &mut Entry {
    let mut end = 0;
    let index = entries
        .iter()
        .position(|entry| {
            end += entry.n_observations;
            place < end
        })
        .expect("every observation of a batch belongs to one of its deliveries");
    &mut entries[index]
}

/// The same loss without the bytes and texts that the store stumbled over.
pub(crate) fn scrubbed(row: &QuarantineRow, detail: String) -> QuarantineRow {
    QuarantineRow {
        source: row.source,
        thing: None,
        topic: Arc::from(""),
        codec: row.codec,
        received: row.received,
        reason: crate::commit::STORE_REFUSED,
        detail: format!("{} ({detail})", row.reason),
        payload: Arc::from([].as_slice()),
        n_readings: row.n_readings,
    }
}

//! The digest of an hour's rows: the same in the journal, in a part of an hour
//! and in the file of a day, because rows come in order of datastream and time
//! in all of them.

use std::collections::BTreeMap;

use model::Time;
use sha2::{Digest, Sha256};

use super::{HourSum, Row};

#[derive(Debug, Clone, Default)]
pub(crate) struct HourDigest {
    sha256: Sha256,
    n_rows: u64,
}

impl HourDigest {
    /// Every field that a reader can see goes in.
    pub(crate) fn add(&mut self, row: &Row) {
        let observation = &row.observation;
        let since = observation.since.map_or(i64::MIN, Time::millis);
        let mut bytes = [0; 46];
        let (key, rest) = bytes.split_at_mut(4);
        key.copy_from_slice(&row.datastream.0.to_le_bytes());
        let (quality, numbers) = rest.split_at_mut(2);
        quality.copy_from_slice(&observation.quality.to_bits().to_le_bytes());
        let fields = [
            observation.time.millis().to_le_bytes(),
            since.to_le_bytes(),
            observation.value.to_bits().to_le_bytes(),
            observation.received.millis().to_le_bytes(),
            observation.commit.to_le_bytes(),
        ];
        for (place, field) in numbers.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field);
        }
        self.sha256.update(bytes);
        self.n_rows += 1;
    }

    pub(crate) fn finish(self) -> HourSum {
        HourSum { n_rows: self.n_rows, digest: self.sha256.finalize().into() }
    }
}

/// The digests of all hours among the rows of a file: at most 24.
#[derive(Debug, Default)]
pub(crate) struct Digests(BTreeMap<Time, HourDigest>);

impl Digests {
    pub(crate) fn add(&mut self, row: &Row) {
        self.0.entry(row.hour()).or_default().add(row);
    }

    pub(crate) fn finish(self) -> BTreeMap<Time, HourSum> {
        self.0.into_iter().map(|(hour, digest)| (hour, digest.finish())).collect()
    }
}

#[cfg(test)]
mod tests {
    use model::Quality;

    use super::*;
    use crate::{DatastreamKey, StoredObservation};

    fn row() -> Row {
        let observation = StoredObservation {
            time: Time::EPOCH,
            since: None,
            value: 1.0,
            quality: Quality::PASS,
            received: Time::EPOCH,
            commit: 1,
        };
        Row { datastream: DatastreamKey(1), observation }
    }

    fn digest(row: Row) -> [u8; 32] {
        let mut digest = HourDigest::default();
        digest.add(&row);
        digest.finish().digest
    }

    #[test]
    fn every_field_changes_the_digest() {
        let later = Time::from_millis(1).unwrap();
        let changes: [fn(&mut Row, Time); 7] = [
            |row, _| row.datastream = DatastreamKey(2),
            |row, later| row.observation.time = later,
            |row, later| row.observation.since = Some(later),
            |row, _| row.observation.value = 1.0 + f64::EPSILON,
            |row, _| row.observation.quality = Quality::NOT_EVALUATED,
            |row, later| row.observation.received = later,
            |row, _| row.observation.commit = 2,
        ];
        let mut found = vec![digest(row())];
        for change in changes {
            let mut changed = row();
            change(&mut changed, later);
            found.push(digest(changed));
        }
        let n = found.len();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), n);
    }
}

//! The latest observation of every datastream, kept in the writer's memory as
//! the table `latest` has it, so that a batch reads nothing.

use std::collections::HashMap;

use crate::{DatastreamKey, LatestRow, StoredObservation};

#[derive(Debug, Default)]
pub(super) struct LatestCache(HashMap<DatastreamKey, LatestRow>);

impl LatestCache {
    pub(super) fn new(rows: Vec<LatestRow>) -> LatestCache {
        LatestCache(rows.into_iter().map(|row| (row.datastream, row)).collect())
    }

    pub(super) fn apply(&mut self, changes: HashMap<DatastreamKey, LatestRow>) {
        self.0.extend(changes);
    }
}

/// What a transaction changes in the latest values; it counts only once the
/// transaction is durable.
#[derive(Debug)]
pub(super) struct LatestChanges<'a> {
    before: &'a LatestCache,
    changed: HashMap<DatastreamKey, LatestRow>,
}

impl<'a> LatestChanges<'a> {
    pub(super) fn new(before: &'a LatestCache) -> LatestChanges<'a> {
        LatestChanges { before, changed: HashMap::new() }
    }

    /// A value became visible, new or in the place of another one.
    pub(super) fn see(&mut self, datastream: DatastreamKey, observation: StoredObservation) {
        let known = self.changed.get(&datastream).or_else(|| self.before.0.get(&datastream));
        if let Some(next) = advance(known, datastream, observation) {
            self.changed.insert(datastream, next);
        }
    }

    pub(super) fn into_changed(self) -> HashMap<DatastreamKey, LatestRow> {
        self.changed
    }
}

/// The latest row after `seen`, or `None` where it stays.
///
/// `unchanged_since` is the earliest time since which only this value is known.
/// Another value inside that run cuts it down to the latest observation.
fn advance(
    known: Option<&LatestRow>,
    datastream: DatastreamKey,
    seen: StoredObservation,
) -> Option<LatestRow> {
    let since = |unchanged_since| LatestRow { datastream, observation: seen, unchanged_since };
    let Some(latest) = known else {
        return Some(since(seen.time));
    };
    let is_same = latest.observation.value.to_bits() == seen.value.to_bits();
    if latest.observation.time < seen.time {
        return Some(since(if is_same { latest.unchanged_since } else { seen.time }));
    }
    if latest.observation.time == seen.time {
        return Some(since(seen.time));
    }
    if !is_same && latest.unchanged_since <= seen.time {
        return Some(LatestRow { unchanged_since: latest.observation.time, ..*latest });
    }
    None
}

#[cfg(test)]
mod tests {
    use model::{Quality, Time};

    use super::*;

    fn observation(second: i64, value: f64) -> StoredObservation {
        StoredObservation {
            time: Time::from_millis(second * 1000).unwrap(),
            since: None,
            value,
            quality: Quality::PASS,
            received: Time::EPOCH,
            commit: 1,
        }
    }

    /// Shows `seen` in this order; expects the latest time, value and run.
    #[track_caller]
    fn check(seen: &[(i64, f64)], expected: (i64, f64, i64)) {
        let cache = LatestCache::default();
        let mut changes = LatestChanges::new(&cache);
        for (second, value) in seen {
            changes.see(DatastreamKey(1), observation(*second, *value));
        }
        let latest = changes.into_changed()[&DatastreamKey(1)];
        let seconds = |time: Time| time.millis() / 1000;
        let found = (
            seconds(latest.observation.time),
            latest.observation.value,
            seconds(latest.unchanged_since),
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn the_greatest_time_is_the_latest() {
        check(&[(20, 2.0), (10, 1.0)], (20, 2.0, 20));
        check(&[(10, 1.0), (20, 2.0)], (20, 2.0, 20));
    }

    #[test]
    fn the_same_value_keeps_its_run() {
        check(&[(10, 1.0), (20, 1.0), (30, 1.0)], (30, 1.0, 10));
        check(&[(10, 1.0), (20, 2.0), (30, 2.0)], (30, 2.0, 20));
    }

    #[test]
    fn another_value_at_the_latest_time_takes_its_place() {
        check(&[(10, 1.0), (20, 1.0), (20, 5.0)], (20, 5.0, 20));
    }

    #[test]
    fn a_late_value_inside_the_run_cuts_it() {
        check(&[(10, 1.0), (30, 1.0), (20, 7.0)], (30, 1.0, 30));
        check(&[(10, 1.0), (30, 1.0), (5, 7.0)], (30, 1.0, 10));
        check(&[(10, 1.0), (30, 1.0), (20, 1.0)], (30, 1.0, 10));
    }
}

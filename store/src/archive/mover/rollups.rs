//! Sums of an hour for windows that are longer than the hot time: of usable
//! values, in time order, so that they have the same bits every time.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use model::{PropertyId, Time};
use rusqlite::{Connection, params};

use crate::Directory;
use crate::archive::{Pages, PagesSender, Row};
use crate::rows::DatastreamKey;
use crate::sqlite::to_sql;

#[derive(Debug)]
pub(super) struct Rollups {
    wanted: HashSet<DatastreamKey>,
    hour: Time,
    sums: BTreeMap<DatastreamKey, Sums>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Sums {
    n: u64,
    sum: f64,
    min: f64,
    max: f64,
    last: f64,
}

/// The datastreams of these properties.
pub(super) fn wanted(
    directory: &Directory,
    properties: &BTreeSet<PropertyId>,
) -> HashSet<DatastreamKey> {
    let records = directory.datastreams.values();
    let of_property = records.filter(|record| properties.contains(&record.id.property));
    of_property.map(|record| record.key).collect()
}

impl Rollups {
    pub(super) fn new(wanted: HashSet<DatastreamKey>, hour: Time) -> Rollups {
        Rollups { wanted, hour, sums: BTreeMap::new() }
    }

    /// Hands pages on and adds up what passes.
    pub(super) async fn watch(&mut self, mut rows: Pages, into: PagesSender) {
        while let Some(page) = rows.recv().await {
            if let Ok(page) = &page {
                page.iter().for_each(|row| self.add(row));
            }
            if into.send(page).await.is_err() {
                return;
            }
        }
    }

    fn add(&mut self, row: &Row) {
        let value = row.observation.value;
        if !row.observation.quality.is_usable() || !self.wanted.contains(&row.datastream) {
            return;
        }
        let sums = Sums { n: 0, sum: 0.0, min: value, max: value, last: value };
        let sums = self.sums.entry(row.datastream).or_insert(sums);
        sums.n += 1;
        sums.sum += value;
        sums.min = sums.min.min(value);
        sums.max = sums.max.max(value);
        sums.last = value;
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut put = connection.prepare_cached(
            "INSERT OR REPLACE INTO hourly (datastream, hour, n, sum, min, max, last) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for (datastream, Sums { n, sum, min, max, last }) in &self.sums {
            let hour = self.hour.millis();
            put.execute(params![datastream.0, hour, to_sql(*n), sum, min, max, last])?;
        }
        Ok(())
    }
}

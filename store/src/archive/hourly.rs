//! Sums of hours, read back.

use model::Time;
use rusqlite::params;

use crate::queries::json_keys;
use crate::query::TimeRange;
use crate::rejected::HOUR;
use crate::rows::DatastreamKey;
use crate::sqlite::{to_sql, unsigned};
use crate::{Store, StoreError};

/// Usable values of one datastream in one hour that has closed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HourlyRow {
    pub datastream: DatastreamKey,
    pub hour: Time,
    pub n: u64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub last: f64,
}

impl Store {
    /// Hours that begin in the range, and the one it begins in, of datastreams
    /// whose property has such sums; by datastream and hour, at most `limit`.
    pub async fn hourly(
        &self,
        datastreams: &[DatastreamKey],
        range: TimeRange,
        limit: usize,
    ) -> Result<Vec<HourlyRow>, StoreError> {
        let keys = json_keys(datastreams);
        let query = move |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT h.datastream, h.hour, h.n, h.sum, h.min, h.max, h.last \
                 FROM json_each(?1) AS w CROSS JOIN hourly AS h \
                 WHERE h.datastream = w.value AND h.hour >= ?2 AND h.hour < ?3 \
                 ORDER BY h.datastream, h.hour LIMIT ?4",
            )?;
            let first = range.start.floor_to(HOUR).millis();
            let values = params![keys, first, range.stop.millis(), to_sql(limit as u64)];
            let rows = statement.query_map(values, |row| {
                Ok(HourlyRow {
                    datastream: DatastreamKey(row.get(0)?),
                    hour: Time::from_millis_clamped(row.get(1)?),
                    n: unsigned(row, 2)?,
                    sum: row.get(3)?,
                    min: row.get(4)?,
                    max: row.get(5)?,
                    last: row.get(6)?,
                })
            })?;
            rows.collect()
        };
        self.readers().read(query).await
    }
}

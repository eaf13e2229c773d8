//! The journal as a reader of an earlier commit saw it.

use model::{Thing, Time};
use rusqlite::{Connection, params};

use super::{BUCKET, buckets, json_keys, observation};
use crate::query::{StoredObservation, TimeRange};
use crate::rows::DatastreamKey;
use crate::sqlite::{from_json, to_sql};

/// Rows of later commits are left out; where they took the place of a value,
/// that value is there again. `limit` cuts off the end of the range.
pub(crate) fn slices(
    connection: &Connection,
    datastreams: &[DatastreamKey],
    range: TimeRange,
    as_of: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Vec<StoredObservation>>> {
    let wanted = json_keys(datastreams);
    let mut slices = vec![Vec::new(); datastreams.len()];
    let mut n_left = limit;
    let mut cut = range.stop;
    let mut statement = connection.prepare_cached(
        "SELECT w.key, o.time, o.since, o.value, o.quality, o.received, o.\"commit\" \
         FROM json_each(?1) AS w CROSS JOIN observations AS o \
         WHERE o.bucket = ?2 AND o.datastream = w.value AND o.time >= ?3 AND o.time < ?4 \
         AND o.\"commit\" <= ?5",
    )?;
    let (start, stop, as_of) = (range.start.millis(), range.stop.millis(), to_sql(as_of));
    'buckets: for bucket in buckets(connection, range)? {
        let mut rows = statement.query(params![wanted, bucket, start, stop, as_of])?;
        while let Some(row) = rows.next()? {
            if n_left == 0 {
                cut = Time::from_millis_clamped(bucket * BUCKET.as_millis() as i64) + BUCKET;
                break 'buckets;
            }
            n_left -= 1;
            let place: u32 = row.get(0)?;
            slices[place as usize].push(observation(row, 1)?);
        }
    }
    add_replaced(connection, &wanted, TimeRange { stop: cut.min(range.stop), ..range }, as_of, {
        |place, row| {
            if 0 < n_left {
                n_left -= 1;
                slices[place].push(row);
            }
        }
    })?;
    for slice in slices.iter_mut().filter(|slice| !slice.is_sorted_by_key(|row| row.time)) {
        slice.sort_by_key(|row| row.time);
    }
    Ok(slices)
}

/// Hands on what stood at `as_of` where something else stands now, oldest time
/// first.
fn add_replaced(
    connection: &Connection,
    wanted: &str,
    range: TimeRange,
    as_of: i64,
    mut each: impl FnMut(usize, StoredObservation),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT w.key, r.time, r.since, r.value, r.quality, r.received, r.\"commit\" \
         FROM json_each(?1) AS w CROSS JOIN replaced AS r \
         WHERE r.datastream = w.value AND r.time >= ?2 AND r.time < ?3 \
         AND r.\"commit\" <= ?4 AND r.replaced_by > ?4 ORDER BY r.time",
    )?;
    let (start, stop) = (range.start.millis(), range.stop.millis());
    let mut rows = statement.query(params![wanted, start, stop, as_of])?;
    while let Some(row) = rows.next()? {
        let place: u32 = row.get(0)?;
        each(place as usize, observation(row, 1)?);
    }
    Ok(())
}

/// In order of their ids.
pub(crate) fn things(connection: &Connection, as_of: u64) -> rusqlite::Result<Vec<Thing>> {
    let mut statement = connection.prepare_cached(
        "SELECT v.body FROM thing_versions AS v WHERE v.\"commit\" <= ?1 AND v.revision = ( \
             SELECT max(n.revision) FROM thing_versions AS n \
             WHERE n.thing = v.thing AND n.\"commit\" <= ?1) \
         ORDER BY v.thing",
    )?;
    statement.query_map([to_sql(as_of)], |row| from_json(row, 0))?.collect()
}

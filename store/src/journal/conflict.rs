//! Rows whose key somebody has already: in the journal, or maybe in the archive.

use model::Time;
use rusqlite::{CachedStatement, Connection, params};

use crate::StoredObservation;
use crate::queries::bucket;
use crate::rejected::HOUR;
use crate::rows::{DatastreamKey, ObservationRow};
use crate::sqlite::to_sql;

/// A new row of a released hour: the archive may have its key, which nobody
/// looks up while a sender waits.
pub(super) struct Late<'c>(CachedStatement<'c>);

impl<'c> Late<'c> {
    pub(super) fn prepare(transaction: &'c Connection) -> rusqlite::Result<Late<'c>> {
        let note = transaction.prepare_cached(
            "INSERT INTO late (hour, datastream, time, value, source, arrived, \"commit\") \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        Ok(Late(note))
    }

    pub(super) fn note(
        &mut self,
        row: &ObservationRow,
        observation: &StoredObservation,
        at: Time,
    ) -> rusqlite::Result<()> {
        self.0.execute(params![
            observation.time.floor_to(HOUR).millis(),
            row.datastream.0,
            observation.time.millis(),
            observation.value,
            row.source.0,
            at.floor_to(HOUR).millis(),
            to_sql(observation.commit),
        ])?;
        Ok(())
    }
}

/// The rare way: the key is taken.
pub(super) struct Conflict<'c> {
    value: CachedStatement<'c>,
    keep_old: CachedStatement<'c>,
    update: CachedStatement<'c>,
}

impl<'c> Conflict<'c> {
    pub(super) fn prepare(transaction: &'c Connection) -> rusqlite::Result<Conflict<'c>> {
        Ok(Conflict {
            value: transaction.prepare_cached(
                "SELECT value FROM observations \
                 WHERE bucket = ?1 AND datastream = ?2 AND time = ?3",
            )?,
            keep_old: transaction.prepare_cached(
                "INSERT INTO replaced \
                 (datastream, time, since, value, quality, received, \"commit\", replaced_by) \
                 SELECT datastream, time, since, value, quality, received, \"commit\", ?4 \
                 FROM observations WHERE bucket = ?1 AND datastream = ?2 AND time = ?3",
            )?,
            update: transaction.prepare_cached(
                "UPDATE observations \
                 SET since = ?4, value = ?5, quality = ?6, received = ?7, \"commit\" = ?8 \
                 WHERE bucket = ?1 AND datastream = ?2 AND time = ?3",
            )?,
        })
    }

    pub(super) fn is_duplicate(
        &mut self,
        datastream: DatastreamKey,
        observation: &StoredObservation,
    ) -> rusqlite::Result<bool> {
        let key = params![bucket(observation.time), datastream.0, observation.time.millis()];
        let found: f64 = self.value.query_row(key, |row| row.get(0))?;
        Ok(found.to_bits() == observation.value.to_bits())
    }

    pub(super) fn replace(
        &mut self,
        datastream: DatastreamKey,
        observation: &StoredObservation,
    ) -> rusqlite::Result<()> {
        let (bucket, time) = (bucket(observation.time), observation.time.millis());
        let commit = to_sql(observation.commit);
        self.keep_old.execute(params![bucket, datastream.0, time, commit])?;
        self.update.execute(params![
            bucket,
            datastream.0,
            time,
            observation.since.map(Time::millis),
            observation.value,
            observation.quality.to_bits(),
            observation.received.millis(),
            commit,
        ])?;
        Ok(())
    }
}

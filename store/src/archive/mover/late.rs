//! Settling rows that came into released hours: was the key new?

use std::collections::HashMap;

use model::Time;
use rusqlite::{Connection, params};

use super::{Mover, range_of};
use crate::archive::Slice;
use crate::archive::tables::{self, Hour, HourState};
use crate::queries::{bucket, json_keys};
use crate::rows::DatastreamKey;
use crate::sqlite::{to_sql, unsigned};
use crate::{StoreError, StoredObservation};

/// Notes settled in one piece.
const NOTES: usize = 1_000;

type Key = (DatastreamKey, Time);

#[derive(Debug, Clone, Copy)]
struct Note {
    key: Key,
    value: f64,
    source: u16,
    arrived: i64,
    commit: u64,
}

impl Mover {
    pub(super) async fn settle_late(&self, hour: &Hour, up_to: u64) -> Result<(), StoreError> {
        if hour.state != HourState::Released {
            return Ok(());
        }
        let of_hour = hour.hour;
        loop {
            let notes = self.store.readers().read(move |c| notes(c, of_hour, up_to)).await?;
            if notes.is_empty() {
                return Ok(());
            }
            let archived = self.archived(hour, &notes).await?;
            let settle = move |c: &Connection| settle(c, of_hour, &notes, &archived);
            self.store.writer().piece(settle).await?;
        }
    }

    /// What the generation that counts has of these keys.
    async fn archived(
        &self,
        hour: &Hour,
        notes: &[Note],
    ) -> Result<HashMap<Key, StoredObservation>, StoreError> {
        let mut archived: HashMap<Key, StoredObservation> = HashMap::new();
        let Some(file) = hour.file.clone() else {
            return Ok(archived);
        };
        let mut keys: Vec<DatastreamKey> = notes.iter().map(|note| note.key.0).collect();
        keys.dedup();
        let (id, range) = (file.id, range_of(hour.hour));
        let spans = move |c: &_| tables::spans(c, id, &json_keys(&keys), range);
        let spans = self.store.readers().read(spans).await?;
        if spans.is_empty() {
            return Ok(archived);
        }
        let wanted: HashMap<Key, ()> = notes.iter().map(|note| (note.key, ())).collect();
        let slices = spans
            .iter()
            .map(|span| Slice { row_first: span.row_first, n_rows: span.n_rows })
            .collect();
        let mut pages = self.archive().read(&file, slices).await?;
        while let Some(page) = pages.recv().await {
            let of_notes = page?.into_iter().filter(|row| wanted.contains_key(&row.key()));
            archived.extend(of_notes.map(|row| (row.key(), row.observation)));
        }
        Ok(archived)
    }
}

fn notes(connection: &Connection, hour: Time, up_to: u64) -> rusqlite::Result<Vec<Note>> {
    let mut statement = connection.prepare_cached(
        "SELECT datastream, time, value, source, arrived, \"commit\" FROM late \
         WHERE hour = ?1 AND \"commit\" <= ?2 ORDER BY datastream, time LIMIT ?3",
    )?;
    let values = params![hour.millis(), to_sql(up_to), to_sql(NOTES as u64)];
    let rows = statement.query_map(values, |row| {
        Ok(Note {
            key: (DatastreamKey(row.get(0)?), Time::from_millis_clamped(row.get(1)?)),
            value: row.get(2)?,
            source: row.get(3)?,
            arrived: row.get(4)?,
            commit: unsigned(row, 5)?,
        })
    })?;
    rows.collect()
}

fn settle(
    connection: &Connection,
    hour: Time,
    notes: &[Note],
    archived: &HashMap<Key, StoredObservation>,
) -> rusqlite::Result<u64> {
    let mut n_left = 0;
    for note in notes {
        match archived.get(&note.key) {
            None => (),
            Some(old) if old.value.to_bits() == note.value.to_bits() => {
                n_left += settle_duplicate(connection, note, old)?;
            }
            Some(old) => settle_replacing(connection, note, old)?,
        }
        connection
            .prepare_cached("DELETE FROM late WHERE hour = ?1 AND datastream = ?2 AND time = ?3")?
            .execute(params![hour.millis(), note.key.0.0, note.key.1.millis()])?;
    }
    connection
        .prepare_cached("UPDATE hours SET rows = rows - ?2 WHERE hour = ?1")?
        .execute(params![hour.millis(), to_sql(n_left)])?;
    Ok(notes.len() as u64)
}

/// It was stored and is a duplicate: the archive's row stands. Says how many
/// rows left the journal.
fn settle_duplicate(
    connection: &Connection,
    note: &Note,
    old: &StoredObservation,
) -> rusqlite::Result<u64> {
    let (datastream, time) = (note.key.0.0, note.key.1);
    let commit = to_sql(note.commit);
    // Where another value took its place meanwhile, that of the old row was
    // taken. One commit may bring several values of a key; this is its first.
    let n_moved = connection
        .prepare_cached(
            "UPDATE replaced SET since = ?4, value = ?5, quality = ?6, received = ?7, \
             \"commit\" = ?8 WHERE id = (SELECT min(id) FROM replaced \
             WHERE datastream = ?1 AND time = ?2 AND \"commit\" = ?3)",
        )?
        .execute(params![
            datastream,
            time.millis(),
            commit,
            old.since.map(Time::millis),
            old.value,
            old.quality.to_bits(),
            old.received.millis(),
            to_sql(old.commit),
        ])?;
    let mut n_left = 0;
    if n_moved == 0 {
        n_left = connection
            .prepare_cached(
                "DELETE FROM observations \
                 WHERE bucket = ?1 AND datastream = ?2 AND time = ?3 AND \"commit\" = ?4",
            )?
            .execute(params![bucket(time), datastream, time.millis(), commit])?;
    }
    correct(connection, note, "stored = stored - 1, duplicate = duplicate + 1")?;
    Ok(n_left as u64)
}

/// It took the place of the archive's row.
fn settle_replacing(
    connection: &Connection,
    note: &Note,
    old: &StoredObservation,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO replaced \
             (datastream, time, since, value, quality, received, \"commit\", replaced_by) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            note.key.0.0,
            old.time.millis(),
            old.since.map(Time::millis),
            old.value,
            old.quality.to_bits(),
            old.received.millis(),
            to_sql(old.commit),
            to_sql(note.commit),
        ])?;
    correct(connection, note, "replaced = replaced + 1")
}

/// In the hour of arrival; the sum of the outcomes stays what was received.
fn correct(connection: &Connection, note: &Note, change: &str) -> rusqlite::Result<()> {
    let sql = format!("UPDATE ledger SET {change} WHERE hour = ?1 AND source = ?2");
    connection.prepare_cached(&sql)?.execute(params![note.arrived, note.source])?;
    Ok(())
}

//! What a numbered transaction notes of itself, and what followers get of it
//! at once. Notes of more than three days ago are forgotten, oldest first.

use std::sync::Arc;
use std::time::Duration;

use model::Time;
use rusqlite::{Connection, params};
use tracing::warn;

use super::transactions::{Failure, Stamp, Transactions};
use crate::buckets::BucketSet;
use crate::follower::{Content, LiveContent};
use crate::queries::commits::Kind;
use crate::rows::ObservationRow;
use crate::sqlite::{to_sql, unsigned};

/// How long commits can be followed, in scene time.
const KEPT: Duration = Duration::from_secs(3 * 86_400);

/// Notes forgotten in one transaction.
const FORGOTTEN_MAX: usize = 5_000;

/// The result of a numbered transaction, and what it did.
#[derive(Debug)]
pub(super) struct Done<T> {
    pub(super) value: T,
    pub(super) note: Note,
}

#[derive(Debug)]
pub(super) struct Note {
    kind: Kind,
    n_rows: u64,
    buckets: Vec<i64>,
    pub(super) content: LiveContent,
}

impl Note {
    pub(super) fn of(content: Content) -> Note {
        let kind = match content {
            Content::Observations(_) => Kind::Observations,
            Content::Documents(_) => Kind::Documents,
            Content::Things => Kind::Things,
            Content::Tick => Kind::Tick,
            Content::Other => Kind::Other,
        };
        Note { kind, n_rows: 0, buckets: Vec::new(), content: LiveContent::Ready(content) }
    }

    /// Of a batch that stored `n_rows` in these buckets, `rows` where somebody
    /// wants them.
    pub(super) fn of_rows(
        n_rows: u64,
        buckets: Vec<i64>,
        rows: Option<Vec<ObservationRow>>,
    ) -> Note {
        if n_rows == 0 {
            return Note::of(Content::Other);
        }
        let content = rows.map_or(LiveContent::InJournal, |rows| LiveContent::Rows(Arc::new(rows)));
        Note { kind: Kind::Observations, n_rows, buckets, content }
    }

    /// Of a tick that stored `n_rows` in these buckets.
    pub(super) fn of_tick(n_rows: u64, buckets: Vec<i64>) -> Note {
        Note { n_rows, buckets, ..Note::of(Content::Tick) }
    }

    pub(super) fn done<T>(self, value: T) -> Done<T> {
        Done { value, note: self }
    }

    pub(super) fn write(&self, transaction: &Connection, stamp: Stamp) -> rusqlite::Result<()> {
        let buckets = BucketSet::of(self.buckets.clone());
        transaction
            .prepare_cached(
                "INSERT INTO commits (number, at, kind, rows, bucket_first, bucket_last, buckets) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                to_sql(stamp.number),
                stamp.at.millis(),
                self.kind.number(),
                to_sql(self.n_rows),
                buckets.as_ref().map(|set| set.first),
                buckets.as_ref().map(|set| set.last),
                buckets.as_ref().and_then(BucketSet::to_blob),
            ])?;
        Ok(())
    }
}

impl Transactions {
    /// Waits for room on a full disk.
    pub(super) fn forget_commits(&mut self) {
        if self.shared.space.is_full() {
            return;
        }
        let at = self.shared.clock.scene();
        let forgotten = match self.read(|connection| has_old(connection, at)) {
            Ok(false) => return,
            Ok(true) => self.write(None, &|transaction| forget(transaction, at)),
            Err(error) => Err(error),
        };
        if let Err(error) = forgotten {
            warn!(%error, "old commits not forgotten, will try again");
        }
    }
}

/// Is there a note to forget?
fn has_old(connection: &Connection, at: Time) -> rusqlite::Result<bool> {
    let mut oldest = connection.prepare_cached("SELECT at FROM commits ORDER BY number LIMIT 1")?;
    let mut rows = oldest.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(false);
    };
    Ok(row.get::<_, i64>(0)? < (at - KEPT).millis())
}

/// Forgets the oldest notes, up to the first one that is young enough.
fn forget(transaction: &Connection, at: Time) -> Result<(), Failure> {
    let mut oldest =
        transaction.prepare_cached("SELECT number, at FROM commits ORDER BY number LIMIT ?1")?;
    let mut rows = oldest.query([to_sql(FORGOTTEN_MAX as u64)])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        if (at - KEPT).millis() <= row.get(1)? {
            break;
        }
        last = Some(to_sql(unsigned(row, 0)?));
    }
    if let Some(last) = last {
        transaction.prepare_cached("DELETE FROM commits WHERE number <= ?1")?.execute([last])?;
        transaction
            .prepare_cached("UPDATE commits_forgotten SET number = ?1 WHERE id = 1")?
            .execute([last])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queries::commits::chunk;

    /// A journal in memory with a commit a day, from day 1 on.
    fn journal(n_days: u64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("migrations/0001.sql")).unwrap();
        connection.execute_batch(include_str!("migrations/0002.sql")).unwrap();
        for number in 1..=n_days {
            let stamp = Stamp { number, at: day(number), has_followers: false };
            Note::of(Content::Other).write(&connection, stamp).unwrap();
        }
        connection
    }

    fn day(n: u64) -> Time {
        Time::EPOCH + Duration::from_secs(86_400 * n)
    }

    #[test]
    fn three_days_of_commits_can_be_followed() {
        let connection = journal(9);
        assert!(has_old(&connection, day(9)).unwrap());
        forget(&connection, day(9)).unwrap();
        assert!(!has_old(&connection, day(9)).unwrap());

        assert_eq!(chunk(&connection, 4).unwrap().unwrap_err(), 5);
        assert_eq!(chunk(&connection, 5).unwrap().unwrap().last(), Some(9));
        forget(&connection, day(9)).unwrap();
        assert_eq!(chunk(&connection, 9).unwrap().unwrap().last(), None);

        forget(&connection, day(99)).unwrap();
        assert_eq!(chunk(&connection, 8).unwrap().unwrap_err(), 9);
        assert!(!has_old(&connection, day(99)).unwrap());
    }

    #[test]
    fn a_step_back_of_the_clock_leaves_no_hole() {
        let connection = journal(3);
        let stamp = Stamp { number: 4, at: day(0), has_followers: false };
        Note::of(Content::Other).write(&connection, stamp).unwrap();
        forget(&connection, day(5)).unwrap();
        let found = chunk(&connection, 1).unwrap().unwrap();
        assert_eq!(found.last(), Some(4), "only what lies before the first young one is forgotten");
    }
}

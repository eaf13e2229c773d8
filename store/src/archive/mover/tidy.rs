//! Getting rid of what is no longer read: rows that the archive has, old
//! generations, and what a kill left half written.

use model::Time;
use rusqlite::{Connection, params};

use super::{Mover, PIECE_ROWS, SUPERSEDED_KEPT, Step, millis_before};
use crate::StoreError;
use crate::archive::File;
use crate::archive::tables::{self, Which};
use crate::queries::bucket;
use crate::sqlite::{to_sql, unsigned};

/// Spans forgotten in one piece.
const SPANS: usize = 5_000;

impl Mover {
    /// One piece of rows, of the first hour that has any.
    pub(super) async fn delete_some(&mut self) -> Result<Option<Step>, StoreError> {
        while let Some(hour) = self.to_delete.front().copied() {
            let n_deleted = self.store.writer().piece(move |c| delete_piece(c, hour)).await?;
            if n_deleted < PIECE_ROWS as u64 {
                self.to_delete.pop_front();
            }
            if 0 < n_deleted {
                return Ok(Some(Step::Deleted(n_deleted)));
            }
        }
        Ok(None)
    }

    /// What nobody has read for ten minutes.
    pub(super) async fn remove_superseded(&mut self) -> Result<bool, StoreError> {
        let before = Time::from_millis_clamped(millis_before(self.real(), SUPERSEDED_KEPT));
        let list = move |c: &_| tables::superseded(c, before, 1);
        let Some(file) = self.store.readers().read(list).await?.into_iter().next() else {
            return Ok(false);
        };
        self.forget(&file).await?;
        Ok(true)
    }

    /// After a start: files that were under way are not named by anything.
    pub(super) async fn clean(&mut self) -> Result<(), StoreError> {
        for file in self.store.readers().read(tables::unfinished).await? {
            self.forget(&file).await?;
        }
        let list = |c: &_| tables::hours(c, Which::Leftover, Time::MAX, super::ROUND_MAX);
        let left = self.store.readers().read(list).await?;
        self.to_delete = left.iter().map(|hour| hour.hour).collect();
        Ok(())
    }

    async fn forget(&self, file: &File) -> Result<(), StoreError> {
        // In this order: a file that is gone is no error the next time.
        self.archive().remove(&file.name).await?;
        let id = file.id;
        loop {
            let forget = move |c: &Connection| tables::forget_file(c, id, SPANS);
            if self.store.writer().piece(forget).await? < SPANS as u64 {
                return Ok(());
            }
        }
    }

    /// Names of new datastreams go beside the rows.
    pub(super) async fn describe(&mut self) -> Result<(), StoreError> {
        let directory = self.store.directory();
        if self.described == Some(directory.commit) {
            return Ok(());
        }
        let commit = directory.commit;
        self.archive().describe(directory).await?;
        self.described = Some(commit);
        Ok(())
    }
}

/// Rows that the generation has and every follower too.
fn delete_piece(connection: &Connection, hour: Time) -> rusqlite::Result<u64> {
    let mut archived = connection.prepare_cached(
        "SELECT archived_commit FROM hours WHERE hour = ?1 AND state = 'released'",
    )?;
    let mut found = archived.query([hour.millis()])?;
    let Some(row) = found.next()? else {
        return Ok(0);
    };
    let up_to = to_sql(unsigned(row, 0)?.min(tables::followed(connection)?));
    let mut n_deleted = 0;
    for slot in 0..6 {
        n_deleted += delete_of_bucket(connection, bucket(hour) + slot, up_to, n_deleted)?;
    }
    connection
        .prepare_cached("UPDATE hours SET rows = rows - ?2 WHERE hour = ?1")?
        .execute(params![hour.millis(), to_sql(n_deleted as u64)])?;
    Ok(n_deleted as u64)
}

fn delete_of_bucket(
    connection: &Connection,
    bucket: i64,
    up_to: i64,
    n_before: usize,
) -> rusqlite::Result<usize> {
    let n_left = PIECE_ROWS - n_before;
    if n_left == 0 {
        return Ok(0);
    }
    connection
        .prepare_cached(
            "DELETE FROM observations WHERE bucket = ?1 AND (datastream, time) IN ( \
                 SELECT datastream, time FROM observations \
                 WHERE bucket = ?1 AND \"commit\" <= ?2 LIMIT ?3)",
        )?
        .execute(params![bucket, up_to, to_sql(n_left as u64)])
}

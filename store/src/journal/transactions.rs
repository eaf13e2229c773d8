//! Transactions of the journal, and what follows when one fails.
//!
//! * Any error rolls the transaction back; nothing of it is kept.
//! * A full disk: the reserve is given back to the file system and only urgent
//!   work passes until there is room to make it again.
//! * An I/O error: nothing is known about what the file system still holds, so
//!   all connections are closed, the log is recovered and copied into the main
//!   file, the commit number is compared, and the work is run again. The third
//!   such error in ten minutes ends the process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use model::Time;
use rusqlite::{Connection, ErrorCode};
use tokio::runtime::Runtime;
use tokio::sync::broadcast;
use tracing::{error, info, warn};

use super::Shared;
use super::checkpoint::{self, Checkpointer};
use super::commits::Done;
use crate::follower::Live;
use crate::sqlite::{Purpose, connect, to_sql};
use crate::{StoreError, queries};

/// Why a transaction did not happen.
#[derive(Debug)]
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Refused(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Sqlite(error)
    }
}

impl Failure {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Failure::Sqlite(error) => error.sqlite_error_code(),
            Failure::Refused(_) => None,
        }
    }

    fn into_error(self) -> StoreError {
        match self {
            Failure::Sqlite(error) => StoreError::from_sqlite("write", error),
            Failure::Refused(detail) => StoreError::Refused { detail },
        }
    }
}

struct Connections {
    writer: Connection,
    checkpointer: Checkpointer,
}

/// What became of one run of a transaction.
enum Outcome<T> {
    Done(T),
    /// `applied` is there when only `COMMIT` itself failed.
    Failed {
        failure: Failure,
        applied: Option<T>,
    },
}

/// Number and scene time of a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) number: u64,
    pub(super) at: Time,
    /// Does anybody want what it writes?
    pub(super) has_followers: bool,
}

pub(super) struct Transactions {
    pub(super) shared: Arc<Shared>,
    /// Ends with the writer, and with it every follower.
    commits: broadcast::Sender<Live>,
    /// Of the writer's thread alone.
    pub(super) runtime: Runtime,
    /// `None` after an I/O error from which we could not reopen.
    connections: Option<Connections>,
    failures: Failures,
}

impl Transactions {
    pub(super) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        commits: broadcast::Sender<Live>,
    ) -> Result<Transactions, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| StoreError::from_io("start the writer", &error))?;
        let checkpointer = Checkpointer::start(&shared)?;
        let connections = Some(Connections { writer: connection, checkpointer });
        Ok(Transactions { shared, commits, runtime, connections, failures: Failures::default() })
    }

    /// One transaction with the next commit number, which then goes to the
    /// followers. `work` may run again.
    pub(super) fn write_numbered<T>(
        &mut self,
        work: impl Fn(&Connection, Stamp) -> Result<Done<T>, Failure>,
    ) -> Result<T, StoreError> {
        let stamp = Stamp {
            number: self.shared.last_commit() + 1,
            at: self.shared.clock.scene(),
            has_followers: 0 < self.commits.receiver_count(),
        };
        let number = stamp.number;
        let Done { value, note } = self.write(Some(number), &|transaction| {
            let done = work(transaction, stamp)?;
            done.note.write(transaction, stamp)?;
            transaction
                .prepare_cached("UPDATE last_commit SET number = ?1 WHERE id = 1")?
                .execute([to_sql(number)])?;
            Ok(done)
        })?;
        if let Err(error) = self.shared.side.write(number) {
            warn!(%error, "commit number not written beside the journal");
        }
        // A follower that begins now sees the number, or gets the commit.
        self.shared.last_commit.store(number, Ordering::Release);
        // An error only says that nobody follows.
        let _ = self.commits.send(Live { number, at: stamp.at, content: note.content });
        Ok(value)
    }

    /// As [`write_numbered`](Self::write_numbered), for work that a full disk
    /// must not stop: it may use the reserve.
    pub(super) fn write_urgent<T>(
        &mut self,
        work: impl Fn(&Connection, Stamp) -> Result<Done<T>, Failure>,
    ) -> Result<T, StoreError> {
        match self.write_numbered(&work) {
            Err(StoreError::Full) => self.write_numbered(&work),
            other => other,
        }
    }

    /// What the last commit left, by the writer's own connection.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        query(&self.connections()?.writer).map_err(|error| StoreError::from_sqlite("read", error))
    }

    fn connections(&self) -> Result<&Connections, StoreError> {
        self.connections.as_ref().ok_or_else(|| StoreError::Unavailable {
            detail: "it could not be opened again after an I/O error".to_owned(),
            source: None,
        })
    }

    pub(super) fn write<T>(
        &mut self,
        number: Option<u64>,
        work: &dyn Fn(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        loop {
            let (failure, applied) = match self.attempt(work)? {
                Outcome::Done(value) => return Ok(value),
                Outcome::Failed { failure, applied } => (failure, applied),
            };
            match failure.code() {
                Some(ErrorCode::DiskFull) => {
                    self.shared.space.become_full();
                    return Err(StoreError::Full);
                }
                Some(ErrorCode::SystemIoFailure) => (),
                _ => return Err(failure.into_error()),
            }
            let is_full = self.shared.space.is_used_up();
            error!(error = ?failure, is_full, "journal failed to write, opening it again");
            if is_full {
                self.shared.space.become_full();
            } else if self.failures.count(Instant::now()) {
                return Err(self.give_up("it failed three times in ten minutes"));
            }
            let found = self.reopen(number)?;
            // The log held the whole transaction after all, and now the main
            // file has it too.
            if Some(found) == number
                && let Some(value) = applied
            {
                return Ok(value);
            }
            if is_full {
                return Err(StoreError::Full);
            }
        }
    }

    /// Runs `work` once. On a failure the transaction is rolled back.
    fn attempt<T>(
        &mut self,
        work: &dyn Fn(&Connection) -> Result<T, Failure>,
    ) -> Result<Outcome<T>, StoreError> {
        let connections = self.connections()?;
        let connection = &connections.writer;
        let run = || -> Result<T, Failure> {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            work(connection)
        };
        let outcome = match run() {
            Ok(value) => match connection.execute_batch("COMMIT") {
                Ok(()) => {
                    connections.checkpointer.wake();
                    return Ok(Outcome::Done(value));
                }
                Err(error) => {
                    Outcome::Failed { failure: Failure::Sqlite(error), applied: Some(value) }
                }
            },
            Err(failure) => Outcome::Failed { failure, applied: None },
        };
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            warn!(%error, "roll back failed");
        }
        Ok(outcome)
    }

    /// Closes every connection, so that SQLite forgets what it believed about
    /// the files, and opens them again. Gives the commit number found.
    ///
    /// The log is copied into the main file and synced there: after a failed
    /// sync its pages may be in memory only, and marked clean.
    fn reopen(&mut self, number: Option<u64>) -> Result<u64, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.connections = None;
        let readers = self.runtime.block_on(shared.readers.shut());
        if readers.is_none() {
            return Err(self.give_up("a reader did not end"));
        }
        let open = || -> rusqlite::Result<(Connection, u64)> {
            let connection = connect(&shared.path, Purpose::Write)?;
            checkpoint::into_main_file(&connection)?;
            let found = queries::last_commit(&connection)?;
            Ok((connection, found))
        };
        let (connection, found) = match open() {
            Ok(opened) => opened,
            Err(error) => return Err(self.give_up(&format!("it cannot be opened again: {error}"))),
        };
        let acknowledged = shared.last_commit();
        if found != acknowledged && Some(found) != number {
            return Err(self
                .give_up(&format!("it is at commit {found} and {acknowledged} was acknowledged")));
        }
        let checkpointer = Checkpointer::start(&shared)?;
        self.connections = Some(Connections { writer: connection, checkpointer });
        info!(commit = found, "journal opened again");
        Ok(found)
    }

    /// The process must end; a supervisor starts it again.
    fn give_up(&mut self, why: &str) -> StoreError {
        error!(why, "journal is given up, the process must end");
        self.connections = None;
        self.shared.fatal.send_replace(true);
        StoreError::Unavailable { detail: why.to_owned(), source: None }
    }

    pub(super) fn close(&mut self) {
        if let Some(Connections { writer, checkpointer }) = self.connections.take() {
            drop(checkpointer);
            // What stays in the log is recovered at the next start.
            if let Err(error) = checkpoint::into_main_file(&writer) {
                warn!(%error, "last checkpoint failed");
            }
        }
    }
}

/// I/O errors of the last ten minutes.
#[derive(Debug, Default)]
struct Failures(VecDeque<Instant>);

impl Failures {
    const WINDOW: Duration = Duration::from_secs(600);
    const MAX: usize = 3;

    /// Counts one more; says whether there were too many.
    fn count(&mut self, at: Instant) -> bool {
        self.0.push_back(at);
        self.0.retain(|before| at.duration_since(*before) < Failures::WINDOW);
        self.0.len() >= Failures::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_ten_minutes_are_too_many() {
        let start = Instant::now();
        let minutes = |n: u64| start + Duration::from_secs(60 * n);
        let mut failures = Failures::default();
        assert!(!failures.count(minutes(0)));
        assert!(!failures.count(minutes(9)));
        assert!(!failures.count(minutes(11)));
        assert!(failures.count(minutes(12)));
    }
}

//! Connections that read the journal.
//!
//! Every query is one read transaction on a blocking thread, so it sees one
//! commit. It is interrupted after a limit ([`READ_MAX`]): a long reader keeps
//! the log from being checkpointed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, InterruptHandle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::StoreError;
use crate::files::DataDirectory;
use crate::sqlite::{Purpose, connect};

pub(crate) const READ_MAX: Duration = Duration::from_secs(5);

/// Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Readers(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    n_readers: u32,
    read_max: Duration,
    permits: Arc<Semaphore>,
    /// At most as many as there are permits.
    idle: Mutex<Vec<Connection>>,
    /// Files stay locked while a connection may be open.
    _directory: Arc<DataDirectory>,
}

/// A connection on loan; it goes back before its permit does.
struct Loan {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(crate) fn new(
        path: PathBuf,
        n_readers: usize,
        read_max: Duration,
        directory: Arc<DataDirectory>,
    ) -> Readers {
        let n_readers = u32::try_from(n_readers.clamp(1, 64)).expect("at most 64");
        let permits = Arc::new(Semaphore::new(n_readers as usize));
        let idle = Mutex::default();
        let _directory = directory;
        Readers(Arc::new(Pool { path, n_readers, read_max, permits, idle, _directory }))
    }

    /// Runs `query` in one read transaction.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.0.permits).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let mut loan = Loan { connection: None, pool: Arc::clone(&self.0), _permit: permit };
        let (handle_sender, handle) = oneshot::channel::<InterruptHandle>();
        let mut work = tokio::task::spawn_blocking(move || {
            let result = loan.open().and_then(|connection| {
                // Nobody waits any more if this fails; the query still ends.
                let _ = handle_sender.send(connection.get_interrupt_handle());
                let transaction = connection.unchecked_transaction()?;
                query(&transaction)
            });
            // The loan comes back with the result, so an interrupt cannot hit
            // the connection's next query.
            (result, loan)
        });
        let finished = match timeout(self.0.read_max, &mut work).await {
            Ok(finished) => finished,
            Err(_) => {
                if let Ok(handle) = handle.await {
                    handle.interrupt();
                }
                work.await
            }
        };
        let (result, _loan) = finished.map_err(|error| StoreError::Unavailable {
            detail: format!("a read did not finish: {error}"),
            source: None,
        })?;
        result.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => StoreError::Unavailable {
                detail: format!("a read took longer than {:?}; ask for less", self.0.read_max),
                source: Some(error),
            },
            _ => StoreError::from_sqlite("read", error),
        })
    }

    /// Closes all connections, waiting for queries under way, and lets none
    /// open until the answer is dropped. `None` when queries do not end.
    pub(crate) async fn shut(&self) -> Option<OwnedSemaphorePermit> {
        let all = Arc::clone(&self.0.permits).acquire_many_owned(self.0.n_readers);
        let permits = timeout(self.0.read_max * 2, all).await.ok()?.expect("never closed");
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Some(permits)
    }
}

impl Loan {
    fn open(&mut self) -> rusqlite::Result<&Connection> {
        let idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.pool.path, Purpose::Read)?,
        };
        Ok(self.connection.insert(connection))
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(directory: &tempfile::TempDir) -> Readers {
        let path = directory.path().join("journal.db");
        Connection::open(&path).unwrap().pragma_update(None, "journal_mode", "WAL").unwrap();
        let held = Arc::new(DataDirectory::take(directory.path()).unwrap());
        Readers::new(path, 2, Duration::from_millis(200), held)
    }

    #[tokio::test]
    async fn a_long_read_is_interrupted_and_the_connection_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let readers = readers(&directory);
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                       SELECT count(*) FROM n";
        let error = readers.read(move |c| c.query_row(endless, [], |r| r.get::<_, i64>(0))).await;
        assert!(matches!(error, Err(StoreError::Unavailable { .. })), "{error:?}");
        let one = readers.read(|c| c.query_row("SELECT 1", [], |r| r.get::<_, i64>(0))).await;
        assert_eq!(one.unwrap(), 1);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let directory = tempfile::tempdir().unwrap();
        let readers = readers(&directory);
        let written = readers.read(|c| c.execute("CREATE TABLE x (y)", [])).await;
        assert!(written.is_err());
    }
}

//! Copies the write-ahead log into the main file, beside the writer.
//!
//! PASSIVE checkpoints hold nobody up but never let the log start over while
//! commits keep coming; past [`RESTART_BYTES`] one RESTART makes the writer
//! wait for the little that a PASSIVE one just left.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tracing::{info, warn};

use super::Shared;
use crate::StoreError;
use crate::sqlite::{Purpose, connect};

const LOOK_EVERY: Duration = Duration::from_millis(500);
const PASSIVE_BYTES: u64 = 4 * 1024 * 1024;
const PASSIVE_EVERY: Duration = Duration::from_secs(5);
const RESTART_BYTES: u64 = 128 * 1024 * 1024;
const WARN_BYTES: u64 = 256 * 1024 * 1024;

/// How long a RESTART may keep the writer waiting for readers.
const RESTART_WAIT_MAX: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Signals {
    committed: bool,
    stop: bool,
}

#[derive(Debug)]
pub(super) struct Checkpointer {
    signals: Arc<(Mutex<Signals>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Checkpointer, StoreError> {
        let connection = connect(&shared.path, Purpose::Checkpoint)
            .and_then(|connection| {
                connection.busy_timeout(RESTART_WAIT_MAX)?;
                Ok(connection)
            })
            .map_err(|error| StoreError::from_sqlite("open the checkpointer", error))?;
        let signals = Arc::<(Mutex<Signals>, Condvar)>::default();
        let (signals_of_thread, shared) = (Arc::clone(&signals), Arc::clone(shared));
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&connection, &signals_of_thread, &shared))
            .map_err(|error| StoreError::from_io("start the checkpointer", &error))?;
        Ok(Checkpointer { signals, thread: Some(thread) })
    }

    /// There is something new in the log.
    pub(super) fn wake(&self) {
        self.signal(|signals| signals.committed = true);
    }

    fn signal(&self, change: impl FnOnce(&mut Signals)) {
        let (signals, changed) = &*self.signals;
        change(&mut signals.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_one();
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.signal(|signals| signals.stop = true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's checkpointer panicked");
        }
    }
}

/// Sleeps until something was committed and [`LOOK_EVERY`] more; `false` when
/// it is time to end.
fn wait(signals: &(Mutex<Signals>, Condvar)) -> bool {
    let (signals, changed) = signals;
    let held = signals.lock().unwrap_or_else(PoisonError::into_inner);
    let held = changed
        .wait_while(held, |signals| !signals.committed && !signals.stop)
        .unwrap_or_else(PoisonError::into_inner);
    let (mut held, _) = changed
        .wait_timeout_while(held, LOOK_EVERY, |signals| !signals.stop)
        .unwrap_or_else(PoisonError::into_inner);
    held.committed = false;
    !held.stop
}

fn run(connection: &Connection, signals: &(Mutex<Signals>, Condvar), shared: &Shared) {
    let mut last = Instant::now();
    let mut is_large = false;
    let mut is_failing = false;
    while wait(signals) {
        // On a full disk the main file must not eat the reserve.
        if shared.space.is_full() {
            continue;
        }
        match look(connection, last.elapsed()) {
            Ok(Look::Copied(log)) => {
                last = Instant::now();
                report_size(log, &mut is_large);
                is_failing = false;
            }
            // Look again, though nothing more may come.
            Ok(Look::Early) => set_committed(signals),
            Err(error) => {
                if !is_failing {
                    warn!(%error, "checkpoint failed, will try again");
                }
                is_failing = true;
                set_committed(signals);
            }
        }
    }
}

fn set_committed(signals: &(Mutex<Signals>, Condvar)) {
    signals.0.lock().unwrap_or_else(PoisonError::into_inner).committed = true;
}

fn report_size(log: Log, is_large: &mut bool) {
    let bytes = log.bytes();
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    metrics::gauge!("store_wal_bytes").set(bytes as f64);
    if WARN_BYTES < bytes && !*is_large {
        warn!(bytes, "journal's log is large: a long read, or a slow disk");
        *is_large = true;
    } else if bytes < RESTART_BYTES && *is_large {
        info!(bytes, "journal's log is small again");
        *is_large = false;
    }
}

enum Look {
    Copied(Log),
    Early,
}

fn look(connection: &Connection, since_last: Duration) -> rusqlite::Result<Look> {
    let log = checkpoint(connection, "NOOP")?;
    if log.bytes_left() < PASSIVE_BYTES && since_last < PASSIVE_EVERY {
        return Ok(Look::Early);
    }
    let log = checkpoint(connection, "PASSIVE")?;
    if log.bytes() < RESTART_BYTES {
        return Ok(Look::Copied(log));
    }
    checkpoint(connection, "RESTART").map(Look::Copied)
}

/// The log in pages: all, and those that are in the main file already.
#[derive(Debug, Clone, Copy)]
struct Log {
    n_pages: u64,
    n_copied: u64,
    was_busy: bool,
}

impl Log {
    const PAGE_BYTES: u64 = 4096;

    fn bytes(self) -> u64 {
        self.n_pages * Log::PAGE_BYTES
    }

    fn bytes_left(self) -> u64 {
        (self.n_pages - self.n_copied.min(self.n_pages)) * Log::PAGE_BYTES
    }
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Log> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        // -1 where there is no log at all.
        let pages = |column| row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or(0));
        Ok(Log { n_pages: pages(1)?, n_copied: pages(2)?, was_busy: row.get(0)? })
    })
}

/// Copies and syncs all of the log, and empties it.
pub(super) fn into_main_file(connection: &Connection) -> rusqlite::Result<()> {
    let log = checkpoint(connection, "TRUNCATE")?;
    if log.was_busy {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(rusqlite::Error::SqliteFailure(busy, None));
    }
    Ok(())
}

//! The registry's file and the one connection to it.
//!
//! Its load is a few writes a second at most: each call takes the connection
//! on a blocking thread, and every write is a transaction with an fsync.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use model::{Origin, Time};
use rusqlite::{Connection, ErrorCode, params};
use tracing::warn;

use super::AuditEntry;
use crate::files::{DataDirectory, REGISTRY};
use crate::journal::{store_origin, stored_origin};
use crate::space::Space;
use crate::sqlite::{Format, Purpose, connect, to_sql};
use crate::{StoreError, sqlite};

const FORMAT: Format = Format {
    name: "registry",
    mark: 0x5457_5231,
    migrations: &[include_str!("migrations/0001.sql")],
    remedy: |path| {
        let file = path.display();
        format!(
            "put a backup of it there, or move {file} away to start without users and \
             credentials"
        )
    },
};

/// The log is copied into the main file when it is this long (4 MiB).
const CHECKPOINT_PAGES: i64 = 1000;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    connection: Mutex<Connection>,
    space: Arc<Space>,
    /// The files stay locked while this is open.
    _directory: Arc<DataDirectory>,
}

impl Registry {
    pub(crate) fn open(
        directory: &Arc<DataDirectory>,
        space: &Arc<Space>,
    ) -> Result<Registry, StoreError> {
        let path = directory.file(REGISTRY);
        let (connection, _) = FORMAT.open(&path)?;
        prepare(&connection).map_err(|error| StoreError::from_sqlite("open registry", error))?;
        directory.sync()?;
        Ok(Registry(Arc::new(Inner {
            path,
            connection: Mutex::new(connection),
            space: Arc::clone(space),
            _directory: Arc::clone(directory),
        })))
    }

    pub(crate) fn origin(&self) -> Result<Option<Origin>, StoreError> {
        stored_origin(&self.0.lock())
    }

    pub(crate) fn store_origin(&self, origin: Origin) -> Result<(), StoreError> {
        store_origin(&self.0.lock(), origin)
    }

    /// Runs `work` as one transaction. A full disk and an I/O error each allow
    /// a second run: with the reserve's room, or on a fresh connection.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let ran = tokio::task::spawn_blocking(move || inner.run(&work)).await;
        ran.map_err(|error| StoreError::Unavailable {
            detail: format!("registry: {error}"),
            source: None,
        })?
        .map_err(|error| StoreError::from_sqlite("registry", error))
    }

    pub async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.run(move |connection| {
            let AuditEntry { at, actor, action, object, detail } = &entry;
            connection
                .prepare_cached(
                    "INSERT INTO audit (at, actor, action, object, detail) \
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![at.millis(), actor, action, object, detail])?;
            Ok(())
        })
        .await
    }

    /// The newest entries, newest first.
    pub async fn audit_entries(&self, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at, actor, action, object, detail FROM audit ORDER BY id DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([to_sql(limit as u64)], |row| {
                Ok(AuditEntry {
                    at: Time::from_millis_clamped(row.get(0)?),
                    actor: row.get(1)?,
                    action: row.get(2)?,
                    object: row.get(3)?,
                    detail: row.get(4)?,
                })
            })?;
            rows.collect()
        })
        .await
    }
}

impl Inner {
    /// A panic while the lock was held left no transaction: dropping one rolls
    /// it back.
    fn lock(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T>(&self, work: &dyn Fn(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut connection = self.lock();
        let error = match transact(&mut connection, work) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => self.space.become_full(),
            Some(ErrorCode::SystemIoFailure) => {
                warn!(%error, "registry failed, opening it again");
                *connection = connect(&self.path, Purpose::Write)?;
                prepare(&connection)?;
            }
            _ => return Err(error),
        }
        transact(&mut connection, work)
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", -1024)
}

fn transact<T>(
    connection: &mut Connection,
    work: &dyn Fn(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction()?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// Reads a 32-byte hash.
pub(super) fn hash(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<[u8; 32]> {
    let bytes = row.get_ref(column)?.as_blob()?;
    <[u8; 32]>::try_from(bytes).map_err(|error| sqlite::unreadable(column, error))
}

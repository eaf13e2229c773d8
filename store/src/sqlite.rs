//! Opening SQLite files the way both the journal and the registry need them.
//!
//! Write-ahead log, every commit synced (`synchronous=FULL`), no memory map,
//! no checkpoint inside a commit. A file that is not ours is not touched.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Row};

use crate::StoreError;
use crate::files::private_file;

/// Longest wait for another connection of ours: a checkpoint that restarts the
/// log keeps the writer out for as long as it copies.
const BUSY_MAX: Duration = Duration::from_secs(10);

/// The log file is cut to this size when it starts over.
const LOG_KEPT_BYTES: i64 = 64 * 1024 * 1024;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Write,
    Read,
    Checkpoint,
}

impl Purpose {
    fn cache_kib(self) -> i64 {
        match self {
            Purpose::Write => 32 * 1024,
            Purpose::Read => 8 * 1024,
            Purpose::Checkpoint => 256,
        }
    }
}

pub(crate) fn connect(path: &Path, purpose: Purpose) -> rusqlite::Result<Connection> {
    let access = match purpose {
        Purpose::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Purpose::Write | Purpose::Checkpoint => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cache_size", -purpose.cache_kib())?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    match purpose {
        Purpose::Read => connection.pragma_update(None, "query_only", true)?,
        Purpose::Write | Purpose::Checkpoint => {
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            connection.pragma_update(None, "journal_size_limit", LOG_KEPT_BYTES)?;
        }
    }
    Ok(connection)
}

/// A kind of file of ours: its mark, its schema, and what to do when it is not
/// what it should be.
pub(crate) struct Format {
    pub(crate) name: &'static str,
    /// SQLite's `application_id`.
    pub(crate) mark: i32,
    /// Scripts that lead from each version to the next.
    pub(crate) migrations: &'static [&'static str],
    /// What a person can do about a file that cannot be used.
    pub(crate) remedy: fn(&Path) -> String,
}

impl Format {
    fn corrupt(&self, path: &Path, what: &str) -> StoreError {
        let remedy = (self.remedy)(path);
        let file = path.display();
        StoreError::Corrupt {
            detail: format!(
                "{file} cannot be used as the {}: {what}; nothing was changed; {remedy}",
                self.name
            ),
        }
    }

    /// Opens the file for writing, creating it if it is missing or empty, and
    /// brings its schema up to date. Says whether it is new.
    pub(crate) fn open(&self, path: &Path) -> Result<(Connection, bool), StoreError> {
        self.check_header(path)?;
        let mut connection = connect(path, Purpose::Write).map_err(|e| self.opening(path, e))?;
        let found = self.check_version(path, &connection)?;
        let migrated = self.migrate(&mut connection, found);
        migrated.map_err(|error| self.opening(path, error))?;
        Ok((connection, found == 0))
    }

    fn opening(&self, path: &Path, error: rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};

        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => self.corrupt(path, &error.to_string()),
            _ => StoreError::from_sqlite(&format!("open {}", path.display()), error),
        }
    }

    /// SQLite itself would find out too, but only after it looked for a log to
    /// roll back.
    fn check_header(&self, path: &Path) -> Result<(), StoreError> {
        const HEADER: &[u8; 16] = b"SQLite format 3\0";

        let doing = format!("open {}", path.display());
        let file = private_file(path).map_err(|error| StoreError::from_io(&doing, &error))?;
        let mut found = Vec::with_capacity(HEADER.len());
        std::io::Read::read_to_end(
            &mut std::io::Read::take(&file, HEADER.len() as u64),
            &mut found,
        )
        .map_err(|error| StoreError::from_io(&doing, &error))?;
        match found.as_slice() {
            header if header.is_empty() || header == HEADER => Ok(()),
            _ => Err(self.corrupt(path, "it is not an SQLite file")),
        }
    }

    fn check_version(&self, path: &Path, connection: &Connection) -> Result<usize, StoreError> {
        // A file that is not ours keeps its log as it is.
        let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let read = || -> rusqlite::Result<(i64, i32, i64)> {
            connection.set_db_config(keep_log, true)?;
            let version = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
            let mark = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
            let n_tables =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
            Ok((version, mark, n_tables))
        };
        let (version, mark, n_tables) = read().map_err(|error| self.opening(path, error))?;
        if (version, mark, n_tables) == (0, 0, 0) {
            return Ok(0);
        }
        if mark != self.mark {
            return Err(self.corrupt(path, "it is an SQLite file of something else"));
        }
        let newest = self.migrations.len();
        match usize::try_from(version) {
            Ok(found) if (1..=newest).contains(&found) => Ok(found),
            _ => Err(self.corrupt(
                path,
                &format!(
                    "its schema is version {version} and this program knows versions up to \
                     {newest}, so a newer program wrote it (run that one instead)"
                ),
            )),
        }
    }

    fn migrate(&self, connection: &mut Connection, found: usize) -> rusqlite::Result<()> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        for (version, script) in self.migrations.iter().enumerate().skip(found) {
            let transaction = connection.transaction()?;
            transaction.execute_batch(script)?;
            transaction.pragma_update(None, "user_version", to_sql(version as u64 + 1))?;
            transaction.commit()?;
        }
        Ok(())
    }
}

/// SQLite's integers are signed.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count or number that was written by [`to_sql`].
pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// A text of ours that must fit its grammar again.
pub(crate) fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error| unreadable(column, error))
}

/// A value that was written as JSON.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

pub(crate) fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let kind = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

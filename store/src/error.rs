//! How the store fails.

use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or file does not answer now; the same call may work later.
    #[error("the journal is not available: {detail}")]
    Unavailable {
        detail: String,
        #[source]
        source: Option<rusqlite::Error>,
    },
    /// No room left: commits wait until there is space again.
    #[error("the disk under the journal is full")]
    Full,
    /// A row cannot be stored as it is; the caller sets it aside.
    #[error("refused: {detail}")]
    Refused { detail: String },
    /// The file is not what it should be; a person must act.
    #[error("{detail}")]
    Corrupt { detail: String },
    /// Another process holds the data directory.
    #[error("data directory {directory} is in use by process {pid}")]
    Locked { directory: String, pid: String },
}

impl StoreError {
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Unavailable { .. } | StoreError::Full)
    }

    /// Which of our cases an error of SQLite is; `doing` says what failed.
    pub(crate) fn from_sqlite(doing: &str, error: rusqlite::Error) -> StoreError {
        use rusqlite::Error::{NulError, ToSqlConversionFailure};

        let detail = format!("{doing}: {error}");
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt {
                detail: format!("{detail}; stop the program, and put a backup in place or repair"),
            },
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
                StoreError::Refused { detail }
            }
            None if matches!(error, ToSqlConversionFailure(_) | NulError(_)) => {
                StoreError::Refused { detail }
            }
            _ => StoreError::Unavailable { detail, source: Some(error) },
        }
    }

    pub(crate) fn from_io(doing: &str, error: &std::io::Error) -> StoreError {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return StoreError::Full;
        }
        StoreError::Unavailable { detail: format!("{doing}: {error}"), source: None }
    }

    pub(crate) fn closed() -> StoreError {
        StoreError::Unavailable { detail: "the journal was closed".to_owned(), source: None }
    }

    /// Label of `store_errors_total`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            StoreError::Unavailable { .. } => "unavailable",
            StoreError::Full => "full",
            StoreError::Refused { .. } => "refused",
            StoreError::Corrupt { .. } => "corrupt",
            StoreError::Locked { .. } => "locked",
        }
    }
}

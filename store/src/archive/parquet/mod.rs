//! The archive as Parquet files, for any notebook to read.
//!
//! | column           | type                | what                                        |
//! |------------------|---------------------|---------------------------------------------|
//! | `datastream`     | u32                 | key; `datastreams.parquet` has the names    |
//! | `time`           | datetime, ms, UTC   | when the value was true                     |
//! | `since`          | datetime, or null   | the value is a total of `[since, time]`     |
//! | `value`          | f64                 | in the property's unit                      |
//! | `quality`        | u32                 | QARTOD flag in the low four bits, and marks |
//! | `received_after` | i64                 | ms from `time` to the arrival               |
//! | `commit_step`    | i64                 | `commit` less that of the row before        |
//!
//! Rows are sorted by datastream and time. `commit` is the cumulative sum of
//! `commit_step` over the rows of a datastream in one file; its first row has
//! the number itself. zstd, row groups of 65,536 rows, written and read one at
//! a time.
//!
//! A file gets a temporary name, is synced, renamed to a name that must not
//! exist, and its folder is synced; then it is opened again and read. It is
//! mapped into memory by readers, so it is never changed or cut in place. All
//! work is done on blocking threads, which also catch what panics over damaged
//! bytes.

mod export;
mod read;
mod spans;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::{Archive, File, Pages, Receipt, Slice, pages};
use crate::{Directory, StoreError};

pub use export::ParquetExport;

pub(crate) use read::{Found, read_back, sha256_of};
use write::TEMPORARY;

const COLUMNS: [&str; 7] =
    ["datastream", "time", "since", "value", "quality", "received_after", "commit_step"];

#[derive(Debug, Clone)]
pub(crate) struct ParquetArchive {
    root: PathBuf,
}

impl ParquetArchive {
    pub(crate) fn new(root: PathBuf) -> ParquetArchive {
        ParquetArchive { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

#[async_trait]
impl Archive for ParquetArchive {
    async fn write(&self, name: &str, rows: Pages) -> Result<Receipt, StoreError> {
        let (root, name) = (self.root.clone(), name.to_owned());
        let shown = name.clone();
        let written = tokio::task::spawn_blocking(move || {
            let written = write::write(&root, &name, rows)?;
            let found = read::read_back(&root.join(&name))?;
            if found.hours != written.hours || found.spans != written.spans {
                return Err(damaged(
                    &root.join(&name),
                    "what was read back is not what was written",
                ));
            }
            Ok(Receipt {
                n_rows: found.hours.values().map(|hour| hour.n_rows).sum(),
                n_bytes: found.n_bytes,
                sha256: found.sha256,
                hours: found.hours,
                spans: written.spans,
            })
        });
        written.await.map_err(|error| panicked(Path::new(&shown), &error))?
    }

    async fn read(&self, file: &File, slices: Vec<Slice>) -> Result<Pages, StoreError> {
        let (path, n_bytes, n_rows) = (self.path(&file.name), file.n_bytes, file.n_rows);
        let (sender, receiver) = pages();
        let reading = {
            let (path, sender) = (path.clone(), sender.clone());
            tokio::task::spawn_blocking(move || {
                read::read(&path, n_bytes, n_rows, &slices, &sender);
            })
        };
        // Ends with the reader, which ends when nobody takes its pages.
        tokio::spawn(async move {
            if let Err(error) = reading.await {
                let _ = sender.send(Err(panicked(&path, &error))).await;
            }
        });
        Ok(receiver)
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let temporary = format!("{name}{TEMPORARY}");
        for path in [self.path(name), self.path(&temporary)] {
            let doing = format!("remove archive file {}", path.display());
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::from_io(&doing, &error));
                }
                _ => (),
            }
        }
        Ok(())
    }

    async fn describe(&self, directory: Arc<Directory>) -> Result<(), StoreError> {
        let root = self.root.clone();
        let shown = root.clone();
        let written = tokio::task::spawn_blocking(move || write::write_names(&root, &directory));
        written.await.map_err(|error| panicked(&shown, &error))?
    }

    async fn has(&self, name: &str) -> Result<bool, StoreError> {
        let path = self.path(name);
        let doing = format!("look for archive file {}", path.display());
        path.try_exists().map_err(|error| StoreError::from_io(&doing, &error))
    }
}

/// An archive file that a person must look at.
pub(crate) fn damaged(path: &Path, what: &str) -> StoreError {
    StoreError::Corrupt {
        detail: format!(
            "archive file {} cannot be read: {what}; `tidewatch verify` names the hours in it, \
             a backup may have it",
            path.display()
        ),
    }
}

fn panicked(path: &Path, error: &tokio::task::JoinError) -> StoreError {
    damaged(path, &format!("its bytes are not what a reader expects ({error})"))
}

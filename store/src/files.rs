//! The files of a data directory that are not SQLite's.
//!
//! | file             | what it is                                             |
//! |------------------|--------------------------------------------------------|
//! | `lock`           | locked while a process works here; holds its pid       |
//! | `journal.commit` | the last commit number, written after each commit      |
//! | `reserve`        | space held back for urgent rows on a full disk         |
//!
//! The directory is 0700 and the files are 0600.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::StoreError;

pub(crate) const JOURNAL: &str = "journal.db";
pub(crate) const REGISTRY: &str = "registry.db";
pub(crate) const ARCHIVE: &str = "archive";
pub(crate) const SIDE: &str = "journal.commit";
const LOCK: &str = "lock";
pub(crate) const RESERVE: &str = "reserve";

/// A data directory under our lock. The lock goes with the last holder.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Creates the directory where it is missing, and locks it.
    pub(crate) fn take(path: &Path) -> Result<DataDirectory, StoreError> {
        let doing = |what: &str| format!("{what} data directory {}", path.display());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| StoreError::from_io(&doing("create"), &error))?;
        let mut lock = private_file(&path.join(LOCK))
            .map_err(|error| StoreError::from_io(&doing("lock"), &error))?;
        match lock.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let known = lock.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
                return Err(StoreError::Locked {
                    directory: path.display().to_string(),
                    pid: if known { pid.trim().to_owned() } else { "(unknown)".to_owned() },
                });
            }
            Err(TryLockError::Error(error)) => {
                return Err(StoreError::from_io(&doing("lock"), &error));
            }
        }
        let written = lock
            .set_len(0)
            .and_then(|()| lock.write_all(format!("{}\n", std::process::id()).as_bytes()));
        if let Err(error) = written {
            // A full disk must not keep the program from starting.
            warn!(%error, "pid not written into the lock file");
        }
        Ok(DataDirectory { path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn free_bytes(&self) -> Result<u64, StoreError> {
        let found = rustix::fs::statvfs(&self.path)
            .map_err(|error| StoreError::from_io("ask for free space", &error.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Makes new names in the directory survive a power cut.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| StoreError::from_io("sync the data directory", &error))
    }

    pub(crate) fn side_file(&self) -> Result<SideFile, StoreError> {
        SideFile::open(&self.file(SIDE))
            .map_err(|error| StoreError::from_io("open journal.commit", &error))
    }
}

/// Opens a file for reading and writing that only its owner may read.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// The number of the last commit, outside the journal and never synced. It is
/// never ahead of an intact journal, so a journal behind it has lost commits.
#[derive(Debug)]
pub(crate) struct SideFile(File);

impl SideFile {
    fn open(path: &Path) -> io::Result<SideFile> {
        private_file(path).map(SideFile)
    }

    /// `None` where nothing usable is written, as after a power cut.
    pub(crate) fn read(&self) -> Option<u64> {
        let mut text = [0; 20];
        self.0.read_exact_at(&mut text, 0).ok()?;
        std::str::from_utf8(&text).ok()?.parse().ok()
    }

    /// Digits of one width, so that one write replaces the number before.
    pub(crate) fn write(&self, commit: u64) -> io::Result<()> {
        self.0.write_all_at(format!("{commit:020}\n").as_bytes(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_directory_is_private_and_names_its_holder() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let held = DataDirectory::take(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(path.join(LOCK).metadata().unwrap().permissions().mode() & 0o777, 0o600);
        match DataDirectory::take(&path) {
            Err(StoreError::Locked { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
            other => panic!("expected a lock, found {other:?}"),
        }
        drop(held);
        DataDirectory::take(&path).unwrap();
    }

    #[test]
    fn the_side_file_keeps_the_last_number_and_ignores_rubbish() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(SIDE);
        let side = SideFile::open(&path).unwrap();
        assert_eq!(side.read(), None);
        side.write(u64::MAX).unwrap();
        side.write(7).unwrap();
        assert_eq!(SideFile::open(&path).unwrap().read(), Some(7));
        std::fs::write(&path, [0; 21]).unwrap();
        assert_eq!(side.read(), None);
    }
}

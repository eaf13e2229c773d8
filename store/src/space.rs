//! Room on the disk.
//!
//! A file of 32 MB is held back. When a write finds the disk full, the file
//! goes and its room is for urgent rows only; batches wait until 64 MiB are
//! free. Then the file is made again, first of all.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{error, info, warn};

use crate::StoreError;
use crate::files::{DataDirectory, RESERVE, private_file};

/// Space that must be free before ordinary commits go on after a full disk.
pub const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

const RESERVE_BYTES: u64 = 32 * 1024 * 1024;

/// Less than this left: an I/O error is taken for a full disk.
const NO_SPACE_BYTES: u64 = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Space {
    directory: Arc<DataDirectory>,
    reserve: Reserve,
    /// Set from the first write that found no room until the reserve could be
    /// made again.
    full: AtomicBool,
}

impl Space {
    /// Makes the reserve where there is room; a full disk stops no start.
    pub(crate) fn new(directory: Arc<DataDirectory>) -> Space {
        let reserve = Reserve { path: directory.file(RESERVE) };
        let made = reserve.make();
        if let Err(error) = &made {
            warn!(%error, "reserve for urgent rows not made");
        }
        Space { directory, reserve, full: AtomicBool::new(made.is_err()) }
    }

    pub(crate) fn free_bytes(&self) -> Result<u64, StoreError> {
        self.directory.free_bytes()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Some file systems report a full disk as an I/O error.
    pub(crate) fn is_used_up(&self) -> bool {
        self.free_bytes().is_ok_and(|free| free < NO_SPACE_BYTES)
    }

    /// Gives the reserve's room to urgent rows.
    pub(crate) fn become_full(&self) {
        if !self.full.swap(true, Ordering::AcqRel) {
            error!("disk full: only urgent rows are written, from the reserve");
        }
        if let Err(error) = self.reserve.release() {
            error!(%error, "reserve not released");
        }
    }

    /// Lets a batch pass, after a full disk only with enough room.
    pub(crate) fn make_room(&self) -> Result<(), StoreError> {
        if !self.is_full() {
            return Ok(());
        }
        if self.free_bytes()? < FREE_BYTES_MIN {
            return Err(StoreError::Full);
        }
        self.reserve.make().map_err(|error| StoreError::from_io("make the reserve", &error))?;
        self.full.store(false, Ordering::Release);
        info!("disk has room again, the reserve is made");
        Ok(())
    }
}

/// Space that is given back to the file system when the disk is full.
#[derive(Debug)]
struct Reserve {
    path: PathBuf,
}

impl Reserve {
    fn make(&self) -> io::Result<()> {
        let file = private_file(&self.path)?;
        if file.metadata()?.len() >= RESERVE_BYTES {
            return Ok(());
        }
        let made = match rustix::fs::fallocate(
            &file,
            rustix::fs::FallocateFlags::empty(),
            0,
            RESERVE_BYTES,
        ) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => fill(file),
            other => other.map_err(io::Error::from),
        };
        if made.is_err() {
            self.release()?;
        }
        made
    }

    fn release(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// For file systems that cannot reserve space without writing it.
fn fill(mut file: File) -> io::Result<()> {
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..RESERVE_BYTES / 1024 / 1024 {
        file.write_all(&zeros)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_takes_real_space_and_gives_it_back() {
        use std::os::unix::fs::MetadataExt;

        let directory = tempfile::tempdir().unwrap();
        let reserve = Reserve { path: directory.path().join(RESERVE) };
        reserve.make().unwrap();
        reserve.make().unwrap();
        assert!(reserve.path.metadata().unwrap().blocks() * 512 >= RESERVE_BYTES);
        reserve.release().unwrap();
        reserve.release().unwrap();
        assert!(!reserve.path.try_exists().unwrap());
    }
}

//! Backup of a data directory, also of one that a server works in, and the way
//! back.
//!
//! One read transaction sees which files hours are read from; they are linked
//! at once (copied to another disk), while they cannot go yet. Within the same
//! transaction the journal is copied page by page, so that what is written
//! meanwhile neither gets in nor makes the copy begin again. `backup.json` with
//! checksums comes last: without it a folder is no backup.

use std::fs::{self, DirBuilder, File as OsFile};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use model::{Clock, Time};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use serde::{Deserialize, Serialize};

use super::parquet::sha256_of;
use super::tables::{self, File};
use super::verify::Progress;
use crate::StoreError;
use crate::files::{ARCHIVE, JOURNAL, REGISTRY, SIDE, private_file};
use crate::queries;
use crate::sqlite::{Purpose, connect};

const NOTE: &str = "backup.json";
const NAMES: &str = "datastreams.parquet";

/// Pages of 4 KiB copied in one step.
const PAGES: i32 = 2_048;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// The last commit that it has.
    pub commit: u64,
    pub n_files: u64,
    pub made: Time,
}

/// What `backup.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    made: String,
    commit: u64,
    journal_sha256: String,
    registry_sha256: String,
}

/// Makes a backup in an empty or new folder. Blocking; needs no lock.
pub fn backup(
    directory: &Path,
    target: &Path,
    clock: &Clock,
    progress: Progress<'_>,
) -> Result<BackupReport, StoreError> {
    make_empty(target)?;
    let made = clock.real();
    let journal = open(&directory.join(JOURNAL))?;
    let begun = journal.unchecked_transaction().map_err(failed("begin the backup"))?;
    let commit = queries::last_commit(&begun).map_err(failed("read the journal"))?;
    let files = tables::current(&begun).map_err(failed("read the journal"))?;
    link_files(directory, target, &files)?;
    copy_database(&begun, &target.join(JOURNAL), progress)?;
    drop(begun);

    let registry = open(&directory.join(REGISTRY))?;
    copy_database(&registry, &target.join(REGISTRY), &mut |_, _| ())?;
    write_file(&target.join(SIDE), format!("{commit:020}\n").as_bytes())?;
    let note = Note {
        made: made.to_string(),
        commit,
        journal_sha256: hex(&target.join(JOURNAL))?,
        registry_sha256: hex(&target.join(REGISTRY))?,
    };
    let note = serde_json::to_string_pretty(&note).expect("texts and numbers are always JSON");
    write_file(&target.join(NOTE), note.as_bytes())?;
    sync(target)?;
    Ok(BackupReport { commit, n_files: files.len() as u64, made })
}

/// Puts a backup into an empty or new folder. Blocking.
pub fn restore(
    from: &Path,
    directory: &Path,
    progress: Progress<'_>,
) -> Result<BackupReport, StoreError> {
    let shown = from.join(NOTE);
    let refused = |why: &str| StoreError::Refused {
        detail: format!("{} is no complete backup: {why}", from.display()),
    };
    let text = fs::read(&shown)
        .map_err(|error| refused(&format!("{} cannot be read: {error}", shown.display())))?;
    let note: Note = serde_json::from_slice(&text)
        .map_err(|error| refused(&format!("{}: {error}", shown.display())))?;
    for (file, sha256) in [(JOURNAL, &note.journal_sha256), (REGISTRY, &note.registry_sha256)] {
        if hex(&from.join(file))? != *sha256 {
            return Err(refused(&format!("{file} is not the file that was written")));
        }
    }
    let made = Time::parse(&note.made).map_err(|error| refused(&error.to_string()))?;

    make_empty(directory)?;
    let files = {
        let journal = open(&from.join(JOURNAL))?;
        tables::current(&journal).map_err(failed("read the journal"))?
    };
    let n_all = files.len() as u64 + 2;
    for (n, file) in files.iter().enumerate() {
        make_folder_of(directory, &file.name)?;
        let place = Path::new(ARCHIVE).join(&file.name);
        copy(&from.join(&place), &directory.join(&place))?;
        progress(n as u64, n_all);
    }
    let names = Path::new(ARCHIVE).join(NAMES);
    if from.join(&names).try_exists().unwrap_or(false) {
        copy(&from.join(&names), &directory.join(&names))?;
    }
    for file in [REGISTRY, SIDE, JOURNAL] {
        copy(&from.join(file), &directory.join(file))?;
    }
    sync(directory)?;
    progress(n_all, n_all);
    Ok(BackupReport { commit: note.commit, n_files: files.len() as u64, made })
}

fn failed(doing: &str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| StoreError::from_sqlite(doing, error)
}

fn io(doing: &str, path: &Path) -> impl Fn(std::io::Error) -> StoreError {
    move |error| StoreError::from_io(&format!("{doing} {}", path.display()), &error)
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    connect(path, Purpose::Read)
        .map_err(|error| StoreError::from_sqlite(&format!("open {}", path.display()), error))
}

fn make_empty(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io("create", path))?;
    let mut entries = fs::read_dir(path).map_err(io("look into", path))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(StoreError::Refused {
            detail: format!("{} is not empty; name an empty or a new folder", path.display()),
        }),
    }
}

fn make_folder_of(directory: &Path, name: &str) -> Result<(), StoreError> {
    let path = directory.join(ARCHIVE).join(name);
    let folder = path.parent().unwrap_or(directory);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io("create", folder))
}

fn link_files(directory: &Path, target: &Path, files: &[File]) -> Result<(), StoreError> {
    for file in files {
        make_folder_of(target, &file.name)?;
        let place = Path::new(ARCHIVE).join(&file.name);
        let (from, to) = (directory.join(&place), target.join(&place));
        // Files never change, so that one of two names is a copy. Another disk
        // has no such names.
        if fs::hard_link(&from, &to).is_err() {
            copy(&from, &to)?;
        }
    }
    let names = Path::new(ARCHIVE).join(NAMES);
    if directory.join(&names).try_exists().unwrap_or(false) {
        make_folder_of(target, NAMES)?;
        copy(&directory.join(&names), &target.join(&names))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let mut source = OsFile::open(from).map_err(io("read", from))?;
    let mut target = private_file(to).map_err(io("write", to))?;
    std::io::copy(&mut source, &mut target).map_err(io("write", to))?;
    target.sync_all().map_err(io("sync", to))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = private_file(path).map_err(io("write", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io("write", path))
}

fn sync(directory: &Path) -> Result<(), StoreError> {
    OsFile::open(directory).and_then(|file| file.sync_all()).map_err(io("sync", directory))
}

fn hex(path: &Path) -> Result<String, StoreError> {
    let (_, sha256) = sha256_of(path)?;
    Ok(sha256.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Every page as `from` sees it now; the copy is on the disk afterwards.
fn copy_database(from: &Connection, to: &Path, progress: Progress<'_>) -> Result<(), StoreError> {
    drop(private_file(to).map_err(io("create", to))?);
    let doing = format!("copy to {}", to.display());
    let mut target = Connection::open(to).map_err(failed(&doing))?;
    let copying = Backup::new(from, &mut target).map_err(failed(&doing))?;
    loop {
        let step = copying.step(PAGES).map_err(failed(&doing))?;
        let place = copying.progress();
        let pages = |n: i32| u64::try_from(n).unwrap_or(0);
        let n_all = pages(place.pagecount);
        progress(n_all - pages(place.remaining).min(n_all), n_all);
        match step {
            StepResult::Done => break,
            // Another connection of ours holds a lock for a moment.
            StepResult::Busy | StepResult::Locked => std::thread::yield_now(),
            _ => (),
        }
    }
    drop(copying);
    target.close().map_err(|(_, error)| failed(&doing)(error))?;
    OsFile::open(to).and_then(|file| file.sync_all()).map_err(io("sync", to))
}

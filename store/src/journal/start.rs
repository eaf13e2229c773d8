//! The start: what is looked at before the first acknowledgement, and setting
//! a journal aside that cannot be opened.
//!
//! Only what takes a fraction of a second: header, schema version, and the
//! commit number against the side file. A journal behind its side file starts,
//! goes on after the side file's number, and books what is missing in the
//! ledger of the source `journal`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwap;
use model::{Clock, Origin, SourceName, Time};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{broadcast, watch};
use tracing::{error, info};

use super::commits::Note;
use super::latest::LatestCache;
use super::sources::insert_source;
use super::transactions::Stamp;
use super::writer::Writer;
use super::{Shared, WriterHandle, things};
use crate::files::{ARCHIVE, DataDirectory, JOURNAL, SideFile};
use crate::follower::{self, Content};
use crate::queries;
use crate::readers::{READ_MAX, Readers};
use crate::rejected::{HOUR, RejectedCounts};
use crate::space::Space;
use crate::sqlite::{Format, parsed, to_sql};
use crate::{SourceKey, StartReport, StoreError, StoreOptions};

const FORMAT: Format = Format {
    name: "journal",
    mark: 0x5457_4A31,
    migrations: &[
        include_str!("migrations/0001.sql"),
        include_str!("migrations/0002.sql"),
        include_str!("migrations/0003.sql"),
    ],
    remedy: |path| {
        let directory = path.parent().unwrap_or(path).display();
        format!(
            "`tidewatch repair --data {directory}` sets it aside, as a whole, and starts a \
             fresh journal"
        )
    },
};

/// The source whose ledger shows what a start found missing.
fn journal_source() -> SourceName {
    SourceName::parse("journal").expect("it fits the grammar")
}

pub(crate) struct Started {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: WriterHandle,
    pub(crate) report: StartReport,
}

/// Opens the journal of a directory that is under our lock. `origin` is what is
/// known of it already.
pub(crate) fn start(
    options: &StoreOptions,
    directory: &Arc<DataDirectory>,
    space: &Arc<Space>,
    origin: Option<Origin>,
) -> Result<Started, StoreError> {
    let (writer, report) = prepare(options, directory, space, origin)?;
    let shared = writer.shared();
    Ok(Started { shared, writer: WriterHandle::spawn(writer)?, report })
}

/// All of the start but the thread.
pub(super) fn prepare(
    options: &StoreOptions,
    directory: &Arc<DataDirectory>,
    space: &Arc<Space>,
    origin: Option<Origin>,
) -> Result<(Writer, StartReport), StoreError> {
    let path = directory.file(JOURNAL);
    let side = directory.side_file()?;
    let (mut connection, is_new) = FORMAT.open(&path)?;
    let reading = |error| StoreError::from_sqlite("read the journal", error);
    let origin = settle_origin(&connection, options, origin)?;
    let found = queries::last_commit(&connection).map_err(reading)?;
    let acknowledged = side.read().unwrap_or(0).max(found);
    let report =
        StartReport { origin, is_new, commit: found, lost_acknowledged: acknowledged - found };
    let last_commit = book_lost(&mut connection, &side, &report, options.clock.scene())?;
    directory.sync()?;

    let latest = LatestCache::new(queries::latest(&connection).map_err(reading)?);
    let (commits, _) = broadcast::channel(follower::COMMITS_MAX);
    let shared = Arc::new(Shared {
        commits: commits.downgrade(),
        clock: options.clock.clone(),
        directory: ArcSwap::from_pointee(things::load(&connection, last_commit).map_err(reading)?),
        sources: ArcSwap::from_pointee(load_sources(&connection).map_err(reading)?),
        last_commit: AtomicU64::new(last_commit),
        rejected: RejectedCounts::default(),
        readers: Readers::new(path.clone(), options.n_readers, READ_MAX, Arc::clone(directory)),
        space: Arc::clone(space),
        side,
        fatal: watch::Sender::new(false),
        datastreams_per_thing_max: options.datastreams_per_thing_max,
        path,
    });
    let writer = Writer::new(shared, connection, commits, latest)?;
    info!(commit = last_commit, is_new, %origin, "journal opened");
    Ok((writer, report))
}

/// The origin is fixed when the directory is created.
fn settle_origin(
    connection: &Connection,
    options: &StoreOptions,
    known: Option<Origin>,
) -> Result<Origin, StoreError> {
    let found = stored_origin(connection)?.or(known);
    let origin = found.or(options.origin).unwrap_or(Origin::Real);
    if let Some(wanted) = options.origin
        && wanted != origin
    {
        let directory = options.directory.display();
        return Err(StoreError::Corrupt {
            detail: format!(
                "data directory {directory} holds `{origin}` data and cannot be opened as \
                 `{wanted}`; name another directory"
            ),
        });
    }
    store_origin(connection, origin)?;
    Ok(origin)
}

/// The journal and the registry both have the table `meta`, so that the origin
/// outlives either file.
pub(crate) fn stored_origin(connection: &Connection) -> Result<Option<Origin>, StoreError> {
    connection
        .query_row("SELECT value FROM meta WHERE key = 'origin'", [], |row| parsed(row, 0))
        .optional()
        .map_err(|error| StoreError::from_sqlite("read the origin", error))
}

pub(crate) fn store_origin(connection: &Connection, origin: Origin) -> Result<(), StoreError> {
    connection
        .execute(
            "INSERT INTO meta (key, value) VALUES ('origin', ?1) ON CONFLICT DO NOTHING",
            [origin.as_str()],
        )
        .map(|_| ())
        .map_err(|error| StoreError::from_sqlite("write the origin", error))
}

fn load_sources(connection: &Connection) -> rusqlite::Result<Vec<SourceName>> {
    let mut statement = connection.prepare("SELECT name FROM sources ORDER BY source")?;
    statement.query_map([], |row| parsed(row, 0))?.collect()
}

/// Writes down, in the first transaction after the loss, how many commits are
/// missing. Their numbers are not given again. Gives the last commit number.
fn book_lost(
    connection: &mut Connection,
    side: &SideFile,
    report: &StartReport,
    at: Time,
) -> Result<u64, StoreError> {
    if report.lost_acknowledged == 0 {
        return Ok(report.commit);
    }
    let lost = report.lost_acknowledged;
    error!(lost_acknowledged = lost, commit = report.commit, "journal is behind its side file");
    let number = report.commit + lost + 1;
    let book = |connection: &mut Connection| -> rusqlite::Result<()> {
        let transaction = connection.transaction()?;
        let sources = load_sources(&transaction)?;
        let name = journal_source();
        let place = sources.iter().position(|known| *known == name);
        let key = place.unwrap_or(sources.len()) + 1;
        let key = SourceKey(u16::try_from(key).unwrap_or(u16::MAX));
        if place.is_none() {
            // It may be one more than callers can register.
            insert_source(&transaction, key, &name, number)?;
        }
        transaction.execute(
            "INSERT INTO ledger (source, hour, received, stored, duplicate, quarantined, \
             refused, replaced, lost_acknowledged) VALUES (?1, ?2, 0, 0, 0, 0, 0, 0, ?3) \
             ON CONFLICT (hour, source) DO UPDATE \
             SET lost_acknowledged = lost_acknowledged + excluded.lost_acknowledged",
            params![key.0, at.floor_to(HOUR).millis(), to_sql(lost)],
        )?;
        let stamp = Stamp { number, at, has_followers: false };
        Note::of(Content::Other).write(&transaction, stamp)?;
        transaction.execute("UPDATE last_commit SET number = ?1", [to_sql(number)])?;
        transaction.commit()
    };
    book(connection).map_err(|error| StoreError::from_sqlite("book lost commits", error))?;
    side.write(number).map_err(|error| StoreError::from_io("write journal.commit", &error))?;
    Ok(number)
}

/// Does the journal open? Brings its schema up to date.
pub(crate) fn open(directory: &DataDirectory) -> Result<(), StoreError> {
    FORMAT.open(&directory.file(JOURNAL)).map(|_| ())
}

/// As 20260725T081530, in the offset that every time of ours is written in.
pub(crate) fn compact_time(clock: &Clock) -> String {
    clock.real().to_string().chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect()
}

/// Renames the journal and its log, so that both stay together, with the
/// archive, whose keys only this journal knows. It keeps the side file: the
/// next start says how many commits the fresh journal lacks.
pub(crate) fn set_aside_all(
    directory: &DataDirectory,
    clock: &Clock,
) -> Result<Vec<PathBuf>, StoreError> {
    let (journal, archive) = (directory.file(JOURNAL), directory.file(ARCHIVE));
    let time = compact_time(clock);
    let doing = format!("set {} aside", journal.display());
    let failed = |error: std::io::Error| StoreError::from_io(&doing, &error);
    let exists = |path: &Path| path.try_exists().map_err(failed);

    let mut suffix = format!(".broken-{time}");
    let mut n = 1;
    while exists(&suffixed(&journal, &suffix))? || exists(&suffixed(&archive, &suffix))? {
        n += 1;
        suffix = format!(".broken-{time}-{n}");
    }
    let target = suffixed(&journal, &suffix);
    std::fs::rename(&journal, &target).map_err(failed)?;
    for log in ["-wal", "-shm"] {
        match std::fs::rename(suffixed(&journal, log), suffixed(&target, log)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => (),
        }
    }
    let mut moved = vec![target];
    if exists(&archive)? {
        let target = suffixed(&archive, &suffix);
        std::fs::rename(&archive, &target).map_err(failed)?;
        moved.push(target);
    }
    directory.sync()?;
    Ok(moved)
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

//! Looking at everything that is stored: journal, files, and what each says of
//! the other.
//!
//! It only reads, without the directory's lock, so it can run beside a server
//! in a process of its own. Each hour is looked at in a read transaction of
//! its own; what the server moves meanwhile is looked at again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use model::Time;
use rusqlite::{Connection, params};

use super::digest::HourDigest;
use super::parquet::{self, Found};
use super::tables::{self, File, Hour, HourState};
use super::{Row, Span};
use crate::StoreError;
use crate::files::{ARCHIVE, JOURNAL, REGISTRY};
use crate::queries::{bucket, observation};
use crate::query::TimeRange;
use crate::rejected::HOUR;
use crate::rows::DatastreamKey;
use crate::sqlite::{Purpose, connect, unsigned};

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Relative to the data directory.
    pub file: String,
    /// Hours of event time whose rows it concerns; none where it is all or
    /// nothing.
    pub hours: Vec<Time>,
    pub reason: String,
    pub(super) kind: Kind,
}

/// What a repair can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The journal as a whole.
    Journal,
    /// Rows of an hour in the journal.
    JournalHour,
    /// A file is not what was written.
    Archive(i64),
    /// The file is as it was written, and the journal says otherwise.
    Record(i64),
    /// Only a person can tell.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    pub n_hours: u64,
    pub n_files: u64,
    /// Rows whose digest was computed again.
    pub n_rows: u64,
    pub damages: Vec<Damage>,
    /// Hours of which an earlier repair found no file, with their rows.
    pub lost: Vec<(Time, u64)>,
    /// `false` while rows are on the move between journal and archive.
    pub is_ledger_checked: bool,
}

/// How far it is: `(done, all)`, files and hours together.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Reads everything under a data directory. Blocking.
pub fn verify(directory: &Path, progress: Progress<'_>) -> Result<VerifyReport, StoreError> {
    let mut verify = Verify::open(directory)?;
    verify.check_journal();
    if verify.report.damages.iter().all(|damage| damage.kind != Kind::Journal) {
        verify.check_all(progress)?;
    }
    Ok(verify.report)
}

struct Verify {
    directory: PathBuf,
    journal: Connection,
    report: VerifyReport,
}

impl Verify {
    fn open(directory: &Path) -> Result<Verify, StoreError> {
        let path = directory.join(JOURNAL);
        let journal = connect(&path, Purpose::Read)
            .map_err(|error| StoreError::from_sqlite(&format!("open {}", path.display()), error))?;
        let report = VerifyReport::default();
        Ok(Verify { directory: directory.to_owned(), journal, report })
    }

    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let read = || -> rusqlite::Result<T> {
            let transaction = self.journal.unchecked_transaction()?;
            query(&transaction)
        };
        read().map_err(|error| StoreError::from_sqlite("verify", error))
    }

    fn add(&mut self, kind: Kind, file: impl Into<String>, hours: Vec<Time>, reason: String) {
        self.report.damages.push(Damage { file: file.into(), hours, reason, kind });
    }

    fn check_journal(&mut self) {
        for (file, kind) in [(JOURNAL, Kind::Journal), (REGISTRY, Kind::Unknown)] {
            let path = self.directory.join(file);
            let found = connect(&path, Purpose::Read).and_then(|connection| {
                let mut check = connection.prepare("PRAGMA quick_check(10)")?;
                let lines = check.query_map([], |row| row.get::<_, String>(0))?;
                lines.collect::<rusqlite::Result<Vec<_>>>()
            });
            match found {
                Ok(lines) if lines == ["ok"] => (),
                Ok(lines) => self.add(kind, file, Vec::new(), lines.join("; ")),
                Err(error) => self.add(kind, file, Vec::new(), error.to_string()),
            }
        }
    }

    fn check_all(&mut self, progress: Progress<'_>) -> Result<(), StoreError> {
        let all = TimeRange { start: Time::MIN, stop: Time::MAX };
        let hours = self.read(|c| tables::hours_of(c, all))?;
        let files = self.read(tables::current)?;
        let n_all = (hours.len() + files.len()) as u64;
        let mut n_done = 0;
        for hour in &hours {
            self.check_hour(hour.hour)?;
            n_done += 1;
            progress(n_done, n_all);
        }
        let mut of_file: BTreeMap<i64, Vec<Hour>> = BTreeMap::new();
        for hour in hours {
            if 0 < hour.lost {
                self.report.lost.push((hour.hour, hour.lost));
            }
            if let Some(file) = &hour.file {
                of_file.entry(file.id).or_default().push(hour);
            }
        }
        for file in files {
            let hours = of_file.remove(&file.id).unwrap_or_default();
            self.check_file(&file, &hours)?;
            n_done += 1;
            progress(n_done, n_all);
        }
        self.check_strays()?;
        self.check_ledger()
    }

    /// Rows of the hour in the journal.
    fn check_hour(&mut self, hour: Time) -> Result<(), StoreError> {
        let Some((known, found)) = self.read(|c| look_at_hour(c, hour))? else {
            return Ok(());
        };
        self.report.n_hours += 1;
        self.report.n_rows += found.digest.n_rows;
        let mut reasons = Vec::new();
        if found.n_rows != known.n_rows {
            reasons.push(format!("{} rows are there, {} are noted", found.n_rows, known.n_rows));
        }
        if known.state == HourState::Closed
            && !known.is_dirty
            && (found.digest.n_rows, Some(found.digest.digest))
                != (known.archived_rows, known.digest)
        {
            reasons.push("its rows are not those that were written".to_owned());
        }
        if known.state != HourState::Open && known.file.is_none() && known.lost == 0 {
            reasons.push("no file is noted for it".to_owned());
        }
        if !reasons.is_empty() {
            self.add(Kind::JournalHour, JOURNAL, vec![hour], reasons.join("; "));
        }
        Ok(())
    }

    fn check_file(&mut self, file: &File, hours: &[Hour]) -> Result<(), StoreError> {
        let path = self.directory.join(ARCHIVE).join(&file.name);
        let shown = format!("{ARCHIVE}/{}", file.name);
        let concerned: Vec<Time> = hours.iter().map(|hour| hour.hour).collect();
        let (kind, reason) = match self.compare(file, &path, hours)? {
            None => {
                self.report.n_files += 1;
                return Ok(());
            }
            Some(found) => found,
        };
        // The mover may have made a later generation of it meanwhile.
        let id = file.id;
        let still = self.read(|c| tables::is_current(c, id))?;
        let now = self.read(|c| {
            concerned.iter().map(|hour| tables::one_hour(c, *hour)).collect::<Result<Vec<_>, _>>()
        })?;
        let is_same = now
            .iter()
            .zip(hours)
            .all(|(now, then)| now.as_ref().is_some_and(|now| now.generation == then.generation));
        if still && is_same {
            self.add(kind, shown, concerned, reason);
        }
        Ok(())
    }

    /// What is wrong with a file, if anything.
    fn compare(
        &mut self,
        file: &File,
        path: &Path,
        hours: &[Hour],
    ) -> Result<Option<(Kind, String)>, StoreError> {
        let bytes = match parquet::sha256_of(path) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Some((Kind::Archive(file.id), reason_of(&error)))),
        };
        if (bytes.0, Some(bytes.1)) != (file.n_bytes, file.sha256) {
            let reason = if bytes.0 == file.n_bytes {
                "its bytes are not those that were written".to_owned()
            } else {
                format!("it has {} bytes and was written with {}", bytes.0, file.n_bytes)
            };
            return Ok(Some((Kind::Archive(file.id), reason)));
        }
        let found = match parquet::read_back(path) {
            Ok(found) => found,
            Err(error) => return Ok(Some((Kind::Archive(file.id), reason_of(&error)))),
        };
        self.report.n_rows += found.spans.iter().map(|span| span.n_rows).sum::<u64>();
        let id = file.id;
        let spans = self.read(|c| tables::all_spans(c, id))?;
        let reasons = differences(file, &found, hours, &spans);
        Ok((!reasons.is_empty()).then(|| (Kind::Record(file.id), reasons.join("; "))))
    }

    /// Files that the journal does not know, and rows of hours that it does not.
    fn check_strays(&mut self) -> Result<(), StoreError> {
        let known: BTreeSet<String> =
            self.read(tables::all_files)?.into_iter().map(|file| file.name).collect();
        for name in files_under(&self.directory.join(ARCHIVE)) {
            // A file may be new.
            let is_known = known.contains(&name) || self.read(|c| tables::knows_file(c, &name))?;
            if !is_known {
                let reason = "the journal does not know it".to_owned();
                self.add(Kind::Unknown, format!("{ARCHIVE}/{name}"), Vec::new(), reason);
            }
        }
        for hour in self.read(stray_hours)? {
            let reason = "there are rows of an hour that is not noted".to_owned();
            self.add(Kind::Unknown, JOURNAL, vec![hour], reason);
        }
        Ok(())
    }

    fn check_ledger(&mut self) -> Result<(), StoreError> {
        let (is_moving, stored, visible) = self.read(ledger_sums)?;
        self.report.is_ledger_checked = !is_moving;
        if !is_moving && stored != visible {
            let reason = format!(
                "the ledger counts {stored} rows as stored and not replaced, {visible} are there"
            );
            self.add(Kind::Unknown, JOURNAL, Vec::new(), reason);
        }
        Ok(())
    }
}

fn reason_of(error: &StoreError) -> String {
    match error {
        StoreError::Corrupt { detail } => detail.clone(),
        other => other.to_string(),
    }
}

struct FoundHour {
    n_rows: u64,
    /// Of rows that its generation has.
    digest: super::HourSum,
}

fn look_at_hour(
    connection: &Connection,
    hour: Time,
) -> rusqlite::Result<Option<(Hour, FoundHour)>> {
    let Some(known) = tables::one_hour(connection, hour)? else {
        return Ok(None);
    };
    let mut count = connection
        .prepare_cached("SELECT count(*) FROM observations WHERE bucket BETWEEN ?1 AND ?2")?;
    let first = bucket(hour);
    let n_rows = count.query_row([first, first + 5], |row| unsigned(row, 0))?;
    let mut digest = HourDigest::default();
    if known.state == HourState::Closed && !known.is_dirty {
        let mut statement = connection.prepare_cached(
            "SELECT datastream, time, since, value, quality, received, \"commit\" \
             FROM observations WHERE bucket BETWEEN ?1 AND ?2 ORDER BY datastream, time",
        )?;
        let mut rows = statement.query(params![first, first + 5])?;
        while let Some(row) = rows.next()? {
            let datastream = DatastreamKey(row.get(0)?);
            digest.add(&Row { datastream, observation: observation(row, 1)? });
        }
    }
    Ok(Some((known, FoundHour { n_rows, digest: digest.finish() })))
}

/// Between a file that is as it was written and what the journal notes of it.
fn differences(file: &File, found: &Found, hours: &[Hour], spans: &[Span]) -> Vec<String> {
    let mut reasons = Vec::new();
    let n_rows: u64 = found.spans.iter().map(|span| span.n_rows).sum();
    if n_rows != file.n_rows {
        reasons.push(format!("it has {n_rows} rows and {} are noted", file.n_rows));
    }
    if found.spans != spans {
        reasons.push("the places of its datastreams are not those that are noted".to_owned());
    }
    if hours.is_empty() {
        reasons.push("no hour is read from it".to_owned());
    }
    for hour in hours {
        let sum = found.hours.get(&hour.hour);
        let sum = sum.map_or((0, None), |sum| (sum.n_rows, Some(sum.digest)));
        if sum.0 != hour.archived_rows {
            let (found, noted) = (sum.0, hour.archived_rows);
            reasons.push(format!("of hour {} it has {found} rows, {noted} are noted", hour.hour));
        } else if sum.1 != hour.digest && 0 < sum.0 {
            reasons.push(format!("its rows of hour {} are not those that are noted", hour.hour));
        }
    }
    reasons
}

/// Paths below the folder of the archive, of what could be read as a part.
fn files_under(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for day in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let (folder, name) = (day.path(), day.file_name().to_string_lossy().into_owned());
        if !folder.is_dir() || name.starts_with("damaged-") {
            continue;
        }
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let file = file.file_name().to_string_lossy().into_owned();
            if file.ends_with(".parquet") {
                found.push(format!("{name}/{file}"));
            }
        }
    }
    found.sort();
    found
}

/// Hours that have rows and no entry.
fn stray_hours(connection: &Connection) -> rusqlite::Result<Vec<Time>> {
    let mut next =
        connection.prepare_cached("SELECT min(bucket) FROM observations WHERE bucket > ?1")?;
    let mut known = connection.prepare_cached("SELECT 1 FROM hours WHERE hour = ?1")?;
    let mut strays = Vec::new();
    let mut after = i64::MIN;
    while let Some(found) = next.query_row([after], |row| row.get::<_, Option<i64>>(0))? {
        let hour = Time::from_millis_clamped(found.saturating_mul(600_000)).floor_to(HOUR);
        if !known.exists([hour.millis()])? {
            strays.push(hour);
        }
        after = bucket(hour) + 5;
    }
    Ok(strays)
}

/// Are rows on the move? Rows by the ledger, and rows by the hours.
fn ledger_sums(connection: &Connection) -> rusqlite::Result<(bool, i64, i64)> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM late) \
             OR EXISTS (SELECT 1 FROM hours WHERE state = 'released' AND rows > 0), \
         (SELECT coalesce(sum(stored - replaced), 0) FROM ledger), \
         (SELECT coalesce(sum(CASE state WHEN 'released' THEN archived_rows + lost \
             ELSE rows END), 0) FROM hours) \
         + coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'expired_rows'), 0)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

//! Repairing what `verify` found, as far as anything is left to repair it
//! from. Nothing is deleted: what is damaged is set aside.
//!
//! | damage                                   | what is done                       |
//! |------------------------------------------|------------------------------------|
//! | the journal cannot be used               | it and the archive are set aside   |
//! | file of an hour that the journal has     | set aside; the hour is written anew|
//! | file of an hour that has left it         | set aside; the hour is lost        |
//! | file as written, noted otherwise         | the note is made anew              |
//! | rows of a closed hour, its file is whole | they are read from the file        |
//! | counts of rows in the journal            | counted anew                       |

use std::path::{Path, PathBuf};

use model::{Clock, Time};
use rusqlite::{Connection, params};

use super::parquet::{Found, read_back};
use super::tables::{self, HourState};
use super::verify::{Kind, VerifyReport, verify};
use crate::StoreError;
use crate::files::{ARCHIVE, DataDirectory, JOURNAL};
use crate::journal;
use crate::queries::bucket;
use crate::sqlite::{Purpose, connect, to_sql};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepairReport {
    /// Where things are that cannot be used.
    pub set_aside: Vec<PathBuf>,
    /// Hours that the next start writes anew.
    pub rewritten: Vec<Time>,
    /// Hours that are read from their file before their time.
    pub released: Vec<Time>,
    /// Hours whose counts or places were made anew.
    pub noted: Vec<Time>,
    /// Hours of which nothing is left, with their rows.
    pub lost: Vec<(Time, u64)>,
    /// What a person must look at.
    pub left: Vec<String>,
    pub is_fresh_journal: bool,
}

/// Works on a directory in which no server runs. Blocking.
pub fn repair(path: &Path, clock: &Clock) -> Result<RepairReport, StoreError> {
    let directory = DataDirectory::take(path)?;
    let mut report = RepairReport::default();
    let found = match journal::open(&directory).and_then(|()| verify(path, &mut |_, _| ())) {
        Ok(found) if found.damages.iter().all(|damage| damage.kind != Kind::Journal) => found,
        Err(error @ (StoreError::Unavailable { .. } | StoreError::Full)) => return Err(error),
        Ok(_) | Err(_) => {
            report.set_aside = journal::set_aside_all(&directory, clock)?;
            report.is_fresh_journal = true;
            return Ok(report);
        }
    };
    let journal = connect(&directory.file(JOURNAL), Purpose::Write)
        .map_err(|error| StoreError::from_sqlite("open the journal", error))?;
    Repair { directory: &directory, clock, journal, report }.all(&found)
}

struct Repair<'a> {
    directory: &'a DataDirectory,
    clock: &'a Clock,
    journal: Connection,
    report: RepairReport,
}

impl Repair<'_> {
    fn all(mut self, found: &VerifyReport) -> Result<RepairReport, StoreError> {
        // Files first: whether an hour is still whole decides about its rows.
        for damage in &found.damages {
            match damage.kind {
                Kind::Archive(file) => self.lose_file(file, &damage.file)?,
                Kind::Record(file) => self.note_again(file, &damage.file)?,
                Kind::JournalHour | Kind::Journal | Kind::Unknown => (),
            }
        }
        for damage in &found.damages {
            match damage.kind {
                Kind::JournalHour => {
                    for hour in &damage.hours {
                        self.mend_hour(*hour)?;
                    }
                }
                Kind::Unknown => {
                    self.report.left.push(format!("{}: {}", damage.file, damage.reason));
                }
                Kind::Archive(_) | Kind::Record(_) | Kind::Journal => (),
            }
        }
        self.directory.sync()?;
        Ok(self.report)
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let write = || -> rusqlite::Result<T> {
            let transaction = self.journal.unchecked_transaction()?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        write().map_err(|error| StoreError::from_sqlite("repair", error))
    }

    fn lose_file(&mut self, file: i64, shown: &str) -> Result<(), StoreError> {
        let from = self.directory.file(shown);
        if from.try_exists().unwrap_or(true) {
            let time = journal::compact_time(self.clock);
            let folder = self.directory.file(ARCHIVE).join(format!("damaged-{time}"));
            let to = folder.join(shown.trim_start_matches(ARCHIVE).replace('/', "_"));
            let doing = format!("set {} aside", from.display());
            std::fs::create_dir_all(&folder)
                .and_then(|()| std::fs::rename(&from, &to))
                .map_err(|error| StoreError::from_io(&doing, &error))?;
            self.report.set_aside.push(to);
        }
        let hours = self.write(|c| {
            let hours = tables::hours_in(c, file)?;
            for hour in &hours {
                // A generation may have been released a moment before.
                let sql = match hour.state {
                    HourState::Released => {
                        "UPDATE hours SET lost = archived_rows, archived_rows = 0, file = NULL, \
                         digest = NULL WHERE hour = ?1"
                    }
                    HourState::Open | HourState::Closed => {
                        "UPDATE hours SET state = 'open', file = NULL, digest = NULL, \
                         archived_rows = 0, archived_commit = 0, dirty = 0 WHERE hour = ?1"
                    }
                };
                c.execute(sql, [hour.hour.millis()])?;
            }
            c.execute("DELETE FROM spans WHERE file = ?1", [file])?;
            c.execute("DELETE FROM archive_files WHERE file = ?1", [file])?;
            Ok(hours)
        })?;
        for hour in hours {
            match hour.state {
                HourState::Released => self.report.lost.push((hour.hour, hour.archived_rows)),
                HourState::Open | HourState::Closed => self.report.rewritten.push(hour.hour),
            }
        }
        Ok(())
    }

    /// The bytes are as they were written and read back, so they are right.
    fn note_again(&mut self, file: i64, shown: &str) -> Result<(), StoreError> {
        let Found { hours: sums, spans, .. } = read_back(&self.directory.file(shown))?;
        let n_rows: u64 = spans.iter().map(|span| span.n_rows).sum();
        let hours = self.write(|c| {
            c.execute("DELETE FROM spans WHERE file = ?1", [file])?;
            tables::add_spans(c, file, &spans)?;
            c.execute(
                "UPDATE archive_files SET rows = ?2 WHERE file = ?1",
                params![file, to_sql(n_rows)],
            )?;
            let hours = tables::hours_in(c, file)?;
            for hour in &hours {
                let sum = sums.get(&hour.hour);
                c.execute(
                    "UPDATE hours SET archived_rows = ?2, digest = ?3 WHERE hour = ?1",
                    params![
                        hour.hour.millis(),
                        to_sql(sum.map_or(0, |sum| sum.n_rows)),
                        sum.map(|sum| sum.digest),
                    ],
                )?;
            }
            if hours.is_empty() {
                tables::supersede(c, file, self.clock.real())?;
            }
            Ok(hours)
        })?;
        self.report.noted.extend(hours.iter().map(|hour| hour.hour));
        Ok(())
    }

    fn mend_hour(&mut self, hour: Time) -> Result<(), StoreError> {
        let first = bucket(hour);
        let is_released = self.write(|c| {
            let known = tables::one_hour(c, hour)?;
            // Rows of a closed hour that has a whole file are in it.
            let has_file = known.as_ref().is_some_and(|known| {
                known.state == HourState::Closed && known.file.is_some() && !known.is_dirty
            });
            if has_file {
                c.execute("UPDATE hours SET state = 'released' WHERE hour = ?1", [hour.millis()])?;
                c.execute(
                    "DELETE FROM observations WHERE bucket BETWEEN ?1 AND ?2",
                    [first, first + 5],
                )?;
            } else if known.is_some_and(|known| known.state == HourState::Closed) {
                c.execute("UPDATE hours SET state = 'open' WHERE hour = ?1", [hour.millis()])?;
            }
            c.execute(
                "UPDATE hours SET rows = (SELECT count(*) FROM observations \
                 WHERE bucket BETWEEN ?2 AND ?3) WHERE hour = ?1",
                params![hour.millis(), first, first + 5],
            )?;
            Ok(has_file)
        })?;
        let list = if is_released { &mut self.report.released } else { &mut self.report.noted };
        list.push(hour);
        Ok(())
    }
}

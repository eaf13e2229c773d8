//! The hours of a settled day become one file.

use std::collections::BTreeMap;
use std::time::Duration;

use model::Time;
use rusqlite::{Connection, params};
use tracing::{error, info};

use super::rewrite::only_hours;
use super::{Mover, Step};
use crate::StoreError;
use crate::archive::pages::{Cursor, merge};
use crate::archive::tables::{self, Hour, HourState};
use crate::archive::{Part, Receipt, pages};
use crate::query::TimeRange;
use crate::sqlite::to_sql;

const DAY: Duration = Duration::from_secs(86_400);

impl Mover {
    pub(super) async fn compact_next(&mut self) -> Result<Option<Step>, StoreError> {
        let real = self.real();
        if self.to_compact.is_empty() && self.compact_at <= real {
            self.compact_at = real + self.options.compact_every;
            self.to_compact.extend(self.store.readers().read(days_in_pieces).await?);
        }
        while let Some(day) = self.to_compact.pop_front() {
            let range = TimeRange { start: day, stop: day + DAY };
            let hours = self.store.readers().read(move |c| tables::hours_of(c, range)).await?;
            if is_settled(&hours) {
                self.compact(day, hours).await?;
                return Ok(Some(Step::Compacted(day)));
            }
        }
        Ok(None)
    }

    async fn compact(&self, day: Time, hours: Vec<Hour>) -> Result<(), StoreError> {
        let generation = hours.iter().map(|hour| hour.generation).max().unwrap_or(0);
        let (name, generation) = self.name(Part::Day(day), generation).await?;
        let file = self.begin(&name).await?;
        let receipt = self.write_day(&hours, &name).await?;
        // The old files are read here as a whole: what they hold is compared
        // with what the journal knows, before they go.
        for hour in &hours {
            let found = receipt.hours.get(&hour.hour).map(|sum| (sum.n_rows, Some(sum.digest)));
            let is_same = match found {
                Some(found) => found == (hour.archived_rows, hour.digest),
                None => hour.archived_rows == 0,
            };
            if !is_same {
                let name = hour.file.as_ref().map_or("", |file| file.name.as_str());
                error!(hour = %hour.hour, file = name, "hour is damaged in the archive");
                return Err(StoreError::Corrupt {
                    detail: format!(
                        "archive file {name} does not hold hour {} as it was written; \
                         `tidewatch verify` names all such hours",
                        hour.hour
                    ),
                });
            }
        }
        self.add_spans(file, &receipt).await?;
        let (real, n_rows, n_bytes) = (self.real(), receipt.n_rows, receipt.n_bytes);
        let swap = move |c: &Connection| swap(c, &hours, (file, generation), &receipt, real);
        self.store.writer().piece(swap).await?;
        info!(%day, generation, n_rows, n_bytes, "day compacted");
        Ok(())
    }

    async fn write_day(&self, hours: &[Hour], name: &str) -> Result<Receipt, StoreError> {
        let mut files = BTreeMap::new();
        for hour in hours {
            if let Some(file) = &hour.file {
                files.entry(file.id).or_insert_with(|| (file, Vec::new())).1.push(hour.hour);
            }
        }
        let mut cursors = Vec::new();
        let mut feeding = tokio::task::JoinSet::new();
        for (file, hours) in files.into_values() {
            let rows = self.archive().read(file, Vec::new()).await?;
            let (sender, receiver) = pages();
            feeding.spawn(async move { only_hours(rows, &hours, sender).await });
            cursors.push(Cursor::new(receiver));
        }
        let (merged, to_write) = pages();
        tokio::join!(merge(cursors, merged), self.archive().write(name, to_write)).1
    }
}

/// Released, nothing late, and nothing of it in the journal.
fn is_settled(hours: &[Hour]) -> bool {
    hours.iter().all(|hour| {
        hour.state == HourState::Released && !hour.is_dirty && hour.n_rows == 0 && hour.lost == 0
    })
}

/// Days with more than one file.
fn days_in_pieces(connection: &Connection) -> rusqlite::Result<Vec<Time>> {
    let mut statement = connection.prepare_cached(
        "SELECT hour / 86400000 AS day FROM hours WHERE state = 'released' AND file IS NOT NULL \
         GROUP BY day HAVING count(DISTINCT file) > 1 ORDER BY day",
    )?;
    let days = statement.query_map([], |row| row.get::<_, i64>(0))?;
    days.map(|day| Ok(Time::from_millis_clamped(day? * 86_400_000))).collect()
}

fn swap(
    connection: &Connection,
    hours: &[Hour],
    (file, generation): (i64, u64),
    receipt: &Receipt,
    real: Time,
) -> rusqlite::Result<u64> {
    tables::finish_file(connection, file, receipt)?;
    let mut update =
        connection.prepare_cached("UPDATE hours SET file = ?2, generation = ?3 WHERE hour = ?1")?;
    for hour in hours.iter().filter(|hour| hour.file.is_some()) {
        update.execute(params![hour.hour.millis(), file, to_sql(generation)])?;
    }
    for old in hours.iter().filter_map(|hour| hour.file.as_ref()) {
        tables::supersede(connection, old.id, real)?;
    }
    Ok(hours.len() as u64)
}

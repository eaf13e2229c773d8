//! The next generation of an hour.

use model::Time;
use rusqlite::{Connection, params};
use tracing::info;

use super::Mover;
use super::rollups::{self, Rollups};
use crate::archive::digest::HourDigest;
use crate::archive::pages::{Cursor, merge};
use crate::archive::tables::{self, Hour, HourState};
use crate::archive::{HourSum, Pages, PagesSender, Part, Receipt, Row, pages};
use crate::queries::{bucket, observation};
use crate::readers::Readers;
use crate::rows::DatastreamKey;
use crate::sqlite::to_sql;
use crate::{StoreError, StoredObservation};

/// Rows that one read takes from each of an hour's six buckets.
const BUCKET_ROWS: usize = 8_192;

/// Spans written in one piece.
const SPANS: usize = 2_000;

impl Mover {
    pub(super) async fn rewrite(&mut self, hour: &Hour) -> Result<(), StoreError> {
        let up_to = match hour.state {
            HourState::Released => self.store.readers().read(tables::followed).await?,
            HourState::Open | HourState::Closed => self.store.last_commit(),
        };
        self.settle_late(hour, up_to).await?;
        let (name, generation) = self.name(Part::Hour(hour.hour), hour.generation).await?;
        let file = self.begin(&name).await?;
        let (receipt, rollups) = self.write(hour, up_to, &name).await?;
        self.add_spans(file, &receipt).await?;

        let sum = receipt.hours.get(&hour.hour).copied();
        let sum = sum.unwrap_or_else(|| HourDigest::default().finish());
        let swap = Swap {
            hour: hour.hour,
            generation,
            file,
            sum,
            up_to,
            old_file: hour.file.as_ref().map(|file| file.id),
            real: self.real(),
        };
        let (n_rows, n_bytes) = (receipt.n_rows, receipt.n_bytes);
        self.store.writer().piece(move |c| swap.run(c, &receipt, &rollups)).await?;
        info!(hour = %hour.hour, generation, n_rows, n_bytes, "hour archived");
        Ok(())
    }

    pub(super) async fn begin(&self, name: &str) -> Result<i64, StoreError> {
        let name = name.to_owned();
        let file = self.store.writer().piece(move |c| tables::begin_file(c, &name)).await?;
        Ok(file.cast_signed())
    }

    pub(super) async fn add_spans(&self, file: i64, receipt: &Receipt) -> Result<(), StoreError> {
        for spans in receipt.spans.chunks(SPANS) {
            let spans = spans.to_vec();
            self.store.writer().piece(move |c| tables::add_spans(c, file, &spans)).await?;
        }
        Ok(())
    }

    /// Rows of the journal over those of the generation before.
    async fn write(
        &self,
        hour: &Hour,
        up_to: u64,
        name: &str,
    ) -> Result<(Receipt, Rollups), StoreError> {
        let mut sources = Vec::new();
        if hour.state == HourState::Released
            && let Some(file) = &hour.file
        {
            let of_file = self.archive().read(file, Vec::new()).await?;
            let (filtered, receiver) = pages();
            sources.push((Source::File(of_file, filtered), receiver));
        }
        let (sender, receiver) = pages();
        sources.push((Source::Journal(sender), receiver));

        let (sources, receivers): (Vec<_>, Vec<_>) = sources.into_iter().unzip();
        let (merged, to_sum) = pages();
        let (summed, to_write) = pages();
        let cursors = receivers.into_iter().map(Cursor::new).collect();
        let wanted = rollups::wanted(&self.store.directory(), &self.options.rollups);
        let mut rollups = Rollups::new(wanted, hour.hour);
        let feeding = async {
            for source in sources {
                match source {
                    Source::File(rows, sender) => {
                        only_hours(rows, &[hour.hour], sender).await;
                    }
                    Source::Journal(sender) => {
                        journal_rows(self.store.readers(), hour.hour, up_to, sender).await;
                    }
                }
            }
        };
        let receipt = tokio::join!(
            feeding,
            merge(cursors, merged),
            rollups.watch(to_sum, summed),
            self.archive().write(name, to_write),
        )
        .3?;
        Ok((receipt, rollups))
    }
}

enum Source {
    File(Pages, PagesSender),
    Journal(PagesSender),
}

/// Hands on the rows of some hours.
pub(super) async fn only_hours(mut rows: Pages, hours: &[Time], into: PagesSender) {
    while let Some(page) = rows.recv().await {
        let page = page.map(|mut page: Vec<Row>| {
            page.retain(|row| hours.contains(&row.hour()));
            page
        });
        if into.send(page).await.is_err() {
            return;
        }
    }
}

/// The hour's rows of commits up to `up_to`, by datastream and time. Each page
/// is a read of its own, so that the journal's log is not held up.
pub(crate) async fn journal_rows(readers: &Readers, hour: Time, up_to: u64, into: PagesSender) {
    let mut after = (0, i64::MIN);
    loop {
        let page = readers.read(move |c| journal_page(c, hour, up_to, after)).await;
        let (page, next) = match page {
            Ok((page, next)) => (Ok(page), next),
            Err(error) => (Err(error), None),
        };
        if into.send(page).await.is_err() {
            return;
        }
        match next {
            Some(next) => after = next,
            None => return,
        }
    }
}

type Key = (u32, i64);

/// Rows after a key, and the key that the next page begins after.
fn journal_page(
    connection: &Connection,
    hour: Time,
    up_to: u64,
    after: Key,
) -> rusqlite::Result<(Vec<Row>, Option<Key>)> {
    let mut statement = connection.prepare_cached(
        "SELECT datastream, time, since, value, quality, received, \"commit\" FROM observations \
         WHERE bucket = ?1 AND (datastream, time) > (?2, ?3) \
         ORDER BY datastream, time LIMIT ?4",
    )?;
    let mut rows: Vec<Row> = Vec::new();
    // Of buckets that have more: up to here all of them were read.
    let mut end: Option<Key> = None;
    for slot in 0..6 {
        let of_bucket = params![bucket(hour) + slot, after.0, after.1, to_sql(BUCKET_ROWS as u64)];
        let mut found = statement.query(of_bucket)?;
        let mut n = 0;
        let mut last = after;
        while let Some(row) = found.next()? {
            let datastream = DatastreamKey(row.get(0)?);
            let observation: StoredObservation = observation(row, 1)?;
            n += 1;
            last = (datastream.0, observation.time.millis());
            if observation.commit <= up_to {
                rows.push(Row { datastream, observation });
            }
        }
        if n == BUCKET_ROWS {
            end = Some(end.map_or(last, |end| end.min(last)));
        }
    }
    if let Some((datastream, time)) = end {
        rows.retain(|row| (row.datastream.0, row.observation.time.millis()) <= (datastream, time));
    }
    rows.sort_unstable_by_key(Row::key);
    Ok((rows, end))
}

/// What makes a generation count.
struct Swap {
    hour: Time,
    generation: u64,
    file: i64,
    sum: HourSum,
    up_to: u64,
    old_file: Option<i64>,
    real: Time,
}

impl Swap {
    fn run(
        &self,
        connection: &Connection,
        receipt: &Receipt,
        rollups: &Rollups,
    ) -> rusqlite::Result<u64> {
        tables::finish_file(connection, self.file, receipt)?;
        let n_swapped = connection
            .prepare_cached(
                "UPDATE hours SET state = CASE state WHEN 'open' THEN 'closed' ELSE state END, \
                 generation = ?2, file = ?3, digest = ?4, archived_rows = ?5, \
                 archived_commit = ?6, dirty = (changed > ?6) WHERE hour = ?1",
            )?
            .execute(params![
                self.hour.millis(),
                to_sql(self.generation),
                self.file,
                self.sum.digest,
                to_sql(self.sum.n_rows),
                to_sql(self.up_to),
            ])?;
        if let Some(old) = self.old_file {
            tables::supersede(connection, old, self.real)?;
        }
        rollups.write(connection)?;
        Ok(n_swapped as u64)
    }
}

//! The archive: where rows are kept once they leave the journal.
//!
//! An hour of event time that has ended is written as a *generation*: an
//! immutable part of the archive that holds all its rows. Late rows make the
//! next generation. Only the journal's table `hours` says which generation an
//! hour is read from, so writing one changes nothing until a transaction names
//! it. The protocol of the border is in `mover/mod.rs`, reading in `read.rs`.

mod backup;
pub(crate) mod digest;
mod hourly;
mod mover;
mod pages;
pub(crate) mod parquet;
mod read;
mod repair;
mod tables;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use model::Time;
use tokio::sync::mpsc;

use crate::rejected::HOUR;
use crate::rows::DatastreamKey;
use crate::{Directory, StoreError, StoredObservation};

pub use backup::{BackupReport, backup, restore};
pub use hourly::HourlyRow;
pub use mover::{Mover, MoverOptions, Step as MoverStep};
pub use parquet::ParquetExport;
pub(crate) use read::History;
pub use repair::{RepairReport, repair};
pub(crate) use tables::File;
pub use verify::{Damage, Progress, VerifyReport, verify};

/// One observation on its way into or out of the archive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    pub(crate) datastream: DatastreamKey,
    pub(crate) observation: StoredObservation,
}

impl Row {
    pub(crate) fn key(&self) -> (DatastreamKey, Time) {
        (self.datastream, self.observation.time)
    }

    pub(crate) fn hour(&self) -> Time {
        self.observation.time.floor_to(HOUR)
    }
}

/// Rows of one page; a stream of rows is never in memory as a whole.
pub(crate) const PAGE_ROWS: usize = 65_536;

/// Rows in order of datastream and time. After an error nothing comes any more.
pub(crate) type Pages = mpsc::Receiver<Result<Vec<Row>, StoreError>>;
pub(crate) type PagesSender = mpsc::Sender<Result<Vec<Row>, StoreError>>;

/// One page under way besides the two that both ends hold.
pub(crate) fn pages() -> (PagesSender, Pages) {
    mpsc::channel(1)
}

/// What a file holds: an hour, or the settled hours of a day. Days and hours
/// are those of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Hour(Time),
    Day(Time),
}

impl Part {
    /// As `2026-07-25/08.1.parquet` or `2026-07-25/day.4.parquet`.
    pub(crate) fn name(self, generation: u64) -> String {
        let (Part::Hour(start) | Part::Day(start)) = self;
        let text = start.to_jiff().to_string();
        // A year before 0 or after 9999 cannot be: `Time` ends there.
        let (day, hour) = (&text[..10], &text[11..13]);
        match self {
            Part::Hour(_) => format!("{day}/{hour}.{generation}.parquet"),
            Part::Day(_) => format!("{day}/day.{generation}.parquet"),
        }
    }
}

/// Where the rows of one datastream lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) datastream: DatastreamKey,
    pub(crate) row_first: u64,
    pub(crate) n_rows: u64,
    pub(crate) time_min: Time,
    pub(crate) time_max: Time,
}

/// Rows and digest of one hour, see [`digest::HourDigest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HourSum {
    pub(crate) n_rows: u64,
    pub(crate) digest: [u8; 32],
}

/// What was written and read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) n_rows: u64,
    pub(crate) n_bytes: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) hours: BTreeMap<Time, HourSum>,
    pub(crate) spans: Vec<Span>,
}

/// Rows `row_first` to `row_first + n_rows` of a file. The first of them is the
/// first of its datastream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) row_first: u64,
    pub(crate) n_rows: u64,
}

/// A place that keeps generations. What is written is durable and was read
/// back when the call returns; what is not named by `hours` counts for nothing.
#[async_trait]
pub(crate) trait Archive: fmt::Debug + Send + Sync {
    /// Writes all of `rows` under a new name; an existing name is refused.
    async fn write(&self, name: &str, rows: Pages) -> Result<Receipt, StoreError>;

    /// The rows of some slices in their order, all of them where there are none.
    async fn read(&self, file: &File, slices: Vec<Slice>) -> Result<Pages, StoreError>;

    /// Removes a generation that no hour names; one that is gone is no error.
    async fn remove(&self, name: &str) -> Result<(), StoreError>;

    /// Keeps what the keys stand for beside the rows.
    async fn describe(&self, directory: Arc<Directory>) -> Result<(), StoreError>;

    async fn has(&self, name: &str) -> Result<bool, StoreError>;
}

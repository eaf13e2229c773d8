//! Durable state: the journal (SQLite, one writer), the archive (Parquet files
//! for hours that are no longer hot) and the registry (a second SQLite file
//! with credentials, users, sessions and the audit).
//!
//! An acknowledgement follows `commit`: when it returns, the rows are on disk
//! with an fsync, together with the ledger that counts them.

mod archive;
mod buckets;
mod directory;
mod document;
mod error;
mod files;
mod follower;
mod journal;
mod queries;
mod query;
mod readers;
mod registry;
mod rejected;
mod rows;
mod series;
mod space;
mod sqlite;
mod store;
mod table;
mod tick;

pub use archive::{
    BackupReport, Damage, HourlyRow, Mover, MoverOptions, MoverStep, ParquetExport, Progress,
    RepairReport, VerifyReport, backup, repair, restore, verify,
};
pub use directory::{DatastreamRecord, Directory, ThingRecord};
pub use document::{DocumentOutcome, DocumentRefusal, StoredDocument};
pub use error::StoreError;
pub use follower::{Commit, Content, Follower};
pub use query::{
    Aggregate, AggregateRow, LatestRow, LedgerRow, QuarantineFilter, Quarantined, Rejected, Step,
    StoredObservation, TimeRange,
};
pub use registry::{AuditEntry, Credential, Registry, Role, Session, UnknownRole, User};
pub use rows::{
    Committed, DatastreamKey, ObservationRow, QuarantineRow, RefusalRow, Rows, SourceKey,
};
pub use series::{
    Downsampling, ExportReader, SeriesReader, SeriesWindow, Thinned, Thinner, WindowValue, Windows,
    lttb, min_max,
};
pub use space::FREE_BYTES_MIN;
pub use store::{Expected, Journal, PutOutcome, StartReport, Store, StoreOptions, ThingRefusal};
pub use table::{Cells, Table};
pub use tick::{
    AlertFilter, AlertRow, AlertTransitionRow, MemoryPart, OutboxNew, OutboxRow, OutboxState,
    ScoreFilter, ScoreRow, TickRow, TickWrite, UnknownOutboxState,
};

//! The handle that the rest of the program holds.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::{Channel, Clock, Origin, PropertyId, SourceName, Thing, ThingId};
use tokio::sync::watch;

use crate::archive::History;
use crate::archive::parquet::ParquetArchive;
use crate::files::{ARCHIVE, DataDirectory};
use crate::journal::{self, Shared, Started, WriterHandle};
use crate::query::Step;
use crate::readers::Readers;
use crate::space::Space;
use crate::{
    Aggregate, AggregateRow, Committed, DatastreamKey, Directory, LatestRow, LedgerRow,
    QuarantineFilter, Quarantined, Registry, Rejected, Rows, SourceKey, StoreError,
    StoredObservation, TimeRange, queries,
};

#[derive(Debug, Clone)]
pub struct StoreOptions {
    pub directory: PathBuf,
    /// Must agree with the directory's own once it exists; `None` takes what
    /// is there, or `real` for a new one.
    pub origin: Option<Origin>,
    pub clock: Clock,
    /// Readers besides the writer.
    pub n_readers: usize,
    /// Datastreams a single thing may have.
    pub datastreams_per_thing_max: usize,
}

/// What was found at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReport {
    pub origin: Origin,
    pub is_new: bool,
    pub commit: u64,
    /// Commits that were acknowledged and are missing: the journal is behind
    /// its side file. An operator must be told.
    pub lost_acknowledged: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    Created { revision: u64 },
    Updated { revision: u64 },
    Unchanged { revision: u64 },
    Refused(ThingRefusal),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThingRefusal {
    #[error("thing `{0}` exists already")]
    Exists(ThingId),
    #[error("thing `{0}` does not exist")]
    Missing(ThingId),
    #[error("thing `{thing}` is at revision {found}, not {expected}")]
    Stale { thing: ThingId, expected: u64, found: u64 },
    #[error("thing `{thing}` has {found} datastreams, at most {max} are allowed")]
    TooManyDatastreams { thing: ThingId, found: usize, max: usize },
    #[error("thing `{thing}` is a {found} and cannot become a {wanted}")]
    KindFixed { thing: ThingId, found: String, wanted: String },
}

/// Which state of a thing a write expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Any,
    Absent,
    Revision(u64),
}

/// The seam at which tests put a journal that fails on purpose.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Returns when the rows are durable. On an error nothing of them is, and
    /// the caller may offer the same rows again.
    async fn commit(&self, rows: &Arc<Rows>) -> Result<Committed, StoreError>;
}

/// Cheap to clone. The last clone dropped closes the files.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    writer: WriterHandle,
    registry: Registry,
    origin: Origin,
    history: History,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("journal", &self.0.shared.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Journal for Store {
    async fn commit(&self, rows: &Arc<Rows>) -> Result<Committed, StoreError> {
        self.0.writer.commit(rows).await
    }
}

impl Store {
    /// Opens or creates the files under `options.directory`, holds its lock,
    /// and runs the start checks. Blocking: call it before the runtime is busy.
    pub fn open(options: StoreOptions) -> Result<(Store, StartReport), StoreError> {
        let directory = Arc::new(DataDirectory::take(&options.directory)?);
        let space = Arc::new(Space::new(Arc::clone(&directory)));
        let registry = Registry::open(&directory, &space)?;
        let known = registry.origin()?;
        let Started { shared, writer, report } =
            journal::start(&options, &directory, &space, known)?;
        registry.store_origin(report.origin)?;
        let history = History {
            readers: shared.readers.clone(),
            archive: Arc::new(ParquetArchive::new(directory.file(ARCHIVE))),
        };
        let origin = report.origin;
        let store = Store(Arc::new(Inner { shared, writer, registry, origin, history }));
        Ok((store, report))
    }

    /// Waits for open commits and closes the writer.
    pub async fn close(&self) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.0);
        let closed = tokio::task::spawn_blocking(move || inner.writer.close()).await;
        closed.map_err(|error| StoreError::Unavailable {
            detail: format!("the journal did not close: {error}"),
            source: None,
        })
    }

    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    pub(crate) fn writer(&self) -> &WriterHandle {
        &self.0.writer
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.0.shared.readers
    }

    pub(crate) fn history(&self) -> &History {
        &self.0.history
    }

    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub fn directory(&self) -> Arc<Directory> {
        self.0.shared.directory.load_full()
    }

    pub fn last_commit(&self) -> u64 {
        self.0.shared.last_commit()
    }

    /// Becomes true when the journal cannot go on: the process must end with an
    /// error and be started again.
    pub fn fatal(&self) -> watch::Receiver<bool> {
        self.0.shared.watch_fatal()
    }

    /// What the file system under the journal has left. After
    /// [`StoreError::Full`] commits pass again from
    /// [`FREE_BYTES_MIN`](crate::FREE_BYTES_MIN) on.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        self.0.shared.space.free_bytes()
    }

    /// The source's integer; registers the name at first sight (at most 64).
    pub async fn source(&self, name: &SourceName) -> Result<SourceKey, StoreError> {
        match self.0.shared.source(name) {
            Some(known) => Ok(known),
            None => self.0.writer.source(name.clone()).await,
        }
    }

    pub fn source_name(&self, key: SourceKey) -> Option<SourceName> {
        self.0.shared.source_name(key)
    }

    /// Creates or updates things in one transaction; a refused one costs only itself.
    /// A thing keeps the datastreams it has, also those not given.
    pub async fn put_things(
        &self,
        things: Vec<(Thing, Expected)>,
    ) -> Result<Vec<PutOutcome>, StoreError> {
        self.0.writer.put_things(things).await
    }

    /// The datastream's key; registers it at its thing if it is not there yet.
    pub async fn ensure_datastream(
        &self,
        thing: &ThingId,
        property: &PropertyId,
        channel: Option<&Channel>,
    ) -> Result<Result<DatastreamKey, ThingRefusal>, StoreError> {
        let local = (property.clone(), channel.cloned());
        let directory = self.0.shared.directory.load();
        let known = directory.things.get(thing).and_then(|thing| thing.datastreams.get(&local));
        if let Some(key) = known {
            return Ok(Ok(*key));
        }
        drop(directory);
        let (property, channel) = local;
        self.0.writer.ensure_datastream(thing.clone(), property, channel).await
    }

    pub async fn latest(&self) -> Result<Vec<LatestRow>, StoreError> {
        self.0.shared.readers.read(queries::latest).await
    }

    /// In order of their keys; datastreams without an observation are left out.
    pub async fn latest_of(
        &self,
        datastreams: &[DatastreamKey],
    ) -> Result<Vec<LatestRow>, StoreError> {
        let wanted = datastreams.to_vec();
        self.0.shared.readers.read(move |c| queries::latest_of(c, &wanted)).await
    }

    /// Rows in time order, at most `limit`, from `range.start` on.
    pub async fn observations(
        &self,
        datastream: DatastreamKey,
        range: TimeRange,
        limit: usize,
    ) -> Result<Vec<StoredObservation>, StoreError> {
        self.0.history.observations(datastream, range, limit).await
    }

    /// The rows of several datastreams as of one commit, each in time order;
    /// the commit is that of the picture. At most `limit` rows in all, which
    /// cuts off the end of the range.
    pub async fn slices(
        &self,
        datastreams: Vec<DatastreamKey>,
        range: TimeRange,
        limit: usize,
    ) -> Result<(u64, Vec<Vec<StoredObservation>>), StoreError> {
        self.0.history.slices(datastreams, range, None, limit).await
    }

    /// Rows of several datastreams, each in time order, as they were when
    /// `as_of` was the last commit: later rows are left out, and the values
    /// that they took the place of are there. At most `limit` rows in all,
    /// which cuts off the end of the range.
    pub async fn slices_as_of(
        &self,
        keys: Vec<DatastreamKey>,
        range: TimeRange,
        as_of: u64,
        limit: usize,
    ) -> Result<Vec<Vec<StoredObservation>>, StoreError> {
        let (_, slices) = self.0.history.slices(keys, range, Some(as_of), limit).await?;
        Ok(slices)
    }

    /// Things and their datastreams as they were when `as_of` was the last
    /// commit, in order of their ids.
    pub async fn things_as_of(&self, as_of: u64) -> Result<Vec<Thing>, StoreError> {
        self.readers().read(move |c| queries::as_of::things(c, as_of)).await
    }

    /// Failed values are left out, and windows without a value. At most `limit`
    /// windows.
    pub async fn aggregate(
        &self,
        datastream: DatastreamKey,
        range: TimeRange,
        step: Step,
        aggregate: Aggregate,
        limit: usize,
    ) -> Result<Vec<AggregateRow>, StoreError> {
        self.0.history.aggregate(datastream, range, step, aggregate, limit).await
    }

    /// Values that another value of the same time took the place of.
    pub async fn replaced(
        &self,
        datastream: DatastreamKey,
        range: TimeRange,
        limit: usize,
    ) -> Result<Vec<StoredObservation>, StoreError> {
        let query = move |c: &_| queries::replaced(c, datastream, range, limit);
        self.0.shared.readers.read(query).await
    }

    /// Rows of every hour that begins in the range, and of the one it begins in.
    pub async fn ledger(&self, range: TimeRange) -> Result<Vec<LedgerRow>, StoreError> {
        self.0.shared.readers.read(move |c| queries::ledger(c, range)).await
    }

    /// Counts a connection or packet that died below the ledger. Never waits:
    /// counts are kept in a bounded map and written with the next commit, or
    /// within a second.
    pub fn count_rejected(&self, peer: &str, reason: &'static str) {
        let shared = &self.0.shared;
        shared.rejected.count(shared.clock.scene(), peer, reason);
    }

    pub async fn rejected(&self, range: TimeRange) -> Result<Vec<Rejected>, StoreError> {
        self.0.shared.readers.read(move |c| queries::rejected(c, range)).await
    }

    /// Newest first; `before` is the id of the last one of the page before.
    pub async fn quarantine(
        &self,
        filter: QuarantineFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Quarantined>, StoreError> {
        let query = move |c: &_| queries::quarantine(c, &filter, before, limit);
        self.0.shared.readers.read(query).await
    }

    pub async fn quarantined(&self, id: u64) -> Result<Option<Quarantined>, StoreError> {
        self.0.shared.readers.read(move |c| queries::quarantined(c, id)).await
    }

    /// Refused when there is no such row.
    pub async fn mark_redriven(&self, id: u64) -> Result<(), StoreError> {
        self.0.writer.mark_redriven(id).await
    }

    /// A write and an fsync, and a read: what readiness is made of.
    pub async fn probe_write(&self) -> Result<Duration, StoreError> {
        let begun = Instant::now();
        self.0.writer.probe().await?;
        Ok(begun.elapsed())
    }

    pub async fn probe_read(&self) -> Result<Duration, StoreError> {
        let begun = Instant::now();
        self.0.shared.readers.read(queries::last_commit).await?;
        Ok(begun.elapsed())
    }
}

//! The journal: one SQLite file, one thread that writes it.
//!
//! The writer's thread owns the only connection that writes. It takes batches
//! from one bounded channel and urgent work (ticks, documents, things, sources,
//! marks, probes) from another, which goes first. Each batch is one transaction
//! with its own commit number; the answer is sent when `COMMIT` returned, that
//! is after the fsync. Pieces of the mover's work come last.

mod checkpoint;
mod commit;
mod commits;
mod conflict;
mod documents;
mod latest;
mod sources;
mod start;
mod things;
mod ticks;
mod transactions;
mod upkeep;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use model::{Channel, Clock, Document, PropertyId, SourceName, Thing, ThingId, Time};
use rusqlite::Connection;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::files::SideFile;
use crate::follower::Live;
use crate::readers::Readers;
use crate::rejected::RejectedCounts;
use crate::space::Space;
use crate::{
    Committed, DatastreamKey, Directory, DocumentOutcome, Expected, OutboxState, PutOutcome, Rows,
    SourceKey, StoreError, ThingRefusal, TickWrite,
};

pub(crate) use start::{
    Started, compact_time, open, set_aside_all, start, store_origin, stored_origin,
};
use writer::Writer;

/// Batches that wait for the writer, besides the one under way.
const BATCHES_MAX: usize = 8;
const URGENT_MAX: usize = 64;

/// The mover waits for each of its pieces.
const PIECES_MAX: usize = 1;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

#[derive(Debug)]
struct Batch {
    rows: Arc<Rows>,
    reply: Reply<Committed>,
}

/// A short transaction without a commit number: it moves rows and changes none.
/// It may run again, and answers with a count.
struct Piece {
    work: PieceWork,
    reply: Reply<u64>,
}

pub(crate) type PieceWork = Box<dyn Fn(&Connection) -> rusqlite::Result<u64> + Send>;

#[derive(Debug)]
enum Urgent {
    Source {
        name: SourceName,
        reply: Reply<SourceKey>,
    },
    PutThings {
        things: Vec<(Thing, Expected)>,
        reply: Reply<Vec<PutOutcome>>,
    },
    EnsureDatastream {
        thing: ThingId,
        property: PropertyId,
        channel: Option<Channel>,
        reply: Reply<Result<DatastreamKey, ThingRefusal>>,
    },
    MarkRedriven {
        id: u64,
        reply: Reply<()>,
    },
    PutDocument {
        document: Box<Document>,
        expected: Expected,
        actor: String,
        reply: Reply<DocumentOutcome>,
    },
    Tick {
        write: Box<TickWrite>,
        reply: Reply<u64>,
    },
    OutboxUpdate {
        id: u64,
        state: OutboxState,
        next_try: Option<Time>,
        detail: String,
        reply: Reply<()>,
    },
    Probe {
        reply: Reply<()>,
    },
}

/// What the handle, the writer and the checkpointer see of each other.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) directory: ArcSwap<Directory>,
    /// The source of key `k` stands at `k - 1`.
    pub(crate) sources: ArcSwap<Vec<SourceName>>,
    pub(crate) last_commit: AtomicU64,
    /// Gone when the writer has ended.
    pub(crate) commits: broadcast::WeakSender<Live>,
    pub(crate) rejected: RejectedCounts,
    pub(crate) readers: Readers,
    pub(crate) space: Arc<Space>,
    side: SideFile,
    fatal: watch::Sender<bool>,
    datastreams_per_thing_max: usize,
}

impl Shared {
    pub(crate) fn source(&self, name: &SourceName) -> Option<SourceKey> {
        let place = self.sources.load().iter().position(|known| known == name)?;
        Some(SourceKey(u16::try_from(place + 1).expect("at most 64 sources")))
    }

    pub(crate) fn source_name(&self, key: SourceKey) -> Option<SourceName> {
        self.sources.load().get(usize::from(key.0).checked_sub(1)?).cloned()
    }

    pub(crate) fn watch_fatal(&self) -> watch::Receiver<bool> {
        self.fatal.subscribe()
    }

    pub(crate) fn last_commit(&self) -> u64 {
        self.last_commit.load(Ordering::Acquire)
    }
}

#[derive(Debug, Clone)]
struct Senders {
    batches: mpsc::Sender<Batch>,
    urgent: mpsc::Sender<Urgent>,
    pieces: mpsc::Sender<Piece>,
}

/// The way to the writer's thread. Dropping it lets the writer finish what it
/// was given, and waits for that.
#[derive(Debug)]
pub(crate) struct WriterHandle {
    senders: Mutex<Option<Senders>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl WriterHandle {
    fn spawn(writer: Writer) -> Result<WriterHandle, StoreError> {
        let (batches, batches_waiting) = mpsc::channel(BATCHES_MAX);
        let (urgent, urgent_waiting) = mpsc::channel(URGENT_MAX);
        let (pieces, pieces_waiting) = mpsc::channel(PIECES_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(urgent_waiting, batches_waiting, pieces_waiting))
            .map_err(|error| StoreError::from_io("start the writer", &error))?;
        Ok(WriterHandle {
            senders: Mutex::new(Some(Senders { batches, urgent, pieces })),
            thread: Mutex::new(Some(thread)),
        })
    }

    fn senders(&self) -> Result<Senders, StoreError> {
        let senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.clone().ok_or_else(StoreError::closed)
    }

    pub(crate) async fn commit(&self, rows: &Arc<Rows>) -> Result<Committed, StoreError> {
        let (reply, answer) = oneshot::channel();
        let batch = Batch { rows: Arc::clone(rows), reply };
        self.senders()?.batches.send(batch).await.map_err(|_| StoreError::closed())?;
        answer.await.map_err(|_| StoreError::closed())?
    }

    /// Runs when nothing else waits, or when enough else was done meanwhile.
    pub(crate) async fn piece(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<u64> + Send + 'static,
    ) -> Result<u64, StoreError> {
        let (reply, answer) = oneshot::channel();
        let piece = Piece { work: Box::new(work), reply };
        self.senders()?.pieces.send(piece).await.map_err(|_| StoreError::closed())?;
        answer.await.map_err(|_| StoreError::closed())?
    }

    async fn urgent<T>(&self, work: impl FnOnce(Reply<T>) -> Urgent) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.senders()?.urgent.send(work(reply)).await.map_err(|_| StoreError::closed())?;
        answer.await.map_err(|_| StoreError::closed())?
    }

    pub(crate) async fn source(&self, name: SourceName) -> Result<SourceKey, StoreError> {
        self.urgent(|reply| Urgent::Source { name, reply }).await
    }

    pub(crate) async fn put_things(
        &self,
        things: Vec<(Thing, Expected)>,
    ) -> Result<Vec<PutOutcome>, StoreError> {
        self.urgent(|reply| Urgent::PutThings { things, reply }).await
    }

    pub(crate) async fn ensure_datastream(
        &self,
        thing: ThingId,
        property: PropertyId,
        channel: Option<Channel>,
    ) -> Result<Result<DatastreamKey, ThingRefusal>, StoreError> {
        self.urgent(|reply| Urgent::EnsureDatastream { thing, property, channel, reply }).await
    }

    pub(crate) async fn mark_redriven(&self, id: u64) -> Result<(), StoreError> {
        self.urgent(|reply| Urgent::MarkRedriven { id, reply }).await
    }

    pub(crate) async fn put_document(
        &self,
        document: Document,
        expected: Expected,
        actor: String,
    ) -> Result<DocumentOutcome, StoreError> {
        let document = Box::new(document);
        self.urgent(|reply| Urgent::PutDocument { document, expected, actor, reply }).await
    }

    pub(crate) async fn write_tick(&self, write: TickWrite) -> Result<u64, StoreError> {
        self.urgent(|reply| Urgent::Tick { write: Box::new(write), reply }).await
    }

    pub(crate) async fn outbox_update(
        &self,
        id: u64,
        state: OutboxState,
        next_try: Option<Time>,
        detail: String,
    ) -> Result<(), StoreError> {
        self.urgent(|reply| Urgent::OutboxUpdate { id, state, next_try, detail, reply }).await
    }

    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        self.urgent(|reply| Urgent::Probe { reply }).await
    }

    /// Takes no more work, and returns when what was given is done.
    pub(crate) fn close(&self) {
        drop(self.senders.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the journal's writer panicked");
        }
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.close();
    }
}

//! The stages behind the doors and the handle to them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use model::{Catalogue, Clock, ThingId, Time};
use store::{Committed, Journal, RefusalRow, Rows, SourceKey, Store};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::check::{Check, check_deliveries};
use crate::sequence::UpstreamGaps;
use crate::slots::{Cost, Slots};
use crate::writer::{Writer, write_batches};
use crate::{Ack, Delivery, Receipt, Route};

/// Batches a slow listener may be behind before it misses some.
const BATCHES_MAX: usize = 256;

/// Checked chunks between the two stages; their deliveries hold slots.
const CHUNKS_MAX: usize = 64;

#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// Deliveries and payload bytes between a door and their commit.
    pub deliveries_max: usize,
    pub bytes_in_flight_max: usize,
    /// Rows of one transaction.
    pub batch_rows_max: usize,
    /// At least this long between two fsyncs.
    pub commit_interval: Duration,
    pub codec_limits: codec::Limits,
    /// Readings further ahead of the clock are quarantined.
    pub future_max: Duration,
    /// Readings older than this are quarantined; `None` takes any age.
    pub age_max: Option<Duration>,
}

impl Default for PipelineOptions {
    fn default() -> PipelineOptions {
        PipelineOptions {
            deliveries_max: 20_000,
            bytes_in_flight_max: 32 << 20,
            batch_rows_max: 5_000,
            commit_interval: Duration::from_millis(5),
            codec_limits: codec::Limits::default(),
            future_max: Duration::from_secs(300),
            age_max: Some(Duration::from_secs(400 * 86_400)),
        }
    }
}

/// A durable batch, shared with whoever listens.
#[derive(Debug, Clone)]
pub struct CommittedBatch {
    pub committed: Committed,
    pub rows: Arc<Rows>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pipeline is shutting down")]
pub struct PipelineClosed;

/// For readiness and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipelineStatus {
    pub n_waiting: usize,
    pub bytes_in_flight: usize,
    /// Commits fail at this moment.
    pub is_stalled: bool,
    /// They fail because the disk is full.
    pub is_disk_full: bool,
}

/// What a door hands in.
#[derive(Debug)]
pub(crate) enum Input {
    Delivery(Delivery),
    Refusal(RefusalRow, Ack),
}

/// What the handle and the stages share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) slots: Slots,
    pub(crate) is_stalled: AtomicBool,
    pub(crate) is_disk_full: AtomicBool,
    pub(crate) batches: broadcast::Sender<Arc<CommittedBatch>>,
    /// Locked for one payload at a time, never across an await.
    pub(crate) gaps: Mutex<UpstreamGaps>,
    /// Held from looking at a quarantine entry until it is marked.
    pub(crate) redrive: tokio::sync::Mutex<()>,
}

impl Shared {
    pub(crate) fn new(options: &PipelineOptions) -> Shared {
        Shared {
            slots: Slots::new(options.deliveries_max, options.bytes_in_flight_max),
            is_stalled: AtomicBool::new(false),
            is_disk_full: AtomicBool::new(false),
            batches: broadcast::Sender::new(BATCHES_MAX),
            gaps: Mutex::default(),
            redrive: tokio::sync::Mutex::default(),
        }
    }
}

/// The handle of the doors. Cheap to clone; when the last clone is dropped the
/// stages drain, commit, acknowledge and end.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub(crate) shared: Arc<Shared>,
    input: mpsc::Sender<(Input, Cost)>,
    clock: Clock,
}

/// Ends when the pipeline has drained.
pub type PipelineTask = JoinHandle<()>;

impl Pipeline {
    /// `journal` is the store in production and a flaky one in tests.
    pub fn start(
        options: PipelineOptions,
        store: Store,
        journal: Arc<dyn Journal>,
        catalogue: Arc<Catalogue>,
        clock: Clock,
    ) -> (Pipeline, PipelineTask) {
        let shared = Arc::new(Shared::new(&options));
        // Whoever sends holds a slot, so this channel never makes anyone wait.
        let capacity = options.deliveries_max.max(1);
        let (input, deliveries) = mpsc::channel(capacity);
        let (checked, chunks) = mpsc::channel(CHUNKS_MAX);

        let writer =
            Writer::new(&options, journal, store.clone(), clock.clone(), Arc::clone(&shared));
        let check = Check::new(options, store, catalogue, clock.clone(), Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let mut stages = JoinSet::new();
            stages.spawn(check_deliveries(check, deliveries, checked));
            stages.spawn(write_batches(writer, chunks));
            while let Some(ended) = stages.join_next().await {
                if let Err(error) = ended
                    && error.is_panic()
                {
                    // Whoever awaits the task learns of it and ends the process.
                    std::panic::resume_unwind(error.into_panic());
                }
            }
        });
        (Pipeline { shared, input, clock }, task)
    }

    /// Waits while the pipeline is full.
    pub async fn submit(&self, delivery: Delivery) -> Result<(), PipelineClosed> {
        let bytes = delivery.payload.len() + delivery.topic.len();
        self.send(Input::Delivery(delivery), bytes).await
    }

    /// Submits and waits for the commit.
    pub async fn deliver(
        &self,
        source: SourceKey,
        topic: Arc<str>,
        route: Route,
        payload: Bytes,
    ) -> Result<Receipt, PipelineClosed> {
        let received = self.clock.scene();
        self.deliver_received(source, topic, Ok(route), payload, received).await
    }

    pub(crate) async fn deliver_received(
        &self,
        source: SourceKey,
        topic: Arc<str>,
        route: Result<Route, crate::RouteError>,
        payload: Bytes,
        received: Time,
    ) -> Result<Receipt, PipelineClosed> {
        let (ack, receipt) = Ack::to_receiver();
        let delivery =
            Delivery { source, topic, route, payload, received, is_retained: false, ack };
        self.submit(delivery).await?;
        receipt.await.map_err(|_| PipelineClosed)
    }

    /// Books a refusal; returns when it is durable.
    pub async fn refuse(&self, refusal: RefusalRow) -> Result<(), PipelineClosed> {
        let (ack, receipt) = Ack::to_receiver();
        let bytes = refusal.topic.len() + refusal.peer.len();
        self.send(Input::Refusal(refusal, ack), bytes).await?;
        receipt.await.map(|_| ()).map_err(|_| PipelineClosed)
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Arc<CommittedBatch>> {
        self.shared.batches.subscribe()
    }

    pub fn status(&self) -> PipelineStatus {
        PipelineStatus {
            n_waiting: self.shared.slots.n_taken(),
            bytes_in_flight: self.shared.slots.bytes_taken(),
            is_stalled: self.shared.is_stalled.load(Ordering::Relaxed),
            is_disk_full: self.shared.is_disk_full.load(Ordering::Relaxed),
        }
    }

    /// Things whose own count shows that payloads were lost before they
    /// reached us, and how many.
    pub fn upstream_gaps(&self) -> Vec<(ThingId, u64)> {
        self.shared.gaps.lock().expect("no holder of the lock panics").list()
    }

    async fn send(&self, input: Input, bytes: usize) -> Result<(), PipelineClosed> {
        if self.input.is_closed() {
            return Err(PipelineClosed);
        }
        let cost = self.shared.slots.take(bytes).await;
        self.input.try_send((input, cost)).map_err(|_| {
            self.shared.slots.release(cost);
            PipelineClosed
        })
    }
}

impl Ack {
    /// An acknowledgement that tells whoever waits.
    pub(crate) fn to_receiver() -> (Ack, oneshot::Receiver<Receipt>) {
        let (sender, receiver) = oneshot::channel();
        let ack = Ack::new(move |receipt| {
            // Nobody waits any more: the sender gave up and will send again.
            let _ = sender.send(receipt);
        });
        (ack, receiver)
    }
}

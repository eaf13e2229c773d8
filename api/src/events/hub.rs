//! The task that turns ticks and committed batches into events.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use ingest::{CommittedBatch, Pipeline};
use model::{Clock, Quality, Time};
use store::{DatastreamKey, Store, StoreError};
use tokio::sync::{broadcast, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::log::{Body, Change, EventId, HubEvent, Log};
use crate::score_source::ScoreTick;

pub(crate) struct HubParts {
    pub(crate) store: Store,
    pub(crate) pipeline: Pipeline,
    pub(crate) ticks: BoxStream<'static, ScoreTick>,
    pub(crate) clock: Clock,
    pub(crate) coalesce: Duration,
    pub(crate) shutdown: CancellationToken,
}

/// What clients read. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Held to append or to copy pointers only, never across an await.
    log: Mutex<Log>,
    /// Tells that there is something new.
    news: watch::Sender<()>,
    scores: Mutex<Option<Arc<ScoreTick>>>,
}

impl Hub {
    /// The hub, and the work that feeds it until the shutdown.
    pub(crate) async fn start(
        parts: HubParts,
    ) -> Result<(Hub, impl Future<Output = ()> + Send + use<>), StoreError> {
        let HubParts { store, pipeline, ticks, clock, coalesce, shutdown } = parts;
        // Subscribe, then read: nothing falls between the two.
        let batches = pipeline.subscribe();
        drop(pipeline);
        let base = EventId { commit: store.last_commit(), serial: serial_of(&clock) };
        let (news, _) = watch::channel(());
        let shared = Shared { log: Mutex::new(Log::new(base)), news, scores: Mutex::new(None) };
        let hub = Hub { shared: Arc::new(shared) };
        let mut feeder = Feeder {
            hub: hub.clone(),
            store,
            clock,
            known: HashMap::new(),
            pending: BTreeMap::new(),
        };
        feeder.read_latest().await?;
        feeder.pending.clear();
        Ok((hub, feeder.run(ticks, batches, coalesce, shutdown)))
    }

    pub(crate) fn latest_scores(&self) -> Option<Arc<ScoreTick>> {
        self.shared.scores.lock().expect("no holder of this lock can panic").clone()
    }

    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.shared.news.subscribe()
    }

    pub(super) fn last(&self) -> EventId {
        self.shared.log.lock().expect("no holder of this lock can panic").last()
    }

    pub(super) fn after(&self, place: EventId) -> Option<Vec<Arc<HubEvent>>> {
        self.shared.log.lock().expect("no holder of this lock can panic").after(place)
    }

    fn publish(&self, commit: u64, now_ms: u64, bodies: impl IntoIterator<Item = Body>) {
        let mut log = self.shared.log.lock().expect("no holder of this lock can panic");
        for body in bodies {
            log.push(commit, now_ms, body);
        }
        drop(log);
        self.shared.news.send_replace(());
    }
}

fn serial_of(clock: &Clock) -> u64 {
    u64::try_from(clock.real().millis()).unwrap_or(0)
}

/// The newest observation of a datastream that the hub has seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Newest {
    time: Time,
    value: f64,
    quality: Quality,
}

struct Feeder {
    hub: Hub,
    store: Store,
    clock: Clock,
    /// One entry for each datastream.
    known: HashMap<DatastreamKey, Newest>,
    /// Not yet published; at most one entry for each datastream.
    pending: BTreeMap<DatastreamKey, Newest>,
}

impl Feeder {
    async fn run(
        mut self,
        mut ticks: BoxStream<'static, ScoreTick>,
        mut batches: broadcast::Receiver<Arc<CommittedBatch>>,
        coalesce: Duration,
        shutdown: CancellationToken,
    ) {
        let mut flush = tokio::time::interval(coalesce.max(Duration::from_millis(10)));
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut has_ticks = true;
        let mut has_batches = true;
        loop {
            // All are cancel-safe: none holds an item it has taken.
            tokio::select! {
                () = shutdown.cancelled() => return,
                tick = ticks.next(), if has_ticks => match tick {
                    Some(tick) => self.publish_scores(tick),
                    None => has_ticks = false,
                },
                batch = batches.recv(), if has_batches => match batch {
                    Ok(batch) => self.note(&batch),
                    Err(broadcast::error::RecvError::Closed) => has_batches = false,
                    Err(broadcast::error::RecvError::Lagged(n_missed)) => {
                        warn!(n_missed, "event hub fell behind, reads the latest values again");
                        if let Err(error) = self.read_latest().await {
                            error!(%error, "latest values not read, streams may miss changes");
                        }
                    }
                },
                _ = flush.tick(), if !self.pending.is_empty() => self.publish_latest(),
            }
        }
    }

    fn note(&mut self, batch: &CommittedBatch) {
        for row in &batch.rows.observations {
            let newest = Newest { time: row.time, value: row.value, quality: row.quality };
            self.note_one(row.datastream, newest);
        }
    }

    /// Latest is by event time: what arrives late changes nothing here.
    fn note_one(&mut self, datastream: DatastreamKey, newest: Newest) {
        let is_news = self
            .known
            .get(&datastream)
            .is_none_or(|known| newest.time >= known.time && newest != *known);
        if is_news {
            self.known.insert(datastream, newest);
            self.pending.insert(datastream, newest);
        }
    }

    async fn read_latest(&mut self) -> Result<(), StoreError> {
        for row in self.store.latest().await? {
            let observation = row.observation;
            let newest = Newest {
                time: observation.time,
                value: observation.value,
                quality: observation.quality,
            };
            self.note_one(row.datastream, newest);
        }
        Ok(())
    }

    fn publish_latest(&mut self) {
        let directory = self.store.directory();
        let changes: Vec<Change> = std::mem::take(&mut self.pending)
            .into_iter()
            .filter_map(|(key, newest)| {
                let id = &directory.datastreams.get(&key)?.id;
                let thing = directory.things.get(&id.thing)?;
                Some(Change {
                    datastream: id.to_string().into(),
                    township: thing.thing.township,
                    time: newest.time,
                    value: newest.value,
                    quality: newest.quality.flag().code(),
                })
            })
            .collect();
        let commit = self.store.last_commit();
        if !changes.is_empty() {
            self.hub.publish(commit, serial_of(&self.clock), [Body::Latest(changes)]);
        }
    }

    fn publish_scores(&mut self, tick: ScoreTick) {
        let bodies: Vec<Body> = tick
            .scores
            .iter()
            .filter_map(|(township, score)| match serde_json::to_string(&**score) {
                Ok(data) => Some(Body::Score { township: *township, data: data.into() }),
                Err(error) => {
                    error!(%error, %township, "score not written");
                    None
                }
            })
            .collect();
        let tick = Arc::new(tick);
        let commit = tick.commit;
        *self.hub.shared.scores.lock().expect("no holder of this lock can panic") = Some(tick);
        self.hub.publish(commit, serial_of(&self.clock), bodies);
    }
}

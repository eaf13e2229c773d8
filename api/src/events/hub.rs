//! The task that turns ticks, alerts and committed batches into events.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use analytics::CountyTick;
use analytics::record::{AlertRecord, ScoreRecord};
use ingest::{CommittedBatch, Pipeline};
use model::{Clock, Quality, Time};
use store::{DatastreamKey, Store, StoreError};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::log::{Body, Change, EventId, HubEvent, Log, ScoreKey};
use crate::problem::Language;
use crate::wire::{AlertView, ScoreFacts};

pub(crate) struct HubParts {
    pub(crate) store: Store,
    pub(crate) pipeline: Pipeline,
    /// The newest tick when the receivers were made.
    pub(crate) latest: Option<Arc<CountyTick>>,
    pub(crate) ticks: broadcast::Receiver<Arc<CountyTick>>,
    pub(crate) alerts: broadcast::Receiver<Arc<Vec<AlertRecord>>>,
    pub(crate) facts: ScoreFacts,
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
}

impl Hub {
    /// The hub, and the work that feeds it until the shutdown.
    pub(crate) async fn start(
        parts: HubParts,
    ) -> Result<(Hub, impl Future<Output = ()> + Send + use<>), StoreError> {
        let HubParts { store, pipeline, latest, ticks, alerts, facts, clock, coalesce, shutdown } =
            parts;
        // Subscribe, then read: nothing falls between the two.
        let batches = pipeline.subscribe();
        drop(pipeline);
        let base = EventId { commit: store.last_commit(), serial: serial_of(&clock) };
        let (news, _) = watch::channel(());
        let hub = Hub { shared: Arc::new(Shared { log: Mutex::new(Log::new(base)), news }) };
        let mut feeder = Feeder {
            hub: hub.clone(),
            store,
            clock,
            facts,
            shown: HashMap::new(),
            known: HashMap::new(),
            pending: BTreeMap::new(),
        };
        feeder.read_latest().await?;
        feeder.pending.clear();
        if let Some(tick) = &latest {
            feeder.note_scores(tick);
        }
        let incoming = Incoming { ticks, alerts, batches };
        Ok((hub, feeder.run(incoming, coalesce, shutdown)))
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

    fn forget(&self, now_ms: u64) {
        self.shared.log.lock().expect("no holder of this lock can panic").forget(now_ms);
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

struct Incoming {
    ticks: broadcast::Receiver<Arc<CountyTick>>,
    alerts: broadcast::Receiver<Arc<Vec<AlertRecord>>>,
    batches: broadcast::Receiver<Arc<CommittedBatch>>,
}

struct Feeder {
    hub: Hub,
    store: Store,
    clock: Clock,
    facts: ScoreFacts,
    /// The newest score of each township and index that was published.
    shown: HashMap<ScoreKey, Arc<ScoreRecord>>,
    /// One entry for each datastream.
    known: HashMap<DatastreamKey, Newest>,
    /// Not yet published; at most one entry for each datastream.
    pending: BTreeMap<DatastreamKey, Newest>,
}

impl Feeder {
    async fn run(mut self, incoming: Incoming, coalesce: Duration, shutdown: CancellationToken) {
        let Incoming { mut ticks, mut alerts, mut batches } = incoming;
        let mut flush = tokio::time::interval(coalesce.max(Duration::from_millis(10)));
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut has_ticks, mut has_alerts, mut has_batches) = (true, true, true);
        loop {
            // All are cancel-safe: none holds an item it has taken.
            tokio::select! {
                () = shutdown.cancelled() => return,
                tick = ticks.recv(), if has_ticks => match tick {
                    Ok(tick) => self.publish_scores(&tick),
                    // A tick holds all scores: those missed need not be seen.
                    Err(RecvError::Lagged(_)) => (),
                    Err(RecvError::Closed) => has_ticks = false,
                },
                changed = alerts.recv(), if has_alerts => match changed {
                    Ok(changed) => self.publish_alerts(&changed),
                    Err(RecvError::Closed) => has_alerts = false,
                    Err(RecvError::Lagged(n_missed)) => {
                        warn!(n_missed, "event hub missed alerts, streams begin anew");
                        self.hub.forget(serial_of(&self.clock));
                    }
                },
                batch = batches.recv(), if has_batches => match batch {
                    Ok(batch) => self.note(&batch),
                    Err(RecvError::Closed) => has_batches = false,
                    Err(RecvError::Lagged(n_missed)) => {
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
            self.hub.publish(commit, serial_of(&self.clock), [Body::Latest(changes.into())]);
        }
    }

    /// Takes a tick in and says which of its scores were evaluated anew.
    fn note_scores(&mut self, tick: &CountyTick) -> Vec<Arc<ScoreRecord>> {
        let mut changed = Vec::new();
        for record in &tick.scores {
            let key = (record.index, record.feature);
            let is_shown = self.shown.get(&key).is_some_and(|shown| Arc::ptr_eq(shown, record));
            if !is_shown {
                self.shown.insert(key, Arc::clone(record));
                changed.push(Arc::clone(record));
            }
        }
        changed
    }

    fn publish_scores(&mut self, tick: &CountyTick) {
        let changed = self.note_scores(tick);
        let bodies: Vec<Body> =
            changed.iter().filter_map(|record| self.score_body(record)).collect();
        if !bodies.is_empty() {
            self.hub.publish(tick.commit, serial_of(&self.clock), bodies);
        }
    }

    fn score_body(&self, record: &ScoreRecord) -> Option<Body> {
        let write = |language| serde_json::to_string(&self.facts.score(record, language));
        match (write(Language::Zh), write(Language::En)) {
            (Ok(zh), Ok(en)) => {
                let key = (record.index, record.feature);
                Some(Body::Score { key, data: [zh.into(), en.into()] })
            }
            (Err(error), _) | (_, Err(error)) => {
                error!(%error, index = record.index.as_str(), "score not written");
                None
            }
        }
    }

    fn publish_alerts(&self, changed: &[AlertRecord]) {
        let origin = self.store.origin();
        let bodies: Vec<Body> = changed
            .iter()
            .filter_map(|record| match serde_json::to_string(&AlertView::new(record, origin)) {
                Ok(data) => Some(Body::Alert { township: record.township, data: data.into() }),
                Err(error) => {
                    error!(%error, alert = record.id, "alert not written");
                    None
                }
            })
            .collect();
        if !bodies.is_empty() {
            self.hub.publish(self.store.last_commit(), serial_of(&self.clock), bodies);
        }
    }
}

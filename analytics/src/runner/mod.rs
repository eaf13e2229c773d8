//! The shell around the engine: it follows the journal commit by commit, ticks
//! at every whole minute and, when something changed, between them, and writes
//! what a tick found before it tells anybody.
//!
//! Everything that a tick leaves in the journal is one transaction. A start
//! goes on from the memory of the last whole minute and the commits after it:
//! it finds the same alerts again, with the same ids and sequences, which the
//! journal has already. So a kill at any point loses and doubles nothing.
//!
//! Two ways to run it: [`Runner::start`] lives with the scene clock;
//! [`Runner::step_to`] is moved by its caller, as a replay does.

mod driver;
mod live;
mod registry;
mod start;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use model::{Catalogue, Clock, Origin, Time};
use store::{Store, StoreError};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::alerts::AlarmSettings;
use crate::alerts::outward::Outward;
use crate::engine::{MemoryError, Models, PackError, Picture};
use crate::record::{AlertRecord, ScoreRecord};
use crate::world::Facts;
use driver::Driver;

/// Ticks and alerts that a slow listener may fall behind before it is told so.
const TICKS_BUFFERED: usize = 16;
const ALERTS_BUFFERED: usize = 256;

/// Whole minutes whose pictures are kept: an hour, and the present one.
const PICTURES_MAX: usize = 61;

#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// Who outside is told of alerts.
    pub webhooks: Outward,
    pub alarms: AlarmSettings,
}

impl RunnerOptions {
    /// Tells nobody outside, with the default numbers of the alarms.
    pub fn silent(origin: Origin) -> RunnerOptions {
        RunnerOptions { webhooks: Outward::silent(origin), alarms: AlarmSettings::default() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the saved evaluation does not load; restore a backup or start without its memory")]
    Memory(#[from] MemoryError),
    #[error("a stored score does not load")]
    Score(#[from] PackError),
    #[error("the evaluation is at {last} already; step to a later time than {at}")]
    Past { at: Time, last: Time },
    #[error("the store was closed")]
    Closed,
}

/// The newest scores of every township and the county, all three indices.
#[derive(Debug, Clone, PartialEq)]
pub struct CountyTick {
    pub at: Time,
    /// The last commit that the tick saw.
    pub commit: u64,
    pub is_whole_minute: bool,
    pub scores: Vec<Arc<ScoreRecord>>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunnerStatus {
    pub last_tick: Option<Time>,
    /// Commits not evaluated yet.
    pub lag: u64,
    /// What fails now; `None` while all is well.
    pub last_error: Option<String>,
}

/// The handle to the running evaluation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Runner {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    models: Arc<Models>,
    /// Whoever moves the evaluation holds it.
    driver: tokio::sync::Mutex<Driver>,
    told: Arc<Told>,
}

/// What listeners see; locks are held for a copy only.
#[derive(Debug)]
struct Told {
    store: Store,
    latest: Mutex<Option<Arc<CountyTick>>>,
    open: Mutex<Vec<Arc<AlertRecord>>>,
    /// Last tick, cursor, error.
    status: Mutex<(Option<Time>, u64, Option<String>)>,
    /// Oldest first.
    pictures: Mutex<VecDeque<Arc<Picture>>>,
    ticks: broadcast::Sender<Arc<CountyTick>>,
    alerts: broadcast::Sender<Arc<Vec<AlertRecord>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock can panic")
}

impl Told {
    fn new(store: Store) -> Told {
        let (ticks, _) = broadcast::channel(TICKS_BUFFERED);
        let (alerts, _) = broadcast::channel(ALERTS_BUFFERED);
        let (latest, open) = (Mutex::default(), Mutex::default());
        let (status, pictures) = (Mutex::default(), Mutex::default());
        Told { store, latest, open, status, pictures, ticks, alerts }
    }

    /// Keeps the picture of a whole minute, and of the hour before it.
    fn keep_picture(&self, picture: Picture) {
        let mut pictures = lock(&self.pictures);
        if pictures.len() == PICTURES_MAX {
            pictures.pop_front();
        }
        pictures.push_back(Arc::new(picture));
    }

    fn fail(&self, error: Option<String>) {
        lock(&self.status).2 = error;
    }
}

impl Runner {
    /// Loads the memory of the last whole minute and the windows as of its
    /// commit. The commits since are evaluated by the first tick.
    pub async fn open(
        store: Store,
        clock: Clock,
        facts: Arc<Facts>,
        catalogue: Arc<Catalogue>,
        models: Arc<Models>,
        options: RunnerOptions,
    ) -> Result<Runner, RunnerError> {
        let told = Arc::new(Told::new(store.clone()));
        let engine = crate::Engine::new(facts, catalogue, Arc::clone(&models), store.origin())
            .with_alarm_settings(options.alarms);
        let webhooks = options.webhooks;
        let driver = start::open(store, clock, engine, webhooks, Arc::clone(&told)).await?;
        let driver = tokio::sync::Mutex::new(driver);
        Ok(Runner { shared: Arc::new(Shared { models, driver, told }) })
    }

    /// Lives with the scene clock until `shutdown`.
    pub fn start(&self, shutdown: CancellationToken) -> JoinHandle<()> {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let mut driver = shared.driver.lock().await;
            live::run(&mut driver, &shutdown).await;
        })
    }

    /// Evaluates every commit that there is, ticks all townships at `at` and
    /// writes the tick. After an error the same call may be made again.
    pub async fn step_to(&self, at: Time) -> Result<Arc<CountyTick>, RunnerError> {
        self.shared.driver.lock().await.step_to(at).await
    }

    pub fn latest(&self) -> Option<Arc<CountyTick>> {
        lock(&self.shared.told.latest).clone()
    }

    /// The picture of the newest whole minute, or of the newest one at or
    /// before an instant of the last hour.
    pub fn picture(&self, at: Option<Time>) -> Option<Arc<Picture>> {
        let pictures = lock(&self.shared.told.pictures);
        let mut newest_first = pictures.iter().rev();
        newest_first.find(|picture| at.is_none_or(|at| picture.situation.at <= at)).cloned()
    }

    /// The picture of exactly this minute.
    pub fn picture_of(&self, minute: Time) -> Option<Arc<Picture>> {
        self.picture(Some(minute)).filter(|picture| picture.situation.at == minute)
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Arc<CountyTick>> {
        self.shared.told.ticks.subscribe()
    }

    /// Transitions of alerts, each after it was written.
    pub fn subscribe_alerts(&self) -> broadcast::Receiver<Arc<Vec<AlertRecord>>> {
        self.shared.told.alerts.subscribe()
    }

    /// Alerts that are pending or open, in order of their datastreams.
    pub fn open_alerts(&self) -> Vec<Arc<AlertRecord>> {
        lock(&self.shared.told.open).clone()
    }

    pub fn models(&self) -> &Models {
        &self.shared.models
    }

    pub fn status(&self) -> RunnerStatus {
        let told = &self.shared.told;
        let (last_tick, cursor, last_error) = lock(&told.status).clone();
        let lag = told.store.last_commit().saturating_sub(cursor);
        RunnerStatus { last_tick, lag, last_error }
    }
}

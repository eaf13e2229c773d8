//! What every handler shares.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use analytics::Runner;
use governor::DefaultKeyedRateLimiter;
use governor::Quota;
use ingest::{Pipeline, PipelineClosed};
use metrics_exporter_prometheus::PrometheusHandle;
use model::{Catalogue, Clock, SourceName, ThingId, Time};
use store::{SourceKey, Store, StoreError};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::attempts::Attempts;
use crate::county::County;
use crate::events::{Hub, HubParts};
use crate::exports::Exports;
use crate::health::ProbeCache;
use crate::housekeeping::keep_house;
use crate::options::ApiOptions;
use crate::password::{PasswordError, Passwords};
use crate::webhook::Sender;
use crate::wire::ScoreFacts;

/// Closes the connections of a thing whose credential has changed.
pub type DisconnectThing = Arc<dyn Fn(&ThingId) + Send + Sync>;

/// Something outside the journal that readiness depends on, as an external
/// broker. The probe is quick and says what is wrong.
#[derive(Clone)]
pub struct ReadinessSource {
    pub name: String,
    pub probe: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl fmt::Debug for ReadinessSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadinessSource").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the API is built from.
pub struct AppParts {
    pub store: Store,
    pub pipeline: Pipeline,
    pub catalogue: Arc<Catalogue>,
    pub county: County,
    /// Open, and started by whoever wants ticks.
    pub runner: Runner,
    pub clock: Clock,
    pub options: ApiOptions,
    pub prometheus: Option<PrometheusHandle>,
    pub readiness: Vec<ReadinessSource>,
    pub disconnect_thing: Option<DisconnectThing>,
    /// Its task is run by whoever sends.
    pub webhooks: Sender,
    /// Cancelled when the program stops: event streams end.
    pub shutdown: CancellationToken,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the API cannot read the journal: {0}")]
    Store(#[from] StoreError),
    #[error("the API cannot hash passwords: {0}")]
    Password(#[from] PasswordError),
}

/// Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

pub struct Shared {
    pub(crate) store: Store,
    /// `None` once the door is closed; held for a pointer's copy only.
    pipeline: Mutex<Option<Pipeline>>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) county: County,
    pub(crate) runner: Runner,
    pub(crate) score_facts: ScoreFacts,
    pub(crate) clock: Clock,
    /// Real time of the start.
    pub(crate) started: Time,
    pub(crate) options: ApiOptions,
    pub(crate) prometheus: Option<PrometheusHandle>,
    pub(crate) readiness: Vec<ReadinessSource>,
    pub(crate) disconnect_thing: Option<DisconnectThing>,
    pub(crate) webhooks: Sender,
    pub(crate) shutdown: CancellationToken,
    pub(crate) hub: Hub,
    /// The source that `POST /observations` books under.
    pub(crate) http_source: SourceKey,
    pub(crate) passwords: Passwords,
    pub(crate) logins: Attempts<([u8; 32], IpAddr)>,
    pub(crate) failures: Attempts<IpAddr>,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) exports: Exports,
    pub(crate) throttle: DefaultKeyedRateLimiter<IpAddr>,
    pub(crate) probes: ProbeCache,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppState")
    }
}

impl AppState {
    /// Starts the task that feeds event streams and keeps house; it ends with
    /// `shutdown`.
    pub async fn start(parts: AppParts) -> Result<(AppState, JoinHandle<()>), StartError> {
        let options = parts.options;
        let source = SourceName::parse("http").expect("`http` fits the grammar of sources");
        let http_source = parts.store.source(&source).await?;
        let (runner, origin) = (parts.runner, parts.store.origin());
        let score_facts = ScoreFacts::new(&parts.county.code, origin, runner.models());
        // Subscribe, then read: nothing falls between the two.
        let (ticks, alerts) = (runner.subscribe(), runner.subscribe_alerts());
        let (hub, feeding) = Hub::start(HubParts {
            store: parts.store.clone(),
            pipeline: parts.pipeline.clone(),
            latest: runner.latest(),
            ticks,
            alerts,
            facts: score_facts.clone(),
            clock: parts.clock.clone(),
            coalesce: options.coalesce,
            shutdown: parts.shutdown.clone(),
        })
        .await?;
        let a_second = Quota::per_second(
            std::num::NonZeroU32::new(options.requests_per_second_max)
                .unwrap_or(std::num::NonZeroU32::MIN),
        );
        let shared = Shared {
            store: parts.store,
            pipeline: Mutex::new(Some(parts.pipeline)),
            catalogue: parts.catalogue,
            county: parts.county,
            runner,
            score_facts,
            started: parts.clock.real(),
            clock: parts.clock,
            prometheus: parts.prometheus,
            readiness: parts.readiness,
            disconnect_thing: parts.disconnect_thing,
            webhooks: parts.webhooks,
            shutdown: parts.shutdown,
            hub,
            http_source,
            passwords: Passwords::new()?,
            logins: Attempts::new(options.attempts_max, options.attempts_window),
            failures: Attempts::new(options.failures_max, options.attempts_window),
            requests: Arc::new(Semaphore::new(options.requests_max)),
            streams: Arc::new(Semaphore::new(options.streams_max)),
            exports: Exports::new(options.exports_max),
            throttle: DefaultKeyedRateLimiter::keyed(a_second),
            probes: ProbeCache::default(),
            options,
        };
        let state = AppState(Arc::new(shared));
        let housekeeping = keep_house(state.clone());
        let task = tokio::spawn(async {
            tokio::join!(feeding, housekeeping);
        });
        Ok((state, task))
    }
}

impl Shared {
    /// The pipeline, while `POST /observations` is open.
    pub(crate) fn pipeline(&self) -> Result<Pipeline, PipelineClosed> {
        let pipeline = self.pipeline.lock().expect("no holder of this lock can panic");
        pipeline.clone().ok_or(PipelineClosed)
    }

    /// Lets go of the pipeline, so that it can drain while HTTP still answers:
    /// from here on `POST /observations` is 503.
    pub fn close_door(&self) {
        self.pipeline.lock().expect("no holder of this lock can panic").take();
    }
}

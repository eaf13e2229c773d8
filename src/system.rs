//! The system without its doors: store, pipeline, evaluation, router. `run`
//! adds doors and ticks; commands use it as it is when no server runs.

use std::path::Path;
use std::sync::Arc;

use analytics::alerts::AlarmSettings;
use analytics::alerts::outward::Outward;
use analytics::{Runner, RunnerOptions};
use anyhow::{Context, anyhow};
use api::webhook::{Receiver, Sender};
use api::{ApiOptions, AppParts, AppState, DisconnectThing, ReadinessSource};
use axum::Router;
use ingest::{Pipeline, PipelineOptions, PipelineTask};
use metrics_exporter_prometheus::PrometheusHandle;
use model::{Catalogue, Clock, Origin};
use store::{Journal, StartReport, Store, StoreOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, County, PublicRead, Settings};

/// Readers of the journal beside its writer.
const N_READERS: usize = 4;

/// Everything below the API.
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) report: StartReport,
    pub(crate) pipeline: Pipeline,
    pub(crate) runner: Runner,
    pub(crate) webhooks: Sender,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pipeline_task: PipelineTask,
    catalogue: Arc<Catalogue>,
    county: County,
}

/// What the API is told of the doors beside it.
#[derive(Default)]
pub(crate) struct Doors {
    pub(crate) disconnect_thing: Option<DisconnectThing>,
    pub(crate) readiness: Vec<ReadinessSource>,
    pub(crate) prometheus: Option<PrometheusHandle>,
}

/// The core with the API on top.
pub(crate) struct System {
    store: Store,
    pipeline: Pipeline,
    pipeline_task: PipelineTask,
    pub(crate) state: AppState,
    streams: JoinHandle<()>,
    /// Cancelled to end event streams and requests.
    pub(crate) shutdown: CancellationToken,
}

impl Core {
    pub(crate) async fn open(
        config: Config,
        data: &Path,
        origin: Option<Origin>,
        clock: Clock,
    ) -> anyhow::Result<Core> {
        let Config { settings, catalogue, county, models } = config;
        let (store, report) = open_store(&settings, data, origin, &clock).await?;
        let catalogue = Arc::new(catalogue);
        let journal: Arc<dyn Journal> = Arc::new(store.clone());
        let (pipeline, pipeline_task) = Pipeline::start(
            pipeline_options(&settings),
            store.clone(),
            journal,
            Arc::clone(&catalogue),
            clock.clone(),
        );
        let webhooks = Sender::new(
            store.clone(),
            clock.clone(),
            receivers(&settings)?,
            settings.http.external_url(),
        );
        let outward = Outward {
            rules: webhooks.rules(),
            origin: report.origin,
            external_url: webhooks.external_url().to_owned(),
        };
        let runner = Runner::open(
            store.clone(),
            clock.clone(),
            Arc::new(county.facts.clone()),
            Arc::clone(&catalogue),
            Arc::new(models),
            RunnerOptions { webhooks: outward, alarms: AlarmSettings::default() },
        )
        .await
        .context("open the evaluation")?;
        Ok(Core {
            store,
            report,
            pipeline,
            runner,
            webhooks,
            settings,
            clock,
            pipeline_task,
            catalogue,
            county,
        })
    }

    /// Drains the pipeline and closes the files, where nothing was served.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        drop((self.runner, self.webhooks, self.pipeline));
        self.pipeline_task.await.context("the pipeline failed")?;
        self.store.close().await.context("close the store")
    }

    pub(crate) async fn serve(self, doors: Doors) -> anyhow::Result<System> {
        let shutdown = CancellationToken::new();
        let parts = AppParts {
            store: self.store.clone(),
            pipeline: self.pipeline.clone(),
            catalogue: self.catalogue,
            county: county_facts(self.county)?,
            runner: self.runner,
            webhooks: self.webhooks,
            clock: self.clock,
            options: api_options(&self.settings),
            prometheus: doors.prometheus,
            readiness: doors.readiness,
            disconnect_thing: doors.disconnect_thing,
            shutdown: shutdown.clone(),
        };
        let (state, streams) = AppState::start(parts).await?;
        Ok(System {
            store: self.store,
            pipeline: self.pipeline,
            pipeline_task: self.pipeline_task,
            state,
            streams,
            shutdown,
        })
    }
}

impl System {
    /// The router with every request made by the local administrator.
    pub(crate) fn local_router(&self) -> Router {
        api::local_router(self.state.clone())
    }

    /// Ends the streams, drains the pipeline and closes the files.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.streams.await.context("the event streams failed")?;
        drop(self.state);
        drop(self.pipeline);
        self.pipeline_task.await.context("the pipeline failed")?;
        self.store.close().await.context("close the store")
    }
}

fn receivers(settings: &Settings) -> anyhow::Result<Vec<Receiver>> {
    let receivers = settings.webhook.iter().map(|webhook| {
        let receiver = webhook.to_receiver();
        receiver.map_err(|problems| anyhow!("webhook {}: {problems:?}", webhook.name))
    });
    receivers.collect()
}

async fn open_store(
    settings: &Settings,
    data: &Path,
    origin: Option<Origin>,
    clock: &Clock,
) -> anyhow::Result<(Store, StartReport)> {
    let options = StoreOptions {
        directory: data.to_owned(),
        origin,
        clock: clock.clone(),
        n_readers: N_READERS,
        datastreams_per_thing_max: settings.ingest.datastreams_per_thing_max,
    };
    let opened = tokio::task::spawn_blocking(move || Store::open(options)).await;
    opened.context("open the store")?.with_context(|| format!("open {}", data.display()))
}

fn pipeline_options(settings: &Settings) -> PipelineOptions {
    let ingest = &settings.ingest;
    PipelineOptions {
        deliveries_max: ingest.deliveries_max,
        bytes_in_flight_max: ingest.bytes_in_flight_max,
        batch_rows_max: ingest.batch_rows_max,
        commit_interval: ingest.commit_interval,
        codec_limits: codec::Limits {
            payload_bytes: ingest.packet_max,
            ..codec::Limits::default()
        },
        future_max: ingest.future_max,
        age_max: ingest.age_max,
    }
}

fn api_options(settings: &Settings) -> ApiOptions {
    let api = &settings.api;
    ApiOptions {
        public_read: match api.public_read {
            PublicRead::None => api::PublicRead::None,
            PublicRead::Indices => api::PublicRead::Indices,
            PublicRead::All => api::PublicRead::All,
        },
        session_idle: api.session_idle_max,
        session_absolute: api.session_max,
        request_timeout: api.request_timeout,
        streams_max: api.sse_clients_max,
        body_bytes_max: settings.ingest.packet_max,
        ..ApiOptions::default()
    }
}

fn county_facts(county: County) -> anyhow::Result<api::County> {
    let outlines = county.outlines.to_string();
    let County { code, name, title, bureau, townships, .. } = county;
    api::County::new(code, name, title, bureau, townships, &outlines)
        .context("the county's outlines")
}

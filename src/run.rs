//! `run`: the whole system in one process.
//!
//! Order of the end: MQTT doors take no more and wait until what they handed
//! over is committed and acknowledged; ticks end; HTTP with its streams ends;
//! the pipeline and the files close. What takes longer than `shutdown.grace`
//! is cut off: what was not acknowledged comes again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use api::{ReadinessSource, ServeOptions};
use ingest::broker::{BrokerOptions, EmbeddedBroker};
use ingest::external::{ExternalHandle, ExternalSource};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use model::{Clock, Origin};
use store::{Mover, Store};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::cli::RunArgs;
use crate::client::CONTROL_SOCKET;
use crate::config::{self, Config, Settings};
use crate::logging;
use crate::system::{Core, Doors};

/// Bounds of all histograms; they all count seconds.
const SECONDS_BUCKETS: [f64; 14] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

/// What a system is started with.
pub(crate) struct Setting {
    pub(crate) config: Config,
    pub(crate) data: PathBuf,
    pub(crate) origin: Option<Origin>,
    pub(crate) clock: Clock,
}

/// Where the doors are, once they are open.
pub(crate) struct Addresses {
    pub(crate) data: PathBuf,
    pub(crate) http: SocketAddr,
    pub(crate) mqtt: Option<SocketAddr>,
}

pub(crate) async fn run(args: RunArgs) -> anyhow::Result<()> {
    let config = config::load(args.config.config.as_deref())?;
    let data = args.data.data;
    let setting = Setting { config, data, origin: args.origin, clock: Clock::System };
    // Nobody beside it: a task that only waits for the end.
    let alone = |_, closing: CancellationToken| {
        tokio::spawn(async move {
            closing.cancelled().await;
            Ok(())
        })
    };
    serve(setting, alone).await
}

/// Runs the system with its doors until a signal. `company` begins when they
/// are open, ends when its token is cancelled, and takes the system with it
/// when it fails.
pub(crate) async fn serve(
    setting: Setting,
    company: impl FnOnce(Addresses, CancellationToken) -> JoinHandle<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let Setting { config, data, origin, clock } = setting;
    logging::start(&config.settings.log)?;
    let settings = config.settings.clone();
    let prometheus = install_metrics()?;
    let data = data.as_path();

    // Addresses first: a port in use should not wait for the journal.
    let http = TcpListener::bind(settings.http.listen)
        .await
        .with_context(|| format!("listen on {} for HTTP", settings.http.listen))?;
    let core = Core::open(config, data, origin, clock).await?;
    report_start(&core);
    let control = bind_control_socket(data)?;
    let store = core.store.clone();
    let password = api::ensure_administrator(&store, &core.clock).await?;

    let closing = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let mut doors = Doors { prometheus: Some(prometheus), ..Doors::default() };
    let broker = bind_broker(&settings, &core).await?;
    let mqtt = broker.as_ref().map(EmbeddedBroker::local_addr).transpose()?;
    if let Some(broker) = broker {
        let handle = broker.handle();
        doors.disconnect_thing = Some(Arc::new(move |thing| {
            handle.disconnect_thing(thing);
        }));
        tasks.spawn(broker.run(closing.clone()));
    }
    for source in external_sources(&settings, &core).await? {
        doors.readiness.push(readiness_of(source.handle()));
        tasks.spawn(source.run(closing.clone()));
    }
    doors.readiness.extend(core.webhooks.readiness());
    let ticks = core.runner.start(closing.clone());
    let sending =
        tokio::spawn(core.webhooks.clone().run(core.runner.subscribe_alerts(), closing.clone()));
    let mover = Mover::new(store.clone(), settings.archive.to_options());
    let moving = spawn_mover(mover, closing.clone());
    let system = core.serve(doors).await?;

    // Before anybody can see that the program runs.
    let stop = stop_signal();
    let serving = CancellationToken::new();
    let mut servers = JoinSet::new();
    let options = serve_options(&settings);
    let router = api::router(system.state.clone());
    let page = http.local_addr()?;
    servers.spawn(api::serve(http, router, options.clone(), serving.clone()));
    servers.spawn(api::serve_unix(control, system.state.clone(), options, serving.clone()));
    announce(page, password.as_deref());
    let addresses = Addresses { data: data.to_owned(), http: page, mqtt };
    let mut company = company(addresses, closing.clone());

    let outcome = tokio::select! {
        // Each of these only waits, so nothing is lost with the others.
        () = stop => Ok(()),
        ended = &mut company => Err(report_company(ended)),
        _ = tasks.join_next(), if !tasks.is_empty() => Err("a door ended by itself"),
        _ = servers.join_next() => Err("the HTTP server ended by itself"),
        () = journal_given_up(&store) => Err("the journal failed three times in ten minutes"),
    };
    info!("shutting down");
    closing.cancel();
    company.abort();
    let end = async {
        while tasks.join_next().await.is_some() {}
        let _ = ticks.await;
        let _ = sending.await;
        let _ = moving.await;
        serving.cancel();
        system.shutdown.cancel();
        while servers.join_next().await.is_some() {}
        system.close().await
    };
    let ended = tokio::time::timeout(settings.shutdown.grace, end).await;
    let _ = std::fs::remove_file(data.join(CONTROL_SOCKET));
    match ended {
        Ok(closed) => closed?,
        Err(_) => warn!("shutdown took longer than shutdown.grace and was cut off"),
    }
    match outcome {
        Ok(()) => Ok(()),
        Err(reason) => bail!(reason),
    }
}

/// A step that is cut off is as if the process had been killed there.
fn spawn_mover(mover: Mover, closing: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            () = mover.run() => (),
            () = closing.cancelled() => (),
        }
    })
}

/// Why the system ends with whoever kept it company.
fn report_company(ended: Result<anyhow::Result<()>, JoinError>) -> &'static str {
    match ended {
        Ok(Ok(())) => (),
        Ok(Err(failed)) => error!("{failed:#}"),
        Err(panicked) => error!("{panicked}"),
    }
    "the devices ended by themselves"
}

/// Takes SIGTERM and SIGINT from now on; what it returns completes at either.
pub(crate) fn stop_signal() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            error!("signals cannot be received, only SIGKILL will end this process");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    }
}

fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets(&SECONDS_BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .context("start the metrics")
}

fn report_start(core: &Core) {
    let report = &core.report;
    info!(origin = %report.origin, commit = report.commit, is_new = report.is_new, "journal open");
    if report.lost_acknowledged > 0 {
        error!(
            commits = report.lost_acknowledged,
            "acknowledged data is missing: the journal is behind what was acknowledged; \
             the ledger has a line lost_acknowledged"
        );
    }
    if core.settings.network.allow_plain_off_loopback {
        warn!("plain HTTP and MQTT are allowed off loopback: nothing is encrypted");
    }
}

/// The same REST API for commands on this machine; nobody else may open it.
fn bind_control_socket(data: &Path) -> anyhow::Result<UnixListener> {
    let path = data.join(CONTROL_SOCKET);
    // The directory's lock is held: whoever made the old socket is gone.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("remove the old {}", path.display()));
        }
        _ => (),
    }
    let listener =
        UnixListener::bind(&path).with_context(|| format!("listen on {}", path.display()))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).with_context(|| format!("protect {}", path.display()))?;
    Ok(listener)
}

async fn bind_broker(settings: &Settings, core: &Core) -> anyhow::Result<Option<EmbeddedBroker>> {
    let mqtt = &settings.mqtt;
    if !mqtt.enabled {
        return Ok(None);
    }
    let options = BrokerOptions {
        listen: mqtt.listen,
        packet_bytes_max: settings.ingest.packet_max,
        connections_max: mqtt.connections_max,
        connections_per_ip_max: mqtt.connections_per_address_max,
        messages_per_second: mqtt.messages_per_second_max,
        messages_burst: mqtt.messages_per_second_max.saturating_mul(2),
        publish_wait_max: mqtt.publish_wait_max,
        ..BrokerOptions::default()
    };
    let (store, pipeline) = (core.store.clone(), core.pipeline.clone());
    let broker = EmbeddedBroker::bind(options, store, pipeline, core.clock.clone())
        .await
        .with_context(|| format!("listen on {} for MQTT", mqtt.listen))?;
    info!(listen = %broker.local_addr()?, "embedded broker");
    Ok(Some(broker))
}

async fn external_sources(settings: &Settings, core: &Core) -> anyhow::Result<Vec<ExternalSource>> {
    let mut sources = Vec::new();
    for source in &settings.source.mqtt {
        let options = source.to_ingest(settings.ingest.packet_max);
        let options =
            options.map_err(|problems| anyhow!("source {}: {problems:?}", source.name))?;
        let (pipeline, clock) = (core.pipeline.clone(), core.clock.clone());
        sources.push(ExternalSource::new(options, &core.store, pipeline, clock).await?);
    }
    Ok(sources)
}

fn readiness_of(handle: ExternalHandle) -> ReadinessSource {
    let name = handle.status().source.to_string();
    let probe = move || {
        let status = handle.status();
        if status.is_connected && status.is_subscribed {
            return Ok(());
        }
        let error = status.last_error.unwrap_or_else(|| "not connected yet".to_owned());
        Err(format!("{error}, since {}", status.since))
    };
    ReadinessSource { name, probe: Arc::new(probe) }
}

/// Completes when the store says that the process must end.
async fn journal_given_up(store: &Store) {
    let mut fatal = store.fatal();
    if fatal.wait_for(|is_fatal| *is_fatal).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn serve_options(settings: &Settings) -> ServeOptions {
    ServeOptions {
        connections_max: settings.http.connections_max,
        header_timeout: settings.http.header_timeout,
        ..ServeOptions::default()
    }
}

/// For the person who started it: on standard output, apart from the log.
fn announce(page: std::net::SocketAddr, password: Option<&str>) {
    match password {
        Some(password) => println!("page http://{page}/  user admin  password {password}"),
        None => println!("page http://{page}/"),
    }
}

//! The embedded broker: an ingest door for devices that publish, MQTT 3.1.1
//! and 5 on one port.
//!
//! * The user name is the thing's id, the password its secret.
//! * A device publishes below `tidewatch/v1/{thing}/` of its own thing, a
//!   gateway also below those of its things; nobody subscribes.
//! * PUBACK follows the durable commit. One publish of a connection is in
//!   flight at a time, so gateways send arrays.
//! * What is wrong inside a payload or below the own topic is quarantined and
//!   acknowledged. A publish elsewhere is refused: with reason 0x87, or, to a
//!   3.1.1 client, by closing the connection.
//!
//! The accept loop and the task of each connection are ours; the library
//! (`mqtt5`) reads and writes the packets and keeps the sessions.

mod acl;
mod connection;
mod connections;
mod door;
mod logins;
mod options;
mod throttle;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, SourceName, ThingId};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::StorageBackend;
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::broker::{BrokerConfig, DynamicStorage, MemoryBackend, ResourceLimits, ResourceMonitor};
use store::{SourceKey, Store};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::Pipeline;
use connections::Connections;
use logins::Logins;

pub use door::NOT_AUTHORIZED;
pub use options::BrokerOptions;

/// The source under which the broker's deliveries are booked.
pub const EMBEDDED_SOURCE: &str = "embedded";

/// Expired sessions are looked for this often.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// After a failed accept (no file descriptor left) the next try waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections share.
struct Shared {
    options: BrokerOptions,
    store: Store,
    pipeline: Pipeline,
    clock: Clock,
    source: SourceKey,
    connections: Connections,
    logins: Logins,
    library_config: BrokerConfig,
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    stats: Arc<BrokerStats>,
    monitor: Arc<ResourceMonitor>,
    /// Tells the library's handlers; `shutdown` tells our tasks.
    shutdown_signal: broadcast::Sender<()>,
    shutdown: CancellationToken,
}

pub struct EmbeddedBroker {
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// For whoever administers things. Cheap to clone.
#[derive(Clone)]
pub struct BrokerHandle {
    shared: Arc<Shared>,
}

impl EmbeddedBroker {
    pub async fn bind(
        options: BrokerOptions,
        store: Store,
        pipeline: Pipeline,
        clock: Clock,
    ) -> io::Result<EmbeddedBroker> {
        let listener = TcpListener::bind(options.listen).await?;
        let name = SourceName::parse(EMBEDDED_SOURCE).expect("the name fits its grammar");
        let source = store.source(&name).await.map_err(io::Error::other)?;

        let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
        let unlimited = ResourceLimits {
            max_connections: usize::MAX,
            max_connections_per_ip: usize::MAX,
            max_message_rate_per_client: 0,
            max_bandwidth_per_client: 0,
            max_connection_rate: u32::MAX,
            rate_limit_window: Duration::from_secs(60),
        };
        let shared = Shared {
            connections: Connections::new(options.clone()),
            logins: Logins::new(options.failed_logins_per_minute),
            library_config: options.library_config(),
            router: Arc::new(MessageRouter::with_storage(Arc::clone(&storage))),
            storage,
            stats: Arc::new(BrokerStats::new()),
            // Its limits would answer before the ledger sees a publish: ours
            // are in `connections` and `throttle`.
            monitor: Arc::new(ResourceMonitor::new(unlimited)),
            shutdown_signal: broadcast::Sender::new(1),
            shutdown: CancellationToken::new(),
            options,
            store,
            pipeline,
            clock,
            source,
        };
        Ok(EmbeddedBroker { listener, shared: Arc::new(shared) })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub fn handle(&self) -> BrokerHandle {
        BrokerHandle { shared: Arc::clone(&self.shared) }
    }

    /// Serves until `shutdown`; then accepts no more, lets the publishes that
    /// wait for their commit finish, and closes all connections.
    pub async fn run(self, shutdown: CancellationToken) {
        let EmbeddedBroker { listener, shared } = self;
        let tasks = TaskTracker::new();
        let cancel_all = CancellationToken::new();
        let mut sweep = interval(SWEEP_INTERVAL);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);

        // Accepting and ticking are cancel-safe.
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        accept(&shared, &tasks, &cancel_all, stream, peer);
                    }
                    Err(error) => {
                        warn!(%error, "connection not accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                _ = sweep.tick() => shared.sweep().await,
                () = shutdown.cancelled() => break,
            }
        }

        drop(listener);
        tasks.close();
        shared.shutdown.cancel();
        // Nobody connected is nobody to tell.
        let _ = shared.shutdown_signal.send(());
        if timeout(shared.options.shutdown_grace, tasks.wait()).await.is_err() {
            cancel_all.cancel();
            tasks.wait().await;
        }
        info!("embedded broker closed");
    }
}

fn accept(
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
    cancel_all: &CancellationToken,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let Some(id) = shared.connections.admit(peer.ip()) else {
        shared.store.count_rejected(&peer.ip().to_string(), "too_many_connections");
        return;
    };
    if let Err(error) = stream.set_nodelay(true) {
        // Slower acknowledgements, and nothing lost.
        warn!(%error, "socket option not set");
    }
    let cancel = cancel_all.child_token();
    tasks.spawn(connection::serve(Arc::clone(shared), stream, peer, id, cancel));
}

impl Shared {
    /// The library forgets expired sessions only when told to.
    async fn sweep(&self) {
        #[expect(clippy::cast_precision_loss, reason = "connections are far below 2^52")]
        metrics::gauge!("ingest_connections").set(self.connections.n_connections() as f64);
        self.router.sweep_sessions().await;
        if let Err(error) = self.storage.cleanup_expired().await {
            warn!(%error, "expired sessions not removed");
        }
        self.monitor.cleanup_expired_windows().await;
    }
}

impl BrokerHandle {
    /// Ends the connections of a thing whose credential was changed or
    /// revoked; returns how many there were.
    pub fn disconnect_thing(&self, thing: &ThingId) -> usize {
        self.shared.connections.disconnect_thing(thing)
    }

    pub fn n_connections(&self) -> usize {
        self.shared.connections.n_connections()
    }
}

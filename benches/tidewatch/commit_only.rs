//! The rival of the embedded broker: the same library, accept loop and
//! one-publish-per-connection rule, and a handler that commits one row with
//! fsync before it returns. It neither decodes nor checks nor keeps books.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context;
use mqtt5::broker::auth::AllowAllAuthProvider;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::{DynamicStorage, MemoryBackend};
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::broker::transport::BrokerTransport;
use mqtt5::broker::{
    BrokerConfig, BrokerEventHandler, ClientPublishEvent, PublishAction, ResourceLimits,
    ResourceMonitor,
};
use rusqlite::{Connection, params};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::acknowledge_only::say;

const BATCH_ROWS_MAX: usize = 5_000;
const CONNECTIONS_MAX: usize = 2_000;

type Done = oneshot::Sender<()>;

/// A row of the table: client's number, count, value.
type Waiting = (i64, i64, Done);

struct Committer {
    rows: mpsc::Sender<Waiting>,
    n: AtomicI64,
}

impl BrokerEventHandler for Committer {
    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        Box::pin(async move {
            let digits = event.client_id.rsplit('-').next().unwrap_or_default();
            let client = digits.parse().unwrap_or(0);
            let time = self.n.fetch_add(1, Ordering::Relaxed);
            let (done, committed) = oneshot::channel();
            if self.rows.send((client, time, done)).await.is_err() || committed.await.is_err() {
                // Without its commit a publish is never acknowledged.
                std::future::pending::<()>().await;
            }
            PublishAction::Handled
        })
    }
}

/// Accepts until it is killed; says `ready` when it listens.
pub(crate) async fn serve(port: u16, file: &Path) -> anyhow::Result<()> {
    let (rows, waiting) = mpsc::channel(BATCH_ROWS_MAX);
    let connection = open(file).context("open the rival's file")?;
    let writer = std::thread::spawn(move || write(connection, waiting));
    let committer = Arc::new(Committer { rows, n: AtomicI64::new(0) });
    let listener = TcpListener::bind(("127.0.0.1", port)).await.context("listen")?;
    let broker = Broker::new(committer);
    say("ready")?;
    let mut connections = JoinSet::new();
    while !writer.is_finished() {
        let (stream, peer) = listener.accept().await.context("accept")?;
        while connections.try_join_next().is_some() {}
        if connections.len() < CONNECTIONS_MAX {
            stream.set_nodelay(true)?;
            connections.spawn(broker.handler(stream, peer));
        }
    }
    anyhow::bail!("the rival's writer ended: {:?}", writer.join())
}

struct Broker {
    config: Arc<BrokerConfig>,
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    stats: Arc<BrokerStats>,
    monitor: Arc<ResourceMonitor>,
    shutdown: broadcast::Sender<()>,
}

impl Broker {
    fn new(committer: Arc<Committer>) -> Broker {
        let handler: Arc<dyn BrokerEventHandler> = committer;
        let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
        let config = BrokerConfig {
            event_handler: Some(Arc::clone(&handler)),
            ..BrokerConfig::default()
                .with_max_clients(CONNECTIONS_MAX)
                .with_max_packet_size(256 * 1024)
                .with_client_channel_capacity(8)
                .with_sys_topics_enabled(false)
        };
        let limits = ResourceLimits {
            max_connections: CONNECTIONS_MAX,
            max_connections_per_ip: CONNECTIONS_MAX,
            max_message_rate_per_client: 0,
            max_bandwidth_per_client: 0,
            ..ResourceLimits::default()
        };
        Broker {
            config: Arc::new(config),
            router: Arc::new(
                MessageRouter::with_storage(Arc::clone(&storage)).with_event_handler(handler),
            ),
            storage,
            stats: Arc::new(BrokerStats::new()),
            monitor: Arc::new(ResourceMonitor::new(limits)),
            shutdown: broadcast::channel(1).0,
        }
    }

    fn handler(&self, stream: TcpStream, peer: SocketAddr) -> impl Future<Output = ()> + use<> {
        let handler = ClientHandler::new(
            BrokerTransport::tcp(stream),
            peer,
            Arc::clone(&self.config),
            Arc::clone(&self.router),
            Arc::new(AllowAllAuthProvider),
            Some(Arc::clone(&self.storage)),
            Arc::clone(&self.stats),
            Arc::clone(&self.monitor),
            self.shutdown.subscribe(),
        );
        async move {
            // A device that hangs up is no failure of the rival.
            let _ = handler.run().await;
        }
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA cache_size = -32768;
         CREATE TABLE row (bucket INTEGER, client INTEGER, time INTEGER, value REAL,
             PRIMARY KEY (bucket, client, time)) WITHOUT ROWID;",
    )?;
    Ok(connection)
}

/// Group commit: whatever waits goes into one transaction.
fn write(mut connection: Connection, mut waiting: mpsc::Receiver<Waiting>) -> rusqlite::Result<()> {
    let mut batch = Vec::with_capacity(BATCH_ROWS_MAX);
    while waiting.blocking_recv_many(&mut batch, BATCH_ROWS_MAX) > 0 {
        let transaction = connection.transaction()?;
        {
            let mut upsert = transaction.prepare_cached(
                "INSERT INTO row VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )?;
            for (client, time, _) in &batch {
                upsert.execute(params![time / 1_000_000, client, time, 1.5])?;
            }
        }
        transaction.commit()?;
        for (_, _, done) in batch.drain(..) {
            // A connection that is gone needs no answer.
            let _ = done.send(());
        }
    }
    Ok(())
}

//! The embedded broker on a port of its own, before a journal with a gate.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ingest::PipelineOptions;
use ingest::broker::{BrokerHandle, BrokerOptions, EmbeddedBroker};
use model::ThingId;
use sha2::{Digest, Sha256};
use store::{Committed, Credential, Journal, Rows, Store, StoreError};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::client::{Device, Login, PATIENCE, Version};
use crate::door::{ALL_TIME, System};
use crate::testing::scene;

pub(crate) const GAUGE: &str = "tidewatch/v1/gauge-1/json";

/// Commits to the store, but only while it is open.
struct Gate {
    store: std::sync::OnceLock<Store>,
    open: Semaphore,
}

#[async_trait]
impl Journal for Gate {
    async fn commit(&self, rows: &Arc<Rows>) -> Result<Committed, StoreError> {
        let _permit = self.open.acquire().await.expect("the gate is never removed");
        self.store.get().expect("set before the first commit").commit(rows).await
    }
}

pub(crate) struct Broker {
    pub(crate) system: System,
    gate: Arc<Gate>,
    pub(crate) address: SocketAddr,
    pub(crate) handle: BrokerHandle,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl Broker {
    pub(crate) async fn start() -> Broker {
        Broker::start_with(BrokerOptions::default()).await
    }

    pub(crate) async fn start_with(options: BrokerOptions) -> Broker {
        let gate = Arc::new(Gate { store: Default::default(), open: Semaphore::new(1) });
        let journal = Arc::clone(&gate) as Arc<dyn Journal>;
        let system = System::start_with(PipelineOptions::default(), Some(journal)).await;
        gate.store.set(system.store.clone()).unwrap();
        for thing in ["gauge-1", "gauge-2"] {
            put_credential(&system.store, thing, &[], &[]).await;
        }
        put_credential(&system.store, "gateway-1", &["gauge-2"], &["new-"]).await;
        let options = BrokerOptions { listen: "127.0.0.1:0".parse().unwrap(), ..options };
        let (store, pipeline) = (system.store.clone(), system.pipeline.clone());
        let broker =
            EmbeddedBroker::bind(options, store, pipeline, system.clock.clone()).await.unwrap();
        let (address, handle) = (broker.local_addr().unwrap(), broker.handle());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(broker.run(shutdown.clone()));
        Broker { system, gate, address, handle, shutdown, task }
    }

    /// Lets no commit through until the guard is dropped.
    pub(crate) async fn close_gate(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.gate.open.acquire().await.unwrap()
    }

    pub(crate) async fn device(&self, version: Version, thing: &str) -> Device {
        Device::connect(version, self.address, Login::of(thing)).await.unwrap()
    }

    pub(crate) async fn connect(&self, version: Version, login: Login) -> Result<Device, String> {
        Device::connect(version, self.address, login).await
    }

    /// Waits until so many connections or packets were rejected for `reason`.
    pub(crate) async fn rejected(&self, reason: &str, n: u64) {
        eventually(reason, || async {
            let rows = self.system.store.rejected(ALL_TIME).await.unwrap();
            let found: u64 =
                rows.iter().filter(|row| row.reason == reason).map(|row| row.count).sum();
            found == n
        })
        .await;
    }
}

async fn put_credential(store: &Store, thing: &str, things: &[&str], prefixes: &[&str]) {
    let credential = Credential {
        thing: ThingId::parse(thing).unwrap(),
        secret_hash: Sha256::digest(format!("secret of {thing}")).into(),
        things: things.iter().map(|text| ThingId::parse(text).unwrap()).collect(),
        prefixes: prefixes.iter().map(|&text| text.to_owned()).collect(),
        created: scene(),
    };
    store.registry().put_credential(credential).await.unwrap();
}

pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let seen = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("never seen: {what}"));
}

pub(crate) fn reading(minute: u32) -> String {
    format!(r#"{{"time":"2026-07-25T07:{minute:02}:00+08:00","values":{{"water_level":1.5}}}}"#)
}

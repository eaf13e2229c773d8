//! A pipeline on a store in a directory of its own, and the ledger's sums.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use ingest::{Pipeline, PipelineOptions, PipelineTask, Receipt, Route};
use model::{Clock, DatastreamId, SourceName, Time};
use store::{Journal, SourceKey, Store, StoredObservation, TimeRange};

use crate::testing;

pub(crate) struct System {
    _directory: tempfile::TempDir,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) pipeline: Pipeline,
    pub(crate) task: PipelineTask,
}

pub(crate) const ALL_TIME: TimeRange = TimeRange { start: Time::MIN, stop: Time::MAX };

impl System {
    pub(crate) async fn start() -> System {
        System::start_with(PipelineOptions::default(), None).await
    }

    /// `journal` stands before the store.
    pub(crate) async fn start_with(
        options: PipelineOptions,
        journal: Option<Arc<dyn Journal>>,
    ) -> System {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(testing::scene());
        let store = testing::open_store(directory.path(), &clock).await;
        let journal = journal.unwrap_or_else(|| Arc::new(store.clone()));
        let (pipeline, task) =
            Pipeline::start(options, store.clone(), journal, testing::catalogue(), clock.clone());
        System { _directory: directory, clock, store, pipeline, task }
    }

    pub(crate) async fn source(&self, name: &str) -> SourceKey {
        self.store.source(&SourceName::parse(name).unwrap()).await.unwrap()
    }

    pub(crate) async fn deliver(&self, topic: &str, payload: &str) -> Receipt {
        let source = self.source("http").await;
        let route = Route::from_topic(topic).unwrap();
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        self.pipeline.deliver(source, Arc::from(topic), route, payload).await.unwrap()
    }

    pub(crate) async fn observations(&self, datastream: &str) -> Vec<StoredObservation> {
        observations(&self.store, datastream).await
    }

    /// Sums over all hours, by source: received, stored, duplicate,
    /// quarantined, refused.
    pub(crate) async fn ledger(&self) -> HashMap<String, [u64; 5]> {
        let mut sums: HashMap<String, [u64; 5]> = HashMap::new();
        for row in self.store.ledger(ALL_TIME).await.unwrap() {
            let counts = [row.received, row.stored, row.duplicate, row.quarantined, row.refused];
            assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "the ledger does not balance");
            let sum = sums.entry(row.source.to_string()).or_default();
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        sums
    }

    /// Reasons of what is in quarantine, oldest first.
    pub(crate) async fn quarantine_reasons(&self) -> Vec<String> {
        let mut rows = self.store.quarantine(Default::default(), None, 1_000).await.unwrap();
        rows.reverse();
        rows.into_iter().map(|row| row.reason).collect()
    }
}

pub(crate) async fn observations(store: &Store, datastream: &str) -> Vec<StoredObservation> {
    let id = DatastreamId::parse(datastream).unwrap();
    let directory = store.directory();
    match directory.find(&id) {
        Some(record) => store.observations(record.key, ALL_TIME, 100_000).await.unwrap(),
        None => Vec::new(),
    }
}

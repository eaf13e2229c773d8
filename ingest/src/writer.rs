//! The last stage: gathers rows into batches, makes them durable, then
//! acknowledges the deliveries they came from, in the order of their arrival.
//!
//! Back-pressure: while a commit runs, or cannot succeed, the next batch
//! gathers in the channel before this stage and nothing is acknowledged. The
//! slots of the waiting deliveries stay taken, and the doors wait for one.

use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use store::{Journal, Store};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::chunk::Chunk;
use crate::commit::Committer;
use crate::meter;
use crate::pipeline::Shared;
use crate::{PipelineOptions, Receipt};

pub(crate) struct Writer {
    committer: Committer,
    store: Store,
    clock: Clock,
    shared: Arc<Shared>,
    rows_max: usize,
    commit_interval: Duration,
    last_commit: Option<Instant>,
}

/// Runs until `input` is closed and drained.
pub(crate) async fn write_batches(mut writer: Writer, mut input: mpsc::Receiver<Chunk>) {
    let mut left_over = None;
    while let Some(batch) = writer.next_batch(&mut input, &mut left_over).await {
        writer.write(batch).await;
    }
}

impl Writer {
    pub(crate) fn new(
        options: &PipelineOptions,
        journal: Arc<dyn Journal>,
        store: Store,
        clock: Clock,
        shared: Arc<Shared>,
    ) -> Writer {
        Writer {
            committer: Committer::new(journal, store.clone(), Arc::clone(&shared)),
            store,
            clock,
            shared,
            rows_max: options.batch_rows_max.max(1),
            commit_interval: options.commit_interval,
            last_commit: None,
        }
    }

    /// The first chunk opens a batch. It closes when it is full, or when
    /// nothing waits and the last commit began long enough ago.
    async fn next_batch(
        &mut self,
        input: &mut mpsc::Receiver<Chunk>,
        left_over: &mut Option<Chunk>,
    ) -> Option<Chunk> {
        let mut batch = match left_over.take() {
            Some(chunk) => chunk,
            None => input.recv().await?,
        };
        let earliest = self.last_commit.map(|begun| begun + self.commit_interval);
        while batch.n_rows() < self.rows_max {
            let next = match input.try_recv() {
                Ok(chunk) => Some(chunk),
                Err(mpsc::error::TryRecvError::Disconnected) => None,
                Err(mpsc::error::TryRecvError::Empty) => match earliest {
                    Some(earliest) => timeout_at(earliest, input.recv()).await.unwrap_or(None),
                    None => None,
                },
            };
            match next {
                Some(chunk) if self.rows_max < batch.n_rows() + chunk.n_rows() => {
                    *left_over = Some(chunk);
                    break;
                }
                Some(chunk) => batch.append(chunk),
                None => break,
            }
        }
        if let Some(earliest) = earliest {
            sleep_until(earliest).await;
        }
        Some(batch)
    }

    /// Commits the batch, acknowledges its deliveries, tells the listeners.
    async fn write(&mut self, batch: Chunk) {
        let Chunk { rows, mut entries, cost, counts } = batch;
        let began = Instant::now();
        self.last_commit = Some(began);

        let written = self.committer.commit(rows, &mut entries).await;
        let commit = written.last().map_or(0, |last| last.committed.commit);
        let duration = began.elapsed();

        counts.publish(&self.store);
        let oldest = entries.first().map(|entry| entry.origin.received);
        for entry in entries {
            let n_accepted = (entry.n_observations - entry.n_store_refused) as u64;
            entry.ack.confirm(Receipt { commit, n_accepted, problems: entry.problems });
        }
        self.shared.slots.release(cost);
        for part in written {
            // Without a listener there is nobody to tell.
            let _ = self.shared.batches.send(Arc::new(part));
        }

        let lag_ms = oldest.map_or(0, |received| self.clock.scene().millis_since(received));
        let lag = Duration::from_millis(u64::try_from(lag_ms).unwrap_or(0));
        meter::record_commit(duration, lag, self.shared.slots.n_taken());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use bytes::Bytes;
    use model::{Quality, Time};
    use store::{DatastreamKey, ObservationRow, SourceKey, StoreError};
    use tokio::time::sleep;

    use super::*;
    use crate::Ack;
    use crate::chunk::{Entry, Origin};
    use crate::commit::{FREE_BYTES_MIN, STORE_REFUSED};
    use crate::slots::Cost;
    use crate::testing::{FlakyJournal, open_store, scene, unavailable};

    /// Numbers of the deliveries, in the order of their acknowledgements.
    type Acked = Arc<Mutex<Vec<(u32, Receipt)>>>;

    struct Fixture {
        _directory: tempfile::TempDir,
        journal: Arc<FlakyJournal>,
        input: mpsc::Sender<Chunk>,
        writer: tokio::task::JoinHandle<()>,
        acked: Acked,
        shared: Arc<Shared>,
        free: Arc<AtomicU64>,
    }

    impl Fixture {
        async fn new(journal: FlakyJournal, options: PipelineOptions) -> Fixture {
            let directory = tempfile::tempdir().unwrap();
            let clock = Clock::manual(scene());
            let store = open_store(directory.path(), &clock).await;
            let journal = Arc::new(journal);
            let shared = Arc::new(Shared::new(&options));
            let free = Arc::new(AtomicU64::new(0));
            let seen = Arc::clone(&free);
            let dyn_journal = Arc::clone(&journal) as Arc<dyn Journal>;
            let mut writer = Writer::new(&options, dyn_journal, store, clock, Arc::clone(&shared));
            writer.committer.set_free_bytes(move || Ok(seen.load(Ordering::Relaxed)));
            let (input, chunks) = mpsc::channel(8);
            let writer = tokio::spawn(write_batches(writer, chunks));
            let acked = Acked::default();
            Fixture { _directory: directory, journal, input, writer, acked, shared, free }
        }

        /// One delivery of `n` observations.
        async fn send(&self, number: u32, n: usize) {
            let acked = Arc::clone(&self.acked);
            let row = |i: usize| ObservationRow {
                source: SourceKey(1),
                datastream: DatastreamKey(number),
                time: Time::from_millis(i as i64).unwrap(),
                since: None,
                value: f64::from(number),
                quality: Quality::PASS,
                received: scene(),
            };
            let mut chunk = Chunk::default();
            chunk.rows.observations.extend((0..n).map(row));
            chunk.cost = Cost { n_deliveries: 0, bytes: 0 };
            chunk.entries.push(Entry {
                ack: Ack::new(move |receipt| acked.lock().unwrap().push((number, receipt))),
                n_observations: n,
                n_store_refused: 0,
                problems: Vec::new(),
                origin: Origin {
                    source: SourceKey(1),
                    topic: Arc::from("t"),
                    thing: None,
                    codec: None,
                    received: scene(),
                    payload: Bytes::from_static(b"payload"),
                },
            });
            self.input.send(chunk).await.unwrap();
        }

        fn acked(&self) -> Vec<u32> {
            self.acked.lock().unwrap().iter().map(|(number, _)| *number).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn acks_only_after_the_journal_has_the_rows_and_in_order() {
        let failures = vec![unavailable(), unavailable(), unavailable()];
        let journal = FlakyJournal::failing(failures);
        let fixture = Fixture::new(journal, PipelineOptions::default()).await;
        fixture.send(1, 2).await;
        fixture.send(2, 0).await;
        fixture.send(3, 1).await;

        // Three failures wait 250, 500 and 1000 ms.
        sleep(Duration::from_millis(1_700)).await;
        assert!(fixture.acked().is_empty(), "acknowledged before it was durable");
        assert!(fixture.shared.is_stalled.load(Ordering::Relaxed));

        sleep(Duration::from_millis(100)).await;
        assert!(!fixture.shared.is_stalled.load(Ordering::Relaxed));
        assert_eq!(fixture.acked(), [1, 2, 3], "acks left out of arrival order");
        let n_rows: usize = fixture.journal.batches().iter().map(|b| b.observations.len()).sum();
        assert_eq!(n_rows, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn batches_close_when_full_and_when_idle() {
        let options = PipelineOptions { batch_rows_max: 10, ..PipelineOptions::default() };
        let fixture = Fixture::new(FlakyJournal::default(), options).await;
        for number in 1..=4 {
            fixture.send(number, 4).await;
        }
        fixture.send(5, 12).await;
        let Fixture { input, writer, journal, .. } = fixture;
        drop(input);
        writer.await.unwrap();
        let sizes: Vec<usize> = journal.batches().iter().map(|b| b.observations.len()).collect();
        assert!(sizes.iter().all(|size| *size <= 12), "{sizes:?}");
        assert_eq!(sizes.iter().sum::<usize>(), 28);
        assert_eq!(sizes.last(), Some(&12), "a delivery is never cut");
    }

    #[tokio::test(start_paused = true)]
    async fn two_commits_are_an_interval_apart_and_the_first_is_at_once() {
        let fixture = Fixture::new(FlakyJournal::default(), PipelineOptions::default()).await;
        sleep(Duration::from_secs(1)).await;
        fixture.send(1, 1).await;
        sleep(Duration::from_millis(1)).await;
        assert_eq!(fixture.acked(), [1]);
        fixture.send(2, 1).await;
        fixture.send(3, 1).await;
        sleep(Duration::from_millis(2)).await;
        assert_eq!(fixture.acked(), [1], "the next commit came too early");
        sleep(Duration::from_millis(4)).await;
        assert_eq!(fixture.acked(), [1, 2, 3]);
        assert_eq!(fixture.journal.batches().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_disk_is_not_tried_before_there_is_room() {
        let journal = FlakyJournal::failing(vec![StoreError::Full]);
        let fixture = Fixture::new(journal, PipelineOptions::default()).await;
        fixture.send(1, 1).await;
        sleep(Duration::from_secs(600)).await;
        assert!(fixture.acked().is_empty());
        assert!(fixture.journal.batches().is_empty(), "tried while the disk was full");
        assert!(fixture.shared.is_disk_full.load(Ordering::Relaxed));

        fixture.free.store(FREE_BYTES_MIN, Ordering::Relaxed);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(fixture.acked(), [1]);
        assert!(!fixture.shared.is_disk_full.load(Ordering::Relaxed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_row_costs_only_itself() {
        let is_bad = |row: &ObservationRow| row.datastream.0 == 2 && row.time.millis() == 1;
        let journal = FlakyJournal::refusing(move |rows| rows.observations.iter().any(is_bad));
        let fixture = Fixture::new(journal, PipelineOptions::default()).await;
        let mut batches = fixture.shared.batches.subscribe();
        for number in 1..=3 {
            fixture.send(number, 3).await;
        }
        sleep(Duration::from_millis(50)).await;

        let kept = fixture.journal.batches();
        assert_eq!(kept.iter().map(|b| b.observations.len()).sum::<usize>(), 8);
        let set_aside: Vec<_> = kept.iter().flat_map(|b| &b.quarantined).collect();
        assert_eq!(set_aside.len(), 1);
        assert_eq!(set_aside[0].reason, STORE_REFUSED);
        assert_eq!(set_aside[0].payload.as_ref(), b"payload");

        assert_eq!(fixture.acked(), [1, 2, 3]);
        let accepted: Vec<(u64, usize)> = fixture
            .acked
            .lock()
            .unwrap()
            .iter()
            .map(|(_, receipt)| (receipt.n_accepted, receipt.problems.len()))
            .collect();
        assert_eq!(accepted, [(3, 0), (2, 1), (3, 0)]);
        let mut n_told = 0;
        while let Ok(batch) = batches.try_recv() {
            n_told += batch.rows.observations.len();
        }
        assert_eq!(n_told, 8, "listeners hear of the good rows only");
    }
}

//! The last stage: gathers rows into batches, makes them durable, then
//! acknowledges the deliveries they came from, in the order of their arrival.
//!
//! Back-pressure: while a commit runs, or cannot succeed, the next batch
//! gathers in the channel before this stage and nothing is acknowledged. The
//! slots of the waiting deliveries stay taken, and the doors wait for one.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::Clock;
use store::{Committed, Journal, Rows, Store, StoreError};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::{error, info, warn};

use crate::chunk::{Chunk, Entry};
use crate::meter;
use crate::pipeline::Shared;
use crate::retry::RetryDelay;
use crate::split::{Part, find_entry, pick, scrubbed};
use crate::{CommittedBatch, PipelineOptions, Problem, Receipt};

/// A full disk is tried again when this much is free.
const FREE_BYTES_MIN: u64 = 64 << 20;

const FREE_BYTES_POLL: Duration = Duration::from_secs(1);

/// The quarantine reason of a row that the store would not take.
pub(crate) const STORE_REFUSED: &str = "store_refused";

type FreeBytes = Box<dyn Fn() -> Result<u64, StoreError> + Send + Sync>;

pub(crate) struct Writer {
    journal: Arc<dyn Journal>,
    store: Store,
    free_bytes: FreeBytes,
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
        let disk = store.clone();
        Writer {
            journal,
            store,
            free_bytes: Box::new(move || disk.free_bytes()),
            clock,
            shared,
            rows_max: options.batch_rows_max.max(1),
            commit_interval: options.commit_interval,
            last_commit: None,
        }
    }

    #[cfg(test)]
    pub(crate) fn with_free_bytes(
        mut self,
        free_bytes: impl Fn() -> Result<u64, StoreError> + Send + Sync + 'static,
    ) -> Writer {
        self.free_bytes = Box::new(free_bytes);
        self
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

        let rows = Arc::new(rows);
        let written = match self.commit_until_durable(&rows).await {
            Ok(committed) => vec![CommittedBatch { committed, rows }],
            Err(_) => self.commit_in_parts(&rows, &mut entries).await,
        };
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

    /// Returns when the rows are durable, or with what the store says of a row
    /// that it will never take. Until then nothing is acknowledged: an I/O
    /// error mends or is mended, and giving up is the supervisor's choice.
    async fn commit_until_durable(&self, rows: &Arc<Rows>) -> Result<Committed, String> {
        let n_rows = rows.observations.len() + rows.quarantined.len() + rows.refused.len();
        let mut delay = RetryDelay::default();
        let mut n_failures = 0_u32;
        let outcome = loop {
            let error = match self.journal.commit(rows).await {
                Ok(committed) => break Ok(committed),
                Err(StoreError::Refused { detail }) => break Err(detail),
                Err(error) => error,
            };
            meter::count_store_error(&error);
            if n_failures == 0 {
                error!(%error, rows = n_rows, "commit failed, will retry");
                self.shared.is_stalled.store(true, Ordering::Relaxed);
            }
            n_failures = n_failures.saturating_add(1);
            match error {
                StoreError::Full => self.wait_for_space().await,
                _ => delay.wait().await,
            }
        };
        if 0 < n_failures {
            info!(n_failures, "commit works again");
            self.shared.is_stalled.store(false, Ordering::Relaxed);
        }
        outcome
    }

    /// A full disk is not tried again before it has room.
    async fn wait_for_space(&self) {
        self.shared.is_disk_full.store(true, Ordering::Relaxed);
        loop {
            sleep(FREE_BYTES_POLL).await;
            match (self.free_bytes)() {
                Ok(free) if FREE_BYTES_MIN <= free => break,
                Ok(_) => {}
                Err(error) => meter::count_store_error(&error),
            }
        }
        self.shared.is_disk_full.store(false, Ordering::Relaxed);
    }

    /// The store refused the batch: halves it until the bad rows are alone,
    /// and sets those aside. The good ones are stored.
    async fn commit_in_parts(
        &self,
        rows: &Arc<Rows>,
        entries: &mut [Entry],
    ) -> Vec<CommittedBatch> {
        let mut written = Vec::new();
        let mut set_aside = Rows::default();
        let mut open: Vec<Range<usize>> = Vec::from_iter([0..Part::len(rows)]);
        while let Some(range) = open.pop() {
            if range.is_empty() {
                continue;
            }
            let part = Arc::new(pick(rows, range.clone()));
            match self.commit_until_durable(&part).await {
                Ok(committed) => written.push(CommittedBatch { committed, rows: part }),
                Err(detail) if range.len() == 1 => {
                    self.set_aside(rows, range.start, detail, entries, &mut set_aside);
                }
                Err(_) => {
                    let middle = range.start + range.len() / 2;
                    open.push(middle..range.end);
                    open.push(range.start..middle);
                }
            }
        }
        if !set_aside.is_empty() {
            written.push(self.commit_set_aside(Arc::new(set_aside)).await);
        }
        written
    }

    fn set_aside(
        &self,
        rows: &Rows,
        index: usize,
        detail: String,
        entries: &mut [Entry],
        set_aside: &mut Rows,
    ) {
        warn!(%detail, "the store refused a row, it is set aside");
        match Part::at(rows, index) {
            Part::Observation(place) => {
                let entry = find_entry(entries, place);
                let row = entry.origin.quarantine(STORE_REFUSED, detail.clone(), 1);
                set_aside.quarantined.push(row);
                entry.n_store_refused += 1;
                let pointer = Problem::WHOLE.to_owned();
                entry.problems.push(Problem { pointer, code: STORE_REFUSED, detail });
            }
            Part::Quarantine(place) => {
                set_aside.quarantined.push(scrubbed(&rows.quarantined[place], detail));
            }
            Part::Refusal(place) => {
                let mut row = rows.refused[place].clone();
                row.peer = String::new();
                row.topic = String::new();
                set_aside.refused.push(row);
            }
        }
    }

    /// Rows made of our own texts: that the store refuses these is a fault of
    /// the program, and retried like any other.
    async fn commit_set_aside(&self, rows: Arc<Rows>) -> CommittedBatch {
        let mut delay = RetryDelay::default();
        loop {
            match self.commit_until_durable(&rows).await {
                Ok(committed) => return CommittedBatch { committed, rows },
                Err(detail) => {
                    error!(%detail, "the store refuses what was set aside, will retry");
                    delay.wait().await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicU64;

    use bytes::Bytes;
    use model::{Quality, Time};
    use store::{DatastreamKey, ObservationRow, SourceKey};

    use super::*;
    use crate::Ack;
    use crate::chunk::Origin;
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
            let writer = Writer::new(&options, dyn_journal, store, clock, Arc::clone(&shared))
                .with_free_bytes(move || Ok(seen.load(Ordering::Relaxed)));
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

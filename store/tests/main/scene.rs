//! A store with a mover and the clock of both, at the border between journal
//! and archive.

use std::time::Duration;

use model::{Clock, Quality, Time};
use store::{
    DatastreamKey, LedgerRow, Mover, MoverOptions, MoverStep, ObservationRow, SourceKey, Store,
    StoreOptions, StoredObservation,
};

use crate::support::{ALWAYS, MORNING_MS, commit, options, row, source_name, thing};

pub(crate) const N_DATASTREAMS: u32 = 3;

/// A store, its mover, and the clock of both.
pub(crate) struct Scene {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) source: SourceKey,
    pub(crate) clock: Clock,
    pub(crate) mover: Mover,
}

pub(crate) fn hours(n: i64) -> Time {
    Time::from_millis(MORNING_MS + n * 3_600_000).unwrap()
}

pub(crate) fn second(hour: i64, second: i64) -> Time {
    Time::from_millis(hours(hour).millis() + second * 1000).unwrap()
}

pub(crate) fn mover_options() -> MoverOptions {
    MoverOptions {
        merge_every: Duration::ZERO,
        compact_every: Duration::ZERO,
        ..MoverOptions::default()
    }
}

impl Scene {
    pub(crate) async fn new() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        Scene::open(directory).await
    }

    pub(crate) async fn open(directory: tempfile::TempDir) -> Scene {
        let clock = Clock::manual(hours(0));
        let options = StoreOptions { clock: clock.clone(), ..options(directory.path()) };
        let (store, _) = Store::open(options).unwrap();
        let things = vec![(thing("thing-0", N_DATASTREAMS as usize), store::Expected::Any)];
        store.put_things(things).await.unwrap();
        let source = store.source(&source_name("embedded")).await.unwrap();
        let mover = Mover::new(store.clone(), mover_options());
        Scene { directory, store, source, clock, mover }
    }

    pub(crate) fn go_to(&self, hour: i64) {
        self.clock.set(hours(hour));
    }

    pub(crate) fn row(&self, datastream: u32, time: Time, value: f64) -> ObservationRow {
        row(self.source, datastream, time, value)
    }

    pub(crate) async fn commit(&self, rows: Vec<ObservationRow>) -> u64 {
        commit(&self.store, rows).await.unwrap().commit
    }

    /// Steps until there is nothing to do; says what was done.
    pub(crate) async fn settle(&mut self) -> Vec<MoverStep> {
        let mut steps = Vec::new();
        loop {
            match self.mover.step().await.unwrap() {
                MoverStep::Idle => return steps,
                step => steps.push(step),
            }
            assert!(steps.len() < 2_000, "the mover does not come to rest: {:?}", steps.last());
        }
    }

    pub(crate) async fn all(&self) -> Vec<Vec<StoredObservation>> {
        everything(&self.store).await
    }

    pub(crate) async fn values(&self, datastream: u32) -> Vec<f64> {
        let rows = self.store.observations(DatastreamKey(datastream), ALWAYS, 10_000).await;
        rows.unwrap().iter().map(|row| row.value).collect()
    }

    pub(crate) async fn ledger(&self) -> LedgerRow {
        let mut rows = self.store.ledger(ALWAYS).await.unwrap();
        let mut sum = rows.pop().unwrap();
        for row in rows {
            sum.received += row.received;
            sum.stored += row.stored;
            sum.duplicate += row.duplicate;
            sum.replaced += row.replaced;
        }
        sum
    }

    pub(crate) fn parquet_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let root = self.directory.path().join("archive");
        for day in std::fs::read_dir(&root).unwrap().map(Result::unwrap) {
            if day.file_type().unwrap().is_dir() {
                for file in std::fs::read_dir(day.path()).unwrap().map(Result::unwrap) {
                    let path = file.path();
                    found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// Rows of the table itself, whatever the hours say.
    pub(crate) fn n_in_journal(&self) -> i64 {
        let journal = rusqlite::Connection::open(self.directory.path().join("journal.db")).unwrap();
        journal.query_row("SELECT count(*) FROM observations", [], |row| row.get(0)).unwrap()
    }
}

pub(crate) async fn everything(store: &Store) -> Vec<Vec<StoredObservation>> {
    let keys: Vec<_> = (1..=N_DATASTREAMS).map(DatastreamKey).collect();
    let (_, slices) = store.slices(keys.clone(), ALWAYS, 1_000_000).await.unwrap();
    for (key, slice) in keys.iter().zip(&slices) {
        let alone = store.observations(*key, ALWAYS, 1_000_000).await.unwrap();
        assert_eq!(alone, *slice, "both ways of asking give the same");
    }
    slices
}

/// A reading a minute of each datastream for so many hours.
pub(crate) fn minutes(scene: &Scene, hour: i64, n_hours: i64) -> Vec<ObservationRow> {
    let mut rows = Vec::new();
    for minute in 0..n_hours * 60 {
        for datastream in 1..=N_DATASTREAMS {
            let time = second(hour, minute * 60 + i64::from(datastream));
            let value = (minute * 7 % 50) as f64 / 10.0;
            let mut row = scene.row(datastream, time, value);
            row.received = time + Duration::from_millis(350);
            if datastream == 2 {
                row.since = Some(second(hour, minute * 60 - 60));
                row.quality = Quality::NOT_EVALUATED;
            }
            rows.push(row);
        }
    }
    rows
}

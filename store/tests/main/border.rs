//! The border between journal and archive, sentence by sentence: whatever is
//! moved, what is read stays the same.

use std::time::Duration;

use model::{Clock, Quality, Time};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::{
    Aggregate, DatastreamKey, LedgerRow, Mover, MoverOptions, MoverStep, ObservationRow, SourceKey,
    Step, Store, StoreOptions, StoredObservation, TimeRange,
};

use crate::support::{ALWAYS, MORNING_MS, commit, options, row, source_name, thing};

const N_DATASTREAMS: u32 = 3;
const SEED: u64 = 20_260_726;

/// A store, its mover, and the clock of both.
pub(crate) struct Scene {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) source: SourceKey,
    clock: Clock,
    mover: Mover,
}

pub(crate) fn hours(n: i64) -> Time {
    Time::from_millis(MORNING_MS + n * 3_600_000).unwrap()
}

pub(crate) fn second(hour: i64, second: i64) -> Time {
    Time::from_millis(hours(hour).millis() + second * 1000).unwrap()
}

fn mover_options() -> MoverOptions {
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

    async fn open(directory: tempfile::TempDir) -> Scene {
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

    fn row(&self, datastream: u32, time: Time, value: f64) -> ObservationRow {
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

    async fn values(&self, datastream: u32) -> Vec<f64> {
        let rows = self.store.observations(DatastreamKey(datastream), ALWAYS, 10_000).await;
        rows.unwrap().iter().map(|row| row.value).collect()
    }

    async fn ledger(&self) -> LedgerRow {
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
    fn n_in_journal(&self) -> i64 {
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

#[tokio::test]
async fn an_hour_closes_two_hours_after_its_end_and_is_released_after_the_hot_time() {
    let mut scene = Scene::new().await;
    scene.commit(minutes(&scene, 0, 1)).await;
    let before = scene.all().await;
    scene.go_to(2);
    assert_eq!(scene.settle().await, []);
    scene.go_to(3);
    assert_eq!(scene.settle().await, [MoverStep::Closed(hours(0))]);
    assert_eq!(scene.n_in_journal(), 180, "its rows stay for the hot time");
    assert_eq!(scene.parquet_files(), ["2026-07-25/00.1.parquet"]);
    scene.go_to(72);
    assert_eq!(scene.settle().await, []);
    scene.go_to(73);
    let steps = [MoverStep::Released(hours(0)), MoverStep::Deleted(180)];
    assert_eq!(scene.settle().await, steps);
    assert_eq!(scene.n_in_journal(), 0);
    assert_eq!(scene.all().await, before);
}

/// An hour with value 1 of datastream 1 at its first second, in this state.
async fn hour_in(state: &str) -> Scene {
    let mut scene = Scene::new().await;
    scene.commit(vec![scene.row(1, second(0, 1), 1.0), scene.row(2, second(0, 2), 2.0)]).await;
    scene.go_to(match state {
        "hot" => 1,
        "closed" => 4,
        "released" => 80,
        other => panic!("no state {other}"),
    });
    scene.settle().await;
    scene
}

/// Sends values of datastream 1 at the first second of an hour in each state,
/// each a commit of its own. Whatever the state, the same is visible and
/// counted: `(visible, stored, duplicate, replaced)`.
async fn check_late(sent: &[f64], expected: (f64, u64, u64, u64)) {
    for state in ["hot", "closed", "released"] {
        let mut scene = hour_in(state).await;
        for value in sent {
            scene.commit(vec![scene.row(1, second(0, 1), *value)]).await;
        }
        assert_eq!(scene.values(1).await, [expected.0], "{state}, before merging");
        let steps = scene.settle().await;
        let ledger = scene.ledger().await;
        // The first value of it and the one of datastream 2 are not counted here.
        let found = (ledger.stored - 2, ledger.duplicate, ledger.replaced);
        assert_eq!(scene.values(1).await, [expected.0], "{state} after {steps:?}");
        assert_eq!(found, (expected.1, expected.2, expected.3), "{state} after {steps:?}");
        assert_eq!(scene.values(2).await, [2.0]);
        let replaced = scene.store.replaced(DatastreamKey(1), ALWAYS, 99).await.unwrap();
        assert_eq!(replaced.len() as u64, expected.3, "{state}");
        if state == "released" {
            assert_eq!(scene.n_in_journal(), 0, "merged rows leave the journal: {steps:?}");
        }
    }
}

#[tokio::test]
async fn a_late_row_with_the_same_value_is_a_duplicate_in_every_state() {
    check_late(&[1.0], (1.0, 0, 1, 0)).await;
    check_late(&[1.0, 1.0], (1.0, 0, 2, 0)).await;
}

#[tokio::test]
async fn a_late_row_with_another_value_replaces_in_every_state() {
    check_late(&[5.0], (5.0, 1, 0, 1)).await;
    check_late(&[5.0, 5.0], (5.0, 1, 1, 1)).await;
    check_late(&[5.0, 6.0], (6.0, 2, 0, 2)).await;
    check_late(&[5.0, 1.0], (1.0, 2, 0, 2)).await;
    check_late(&[1.0, 5.0], (5.0, 1, 1, 1)).await;
    check_late(&[1.0, 5.0, 1.0, 1.0], (1.0, 2, 2, 2)).await;
}

#[tokio::test]
async fn the_ledger_is_corrected_in_the_hour_of_arrival() {
    let mut scene = hour_in("released").await;
    scene.commit(vec![scene.row(1, second(0, 1), 1.0), scene.row(2, second(0, 2), 9.0)]).await;
    let of_arrival = TimeRange { start: hours(80), stop: hours(81) };
    let counts = async |scene: &Scene| {
        let row = scene.store.ledger(of_arrival).await.unwrap().remove(0);
        (row.received, row.stored, row.duplicate, row.replaced)
    };
    assert_eq!(counts(&scene).await, (2, 2, 0, 0));
    scene.settle().await;
    assert_eq!(counts(&scene).await, (2, 1, 1, 1));
}

#[tokio::test]
async fn a_new_row_of_a_released_hour_is_visible_at_once_and_merged_later() {
    let mut scene = hour_in("released").await;
    scene.commit(vec![scene.row(1, second(0, 30), 7.0)]).await;
    assert_eq!(scene.values(1).await, [1.0, 7.0]);
    assert_eq!(scene.n_in_journal(), 1);
    let steps = scene.settle().await;
    assert!(steps.contains(&MoverStep::Merged(hours(0))), "{steps:?}");
    assert_eq!(scene.values(1).await, [1.0, 7.0]);
    assert_eq!(scene.n_in_journal(), 0);
    assert_eq!(scene.ledger().await.stored, 3);
}

#[tokio::test]
async fn old_generations_stay_ten_minutes_for_those_who_read_them() {
    let mut scene = hour_in("released").await;
    scene.commit(vec![scene.row(1, second(0, 30), 7.0)]).await;
    scene.settle().await;
    assert_eq!(scene.parquet_files(), ["2026-07-25/00.1.parquet", "2026-07-25/00.2.parquet"]);
    scene.clock.set(second(80, 599));
    assert_eq!(scene.settle().await, []);
    scene.clock.set(second(80, 600));
    assert_eq!(scene.settle().await, [MoverStep::Removed]);
    assert_eq!(scene.parquet_files(), ["2026-07-25/00.2.parquet"]);
    assert_eq!(scene.values(1).await, [1.0, 7.0]);
}

#[tokio::test]
async fn the_hours_of_a_settled_day_become_one_file() {
    let mut scene = Scene::new().await;
    scene.commit(minutes(&scene, 0, 24)).await;
    let before = scene.all().await;
    scene.go_to(24 + 73);
    let steps = scene.settle().await;
    assert!(steps.contains(&MoverStep::Compacted(hours(0))), "{steps:?}");
    assert_eq!(scene.all().await, before);
    scene.go_to(24 + 74);
    scene.settle().await;
    assert_eq!(scene.parquet_files(), ["2026-07-25/day.2.parquet"]);
    assert_eq!(scene.all().await, before);

    // A late row makes its hour a file of its own, until the next compaction.
    scene.commit(vec![scene.row(3, second(5, 59), 7.0)]).await;
    let with_late = scene.all().await;
    scene.settle().await;
    scene.go_to(24 + 75);
    scene.settle().await;
    assert_eq!(scene.parquet_files(), ["2026-07-25/day.4.parquet"]);
    let merged = scene.all().await;
    assert_eq!(merged, with_late);
    assert_eq!(merged.iter().map(Vec::len).sum::<usize>(), 24 * 60 * 3 + 1);
}

#[tokio::test]
async fn aggregates_and_limits_do_not_see_the_border() {
    let mut scene = Scene::new().await;
    scene.commit(minutes(&scene, 0, 30)).await;
    let ask = async |scene: &Scene| {
        let range = TimeRange { start: second(2, 77), stop: second(29, 5) };
        let step = Step { every: Duration::from_secs(5400), origin: hours(0) };
        let mut windows = Vec::new();
        for aggregate in [Aggregate::Mean, Aggregate::Sum, Aggregate::Last, Aggregate::Count] {
            let key = DatastreamKey(2);
            windows.push(scene.store.aggregate(key, range, step, aggregate, 99).await.unwrap());
            windows.push(scene.store.aggregate(key, range, step, aggregate, 3).await.unwrap());
        }
        let mut rows = Vec::new();
        for limit in [0, 1, 100, 1_000, 10_000] {
            rows.push(scene.store.observations(DatastreamKey(1), range, limit).await.unwrap());
        }
        (windows, rows)
    };
    let before = ask(&scene).await;
    // Half of it is released.
    scene.go_to(15 + 73);
    scene.settle().await;
    assert!(0 < scene.n_in_journal() && scene.n_in_journal() < 30 * 180);
    assert_eq!(ask(&scene).await, before);
    scene.go_to(200);
    scene.settle().await;
    assert_eq!(scene.n_in_journal(), 0);
    assert_eq!(ask(&scene).await, before);
}

#[tokio::test]
async fn earlier_commits_are_seen_as_they_were_across_the_border() {
    let mut scene = hour_in("released").await;
    let keys = vec![DatastreamKey(1), DatastreamKey(2)];
    let mut pictures = Vec::new();
    for value in [3.0, 4.0, 4.0, 5.0] {
        let commit = scene.commit(vec![scene.row(1, second(0, 1), value)]).await;
        let (_, slices) = scene.store.slices(keys.clone(), ALWAYS, 99).await.unwrap();
        pictures.push((commit, slices));
        if value == 4.0 {
            scene.settle().await;
        }
    }
    scene.settle().await;
    for (commit, expected) in pictures {
        let found = scene.store.slices_as_of(keys.clone(), ALWAYS, commit, 99).await.unwrap();
        let values = |slices: &[Vec<StoredObservation>]| {
            slices.iter().flatten().map(|row| row.value).collect::<Vec<_>>()
        };
        assert_eq!(values(&found), values(&expected), "commit {commit}");
    }
}

#[tokio::test]
async fn rows_stay_in_the_journal_until_every_follower_has_them() {
    let mut scene = hour_in("released").await;
    let seen = scene.store.last_commit();
    let mut write = crate::support::tick(hours(80), seen);
    write.memory = vec![store::MemoryPart {
        part: "cursor".to_owned(),
        at: hours(80),
        commit: seen,
        body: Vec::new(),
    }];
    scene.store.write_tick(write).await.unwrap();
    let late = scene.commit(vec![scene.row(1, second(0, 30), 7.0)]).await;
    scene.settle().await;
    assert_eq!(scene.n_in_journal(), 1, "the evaluation has not seen it");
    let mut follower = scene.store.follow(late - 1);
    let content = follower.next().await.unwrap().unwrap().content;
    assert!(matches!(content, store::Content::Observations(rows) if rows.len() == 1));

    let mut write = crate::support::tick(second(80, 60), late);
    write.memory = vec![store::MemoryPart {
        part: "cursor".to_owned(),
        at: second(80, 60),
        commit: late,
        body: Vec::new(),
    }];
    scene.store.write_tick(write).await.unwrap();
    scene.settle().await;
    assert_eq!(scene.n_in_journal(), 0);
    assert_eq!(scene.values(1).await, [1.0, 7.0]);
}

#[tokio::test]
async fn a_reader_sees_the_same_rows_before_during_and_after_every_move() {
    let mut scene = Scene::new().await;
    scene.commit(minutes(&scene, 0, 26)).await;
    let expected = scene.all().await;
    let store = scene.store.clone();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let reader = tokio::spawn(async move {
        let mut n_reads = 0;
        while stopped.try_recv().is_err() {
            assert_eq!(everything(&store).await, expected, "read {n_reads}");
            n_reads += 1;
        }
        n_reads
    });
    for hour in [3, 20, 40, 73, 80, 100, 130, 131, 132] {
        scene.go_to(hour);
        scene.settle().await;
    }
    stop.send(()).unwrap();
    let n_reads = reader.await.unwrap();
    assert!(20 < n_reads, "only {n_reads} reads while moving");
    assert_eq!(scene.n_in_journal(), 0);
}

/// Random commits into random hours, with moves in between, against a store
/// that never moves anything.
async fn check_random(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut scene = Scene::new().await;
    let still = Scene::new().await;
    for round in 0..40 {
        scene.go_to(round * 5);
        still.go_to(round * 5);
        let rows: Vec<ObservationRow> = (0..random.random_range(1..40))
            .map(|_| {
                let hour = random.random_range(0..=round * 5);
                let time = second(hour, random.random_range(0..4) * 900);
                scene.row(
                    random.random_range(1..=N_DATASTREAMS),
                    time,
                    f64::from(random.random_range(0..3)),
                )
            })
            .collect();
        scene.commit(rows.clone()).await;
        still.commit(rows).await;
        for _ in 0..random.random_range(0..30) {
            scene.mover.step().await.unwrap();
            if random.random_bool(0.05) {
                let time = second(random.random_range(0..=round * 5), 900);
                let row = scene.row(1, time, f64::from(random.random_range(0..3)));
                scene.commit(vec![row]).await;
                still.commit(vec![row]).await;
            }
        }
        let values = |slices: Vec<Vec<StoredObservation>>| -> Vec<Vec<(Time, f64)>> {
            let pairs = |rows: Vec<StoredObservation>| {
                rows.iter().map(|row| (row.time, row.value)).collect()
            };
            slices.into_iter().map(pairs).collect()
        };
        assert_eq!(values(scene.all().await), values(still.all().await), "seed {seed}");
    }
    scene.go_to(400);
    scene.settle().await;
    assert_eq!(scene.n_in_journal(), 0, "seed {seed}");
    assert_eq!(scene.all().await, still.all().await, "seed {seed}");
    let counts = |rows: Vec<LedgerRow>| rows;
    let (found, expected) =
        (scene.store.ledger(ALWAYS).await.unwrap(), still.store.ledger(ALWAYS).await.unwrap());
    assert_eq!(counts(found), counts(expected), "seed {seed}");
    for key in 1..=N_DATASTREAMS {
        let of = async |scene: &Scene| {
            let rows = scene.store.replaced(DatastreamKey(key), ALWAYS, 100_000).await.unwrap();
            let mut rows: Vec<_> =
                rows.iter().map(|r| (r.time, r.commit, r.value.to_bits())).collect();
            rows.sort_unstable();
            rows
        };
        assert_eq!(of(&scene).await, of(&still).await, "seed {seed}");
    }
}

#[tokio::test]
async fn random_moves_change_nothing_that_is_read_or_counted() {
    for seed in 0..4 {
        check_random(SEED + seed).await;
    }
}

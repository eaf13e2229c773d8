//! What moving must leave alone, against a store that moves nothing; and what
//! it makes: sums of hours, and small files.

use std::time::Duration;

use model::Time;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::{
    Aggregate, DatastreamKey, Mover, MoverOptions, ObservationRow, Step, StoredObservation,
    TimeRange,
};

use crate::scene::{N_DATASTREAMS, Scene, hours, minutes, mover_options, second};
use crate::support::{ALWAYS, thing};

const SEED: u64 = 20_260_726;

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
    let (found, expected) =
        (scene.store.ledger(ALWAYS).await.unwrap(), still.store.ledger(ALWAYS).await.unwrap());
    assert_eq!(found, expected, "seed {seed}");
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

/// A day of gauges in steps of 1 mm, a reading a minute of each, with delays
/// of a network.
#[tokio::test]
async fn an_observation_takes_at_most_five_bytes_of_a_day_s_file() {
    let mut scene = Scene::new().await;
    let mut random = StdRng::seed_from_u64(SEED);
    let things = (0..20).map(|n| (thing(&format!("gauge-{n}"), 10), store::Expected::Any));
    scene.store.put_things(things.collect()).await.unwrap();
    let keys: Vec<u32> = (N_DATASTREAMS + 1..=N_DATASTREAMS + 200).collect();
    let mut levels_mm: Vec<i64> = keys.iter().map(|_| random.random_range(500..3_000)).collect();
    for minute in 0..24 * 60 {
        let mut rows = Vec::new();
        for (key, level_mm) in keys.iter().zip(&mut levels_mm) {
            *level_mm += random.random_range(-3..=3);
            let time = second(0, minute * 60 + i64::from(*key % 60));
            let mut row = scene.row(*key, time, *level_mm as f64 / 1000.0);
            row.received = time + Duration::from_millis(random.random_range(40..400));
            rows.push(row);
        }
        scene.commit(rows).await;
    }
    scene.go_to(24 + 73);
    scene.settle().await;
    scene.go_to(24 + 74);
    scene.settle().await;
    let files = scene.parquet_files();
    assert_eq!(files, ["2026-07-25/day.2.parquet"]);
    let path = scene.directory.path().join("archive").join(&files[0]);
    let n_bytes = path.metadata().unwrap().len();
    let per_row = n_bytes as f64 / (200.0 * 1440.0);
    assert!(per_row <= 5.0, "{per_row} bytes an observation");
    // Seen with `--nocapture`.
    let mut output = std::io::stdout().lock();
    std::io::Write::write_fmt(&mut output, format_args!("{per_row:.2} bytes a row\n")).unwrap();
}

#[tokio::test]
async fn sums_of_hours_follow_late_data_and_age() {
    let directory = tempfile::tempdir().unwrap();
    let mut scene = Scene::open(directory).await;
    let property = model::PropertyId::parse("property_0").unwrap();
    scene.mover = Mover::new(
        scene.store.clone(),
        MoverOptions {
            rollups: [property].into(),
            keep_rollups: Some(Duration::from_secs(100 * 3600)),
            keep_readings: Some(Duration::from_secs(200 * 3600)),
            ..mover_options()
        },
    );
    let values = [3.0, 1.0, 2.0];
    let rows = (0..3).map(|n| scene.row(1, second(0, n), values[n as usize]));
    let other = scene.row(2, second(0, 0), 9.0);
    scene.commit(rows.chain([other]).collect()).await;
    let sums = async |scene: &Scene| {
        let keys = [DatastreamKey(1), DatastreamKey(2)];
        let rows = scene.store.hourly(&keys, ALWAYS, 99).await.unwrap();
        rows.iter().map(|r| (r.datastream.0, r.n, r.sum, r.min, r.max, r.last)).collect::<Vec<_>>()
    };
    assert_eq!(sums(&scene).await, []);
    scene.go_to(3);
    scene.settle().await;
    assert_eq!(sums(&scene).await, [(1, 3, 6.0, 1.0, 3.0, 2.0)]);
    scene.go_to(80);
    scene.settle().await;
    scene.commit(vec![scene.row(1, second(0, 9), 8.0), scene.row(3, second(80, 0), 1.0)]).await;
    scene.settle().await;
    assert_eq!(sums(&scene).await, [(1, 4, 14.0, 1.0, 8.0, 8.0)]);

    // The clock alone ages nothing: it may have jumped.
    scene.go_to(5_000);
    scene.settle().await;
    assert_eq!(sums(&scene).await.len(), 1);
    scene.commit(vec![scene.row(3, second(150, 0), 1.0)]).await;
    scene.go_to(5_001);
    scene.settle().await;
    assert_eq!(sums(&scene).await, []);
    assert_eq!(scene.values(1).await.len(), 4);
    scene.commit(vec![scene.row(3, second(300, 0), 1.0)]).await;
    scene.go_to(5_002);
    scene.settle().await;
    assert_eq!(scene.values(1).await, [] as [f64; 0]);
    let report = store::verify(scene.directory.path(), &mut |_, _| ()).unwrap();
    assert_eq!(report.damages, [], "the ledger knows what expired");
}

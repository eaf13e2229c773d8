//! The journal as an earlier commit saw it.

use model::{ThingId, Time};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::{DatastreamKey, Expected, Store, StoredObservation, TimeRange};

use crate::support::{ALWAYS, at, commit, open, prepared, row, thing};

const SEED: u64 = 7;

fn keys() -> Vec<DatastreamKey> {
    (1..=3).map(DatastreamKey).collect()
}

async fn slices(store: &Store, as_of: u64) -> Vec<Vec<StoredObservation>> {
    store.slices_as_of(keys(), ALWAYS, as_of, 100_000).await.unwrap()
}

#[tokio::test]
async fn slices_are_those_of_the_commit() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 3).await;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut pictures = Vec::new();
    for _ in 0..40 {
        let (number, slices) = store.slices(keys(), ALWAYS, 100_000).await.unwrap();
        pictures.push((number, slices));
        let rows = (0..10).map(|_| {
            let second = random.random_range(0..8) * 500;
            row(
                source,
                random.random_range(1..=3),
                at(second),
                f64::from(random.random_range(0..4)),
            )
        });
        commit(&store, rows.collect()).await.unwrap();
    }
    for (number, expected) in pictures {
        assert_eq!(slices(&store, number).await, expected, "commit {number}, seed {SEED}");
    }
    let (_, now) = store.slices(keys(), ALWAYS, 100_000).await.unwrap();
    assert_eq!(slices(&store, u64::MAX).await, now);
}

#[tokio::test]
async fn a_limit_cuts_off_the_end_of_the_range() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 3).await;
    let rows = |value| (0..30).map(move |n| row(source, 1 + n % 3, at(i64::from(n) * 600), value));
    let first = commit(&store, rows(1.0).collect()).await.unwrap().commit;
    commit(&store, rows(2.0).step_by(2).collect()).await.unwrap();

    let range = TimeRange { start: at(600), stop: at(30 * 600) };
    let found = async |limit| {
        let slices = store.slices_as_of(keys(), range, first, limit).await.unwrap();
        let mut times: Vec<Time> = slices.iter().flatten().map(|row| row.time).collect();
        assert!(slices.iter().flatten().all(|row| row.value == 1.0));
        times.sort_unstable();
        times
    };
    let all = found(1_000).await;
    assert_eq!(all, (1..30).map(|n| at(n * 600)).collect::<Vec<_>>());
    for limit in [0, 1, 5, 14] {
        let cut = found(limit).await;
        assert!(cut.len() <= limit, "{} of {limit}", cut.len());
    }
}

#[tokio::test]
async fn things_are_those_of_the_commit() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let mut pictures = vec![Vec::new()];
    let put = async |thing| store.put_things(vec![(thing, Expected::Any)]).await.unwrap();
    let mut renamed = thing("b", 2);
    renamed.name.en = "renamed".into();
    for thing in [thing("b", 1), thing("a", 1), thing("b", 2), renamed] {
        put(thing).await;
        let directory = store.directory();
        pictures.push(directory.things.values().map(|record| record.thing.clone()).collect());
    }
    let property = model::PropertyId::parse("late").unwrap();
    let id = ThingId::parse("a").unwrap();
    store.ensure_datastream(&id, &property, None).await.unwrap().unwrap();
    assert_eq!(store.things_as_of(9).await.unwrap()[0].datastreams.len(), 2);
    for (number, expected) in pictures.into_iter().enumerate() {
        assert_eq!(store.things_as_of(number as u64).await.unwrap(), expected, "commit {number}");
    }
}

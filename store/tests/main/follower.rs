//! Following the journal: live, late, and again from the journal.

use std::time::Duration;

use model::{Document, DocumentId, LocalizedName, Storm};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::{Commit, Content, DatastreamKey, Expected, Follower, ObservationRow, SourceKey};
use tokio::task::JoinSet;

use crate::support::{ALWAYS, at, commit, open, prepared, row, source_name, thing, tick};

const SEED: u64 = 20_120_808;

const PATIENCE: Duration = Duration::from_secs(20);

/// The next `n` commits.
async fn take(follower: &mut Follower, n: usize) -> Vec<Commit> {
    let mut taken = Vec::with_capacity(n);
    while taken.len() < n {
        let next = tokio::time::timeout(PATIENCE, follower.next()).await;
        taken.push(next.expect("no commit came").unwrap().unwrap());
    }
    taken
}

#[track_caller]
fn check_contiguous(commits: &[Commit], first: u64) {
    let numbers: Vec<u64> = commits.iter().map(|commit| commit.number).collect();
    let expected: Vec<u64> = (first..first + commits.len() as u64).collect();
    assert_eq!(numbers, expected, "seed {SEED}");
}

/// Rows of few keys, so that many repeat or replace an earlier value, also one
/// of their own batch.
fn batch(random: &mut StdRng, source: SourceKey) -> Vec<ObservationRow> {
    let n_rows = random.random_range(0..20);
    let mut one = || {
        let second = random.random_range(0..12) * random.random_range(1..900);
        row(source, random.random_range(1..=3), at(second), f64::from(random.random_range(0..3)))
    };
    (0..n_rows).map(|_| one()).collect()
}

#[tokio::test]
async fn the_journal_gives_again_what_was_live() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 3).await;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut live = store.follow(0);
    let mut seen = Vec::new();
    for _ in 0..150 {
        commit(&store, batch(&mut random, source)).await.unwrap();
        let n_new = store.last_commit() as usize - seen.len();
        seen.extend(take(&mut live, n_new).await);
    }
    check_contiguous(&seen, 1);
    let n_rows = |commit: &Commit| match &commit.content {
        Content::Observations(rows) => rows.len(),
        _ => 0,
    };
    let mut n_stored = 0;
    for key in 1..=3 {
        n_stored += store.observations(DatastreamKey(key), ALWAYS, 10_000).await.unwrap().len();
        n_stored += store.replaced(DatastreamKey(key), ALWAYS, 10_000).await.unwrap().len();
    }
    assert_eq!(seen.iter().map(n_rows).sum::<usize>(), n_stored, "seed {SEED}");

    assert_eq!(take(&mut store.follow(0), seen.len()).await, seen, "seed {SEED}");
    drop((live, store));
    let (store, _) = open(directory.path());
    let later = take(&mut store.follow(70), seen.len() - 70).await;
    assert_eq!(later, seen[70..], "seed {SEED}");
}

#[tokio::test]
async fn a_slow_follower_misses_nothing_and_sees_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 3).await;
    let mut slow = store.follow(0);
    take(&mut slow, 2).await;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut seen = Vec::new();
    // More than the ring holds, twice, with a look in between.
    for n_commits in [700, 300, 10] {
        for _ in 0..n_commits {
            commit(&store, batch(&mut random, source)).await.unwrap();
        }
        seen.extend(take(&mut slow, n_commits / 2).await);
    }
    let n_left = store.last_commit() as usize - 2 - seen.len();
    seen.extend(take(&mut slow, n_left).await);
    check_contiguous(&seen, 3);
    assert_eq!(take(&mut store.follow(2), seen.len()).await, seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn followers_that_begin_at_any_time_see_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 3).await;
    const N_TASKS: u64 = 8;
    const N_COMMITS: u64 = 60;
    let last = store.last_commit() + N_TASKS * N_COMMITS;
    let mut writers = JoinSet::new();
    for task in 0..N_TASKS {
        let store = store.clone();
        let mut random = StdRng::seed_from_u64(SEED + task);
        writers.spawn(async move {
            for _ in 0..N_COMMITS {
                commit(&store, batch(&mut random, source)).await.unwrap();
            }
        });
    }
    let mut followers = JoinSet::new();
    for place in 0..4 {
        while store.last_commit() < place * 100 {
            tokio::task::yield_now().await;
        }
        let mut follower = store.follow(0);
        followers.spawn(async move { take(&mut follower, last as usize).await });
    }
    writers.join_all().await;
    let seen = followers.join_all().await;
    check_contiguous(&seen[0], 1);
    assert!(seen.iter().all(|other| *other == seen[0]), "seed {SEED}");
}

#[tokio::test]
async fn a_cancelled_wait_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    for second in 0..50 {
        commit(&store, vec![row(source, 1, at(second), 1.0)]).await.unwrap();
    }
    let mut follower = store.follow(0);
    let mut seen = Vec::new();
    let mut n_cancelled = 0;
    let begun = std::time::Instant::now();
    while seen.len() < 52 {
        tokio::select! {
            biased;
            commit = follower.next() => seen.push(commit.unwrap().unwrap()),
            // Each wait is looked at once and dropped.
            () = std::future::ready(()) => n_cancelled += 1,
        }
        assert!(begun.elapsed() < PATIENCE, "only {} commits came", seen.len());
        tokio::task::yield_now().await;
    }
    check_contiguous(&seen, 1);
    assert!(0 < n_cancelled);
}

#[tokio::test]
async fn a_large_commit_comes_by_the_journal_over_many_buckets() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 3).await;
    let mut live = store.follow(store.last_commit());
    // 600 buckets, each other one, backwards.
    let rows = (0..9_000).map(|n| row(source, 1 + n % 3, at(i64::from(9_000 - n) * 80), 1.5));
    let mut rows: Vec<_> = rows.collect();
    commit(&store, rows.clone()).await.unwrap();
    rows.sort_by_key(|row| (row.datastream, row.time));
    let rows: Vec<_> =
        rows.iter().map(|row| ObservationRow { source: SourceKey::UNKNOWN, ..*row }).collect();
    let found = take(&mut live, 1).await.remove(0);
    assert_eq!(found.content, Content::Observations(rows.into()));
}

#[tokio::test]
async fn each_kind_of_commit_is_told_the_same_live_and_later() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let live = store.follow(0);
    let storm = Document::Storm(Storm {
        id: DocumentId::parse("s-1").unwrap(),
        name: LocalizedName { zh: "海葵".into(), en: "Haikui".into() },
        number: None,
        intensity_factor: 1.0,
        ended: None,
    });
    let reading = row(source, 1, at(1), -0.0);
    commit(&store, vec![reading]).await.unwrap();
    commit(&store, vec![reading]).await.unwrap();
    store.put_document(storm.clone(), Expected::Any, "duty").await.unwrap();
    store.put_things(vec![(thing("late", 1), Expected::Any)]).await.unwrap();
    let derived = store.source(&source_name("derived")).await.unwrap();
    let mut write = tick(at(60), 5);
    write.rows = std::sync::Arc::new(store::Rows {
        observations: vec![row(derived, 2, at(60), 7.0)],
        ..store::Rows::default()
    });
    store.write_tick(write).await.unwrap();

    let row = ObservationRow { source: SourceKey::UNKNOWN, value: 0.0, ..reading };
    let expected = [
        Content::Things,
        Content::Other,
        Content::Observations([row].into()),
        Content::Other,
        Content::Documents(vec![storm]),
        Content::Things,
        Content::Other,
        Content::Tick,
    ];
    for mut follower in [live, store.follow(0)] {
        let found: Vec<_> = take(&mut follower, 8).await;
        assert!(found.iter().all(|commit| commit.at == at(0)));
        let found: Vec<_> = found.into_iter().map(|commit| commit.content).collect();
        assert_eq!(found, expected);
    }
    assert_eq!(store.latest().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_follower_ends_with_the_store_after_its_last_commit() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let mut follower = store.follow(0);
    let waits = tokio::spawn({
        let mut follower = store.follow(store.last_commit());
        async move { follower.next().await.is_none() }
    });
    // More than the ring holds: the rest is read after the end.
    for second in 0..300 {
        commit(&store, vec![row(source, 1, at(second), 1.0)]).await.unwrap();
    }
    assert!(!waits.await.unwrap());
    store.close().await.unwrap();
    check_contiguous(&take(&mut follower, 302).await, 1);
    assert!(follower.next().await.is_none());
    let mut late = store.follow(300);
    check_contiguous(&take(&mut late, 2).await, 301);
    assert!(late.next().await.is_none());
    drop((follower, late));
    drop(store);
    open(directory.path());
}

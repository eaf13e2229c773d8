//! The border between journal and archive, sentence by sentence: whatever is
//! moved, what is read stays the same.

use store::{DatastreamKey, MoverStep, StoredObservation, TimeRange};

use crate::scene::{Scene, everything, hours, minutes, second};
use crate::support::ALWAYS;

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

#[tokio::test]
async fn an_archive_that_cannot_be_written_costs_nothing_but_time() {
    let mut scene = Scene::new().await;
    scene.commit(minutes(&scene, 0, 1)).await;
    let before = scene.all().await;
    scene.go_to(80);
    let in_the_way = scene.directory.path().join("archive/2026-07-25");
    std::fs::create_dir(scene.directory.path().join("archive")).unwrap();
    std::fs::write(&in_the_way, "").unwrap();
    for _ in 0..3 {
        assert!(scene.mover.step().await.is_err());
        assert_eq!(scene.all().await, before);
    }
    std::fs::remove_file(&in_the_way).unwrap();
    let steps = scene.settle().await;
    assert!(steps.contains(&MoverStep::Released(hours(0))), "{steps:?}");
    assert_eq!(scene.all().await, before);
}

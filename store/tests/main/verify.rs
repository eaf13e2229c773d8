//! Planted damage is found and named, mended where anything is left to mend it
//! from; backups are whole.

use std::fs;
use std::path::{Path, PathBuf};

use model::{Clock, Time};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::{DatastreamKey, RepairReport, StoreError, VerifyReport};

use crate::scene::{Scene, everything, hours, minutes, second};
use crate::support::ALWAYS;

const SEED: u64 = 20_260_727;

/// Two compacted days, released hours with files of their own, closed and open
/// ones; all at rest.
async fn full() -> Scene {
    let mut scene = Scene::new().await;
    scene.commit(minutes(&scene, 0, 60)).await;
    scene.go_to(48 + 73);
    scene.settle().await;
    scene.commit(minutes(&scene, 110, 15)).await;
    scene.go_to(48 + 78);
    scene.settle().await;
    // Old generations go.
    scene.go_to(48 + 79);
    scene.settle().await;
    scene
}

fn look(path: &Path) -> VerifyReport {
    store::verify(path, &mut |_, _| ()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() != "lock" && entry.file_name() != "reserve" {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A closed copy of a full store, to damage.
async fn closed() -> (tempfile::TempDir, Vec<String>) {
    let scene = full().await;
    scene.store.close().await.unwrap();
    let copied = tempfile::tempdir().unwrap();
    copy(scene.directory.path(), copied.path());
    (copied, scene.parquet_files())
}

fn change(path: &Path, sql: &str) {
    let journal = rusqlite::Connection::open(path.join("journal.db")).unwrap();
    journal.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn what_is_whole_is_found_whole_also_beside_the_server() {
    let scene = full().await;
    let report = look(scene.directory.path());
    assert_eq!(report.damages, [], "{:?}", scene.parquet_files());
    assert!(report.is_ledger_checked);
    let n_files = scene.parquet_files().len() as u64;
    assert_eq!((report.n_hours, report.n_files), (75, n_files));
}

/// The hours that a file is read for, by its name.
fn hours_of(path: &Path, file: &str) -> Vec<Time> {
    let journal = rusqlite::Connection::open(path.join("journal.db")).unwrap();
    let mut statement = journal
        .prepare("SELECT hour FROM hours JOIN archive_files USING (file) WHERE name = ?1")
        .unwrap();
    let found = statement.query_map([file], |row| row.get(0)).unwrap();
    let mut hours: Vec<Time> = found.map(|ms| Time::from_millis(ms.unwrap()).unwrap()).collect();
    hours.sort_unstable();
    hours
}

#[tokio::test]
async fn each_of_a_hundred_damages_is_found_and_its_hours_are_named() {
    let (original, files) = closed().await;
    let mut random = StdRng::seed_from_u64(SEED);
    for n in 0..100 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        copy(original.path(), path);
        let file = &files[random.random_range(0..files.len())];
        let full_path = path.join("archive").join(file);
        let mut expected = hours_of(path, file);
        let what = match n % 5 {
            0 | 1 => {
                let mut bytes = fs::read(&full_path).unwrap();
                let place = random.random_range(0..bytes.len());
                bytes[place] ^= 1 << random.random_range(0..8);
                fs::write(&full_path, bytes).unwrap();
                format!("a bit of byte {place} of {file}")
            }
            2 => {
                fs::remove_file(&full_path).unwrap();
                format!("no {file}")
            }
            3 => {
                let bytes = fs::read(&full_path).unwrap();
                let n_left = random.random_range(0..bytes.len());
                fs::write(&full_path, &bytes[..n_left]).unwrap();
                format!("{n_left} bytes of {file}")
            }
            _ => {
                let hour = expected[random.random_range(0..expected.len())];
                let column = ["rows", "archived_rows"][n / 5 % 2];
                let ms = hour.millis();
                change(
                    path,
                    &format!("UPDATE hours SET {column} = {column} + 1 WHERE hour = {ms}"),
                );
                // Both the journal's rows and the file are compared with the entry.
                if column == "rows" {
                    expected = vec![hour];
                }
                format!("{column} of {hour}")
            }
        };
        let report = look(path);
        let mut named: Vec<Time> =
            report.damages.iter().flat_map(|damage| damage.hours.clone()).collect();
        named.sort_unstable();
        named.dedup();
        for hour in expected {
            assert!(named.contains(&hour), "{what}: {hour} is not named by {:?}", report.damages);
        }
    }
}

#[tokio::test]
async fn a_changed_value_in_the_journal_is_found_by_the_digest_of_its_hour() {
    let (copied, _) = closed().await;
    let path = copied.path();
    let time = second(112, 61).millis();
    change(path, &format!("UPDATE observations SET value = value + 0.1 WHERE time = {time}"));
    let report = look(path);
    assert_eq!(report.damages.len(), 1, "{:?}", report.damages);
    assert_eq!(report.damages[0].hours, [hours(112)]);
    assert_eq!(report.damages[0].file, "journal.db");

    // Its file is whole: the rows come from there.
    let repaired = store::repair(path, &Clock::manual(hours(200))).unwrap();
    assert_eq!(repaired.released, [hours(112)]);
    assert_eq!(look(path).damages, []);
}

/// Opens a damaged copy and reads all of datastream 1.
async fn read_all(path: &Path) -> Result<usize, StoreError> {
    let (store, _) = crate::support::open(path);
    let rows = store.observations(DatastreamKey(1), ALWAYS, 1_000_000).await;
    rows.map(|rows| rows.len())
}

#[tokio::test]
async fn a_missing_or_torn_file_is_named_and_never_a_shorter_answer() {
    let (original, files) = closed().await;
    for file in &files {
        // Later hours are still read from the journal.
        if hours_of(original.path(), file).iter().any(|hour| hours(54) < *hour) {
            continue;
        }
        for n_left in [None, Some(0), Some(4), Some(600)] {
            let folder = tempfile::tempdir().unwrap();
            copy(original.path(), folder.path());
            let path = folder.path().join("archive").join(file);
            match n_left {
                None => fs::remove_file(&path).unwrap(),
                Some(n) => fs::write(&path, &fs::read(&path).unwrap()[..n]).unwrap(),
            }
            match read_all(folder.path()).await {
                Err(StoreError::Corrupt { detail }) => assert!(detail.contains(file), "{detail}"),
                other => panic!("{file} of {n_left:?} bytes: {other:?}"),
            }
        }
    }
}

/// Damages one file and repairs; expects that all is whole afterwards.
async fn repaired(file: &str) -> (RepairReport, Result<usize, StoreError>) {
    let (copied, _) = closed().await;
    let path = copied.path();
    fs::write(path.join("archive").join(file), "rubbish").unwrap();
    let report = store::repair(path, &Clock::manual(hours(200))).unwrap();
    assert_eq!(report.set_aside.len(), 1);
    assert_eq!(fs::read(&report.set_aside[0]).unwrap(), b"rubbish", "nothing is deleted");
    let after = look(path);
    assert_eq!(after.damages, []);
    let n_lost: u64 = after.lost.iter().map(|(_, n)| n).sum();
    assert_eq!(n_lost, report.lost.iter().map(|(_, n)| n).sum::<u64>());
    let found = read_all(path).await;
    (report, found)
}

#[tokio::test]
async fn a_damaged_file_of_an_hour_in_the_journal_is_written_anew() {
    let (report, found) = repaired("2026-07-29/14.1.parquet").await;
    assert_eq!(report.rewritten, [hours(110)]);
    assert_eq!(report.lost, []);
    assert_eq!(found.unwrap(), 75 * 60);
}

#[tokio::test]
async fn a_damaged_file_of_a_released_day_is_lost_and_said_so() {
    let (report, found) = repaired("2026-07-25/day.2.parquet").await;
    assert_eq!(report.lost.len(), 24);
    assert_eq!(report.lost[0], (hours(0), 180));
    assert_eq!(found.unwrap(), 51 * 60);
}

#[tokio::test]
async fn wrong_notes_are_made_anew_from_whole_files() {
    let (copied, _) = closed().await;
    let path = copied.path();
    change(
        path,
        "UPDATE hours SET archived_rows = archived_rows + 1 WHERE hour = 1784937600000; \
         UPDATE spans SET row_first = row_first + 1 WHERE datastream = 2; \
         UPDATE hours SET rows = rows + 5 WHERE state = 'open'",
    );
    assert!(!look(path).damages.is_empty());
    store::repair(path, &Clock::manual(hours(200))).unwrap();
    assert_eq!(look(path).damages, []);
    assert_eq!(read_all(path).await.unwrap(), 75 * 60);
}

#[tokio::test]
async fn a_backup_made_while_ingesting_has_all_that_was_acknowledged_before() {
    let mut scene = full().await;
    let before = scene.all().await;
    let commit = scene.store.last_commit();
    let (store, source) = (scene.store.clone(), scene.source);
    let writing = tokio::spawn(async move {
        for n in 0..200 {
            let row = crate::support::row(source, 3, second(126, n), n as f64);
            crate::support::commit(&store, vec![row]).await.unwrap();
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (from, to): (PathBuf, PathBuf) =
        (scene.directory.path().to_owned(), folder.path().join("backup"));
    let target = to.clone();
    let made = tokio::task::spawn_blocking(move || {
        store::backup(&from, &target, &Clock::manual(hours(126)), &mut |_, _| ())
    });
    let made = made.await.unwrap().unwrap();
    // What the server does to its files afterwards is nothing to the backup.
    writing.await.unwrap();
    scene.go_to(300);
    scene.settle().await;
    scene.go_to(301);
    scene.settle().await;
    assert!(commit <= made.commit);

    let restored = folder.path().join("restored");
    let again = store::restore(&to, &restored, &mut |_, _| ()).unwrap();
    assert_eq!((again.commit, again.n_files), (made.commit, made.n_files));
    assert_eq!(look(&restored).damages, []);
    let (store, report) = crate::support::open(&restored);
    assert_eq!((report.commit, report.lost_acknowledged), (made.commit, 0));
    let found = everything(&store).await;
    for (found, before) in found.iter().zip(&before) {
        let known: Vec<_> = found.iter().filter(|row| row.commit <= commit).copied().collect();
        assert_eq!(known, *before);
    }

    let refused = store::restore(&to, &restored, &mut |_, _| ());
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    fs::remove_file(to.join("backup.json")).unwrap();
    let refused = store::restore(&to, &folder.path().join("other"), &mut |_, _| ());
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
}

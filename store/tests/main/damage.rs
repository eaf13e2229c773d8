//! What a start finds: locks, files that are not ours, and journals that lost
//! something.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use model::{Clock, Origin};
use store::{DatastreamKey, Store, StoreError, StoreOptions};
use tempfile::TempDir;

use crate::support::{
    ALWAYS, at, commit, open, options, prepared, row, source_name, thing, try_open,
};

const JOURNAL: &str = "journal.db";
const LOG: &str = "journal.db-wal";
const SIDE: &str = "journal.commit";

#[track_caller]
fn corrupt(result: Result<(Store, store::StartReport), StoreError>) -> String {
    match result {
        Err(StoreError::Corrupt { detail }) => detail,
        other => panic!("expected a refusal to start, found {other:?}"),
    }
}

/// A journal of `n` commits of one row each, all of it in the log: rows of
/// commit `k` have the value `k`. Gives main file and log, as a power cut
/// would find them.
async fn log_of(n: u64) -> (Vec<u8>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (store, _) = prepared(path, 1).await;
    store.close().await.unwrap();
    drop(store);
    let main_before = fs::read(path.join(JOURNAL)).unwrap();

    let (store, _) = open(path);
    let source = store.source(&source_name("embedded")).await.unwrap();
    while store.last_commit() < n {
        let number = store.last_commit() + 1;
        let row = row(source, 1, at(number as i64), number as f64);
        commit(&store, vec![row]).await.unwrap();
    }
    let main = fs::read(path.join(JOURNAL)).unwrap();
    assert_eq!(main, main_before, "a checkpoint ran, so the log alone says nothing");
    (main, fs::read(path.join(LOG)).unwrap())
}

/// A directory as found after a crash.
fn crashed(main: &[u8], log: &[u8], side: u64) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(JOURNAL), main).unwrap();
    fs::write(directory.path().join(LOG), log).unwrap();
    fs::write(directory.path().join(SIDE), format!("{side:020}\n")).unwrap();
    directory
}

/// Commits 1 and 2 registered a thing and a source; the others are rows.
const N_COMMITS: u64 = 60;

/// Starts on a damaged log; expects an exact prefix of commits, and that the
/// shortfall is what the report says. Gives the last commit found.
async fn check_prefix(main: &[u8], log: &[u8]) -> u64 {
    let directory = crashed(main, log, N_COMMITS);
    let (store, report) = open(directory.path());
    assert_eq!(report.lost_acknowledged, N_COMMITS - report.commit);
    let rows = store.observations(DatastreamKey(1), ALWAYS, usize::MAX).await.unwrap();
    let found: Vec<u64> = rows.iter().map(|row| row.commit).collect();
    assert_eq!(found, (3..=report.commit).collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row.value == row.commit as f64));
    let expected: Vec<u64> = (1..=report.commit).chain(first_after(&report)).collect();
    assert_eq!(followed(&store, expected.len()).await, expected);
    report.commit
}

/// The commit that books the loss.
fn first_after(report: &store::StartReport) -> Option<u64> {
    (0 < report.lost_acknowledged).then_some(report.commit + report.lost_acknowledged + 1)
}

/// The numbers of the first `n` commits that can be followed.
async fn followed(store: &Store, n: usize) -> Vec<u64> {
    let mut follower = store.follow(0);
    let mut numbers = Vec::new();
    while numbers.len() < n {
        numbers.push(follower.next().await.unwrap().unwrap().number);
    }
    numbers
}

#[tokio::test]
async fn a_log_cut_anywhere_is_an_exact_prefix_and_the_rest_is_counted() {
    let (main, log) = log_of(N_COMMITS).await;
    let mut last = 0;
    for part in 0..=64 {
        let found = check_prefix(&main, &log[..log.len() * part / 64]).await;
        assert!(last <= found, "{last} commits before, now {found}");
        last = found;
    }
    assert_eq!(last, N_COMMITS);
}

#[tokio::test]
async fn a_flipped_bit_in_the_log_ends_it_and_is_reported() {
    let (main, log) = log_of(N_COMMITS).await;
    for part in 1..8 {
        let mut damaged = log.clone();
        damaged[log.len() * part / 8] ^= 1;
        assert!(check_prefix(&main, &damaged).await < N_COMMITS);
    }
}

#[tokio::test]
async fn a_journal_behind_its_side_file_is_booked_once() {
    let (main, log) = log_of(N_COMMITS).await;
    let directory = crashed(&main, &log, N_COMMITS + 7);
    let (store, report) = open(directory.path());
    assert_eq!((report.commit, report.lost_acknowledged), (N_COMMITS, 7));
    let ledger = store.ledger(ALWAYS).await.unwrap();
    let lost = ledger.iter().find(|row| row.source.as_str() == "journal").unwrap();
    assert_eq!((lost.lost_acknowledged, lost.received, lost.hour), (7, 0, at(0)));
    assert_eq!(store.last_commit(), N_COMMITS + 8, "lost numbers are not given again");
    drop(store);

    let (_store, report) = open(directory.path());
    assert_eq!((report.commit, report.lost_acknowledged), (N_COMMITS + 8, 0));
}

#[tokio::test]
async fn a_journal_that_is_gone_is_not_silently_empty() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (store, _) = prepared(path, 1).await;
    let n = store.last_commit();
    store.close().await.unwrap();
    drop(store);
    fs::remove_file(path.join(JOURNAL)).unwrap();
    let (store, report) = open(path);
    assert_eq!((report.is_new, report.commit, report.lost_acknowledged), (true, 0, n));
    assert_eq!(store.ledger(ALWAYS).await.unwrap()[0].lost_acknowledged, n);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_untouched_and_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (store, _) = prepared(path, 1).await;
    let n = store.last_commit();
    store.close().await.unwrap();
    drop(store);
    let rubbish = vec![0xA5; 5_000];
    fs::write(path.join(JOURNAL), &rubbish).unwrap();

    let detail = corrupt(try_open(path));
    assert!(detail.contains("journal.db cannot be used as the journal"), "{detail}");
    let command = format!("tidewatch repair --data {}", path.display());
    assert!(detail.contains("nothing was changed") && detail.contains(&command), "{detail}");
    assert_eq!(fs::read(path.join(JOURNAL)).unwrap(), rubbish);

    let clock = Clock::manual(at(0));
    let aside = store::repair(path, &clock).unwrap().set_aside;
    assert_eq!(aside, [path.join("journal.db.broken-20260725T080000")]);
    assert_eq!(fs::read(&aside[0]).unwrap(), rubbish);
    let (store, report) = open(path);
    assert_eq!((report.is_new, report.lost_acknowledged), (true, n));
    drop(store);
    fs::write(path.join(JOURNAL), &rubbish).unwrap();
    let again = store::repair(path, &clock).unwrap().set_aside;
    assert_eq!(again, [path.join("journal.db.broken-20260725T080000-2")]);
}

/// Changes the closed journal of a fresh directory by `sql`; expects a refusal
/// to start with `expected` in its text, and unchanged bytes.
async fn check_refused(sql: &str, expected: &str) {
    let directory = tempfile::tempdir().unwrap();
    drop(prepared(directory.path(), 1).await);
    let journal = directory.path().join(JOURNAL);
    rusqlite::Connection::open(&journal).unwrap().execute_batch(sql).unwrap();
    let before = fs::read(&journal).unwrap();
    let detail = corrupt(try_open(directory.path()));
    assert!(detail.contains(expected), "{detail}");
    assert_eq!(fs::read(&journal).unwrap(), before);
}

#[tokio::test]
async fn other_schemas_are_refused() {
    check_refused("PRAGMA user_version = 99", "its schema is version 99").await;
    check_refused("PRAGMA user_version = 0", "its schema is version 0").await;
    check_refused("PRAGMA application_id = 7", "an SQLite file of something else").await;
}

#[tokio::test]
async fn a_directory_is_one_process_s() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    match try_open(directory.path()) {
        Err(StoreError::Locked { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        other => panic!("expected a lock, found {other:?}"),
    }
    let copy = store.clone();
    drop(store);
    assert!(try_open(directory.path()).is_err(), "a clone still holds it");
    drop(copy);
    open(directory.path());
}

#[tokio::test]
async fn files_are_private() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("data");
    let (store, report) = open(&path);
    assert!(report.is_new);
    store.put_things(vec![(thing("a", 1), store::Expected::Any)]).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    for name in [JOURNAL, LOG, SIDE, "registry.db", "lock", "reserve"] {
        assert!(names.contains(&name.to_owned()), "{name} is missing in {names:?}");
    }
}

#[tokio::test]
async fn the_origin_is_fixed_when_the_directory_is_created() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let with = |origin| Store::open(StoreOptions { origin, ..options(path) });
    let (store, report) = with(Some(Origin::Simulated)).unwrap();
    assert_eq!((store.origin(), report.origin), (Origin::Simulated, Origin::Simulated));
    drop(store);
    let detail = corrupt(with(Some(Origin::Real)));
    assert!(detail.contains("holds `simulated` data"), "{detail}");
    assert_eq!(with(None).unwrap().1.origin, Origin::Simulated);

    // A fresh journal in the same directory does not turn it into real data.
    fs::write(path.join(JOURNAL), [0xA5; 5_000]).unwrap();
    assert!(store::repair(path, &Clock::manual(at(0))).unwrap().is_fresh_journal);
    assert_eq!(with(None).unwrap().1.origin, Origin::Simulated);
}

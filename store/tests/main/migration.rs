//! A journal of an earlier version goes on as it is.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use store::{Content, DatastreamKey, StoreError};

use crate::support::{ALWAYS, MORNING_MS, at, commit, open, row, source_name, thing};

/// The schema that the first release wrote.
const VERSION_1: &str = include_str!("../../src/journal/migrations/0001.sql");

/// Five commits of one thing with two datastreams, by a program that knew
/// version 1 only.
fn write_version_1(directory: &Path) {
    let thing = thing("gauge-1", 2);
    let spec = |place: usize| serde_json::to_string(&thing.datastreams[place]).unwrap();
    let without = model::Thing { datastreams: Vec::new(), ..thing.clone() };
    let body = serde_json::to_string(&without).unwrap();
    let connection = Connection::open(directory.join("journal.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let put = |sql: &str, values: &[&dyn rusqlite::ToSql]| connection.execute(sql, values).unwrap();
    put("INSERT INTO sources VALUES (1, 'embedded', 1)", &[]);
    put("INSERT INTO things VALUES ('gauge-1', ?1, 4, ?2, 2)", &[&body, &MORNING_MS]);
    for place in 0..2 {
        let property = thing.datastreams[place].property.as_str();
        let values: [&dyn rusqlite::ToSql; 3] = [&(place as i64 + 1), &property, &spec(place)];
        put("INSERT INTO datastreams VALUES (?1, 'gauge-1', ?2, '', ?3, 2)", &values);
    }
    let observation = "INSERT INTO observations VALUES (?1, 1, ?2, NULL, 5.0, 1, ?2, 5)";
    put(observation, &[&(MORNING_MS / 600_000), &MORNING_MS]);
    put("INSERT INTO replaced VALUES (1, 1, ?1, NULL, 4.0, 1, ?1, 4, 5)", &[&MORNING_MS]);
    put("INSERT INTO latest VALUES (1, ?1, NULL, 5.0, 1, ?1, 5, ?1)", &[&MORNING_MS]);
    put("INSERT INTO hours (hour, state, rows) VALUES (?1, 'open', 1)", &[&MORNING_MS]);
    put("UPDATE last_commit SET number = 5", &[]);
    fs::write(directory.join("journal.commit"), format!("{:020}\n", 5)).unwrap();
}

#[tokio::test]
async fn a_journal_of_version_1_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    write_version_1(directory.path());
    let (store, report) = open(directory.path());
    assert_eq!((report.commit, report.lost_acknowledged, report.is_new), (5, 0, false));
    let rows = store.observations(DatastreamKey(1), ALWAYS, 9).await.unwrap();
    assert_eq!((rows.len(), rows[0].value, rows[0].time), (1, 5.0, at(0)));

    assert_eq!(store.things_as_of(2).await.unwrap(), [thing("gauge-1", 2)]);
    assert_eq!(store.things_as_of(1).await.unwrap(), []);
    let as_of = async |number| {
        let slices = store.slices_as_of(vec![DatastreamKey(1)], ALWAYS, number, 9).await.unwrap();
        slices[0].iter().map(|row| row.value).collect::<Vec<_>>()
    };
    assert_eq!((as_of(3).await, as_of(4).await, as_of(5).await), (vec![], vec![4.0], vec![5.0]));

    // Version 1 did not note its commits.
    let refused = store.follow(4).next().await.unwrap();
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    let source = store.source(&source_name("embedded")).await.unwrap();
    commit(&store, vec![row(source, 2, at(9), 1.0)]).await.unwrap();
    drop(store);
    let (store, report) = open(directory.path());
    assert_eq!((report.commit, report.lost_acknowledged), (6, 0));
    let commit = store.follow(5).next().await.unwrap().unwrap();
    assert_eq!(commit.number, 6);
    assert!(matches!(commit.content, Content::Observations(_)));
}

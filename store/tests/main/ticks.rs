//! What an evaluation leaves behind, in one transaction.

use std::sync::Arc;

use model::{Level, ThingId, Time, TownshipCode};
use store::{
    AlertFilter, AlertRow, AlertTransitionRow, MemoryPart, Rows, ScoreFilter, ScoreRow, Store,
    StoreError, TickRow, TickWrite, TimeRange,
};

use crate::support::{ALWAYS, at, commit, open, prepared, row, tick};

fn score(index: &str, feature: &str, second: i64, value: f64) -> ScoreRow {
    ScoreRow {
        index: index.into(),
        feature: feature.into(),
        at: at(second),
        score: Some(value),
        level: Some(Level::Orange),
        grey: false,
        provisional: true,
        coverage: 0.75,
        confidence: 0.5,
        body: vec![0, 1, 255],
    }
}

fn alert(id: &str, thing: &str, opened: i64, closed: Option<i64>) -> AlertRow {
    AlertRow {
        id: id.into(),
        datastream: format!("{thing}/water_level"),
        thing: ThingId::parse(thing).unwrap(),
        township: (thing == "gauge-1").then(|| TownshipCode::parse("330225101").unwrap()),
        opened: at(opened),
        closed: closed.map(at),
        updated: at(closed.unwrap_or(opened)),
        body: "{}".into(),
    }
}

fn transition(alert: &str, sequence: u32, body: &str) -> AlertTransitionRow {
    AlertTransitionRow { alert: alert.into(), sequence, at: at(1), body: body.into() }
}

fn part(name: &str, second: i64, body: &[u8]) -> MemoryPart {
    MemoryPart { part: name.into(), at: at(second), commit: 3, body: body.to_vec() }
}

async fn write(store: &Store, write: TickWrite) -> u64 {
    store.write_tick(write).await.unwrap()
}

#[tokio::test]
async fn a_tick_is_one_commit_and_may_be_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let seen = store.last_commit();
    let mut first = tick(at(60), seen);
    first.rows =
        Arc::new(Rows { observations: vec![row(source, 1, at(60), 4.0)], ..Rows::default() });
    first.scores = vec![score("hazard", "county", 60, 40.0)];
    first.alerts = vec![alert("a", "gauge-1", 30, None)];
    first.transitions = vec![transition("a", 1, "raised")];
    first.memory = vec![part("soil", 60, b"one"), part("event", 60, b"two")];
    assert_eq!(write(&store, first.clone()).await, seen + 1);
    assert_eq!(store.last_commit(), seen + 1);

    let mut again = first.clone();
    again.scores[0].score = None;
    again.scores[0].level = None;
    again.alerts[0] = alert("a", "gauge-1", 30, Some(50));
    again.transitions = vec![transition("a", 1, "other"), transition("a", 2, "resolved")];
    again.memory = vec![part("soil", 60, b"three")];
    assert_eq!(write(&store, again.clone()).await, seen + 2);

    drop(store);
    let (store, _) = open(directory.path());
    let tick = TickRow { at: at(60), commit: seen };
    assert_eq!(store.last_tick().await.unwrap(), Some(tick));
    assert_eq!(store.ticks(ALWAYS, 9).await.unwrap(), [tick]);
    assert_eq!(store.scores(ScoreFilter::default(), ALWAYS, 9).await.unwrap(), again.scores);
    assert_eq!(store.alert("a").await.unwrap().as_ref(), Some(&again.alerts[0]));
    assert_eq!(
        store.alert_history("a").await.unwrap(),
        [transition("a", 1, "raised"), transition("a", 2, "resolved")]
    );
    assert_eq!(
        store.memory().await.unwrap(),
        [part("event", 60, b"two"), part("soil", 60, b"three")]
    );
    assert_eq!(store.latest().await.unwrap()[0].observation.value, 4.0);
    let ledger = &store.ledger(ALWAYS).await.unwrap()[0];
    assert_eq!((ledger.received, ledger.stored, ledger.duplicate), (2, 1, 1));
}

#[tokio::test]
async fn a_tick_that_cannot_be_stored_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let seen = store.last_commit();
    let mut bad_row = tick(at(60), seen);
    bad_row.rows =
        Arc::new(Rows { observations: vec![row(source, 9, at(1), 1.0)], ..Rows::default() });
    let mut bad_score = tick(at(60), seen);
    bad_score.scores = vec![ScoreRow { coverage: f64::NAN, ..score("hazard", "county", 60, 1.0) }];
    let mut too_many = tick(at(60), seen);
    too_many.transitions = vec![transition("a", 1, ""); 70_000];
    for write in [bad_row, bad_score, too_many] {
        let error = store.write_tick(write).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    }
    assert_eq!((store.last_commit(), store.last_tick().await.unwrap()), (seen, None));
}

#[tokio::test]
async fn a_tick_goes_ahead_of_waiting_batches() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let before = store.last_commit();
    let mut batches = tokio::task::JoinSet::new();
    for second in 0..8 {
        let store = store.clone();
        batches.spawn(async move {
            let rows = (0..20_000).map(|n| row(source, 1, at(second * 40_000 + n), 1.0));
            commit(&store, rows.collect()).await.unwrap().commit
        });
    }
    // On this one thread all eight are sent before the tick.
    while store.last_commit() == before {
        tokio::task::yield_now().await;
    }
    let number = write(&store, tick(at(60), before)).await;
    assert!(number < before + 8, "the tick waited for all batches: commit {number}");
    assert_eq!(batches.join_all().await.into_iter().max(), Some(before + 9));
}

#[tokio::test]
async fn scores_are_found_by_feature_and_time() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    for second in [60, 120, 180] {
        let mut at_second = tick(at(second), 0);
        for index in ["hazard", "township-safety"] {
            for feature in ["330225101", "330225102", "county"] {
                // The second township is stored once only.
                if feature != "330225102" || second == 120 {
                    at_second.scores.push(score(index, feature, second, second as f64));
                }
            }
        }
        write(&store, at_second).await;
    }
    let found = async |index: Option<&str>, feature: Option<&str>, stop, limit| {
        let filter = ScoreFilter { index: index.map(Into::into), feature: feature.map(Into::into) };
        let range = TimeRange { start: at(60), stop: at(stop) };
        let rows = store.scores(filter, range, limit).await.unwrap();
        rows.iter().map(|row| row.at.millis_since(at(0)) / 1_000).collect::<Vec<_>>()
    };
    assert_eq!(found(Some("hazard"), Some("county"), 181, 9).await, [60, 120, 180]);
    assert_eq!(found(Some("hazard"), Some("county"), 180, 9).await, [60, 120]);
    assert_eq!(found(Some("hazard"), None, 121, 9).await, [60, 60, 120, 120, 120]);
    assert_eq!(found(None, Some("330225102"), 999, 9).await, [120, 120]);
    assert_eq!(found(None, None, 999, 3).await, [60, 60, 60]);

    let newest = async |index: &str, second| {
        let rows = store.scores_at(index, at(second)).await.unwrap();
        rows.iter().map(|row| (row.feature.clone(), row.score.unwrap())).collect::<Vec<_>>()
    };
    let entry = |feature: &str, value| (feature.to_owned(), value);
    assert_eq!(newest("hazard", 59).await, []);
    assert_eq!(newest("hazard", 60).await, [entry("330225101", 60.0), entry("county", 60.0)]);
    assert_eq!(
        newest("hazard", 999).await,
        [entry("330225101", 180.0), entry("330225102", 120.0), entry("county", 180.0)]
    );
    assert_eq!(newest("unknown", 999).await, []);
}

#[tokio::test]
async fn alerts_are_paged_and_filtered() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let mut write_all = tick(at(60), 0);
    write_all.alerts = vec![
        alert("a", "gauge-1", 10, Some(90)),
        alert("b", "gauge-2", 10, None),
        alert("c", "gauge-1", 20, None),
        alert("d", "gauge-1", 30, Some(40)),
    ];
    write(&store, write_all).await;
    let ids = async |filter, before: Option<(Time, &str)>, limit| {
        let before = before.map(|(opened, id)| (opened, id.to_owned()));
        let rows = store.alerts(filter, before, limit).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>().concat()
    };
    let all = AlertFilter::default;
    assert_eq!(ids(all(), None, 9).await, "dcba");
    assert_eq!(ids(all(), None, 3).await, "dcb");
    assert_eq!(ids(all(), Some((at(10), "b")), 3).await, "a");
    assert_eq!(ids(AlertFilter { open_only: true, ..all() }, None, 9).await, "cb");
    assert_eq!(ids(AlertFilter { open_only: true, ..all() }, Some((at(20), "c")), 9).await, "b");
    let township = TownshipCode::parse("330225101").ok();
    assert_eq!(ids(AlertFilter { township, ..all() }, None, 9).await, "dca");
    let thing = ThingId::parse("gauge-2").ok();
    assert_eq!(ids(AlertFilter { thing, ..all() }, None, 9).await, "b");
    assert_eq!(ids(AlertFilter { since: Some(at(20)), ..all() }, None, 9).await, "dc");
    assert_eq!(store.alert("z").await.unwrap(), None);
    assert!(store.alert_history("z").await.unwrap().is_empty());
}

#[tokio::test]
async fn ticks_are_listed_in_time_order() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    assert_eq!(store.last_tick().await.unwrap(), None);
    for second in [120, 60, 180] {
        write(&store, tick(at(second), second as u64)).await;
    }
    let range = TimeRange { start: at(60), stop: at(180) };
    let found = store.ticks(range, 9).await.unwrap();
    assert_eq!(found.iter().map(|tick| tick.commit).collect::<Vec<_>>(), [60, 120]);
    assert_eq!(store.ticks(ALWAYS, 1).await.unwrap().len(), 1);
    assert_eq!(store.last_tick().await.unwrap().unwrap().at, at(180));
}

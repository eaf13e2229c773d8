//! Batches against a model that keeps everything in maps.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use model::{Flag, Quality, ThingId, Time};
use proptest::prelude::*;
use store::{
    DatastreamKey, Journal, LedgerRow, ObservationRow, QuarantineRow, RefusalRow, Rows, SourceKey,
    Store, StoreError,
};

use crate::support::{ALWAYS, at, commit, open, prepared, row, source_name};

const N_DATASTREAMS: u32 = 3;

/// What the journal must hold, by the rules alone.
#[derive(Default)]
struct Model {
    visible: BTreeMap<(u32, Time), f64>,
    replaced: BTreeMap<(u32, Time), Vec<f64>>,
    latest: HashMap<u32, (Time, f64, Time)>,
    ledger: BTreeMap<u16, LedgerCounts>,
}

#[derive(Default, Clone, Copy, PartialEq, Debug)]
struct LedgerCounts {
    received: u64,
    stored: u64,
    duplicate: u64,
    quarantined: u64,
    refused: u64,
    replaced: u64,
}

impl Model {
    fn commit(&mut self, rows: &Rows) {
        for row in &rows.observations {
            self.see(row);
        }
        for row in &rows.quarantined {
            let counts = self.ledger.entry(row.source.0).or_default();
            counts.received += u64::from(row.n_readings);
            counts.quarantined += u64::from(row.n_readings);
        }
        for row in &rows.refused {
            let counts = self.ledger.entry(row.source.0).or_default();
            counts.received += 1;
            counts.refused += 1;
        }
    }

    fn see(&mut self, row: &ObservationRow) {
        let key = (row.datastream.0, row.time);
        let counts = self.ledger.entry(row.source.0).or_default();
        counts.received += 1;
        match self.visible.insert(key, row.value) {
            Some(before) if before == row.value => {
                counts.duplicate += 1;
                return;
            }
            Some(before) => {
                counts.replaced += 1;
                self.replaced.entry(key).or_default().push(before);
            }
            None => (),
        }
        counts.stored += 1;
        let next = match self.latest.get(&key.0) {
            Some((time, value, since)) if *time < row.time && *value == row.value => {
                (row.time, row.value, *since)
            }
            Some(latest @ (time, value, since)) if row.time < *time => {
                let cuts = *value != row.value && *since <= row.time;
                if cuts { (*time, *value, *time) } else { *latest }
            }
            _ => (row.time, row.value, row.time),
        };
        self.latest.insert(key.0, next);
    }
}

fn observation() -> impl Strategy<Value = ObservationRow> {
    let seconds = prop_oneof![0..40_i64, 3_590..3_610_i64, -5..5_i64];
    let qualities = prop_oneof![
        Just(Quality::PASS),
        Just(Quality::NOT_EVALUATED),
        Just(Quality::new(Flag::Suspect))
    ];
    (1..=2_u16, 1..=N_DATASTREAMS, seconds, 0..3_u8, qualities).prop_map(
        |(source, datastream, second, value, quality)| ObservationRow {
            quality,
            ..row(SourceKey(source), datastream, at(second), f64::from(value) / 3.0)
        },
    )
}

fn quarantined() -> impl Strategy<Value = QuarantineRow> {
    (1..=2_u16, 1..5_u32).prop_map(|(source, n_readings)| quarantine_row(source, n_readings))
}

fn quarantine_row(source: u16, n_readings: u32) -> QuarantineRow {
    QuarantineRow {
        source: SourceKey(source),
        thing: None,
        topic: "tidewatch/v1/x/json".into(),
        codec: Some("json"),
        received: at(0),
        reason: "unknown_thing",
        detail: "thing `x` is unknown".into(),
        payload: b"{}".as_slice().into(),
        n_readings,
    }
}

fn refused() -> impl Strategy<Value = RefusalRow> {
    (1..=2_u16).prop_map(|source| RefusalRow {
        source: SourceKey(source),
        peer: "10.0.0.7".into(),
        user: Some(ThingId::parse("thing-0").unwrap()),
        topic: "tidewatch/v1/other/json".into(),
        reason: "not_own_thing",
        received: at(0),
    })
}

fn batches() -> impl Strategy<Value = Vec<Rows>> {
    let rows = (
        prop::collection::vec(observation(), 0..30),
        prop::collection::vec(quarantined(), 0..3),
        prop::collection::vec(refused(), 0..3),
    );
    let rows = rows.prop_map(|(observations, quarantined, refused)| Rows {
        observations,
        quarantined,
        refused,
    });
    prop::collection::vec(rows, 1..6)
}

async fn check_equal(store: &Store, model: &Model) {
    let mut visible = BTreeMap::new();
    let mut replaced: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for key in 1..=N_DATASTREAMS {
        let datastream = DatastreamKey(key);
        for row in store.observations(datastream, ALWAYS, 10_000).await.unwrap() {
            visible.insert((key, row.time), row.value);
        }
        for row in store.replaced(datastream, ALWAYS, 10_000).await.unwrap() {
            replaced.entry((key, row.time)).or_default().push(row.value);
        }
    }
    assert_eq!(visible, model.visible);
    assert_eq!(replaced, model.replaced);

    let latest = store.latest().await.unwrap().into_iter().map(|row| {
        let seen = row.observation;
        (row.datastream.0, (seen.time, seen.value, row.unchanged_since))
    });
    assert_eq!(latest.collect::<HashMap<_, _>>(), model.latest);

    let counts = |row: &LedgerRow| LedgerCounts {
        received: row.received,
        stored: row.stored,
        duplicate: row.duplicate,
        quarantined: row.quarantined,
        refused: row.refused,
        replaced: row.replaced,
    };
    let ledger = store.ledger(ALWAYS).await.unwrap();
    let by_source: BTreeMap<u16, _> = ledger
        .iter()
        .map(|row| (if row.source.as_str() == "embedded" { 1 } else { 2 }, counts(row)))
        .collect();
    assert_eq!(by_source, model.ledger);
    let sum = |count: fn(&LedgerRow) -> u64| ledger.iter().map(count).sum::<u64>();
    assert_eq!(model.visible.len() as u64, sum(|r| r.stored) - sum(|r| r.replaced));
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..Default::default() })]

    #[test]
    fn random_batches_equal_the_model(batches in batches()) {
        block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let (store, _) = prepared(directory.path(), N_DATASTREAMS as usize).await;
            store.source(&source_name("http")).await.unwrap();
            let mut model = Model::default();
            let first = store.last_commit();
            for (place, rows) in batches.into_iter().enumerate() {
                model.commit(&rows);
                let committed = store.commit(&Arc::new(rows)).await.unwrap();
                assert_eq!(committed.commit, first + place as u64 + 1);
            }
            check_equal(&store, &model).await;

            // The same after a start, which reads `latest` back.
            drop(store);
            let (store, report) = open(directory.path());
            assert_eq!((report.lost_acknowledged, report.is_new), (0, false));
            let rows = Rows {
                observations: vec![row(SourceKey(1), 1, at(5), 9.0), row(SourceKey(1), 2, at(4_000), 9.0)],
                ..Rows::default()
            };
            model.commit(&rows);
            store.commit(&Arc::new(rows)).await.unwrap();
            check_equal(&store, &model).await;
        });
    }
}

#[tokio::test]
async fn a_batch_says_what_became_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 2).await;
    commit(&store, vec![row(source, 1, at(1), 1.0)]).await.unwrap();
    let rows = Rows {
        observations: vec![
            row(source, 1, at(1), 1.0),
            row(source, 1, at(1), 2.0),
            row(source, 1, at(2), 3.0),
        ],
        quarantined: vec![quarantine_row(source.0, 4)],
        refused: Vec::new(),
    };
    let committed = store.commit(&Arc::new(rows)).await.unwrap();
    assert_eq!((committed.n_stored, committed.n_duplicate, committed.n_replaced), (2, 1, 1));
    assert_eq!((committed.n_quarantined, committed.n_refused), (4, 0));
    assert_eq!((committed.commit, committed.at), (store.last_commit(), at(0)));
}

#[tokio::test]
async fn a_duplicate_may_differ_in_all_but_its_value() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let first = row(source, 1, at(600), 1.5);
    let again = ObservationRow { since: Some(at(0)), quality: Quality::new(Flag::Fail), ..first };
    commit(&store, vec![first]).await.unwrap();
    assert_eq!(commit(&store, vec![again]).await.unwrap().n_duplicate, 1);
    let found = store.observations(DatastreamKey(1), ALWAYS, 10).await.unwrap();
    assert_eq!((found[0].since, found[0].quality), (None, Quality::PASS));
}

#[tokio::test]
async fn both_zeros_are_one_value() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let zeros = vec![row(source, 1, at(1), -0.0), row(source, 1, at(1), 0.0)];
    let committed = commit(&store, zeros).await.unwrap();
    assert_eq!((committed.n_stored, committed.n_duplicate), (1, 1));
}

#[tokio::test]
async fn a_refused_row_is_named_and_nothing_of_its_batch_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let good = row(source, 1, at(1), 1.0);
    let bad = [
        (row(source, 1, at(2), f64::NAN), "observation 1 (datastream 1, "),
        (row(source, 1, at(2), f64::INFINITY), "its value is inf"),
        (row(source, 7, at(2), 1.0), "its datastream does not exist"),
        (row(SourceKey(9), 1, at(2), 1.0), "source 9 does not exist"),
        (ObservationRow { since: Some(at(3)), ..row(source, 1, at(2), 1.0) }, "before it begins"),
    ];
    let before = store.last_commit();
    for (row, expected) in bad {
        match commit(&store, vec![good, row]).await {
            Err(StoreError::Refused { detail }) => assert!(detail.contains(expected), "{detail}"),
            other => panic!("expected a refusal, found {other:?}"),
        }
    }
    assert_eq!(store.last_commit(), before);
    assert!(store.ledger(ALWAYS).await.unwrap().is_empty());
    assert_eq!(commit(&store, vec![good]).await.unwrap().commit, before + 1);
}

#[tokio::test]
async fn commits_that_wait_together_each_get_their_number() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let first = store.last_commit();
    let mut tasks = tokio::task::JoinSet::new();
    for second in 0..40 {
        let store = store.clone();
        tasks.spawn(async move {
            commit(&store, vec![row(source, 1, at(second), 1.0)]).await.unwrap().commit
        });
    }
    let mut numbers = tasks.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (first + 1..=first + 40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_closed_store_takes_nothing_and_has_written_all() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    store.count_rejected("10.0.0.9", "malformed");
    commit(&store, vec![row(source, 1, at(1), 1.0)]).await.unwrap();
    store.close().await.unwrap();
    let error = commit(&store, vec![row(source, 1, at(2), 1.0)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let log = directory.path().join("journal.db-wal").metadata();
    assert!(log.map_or(0, |log| log.len()) == 0);
    assert_eq!(store.rejected(ALWAYS).await.unwrap()[0].count, 1);
}

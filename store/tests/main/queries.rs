//! Reading back: ranges, windows, quarantine, ledger.

use std::sync::Arc;
use std::time::Duration;

use model::{Flag, Quality, ThingId};
use store::{
    Aggregate, DatastreamKey, Journal, ObservationRow, QuarantineFilter, QuarantineRow, Rows,
    SourceKey, Step, Store, TimeRange,
};

use crate::support::{ALWAYS, at, commit, options, prepared, row, source_name};

fn range(start: i64, stop: i64) -> TimeRange {
    TimeRange { start: at(start), stop: at(stop) }
}

/// One value a minute for three hours at each of three datastreams.
async fn three_hours(directory: &std::path::Path) -> Store {
    let (store, source) = prepared(directory, 3).await;
    let rows = (0..180).flat_map(|minute| {
        (1..=3).map(move |key| row(source, key, at(minute * 60), minute as f64 * f64::from(key)))
    });
    commit(&store, rows.collect()).await.unwrap();
    store
}

#[tokio::test]
async fn ranges_are_half_open_and_in_time_order() {
    let directory = tempfile::tempdir().unwrap();
    let store = three_hours(directory.path()).await;
    let found = async |range, limit| {
        let rows = store.observations(DatastreamKey(2), range, limit).await.unwrap();
        rows.into_iter().map(|row| row.time.millis_since(at(0)) / 60_000).collect::<Vec<_>>()
    };
    assert_eq!(found(range(60, 240), 100).await, [1, 2, 3]);
    assert_eq!(found(range(-9_999, 120), 100).await, [0, 1]);
    assert_eq!(found(ALWAYS, 1_000).await, (0..180).collect::<Vec<_>>());
    assert_eq!(found(range(3_000, 99_999), 2).await, [50, 51]);
    assert_eq!(found(range(240, 60), 100).await, [0_i64; 0]);
    assert_eq!(found(ALWAYS, 0).await, [0_i64; 0]);
}

#[tokio::test]
async fn slices_are_one_picture() {
    let directory = tempfile::tempdir().unwrap();
    let store = three_hours(directory.path()).await;
    let keys = vec![DatastreamKey(3), DatastreamKey(1), DatastreamKey(3), DatastreamKey(99)];
    let (commit, slices) = store.slices(keys, range(590 * 6, 4_000), 1_000).await.unwrap();
    assert_eq!(commit, store.last_commit());
    let expected = async |key| {
        store.observations(DatastreamKey(key), range(590 * 6, 4_000), 1_000).await.unwrap()
    };
    assert_eq!(slices[0], expected(3).await);
    assert_eq!(slices[1], expected(1).await);
    assert_eq!(slices[2], slices[0]);
    assert!(slices[3].is_empty());
    assert_eq!(slices[0].len(), 8);

    let (_, cut) = store.slices(vec![DatastreamKey(1)], ALWAYS, 5).await.unwrap();
    assert_eq!(cut[0].len(), 5);
}

#[track_caller]
fn check_windows(found: &[store::AggregateRow], expected: &[(i64, f64, u64)]) {
    let found: Vec<_> =
        found.iter().map(|row| (row.start.millis_since(at(0)) / 1000, row.value, row.n)).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn windows_leave_out_what_failed_and_what_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let failed = Quality::new(Flag::Fail);
    let rows = [(0, 4.0), (10, 1.0), (20, 7.0), (130, 5.0), (140, 5.5)]
        .map(|(second, value)| row(source, 1, at(second), value));
    let bad = ObservationRow { quality: failed, ..row(source, 1, at(25), 1e9) };
    let alone = ObservationRow { quality: failed, ..row(source, 1, at(70), 1e9) };
    commit(&store, [rows.as_slice(), &[bad, alone]].concat()).await.unwrap();

    let step = Step { every: Duration::from_secs(60), origin: at(-30) };
    let windows = async |aggregate, limit| {
        store.aggregate(DatastreamKey(1), ALWAYS, step, aggregate, limit).await.unwrap()
    };
    check_windows(&windows(Aggregate::Mean, 9).await, &[(-30, 4.0, 3), (90, 5.25, 2)]);
    check_windows(&windows(Aggregate::Min, 9).await, &[(-30, 1.0, 3), (90, 5.0, 2)]);
    check_windows(&windows(Aggregate::Max, 9).await, &[(-30, 7.0, 3), (90, 5.5, 2)]);
    check_windows(&windows(Aggregate::Sum, 9).await, &[(-30, 12.0, 3), (90, 10.5, 2)]);
    check_windows(&windows(Aggregate::Count, 9).await, &[(-30, 3.0, 3), (90, 2.0, 2)]);
    check_windows(&windows(Aggregate::First, 9).await, &[(-30, 4.0, 3), (90, 5.0, 2)]);
    check_windows(&windows(Aggregate::Last, 9).await, &[(-30, 7.0, 3), (90, 5.5, 2)]);
    check_windows(&windows(Aggregate::Last, 1).await, &[(-30, 7.0, 3)]);
}

#[tokio::test]
async fn latest_of_asks_for_some() {
    let directory = tempfile::tempdir().unwrap();
    let store = three_hours(directory.path()).await;
    let keys = [DatastreamKey(3), DatastreamKey(1), DatastreamKey(50)];
    let found = store.latest_of(&keys).await.unwrap();
    let found: Vec<_> = found.iter().map(|row| (row.datastream.0, row.observation.value)).collect();
    assert_eq!(found, [(1, 179.0), (3, 537.0)]);
    assert_eq!(store.latest().await.unwrap().len(), 3);
}

fn poison(source: SourceKey, thing: Option<&str>, reason: &'static str) -> QuarantineRow {
    QuarantineRow {
        source,
        thing: thing.map(|id| ThingId::parse(id).unwrap()),
        topic: "tidewatch/v1/x/json".into(),
        codec: None,
        received: at(7),
        reason,
        detail: "not JSON".into(),
        payload: [0_u8, 255, 10].as_slice().into(),
        n_readings: 1,
    }
}

#[tokio::test]
async fn quarantine_is_paged_filtered_and_marked() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let http = store.source(&source_name("http")).await.unwrap();
    let quarantined = vec![
        poison(source, None, "syntax"),
        poison(source, Some("thing-0"), "unknown_property"),
        poison(http, Some("thing-0"), "syntax"),
        poison(http, None, "syntax"),
    ];
    store.commit(&Arc::new(Rows { quarantined, ..Rows::default() })).await.unwrap();
    store.mark_redriven(3).await.unwrap();
    assert!(store.mark_redriven(77).await.is_err());

    let ids = async |filter, before, limit| {
        let rows = store.quarantine(filter, before, limit).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let all = QuarantineFilter::default;
    assert_eq!(ids(all(), None, 3).await, [4, 3, 2]);
    assert_eq!(ids(all(), Some(2), 3).await, [1]);
    let filter = QuarantineFilter { source: Some(source_name("http")), ..all() };
    assert_eq!(ids(filter, None, 9).await, [4, 3]);
    let filter = QuarantineFilter { thing: Some(ThingId::parse("thing-0").unwrap()), ..all() };
    assert_eq!(ids(filter, None, 9).await, [3, 2]);
    let filter = QuarantineFilter { reason: Some("syntax".into()), ..all() };
    assert_eq!(ids(filter, None, 9).await, [4, 3, 1]);
    let filter = QuarantineFilter { redriven: Some(false), ..all() };
    assert_eq!(ids(filter, None, 9).await, [4, 2, 1]);
    let filter = QuarantineFilter { redriven: Some(true), ..all() };
    assert_eq!(ids(filter, None, 9).await, [3]);

    let one = store.quarantined(3).await.unwrap().unwrap();
    assert_eq!((one.payload, one.redriven, one.received), (vec![0, 255, 10], Some(at(0)), at(7)));
    assert_eq!(store.quarantined(99).await.unwrap(), None);
}

#[tokio::test]
async fn the_ledger_is_kept_by_hour_of_commit() {
    let directory = tempfile::tempdir().unwrap();
    drop(prepared(directory.path(), 1).await);
    let options = options(directory.path());
    let clock = options.clock.clone();
    let (store, _) = Store::open(options).unwrap();
    let source = store.source(&source_name("embedded")).await.unwrap();

    clock.set(at(3_599));
    commit(&store, vec![row(source, 1, at(1), 1.0)]).await.unwrap();
    clock.set(at(3_601));
    commit(&store, vec![row(source, 1, at(1), 1.0), row(source, 1, at(2), 1.0)]).await.unwrap();

    let found = async |range| {
        let rows = store.ledger(range).await.unwrap();
        rows.iter().map(|row| (row.hour, row.received, row.duplicate)).collect::<Vec<_>>()
    };
    assert_eq!(found(ALWAYS).await, [(at(0), 1, 0), (at(3_600), 2, 1)]);
    assert_eq!(found(range(1_800, 3_600)).await, [(at(0), 1, 0)]);
}

#[tokio::test]
async fn rejected_connections_are_counted_outside_the_ledger() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = prepared(directory.path(), 1).await;
    for _ in 0..5 {
        store.count_rejected("10.0.0.7", "packet_too_large");
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    let found = loop {
        let found = store.rejected(ALWAYS).await.unwrap();
        if !found.is_empty() || deadline < tokio::time::Instant::now() {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].peer.as_str(), found[0].count, found[0].hour), ("10.0.0.7", 5, at(0)));
    assert!(store.ledger(ALWAYS).await.unwrap().is_empty());
}

#[tokio::test]
async fn probes_take_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = prepared(directory.path(), 1).await;
    let commit = store.last_commit();
    assert!(Duration::ZERO < store.probe_write().await.unwrap());
    assert!(Duration::ZERO < store.probe_read().await.unwrap());
    assert_eq!(store.last_commit(), commit);
    assert!(0 < store.free_bytes().unwrap());
}

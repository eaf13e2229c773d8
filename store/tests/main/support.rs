//! A store in a directory of its own, and rows for it.

use std::path::Path;
use std::sync::Arc;

use model::{
    Clock, DatastreamSpec, LocalizedName, PropertyId, Quality, SourceName, Thing, ThingId,
    ThingKind, ThingState, Time,
};
use store::{
    Committed, DatastreamKey, Expected, Journal, ObservationRow, Rows, SourceKey, StartReport,
    Store, StoreError, StoreOptions, TickRow, TickWrite, TimeRange,
};

pub(crate) const ALWAYS: TimeRange = TimeRange { start: Time::MIN, stop: Time::MAX };

/// 2026-07-25T08:00:00+08:00, a full hour.
pub(crate) const MORNING_MS: i64 = 1_784_937_600_000;

pub(crate) fn at(second: i64) -> Time {
    Time::from_millis(MORNING_MS + second * 1000).unwrap()
}

pub(crate) fn options(directory: &Path) -> StoreOptions {
    StoreOptions {
        directory: directory.to_owned(),
        origin: None,
        clock: Clock::manual(at(0)),
        n_readers: 2,
        datastreams_per_thing_max: 10,
    }
}

pub(crate) fn try_open(directory: &Path) -> Result<(Store, StartReport), StoreError> {
    Store::open(options(directory))
}

pub(crate) fn open(directory: &Path) -> (Store, StartReport) {
    try_open(directory).unwrap()
}

/// A fresh store with `n` datastreams (at one thing per ten) and one source.
pub(crate) async fn prepared(directory: &Path, n: usize) -> (Store, SourceKey) {
    let (store, _) = open(directory);
    let things = (0..n.div_ceil(10)).map(|place| {
        let n_here = (n - place * 10).min(10);
        (thing(&format!("thing-{place}"), n_here), Expected::Any)
    });
    store.put_things(things.collect()).await.unwrap();
    let source = store.source(&source_name("embedded")).await.unwrap();
    (store, source)
}

pub(crate) fn source_name(text: &str) -> SourceName {
    SourceName::parse(text).unwrap()
}

pub(crate) fn thing(id: &str, n_datastreams: usize) -> Thing {
    Thing {
        id: ThingId::parse(id).unwrap(),
        kind: ThingKind::HydrometStation,
        name: LocalizedName { zh: "站".into(), en: "station".into() },
        township: None,
        position: None,
        state: ThingState::InService,
        serves: Vec::new(),
        raw_property: None,
        datastreams: (0..n_datastreams).map(|n| spec(&format!("property_{n}"))).collect(),
    }
}

pub(crate) fn spec(property: &str) -> DatastreamSpec {
    let property = PropertyId::parse(property).unwrap();
    DatastreamSpec { property, channel: None, levels: None, datum: None }
}

pub(crate) fn row(source: SourceKey, datastream: u32, time: Time, value: f64) -> ObservationRow {
    ObservationRow {
        source,
        datastream: DatastreamKey(datastream),
        time,
        since: None,
        value,
        quality: Quality::PASS,
        received: time,
    }
}

pub(crate) async fn commit(
    store: &Store,
    observations: Vec<ObservationRow>,
) -> Result<Committed, StoreError> {
    store.commit(&Arc::new(Rows { observations, ..Rows::default() })).await
}

/// A tick at `at` that saw the commits up to `commit` and found nothing.
pub(crate) fn tick(at: Time, commit: u64) -> TickWrite {
    TickWrite {
        tick: TickRow { at, commit },
        rows: Arc::default(),
        scores: Vec::new(),
        alerts: Vec::new(),
        transitions: Vec::new(),
        memory: Vec::new(),
        outbox: Vec::new(),
    }
}

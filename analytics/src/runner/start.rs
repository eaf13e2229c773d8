//! Where a start goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, SourceName, Time};
use store::{DatastreamKey, MemoryPart, Store, StoreError, StoredObservation, TimeRange};
use tracing::warn;

use super::driver::{Driver, Place};
use super::registry::Registry;
use super::stored::Stored;
use super::{RunnerError, Told, lock};
use crate::alerts::outward::Outward;
use crate::engine::{Engine, MINUTE, decode_score};
use crate::record::IndexId;
use crate::windows::Sample;

/// Rows that windows take at most: thousands of gauges for a day stay below.
const ROWS_MAX: usize = 4_000_000;

const ONE_MS: Duration = Duration::from_millis(1);

/// The part that is written at every whole minute and at no other tick: its
/// commit is where a start goes on.
pub(super) const CURSOR_PART: &str = "alarms";

pub(super) async fn open(
    store: Store,
    clock: Clock,
    mut engine: Engine,
    webhooks: Outward,
    told: Arc<Told>,
) -> Result<Driver, RunnerError> {
    let memory = store.memory().await?;
    let saved =
        memory.iter().find(|part| part.part == CURSOR_PART).map(|part| (part.at, part.commit));
    // Without a memory it begins with what the journal has now.
    let (minute, commit) = match saved {
        Some((at, commit)) => (Some(at), commit),
        None => (None, store.last_commit()),
    };
    let at = minute.unwrap_or_else(|| clock.scene().floor_to(MINUTE));
    let things = store.things_as_of(commit).await?;
    engine.set_things(things.into_iter().map(Arc::new), at);
    engine.fill_documents(store.all_documents(commit).await?);
    let registry = Registry::new(&store);
    if minute.is_none() {
        fill_latest(&store, &registry, &mut engine).await?;
    }
    engine.load(memory.iter().map(|part| (part.part.clone(), part.body.clone())))?;
    fill_windows(&store, &registry, &mut engine, at, commit).await?;

    let mut stored = Stored::default();
    if let Some(last) = store.last_tick().await? {
        for index in IndexId::ALL {
            for row in store.scores_at(index.as_str(), last.at).await? {
                stored.note(decode_score(&row.body)?);
            }
        }
    }
    *lock(&told.open) = engine.open_alerts().cloned().map(Arc::new).collect();
    lock(&told.status).1 = commit;
    let source = store.source(&SourceName::parse("derived").expect("the name fits")).await?;
    let saved = memory.into_iter().map(|MemoryPart { part, body, .. }| (part, body)).collect();
    let place = Place { minute, commit };
    let mut driver =
        Driver::new(store, clock, engine, registry, webhooks, place, source, stored, saved, told);
    follow(&mut driver).await?;
    Ok(driver)
}

/// The journal keeps what it needs to be followed for some days. A memory that
/// is older goes on from what there is now.
async fn follow(driver: &mut Driver) -> Result<(), RunnerError> {
    match driver.look_ahead().await {
        Err(RunnerError::Store(StoreError::Refused { detail })) => {
            warn!(detail, "the evaluation goes on from the newest commit");
            driver.skip_to_newest();
            Ok(())
        }
        other => other,
    }
}

/// The newest reading of every datastream, where no memory has it.
async fn fill_latest(
    store: &Store,
    registry: &Registry,
    engine: &mut Engine,
) -> Result<(), StoreError> {
    for row in store.latest().await? {
        if let Some(id) = registry.id(row.datastream) {
            engine.fill(id, [sample(&row.observation)]);
        }
    }
    Ok(())
}

/// The readings of the windows, as of the commit. One read a window length.
async fn fill_windows(
    store: &Store,
    registry: &Registry,
    engine: &mut Engine,
    at: Time,
    commit: u64,
) -> Result<(), StoreError> {
    let mut by_length: BTreeMap<Duration, Vec<DatastreamKey>> = BTreeMap::new();
    for (id, keep) in engine.windowed() {
        if let Some(key) = registry.key(id) {
            by_length.entry(keep).or_default().push(key);
        }
    }
    for (keep, keys) in by_length {
        let range = TimeRange { start: at - keep + ONE_MS, stop: Time::MAX };
        let slices = store.slices_as_of(keys.clone(), range, commit, ROWS_MAX).await?;
        for (key, rows) in keys.into_iter().zip(slices) {
            if let Some(id) = registry.id(key) {
                engine.fill(id, rows.iter().map(sample));
            }
        }
    }
    Ok(())
}

fn sample(row: &StoredObservation) -> Sample {
    Sample { time: row.time, since: row.since, value: row.value, quality: row.quality }
}

//! The runner over a real journal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, DatastreamId, Origin, Quality, SourceName, Thing, ThingKind, Time};
use store::{
    AlertFilter, Expected, Journal, ObservationRow, Rows, ScoreFilter, Store, StoreOptions,
    TimeRange,
};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{Runner, RunnerError, RunnerOptions};
use crate::engine::MINUTE;
use crate::engine::test_world::{models, thing};
use crate::prepare::people_world::TestWorld;
use crate::seeded::Seeded;

const ALWAYS: TimeRange = TimeRange { start: Time::MIN, stop: Time::MAX };

/// 2026-07-25T08:00:00+08:00.
fn minute(n: i64) -> Time {
    Time::from_millis_clamped(1_784_937_600_000 + n * 60_000)
}

fn things() -> Vec<Thing> {
    let station = |id| thing(id, ThingKind::HydrometStation, "wind_speed rainfall_depth");
    vec![
        station("hm-1"),
        station("hm-2"),
        thing("en-1", ThingKind::Enterprise, "combustible_gas_concentration tank_level"),
        thing("fv-1", ThingKind::FishingVessel, "sos_alarm:sos"),
    ]
}

fn open_store(directory: &Path, clock: &Clock) -> Store {
    let options = StoreOptions {
        directory: directory.to_owned(),
        origin: Some(Origin::Replay),
        clock: clock.clone(),
        n_readers: 2,
        datastreams_per_thing_max: 100,
    };
    Store::open(options).unwrap().0
}

async fn register(store: &Store) {
    let things = things().into_iter().map(|thing| (thing, Expected::Any));
    store.put_things(things.collect()).await.unwrap();
}

async fn open_runner(store: &Store, clock: &Clock) -> Runner {
    let world = TestWorld::new().world;
    let options = RunnerOptions::silent(Origin::Replay);
    let (facts, catalogue) = (world.facts, world.catalogue);
    Runner::open(store.clone(), clock.clone(), facts, catalogue, models(), options).await.unwrap()
}

async fn commit(store: &Store, readings: &[(&str, Time, f64)], received: Time) {
    let source = store.source(&SourceName::parse("embedded").unwrap()).await.unwrap();
    let directory = store.directory();
    let row = |(id, time, value): &(&str, Time, f64)| ObservationRow {
        source,
        datastream: directory.find(&DatastreamId::parse(id).unwrap()).unwrap().key,
        time: *time,
        since: None,
        value: *value,
        quality: Quality::PASS,
        received,
    };
    let observations = readings.iter().map(row).collect();
    store.commit(&Arc::new(Rows { observations, ..Rows::default() })).await.unwrap();
}

/// What the devices say in one minute of a storm.
fn readings(n: i64) -> Vec<(&'static str, Time, f64)> {
    let wind = (45.0 - (n as f64 - 25.0).abs()).max(0.0);
    let mut said = Vec::new();
    if n % 5 == 0 {
        said.extend([
            ("hm-1/wind_speed", minute(n), wind),
            ("hm-2/wind_speed", minute(n), wind - 2.0),
            ("hm-1/rainfall_depth", minute(n), wind / 4.0),
        ]);
    }
    if n % 10 == 4 {
        said.push(("en-1/tank_level", minute(n), if n < 30 { 92.0 } else { 10.0 }));
    }
    if n == 20 {
        said.push(("fv-1/sos_alarm:sos", minute(0), 1.0));
    }
    said
}

const MINUTES: i64 = 75;

/// Everything that a replay leaves: scores, alerts and their histories, ticks.
async fn left(store: &Store) -> (Vec<String>, Vec<String>, Vec<Time>) {
    let scores = store.scores(ScoreFilter::default(), ALWAYS, 100_000).await.unwrap();
    let scores = scores.iter().map(|row| format!("{row:?}")).collect();
    let mut alerts = Vec::new();
    for row in store.alerts(AlertFilter::default(), None, 1_000).await.unwrap() {
        alerts.push(format!("{row:?}"));
        for transition in store.alert_history(&row.id).await.unwrap() {
            alerts.push(format!("{transition:?}"));
        }
    }
    let ticks = store.ticks(ALWAYS, 100_000).await.unwrap();
    (scores, alerts, ticks.iter().map(|tick| tick.at).collect())
}

/// A replay; where `is_killed` says so its parts are dropped between the
/// minute's commit and its tick, and after some readings of the minute alone.
async fn replay(mut is_killed: impl FnMut() -> bool) -> (Vec<String>, Vec<String>, Vec<Time>) {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(minute(0));
    let mut store = open_store(directory.path(), &clock);
    register(&store).await;
    let mut runner = open_runner(&store, &clock).await;
    for n in 1..=MINUTES {
        clock.set(minute(n));
        let said = readings(n);
        if is_killed() {
            // The first readings of the minute are committed, then all again.
            commit(&store, &said[..said.len().min(1)], minute(n)).await;
            drop((runner, store));
            store = open_store(directory.path(), &clock);
            runner = open_runner(&store, &clock).await;
        }
        commit(&store, &said, minute(n)).await;
        if is_killed() {
            drop((runner, store));
            store = open_store(directory.path(), &clock);
            runner = open_runner(&store, &clock).await;
        }
        runner.step_to(minute(n)).await.unwrap();
    }
    left(&store).await
}

#[tokio::test]
async fn a_replay_that_is_killed_leaves_what_an_undisturbed_one_leaves() {
    let expected = replay(|| false).await;
    assert_eq!(expected.2.len(), MINUTES as usize);
    assert!(expected.0.len() > 50, "{} scores", expected.0.len());
    assert!(expected.1.iter().filter(|row| row.starts_with("AlertRow")).count() >= 4);
    for seed in 1..=2 {
        let mut seeded = Seeded::new(seed);
        let found = replay(|| seeded.chance(0.2)).await;
        assert_eq!(found.2, expected.2);
        for (found, expected) in found.1.iter().zip(&expected.1) {
            assert_eq!(found, expected);
        }
        assert!(found == expected, "scores differ");
    }
}

#[tokio::test]
async fn a_step_back_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(minute(0));
    let store = open_store(directory.path(), &clock);
    register(&store).await;
    let runner = open_runner(&store, &clock).await;
    let tick = runner.step_to(minute(1)).await.unwrap();
    assert_eq!((tick.at, tick.scores.len(), tick.is_whole_minute), (minute(1), 9, true));
    let refused = runner.step_to(minute(1)).await.unwrap_err();
    assert!(matches!(refused, RunnerError::Past { .. }), "{refused}");
    assert_eq!(runner.status().last_tick, Some(minute(1)));
    store.close().await.unwrap();
    assert!(runner.step_to(minute(2)).await.is_err(), "and nothing panics");
}

async fn next<T: Clone>(listener: &mut broadcast::Receiver<T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), listener.recv()).await.unwrap().unwrap()
}

/// Runs live until the first tick, on a clock that stands still.
async fn live_once(directory: &Path, clock: &Clock) -> Vec<Time> {
    let store = open_store(directory, clock);
    register(&store).await;
    let runner = open_runner(&store, clock).await;
    let mut ticks = runner.subscribe();
    let shutdown = CancellationToken::new();
    let running = runner.start(shutdown.clone());
    while next(&mut ticks).await.at < clock.scene().floor_to(MINUTE) {}
    shutdown.cancel();
    running.await.unwrap();
    let ticks = store.ticks(ALWAYS, 1_000).await.unwrap().into_iter().map(|tick| tick.at);
    ticks.filter(|at| *at == at.floor_to(MINUTE)).collect()
}

#[tokio::test]
async fn missed_minutes_are_made_up_for_and_after_a_long_stop_it_begins_anew() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(minute(0) + Duration::from_secs(20));
    assert_eq!(live_once(directory.path(), &clock).await, [minute(0)]);
    clock.set(minute(12) + Duration::from_secs(5));
    let expected: Vec<Time> = (0..=12).map(minute).collect();
    assert_eq!(live_once(directory.path(), &clock).await, expected);
    clock.set(minute(120));
    let expected: Vec<Time> = (0..=12).chain([120]).map(minute).collect();
    assert_eq!(live_once(directory.path(), &clock).await, expected);
}

#[tokio::test]
async fn an_alert_is_in_the_journal_before_anybody_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::System;
    let store = open_store(directory.path(), &clock);
    register(&store).await;
    let runner = open_runner(&store, &clock).await;
    let (mut ticks, mut alerts) = (runner.subscribe(), runner.subscribe_alerts());
    let shutdown = CancellationToken::new();
    let running = runner.start(shutdown.clone());
    next(&mut ticks).await;
    let now = clock.scene();
    commit(&store, &[("fv-1/sos_alarm:sos", now, 1.0)], now).await;
    let told = next(&mut alerts).await;
    let row = store.alert(&told[0].id).await.unwrap().expect("it is there when it is told");
    assert_eq!(row.datastream, "fv-1/sos_alarm:sos");
    assert_eq!(runner.open_alerts()[0].id, told[0].id);
    shutdown.cancel();
    running.await.unwrap();
}

//! Evaluates the hazard of all townships at each whole minute.
//!
//! The shell around [`crate::hazard`]: it reads the windows of the county's
//! stations from the journal and hands them to the pure function. A tick has
//! no memory, so the score of any instant in the journal is computed by the
//! same call, and live and later answers agree.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{Clock, PropertyId, Time, Township, TownshipCode};
use store::{DatastreamKey, DatastreamRecord, Directory, Store, StoreError, TimeRange};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::hazard::{HazardModel, HazardScore, StationSeries, TownshipInputs, hazard};
use crate::windows::Sample;

const TICK: Duration = Duration::from_secs(60);

/// Ticks a slow listener may fall behind before it is told so.
const TICKS_BUFFERED: usize = 16;

/// Rows one tick may read: 18 townships at full rate stay far below.
const ROWS_MAX: usize = 2_000_000;

/// The scores of all townships at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub at: Time,
    /// The last commit that the tick saw.
    pub commit: u64,
    pub scores: Vec<HazardScore>,
}

/// The handle to the hazard index. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hazard {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    townships: Vec<Township>,
    model: HazardModel,
    clock: Clock,
    /// Held for a pointer's copy only.
    latest: Mutex<Option<Arc<Tick>>>,
    ticks: broadcast::Sender<Arc<Tick>>,
}

impl Hazard {
    pub fn new(store: Store, townships: Vec<Township>, model: HazardModel, clock: Clock) -> Hazard {
        let (ticks, _) = broadcast::channel(TICKS_BUFFERED);
        let latest = Mutex::new(None);
        Hazard { shared: Arc::new(Shared { store, townships, model, clock, latest, ticks }) }
    }

    /// Ticks at once and then at each whole minute, until `shutdown`.
    pub fn start(&self, shutdown: CancellationToken) -> JoinHandle<()> {
        let hazard = self.clone();
        tokio::spawn(async move {
            let mut at = hazard.shared.clock.scene().floor_to(TICK);
            let mut is_failing = false;
            loop {
                match hazard.tick(at).await {
                    Ok(()) if is_failing => {
                        info!("hazard tick works again");
                        is_failing = false;
                    }
                    Ok(()) => (),
                    Err(error) if !is_failing => {
                        error!(%error, "hazard tick failed, will try each minute");
                        is_failing = true;
                    }
                    Err(_) => (),
                }
                // A tick that took too long is followed by the newest minute,
                // not by those in between: nothing here has memory.
                at = (at + TICK).max(hazard.shared.clock.scene().floor_to(TICK));
                if !hazard.wait_until(at, &shutdown).await {
                    return;
                }
            }
        })
    }

    /// False when the program shuts down first.
    async fn wait_until(&self, at: Time, shutdown: &CancellationToken) -> bool {
        loop {
            let left_ms = at.millis_since(self.shared.clock.scene());
            let Some(left_ms) = u64::try_from(left_ms).ok().filter(|left| *left > 0) else {
                return !shutdown.is_cancelled();
            };
            tokio::select! {
                // Both are cancel-safe: neither holds anything.
                () = tokio::time::sleep(Duration::from_millis(left_ms)) => (),
                () = shutdown.cancelled() => return false,
            }
        }
    }

    async fn tick(&self, at: Time) -> Result<(), StoreError> {
        let started = std::time::Instant::now();
        let tick = Arc::new(self.at(at).await?);
        metrics::histogram!("analytics_run_seconds").record(started.elapsed().as_secs_f64());
        *self.shared.latest.lock().expect("no holder of this lock can panic") = Some(tick.clone());
        // An error only says that nobody listens.
        let _ = self.shared.ticks.send(tick);
        Ok(())
    }

    pub fn latest(&self) -> Option<Arc<Tick>> {
        self.shared.latest.lock().expect("no holder of this lock can panic").clone()
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Tick>> {
        self.shared.ticks.subscribe()
    }

    pub fn model(&self) -> &HazardModel {
        &self.shared.model
    }

    /// The scores of all townships at any instant that the journal holds.
    pub async fn at(&self, at: Time) -> Result<Tick, StoreError> {
        let shared = &self.shared;
        let directory = shared.store.directory();
        let stations = stations(&directory, &shared.model);
        let (commit, mut series) = read_series(&shared.store, &stations, at).await?;
        let scores = shared
            .townships
            .iter()
            .map(|township| {
                let inputs = TownshipInputs {
                    township: township.code,
                    stations: take_stations(&stations, &mut series, township.code),
                };
                hazard(&inputs, &shared.model, at)
            })
            .collect();
        Ok(Tick { at, commit, scores })
    }
}

/// A datastream that the model reads, and the townships it speaks for.
struct Station {
    record: Arc<DatastreamRecord>,
    window: Duration,
    townships: Vec<TownshipCode>,
}

/// Water gauges speak for the townships assigned to them; everything else for
/// the township it stands in.
fn stations(directory: &Directory, model: &HazardModel) -> Vec<Station> {
    let mut windows: BTreeMap<&PropertyId, Option<Duration>> = BTreeMap::new();
    let mut found = Vec::new();
    for record in directory.datastreams.values() {
        let property = &record.id.property;
        let window = *windows.entry(property).or_insert_with(|| model.window_of(property));
        let (Some(window), Some(thing)) = (window, directory.things.get(&record.id.thing)) else {
            continue;
        };
        let thing = &thing.thing;
        let mut townships: Vec<TownshipCode> = thing.township.into_iter().collect();
        if model.is_by_station_levels(property) {
            townships.extend(thing.serves.iter().filter(|code| Some(**code) != thing.township));
        }
        found.push(Station { record: Arc::clone(record), window, townships });
    }
    found
}

type Series = BTreeMap<DatastreamKey, Vec<Sample>>;

/// One read a window length: each datastream is read only as far back as the
/// model looks.
async fn read_series(
    store: &Store,
    stations: &[Station],
    at: Time,
) -> Result<(u64, Series), StoreError> {
    let mut by_window: BTreeMap<Duration, Vec<DatastreamKey>> = BTreeMap::new();
    for station in stations {
        by_window.entry(station.window).or_default().push(station.record.key);
    }
    let mut commit = store.last_commit();
    let mut series = Series::new();
    let one_ms = Duration::from_millis(1);
    for (window, keys) in by_window {
        // Windows are (at − window, at]; ranges are half-open the other way.
        let range = TimeRange { start: at - window + one_ms, stop: at + one_ms };
        let (seen, slices) = store.slices(keys.clone(), range, ROWS_MAX).await?;
        commit = commit.min(seen);
        for (key, rows) in keys.into_iter().zip(slices) {
            let samples = rows.iter().map(|row| Sample {
                time: row.time,
                since: row.since,
                value: row.value,
                quality: row.quality,
            });
            series.insert(key, samples.collect());
        }
    }
    Ok((commit, series))
}

fn take_stations(
    stations: &[Station],
    series: &mut Series,
    township: TownshipCode,
) -> Vec<StationSeries> {
    stations
        .iter()
        .filter(|station| station.townships.contains(&township))
        .map(|station| StationSeries {
            datastream: station.record.id.clone(),
            property: station.record.id.property.clone(),
            levels: station.record.spec.levels,
            samples: match station.townships.as_slice() {
                [_] => series.remove(&station.record.key).unwrap_or_default(),
                _ => series.get(&station.record.key).cloned().unwrap_or_default(),
            },
        })
        .collect()
}

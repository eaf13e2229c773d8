//! What the engine must know to go on after a start, in named parts.
//!
//! Samples of short windows are not among them: the journal has them, and
//! [`Engine::fill`] brings them back. All else is here, so that an engine that
//! was saved at a whole minute and loaded goes on with the same bits.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{DatastreamId, Level, Quality, Time, TownshipCode};
use serde::{Deserialize, Serialize};

use super::Engine;
use super::alert::Alert;
use super::packing::{PackError, pack, unpack};
use crate::alerts::{AlarmState, Class};
use crate::windows::Sample;
use crate::world::{AlertView, OnlineLog, SoilMemory, Stream, TownshipMemory};

/// Windows up to this are read back from the journal.
const WINDOW_MAX: Duration = Duration::from_secs(48 * 3_600);

const TOWNSHIP: &str = "township:";

/// A part that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("part `{part}` of the saved evaluation cannot be read")]
pub struct MemoryError {
    part: String,
    #[source]
    source: PackError,
}

/// Time, since, value, quality.
type SavedSample = (i64, Option<i64>, f64, u16);
/// Opening and last sequence of the alert before.
type Before = Option<(i64, u32)>;

/// A closed alert that still counts in the burdens.
#[derive(Serialize, Deserialize)]
struct Closed {
    id: String,
    datastream: DatastreamId,
    class: Class,
    highest: Level,
    /// Opened, closed, told, acknowledged by the unit.
    times: [Option<i64>; 4],
    /// Opened in a storm, void.
    flags: [bool; 2],
}

impl Engine {
    /// All parts; at a whole minute, after its tick.
    pub fn save(&self) -> Vec<(String, Vec<u8>)> {
        let codes: Vec<TownshipCode> = self.world.memory.townships.keys().copied().collect();
        let mut parts = self.save_townships(codes.iter());
        let memory = &self.world.memory;
        parts.push(("minute".to_owned(), pack(&self.minute)));
        parts.push(("soil".to_owned(), pack(&memory.soil)));
        parts.push(("online".to_owned(), pack(&memory.online)));
        parts.push(("alarms".to_owned(), pack(&self.alarm_states())));
        parts.push(("alerts".to_owned(), pack(&self.alerts())));
        parts.push(("closed".to_owned(), pack(&self.closed())));
        let is_report = |stream: &Stream| stream.keep > WINDOW_MAX;
        parts.push(("reports".to_owned(), pack(&self.samples(is_report))));
        parts.push(("streams".to_owned(), pack(&self.samples(|stream| !is_report(stream)))));
        parts
    }

    /// The parts of some townships: what a tick between minutes may change.
    pub fn save_townships<'a>(
        &self,
        codes: impl Iterator<Item = &'a TownshipCode>,
    ) -> Vec<(String, Vec<u8>)> {
        let townships = &self.world.memory.townships;
        codes
            .filter_map(|code| Some((format!("{TOWNSHIP}{code}"), pack(townships.get(code)?))))
            .collect()
    }

    /// Goes on from saved parts, after [`Engine::set_things`].
    pub fn load(
        &mut self,
        parts: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<(), MemoryError> {
        let mut parts: BTreeMap<String, Vec<u8>> = parts.into_iter().collect();
        if let Some(minute) = take(&mut parts, "minute")? {
            self.minute = minute;
        }
        // Alerts belong to alarms, alarms to datastreams.
        for part in ["reports", "streams"] {
            self.load_samples(take(&mut parts, part)?.unwrap_or_default());
        }
        self.load_alarm_states(take(&mut parts, "alarms")?.unwrap_or_default());
        self.load_alerts(take(&mut parts, "alerts")?.unwrap_or_default());
        self.load_closed(take(&mut parts, "closed")?.unwrap_or_default());
        if let Some(soil) = take::<BTreeMap<DatastreamId, SoilMemory>>(&mut parts, "soil")? {
            self.world.memory.soil = soil;
        }
        if let Some(online) = take::<BTreeMap<DatastreamId, OnlineLog>>(&mut parts, "online")? {
            self.world.memory.online = online;
        }
        for facts in &self.world.facts.townships {
            let code = facts.township.code;
            let part = format!("{TOWNSHIP}{code}");
            if let Some(memory) = take::<TownshipMemory>(&mut parts, &part)? {
                self.world.memory.townships.insert(code, memory);
            }
        }
        Ok(())
    }

    /// Datastreams whose samples of the last so much time must be filled in
    /// after a start.
    pub fn windowed(&self) -> impl Iterator<Item = (&DatastreamId, Duration)> {
        let streams = self.world.streams.values().filter(|stream| is_windowed(stream));
        streams.map(|stream| (&stream.id, stream.keep))
    }

    fn alarm_states(&self) -> Vec<(&DatastreamId, AlarmState, Before)> {
        let alarms = self.alarms.by_stream.iter();
        alarms
            .filter(|(_, alarm)| alarm.state != AlarmState::default() || alarm.before.is_some())
            .map(|(id, alarm)| {
                let before = alarm.before.map(|(opened, sequence)| (opened.millis(), sequence));
                (id, alarm.state, before)
            })
            .collect()
    }

    fn load_alarm_states(&mut self, states: Vec<(DatastreamId, AlarmState, Before)>) {
        for (id, state, before) in states {
            self.ensure_saved(&id);
            if let Some(alarm) = self.alarms.by_stream.get_mut(&id) {
                alarm.state = state;
                alarm.before =
                    before.map(|(opened, sequence)| (Time::from_millis_clamped(opened), sequence));
            }
        }
    }

    fn alerts(&self) -> Vec<(&DatastreamId, &Alert)> {
        let alarms = self.alarms.by_stream.iter();
        alarms.filter_map(|(id, alarm)| Some((id, alarm.alert.as_ref()?))).collect()
    }

    fn load_alerts(&mut self, alerts: Vec<(DatastreamId, Alert)>) {
        for (id, alert) in alerts {
            let Some(alarm) = self.alarms.by_stream.get_mut(&id) else { continue };
            if let Some(view) = alert.view(&id) {
                self.world.alerts.insert(alert.record.id.clone(), view);
            }
            alarm.alert = Some(alert);
        }
    }

    fn closed(&self) -> Vec<Closed> {
        let closed = self.world.alerts.iter().filter(|(_, view)| view.closed.is_some());
        closed
            .map(|(id, view)| {
                let millis = |time: Option<Time>| time.map(Time::millis);
                let times = [Some(view.opened), view.closed, view.told, view.acknowledged_by_unit];
                Closed {
                    id: id.clone(),
                    datastream: view.datastream.clone(),
                    class: view.class,
                    highest: view.confirmed_highest,
                    times: times.map(millis),
                    flags: [view.opened_in_storm, view.is_void],
                }
            })
            .collect()
    }

    fn load_closed(&mut self, closed: Vec<Closed>) {
        for saved in closed {
            let [opened, closed, told, acknowledged_by_unit] =
                saved.times.map(|millis| millis.map(Time::from_millis_clamped));
            let [opened_in_storm, is_void] = saved.flags;
            let view = AlertView {
                datastream: saved.datastream,
                class: saved.class,
                confirmed_highest: saved.highest,
                confirmed_level: Level::None,
                opened: opened.unwrap_or(Time::EPOCH),
                closed,
                told,
                acknowledged_by_unit,
                opened_in_storm,
                is_void,
            };
            self.world.alerts.insert(saved.id, view);
        }
    }

    /// Of windows that the journal gives back only what is older than they are.
    fn samples(&self, holds: impl Fn(&Stream) -> bool) -> Vec<(&DatastreamId, Vec<SavedSample>)> {
        let streams = self.world.streams.values().filter(|stream| holds(stream));
        streams
            .filter_map(|stream| {
                let known = match self.minute {
                    Some(minute) if is_windowed(stream) => stream.up_to(minute - stream.keep),
                    _ => &stream.samples,
                };
                let finite = known.iter().filter(|sample| sample.value.is_finite());
                let saved: Vec<SavedSample> = finite.map(saved_sample).collect();
                (!saved.is_empty()).then_some((&stream.id, saved))
            })
            .collect()
    }

    fn load_samples(&mut self, streams: Vec<(DatastreamId, Vec<SavedSample>)>) {
        for (id, samples) in streams {
            self.ensure_saved(&id);
            self.fill(&id, samples.into_iter().map(sample));
        }
    }

    /// Computed datastreams exist before they are registered.
    fn ensure_saved(&mut self, id: &DatastreamId) {
        let property = self.world.catalogue.find(&id.property);
        if property.is_some_and(model::ObservedProperty::is_computed) {
            self.ensure_computed(id);
        }
    }
}

fn is_windowed(stream: &Stream) -> bool {
    !stream.property.is_computed() && stream.keep > Duration::ZERO && stream.keep <= WINDOW_MAX
}

fn saved_sample(sample: &Sample) -> SavedSample {
    let since = sample.since.map(Time::millis);
    (sample.time.millis(), since, sample.value, sample.quality.to_bits())
}

fn sample((time, since, value, quality): SavedSample) -> Sample {
    Sample {
        time: Time::from_millis_clamped(time),
        since: since.map(Time::from_millis_clamped),
        value,
        quality: Quality::from_bits(quality),
    }
}

fn take<T: serde::de::DeserializeOwned>(
    parts: &mut BTreeMap<String, Vec<u8>>,
    part: &str,
) -> Result<Option<T>, MemoryError> {
    let Some(body) = parts.remove(part) else { return Ok(None) };
    let read = unpack(&body);
    read.map(Some).map_err(|source| MemoryError { part: part.to_owned(), source })
}

//! The pure heart of the runner: readings, documents and minutes in, scores
//! and alerts out. No I/O and no clock; the same calls in the same order give
//! the same bits.
//!
//! Protocol: [`Engine::set_things`], then [`Engine::load`] and
//! [`Engine::fill`] after a start; from then on [`Engine::observe`] and
//! [`Engine::document`] in order of commit, and [`Engine::tick`] at every whole
//! minute and, where wanted, between minutes. What alarms tell comes back at
//! once; between minutes a level may only get worse.

mod acts;
mod alarms;
mod alert;
mod county;
mod evaluate;
mod memory;
mod packing;
mod picture;
mod records;
mod registry;
#[cfg(test)]
pub(crate) mod test_world;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_alarms;
#[cfg(test)]
mod tests_picture;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::{Catalogue, DatastreamId, Origin, Time, TownshipCode};

pub use acts::Observed;
pub use memory::MemoryError;
pub use packing::{PackError, decode_score, encode_score};
pub use picture::{HeldStation, Picture, TownshipPicture};

use crate::alerts::AlarmSettings;
use crate::county_run::TownshipScores;
use crate::flood_typhoon::FloodModel;
use crate::flood_typhoon::exposure::ExposureInputs;
use crate::prepare::{self, StormTracks};
use crate::record::{AlertRecord, ScoreRecord};
use crate::township_safety::SafetyModel;
use crate::windows::Sample;
use crate::world::{Documents, Facts, Memory, Streams, World};
use alarms::{Alarms, Around, Output};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The models in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Models {
    pub flood: FloodModel,
    pub safety: SafetyModel,
}

/// Which townships a tick evaluates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    All,
    Townships(BTreeSet<TownshipCode>),
}

impl Scope {
    pub fn contains(&self, township: TownshipCode) -> bool {
        match self {
            Scope::All => true,
            Scope::Townships(codes) => codes.contains(&township),
        }
    }
}

/// A value that the program computed, as an observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    pub datastream: DatastreamId,
    pub sample: Sample,
}

/// What one tick found.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    pub at: Time,
    /// Of the townships of the scope, all three indices each, then the
    /// county's.
    pub scores: Vec<Arc<ScoreRecord>>,
    /// Every transition since the last call that gave some.
    pub alerts: Vec<AlertRecord>,
    /// At whole minutes only.
    pub derived: Vec<Derived>,
}

/// What was evaluated last of a township.
#[derive(Debug, Clone)]
struct Evaluated {
    scores: TownshipScores,
    response: model::Level,
    exposure: ExposureInputs,
}

#[derive(Debug, Clone)]
pub struct Engine {
    pub world: World,
    pub origin: Origin,
    models: Arc<Models>,
    alarms: Alarms,
    storms: StormTracks,
    /// The storms were looked at with all bulletins up to this instant; `None`
    /// when documents changed since.
    storms_at: Option<Time>,
    evaluated: BTreeMap<TownshipCode, Evaluated>,
    /// The last whole minute that was evaluated.
    minute: Option<Time>,
    /// Told by changes of the registry; goes out with the next tick.
    untold: Vec<AlertRecord>,
}

impl Engine {
    pub fn new(
        facts: Arc<Facts>,
        catalogue: Arc<Catalogue>,
        models: Arc<Models>,
        origin: Origin,
    ) -> Engine {
        let world = World {
            facts,
            catalogue,
            things: BTreeMap::new(),
            streams: Streams::default(),
            documents: Documents::default(),
            alerts: BTreeMap::new(),
            memory: Memory::default(),
        };
        Engine {
            world,
            origin,
            models,
            alarms: Alarms::default(),
            storms: StormTracks::default(),
            storms_at: None,
            evaluated: BTreeMap::new(),
            minute: None,
            untold: Vec::new(),
        }
    }

    /// Other numbers of escalation and closing than the default ones; before
    /// any thing is set.
    #[must_use]
    pub fn with_alarm_settings(mut self, settings: AlarmSettings) -> Engine {
        self.alarms.settings = settings;
        self
    }

    pub fn models(&self) -> &Arc<Models> {
        &self.models
    }

    /// Evaluates the townships of the scope at an instant: a whole minute,
    /// which moves the memory, or one between minutes.
    pub fn tick(&mut self, at: Time, scope: Scope) -> Evaluation {
        let is_whole_minute = at == at.floor_to(MINUTE);
        self.look_at_storms(at);
        let mut out = Output::default();
        let mut derived = Vec::new();
        if is_whole_minute {
            self.forget(at);
            prepare::advance_soil(&mut self.world, at);
            prepare::advance_online(&mut self.world, at);
            derived = self.derive(at, &mut out);
            let around = around(&self.world, &self.storms, &self.models);
            self.alarms.minute(around, at, &mut out);
            self.minute = Some(at);
        }
        self.see(&mut out);
        let scores = self.evaluate(at, &scope, is_whole_minute);
        let mut alerts = std::mem::take(&mut self.untold);
        alerts.extend(out.records);
        Evaluation { at, scores, alerts, derived }
    }

    /// Computed quantities become samples and pass the alarms like readings.
    fn derive(&mut self, at: Time, out: &mut Output) -> Vec<Derived> {
        let values = crate::derived::derive(&self.world, &self.storms, at);
        let mut derived = Vec::with_capacity(values.len());
        for (datastream, sample) in values {
            if self.take_computed(&datastream, sample, at, out) {
                derived.push(Derived { datastream, sample });
            }
        }
        derived
    }

    /// Tracks are made anew when documents changed or a bulletin that waited
    /// for its issue time is out.
    fn look_at_storms(&mut self, at: Time) {
        let is_current = self.storms_at.is_some_and(|before| {
            let mut bulletins = self.world.documents.bulletins.values();
            before <= at && !bulletins.any(|found| before < found.issued && found.issued <= at)
        });
        if !is_current {
            self.storms = StormTracks::of(&self.world.documents, &self.world.facts, at);
            self.storms_at = Some(at);
        }
    }

    /// All runs of better levels begin anew: minutes were left out.
    pub fn break_runs(&mut self) {
        for township in self.world.memory.townships.values_mut() {
            township.state.safety.level.runs = [None; 4];
            township.state.flood.level.runs = [None; 4];
        }
        for alarm in self.alarms.by_stream.values_mut() {
            alarm.state.break_run();
        }
    }

    /// Alerts that are pending or open, in order of their datastreams.
    pub fn open_alerts(&self) -> impl Iterator<Item = &AlertRecord> {
        let alarms = self.alarms.by_stream.values();
        alarms.filter_map(|alarm| alarm.alert.as_ref()).map(|alert| &alert.record)
    }

    /// Takes the new views of alerts into the world.
    fn see(&mut self, out: &mut Output) {
        self.world.alerts.extend(std::mem::take(&mut out.views));
    }
}

fn around<'a>(world: &'a World, storms: &'a StormTracks, models: &Models) -> Around<'a> {
    Around { world, storms, neighbour_radius_km: models.flood.sources.neighbour_radius_km }
}

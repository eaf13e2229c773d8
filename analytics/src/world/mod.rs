//! Everything that an evaluation may look at, as of one commit: the county's
//! facts, things, datastreams with their samples, documents, alarms, and the
//! memory that moves at whole minutes.
//!
//! The engine writes it; whoever prepares inputs only reads it. All maps are
//! ordered, so that every walk over them is the same walk.

mod documents;
mod facts;
mod stream;
mod streams;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Catalogue, DatastreamId, Level, PropertyId, Thing, ThingId, Time, TownshipCode};
use serde::{Deserialize, Serialize};

pub use documents::{ActiveStorm, Documents, ResponseInForce};
pub use facts::{Facts, Haven, MustMonitor, TownshipFacts};
pub use stream::Stream;
pub use streams::Streams;

use crate::alerts::Class;
use crate::county_run::TownshipState;
use crate::physics::soil_water::SoilWater;

#[derive(Debug, Clone)]
pub struct World {
    pub facts: Arc<Facts>,
    pub catalogue: Arc<Catalogue>,
    /// Of every state; who computes looks at the state.
    pub things: BTreeMap<ThingId, Arc<Thing>>,
    /// Registered datastreams, also those that never spoke.
    pub streams: Streams,
    pub documents: Documents,
    /// Alerts that are open, and those closed within the last 60 days.
    pub alerts: BTreeMap<String, AlertView>,
    pub memory: Memory,
}

/// What an index needs to know of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertView {
    pub datastream: DatastreamId,
    pub class: Class,
    /// The highest level that was confirmed while it was open.
    pub confirmed_highest: Level,
    /// The level confirmed now; none when it is closed.
    pub confirmed_level: Level,
    pub opened: Time,
    pub closed: Option<Time>,
    /// When the responsible unit was told, and when it acknowledged.
    pub told: Option<Time>,
    pub acknowledged_by_unit: Option<Time>,
    /// A typhoon or gale signal or a response was in force when it opened.
    pub opened_in_storm: bool,
    /// Marked false by an override, or of a thing in maintenance.
    pub is_void: bool,
}

/// What is remembered from whole minute to whole minute; saved with the tick.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub townships: BTreeMap<TownshipCode, TownshipMemory>,
    /// By the rain datastream.
    pub soil: BTreeMap<DatastreamId, SoilMemory>,
    /// Of datastreams on a must-monitor list.
    pub online: BTreeMap<DatastreamId, OnlineLog>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TownshipMemory {
    pub state: TownshipState,
    pub event: EventMemory,
}

/// The event of a township (docs/indices.md section 5): from 24 h before the
/// first to 24 h after the last minute with a response in force or a hazard
/// level of blue or worse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct EventMemory {
    pub first: Option<Time>,
    pub last: Option<Time>,
}

/// The tanks of one rain gauge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SoilMemory {
    pub tanks: SoilWater,
    /// End of the last slot that was stepped.
    pub stepped_to: Time,
}

/// Minutes of the last 30 days, by day of China.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OnlineLog {
    pub days: BTreeMap<Time, OnlineDay>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct OnlineDay {
    pub online_min: u32,
    /// Without those in maintenance.
    pub scheduled_min: u32,
}

impl World {
    /// The datastreams of a thing, in order of their ids.
    pub fn streams_of<'a>(&'a self, thing: &ThingId) -> impl Iterator<Item = &'a Stream> + use<'a> {
        self.streams.of(thing).iter()
    }

    pub fn stream(&self, thing: &ThingId, property: &PropertyId) -> Option<&Stream> {
        self.streams.find(thing, property, None)
    }
}

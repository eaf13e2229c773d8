//! Things: what carries sensors, or reports.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Channel, DatastreamId, Position, PropertyId, ThingId, Thresholds, TownshipCode};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThingKind {
    Shelter,
    ConstructionSite,
    FishingVessel,
    Enterprise,
    HydrometStation,
    TownshipOffice,
    /// Carries no sensors of its own: publishes for other things.
    Gateway,
}

impl ThingKind {
    pub const ALL: [ThingKind; 7] = [
        ThingKind::Shelter,
        ThingKind::ConstructionSite,
        ThingKind::FishingVessel,
        ThingKind::Enterprise,
        ThingKind::HydrometStation,
        ThingKind::TownshipOffice,
        ThingKind::Gateway,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            ThingKind::Shelter => "shelter",
            ThingKind::ConstructionSite => "construction_site",
            ThingKind::FishingVessel => "fishing_vessel",
            ThingKind::Enterprise => "enterprise",
            ThingKind::HydrometStation => "hydromet_station",
            ThingKind::TownshipOffice => "township_office",
            ThingKind::Gateway => "gateway",
        }
    }
}

impl fmt::Display for ThingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{found}`; known are {known}")]
pub struct UnknownWord {
    what: &'static str,
    found: String,
    known: String,
}

fn parse_word<T: Copy + fmt::Display>(
    what: &'static str,
    all: &[T],
    text: &str,
) -> Result<T, UnknownWord> {
    all.iter().copied().find(|word| word.to_string() == text).ok_or_else(|| UnknownWord {
        what,
        found: text.escape_debug().take(60).collect(),
        known: all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    })
}

impl FromStr for ThingKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<ThingKind, UnknownWord> {
        parse_word("kind", &ThingKind::ALL, text)
    }
}

/// The life of a thing. Only what is in service enters indices and alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThingState {
    Planned,
    Commissioning,
    InService,
    Maintenance,
    Retired,
}

impl ThingState {
    pub const ALL: [ThingState; 5] = [
        ThingState::Planned,
        ThingState::Commissioning,
        ThingState::InService,
        ThingState::Maintenance,
        ThingState::Retired,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            ThingState::Planned => "planned",
            ThingState::Commissioning => "commissioning",
            ThingState::InService => "in_service",
            ThingState::Maintenance => "maintenance",
            ThingState::Retired => "retired",
        }
    }
}

impl fmt::Display for ThingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ThingState {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<ThingState, UnknownWord> {
        parse_word("state", &ThingState::ALL, text)
    }
}

/// What the data in a directory is; fixed when the directory is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Real,
    /// A real storm, replayed on simulated sensors.
    Replay,
    Simulated,
}

impl Origin {
    pub const ALL: [Origin; 3] = [Origin::Real, Origin::Replay, Origin::Simulated];

    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Real => "real",
            Origin::Replay => "replay",
            Origin::Simulated => "simulated",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Origin {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Origin, UnknownWord> {
        parse_word("origin", &Origin::ALL, text)
    }
}

/// A name in the page's two languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalizedName {
    pub zh: String,
    pub en: String,
}

/// A datastream as registered at its thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatastreamSpec {
    pub property: PropertyId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Levels of this station or device, for properties whose limits are set
    /// per thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<Thresholds>,
    /// The height datum of levels and readings, as 1985国家高程基准.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datum: Option<String>,
}

impl DatastreamSpec {
    pub fn id(&self, thing: &ThingId) -> DatastreamId {
        DatastreamId {
            thing: thing.clone(),
            property: self.property.clone(),
            channel: self.channel.clone(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thing {
    pub id: ThingId,
    pub kind: ThingKind,
    pub name: LocalizedName,
    /// `None` only for gateways.
    pub township: Option<TownshipCode>,
    pub position: Option<Position>,
    pub state: ThingState,
    /// Townships whose index this thing's water gauges serve besides its own.
    #[serde(default)]
    pub serves: Vec<TownshipCode>,
    /// The datastream that a `raw` payload (one number) belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_property: Option<PropertyId>,
    #[serde(default)]
    pub datastreams: Vec<DatastreamSpec>,
}

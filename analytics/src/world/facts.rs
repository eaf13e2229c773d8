//! The county's facts: configuration that indices are computed from.

use std::collections::{BTreeMap, BTreeSet};

use model::{LocalizedName, Position, PropertyId, ThingKind, Time, Township, TownshipCode};

#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// In order of their codes.
    pub townships: Vec<TownshipFacts>,
    pub havens: Vec<Haven>,
    pub must_monitor: MustMonitor,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TownshipFacts {
    pub township: Township,
    /// People; all townships have one or none counts.
    pub population: Option<f64>,
    /// Hazard groups that the township has.
    pub groups: Vec<String>,
    /// Before this its office did not report: not applicable.
    pub reporting_from: Option<Time>,
}

/// Where vessels shelter.
#[derive(Debug, Clone, PartialEq)]
pub struct Haven {
    pub id: String,
    pub name: LocalizedName,
    pub position: Position,
    pub radius_m: f64,
    /// The strongest wind it shelters from, m/s; `None` is not rated 未定级.
    pub rated_wind_mps: Option<f64>,
    /// Vessels it takes.
    pub capacity: Option<u32>,
}

/// What must carry sensors. On a list stands every registered thing of the
/// kind that is not planned or retired.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MustMonitor {
    /// Lists that somebody confirmed to be complete.
    pub confirmed: BTreeSet<(TownshipCode, ThingKind)>,
    /// The mandatory properties of each kind.
    pub mandatory: BTreeMap<ThingKind, Vec<PropertyId>>,
}

impl Facts {
    pub fn township(&self, code: TownshipCode) -> Option<&TownshipFacts> {
        self.townships.iter().find(|facts| facts.township.code == code)
    }
}

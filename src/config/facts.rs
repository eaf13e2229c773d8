//! The county's facts that indices are computed from: havens, must-monitor
//! lists, and what is known of each township (`county.toml`).

use std::collections::{BTreeMap, BTreeSet};

use analytics::physics::grades::BEAUFORT_LOWER_MPS;
use analytics::world::{Facts, Haven, MustMonitor, TownshipFacts};
use model::{
    Catalogue, LocalizedName, Position, PropertyId, ThingKind, Time, Township, TownshipCode,
};
use serde::Deserialize;

use super::county::Bounds;
use super::overlay::Problem;

/// The group that only a coast has.
const TIDE: &str = "tide";

/// Where vessels shelter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HavenRow {
    id: String,
    name: LocalizedName,
    position: Position,
    radius_m: f64,
    /// Beaufort force it still shelters from.
    rated_force: Option<u8>,
    capacity: Option<u32>,
}

impl HavenRow {
    pub(super) fn check(&self, bounds: &Bounds, refuse: &mut impl FnMut(&str, String)) {
        let key = format!("haven `{}` ({})", self.id, self.name.zh);
        if !bounds.contains(self.position) {
            refuse(&key, "lies outside the county's bounds".to_owned());
        }
        if !(self.radius_m > 0.0 && self.radius_m.is_finite()) {
            refuse(&key, format!("radius_m {} is not above 0", self.radius_m));
        }
        if let Some(force) = self.rated_force
            && !(1..=16).contains(&force)
        {
            refuse(&key, format!("rated_force {force} is not in 1..16"));
        }
    }

    /// Exceeded is a wind of the next force.
    fn into_haven(self) -> Haven {
        let rated = self.rated_force.map(|force| BEAUFORT_LOWER_MPS[usize::from(force) + 1]);
        Haven {
            id: self.id,
            name: self.name,
            position: self.position,
            radius_m: self.radius_m,
            rated_wind_mps: rated,
            capacity: self.capacity,
        }
    }
}

/// What must carry sensors.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MustMonitorRow {
    /// Kinds whose lists are complete in every township.
    confirmed: Vec<ThingKind>,
    mandatory: BTreeMap<ThingKind, Vec<PropertyId>>,
}

/// What is known of one township beyond its row in `townships.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TownshipTable {
    code: TownshipCode,
    population: Option<u32>,
    /// Its hazard groups; without it all of them, `tide` on the coast only.
    groups: Option<Vec<String>>,
    reporting_from: Option<Time>,
    /// Kinds whose lists are complete here; instead of `must_monitor.confirmed`.
    confirmed: Option<Vec<ThingKind>>,
}

/// The parts of `county.toml` that make the facts.
pub(super) struct FactsInput<'a> {
    pub(super) file: String,
    pub(super) townships: &'a [Township],
    pub(super) havens: Vec<HavenRow>,
    pub(super) must_monitor: MustMonitorRow,
    pub(super) tables: Vec<TownshipTable>,
}

impl FactsInput<'_> {
    /// `groups` are the ids of Index B's hazard groups.
    pub(super) fn into_facts(
        self,
        groups: &[String],
        catalogue: &Catalogue,
        problems: &mut Vec<Problem>,
    ) -> Facts {
        self.check(groups, catalogue, problems);
        let mut confirmed = BTreeSet::new();
        let mut townships = Vec::new();
        for township in self.townships {
            let table = self.tables.iter().find(|table| table.code == township.code);
            let kinds = table.and_then(|table| table.confirmed.as_ref());
            let kinds = kinds.unwrap_or(&self.must_monitor.confirmed);
            confirmed.extend(kinds.iter().map(|kind| (township.code, *kind)));
            let has = |group: &&String| township.coastal || *group != TIDE;
            let own = table.and_then(|table| table.groups.clone());
            townships.push(TownshipFacts {
                township: township.clone(),
                population: table.and_then(|table| table.population).map(f64::from),
                groups: own.unwrap_or_else(|| groups.iter().filter(has).cloned().collect()),
                reporting_from: table.and_then(|table| table.reporting_from),
            });
        }
        townships.sort_by_key(|facts| facts.township.code);
        Facts {
            townships,
            havens: self.havens.into_iter().map(HavenRow::into_haven).collect(),
            must_monitor: MustMonitor { confirmed, mandatory: self.must_monitor.mandatory },
        }
    }

    fn check(&self, groups: &[String], catalogue: &Catalogue, problems: &mut Vec<Problem>) {
        let mut refuse = |key: String, reason: String| {
            problems.push(Problem { file: self.file.clone(), line: None, key, reason });
        };
        for (kind, properties) in &self.must_monitor.mandatory {
            let fits = |id: &PropertyId| {
                catalogue.find(id).is_some_and(|property| property.is_of_kind(*kind))
            };
            for property in properties.iter().filter(|id| !fits(id)) {
                let reason = format!("`{property}` is no property of this kind in the catalogue");
                refuse(format!("must_monitor.mandatory.{kind}"), reason);
            }
        }
        for table in &self.tables {
            let key = format!("township {}", table.code);
            if !self.townships.iter().any(|township| township.code == table.code) {
                refuse(key.clone(), "is not in townships.csv".to_owned());
            }
            for group in table.groups.iter().flatten().filter(|group| !groups.contains(group)) {
                let known = groups.join(", ");
                refuse(key.clone(), format!("unknown group `{group}`; known are {known}"));
            }
            if table.population == Some(0) {
                refuse(key, "population is 0; leave it out while it is not known".to_owned());
            }
        }
    }
}

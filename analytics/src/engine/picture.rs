//! What pages show beside the scores, as of one whole minute: the situation in
//! numbers, what is held and when a level falls, what every item is fed with.

use std::collections::BTreeMap;

use model::{DatastreamId, PropertyId, Time, TownshipCode};

use super::Engine;
use crate::explain::Node;
use crate::flood_typhoon::sources::Hold;
use crate::levels::{Fall, LevelMemory};
use crate::prepare;
use crate::readiness::{CoverageRule, Fed, Readiness, coverage_costs};
use crate::record::{Feature, FloodPart, IndexId, ScoreRecord};
use crate::situation::{Counts, Row, Situation, sum};

#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub situation: Situation,
    pub townships: BTreeMap<TownshipCode, TownshipPicture>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TownshipPicture {
    /// Stations whose last fresh score speaks for them.
    pub held: Vec<HeldStation>,
    /// When the level improves by itself, of Index A and of Index B.
    pub safety_fall: Option<Fall>,
    pub flood_fall: Option<Fall>,
    /// By index: township-safety, then flood-typhoon.
    pub safety_ready: Vec<Readiness>,
    pub flood_ready: Vec<Readiness>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HeldStation {
    pub group: String,
    pub quantity: PropertyId,
    pub unit: String,
    pub datastream: DatastreamId,
    pub hold: Hold,
}

impl Engine {
    /// The picture of the last evaluation, whose scores are given; `None`
    /// before every township was evaluated.
    pub fn picture<'a>(
        &self,
        at: Time,
        scores: impl Iterator<Item = &'a ScoreRecord>,
    ) -> Option<Picture> {
        let of_index = scores.filter(|record| record.index == IndexId::FloodTyphoon);
        let records: BTreeMap<Feature, &ScoreRecord> =
            of_index.map(|record| (record.feature, record)).collect();
        let mut rows = Vec::with_capacity(records.len());
        let mut townships = BTreeMap::new();
        for township in &self.world.facts.townships {
            let code = township.township.code;
            let record = records.get(&Feature::Township(code))?;
            let found = self.evaluated.get(&code)?;
            let demand = found.scores.flood.score.hazard_level.max(found.response);
            let (world, storms) = (&self.world, &self.storms);
            let (flood, safety) = (&self.models.flood, &self.models.safety);
            let mut counts =
                prepare::counts(world, storms, township, &found.exposure, demand, flood, at);
            counts.unknown.clone_from(&record.missing);
            let shown = record.flood.as_ref()?;
            rows.push(row(record, shown, Some(shown.attention), counts));
            let fed = prepare::fed(world, township, flood, safety, at);
            townships.insert(code, self.township(code, &fed)?);
        }
        rows.sort_by_key(|row| (std::cmp::Reverse(row.displayed_level), row.attention));
        let county = records.get(&Feature::County)?;
        let mut counts = sum(rows.iter().map(|row| &row.counts));
        counts.unknown.extend(county.missing.iter().cloned());
        let county = row(county, county.flood.as_ref()?, None, counts);
        Some(Picture { situation: Situation { at, county, townships: rows }, townships })
    }

    fn township(&self, code: TownshipCode, fed: &BTreeMap<String, Fed>) -> Option<TownshipPicture> {
        let found = self.evaluated.get(&code)?;
        let memory = self.world.memory.townships.get(&code)?;
        let (flood, safety) = (&self.models.flood, &self.models.safety);
        let fall = |level: &LevelMemory, rules| level.next_fall(rules);
        let score = &found.scores.flood.score;
        let ready = |explanation, rule, is_covered: &dyn Fn(&Node) -> bool| {
            let costs = coverage_costs(explanation, rule, is_covered);
            let ready = costs.into_iter().map(|(dimension, part, coverage_cost)| Readiness {
                dimension: dimension.id.to_string(),
                id: part.id.to_string(),
                state: part.state,
                fed: fed.get(&*part.id).copied().unwrap_or_default(),
                coverage_cost,
            });
            ready.collect::<Vec<_>>()
        };
        let is_outlook = |id: &str| flood.group(id).is_some_and(|group| group.is_outlook);
        let covers_b = |dimension: &crate::explain::Node| match &*dimension.id {
            "hazard" => {
                dimension.parts.iter().any(|group| group.score.is_some() && !is_outlook(&group.id))
            }
            _ => !dimension.reasons.iter().any(|reason| &**reason == "stand_in"),
        };
        Some(TownshipPicture {
            held: self.held(code),
            safety_fall: fall(&memory.state.safety.level, &safety.levels),
            flood_fall: fall(&memory.state.flood.level, &flood.levels),
            safety_ready: ready(
                &found.scores.safety.explanation,
                CoverageRule::KnownShare,
                &|dimension| dimension.score.is_some(),
            ),
            flood_ready: ready(&score.explanation, CoverageRule::WholeDimension, &covers_b),
        })
    }

    /// Holds of the township's own stations and of those that serve it;
    /// neighbours speak only while they are fresh.
    fn held(&self, code: TownshipCode) -> Vec<HeldStation> {
        let Some(memory) = self.world.memory.townships.get(&code) else { return Vec::new() };
        let is_own = |datastream: &DatastreamId| {
            self.world
                .things
                .get(&datastream.thing)
                .is_some_and(|thing| thing.township == Some(code) || thing.serves.contains(&code))
        };
        let holds =
            memory.state.flood.holds.iter().filter(|((_, datastream), hold)| {
                hold.is_held && !hold.is_ended && is_own(datastream)
            });
        let held = holds.filter_map(|((quantity, datastream), hold)| {
            let groups = &self.models.flood.groups;
            let (group, spec) = groups.iter().find_map(|group| {
                let mut specs = group.quantities.iter();
                Some((group, specs.find(|spec| spec.id == *quantity)?))
            })?;
            Some(HeldStation {
                group: group.id.clone(),
                quantity: quantity.clone(),
                unit: spec.unit.ucum().to_owned(),
                datastream: datastream.clone(),
                hold: *hold,
            })
        });
        held.collect()
    }
}

fn row(record: &ScoreRecord, shown: &FloodPart, attention: Option<u32>, counts: Counts) -> Row {
    Row {
        feature: record.feature,
        level: record.level,
        displayed_level: shown.displayed_level,
        attention,
        counts,
    }
}

impl TownshipPicture {
    /// The parts of an index; hazard is a part of Index B.
    pub fn ready(&self, index: IndexId) -> &[Readiness] {
        match index {
            IndexId::TownshipSafety => &self.safety_ready,
            IndexId::FloodTyphoon | IndexId::Hazard => &self.flood_ready,
        }
    }
}

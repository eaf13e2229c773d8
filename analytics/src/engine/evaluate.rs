//! The scores of townships and county at one instant.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Level, Time, TownshipCode};

use super::county::county_records;
use super::records::{Township, flood_record, hazard_record, safety_record};
use super::{Engine, Evaluated, Scope};
use crate::county_run::{PreparedTownship, county_values, score_township};
use crate::flood_typhoon::FloodInputs;
use crate::prepare;
use crate::record::ScoreRecord;
use crate::world::TownshipFacts;

impl Engine {
    pub(super) fn evaluate(
        &mut self,
        at: Time,
        scope: &Scope,
        is_whole_minute: bool,
    ) -> Vec<Arc<ScoreRecord>> {
        let facts = Arc::clone(&self.world.facts);
        let in_scope: Vec<&TownshipFacts> =
            facts.townships.iter().filter(|facts| scope.contains(facts.township.code)).collect();
        // All inputs are read before any memory moves.
        let prepared: Vec<PreparedTownship> =
            in_scope.iter().map(|township| self.prepare(township, at)).collect();
        for (township, inputs) in in_scope.iter().zip(prepared) {
            self.score(township.township.code, inputs, at, is_whole_minute);
        }

        let ranks = self.ranks();
        let mut records = Vec::with_capacity(3 * in_scope.len() + 3);
        for township in &in_scope {
            let code = township.township.code;
            let Some(Evaluated { scores, response, .. }) = self.evaluated.get(&code) else {
                continue;
            };
            let rank = ranks.get(&code).copied().unwrap_or(0);
            let told = Township { code, at, scores, response: *response, rank };
            records.push(Arc::new(safety_record(&told, &self.models.safety)));
            records.push(Arc::new(flood_record(&told, &self.models.flood)));
            records.push(Arc::new(hazard_record(&told, &self.models.flood)));
        }
        let townships = facts.townships.iter().filter_map(|facts| {
            let code = facts.township.code;
            let found = self.evaluated.get(&code)?;
            Some((code, found, facts.population))
        });
        let townships: Vec<_> = townships.collect();
        let scores = townships.iter().map(|(_, found, population)| (&found.scores, *population));
        let (safety, flood) = county_values(scores, &self.models.safety);
        records.extend(county_records(&townships, &safety, &flood, at).map(Arc::new));
        records
    }

    fn prepare(&self, township: &TownshipFacts, at: Time) -> PreparedTownship {
        let (world, storms) = (&self.world, &self.storms);
        let flood = &self.models.flood;
        let code = township.township.code;
        let response = world.documents.response(code, at);
        PreparedTownship {
            safety: prepare::safety(world, township, &self.models.safety, at),
            flood: FloodInputs {
                township: code,
                groups: prepare::hazard_groups(world, storms, township, flood, at),
                response: response.map_or(Level::None, |response| response.level),
                exposure: prepare::exposure(world, storms, township, flood, at),
                capability: prepare::capability(world, township, flood, at),
                red_alarm_open: prepare::red_alarm_open(world, township),
                n_life_alarms: prepare::n_life_alarms(world, township),
            },
            population: township.population,
        }
    }

    fn score(
        &mut self,
        code: TownshipCode,
        inputs: PreparedTownship,
        at: Time,
        is_whole_minute: bool,
    ) {
        let memory = self.world.memory.townships.entry(code).or_default();
        let (safety, flood) = (&self.models.safety, &self.models.flood);
        let scores = score_township(&mut memory.state, &inputs, safety, flood, at);
        if is_whole_minute {
            let response = self.world.documents.response(code, at);
            let hazard_level = scores.flood.score.hazard_level;
            prepare::advance_event(&mut memory.event, hazard_level, response, at);
        }
        let FloodInputs { response, exposure, .. } = inputs.flood;
        self.evaluated.insert(code, Evaluated { scores, response, exposure });
    }

    /// Order of attention among all townships, 1 first; of equals the smaller
    /// code.
    fn ranks(&self) -> BTreeMap<TownshipCode, u32> {
        let mut order: Vec<_> = self
            .evaluated
            .iter()
            .map(|(code, found)| (*code, found.scores.flood.attention))
            .collect();
        order.sort_by(|(_, a), (_, b)| a.order(b));
        order.into_iter().zip(1..).map(|((code, _), rank)| (code, rank)).collect()
    }
}

//! Capability gap L: what would be missing (docs/indices.md 4.5).

use model::Time;

use super::items::ItemScore;
use super::model::CapabilityRules;
use crate::explain::NodeState;
use crate::freshness::Aging;

/// One item of L, measured or reported.
#[derive(Debug, Clone, PartialEq)]
pub enum GapInput {
    NotApplicable,
    /// Never reported.
    Unknown,
    /// The gap, with the ages of the values it is made of.
    Value {
        gap: f64,
        agings: Vec<Aging>,
    },
}

impl GapInput {
    /// The item at an instant: the smallest f·q of its values; held when one
    /// of them is.
    pub fn score(&self, at: Time) -> ItemScore {
        match self {
            GapInput::NotApplicable => ItemScore::not_applicable(),
            GapInput::Unknown => ItemScore::unknown(),
            GapInput::Value { gap, agings } => {
                let is_held = agings.iter().any(|aging| aging.state(at) == NodeState::Held);
                let state = if is_held { NodeState::Held } else { NodeState::Known };
                let confidence =
                    agings.iter().fold(1.0_f64, |least, aging| least.min(aging.confidence(at)));
                ItemScore::of(Some(*gap), state, confidence)
            }
        }
    }
}

/// People who need a place: `0.3 × all people to evacuate` (docs/indices.md
/// 4.5, A).
pub fn people_in_need(people_to_evacuate: f64, rules: &CapabilityRules) -> f64 {
    rules.need_share * people_to_evacuate
}

/// `shelter_gap` (docs/indices.md 4.5, A), 0..1: `1 − Σ capacity of usable
/// shelters / need`; 0 when nobody is in need.
pub fn shelter_gap(usable_capacity: f64, need: f64) -> f64 {
    if need <= 0.0 { 0.0 } else { (1.0 - usable_capacity / need).clamp(0.0, 1.0) }
}

/// Stocks and what arrives within 12 h.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Supplies {
    pub water_l: f64,
    pub meals: f64,
    pub quilts: f64,
}

/// `supply_gap` (docs/indices.md 4.5, A), 0..1: `1 − min over water, food,
/// quilts of stock/(need × 9 L, 9 meals, 1 quilt)`; 0 when nobody is in need.
pub fn supply_gap(supplies: &Supplies, need: f64, rules: &CapabilityRules) -> f64 {
    if need <= 0.0 {
        return 0.0;
    }
    let scarcest = (supplies.water_l / (need * rules.water_l))
        .min(supplies.meals / (need * rules.meals))
        .min(supplies.quilts / (need * rules.quilts));
    (1.0 - scarcest).clamp(0.0, 1.0)
}

/// `power_comms_gap`, `sensor_gap` (docs/indices.md 4.5, A), 0..1: the share of
/// places without power and backup or silent, of mandatory things offline;
/// `None` without any.
pub fn lost_share(n_lost: f64, n: f64) -> Option<f64> {
    (n > 0.0).then(|| (n_lost / n).clamp(0.0, 1.0))
}

/// `team_gap` (docs/indices.md 4.5, A), 0..1: `1 − mean` of the equipment rate,
/// the 15-minute rate and ready over required rescuers, each at most 1, of
/// those that have a value.
pub fn team_gap(rates: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = rates.iter().flatten().map(|rate| rate.clamp(0.0, 1.0)).collect();
    let sum = known.iter().fold(0.0, |sum, rate| sum + rate);
    (!known.is_empty()).then(|| 1.0 - sum / known.len() as f64)
}

/// `duty_gap` (docs/indices.md 4.5, A), 0..1: `1 − received/due` confirmations
/// of the last 12 h in a response, else of 24 h; `None` when none is due.
pub fn duty_gap(received: f64, due: f64) -> Option<f64> {
    (due > 0.0).then(|| (1.0 - received / due).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: CapabilityRules = CapabilityRules {
        need_share: 0.3,
        water_l: 9.0,
        meals: 9.0,
        quilts: 1.0,
        weight_min: 0.66,
    };

    #[test]
    fn gaps_of_places_and_supplies() {
        let need = people_in_need(1000.0, &RULES);
        assert_eq!(need, 300.0);
        assert_eq!(shelter_gap(150.0, need), 0.5);
        assert_eq!((shelter_gap(900.0, need), shelter_gap(0.0, 0.0)), (0.0, 0.0));
        let supplies = Supplies { water_l: 2700.0, meals: 1350.0, quilts: 400.0 };
        assert_eq!(supply_gap(&supplies, need, &RULES), 0.5);
    }

    #[test]
    fn gaps_of_teams_duty_and_contact() {
        assert_eq!(team_gap(&[Some(1.2), Some(0.5), None]), Some(0.25));
        assert_eq!(team_gap(&[None, None]), None);
        assert_eq!((duty_gap(3.0, 4.0), duty_gap(0.0, 0.0)), (Some(0.25), None));
        assert_eq!(lost_share(1.0, 4.0), Some(0.25));
    }
}

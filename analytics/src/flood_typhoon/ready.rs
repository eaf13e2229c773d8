//! `B_ready` 平时评估: readiness on a calm day against reference hazards
//! (docs/indices.md 4.8).

use model::{Level, Time, TownshipCode};

use super::capability::GapInput;
use super::compose::{Composition, compose};
use super::exposure::{ExposureInputs, exposure_items};
use super::items::dimension;
use super::model::{FloodModel, Reference};
use super::sources::GroupScore;
use crate::explain::{Node, NodeKind, NodeState};

#[derive(Debug, Clone, PartialEq)]
pub struct Readiness {
    pub reference: String,
    /// B under the reference hazard, 0..100; `None` when V or L is not
    /// available. It has no level and paints no map.
    pub score: Option<f64>,
    pub exposure: Option<f64>,
    pub capability_gap: Option<f64>,
    pub explanation: Node,
}

/// B under a reference hazard (docs/indices.md 4.8, A): H = M of the reference;
/// V with the demand of its tier and nothing done yet, vessels as under a
/// recall order where they are now; L as it is.
pub fn ready(
    township: TownshipCode,
    reference: &Reference,
    exposure: &ExposureInputs,
    capability: &[GapInput],
    model: &FloodModel,
    at: Time,
) -> Readiness {
    let nothing_done = ExposureInputs {
        event_since: None,
        response_since: None,
        recall: true,
        ..exposure.clone()
    };
    let items = exposure_items(&nothing_done, reference.demand, &model.exposure, at);
    let weight_min = 1.0 - model.exposure.unentered_max;
    let exposure = dimension("exposure", &model.exposure_items, &items, weight_min);
    let gaps: Vec<_> = capability.iter().map(|gap| gap.score(at)).collect();
    let capability =
        dimension("capability_gap", &model.capability_items, &gaps, model.capability.weight_min);
    let is_available = exposure.score.is_some() && capability.score.is_some();

    let mut node = Node::new(reference.id.as_str(), NodeKind::Group, NodeState::Known);
    node.score = Some(reference.score);
    let group = GroupScore {
        id: reference.id.clone(),
        score: Some(reference.score),
        before_floor: Some(reference.score),
        official: Level::None,
        state: NodeState::Known,
        confidence: 1.0,
        node,
    };
    let (v, l) = (exposure.score, capability.score);
    let composition = Composition {
        township,
        groups: vec![group],
        exposure,
        capability,
        response: Level::None,
        red_alarm_open: false,
        last_known: [None, None],
        confidence: [None, None],
    };
    let score = compose(&composition, model, at);
    Readiness {
        reference: reference.id.clone(),
        score: score.score.filter(|_| is_available),
        exposure: v,
        capability_gap: l,
        explanation: score.explanation,
    }
}

/// The month's readiness: the mean of its days that have one.
pub fn month_mean(days: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = days.iter().flatten().copied().collect();
    let sum = known.iter().fold(0.0, |sum, day| sum + day);
    (!known.is_empty()).then(|| sum / known.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flood_typhoon::exposure::{Category, PeopleReport, Register, Report};
    use crate::freshness::Aging;

    fn exposure(vessels: Register<crate::flood_typhoon::exposure::Vessel>) -> ExposureInputs {
        let report = |value| Some(Report { value, time: Time::EPOCH });
        ExposureInputs {
            people: vec![PeopleReport {
                category: Category::Landslide,
                to_evacuate: report(100.0),
                evacuated: report(100.0),
            }],
            vessels,
            recall: false,
            sites: Register::Entered(Vec::new()),
            vulnerable_percent: report(20.0),
            event_since: Some(Time::EPOCH),
            response_since: None,
        }
    }

    fn gap(gap: f64) -> GapInput {
        let period = std::time::Duration::from_secs(86_400);
        let aging = Aging { time: Time::EPOCH, period, credibility: 0.6, since_change: None };
        GapInput::Value { gap, agings: vec![aging] }
    }

    #[test]
    fn readiness_takes_nothing_as_done() {
        let text = include_str!("../../../config/models/flood-typhoon.toml");
        let model = FloodModel::from_toml(text).unwrap();
        let township = TownshipCode::parse("330225101").unwrap();
        let gaps: Vec<GapInput> = (0..6).map(|_| gap(0.4)).collect();
        let run = |exposure: &ExposureInputs, gaps: &[GapInput]| {
            ready(township, &model.references[0], exposure, gaps, &model, Time::EPOCH)
        };
        let found = run(&exposure(Register::Entered(Vec::new())), &gaps);
        // V = 100·(0.40·1 + 0.20·0.20)/0.60, L = 40, H = 75.
        let v = 100.0 * 0.44 / 0.60;
        assert!((found.exposure.unwrap() - v).abs() < 1e-9);
        let b = libm::exp(0.5 * libm::log(75.0) + 0.25 * libm::log(v) + 0.25 * libm::log(40.0));
        assert!((found.score.unwrap() - b).abs() < 1e-9);
        assert!(found.explanation.largest_gap() < 1e-9);

        let unknown = vec![GapInput::Unknown; 6];
        assert_eq!(run(&exposure(Register::NeverEntered), &unknown).score, None);
        assert_eq!(month_mean(&[Some(10.0), None, Some(30.0)]), Some(20.0));
    }
}

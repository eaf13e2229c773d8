//! The hazard of a township: quantities of its stations, scored through knots,
//! grouped, compounded (domain.md 4.1, 4.2).
//!
//! This index stands alone (`hazard`): it reads the township's own stations
//! and nothing else, has no memory and no official floors. Index B computes
//! its H from the same quantities and groups, with more sources.

mod model;
mod station;

pub use model::{
    GroupSpec, HazardModel, KnotSource, QuantitySpec, Statistic, group_problems, read_groups,
};
pub use station::{StationReading, StationSeries, read_station};

use ::model::{Level, Time, TownshipCode};

use crate::compound::compound;
use crate::explain::{Aggregation, Node, NodeKind, NodeState, Raw};
use crate::knots::danger_level;

/// What is known of one township.
#[derive(Debug, Clone, PartialEq)]
pub struct TownshipInputs {
    pub township: TownshipCode,
    /// In the order in which equals are to speak.
    pub stations: Vec<StationSeries>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HazardScore {
    pub township: TownshipCode,
    pub time: Time,
    /// H, 0..100, high is dangerous; `None` when no group has a value.
    pub score: Option<f64>,
    /// The level of the largest group, never of H (domain.md 4.6).
    pub level: Option<Level>,
    /// Groups, their quantities, their stations.
    pub explanation: Node,
}

/// The hazard of one township at one instant (domain.md 4.1, 4.2, A):
/// `H = M + (100 − M)·0.25·S/100` over the groups that have a value, a group
/// the largest of its quantities, a quantity the largest of its stations.
pub fn hazard(inputs: &TownshipInputs, model: &HazardModel, at: Time) -> HazardScore {
    let mut groups: Vec<Node> =
        model.groups.iter().map(|group| group_node(&inputs.stations, group, at)).collect();
    let scores: Vec<Option<f64>> = groups.iter().map(|group| group.score).collect();
    let compounded = compound(&scores, model.second_share);

    if let Some(compounded) = &compounded {
        for (group, contribution) in groups.iter_mut().zip(&compounded.contributions) {
            group.contribution = *contribution;
        }
    }
    let state = match compounded {
        Some(_) => NodeState::best(groups.iter().map(|group| group.state)),
        None => NodeState::Unknown,
    };
    let score = compounded.as_ref().map(|compounded| compounded.score);
    HazardScore {
        township: inputs.township,
        time: at,
        score,
        level: compounded.map(|compounded| danger_level(compounded.largest)),
        explanation: Node {
            aggregation: Some(Aggregation::Compound),
            score,
            parts: groups,
            ..Node::new(model.head.id.as_str(), NodeKind::Index, state)
        },
    }
}

fn group_node(stations: &[StationSeries], group: &GroupSpec, at: Time) -> Node {
    let quantities =
        group.quantities.iter().map(|quantity| quantity_node(stations, quantity, at)).collect();
    Node::maximum(group.id.as_str(), NodeKind::Group, quantities)
}

fn quantity_node(stations: &[StationSeries], quantity: &QuantitySpec, at: Time) -> Node {
    let parts = stations
        .iter()
        .filter(|station| station.property == quantity.from)
        .map(|station| station_node(station, quantity, at))
        .collect();
    Node::maximum(quantity.id.as_str(), NodeKind::Quantity, parts)
}

fn station_node(series: &StationSeries, quantity: &QuantitySpec, at: Time) -> Node {
    let id = series.datastream.to_string();
    let Some(reading) = read_station(series, quantity, at) else {
        return Node::new(id, NodeKind::Quantity, NodeState::Unknown);
    };

    let score = quantity.score(reading.value, series.levels.as_ref());
    let is_held = at.millis_since(reading.newest) > 3 * quantity.period_ms();
    let state = match score {
        None => NodeState::Unknown,
        Some(_) if is_held => NodeState::Held,
        Some(_) => NodeState::Known,
    };
    let mut reasons = Vec::new();
    if score.is_none() {
        reasons.push("levels_not_configured".into());
    }
    if state == NodeState::Held {
        reasons.push("held".into());
    }
    if reading.slots_present < 1.0 {
        reasons.push("partial_window".into());
    }
    let raw = Raw {
        value: reading.value,
        unit: quantity.unit,
        time: reading.newest,
        age_s: at.millis_since(reading.newest) as f64 / 1000.0,
        quality: reading.quality.flag(),
        datastreams: vec![series.datastream.clone()],
    };
    Node { score, raw: Some(raw), reasons, ..Node::new(id, NodeKind::Quantity, state) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ::model::{DatastreamId, Flag, Quality, QualityTest, Thresholds};

    use super::*;
    use crate::windows::Sample;

    const AT_MIN: i64 = 100_000;

    fn model() -> HazardModel {
        HazardModel::from_toml(include_str!("../../../config/models/hazard.toml")).unwrap()
    }

    fn minute(n: i64) -> Time {
        Time::from_millis_clamped(n * 60_000)
    }

    /// Samples as (minutes before the evaluation, value).
    fn series(datastream: &str, samples: &[(i64, f64)]) -> StationSeries {
        let datastream = DatastreamId::parse(datastream).unwrap();
        let sample = |(ago, value): &(i64, f64)| Sample {
            time: minute(AT_MIN - ago),
            since: None,
            value: *value,
            quality: Quality::PASS,
        };
        StationSeries {
            property: datastream.property.clone(),
            datastream,
            levels: None,
            samples: samples.iter().map(sample).collect(),
        }
    }

    fn with_levels(
        mut series: StationSeries,
        [blue, yellow, orange, red]: [f64; 4],
    ) -> StationSeries {
        series.levels = Some(Thresholds {
            blue: Some(blue),
            yellow: Some(yellow),
            orange: Some(orange),
            red: Some(red),
        });
        series
    }

    fn evaluate(stations: Vec<StationSeries>) -> HazardScore {
        let township = TownshipCode::parse("330225101").unwrap();
        let score = hazard(&TownshipInputs { township, stations }, &model(), minute(AT_MIN));
        assert!(score.explanation.largest_gap() < 1e-9);
        score
    }

    #[track_caller]
    fn check(stations: Vec<StationSeries>, score: Option<f64>, level: Option<Level>) {
        let found = evaluate(stations);
        assert_eq!(found.level, level);
        match (found.score, score) {
            (Some(found), Some(score)) => assert!((found - score).abs() < 5e-3, "{found}"),
            (found, score) => assert_eq!(found, score),
        }
    }

    #[test]
    fn nothing_known_has_no_score() {
        check(vec![], None, None);
        check(vec![series("w-1/wind_speed", &[])], None, None);
    }

    #[test]
    fn wind_is_the_highest_of_the_trailing_hour_over_all_stations() {
        let stations = vec![
            series("w-1/wind_speed", &[(60, 40.0), (50, 14.0), (0, 3.0)]),
            series("w-2/wind_speed", &[(10, 12.0), (5, 10.8)]),
        ];
        check(stations, Some(50.0), Some(Level::Blue));
    }

    #[test]
    fn a_wind_station_silent_for_an_hour_is_unknown() {
        let found = evaluate(vec![series("w-1/wind_speed", &[(61, 40.0)])]);
        assert_eq!(found.score, None);
        let quantity = found.explanation.part("wind").unwrap().part("wind_speed").unwrap();
        assert_eq!(quantity.parts[0].state, NodeState::Unknown);
    }

    #[test]
    fn rain_sums_roll_by_event_time() {
        // 25 mm in the hour scores 50; 25 mm in 3 h 30, in 24 h 15.
        let rain: Vec<(i64, f64)> = (0..5).rev().map(|i| (10 * i, 5.0)).collect();
        check(vec![series("r-1/rainfall_depth", &rain)], Some(50.0), Some(Level::Blue));
    }

    #[test]
    fn two_groups_compound() {
        let level = with_levels(series("l-1/water_level", &[(20, 2.5)]), [2.0, 2.5, 3.0, 4.0]);
        let wind = series("w-1/wind_speed", &[(5, 24.5)]);
        // M = 75, S = 60: 75 + 25·0.25·0.6.
        check(vec![level, wind], Some(78.75), Some(Level::Orange));
    }

    #[test]
    fn an_old_level_is_held_and_says_so() {
        let level = with_levels(series("l-1/water_level", &[(46, 2.5)]), [2.0, 2.5, 3.0, 4.0]);
        let found = evaluate(vec![level]);
        let station = &found.explanation.part("rain_flood").unwrap().part("water_level").unwrap();
        assert_eq!(station.parts[0].state, NodeState::Held);
        assert_eq!((found.score, found.explanation.state), (Some(60.0), NodeState::Held));
        let raw = station.parts[0].raw.as_ref().unwrap();
        assert_eq!((raw.age_s, raw.quality), (46.0 * 60.0, Flag::Pass));
    }

    #[test]
    fn a_gauge_without_levels_is_not_coloured() {
        check(vec![series("l-1/water_level", &[(1, 99.0)])], None, None);
    }

    #[test]
    fn a_suspect_value_counts_when_the_next_agrees() {
        let suspect = |series: &mut StationSeries, index: usize| {
            series.samples[index].quality = Quality::PASS.marked(QualityTest::Spike, Flag::Suspect);
        };
        let mut spike = series("w-1/wind_speed", &[(20, 5.5), (10, 33.0), (0, 5.5)]);
        suspect(&mut spike, 1);
        check(vec![spike], Some(0.0), Some(Level::None));
        let mut gust_front = series("w-1/wind_speed", &[(20, 5.5), (10, 33.0), (0, 35.97)]);
        suspect(&mut gust_front, 1);
        check(vec![gust_front], Some(91.79), Some(Level::Red));
    }

    #[test]
    fn what_failed_or_is_not_in_service_never_enters() {
        let mut wind = series("w-1/wind_speed", &[(20, 50.0), (10, 50.0), (0, 5.5)]);
        wind.samples[0].quality = Quality::new(Flag::Fail);
        wind.samples[1].quality = Quality::PASS.marked(QualityTest::NotInService, Flag::Pass);
        check(vec![wind], Some(0.0), Some(Level::None));
    }

    #[test]
    fn later_samples_are_not_yet_known() {
        check(
            vec![series("w-1/wind_speed", &[(0, 5.5), (-1, 60.0)])],
            Some(0.0),
            Some(Level::None),
        );
        assert_eq!(
            model().groups[0].quantities[0].period_ms(),
            Duration::from_secs(600).as_millis() as i64
        );
    }
}

//! What must hold for any inputs (docs/indices.md sections 3 to 5), 10,000
//! seeded cases each.

use std::time::Duration;

use analytics::alerts::{
    AlarmLimits, AlarmRules, AlarmState, EscalationRules, Event, Margin, Reading,
};
use analytics::flood_typhoon::sources::{GroupInput, StationInput};
use analytics::flood_typhoon::{self, FloodInputs, FloodModel, FloodState};
use analytics::knots::Knots;
use analytics::seeded::{Seeded, flood_inputs, safety_inputs};
use analytics::township_safety::{
    self, DimensionInput, Face, IndicatorInput, SafetyInputs, SafetyModel, SafetyState,
};
use model::{Level, Persistence, Thresholds, Time, TownshipCode};
use proptest::prelude::*;

const TOLERANCE: f64 = 1e-9;

thread_local! {
    static SAFETY: SafetyModel =
        SafetyModel::from_toml(include_str!("../../../config/models/township-safety.toml")).unwrap();
    static FLOOD: FloodModel =
        FloodModel::from_toml(include_str!("../../../config/models/flood-typhoon.toml")).unwrap();
}

fn minute(n: i64) -> Time {
    Time::from_millis_clamped(1_800_000_000_000 + n * 60_000)
}

fn township() -> TownshipCode {
    TownshipCode::parse("330225101").unwrap()
}

fn flood(seeded: &mut Seeded) -> FloodInputs {
    FLOOD.with(|model| flood_inputs(seeded, township(), model, minute(0)))
}

fn safety(seeded: &mut Seeded) -> SafetyInputs {
    SAFETY.with(|model| safety_inputs(seeded, township(), model, minute(0)))
}

fn flood_step(
    state: &FloodState,
    inputs: &FloodInputs,
    at: Time,
) -> (FloodState, flood_typhoon::FloodEvaluation) {
    FLOOD.with(|model| flood_typhoon::step(state, inputs, model, at))
}

fn safety_step(
    state: SafetyState,
    inputs: &SafetyInputs,
    at: Time,
) -> (SafetyState, township_safety::SafetyScore) {
    SAFETY.with(|model| township_safety::step(state, inputs, model, at))
}

fn each_station(groups: &mut [GroupInput], mut change: impl FnMut(&mut StationInput)) {
    for quantity in groups.iter_mut().flat_map(|group| &mut group.quantities) {
        quantity.own.iter_mut().chain(&mut quantity.neighbours).for_each(&mut change);
    }
}

/// The inputs later on: some stations silent from now on, those that were
/// fresh and are not silent with the same values of now.
fn later(inputs: &FloodInputs, at: Time, seeded: &mut Seeded) -> FloodInputs {
    let mut inputs = inputs.clone();
    let silent_share = seeded.share();
    each_station(&mut inputs.groups, |station| {
        let is_silent = seeded.chance(silent_share);
        if let Some(reading) = &mut station.reading
            && !is_silent
            && minute(0).millis_since(reading.newest) <= 10 * 60_000
        {
            reading.newest = at;
        }
    });
    inputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn silence_never_lowers_danger(seed: u64) {
        let mut seeded = Seeded::new(seed);
        let inputs = flood(&mut seeded);
        let (mut state, first) = flood_step(&FloodState::default(), &inputs, minute(0));
        let mut at = 0;
        for _ in 0..3 {
            at += 1 + i64::try_from(seeded.below(200)).unwrap();
            let silent = later(&inputs, minute(at), &mut seeded);
            let (next, now) = flood_step(&state, &silent, minute(at));
            state = next;
            prop_assert!(now.score.score.unwrap_or(0.0) >= first.score.score.unwrap_or(0.0) - TOLERANCE);
            prop_assert!(now.score.hazard_level >= first.score.hazard_level);
            prop_assert!(now.score.level_now >= first.score.level_now);
            prop_assert!(now.score.level >= first.score.level);
            prop_assert!(now.score.exposure >= first.score.exposure - TOLERANCE);
        }
    }

    #[test]
    fn silence_never_raises_safety(seed: u64, later_min in 1_i64..500_000) {
        let mut seeded = Seeded::new(seed);
        let mut inputs = safety(&mut seeded);
        inputs.face = Face::Live;
        let (state, first) = safety_step(SafetyState::default(), &inputs, minute(0));
        let (_, now) = safety_step(state, &inputs, minute(later_min));
        prop_assert_eq!(now.score, first.score);
        prop_assert!(now.coverage <= first.coverage + TOLERANCE);
        if let (Some(now), Some(first)) = (now.level, first.level) {
            prop_assert!(now >= first, "a level got better by silence");
        }
    }

    #[test]
    fn withholding_a_report_never_raises_safety(seed: u64) {
        let mut seeded = Seeded::new(seed);
        let mut inputs = safety(&mut seeded);
        inputs.face = Face::Month;
        let (_, reported) = safety_step(SafetyState::default(), &inputs, minute(0));
        for dimension in &mut inputs.dimensions {
            let DimensionInput::Indicators(indicators) = dimension else { continue };
            for indicator in indicators {
                if matches!(indicator, IndicatorInput::Value(_)) && seeded.chance(0.4) {
                    *indicator = IndicatorInput::Unknown;
                }
            }
        }
        let (_, withheld) = safety_step(SafetyState::default(), &inputs, minute(0));
        prop_assert!(withheld.score.unwrap_or(0.0) <= reported.score.unwrap_or(0.0) + TOLERANCE);
        prop_assert!(!withheld.grey && !withheld.provisional);
    }

    #[test]
    fn more_hazard_never_lowers_danger(seed: u64) {
        let mut seeded = Seeded::new(seed);
        let inputs = flood(&mut seeded);
        let (state, _) = flood_step(&FloodState::default(), &inputs, minute(0));
        let before = later(&inputs, minute(5), &mut seeded);
        let mut raised = before.clone();
        each_station(&mut raised.groups, |station| {
            if let Some(reading) = &mut station.reading
                && seeded.chance(0.3)
            {
                reading.value += seeded.within(0.0, 60.0);
            }
        });
        for group in &mut raised.groups {
            if seeded.chance(0.2) {
                group.official = seeded.pick(&[Level::Blue, Level::Orange, Level::Red]).max(group.official);
            }
            if let Some(outlook) = &mut group.outlook && seeded.chance(0.3) {
                outlook.level = seeded.pick(&[Level::Yellow, Level::Red]).max(outlook.level);
            }
            for quantity in &mut group.quantities {
                if let Some(wind) = &mut quantity.wind_model {
                    wind.wind_mps += seeded.within(0.0, 10.0);
                }
            }
        }
        if seeded.chance(0.3) {
            raised.response = raised.response.max(seeded.pick(&[Level::Blue, Level::Red]));
        }
        let (_, before) = flood_step(&state, &before, minute(5));
        let (_, after) = flood_step(&state, &raised, minute(5));
        prop_assert!(after.score.score.unwrap_or(0.0) >= before.score.score.unwrap_or(0.0) - TOLERANCE);
        prop_assert!(after.score.exposure >= before.score.exposure - TOLERANCE);
        prop_assert!(after.score.hazard_level >= before.score.hazard_level);
        prop_assert!(after.score.level_now >= before.score.level_now);
        prop_assert!(after.score.level >= before.score.level);
        prop_assert!(after.score.displayed_level >= before.score.displayed_level);
    }

    #[test]
    fn scores_stay_in_bounds_and_contributions_add_up(seed: u64) {
        let mut seeded = Seeded::new(seed);
        let (flood_inputs, safety_inputs) = (flood(&mut seeded), safety(&mut seeded));
        let (state, _) = flood_step(&FloodState::default(), &flood_inputs, minute(0));
        let (_, flood) = flood_step(&state, &flood_inputs, minute(45));
        let (_, safety) = safety_step(SafetyState::default(), &safety_inputs, minute(0));
        let flood = flood.score;
        for score in [flood.score, flood.hazard, Some(flood.exposure), Some(flood.capability_gap), safety.raw, safety.score] {
            prop_assert!(score.is_none_or(|score| (0.0..=100.0).contains(&score)), "{score:?}");
        }
        for share in [flood.coverage, flood.confidence, safety.coverage, safety.confidence] {
            prop_assert!((-TOLERANCE..=1.0 + TOLERANCE).contains(&share), "{share}");
        }
        prop_assert!(flood.explanation.largest_gap() < TOLERANCE);
        prop_assert!(safety.explanation.largest_gap() < TOLERANCE);
        prop_assert!(flood.level >= flood.hazard_level.min(Level::Orange).min(flood.level_now));
        prop_assert!(flood.displayed_level >= flood.official_level);
    }

    /// Ages alone: what others say of a silent station is left out, since a
    /// louder neighbour may raise the demand and with it the people reported.
    #[test]
    fn confidence_falls_with_age(seed: u64, ages in prop::collection::vec(1_i64..3_000, 3)) {
        let mut seeded = Seeded::new(seed);
        let (mut flood_inputs, mut safety_inputs) = (flood(&mut seeded), safety(&mut seeded));
        safety_inputs.face = Face::Live;
        for quantity in flood_inputs.groups.iter_mut().flat_map(|group| &mut group.quantities) {
            quantity.neighbours.clear();
            quantity.wind_model = None;
        }
        let (mut flood_state, mut safety_state) = (FloodState::default(), SafetyState::default());
        let (mut at, mut before) = (0, [f64::INFINITY; 2]);
        for age in ages {
            at += age;
            let (next, flood) = flood_step(&flood_state, &flood_inputs, minute(at));
            flood_state = next;
            let (next, safety) = safety_step(safety_state, &safety_inputs, minute(at));
            safety_state = next;
            let now = [flood.score.confidence, safety.confidence];
            for (now, before) in now.iter().zip(before) {
                prop_assert!(*now <= before + TOLERANCE, "{now} {before}");
            }
            before = now;
        }
    }

    #[test]
    fn a_split_sequence_is_the_whole_sequence(seed: u64, split in 1_usize..5) {
        let mut seeded = Seeded::new(seed);
        let inputs = flood(&mut seeded);
        let sequence: Vec<(i64, FloodInputs)> = (0..6_i64)
            .map(|index| (index * 13, later(&inputs, minute(index * 13), &mut seeded)))
            .collect();
        let run = |state: &FloodState, part: &[(i64, FloodInputs)]| {
            let mut state = state.clone();
            let mut last = None;
            for (at, inputs) in part {
                let (next, evaluation) = flood_step(&state, inputs, minute(*at));
                state = next;
                last = Some(evaluation);
            }
            (state, last)
        };
        let (middle, _) = run(&FloodState::default(), &sequence[..split]);
        let parts = run(&middle, &sequence[split..]);
        let whole = run(&FloodState::default(), &sequence);
        prop_assert_eq!(format!("{parts:?}"), format!("{whole:?}"));
    }

    #[test]
    fn a_hazard_score_never_falls_with_its_value(
        knots in prop::collection::btree_set(-1_000_000_i32..1_000_000, 6),
        values in prop::collection::vec(-1_500_000.0_f64..1_500_000.0, 2),
    ) {
        let knots: Vec<f64> = knots.into_iter().map(f64::from).collect();
        let knots = Knots::new(knots.try_into().unwrap()).unwrap();
        let (low, high) = (values[0].min(values[1]), values[0].max(values[1]));
        prop_assert!(knots.score(low) <= knots.score(high));
        prop_assert!((0.0..=100.0).contains(&knots.score(low)));
    }

    #[test]
    fn missing_data_never_closes_an_alarm(seed: u64) {
        let mut seeded = Seeded::new(seed);
        let rules = alarm_rules(seeded.pick(&[Persistence::P0, Persistence::P1, Persistence::P2]));
        let mut state = AlarmState::default();
        let mut at = 0;
        for _ in 0..20 {
            at += 1 + i64::try_from(seeded.below(6)).unwrap();
            let value = seeded.within(0.0, 45.0);
            let reading = Reading {
                time: minute(at),
                received: minute(at),
                value,
                is_suspect: seeded.chance(0.1),
                device_flag: None,
            };
            state = analytics::alerts::step(state, &Event::Reading(reading), minute(at), &rules).0;
            state = analytics::alerts::step(state, &Event::Minute, minute(at), &rules).0;
        }
        let (mut was_open, mut level) = (state.is_open(), state.level);
        for _ in 0..200 {
            at += 1;
            state = analytics::alerts::step(state, &Event::Minute, minute(at), &rules).0;
            if !state.data_missing {
                (was_open, level) = (state.is_open(), state.level);
            }
        }
        prop_assert!(!was_open || (state.is_open() && state.level == level));
    }
}

fn alarm_rules(persistence: Persistence) -> AlarmRules {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let high =
        Thresholds { blue: Some(10.0), yellow: Some(20.0), orange: Some(30.0), red: Some(40.0) };
    AlarmRules {
        limits: AlarmLimits {
            high: Some(high),
            low: None,
            absolute: false,
            margin: Margin::Share { share: 0.05, noise: 0.0 },
        },
        persistence,
        period: Some(minutes(5)),
        life_safety: None,
        is_equipment: false,
        better_for: minutes(30),
        level_lasts: minutes(15),
        only_operator_closes: false,
        device_flag_confirms: Duration::from_secs(10),
        escalation: EscalationRules {
            yellow: minutes(30),
            orange: minutes(15),
            red: minutes(5),
            notify_every: minutes(30),
        },
    }
}

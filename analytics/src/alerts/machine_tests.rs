//! The alarm's transitions, by sequences of events.

use std::time::Duration;

use model::{Level, Persistence, Thresholds, Time};

use super::limits::{AlarmLimits, Margin};
use super::machine::step;
use super::notify::EscalationRules;
use super::state::{AlarmRules, AlarmState, Event, Reading, Transition};

const MINUTE: Duration = Duration::from_secs(60);

/// Limits 10, 20, 30, 40; T 5 min.
fn rules(persistence: Persistence) -> AlarmRules {
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
        period: Some(MINUTE * 5),
        life_safety: Some(Level::Red),
        is_equipment: false,
        better_for: MINUTE * 30,
        level_lasts: MINUTE * 15,
        only_operator_closes: false,
        device_flag_confirms: Duration::from_secs(10),
        escalation: EscalationRules {
            yellow: MINUTE * 30,
            orange: MINUTE * 15,
            red: MINUTE * 5,
            notify_every: MINUTE * 30,
        },
    }
}

fn minute(n: i64) -> Time {
    Time::from_millis_clamped(n * 60_000)
}

fn reading(time: i64, received: i64, value: f64) -> Event {
    Event::Reading(Reading {
        time: minute(time),
        received: minute(received),
        value,
        is_suspect: false,
        device_flag: None,
    })
}

fn seen(at: i64, value: f64) -> (i64, Event) {
    (at, reading(at, at, value))
}

fn run(rules: &AlarmRules, events: &[(i64, Event)]) -> (AlarmState, Vec<Transition>) {
    let mut state = AlarmState::default();
    let mut told = Vec::new();
    for (at, event) in events {
        let (next, new) = step(state, event, minute(*at), rules);
        state = next;
        told.extend(new);
    }
    (state, told)
}

#[track_caller]
fn check(rules: &AlarmRules, events: &[(i64, Event)], expected: &[Transition]) -> AlarmState {
    let (state, told) = run(rules, events);
    assert_eq!(told, expected);
    state
}

use Transition as T;

#[test]
fn p0_fires_at_once() {
    let raised = T::Raised { level: Level::Yellow, confirmed: true, late: false };
    check(&rules(Persistence::P0), &[seen(0, 25.0)], &[raised]);
}

#[test]
fn p1_fires_at_the_second_whole_minute() {
    let pending = T::Pending { level: Level::Yellow };
    let raised = T::Raised { level: Level::Yellow, confirmed: true, late: false };
    let p1 = rules(Persistence::P1);
    let tick = |at| (at, Event::Minute);
    check(&p1, &[seen(0, 25.0), tick(1)], &[pending]);
    check(&p1, &[seen(0, 25.0), tick(1), tick(2)], &[pending, raised]);
    check(&p1, &[seen(0, 25.0), tick(1), seen(1, 5.0), tick(2)], &[pending, T::Forgotten]);
}

#[test]
fn p2_is_confirmed_by_two_of_three_samples() {
    let raised = T::Raised { level: Level::Orange, confirmed: false, late: false };
    let p2 = rules(Persistence::P2);
    let confirmed = T::Confirmed { level: Level::Orange };
    check(&p2, &[seen(0, 35.0)], &[raised]);
    let state = check(
        &p2,
        &[seen(0, 35.0), seen(1, 12.0), seen(2, 31.0)],
        &[raised, T::Confirmed { level: Level::Blue }, confirmed],
    );
    assert_eq!(state.confirmed_level, Level::Orange);
    let mut flagged = Reading {
        time: minute(0),
        received: minute(0),
        value: 35.0,
        is_suspect: false,
        device_flag: Some(MINUTE),
    };
    check(&p2, &[(0, Event::Reading(flagged))], &[raised, confirmed]);
    flagged.device_flag = Some(Duration::from_secs(9));
    check(&p2, &[(0, Event::Reading(flagged))], &[raised]);
}

/// Every five minutes the same value, with a whole minute after each.
fn lasting(from: i64, to: i64, value: f64) -> Vec<(i64, Event)> {
    (from..=to).step_by(5).flat_map(|at| [seen(at, value), (at, Event::Minute)]).collect()
}

#[test]
fn levels_end_one_by_one_after_half_an_hour() {
    let mut p0 = rules(Persistence::P0);
    p0.escalation.notify_every = MINUTE * 10_000;
    let raised = T::Raised { level: Level::Orange, confirmed: true, late: false };
    let events =
        [vec![seen(0, 35.0), (0, Event::Acknowledge)], lasting(5, 35, 15.0), lasting(40, 70, 5.0)]
            .concat();
    check(
        &p0,
        &events,
        &[
            raised,
            T::Acknowledged,
            T::Improved { from: Level::Orange, to: Level::Blue },
            T::Resolving,
            T::Resolved,
        ],
    );
}

#[test]
fn silence_never_closes() {
    let mut p0 = rules(Persistence::P0);
    p0.escalation.notify_every = MINUTE * 10_000;
    let raised = T::Raised { level: Level::Blue, confirmed: true, late: false };
    let minutes = (2..500).map(|at| (at, Event::Minute));
    let events: Vec<_> = [seen(0, 15.0), seen(1, 5.0)].into_iter().chain(minutes).collect();
    let state = check(&p0, &events, &[raised, T::Resolving, T::DataMissing]);
    assert!(state.is_open() && state.data_missing);
}

#[test]
fn a_worse_level_wants_a_new_acknowledgement_and_escalates() {
    let p0 = rules(Persistence::P0);
    let ticks = (1..=6).map(|at| (at, Event::Minute));
    let events: Vec<_> =
        [seen(0, 25.0), (0, Event::Acknowledge), seen(1, 45.0)].into_iter().chain(ticks).collect();
    check(
        &p0,
        &events,
        &[
            T::Raised { level: Level::Yellow, confirmed: true, late: false },
            T::Acknowledged,
            T::Worsened { from: Level::Yellow, to: Level::Red },
            T::Escalated,
        ],
    );
}

#[test]
fn late_readings() {
    let p0 = rules(Persistence::P0);
    let late = |level| T::Raised { level, confirmed: true, late: true };
    // About lives: up to a day, past or not; others only if newest and at most 1 h old.
    check(&p0, &[(600, reading(0, 600, 45.0))], &[late(Level::Red)]);
    check(&p0, &[(50, reading(0, 50, 35.0))], &[late(Level::Orange)]);
    check(&p0, &[(61, reading(0, 61, 35.0))], &[]);
    check(&p0, &[(1441, reading(0, 1441, 45.0))], &[]);
    let state = check(
        &p0,
        &[seen(15, 1.0), (20, reading(0, 20, 45.0))],
        &[T::RaisedPast { level: Level::Red }],
    );
    assert!(state.needs_person);
    check(&p0, &[seen(15, 1.0), (20, reading(0, 20, 35.0))], &[]);
}

#[test]
fn a_suspect_reading_waits_for_the_next() {
    let p0 = rules(Persistence::P0);
    let suspect = |at, value| {
        let Event::Reading(reading) = reading(at, at, value) else { unreachable!() };
        (at, Event::Reading(Reading { is_suspect: true, ..reading }))
    };
    check(&p0, &[suspect(0, 45.0), seen(1, 5.0)], &[]);
    let (state, told) = run(&p0, &[suspect(0, 45.0), seen(1, 46.0)]);
    assert_eq!(told.len(), 1);
    assert_eq!(state.level, Level::Red);
}

#[test]
fn sos_closes_only_by_an_operator() {
    let mut sos = rules(Persistence::P0);
    sos.only_operator_closes = true;
    let events = [vec![seen(0, 45.0)], lasting(5, 200, 0.0)].concat();
    let (state, _) = run(&sos, &events);
    assert!(state.is_open());
    let (state, told) = run(&sos, &[events, vec![(201, Event::Close)]].concat());
    assert!(!state.is_open());
    assert_eq!(told.last(), Some(&T::ClosedByOperator));
}

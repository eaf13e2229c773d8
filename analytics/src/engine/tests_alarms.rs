//! Limit alarms with what surrounds them.

use std::sync::Arc;

use model::{ActingAs, AlertAct, Level, Thing, ThingKind, ThingState};

use super::Engine;
use super::test_world::{act, engine, fault, minute, second, silence, thing, words};
use crate::alerts::Class;
use crate::record::{AlertPhase, AlertRecord};

const NONE: [&str; 0] = [];

fn open_level(engine: &Engine, datastream: &str) -> Level {
    let mut open = engine.open_alerts().filter(|record| record.datastream == datastream);
    open.next().map_or(Level::None, |record| record.level)
}

fn vessel() -> Engine {
    let streams = "sos_alarm:sos silent_duration position_longitude position_latitude";
    let wind = thing("hm-1", ThingKind::HydrometStation, "wind_speed");
    engine(&[thing("fv-1", ThingKind::FishingVessel, streams), wind])
}

#[test]
fn an_sos_twenty_minutes_late_raises_at_once_and_says_so() {
    let mut engine = vessel();
    let told = engine.say_late("fv-1/sos_alarm:sos", minute(0), minute(20), 1.0);
    assert_eq!(words(&told), ["raised"]);
    let AlertRecord { id, class, level, confirmed_level, is_late, .. } = told[0].clone();
    assert_eq!(
        (class, level, confirmed_level, is_late),
        (Class::Life, Level::Red, Level::Red, true)
    );
    assert!(id.len() == 18 && id.starts_with("a-"), "{id}");
    assert_eq!(told[0].phenomenon_time, Some(minute(0)));
    assert_eq!(told[0].received, Some(minute(20)));
    assert_eq!(words(&engine.say_late("fv-1/sos_alarm:sos", minute(0), minute(21), 1.0)), NONE);
    let again = vessel().say_late("fv-1/sos_alarm:sos", minute(0), minute(20), 1.0);
    assert_eq!(again, told, "the same events, the same record");
}

#[test]
fn an_sos_escalates_once_and_only_an_operator_closes_it() {
    let mut engine = vessel();
    let id = engine.say("fv-1/sos_alarm:sos", second(30), 1.0).remove(0).id;
    let told = engine.minutes(1..=30);
    assert_eq!(words(&told), ["escalated"]);
    assert_eq!(told[0].updated, minute(6), "five minutes after it was raised");
    engine.say("fv-1/sos_alarm:sos", minute(31), 0.0);
    assert_eq!(words(&engine.minutes(31..=200)).first(), Some(&"notified_again"));
    assert_eq!(open_level(&engine, "fv-1/sos_alarm:sos"), Level::Red);
    let close = act(&id, AlertAct::Close, ActingAs::Desk, minute(200));
    let told = engine.document(close, minute(200));
    assert_eq!(words(&told), ["closed_by_operator"]);
    assert_eq!((told[0].phase, told[0].closed), (AlertPhase::Resolved, Some(minute(200))));
    assert_eq!(engine.world.alerts[&id].closed, Some(minute(200)));
}

#[test]
fn a_persistent_limit_is_pending_and_fires_at_the_second_minute() {
    let mut engine = vessel();
    assert_eq!(words(&engine.say("hm-1/wind_speed", second(10), 33.0)), ["pending"]);
    assert_eq!(words(&engine.minutes(1..=1)), NONE);
    assert!(engine.world.alerts.is_empty(), "what is pending is nothing to an index");
    let told = engine.minutes(2..=2);
    assert_eq!(words(&told), ["raised"]);
    assert_eq!((told[0].opened, told[0].sequence), (second(10), 2));
    assert_eq!((told[0].value, told[0].limit), (Some(33.0), Some(32.7)));
    assert_eq!(engine.world.alerts[&told[0].id].told, Some(minute(2)));
}

#[test]
fn the_unit_acknowledges_after_the_desk() {
    let mut engine = vessel();
    let id = engine.say("fv-1/sos_alarm:sos", second(0), 1.0).remove(0).id;
    let mut say = |acting_as, n| {
        let document = act(&id, AlertAct::Acknowledge, acting_as, second(n));
        engine.document(document, second(n))
    };
    assert_eq!(words(&say(ActingAs::Desk, 1)), ["acknowledged"]);
    assert_eq!(words(&say(ActingAs::Desk, 2)), NONE);
    let told = say(ActingAs::Unit, 3);
    assert_eq!(words(&told), ["acknowledged"]);
    assert_eq!(told[0].acknowledged_at, Some(second(1)));
    assert_eq!(told[0].acknowledged_by_unit, Some(second(3)));
    assert_eq!(words(&say(ActingAs::Unit, 4)), NONE);
    assert_eq!(engine.world.alerts[&id].acknowledged_by_unit, Some(second(3)));
}

/// The level of an alarm after two minutes, given what other datastreams said.
#[track_caller]
fn check_special(kind: ThingKind, said: &[(&str, f64)], expected: Level) {
    let streams: Vec<&str> = said.iter().map(|(stream, _)| *stream).collect();
    let mut engine = engine(&[thing("x-1", kind, &streams.join(" "))]);
    for (stream, value) in said {
        engine.say(&format!("x-1/{stream}"), second(1), *value);
    }
    engine.minutes(1..=2);
    let (watched, _) = said.last().unwrap();
    assert_eq!(open_level(&engine, &format!("x-1/{watched}")), expected);
}

#[test]
fn limits_that_hold_under_a_condition() {
    let crane = |stopped, vaned, expected| {
        let said = [
            ("site_work_stopped", stopped),
            ("crane_weathervaned", vaned),
            ("crane_wind_speed", 21.0),
        ];
        check_special(ThingKind::ConstructionSite, &said, expected);
    };
    crane(0.0, 0.0, Level::Red);
    crane(1.0, 0.0, Level::Red);
    crane(1.0, 1.0, Level::Yellow);
    let backup = |mains, expected| {
        let said = [("mains_power", mains), ("backup_power_runtime", 1.0)];
        check_special(ThingKind::Shelter, &said, expected);
    };
    backup(0.0, Level::Red);
    backup(1.0, Level::None);
}

#[test]
fn a_limit_begins_to_hold_when_its_condition_does() {
    let streams = "mains_power backup_power_runtime";
    let mut engine = engine(&[thing("sh-1", ThingKind::Shelter, streams)]);
    engine.say("sh-1/mains_power", second(1), 1.0);
    engine.say("sh-1/backup_power_runtime", second(1), 1.0);
    engine.minutes(1..=3);
    assert_eq!(open_level(&engine, "sh-1/backup_power_runtime"), Level::None);
    engine.say("sh-1/mains_power", second(190), 0.0);
    engine.minutes(4..=5);
    assert_eq!(open_level(&engine, "sh-1/backup_power_runtime"), Level::Red);
}

#[test]
fn silence_at_sea_is_one_colour_lower_in_calm_weather() {
    for (wind, expected) in [(5.0, Level::Orange), (13.9, Level::Red)] {
        let mut engine = vessel();
        engine.say("fv-1/position_longitude", minute(0), 122.6);
        engine.say("fv-1/position_latitude", minute(0), 29.2);
        engine.say("hm-1/wind_speed", minute(125), wind);
        engine.minutes(125..=125);
        assert_eq!(open_level(&engine, "fv-1/silent_duration"), expected, "wind {wind}");
    }
}

fn gas(state: ThingState) -> Thing {
    let streams = "combustible_gas_concentration tank_level";
    Thing { state, ..thing("en-1", ThingKind::Enterprise, streams) }
}

#[test]
fn in_maintenance_only_lives_count_and_are_void() {
    let mut engine = engine(&[gas(ThingState::Maintenance)]);
    assert_eq!(words(&engine.say("en-1/tank_level", minute(0), 95.0)), NONE);
    assert_eq!(words(&engine.say("en-1/combustible_gas_concentration", minute(0), 30.0)), NONE);
    let told = engine.say("en-1/combustible_gas_concentration", minute(1), 60.0);
    assert_eq!(words(&told), ["raised"]);
    assert!(told[0].in_maintenance && engine.world.alerts[&told[0].id].is_void);
    // Back in service it goes on, marked as it was raised.
    engine.set_things([Arc::new(gas(ThingState::InService))].into_iter(), minute(2));
    engine.minutes(2..=3);
    assert!(engine.open_alerts().all(|record| record.in_maintenance));
}

#[test]
fn an_alert_stands_still_while_its_thing_is_in_maintenance() {
    let mut engine = engine(&[gas(ThingState::InService)]);
    engine.say("en-1/tank_level", minute(0), 95.0);
    engine.say("en-1/tank_level", minute(1), 95.0);
    assert_eq!(open_level(&engine, "en-1/tank_level"), Level::Red);
    engine.set_things([Arc::new(gas(ThingState::Maintenance))].into_iter(), minute(2));
    for n in 2..80 {
        engine.say("en-1/tank_level", minute(n), 0.0);
        engine.minute(n);
    }
    assert_eq!(open_level(&engine, "en-1/tank_level"), Level::Red);
    assert!(engine.world.alerts.values().all(|view| view.is_void));
    engine.set_things([Arc::new(gas(ThingState::Retired))].into_iter(), minute(80));
    assert_eq!(words(&engine.minute(80).alerts), ["withdrawn"]);
    assert_eq!(engine.open_alerts().count(), 0);
}

#[test]
fn a_fault_marks_its_alarms_false() {
    let mut engine = engine(&[gas(ThingState::InService)]);
    let id = engine.say("en-1/tank_level", minute(0), 95.0).remove(0).id;
    let told = engine.document(fault("en-1/tank_level", minute(1), minute(60)), minute(1));
    assert_eq!(words(&told), ["marked_false"]);
    assert!(told[0].is_false && engine.world.alerts[&id].is_void);
    engine.say("en-1/tank_level", minute(2), 99.0);
    assert_eq!(words(&engine.minutes(2..=50)), NONE, "it neither escalates nor ends");
}

#[test]
fn a_silence_marks_what_it_means_but_no_lives() {
    let mut engine = engine(&[gas(ThingState::InService)]);
    engine.document(silence("en-1", minute(0), minute(10)), minute(0));
    let told = engine.say("en-1/tank_level", minute(1), 82.0);
    assert!(told[0].silenced);
    assert_eq!(engine.world.alerts[&told[0].id].told, None, "nobody was told");
    let told = engine.say("en-1/combustible_gas_concentration", minute(1), 60.0);
    assert_eq!((told[0].class, told[0].silenced), (Class::Life, false));
    engine.say("en-1/tank_level", minute(9), 82.0);
    let told = engine.minutes(10..=10);
    let told: Vec<&AlertRecord> =
        told.iter().filter(|record| record.property == "tank_level").collect();
    assert_eq!(told.last().unwrap().transition, "silence_ended");
}

#[test]
fn two_alerts_of_one_instant_count_on() {
    let mut engine = vessel();
    let first = engine.say("hm-1/wind_speed", minute(1), 20.0).remove(0);
    let forgotten = engine.say_late("hm-1/wind_speed", second(61), minute(1), 1.0).remove(0);
    let second = engine.say_late("hm-1/wind_speed", second(62), minute(1), 20.0).remove(0);
    assert_eq!(forgotten.phase, AlertPhase::Forgotten);
    assert_eq!(first.id, second.id);
    assert_eq!([first.sequence, forgotten.sequence, second.sequence], [1, 2, 3]);
}

#[test]
fn things_without_a_township_alarm_too() {
    let gateway = Thing { township: None, ..thing("gw-1", ThingKind::Gateway, "battery_voltage") };
    let mut gateway = gateway;
    let levels = model::Thresholds { blue: None, yellow: Some(3.5), orange: None, red: Some(3.0) };
    gateway.datastreams[0].levels = Some(levels);
    let mut engine = engine(&[gateway]);
    engine.say("gw-1/battery_voltage", minute(0), 2.9);
    let told = engine.minutes(1..=2);
    let [record] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((record.class, record.township), (Class::Equipment, None));
}

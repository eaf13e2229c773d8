//! What the indices count of alarms: the relief of Index B, the order of
//! attention, the alarm burdens and the caps of Index A (docs/indices.md 3.1,
//! 3.3, 4.6).

use std::time::Duration;

use model::{Burden, Level, PropertyId, Thing, ThingKind, Time};

use super::online::{SECTORS, is_scheduled, mandatory};
use super::reports::{MONTH, Place, is_online, streams_of};
use crate::alerts::Class;
use crate::freshness::millis;
use crate::township_safety::caps::{Accident, CapFacts, RedAlarm};
use crate::township_safety::indicators::{CountedAlarm, major_hazard_grade};
use crate::world::{AlertView, TownshipFacts, World};

const DEATHS: PropertyId = PropertyId::from_static("accident_deaths");
const MAJOR_OVERDUE: PropertyId = PropertyId::from_static("major_hazards_overdue");
const MAJOR_HAZARD_INDEX: PropertyId = PropertyId::from_static("major_hazard_index");

/// Is a confirmed red alarm of a property marked B, b or L open on a shelter,
/// site, vessel or enterprise of the township? Then its level is not relieved.
pub fn red_alarm_open(world: &World, township: &TownshipFacts) -> bool {
    let is_marked = |alert: &AlertView| {
        let property = world.catalogue.find(&alert.datastream.property);
        property.is_some_and(|property| {
            property.spec.burden.is_some() || property.spec.life_safety.is_some()
        })
    };
    let red = alerts_of(world, township, is_red_now);
    red.into_iter().any(|(thing, alert)| {
        SECTORS.contains(&thing.kind) && (alert.class == Class::Life || is_marked(alert))
    })
}

fn is_red_now(alert: &AlertView) -> bool {
    alert.closed.is_none() && alert.confirmed_level == Level::Red
}

/// Life-safety alarms open in the township, for the order of attention. One
/// that is not yet confirmed counts: somebody may be in danger.
pub fn n_life_alarms(world: &World, township: &TownshipFacts) -> u32 {
    let is_open_life = |alert: &AlertView| alert.class == Class::Life && alert.closed.is_none();
    u32::try_from(alerts_of(world, township, is_open_life).len()).unwrap_or(u32::MAX)
}

/// The township's alerts of a sort with their things, void ones left out.
fn alerts_of<'a>(
    world: &'a World,
    township: &TownshipFacts,
    is_meant: impl Fn(&AlertView) -> bool,
) -> Vec<(&'a Thing, &'a AlertView)> {
    let code = township.township.code;
    let meant = world.alerts.values().filter(|alert| !alert.is_void && is_meant(alert));
    let with_thing = meant.filter_map(|alert| {
        let thing = world.things.get(&alert.datastream.thing)?;
        (thing.township == Some(code)).then_some((thing.as_ref(), alert))
    });
    with_thing.collect()
}

/// Does an alarm count in a burden (column Use of docs/indices.md section 6)?
fn counts(world: &World, alert: &AlertView) -> bool {
    let property = world.catalogue.find(&alert.datastream.property);
    match property.and_then(|property| property.spec.burden) {
        Some(Burden::Always) => true,
        Some(Burden::OutsideStorms) => !alert.opened_in_storm,
        None => false,
    }
}

/// The alarms that count in the burdens, with the sector of each.
pub(super) fn counted_alarms(
    world: &World,
    township: &TownshipFacts,
) -> Vec<(ThingKind, CountedAlarm)> {
    let confirmed = alerts_of(world, township, |alert| {
        alert.confirmed_highest > Level::None && counts(world, alert)
    });
    let counted = |(thing, alert): (&Thing, &AlertView)| CountedAlarm {
        thing: thing.id.clone(),
        property: alert.datastream.property.clone(),
        level: alert.confirmed_highest,
        opened: alert.opened,
        closed: alert.closed,
    };
    confirmed.into_iter().map(|found| (found.0.kind, counted(found))).collect()
}

/// What the caps look at.
pub(super) fn cap_facts(place: &Place<'_>, township: &TownshipFacts) -> CapFacts {
    let red = alerts_of(place.world, township, |alert| {
        is_red_now(alert) && (alert.class == Class::Life || counts(place.world, alert))
    });
    let red = red.into_iter().filter(|(thing, _)| SECTORS.contains(&thing.kind));
    CapFacts {
        red_alarms: red
            .map(|(thing, alert)| RedAlarm {
                sector: thing.kind,
                opened: alert.opened,
                closed: alert.closed,
                told: alert.told,
                acknowledged: alert.acknowledged_by_unit,
            })
            .collect(),
        accidents: fatal_accidents(place),
        major_hazards_overdue: place.latest_of_all(&MAJOR_OVERDUE).map_or(0.0, |part| part.value),
        major_hazard_offline_since: place
            .of_kind(ThingKind::Enterprise)
            .filter(|firm| grade(place, firm).is_some_and(|grade| grade <= 2))
            .filter_map(|firm| offline_since(place, firm))
            .min(),
    }
}

/// One accident for each report of deaths.
fn fatal_accidents(place: &Place<'_>) -> Vec<Accident> {
    let reporters = place.reporters(&DEATHS);
    let streams = reporters.flat_map(|thing| streams_of(place.world, thing, &DEATHS));
    let reports = streams.flat_map(|stream| stream.up_to(place.at));
    reports
        .filter(|sample| sample.is_usable() && sample.value >= 1.0)
        .map(|sample| Accident { time: sample.time, deaths: sample.value })
        .collect()
}

/// Grade of the major hazard of an enterprise, 1 to 4; `None` without one.
pub(super) fn grade(place: &Place<'_>, firm: &Thing) -> Option<u8> {
    let index = place.latest(firm, &MAJOR_HAZARD_INDEX)?.value;
    (index > 0.0).then(|| major_hazard_grade(index))
}

/// Since when the first mandatory datastream is offline, that is, longer
/// silent than 3T. One that never spoke is offline since it was first missed.
fn offline_since(place: &Place<'_>, firm: &Thing) -> Option<Time> {
    let (world, at) = (place.world, place.at);
    let ids = mandatory(world, firm);
    let scheduled = ids.iter().filter(|id| is_scheduled(world, firm, id, at));
    let since = scheduled.filter_map(|id| match world.streams.get(id) {
        Some(stream) if is_online(stream, at) => None,
        Some(stream) if stream.last_heard(at).is_some() => {
            let period = stream.property.spec.period.unwrap_or(MONTH);
            let wait = Duration::from_millis(millis(period).unsigned_abs().saturating_mul(3));
            stream.last_heard(at).map(|heard| heard + wait)
        }
        _ => world.memory.online.get(id)?.days.keys().next().copied(),
    });
    since.min()
}

#[cfg(test)]
mod tests {
    use super::super::people_world::{TestWorld, minute};
    use super::*;

    fn township() -> TestWorld {
        let mut test = TestWorld::new();
        test.thing(
            "cs-1",
            ThingKind::ConstructionSite,
            "crane_load_ratio crane_wind_speed pit_wall_settlement",
        );
        test.thing("en-1", ThingKind::Enterprise, "smoke_alarm tank_level major_hazard_index");
        test.thing("sh-1", ThingKind::Shelter, "smoke_alarm shelter_status");
        test.thing("of-1", ThingKind::TownshipOffice, "accident_deaths major_hazards_overdue");
        test.thing_inland("cs-9", ThingKind::ConstructionSite, "crane_load_ratio");
        test
    }

    #[track_caller]
    fn check_red(datastream: &str, change: impl FnOnce(&mut AlertView), expected: bool) {
        let mut test = township();
        test.alert(datastream, Level::Red, 0, change);
        assert_eq!(red_alarm_open(&test.world, &test.township()), expected, "{datastream}");
    }

    #[test]
    fn red_alarms_that_bar_relief() {
        check_red("cs-1/crane_load_ratio", |_| {}, true);
        check_red("cs-1/pit_wall_settlement", |alert| alert.opened_in_storm = true, true);
        check_red("sh-1/shelter_status", |alert| alert.class = Class::Life, true);
        check_red("cs-1/crane_wind_speed", |_| {}, false);
        check_red("cs-9/crane_load_ratio", |_| {}, false);
        check_red("of-1/accident_deaths", |alert| alert.class = Class::Life, false);
        check_red("cs-1/crane_load_ratio", |alert| alert.is_void = true, false);
        check_red("cs-1/crane_load_ratio", |alert| alert.closed = Some(minute(1)), false);
        check_red("cs-1/crane_load_ratio", |a| a.confirmed_level = Level::Orange, false);
    }

    #[test]
    fn life_alarms_count_while_they_are_open() {
        let mut test = township();
        let life = |alert: &mut AlertView| alert.class = Class::Life;
        test.alert("of-1/accident_deaths", Level::Red, 0, life);
        test.alert("sh-1/smoke_alarm", Level::None, 1, life);
        test.alert("en-1/smoke_alarm", Level::Red, 2, |alert| {
            life(alert);
            alert.closed = Some(minute(3));
        });
        test.alert("en-1/tank_level", Level::Red, 3, |_| {});
        assert_eq!(n_life_alarms(&test.world, &test.township()), 2);
    }

    #[track_caller]
    fn check_counted(datastream: &str, change: impl FnOnce(&mut AlertView), expected: usize) {
        let mut test = township();
        test.alert(datastream, Level::Yellow, 0, change);
        let counted = counted_alarms(&test.world, &test.township());
        assert_eq!(counted.len(), expected, "{datastream}");
    }

    #[test]
    fn alarms_that_count_in_a_burden() {
        check_counted("cs-1/crane_load_ratio", |_| {}, 1);
        check_counted("cs-1/crane_load_ratio", |alert| alert.opened_in_storm = true, 1);
        check_counted("cs-1/crane_load_ratio", |alert| alert.closed = Some(minute(9)), 1);
        check_counted("cs-1/pit_wall_settlement", |_| {}, 1);
        check_counted("cs-1/pit_wall_settlement", |alert| alert.opened_in_storm = true, 0);
        check_counted("cs-1/crane_wind_speed", |_| {}, 0);
        check_counted("cs-1/crane_load_ratio", |a| a.confirmed_highest = Level::None, 0);
        check_counted("cs-1/crane_load_ratio", |alert| alert.is_void = true, 0);
        check_counted("sh-1/shelter_status", |alert| alert.class = Class::Life, 0);
        check_counted("cs-9/crane_load_ratio", |_| {}, 0);
    }

    fn facts(test: &TestWorld, at: i64) -> CapFacts {
        let township = test.township();
        cap_facts(&Place::new(&test.world, township.township.code, minute(at)), &township)
    }

    #[test]
    fn caps_look_at_counting_or_life_alarms_that_are_red_now() {
        let mut test = township();
        test.alert("cs-1/crane_load_ratio", Level::Red, 0, |alert| alert.told = Some(minute(1)));
        test.alert("sh-1/shelter_status", Level::Red, 0, |alert| alert.class = Class::Life);
        test.alert("cs-1/crane_wind_speed", Level::Red, 0, |_| {});
        test.alert("en-1/tank_level", Level::Red, 0, |a| a.confirmed_level = Level::Orange);
        let found = facts(&test, 5).red_alarms;
        let sectors: Vec<ThingKind> = found.iter().map(|alarm| alarm.sector).collect();
        assert_eq!(sectors, [ThingKind::ConstructionSite, ThingKind::Shelter]);
        assert_eq!(found[0].told, Some(minute(1)));
    }

    #[test]
    fn caps_look_at_accidents_and_overdue_hazards() {
        let mut test = township();
        for (at, deaths) in [(0, 0.0), (5, 2.0), (50, 1.0)] {
            test.say("of-1/accident_deaths", at, deaths);
        }
        test.say("of-1/major_hazards_overdue", 3, 1.0);
        let found = facts(&test, 10);
        assert_eq!(found.accidents, [Accident { time: minute(5), deaths: 2.0 }]);
        assert_eq!(
            (found.major_hazards_overdue, facts(&test, 2).major_hazards_overdue),
            (1.0, 0.0)
        );
    }

    #[track_caller]
    fn check_offline(index: f64, at: i64, expected: Option<i64>) {
        let mut test = township();
        test.say("en-1/major_hazard_index", 0, index);
        test.say("en-1/smoke_alarm", 0, 0.0);
        let found = facts(&test, at).major_hazard_offline_since;
        assert_eq!(found, expected.map(minute));
    }

    #[test]
    fn major_hazards_are_offline_after_three_periods() {
        check_offline(120.0, 30, None);
        check_offline(120.0, 31, Some(30));
        check_offline(50.0, 500, Some(30));
        check_offline(49.0, 500, None);
    }
}

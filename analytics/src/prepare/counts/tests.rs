//! The counts of the situation against the items of the index.

use model::ThingState;

use super::super::people_world::{HAVEN, SEA, TestWorld, minute};
use super::super::test_world::flood_model;
use super::super::{capability, exposure};
use super::*;
use crate::flood_typhoon::CAPABILITY_ITEMS;
use crate::flood_typhoon::capability::people_in_need;
use crate::flood_typhoon::exposure::{n_unmoved, vessels_out};

fn counted(test: &TestWorld, demand: Level, at: i64) -> (Counts, ExposureInputs) {
    let (world, model) = (&test.world, flood_model());
    let storms = StormTracks::of(&world.documents, &world.facts, minute(at));
    let inputs = exposure(world, &storms, &test.township(), &model, minute(at));
    let found = counts(world, &storms, &test.township(), &inputs, demand, &model, minute(at));
    (found, inputs)
}

fn gap(test: &TestWorld, item: &str, at: i64) -> Option<f64> {
    let gaps = capability(&test.world, &test.township(), &flood_model(), minute(at));
    let place = CAPABILITY_ITEMS.iter().position(|id| *id == item).unwrap();
    gaps[place].score(minute(at)).share
}

#[test]
fn people_are_those_of_the_index_at_its_demand() {
    let mut test = TestWorld::new();
    let office = "people_to_evacuate:crew people_evacuated:crew people_to_evacuate:other";
    test.thing("of-1", ThingKind::TownshipOffice, office);
    assert!(!counted(&test, Level::Red, 10).0.people.is_entered);
    test.say("of-1/people_to_evacuate:crew", 0, 100.0);
    test.say("of-1/people_evacuated:crew", 5, 70.0);
    test.say("of-1/people_to_evacuate:other", 0, 40.0);
    for (demand, to_move, left) in
        [(Level::None, 0.0, 0.0), (Level::Blue, 100.0, 30.0), (Level::Red, 140.0, 70.0)]
    {
        let (found, inputs) = counted(&test, demand, 10);
        assert_eq!((found.people.to_move, found.people.left), (to_move, left), "{demand:?}");
        assert_eq!(found.people.left, n_unmoved(&inputs, demand), "{demand:?}");
        assert_eq!(found.people.categories.len(), 2);
    }
}

#[test]
fn vessels_at_sea_are_what_the_index_takes_for_out() {
    let mut test = TestWorld::new();
    for (id, place) in [("fv-1", HAVEN), ("fv-2", SEA), ("fv-3", SEA)] {
        test.vessel(id, 400, place);
    }
    test.vessel("fv-4", 0, SEA);
    test.recall("one", 10_000, 300);
    let (found, inputs) = counted(&test, Level::Red, 405);
    let Vessels { total, in_haven, at_sea, silent, overdue, .. } = found.vessels;
    assert_eq!((total, in_haven, at_sea, silent, overdue), (4, 1, 3, 1, 2));
    assert_eq!(found.vessels.at_sea_force7, Some(0), "no storm is active");
    let share = vessels_out(&inputs, &flood_model().exposure, minute(405)).share;
    assert_eq!(share, Some(f64::from(silent + overdue) / f64::from(total)));
}

#[test]
fn shelters_and_power_give_the_gaps_of_the_index() {
    let mut test = TestWorld::new();
    test.thing("of-1", ThingKind::TownshipOffice, "people_to_evacuate:crew mains_power");
    test.say("of-1/people_to_evacuate:crew", 0, 1_000.0);
    test.say("of-1/mains_power", 0, 1.0);
    let sensors = "shelter_status capacity occupancy mains_power backup_power_runtime";
    for (id, status, mains) in [("sh-1", 2.0, 0.0), ("sh-2", 4.0, 1.0)] {
        test.thing(id, ThingKind::Shelter, sensors);
        test.say(&format!("{id}/shelter_status"), 0, status);
        test.say(&format!("{id}/capacity"), 0, 150.0);
        test.say(&format!("{id}/occupancy"), 0, 20.0);
        test.say(&format!("{id}/mains_power"), 0, mains);
        test.say(&format!("{id}/backup_power_runtime"), 0, 1.0);
    }
    let (found, _) = counted(&test, Level::Red, 5);
    let Shelters { total, usable, places, people, .. } = found.shelters;
    assert_eq!((total, usable, places, people), (2, 1, 150.0, Some(40.0)));
    let need = people_in_need(1_000.0, &flood_model().capability);
    assert_eq!(gap(&test, "shelter_gap", 5), Some(1.0 - places / need));
    let expected = Power { things: 3, mains_lost: 1, backup_short: 1, silent: 0, dark: 1 };
    assert_eq!(found.power, expected);
    assert_eq!(gap(&test, "power_comms_gap", 5), Some(1.0 / 3.0));
}

#[test]
fn a_site_is_stopped_by_a_report_of_the_event() {
    let mut test = TestWorld::new();
    test.thing("cs-1", ThingKind::ConstructionSite, "site_work_stopped");
    test.thing("cs-2", ThingKind::ConstructionSite, "site_work_stopped");
    test.say("cs-1/site_work_stopped", 5, 1.0);
    let found = counted(&test, Level::Yellow, 10).0.sites;
    assert_eq!((found.total, found.stopped, found.not_stopped()), (2, 1, 1));
    test.state("cs-2", ThingState::Retired);
    let days_later = counted(&test, Level::Yellow, 3 * 1_440).0.sites;
    assert_eq!((days_later.total, days_later.stopped), (1, 0), "before the event");
}

#[test]
fn an_office_is_late_by_the_short_period_of_a_response() {
    let mut test = TestWorld::new();
    test.thing("of-1", ThingKind::TownshipOffice, "people_to_evacuate:crew rescue_team_ready");
    let late = |test: &TestWorld, at: i64| counted(test, Level::Blue, at).0.reports.late_offices;
    assert_eq!(late(&test, 0).len(), 1, "it never reported");
    test.say_all("of-1", 0, 5.0);
    assert!(late(&test, 1_000).is_empty());
    test.response(Level::Blue, 1_000);
    assert!(late(&test, 1_360).is_empty());
    assert_eq!(late(&test, 1_361).len(), 1);
    test.say("of-1/rescue_team_ready", 1_361, 5.0);
    assert!(late(&test, 1_362).is_empty());
}

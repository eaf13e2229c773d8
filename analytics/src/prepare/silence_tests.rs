//! Tests of what silence and declaring a response may do to both indices.

use model::{Level, Quality, ThingKind};
use proptest::prelude::*;

use super::people_world::{DAY_MIN, HAVEN, TestWorld, minute, office_datastreams};
use super::safety_tests::score;
use super::test_world::flood_model;
use super::{StormTracks, advance_event, advance_online, capability, exposure};
use crate::flood_typhoon::{self, FloodInputs, FloodState};

/// A township with all kinds of things, all of which reported at minute 0.
fn full_township() -> TestWorld {
    let mut test = TestWorld::new();
    let office = office_datastreams(&test.world);
    let things = [
        ("of-1", ThingKind::TownshipOffice, office.as_str()),
        (
            "sh-1",
            ThingKind::Shelter,
            "shelter_status capacity mains_power backup_power_runtime smoke_alarm \
             drinking_water_stock food_stock quilt_stock supply_eta",
        ),
        (
            "cs-1",
            ThingKind::ConstructionSite,
            "crane_wind_speed site_work_stopped crane_weathervaned",
        ),
        (
            "en-1",
            ThingKind::Enterprise,
            "smoke_alarm credit_grade certificates_required:safety certificates_valid:safety",
        ),
        ("hm-1", ThingKind::HydrometStation, "rainfall_depth wind_speed"),
    ];
    for (id, kind, streams) in things {
        test.thing(id, kind, streams);
        test.say_all(id, 0, 1.0);
    }
    test.vessel("fv-1", 0, HAVEN);
    for kind in ["deaths", "serious_injuries", "minor_injuries", "fires"] {
        test.say(&format!("of-1/accident_{kind}"), 0, 0.0);
    }
    advance_online(&mut test.world, minute(0));
    test
}

#[test]
fn declaring_a_response_makes_nothing_missing_at_that_minute() {
    let mut test = full_township();
    let at = 20 * DAY_MIN;
    let run = |test: &TestWorld| {
        let (township, flood) = (test.township(), flood_model());
        let storms = StormTracks::of(&test.world.documents, &test.world.facts, minute(at));
        let response = test.world.documents.response(township.township.code, minute(at));
        let inputs = FloodInputs {
            township: township.township.code,
            groups: super::hazard_groups(&test.world, &storms, &township, &flood, minute(at)),
            response: response.map_or(Level::None, |response| response.level),
            exposure: exposure(&test.world, &storms, &township, &flood, minute(at)),
            capability: capability(&test.world, &township, &flood, minute(at)),
            red_alarm_open: false,
            n_life_alarms: 0,
        };
        flood_typhoon::step(&FloodState::default(), &inputs, &flood, minute(at)).1.score
    };
    let before = run(&test);
    test.response(Level::Red, at);
    let response = test.world.documents.response(test.township().township.code, minute(at));
    let memory = test.world.memory.townships.entry(test.township().township.code).or_default();
    advance_event(&mut memory.event, Level::None, response, minute(at));
    let after = run(&test);
    for found in [&before, &after] {
        let parts = &found.explanation.parts;
        for id in ["exposure", "capability_gap"] {
            let part = parts.iter().find(|part| &*part.id == id).unwrap();
            assert!(part.score.is_some(), "{id} is not available");
        }
    }
    assert_eq!((before.provisional, after.provisional), (false, false));
    assert!(after.score >= before.score);
    assert_eq!(score(&test, at).provisional, score(&full_township(), at).provisional);
}

/// Reports of a flow and its plan, one a week: what was due and what was done.
const PAIRS: [(&str, &str); 4] = [
    ("inspections_done", "inspections_planned"),
    ("hazards_rectified", "hazards_due"),
    ("equipment_held", "equipment_required"),
    ("drills_done", "drills_planned"),
];

fn weekly(done: &[[u8; 4]]) -> TestWorld {
    let mut test = full_township();
    for (week, done) in done.iter().enumerate() {
        let at = (i64::try_from(week).unwrap() + 1) * 7 * DAY_MIN;
        for ((id, of), done) in PAIRS.iter().zip(done) {
            let since = Some(at - 7 * DAY_MIN);
            test.sample(&format!("of-1/{of}"), since, at, 10.0, Quality::PASS);
            test.sample(&format!("of-1/{id}"), since, at, f64::from(*done), Quality::PASS);
        }
    }
    test
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing is heard any more: A stays as it is, it never rises.
    #[test]
    fn silence_never_raises_the_index(
        done in proptest::collection::vec(any::<[u8; 4]>().prop_map(|all| all.map(|n| n % 11)), 1..8),
        days in 0_i64..400,
    ) {
        let mut test = weekly(&done);
        let last = i64::try_from(done.len()).unwrap() * 7 * DAY_MIN;
        advance_online(&mut test.world, minute(last));
        let now = score(&test, last);
        advance_online(&mut test.world, minute(last + days * DAY_MIN));
        let later = score(&test, last + days * DAY_MIN);
        prop_assert!(later.raw.unwrap() <= now.raw.unwrap() + 1e-9);
        prop_assert!(later.coverage <= now.coverage + 1e-9);
    }

    /// Who keeps his newest report back, no worse than the one before, never
    /// gains by it.
    #[test]
    fn withholding_a_report_never_raises_the_index(
        done in proptest::collection::vec(any::<[u8; 4]>().prop_map(|all| all.map(|n| n % 11)), 2..8),
        pair in 0_usize..4,
    ) {
        let mut done = done;
        // The newest week is the best one: a worse one cannot be guessed.
        let best = done.iter().map(|week| week[pair]).max().unwrap();
        done.last_mut().unwrap()[pair] = best;
        let told = weekly(&done);
        let at = i64::try_from(done.len()).unwrap() * 7 * DAY_MIN;
        let mut withheld = weekly(&done);
        let id = model::DatastreamId::parse(&format!("of-1/{}", PAIRS[pair].0)).unwrap();
        withheld.world.streams.get_mut(&id).unwrap().samples.pop();
        let (told, withheld) = (score(&told, at), score(&withheld, at));
        prop_assert!(withheld.raw.unwrap() <= told.raw.unwrap() + 1e-9);
    }
}

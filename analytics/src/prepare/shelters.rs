//! Places and supplies of a township's shelters against the people in need
//! (docs/indices.md 4.5, `shelter_gap` and `supply_gap`).

use model::{Channel, PropertyId, Thing, ThingKind, Time};

use super::capability::Gaps;
use super::reports::{List, Place, streams_of};
use crate::explain::NodeState;
use crate::flood_typhoon::capability::{GapInput, Supplies, shelter_gap, supply_gap};
use crate::freshness::Aging;
use crate::windows::Sample;
use crate::world::Stream;

const STATUS: PropertyId = PropertyId::from_static("shelter_status");
const CAPACITY: PropertyId = PropertyId::from_static("capacity");
const OCCUPANCY: PropertyId = PropertyId::from_static("occupancy");
const ARRIVING: PropertyId = PropertyId::from_static("supply_arriving_12h");

/// Stocks with the channel of what arrives.
const STOCKS: [(PropertyId, &str); 3] = [
    (PropertyId::from_static("drinking_water_stock"), "water"),
    (PropertyId::from_static("food_stock"), "food"),
    (PropertyId::from_static("quilt_stock"), "quilt"),
];

/// People who need a place, with the age of the registers that say so.
pub(super) struct Need {
    pub(super) people: f64,
    pub(super) aging: Aging,
}

/// Places of usable shelters. One that never told its status is not usable.
pub(super) fn places(gaps: &Gaps<'_>, need: &Need) -> GapInput {
    let list = gaps.place.list(ThingKind::Shelter);
    let mut usable = 0.0;
    let mut ages = Vec::new();
    for shelter in &list.things {
        let status = newest(&gaps.place, shelter, &STATUS, None);
        let capacity = newest(&gaps.place, shelter, &CAPACITY, None);
        usable += usable_places(status, capacity).unwrap_or(0.0);
        let open = open_since(gaps, shelter);
        let aging = |told: Told<'_>| told.map(|(stream, s)| gaps.aging(stream, s.time, open));
        ages.push(vec![aging(status), aging(capacity)]);
    }
    gap_input(gaps, &list, need, &ages, shelter_gap(usable, need.people))
}

/// Stocks of all shelters and what arrives there within 12 h. What was never
/// announced is not on the way.
pub(super) fn supplies(gaps: &Gaps<'_>, need: &Need) -> GapInput {
    let list = gaps.place.list(ThingKind::Shelter);
    let mut sums = [0.0; 3];
    let mut ages = Vec::new();
    for shelter in &list.things {
        let open = open_since(gaps, shelter);
        let aging = |told: Told<'_>| told.map(|(stream, s)| gaps.aging(stream, s.time, open));
        let mut of_shelter = Vec::new();
        for ((stock, channel), sum) in STOCKS.iter().zip(&mut sums) {
            let held = newest(&gaps.place, shelter, stock, None);
            let arriving = newest(&gaps.place, shelter, &ARRIVING, Some(channel));
            for (_, sample) in [held, arriving].into_iter().flatten() {
                *sum += sample.value;
            }
            of_shelter.push(aging(held));
            of_shelter.extend(arriving.map(|told| aging(Some(told))));
        }
        ages.push(of_shelter);
    }
    let [water_l, meals, quilts] = sums;
    let supplies = Supplies { water_l, meals, quilts };
    gap_input(gaps, &list, need, &ages, supply_gap(&supplies, need.people, &gaps.model.capability))
}

/// Unknown while nobody entered the list or none of its shelters reported;
/// no shelter at all is a gap like any other.
fn gap_input(
    gaps: &Gaps<'_>,
    list: &List<'_>,
    need: &Need,
    ages: &[Vec<Option<Aging>>],
    gap: f64,
) -> GapInput {
    let is_told = ages.iter().flatten().any(Option::is_some);
    if !is_told && !list.is_known_empty() {
        return GapInput::Unknown;
    }
    let mut agings = vec![need.aging];
    agings.extend(averaged(ages, gaps.place.at));
    GapInput::Value { gap, agings }
}

/// Ages of several things as one (docs/indices.md section 5, "Confidence"): of
/// each thing the smallest f·q of its values, 0 with one held or never told; of
/// all things the mean. Held only when every thing is.
pub(super) fn averaged(things: &[Vec<Option<Aging>>], at: Time) -> Option<Aging> {
    let confidence = |values: &Vec<Option<Aging>>| {
        values
            .iter()
            .map(|value| value.map_or(0.0, |aging| aging.confidence(at)))
            .fold(1.0, f64::min)
    };
    let told = things.iter().flatten().flatten();
    let newest = told.max_by_key(|aging| aging.time)?;
    if newest.state(at) == NodeState::Held {
        return Some(*newest);
    }
    let sum = things.iter().map(confidence).fold(0.0, |sum, of_thing| sum + of_thing);
    let mean = sum / things.len() as f64;
    Some(Aging { time: at, credibility: mean, since_change: None, ..*newest })
}

type Told<'a> = Option<(&'a Stream, &'a Sample)>;

fn newest<'a>(
    place: &Place<'a>,
    shelter: &'a Thing,
    property: &PropertyId,
    channel: Option<&str>,
) -> Told<'a> {
    let mut streams = streams_of(place.world, shelter, property);
    let stream =
        streams.find(|stream| stream.id.channel.as_ref().map(Channel::as_str) == channel)?;
    Some((stream, stream.latest(place.at)?))
}

/// The places of a usable shelter; `None` of one that is not.
fn usable_places(status: Told<'_>, capacity: Told<'_>) -> Option<f64> {
    let is_usable = status.is_some_and(|(_, status)| is_usable(status.value));
    is_usable.then(|| capacity.map_or(0.0, |(_, capacity)| capacity.value))
}

/// The shelters of a township, counted as `shelter_gap` counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct ShelterCount {
    pub(super) n: u32,
    pub(super) n_usable: u32,
    /// Of the usable ones.
    pub(super) places: f64,
    /// In all of them; `None` while no shelter ever told.
    pub(super) people: Option<f64>,
    /// The oldest status among those that told one.
    pub(super) reported: Option<Time>,
}

pub(super) fn shelter_count(place: &Place<'_>) -> ShelterCount {
    let mut count = ShelterCount::default();
    for shelter in place.of_kind(ThingKind::Shelter) {
        let status = newest(place, shelter, &STATUS, None);
        let usable = usable_places(status, newest(place, shelter, &CAPACITY, None));
        count.n += 1;
        count.n_usable += u32::from(usable.is_some());
        count.places += usable.unwrap_or(0.0);
        if let Some(people) = place.latest(shelter, &OCCUPANCY) {
            count.people = Some(count.people.unwrap_or(0.0) + people.value);
        }
        let told = status.map(|(_, status)| status.time);
        count.reported = count.reported.into_iter().chain(told).min();
    }
    count
}

/// Standby, open or full.
fn is_usable(status: f64) -> bool {
    (0.5..3.5).contains(&status)
}

/// Since when the shelter is open or full, as far back as it is known.
fn open_since(gaps: &Gaps<'_>, shelter: &Thing) -> Option<Time> {
    let stream = streams_of(gaps.place.world, shelter, &STATUS).next()?;
    let told = stream.up_to(gaps.place.at).iter().rev().filter(|sample| sample.is_usable());
    told.take_while(|sample| (1.5..3.5).contains(&sample.value)).last().map(|sample| sample.time)
}

#[cfg(test)]
mod tests {
    use super::super::capability::capability;
    use super::super::people_world::{DAY_MIN, TestWorld, minute};
    use super::super::test_world::flood_model;
    use super::*;
    use crate::flood_typhoon::CAPABILITY_ITEMS;
    use crate::flood_typhoon::items::ItemScore;

    const REPORTS: &str = "shelter_status capacity drinking_water_stock food_stock quilt_stock \
                           supply_arriving_12h:water";

    fn township_in_need() -> TestWorld {
        let mut test = TestWorld::new();
        test.thing(
            "of-1",
            ThingKind::TownshipOffice,
            "people_to_evacuate:crew people_to_evacuate:other",
        );
        test.say("of-1/people_to_evacuate:crew", 0, 400.0);
        test.say("of-1/people_to_evacuate:other", 0, 600.0);
        test
    }

    fn score(test: &TestWorld, item: &str, at: i64) -> ItemScore {
        let gaps = capability(&test.world, &test.township(), &flood_model(), minute(at));
        let index = CAPABILITY_ITEMS.iter().position(|id| *id == item).unwrap();
        gaps[index].score(minute(at))
    }

    /// Shelters as (status, capacity) for 300 people in need.
    #[track_caller]
    fn check_places(shelters: &[(Option<f64>, f64)], expected: Option<f64>) {
        let mut test = township_in_need();
        for (index, (status, capacity)) in shelters.iter().enumerate() {
            let id = format!("sh-{index}");
            test.thing(&id, ThingKind::Shelter, REPORTS);
            if let Some(status) = status {
                test.say(&format!("{id}/shelter_status"), 0, *status);
                test.say(&format!("{id}/capacity"), 0, *capacity);
            }
        }
        assert_eq!(score(&test, "shelter_gap", 0).share, expected);
    }

    #[test]
    fn places_of_usable_shelters() {
        check_places(&[], Some(1.0));
        check_places(&[(None, 0.0)], None);
        check_places(&[(Some(1.0), 150.0), (None, 0.0)], Some(0.5));
        for (status, expected) in [(0.0, 1.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (4.0, 1.0)] {
            check_places(&[(Some(status), 300.0)], Some(expected));
        }
    }

    #[test]
    fn nothing_is_known_before_the_need_is() {
        let mut test = TestWorld::new();
        test.thing("sh-1", ThingKind::Shelter, REPORTS);
        test.say_all("sh-1", 0, 1.0);
        assert_eq!(score(&test, "shelter_gap", 0).state, NodeState::Unknown);
        test.thing("of-1", ThingKind::TownshipOffice, "people_to_evacuate:crew");
        test.say("of-1/people_to_evacuate:crew", 0, 0.0);
        assert_eq!(score(&test, "shelter_gap", 0).share, Some(0.0));
    }

    #[test]
    fn the_scarcest_supply_is_the_gap() {
        let mut test = township_in_need();
        test.thing("sh-1", ThingKind::Shelter, REPORTS);
        test.say("sh-1/drinking_water_stock", 0, 1_350.0);
        test.say("sh-1/food_stock", 0, 2_700.0);
        test.say("sh-1/quilt_stock", 0, 240.0);
        assert_eq!(score(&test, "supply_gap", 0).share, Some(0.5));
        test.say("sh-1/supply_arriving_12h:water", 0, 1_350.0);
        assert_eq!(score(&test, "supply_gap", 0).share, Some(1.0 - 0.8));
    }

    #[test]
    fn ages_are_those_of_the_oldest_value_averaged_over_shelters() {
        let mut test = township_in_need();
        for id in ["sh-1", "sh-2"] {
            test.thing(id, ThingKind::Shelter, "shelter_status capacity");
        }
        test.say_all("sh-1", 0, 1.0);
        let near = |test: &TestWorld, at: i64, expected: f64| {
            let found = score(test, "shelter_gap", at).confidence;
            assert!((found - expected).abs() < 1e-9, "{found} {expected} at {at}");
        };
        near(&test, 0, 0.3);
        test.say_all("sh-2", 0, 1.0);
        near(&test, 0, 0.6);
        near(&test, 2 * DAY_MIN, 0.3);
        test.say("sh-1/shelter_status", 2 * DAY_MIN, 1.0);
        near(&test, 2 * DAY_MIN, 0.45);
        // Open: an hour counts, from the later of the report and the opening.
        test.say("sh-1/shelter_status", 2 * DAY_MIN + 1, 2.0);
        test.say("sh-2/shelter_status", 2 * DAY_MIN + 1, 2.0);
        near(&test, 2 * DAY_MIN + 61, 0.6);
        near(&test, 2 * DAY_MIN + 121, 0.3);
        assert_eq!(score(&test, "shelter_gap", 200 * DAY_MIN).state, NodeState::Held);
    }
}

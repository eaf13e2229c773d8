//! How full a shelter is, and how long its supplies last (docs/indices.md 6.2).

use model::{Channel, PropertyId, Thing};

use super::{Value, Values};
use crate::prepare::vessels::worse;
use crate::windows::Sample;

const OCCUPANCY: PropertyId = PropertyId::from_static("occupancy");
const CAPACITY: PropertyId = PropertyId::from_static("capacity");
const OCCUPANCY_RATE: PropertyId = PropertyId::from_static("occupancy_rate");
const SUPPLY_COVERAGE: PropertyId = PropertyId::from_static("supply_coverage");

/// Stock, channel of the coverage, and what a person needs in three days:
/// 9 L, 9 meals, 1 quilt (docs/indices.md 1.6, K/A).
const NEEDS: [(PropertyId, &str, f64); 3] = [
    (PropertyId::from_static("drinking_water_stock"), "water", 9.0),
    (PropertyId::from_static("food_stock"), "food", 9.0),
    (PropertyId::from_static("quilt_stock"), "quilt", 1.0),
];

pub(super) fn derive(values: &mut Values<'_>, thing: &Thing) {
    let world = values.world;
    let at = values.at;
    let newest = |property: &PropertyId| world.stream(&thing.id, property)?.latest(at);
    let (occupancy, capacity) = (newest(&OCCUPANCY), newest(&CAPACITY));
    if let (Some(occupancy), Some(capacity)) = (occupancy, capacity)
        && capacity.value > 0.0
    {
        let rate = 100.0 * occupancy.value / capacity.value;
        let id = Values::id(thing, &OCCUPANCY_RATE, None);
        values.say(id, of(rate, &[occupancy, capacity]));
    }

    // The shelter is planned for its rated capacity: no other plan is known.
    let people = [occupancy, capacity].into_iter().flatten();
    let people: Vec<&Sample> = people.collect();
    let n_people = people.iter().map(|sample| sample.value).fold(0.0, f64::max);
    if n_people <= 0.0 {
        return;
    }
    for (stock, channel, per_person) in &NEEDS {
        let Some(stock) = newest(stock) else { continue };
        let Ok(channel) = Channel::parse(channel) else { continue };
        let coverage = 100.0 * stock.value / (n_people * per_person);
        let mut inputs = vec![stock];
        inputs.extend(&people);
        let id = Values::id(thing, &SUPPLY_COVERAGE, Some(&channel));
        values.say(id, of(coverage, &inputs));
    }
}

fn of(value: f64, inputs: &[&Sample]) -> Value {
    let newest = inputs.iter().map(|sample| sample.time).max();
    let quality = inputs.iter().map(|sample| sample.quality).reduce(worse);
    Value {
        value,
        time: newest.expect("a value has inputs"),
        quality: quality.expect("a value has inputs"),
    }
}

#[cfg(test)]
mod tests {
    use model::ThingKind;

    use super::super::tests::check;
    use crate::prepare::people_world::TestWorld;

    #[test]
    fn coverage_of_those_there_or_planned() {
        let mut test = TestWorld::new();
        test.thing(
            "sh-1",
            ThingKind::Shelter,
            "occupancy capacity drinking_water_stock quilt_stock",
        );
        test.say("sh-1/drinking_water_stock", 3, 450.0);
        check(&test, 10, &[]);
        test.say("sh-1/capacity", 1, 100.0);
        check(&test, 10, &[("sh-1/supply_coverage:water", 3, 50.0)]);
        test.say("sh-1/occupancy", 5, 200.0);
        test.say("sh-1/quilt_stock", 6, 100.0);
        let expected = [
            ("sh-1/occupancy_rate", 5, 200.0),
            ("sh-1/supply_coverage:water", 5, 25.0),
            ("sh-1/supply_coverage:quilt", 6, 50.0),
        ];
        check(&test, 10, &expected);
    }

    #[test]
    fn nobody_there_and_nothing_planned_needs_nothing() {
        let mut test = TestWorld::new();
        test.thing("sh-1", ThingKind::Shelter, "occupancy capacity food_stock");
        test.say("sh-1/food_stock", 3, 450.0);
        test.say("sh-1/occupancy", 3, 0.0);
        test.say("sh-1/capacity", 3, 0.0);
        check(&test, 10, &[]);
    }
}

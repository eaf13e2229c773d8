//! Rolling sums of rain, and the soil water index (docs/indices.md 2.5, 6.1).

use std::time::Duration;

use model::{PropertyId, Quality, Thing, Time};

use super::{Value, Values};
use crate::prepare::vessels::worse;
use crate::windows::{RainSlots, Sample, in_window, rain_total};
use crate::world::Stream;

const RAIN: PropertyId = PropertyId::from_static("rainfall_depth");
const SOIL_WATER: PropertyId = PropertyId::from_static("soil_water_index");

const HOUR: Duration = Duration::from_secs(3_600);

const SUMS: [(PropertyId, Duration); 3] = [
    (PropertyId::from_static("rainfall_1h"), HOUR),
    (PropertyId::from_static("rainfall_3h"), Duration::from_secs(3 * 3_600)),
    (PropertyId::from_static("rainfall_24h"), Duration::from_secs(24 * 3_600)),
];

/// Windows are checked for gaps in slots of this length.
const SLOT: Duration = Duration::from_secs(600);

/// The share of its slots from which on a window is whole (docs/indices.md 4.2,
/// A).
const WHOLE_FROM: f64 = 0.8;

pub(super) fn derive(values: &mut Values<'_>, thing: &Thing) {
    for stream in crate::prepare::streams_of(values.world, thing, &RAIN) {
        let usable: Vec<Sample> =
            stream.up_to(values.at).iter().copied().filter(Sample::is_usable).collect();
        if let Some(newest) = usable.last() {
            for (property, window) in &SUMS {
                sum(values, thing, stream, &usable, newest.time, (property, *window));
            }
        }
        soil_water(values, thing, stream, &usable);
    }
}

/// The sum of the window that ends with the newest report. With slots missing
/// it is the least that fell: it may say more than before, never less.
fn sum(
    values: &mut Values<'_>,
    thing: &Thing,
    stream: &Stream,
    usable: &[Sample],
    end: Time,
    (property, window): (&PropertyId, Duration),
) {
    let period = stream.property.spec.period.unwrap_or(SLOT);
    let slots = RainSlots { slot: SLOT, period };
    let Some(rain) = rain_total(usable, end, window, slots) else { return };
    let id = Values::id(thing, property, stream.id.channel.as_ref());
    let is_whole = rain.share_present() >= WHOLE_FROM;
    if !is_whole && values.said(&id).is_some_and(|said| rain.depth_mm <= said.value) {
        return;
    }
    let quality = worst(in_window(usable, end, window));
    let value = Value { value: rain.depth_mm, time: end, quality };
    values.say_since(id, Some(end - window), value);
}

/// The index of the last slot that had rain to step with; a gauge that missed
/// one says nothing until it is back.
fn soil_water(values: &mut Values<'_>, thing: &Thing, stream: &Stream, usable: &[Sample]) {
    let Some(memory) = values.world.memory.soil.get(&stream.id) else { return };
    if memory.tanks.is_stale() || memory.stepped_to > values.at {
        return;
    }
    let quality = worst(in_window(usable, memory.stepped_to, SLOT));
    let id = Values::id(thing, &SOIL_WATER, stream.id.channel.as_ref());
    let value = Value { value: memory.tanks.index_mm(), time: memory.stepped_to, quality };
    values.say(id, value);
}

fn worst(samples: &[Sample]) -> Quality {
    samples.iter().map(|sample| sample.quality).reduce(worse).unwrap_or(Quality::PASS)
}

#[cfg(test)]
mod tests {
    use model::ThingKind;

    use super::super::tests::{check, derived};
    use crate::physics::soil_water::SoilWater;
    use crate::prepare::people_world::{TestWorld, minute};
    use crate::world::SoilMemory;

    /// A gauge that reports 1 mm each ten minutes of a day, but not from one
    /// minute to another.
    fn gauge(gap: std::ops::Range<i64>) -> TestWorld {
        let mut test = TestWorld::new();
        test.thing("hm-1", ThingKind::HydrometStation, "rainfall_depth rainfall_1h");
        for at in (10..=1_440).step_by(10).filter(|at| !gap.contains(at)) {
            let pass = model::Quality::PASS;
            test.sample("hm-1/rainfall_depth", Some(at - 10), at, 1.0, pass);
        }
        test
    }

    #[test]
    fn sums_end_with_the_newest_report() {
        let expected = [
            ("hm-1/rainfall_1h", 1_440, 6.0),
            ("hm-1/rainfall_3h", 1_440, 18.0),
            ("hm-1/rainfall_24h", 1_440, 144.0),
        ];
        check(&gauge(0..0), 1_440, &expected);
        check(&gauge(0..0), 3_000, &expected);
    }

    #[test]
    fn a_window_with_gaps_only_says_more() {
        let mut test = gauge(1_400..1_430);
        assert_eq!(derived(&test, 1_440)[0], ("hm-1/rainfall_1h".to_owned(), 1_440, 3.0));
        test.say("hm-1/rainfall_1h", 1_390, 6.0);
        let found = derived(&test, 1_440);
        assert_eq!(found[0].0, "hm-1/rainfall_3h", "15 of 18 slots are enough");
        test.say("hm-1/rainfall_1h", 1_390, 2.0);
        assert_eq!(derived(&test, 1_440).len(), 3);
    }

    #[test]
    fn soil_water_of_the_last_step() {
        let mut test = TestWorld::new();
        test.thing("hm-1", ThingKind::HydrometStation, "rainfall_depth");
        let id = model::DatastreamId::parse("hm-1/rainfall_depth").unwrap();
        let tanks = SoilWater { tanks_mm: [50.0, 30.0, 20.0], n_missing: 0 };
        let memory = SoilMemory { tanks, stepped_to: minute(20) };
        test.world.memory.soil.insert(id.clone(), memory);
        check(&test, 25, &[("hm-1/soil_water_index", 20, 100.0)]);
        let stale = SoilWater { n_missing: 1, ..tanks };
        test.world.memory.soil.insert(id, SoilMemory { tanks: stale, ..memory });
        check(&test, 25, &[]);
    }
}

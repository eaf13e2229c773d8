//! Hoisting in strong wind, and how fast a pit moves (docs/indices.md 6.3).

use std::time::Duration;

use model::{Channel, PropertyId, Thing};

use super::{Value, Values};
use crate::freshness::millis;
use crate::prepare::streams_of;
use crate::prepare::vessels::worse;
use crate::windows::Sample;
use crate::world::Stream;

const CRANE_WIND: PropertyId = PropertyId::from_static("crane_wind_speed");
const CRANE_LOAD: PropertyId = PropertyId::from_static("crane_load_ratio");
const HOISTING_WIND: PropertyId = PropertyId::from_static("crane_wind_while_hoisting");
const DISPLACEMENT_RATE: PropertyId = PropertyId::from_static("displacement_rate");
const GROUNDWATER: PropertyId = PropertyId::from_static("groundwater_level_change");
const GROUNDWATER_RATE: PropertyId = PropertyId::from_static("groundwater_change_rate");

/// A crane hoists from this load on, % of rated (docs/indices.md 6.3, A).
const HOISTING_FROM: f64 = 10.0;

/// Displacements with the channel of their rate.
const DISPLACEMENTS: [(PropertyId, &str); 5] = [
    (PropertyId::from_static("pit_wall_horizontal_displacement"), "wall"),
    (PropertyId::from_static("pit_deep_horizontal_displacement"), "deep"),
    (PropertyId::from_static("pit_wall_settlement"), "settlement"),
    (PropertyId::from_static("ground_settlement"), "ground"),
    (PropertyId::from_static("pipe_displacement"), "pipe"),
];

const DAY: Duration = Duration::from_secs(86_400);
/// How far from a day before the other reading may lie.
const DAY_TOLERANCE: Duration = Duration::from_secs(3_600);

pub(super) fn derive(values: &mut Values<'_>, thing: &Thing) {
    hoisting(values, thing);
    for (property, channel) in &DISPLACEMENTS {
        // One channel for all points of a kind: the one that moves fastest.
        let rates = streams_of(values.world, thing, property);
        let rates = rates.filter_map(|stream| rate_per_day(stream, values));
        let fastest = rates.reduce(
            |one, other| {
                if other.value.abs() > one.value.abs() { other } else { one }
            },
        );
        if let (Some(rate), Ok(channel)) = (fastest, Channel::parse(channel)) {
            values.say(Values::id(thing, &DISPLACEMENT_RATE, Some(&channel)), rate);
        }
    }
    for stream in streams_of(values.world, thing, &GROUNDWATER) {
        if let Some(rate) = rate_per_day(stream, values) {
            values.say(Values::id(thing, &GROUNDWATER_RATE, stream.id.channel.as_ref()), rate);
        }
    }
}

/// The wind at a crane while it hoists, else 0. Nothing is said while its load
/// is silent: an unknown load is not an empty hook.
fn hoisting(values: &mut Values<'_>, thing: &Thing) {
    let (world, at) = (values.world, values.at);
    for stream in streams_of(world, thing, &CRANE_WIND) {
        let channel = stream.id.channel.as_ref();
        let loads = streams_of(world, thing, &CRANE_LOAD);
        let load = loads.filter(|load| load.id.channel.as_ref() == channel).find_map(|load| {
            let period_ms = load.property.spec.period.map_or(0, millis);
            let newest = load.latest(at)?;
            (at.millis_since(newest.time) <= 3 * period_ms).then_some(newest)
        });
        let (Some(wind), Some(load)) = (stream.latest(at), load) else { continue };
        let value = Value {
            value: if load.value >= HOISTING_FROM { wind.value } else { 0.0 },
            time: wind.time.max(load.time),
            quality: worse(wind.quality, load.quality),
        };
        values.say(Values::id(thing, &HOISTING_WIND, channel), value);
    }
}

/// Change over the day up to the newest reading, per 24 h.
fn rate_per_day(stream: &Stream, values: &Values<'_>) -> Option<Value> {
    let newest = stream.latest(values.at)?;
    let day_before = newest.time - DAY;
    let off_ms = |sample: &Sample| sample.time.millis_since(day_before).abs();
    let before = stream.up_to(newest.time).iter().filter(|sample| sample.is_usable());
    let other = before
        .filter(|sample| off_ms(sample) <= millis(DAY_TOLERANCE))
        .min_by_key(|sample| off_ms(sample))?;
    let days = newest.time.millis_since(other.time) as f64 / millis(DAY) as f64;
    Some(Value {
        value: (newest.value - other.value) / days,
        time: newest.time,
        quality: worse(newest.quality, other.quality),
    })
}

#[cfg(test)]
mod tests {
    use model::ThingKind;

    use super::super::tests::check;
    use crate::prepare::people_world::TestWorld;

    #[track_caller]
    fn check_hoisting(load: Option<(i64, f64)>, at: i64, expected: Option<(i64, f64)>) {
        let mut test = TestWorld::new();
        test.thing("cs-1", ThingKind::ConstructionSite, "crane_wind_speed:1 crane_load_ratio:1");
        test.say("cs-1/crane_wind_speed:1", 5, 12.5);
        if let Some((time, load)) = load {
            test.say("cs-1/crane_load_ratio:1", time, load);
        }
        let id = "cs-1/crane_wind_while_hoisting:1";
        let expected: Vec<_> = expected.into_iter().map(|(time, wind)| (id, time, wind)).collect();
        check(&test, at, &expected);
    }

    #[test]
    fn wind_counts_while_hoisting() {
        check_hoisting(Some((4, 10.0)), 10, Some((5, 12.5)));
        check_hoisting(Some((6, 9.9)), 10, Some((6, 0.0)));
        check_hoisting(Some((4, 10.0)), 20, None);
        check_hoisting(None, 10, None);
    }

    /// Readings as (hour, value); the rate and its hour.
    #[track_caller]
    fn check_rate(readings: &[(i64, f64)], expected: Option<f64>) {
        let mut test = TestWorld::new();
        test.thing("cs-1", ThingKind::ConstructionSite, "pipe_displacement");
        for (hour, value) in readings {
            test.say("cs-1/pipe_displacement", 60 * hour, *value);
        }
        let last = readings.last().map_or(0, |(hour, _)| 60 * hour);
        let expected: Vec<_> =
            expected.into_iter().map(|rate| ("cs-1/displacement_rate:pipe", last, rate)).collect();
        check(&test, 6_000, &expected);
    }

    #[test]
    fn rates_over_a_day() {
        check_rate(&[(0, 1.0), (12, 9.0), (24, 3.0)], Some(2.0));
        check_rate(&[(1, 1.0), (24, 3.3)], Some(2.4));
        check_rate(&[(24, 5.0), (48, 3.0)], Some(-2.0));
        check_rate(&[(2, 1.0), (24, 3.0)], None);
        check_rate(&[(24, 3.0)], None);
    }

    #[test]
    fn the_fastest_point_of_a_kind_speaks() {
        let mut test = TestWorld::new();
        let points = "ground_settlement:a ground_settlement:b groundwater_level_change:w1";
        test.thing("cs-1", ThingKind::ConstructionSite, points);
        for (point, from, to) in [("a", 0.0, 1.0), ("b", 5.0, 2.0)] {
            test.say(&format!("cs-1/ground_settlement:{point}"), 0, from);
            test.say(&format!("cs-1/ground_settlement:{point}"), 1_440, to);
        }
        test.say("cs-1/groundwater_level_change:w1", 0, 100.0);
        test.say("cs-1/groundwater_level_change:w1", 1_440, 500.0);
        let expected = [
            ("cs-1/displacement_rate:ground", 1_440, -3.0),
            ("cs-1/groundwater_change_rate:w1", 1_440, 400.0),
        ];
        check(&test, 1_500, &expected);
    }
}

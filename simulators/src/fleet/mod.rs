//! The simulated fleet: what each kind of thing would measure, as a pure
//! function of the thing, a seed and a time.
//!
//! One file per kind. A model answers `None` for what it does not know; such
//! a datastream stays silent.

mod common;
mod enterprise;
mod hydromet;
mod office;
mod shelter;
mod site;
mod vessel;

use model::{DatastreamSpec, PropertyId, Reading, ReadingTime, Thing, ThingKind, Time};

use crate::noise::Noise;
use crate::script::Script;
use crate::weather::{Scenario, Weather};

/// Totals since the last report: their readings say since when.
const RAINFALL_DEPTH: PropertyId = PropertyId::from_static("rainfall_depth");

/// What makes a run repeatable.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub seed: u64,
    pub scenario: Scenario,
}

/// Everything a model looks at.
struct Moment<'a> {
    fleet: &'a Fleet,
    thing: &'a Thing,
    spec: &'a DatastreamSpec,
    since: Time,
    at: Time,
    weather: Weather,
    /// Of the thing: what all its datastreams share.
    own: Noise,
    /// Of this datastream.
    noise: Noise,
}

impl Moment<'_> {
    fn property(&self) -> &str {
        self.spec.property.as_str()
    }

    fn channel(&self) -> &str {
        self.spec.channel.as_ref().map_or("", |channel| channel.as_str())
    }

    fn script(&self) -> Option<&Script> {
        self.fleet.scenario.script()
    }
}

impl Fleet {
    /// The readings of these datastreams at `at`, positions last. Totals are
    /// those of `(since, at]`.
    pub fn readings(
        &self,
        thing: &Thing,
        datastreams: &[DatastreamSpec],
        since: Time,
        at: Time,
    ) -> Vec<Reading> {
        let weather = Weather::new(self.seed, &self.scenario, thing.position, at);
        let own = Noise::new(self.seed, thing.id.as_str());
        let mut readings: Vec<Reading> = datastreams
            .iter()
            .filter_map(|spec| {
                let name = match &spec.channel {
                    Some(channel) => format!("{}:{channel}", spec.property),
                    None => spec.property.to_string(),
                };
                let noise = own.named(&name);
                let moment = Moment { fleet: self, thing, spec, since, at, weather, own, noise };
                Some(Reading {
                    property: spec.property.clone(),
                    channel: spec.channel.clone(),
                    value: value(&moment)?,
                    unit: None,
                    time: ReadingTime::At(at),
                    since: (spec.property == RAINFALL_DEPTH && since < at).then_some(since),
                })
            })
            .collect();
        in_message_order(&mut readings);
        readings
    }
}

/// Totals first and positions last, so that each payload has the fewest objects.
pub(crate) fn in_message_order(readings: &mut [Reading]) {
    readings.sort_by_key(|reading| match reading.property.as_str() {
        "position_longitude" => 2,
        "position_latitude" => 3,
        _ if reading.since.is_some() => 0,
        _ => 1,
    });
}

fn value(moment: &Moment<'_>) -> Option<f64> {
    let own = match moment.thing.kind {
        ThingKind::HydrometStation => hydromet::value(moment),
        ThingKind::Shelter => shelter::value(moment),
        ThingKind::ConstructionSite => site::value(moment),
        ThingKind::FishingVessel => vessel::value(moment),
        ThingKind::Enterprise => enterprise::value(moment),
        ThingKind::TownshipOffice => office::value(moment),
        ThingKind::Gateway => None,
    };
    own.or_else(|| common::value(moment))
}

/// Rounded to so many decimals, as a sensor's output is.
fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = libm::pow(10.0, f64::from(decimals));
    // Adding 0.0 turns -0.0 into 0.0.
    libm::round(value * scale) / scale + 0.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use model::{Catalogue, Thresholds};

    use super::*;
    use crate::test_thing::{script, shipped};

    fn catalogue() -> Catalogue {
        shipped().0
    }

    fn things() -> Vec<Thing> {
        shipped().1
    }

    fn noon() -> Time {
        Time::parse("2026-07-25T12:00:00+08:00").unwrap()
    }

    const CALM: Fleet = Fleet { seed: 1, scenario: Scenario::Fleet };

    fn all_readings(fleet: &Fleet, thing: &Thing, at: Time) -> Vec<Reading> {
        fleet.readings(thing, &thing.datastreams, at - Duration::from_secs(600), at)
    }

    #[test]
    fn every_example_datastream_has_a_model() {
        for thing in things() {
            let readings = all_readings(&CALM, &thing, noon());
            assert_eq!(readings.len(), thing.datastreams.len(), "{}", thing.id);
            assert!(readings.iter().all(|reading| reading.value.is_finite()), "{}", thing.id);
        }
    }

    #[test]
    fn readings_depend_on_thing_seed_and_time_alone() {
        for thing in things() {
            let first = all_readings(&CALM, &thing, noon());
            assert_eq!(first, all_readings(&CALM, &thing, noon()));
        }
        let things = things();
        let other = Fleet { seed: 2, scenario: Scenario::Fleet };
        let differing = things
            .iter()
            .filter(|t| all_readings(&CALM, t, noon()) != all_readings(&other, t, noon()));
        assert!(differing.count() > 400);
    }

    #[test]
    fn values_stay_in_their_gross_range_in_any_weather() {
        let catalogue = catalogue();
        let scripted = Scenario::Script(Arc::new(script(noon())));
        for scenario in [Scenario::Fleet, Scenario::Storm { begins: noon() }, scripted] {
            let fleet = Fleet { seed: 7, scenario };
            for thing in things() {
                for quarter in 0..32 {
                    let at = noon() + Duration::from_secs(quarter * 900);
                    for reading in all_readings(&fleet, &thing, at) {
                        let spec = &catalogue.find(&reading.property).unwrap().spec;
                        let range = spec.quality.gross_range.unwrap();
                        assert!(
                            (range.min..=range.max).contains(&reading.value),
                            "{} {reading:?}",
                            thing.id
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn values_do_not_jump_on_a_calm_day() {
        let catalogue = catalogue();
        for thing in things() {
            for spec in &thing.datastreams {
                let property = &catalogue.find(&spec.property).unwrap().spec;
                let (Some(step), Some(period)) = (property.quality.step, property.period) else {
                    continue;
                };
                let value = |n: u32| {
                    let at = noon() + period * n;
                    CALM.readings(&thing, std::slice::from_ref(spec), at - period, at)[0].value
                };
                for n in 0..40 {
                    let change = (value(n + 1) - value(n)).abs();
                    assert!(change <= step, "{}/{} {change}", thing.id, spec.property);
                }
            }
        }
    }

    #[test]
    fn a_storm_colours_wind_water_and_rain() {
        let catalogue = catalogue();
        let fleet = Fleet { seed: 1, scenario: Scenario::Storm { begins: noon() } };
        let at = noon() + Duration::from_secs(4 * 3600);
        let mut coloured = BTreeMap::new();
        for thing in things() {
            for reading in all_readings(&fleet, &thing, at) {
                let limits = catalogue.find(&reading.property).unwrap().spec.limits;
                let own = thing.datastreams.iter().find(|spec| spec.property == reading.property);
                let levels: Option<Thresholds> =
                    own.and_then(|spec| spec.levels).or(limits.and_then(|limits| limits.high));
                if levels.and_then(|levels| levels.blue).is_some_and(|blue| reading.value >= blue) {
                    *coloured.entry(reading.property.to_string()).or_insert(0) += 1;
                }
            }
        }
        for property in ["wind_speed", "wind_speed_of_gust", "waterlogging_depth", "water_level"] {
            assert!(coloured.get(property).copied().unwrap_or(0) > 3, "{property} {coloured:?}");
        }
    }
}

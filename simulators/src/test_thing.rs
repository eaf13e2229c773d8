//! The things and the script that tests of this crate play with.

use std::collections::BTreeMap;

use model::{
    Catalogue, LocalizedName, ObservedProperty, Position, PropertyId, PropertySpec, Thing, ThingId,
    ThingKind, ThingState, Time, thing_csv,
};

use crate::script::{
    Air, Evacuation, HavenPlace, Script, ShelterPlan, SitePlan, Span, VesselPlan, WeatherSource,
};

/// A station without datastreams.
pub(crate) fn station() -> Thing {
    Thing {
        id: ThingId::parse("hm-1").expect("the id fits its grammar"),
        kind: ThingKind::HydrometStation,
        name: LocalizedName { zh: "站".into(), en: "Station".into() },
        township: None,
        position: None,
        state: ThingState::InService,
        serves: Vec::new(),
        raw_property: None,
        datastreams: Vec::new(),
    }
}

/// The shipped catalogue and example things.
pub(crate) fn shipped() -> (Catalogue, Vec<Thing>) {
    let file = include_str!("../../config/properties.toml");
    let entries: BTreeMap<PropertyId, PropertySpec> = toml::from_str(file).unwrap();
    let properties = entries.into_iter().map(|(id, spec)| ObservedProperty { id, spec });
    let catalogue = Catalogue::new(properties.collect()).unwrap();
    let file = include_bytes!("../../config/counties/xiangshan/things.csv");
    let rows = thing_csv::read(file, &catalogue, thing_csv::ROWS_MAX).unwrap();
    let things = rows.into_iter().map(|(_, thing)| thing.unwrap()).collect();
    (catalogue, things)
}

/// A gale that never ends, with an inch of rain an hour.
#[derive(Debug)]
struct Gale;

impl WeatherSource for Gale {
    fn air(&self, _: Position, _: Time) -> Air {
        Air {
            wind_mps: 20.0,
            gust_mps: 25.0,
            wind_from_deg: 60.0,
            pressure_hpa: 985.0,
            rain_mm_per_h: 25.0,
            street: 0.5,
            river: 0.5,
            reservoir: 0.5,
            surge_m: 0.6,
        }
    }

    fn rain_mm(&self, _: Position, since: Time, until: Time) -> f64 {
        25.0 * until.millis_since(since) as f64 / 3_600_000.0
    }
}

/// A script in a gale: all plans lie in the first twelve hours.
pub(crate) fn script(begin: Time) -> Script {
    let hour = |n: u64| begin + std::time::Duration::from_secs(n * 3600);
    let span = |from, until| Span { from: hour(from), until: hour(until) };
    let haven = |longitude, latitude| HavenPlace {
        position: Position::new(longitude, latitude).unwrap(),
        radius_m: 2500.0,
    };
    Script {
        begin,
        weather: Box::new(Gale),
        exposure: (0.9, 1.0),
        vessels: VesselPlan {
            turn_back: span(0, 2),
            leave: span(11, 12),
            havens: vec![haven(121.945, 29.202), haven(121.777, 29.29)],
        },
        sites: SitePlan { stop: span(1, 2), resume: span(10, 11), lift_below_mps: 10.8 },
        shelters: ShelterPlan { open: span(1, 2), close: span(10, 11), filled: (0.5, 0.8) },
        power: Vec::new(),
        evacuation: Evacuation::default(),
    }
}

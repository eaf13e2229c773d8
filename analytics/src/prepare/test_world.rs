//! Small worlds for the tests of this folder.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::{
    Catalogue, DatastreamId, DatastreamSpec, Document, DocumentId, LocalizedName, ObservedProperty,
    Override, OverrideKind, Position, PropertyId, PropertySpec, Quality, Thing, ThingId, ThingKind,
    ThingState, Time, Township, TownshipCode,
};

use crate::flood_typhoon::FloodModel;
use crate::windows::Sample;
use crate::world::{Documents, Facts, Memory, MustMonitor, Stream, TownshipFacts, World};

pub(super) const COAST: &str = "330225101";
pub(super) const INLAND: &str = "330225106";

pub(super) fn minute(n: i64) -> Time {
    Time::from_millis_clamped(n * 60_000)
}

pub(super) fn name(text: &str) -> LocalizedName {
    LocalizedName { zh: text.to_owned(), en: text.to_owned() }
}

pub(super) fn code(text: &str) -> TownshipCode {
    TownshipCode::parse(text).unwrap()
}

pub(super) fn flood_model() -> FloodModel {
    FloodModel::from_toml(include_str!("../../../config/models/flood-typhoon.toml")).unwrap()
}

pub(super) fn township(code_text: &str, longitude: f64, latitude: f64) -> TownshipFacts {
    let coastal = code_text == COAST;
    let groups = ["wind", "rain_flood", "tide", "landslide", "outlook"].into_iter();
    TownshipFacts {
        township: Township {
            code: code(code_text),
            name: name(code_text),
            seat: Position::new(longitude, latitude).unwrap(),
            coastal,
            villages: None,
        },
        population: None,
        groups: groups.filter(|group| coastal || *group != "tide").map(str::to_owned).collect(),
        reporting_from: None,
    }
}

/// Two townships 10 km apart, without things.
pub(super) fn world() -> World {
    let text = include_str!("../../../config/properties.toml");
    let specs: BTreeMap<PropertyId, PropertySpec> = toml::from_str(text).unwrap();
    let properties = specs.into_iter().map(|(id, spec)| ObservedProperty { id, spec });
    let townships = vec![township(COAST, 121.95, 29.20), township(INLAND, 121.95, 29.29)];
    let facts = Facts { townships, havens: Vec::new(), must_monitor: MustMonitor::default() };
    World {
        facts: Arc::new(facts),
        catalogue: Arc::new(Catalogue::new(properties.collect()).unwrap()),
        things: BTreeMap::new(),
        streams: Default::default(),
        documents: Documents::default(),
        alerts: BTreeMap::new(),
        memory: Memory::default(),
    }
}

impl World {
    /// A station in service at its township's seat, with its datastreams.
    pub(super) fn with_station(mut self, id: &str, code_text: &str, properties: &[&str]) -> World {
        let seat = self.facts.township(code(code_text)).unwrap().township.seat;
        let spec = |property: &&str| DatastreamSpec {
            property: PropertyId::parse(property).unwrap(),
            channel: None,
            levels: None,
            datum: None,
        };
        let thing = Thing {
            id: ThingId::parse(id).unwrap(),
            kind: ThingKind::HydrometStation,
            name: name(id),
            township: Some(code(code_text)),
            position: Some(seat),
            state: ThingState::InService,
            serves: Vec::new(),
            raw_property: None,
            datastreams: properties.iter().map(spec).collect(),
        };
        for spec in &thing.datastreams {
            let property = self.catalogue.find(&spec.property).unwrap().clone();
            let stream = Stream {
                id: spec.id(&thing.id),
                spec: spec.clone(),
                property: Arc::new(property),
                keep: Duration::from_secs(86_400),
                samples: Vec::new(),
            };
            self.streams.insert(stream);
        }
        self.things.insert(thing.id.clone(), Arc::new(thing));
        self
    }

    pub(super) fn edit(mut self, id: &str, change: impl FnOnce(&mut Thing)) -> World {
        let thing = self.things.get_mut(&ThingId::parse(id).unwrap()).unwrap();
        change(Arc::make_mut(thing));
        self
    }

    /// Readings as (minute, value).
    pub(super) fn with_readings(mut self, datastream: &str, readings: &[(i64, f64)]) -> World {
        for (at_min, value) in readings {
            let time = minute(*at_min);
            let sample = Sample { time, since: None, value: *value, quality: Quality::PASS };
            self.stream_mut(datastream).insert(sample);
        }
        self
    }

    pub(super) fn stream_mut(&mut self, datastream: &str) -> &mut Stream {
        self.streams.get_mut(&DatastreamId::parse(datastream).unwrap()).unwrap()
    }

    /// An override from a minute on, for an hour.
    pub(super) fn with_override(
        mut self,
        datastream: &str,
        kind: OverrideKind,
        from: i64,
    ) -> World {
        self.documents.insert(Document::Override(Override {
            id: DocumentId::parse(&format!("override-{from}")).unwrap(),
            datastream: DatastreamId::parse(datastream).unwrap(),
            kind,
            reason: "test".to_owned(),
            by: "desk".to_owned(),
            second: None,
            from: minute(from),
            until: minute(from + 60),
            ended: None,
        }));
        self
    }
}

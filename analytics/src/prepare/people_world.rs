//! Small worlds of people, vessels and sites for the tests of what is prepared
//! and derived. Two townships with the shipped catalogue; one haven; all lists
//! confirmed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::{
    Area, Channel, DatastreamId, DatastreamSpec, Document, DocumentId, LatitudeBand, Level,
    Override, OverrideKind, Position, PropertyId, Quality, RecallOrder, Response, Thing, ThingId,
    ThingKind, ThingState, Time,
};

use super::test_world::{COAST, INLAND, code, name};
use crate::alerts::Class;
use crate::windows::Sample;
use crate::world::{AlertView, Haven, MustMonitor, Stream, TownshipFacts, World};

pub(crate) const HAVEN: (f64, f64) = (121.945, 29.202);
/// Far off the coast, north of 29° N.
pub(crate) const SEA: (f64, f64) = (123.0, 29.5);

pub(crate) const DAY_MIN: i64 = 1_440;

pub(crate) fn minute(n: i64) -> Time {
    Time::from_millis_clamped(n * 60_000)
}

pub(crate) struct TestWorld {
    pub(crate) world: World,
    n_documents: usize,
}

impl TestWorld {
    pub(crate) fn new() -> TestWorld {
        let mut world = super::test_world::world();
        let mandatory = [
            (ThingKind::Shelter, vec!["mains_power", "smoke_alarm"]),
            (ThingKind::ConstructionSite, vec!["crane_wind_speed"]),
            (ThingKind::FishingVessel, vec!["position_longitude"]),
            (ThingKind::Enterprise, vec!["smoke_alarm"]),
            (ThingKind::HydrometStation, vec!["rainfall_depth", "wind_speed"]),
        ];
        let ids = |properties: Vec<&'static str>| {
            properties.into_iter().map(PropertyId::from_static).collect()
        };
        let kinds = ThingKind::ALL.into_iter();
        let confirmed = kinds.flat_map(|kind| [(code(COAST), kind), (code(INLAND), kind)]);
        let facts = Arc::make_mut(&mut world.facts);
        facts.must_monitor = MustMonitor {
            confirmed: confirmed.collect(),
            mandatory: mandatory.into_iter().map(|(kind, list)| (kind, ids(list))).collect(),
        };
        facts.havens = vec![Haven {
            id: "shipu".to_owned(),
            name: name("shipu"),
            position: Position::new(HAVEN.0, HAVEN.1).unwrap(),
            radius_m: 3_000.0,
            rated_wind_mps: None,
            capacity: Some(4),
        }];
        TestWorld { world, n_documents: 0 }
    }

    pub(crate) fn township(&self) -> TownshipFacts {
        self.world.facts.townships[0].clone()
    }

    /// A thing in service in the first township, with datastreams written
    /// `property[:channel] …`.
    pub(crate) fn thing(&mut self, id: &str, kind: ThingKind, datastreams: &str) {
        self.thing_in(COAST, id, kind, datastreams);
    }

    pub(crate) fn thing_inland(&mut self, id: &str, kind: ThingKind, datastreams: &str) {
        self.thing_in(INLAND, id, kind, datastreams);
    }

    fn thing_in(&mut self, township: &str, id: &str, kind: ThingKind, datastreams: &str) {
        let spec = |text: &str| {
            let (property, channel) = text.split_once(':').unwrap_or((text, ""));
            DatastreamSpec {
                property: PropertyId::parse(property).unwrap(),
                channel: Channel::parse(channel).ok(),
                levels: None,
                datum: None,
            }
        };
        let thing = Thing {
            id: ThingId::parse(id).unwrap(),
            kind,
            name: name(id),
            township: Some(code(township)),
            position: None,
            state: ThingState::InService,
            serves: Vec::new(),
            raw_property: None,
            datastreams: datastreams.split_whitespace().map(spec).collect(),
        };
        for spec in &thing.datastreams {
            let property = Arc::new(self.world.catalogue.find(&spec.property).unwrap().clone());
            let stream = Stream {
                id: spec.id(&thing.id),
                spec: spec.clone(),
                property,
                keep: Duration::from_secs(400 * 86_400),
                samples: Vec::new(),
            };
            self.world.streams.insert(stream);
        }
        self.world.things.insert(thing.id.clone(), Arc::new(thing));
    }

    pub(crate) fn state(&mut self, id: &str, state: ThingState) {
        let thing = self.world.things.get_mut(&ThingId::parse(id).unwrap()).unwrap();
        Arc::make_mut(thing).state = state;
    }

    pub(crate) fn find(&self, id: &str) -> &Thing {
        &self.world.things[&ThingId::parse(id).unwrap()]
    }

    pub(crate) fn say(&mut self, datastream: &str, at_min: i64, value: f64) {
        self.sample(datastream, None, at_min, value, Quality::PASS);
    }

    pub(crate) fn sample(
        &mut self,
        datastream: &str,
        since_min: Option<i64>,
        at_min: i64,
        value: f64,
        quality: Quality,
    ) {
        let since = since_min.map(minute);
        let sample = Sample { time: minute(at_min), since, value, quality };
        let id = DatastreamId::parse(datastream).unwrap();
        self.world.streams.get_mut(&id).unwrap().insert(sample);
    }

    /// Says the same of all datastreams of a thing.
    pub(crate) fn say_all(&mut self, id: &str, at_min: i64, value: f64) {
        let local: Vec<String> = self.find(id).datastreams.iter().map(local_name).collect();
        for name in local {
            self.say(&format!("{id}/{name}"), at_min, value);
        }
    }

    pub(crate) fn vessel(&mut self, id: &str, at_min: i64, place: (f64, f64)) {
        if !self.world.things.contains_key(&ThingId::parse(id).unwrap()) {
            self.thing(id, ThingKind::FishingVessel, "position_longitude position_latitude");
        }
        self.say(&format!("{id}/position_longitude"), at_min, place.0);
        self.say(&format!("{id}/position_latitude"), at_min, place.1);
    }

    fn document_id(&mut self) -> DocumentId {
        self.n_documents += 1;
        DocumentId::parse(&format!("doc-{}", self.n_documents)).unwrap()
    }

    pub(crate) fn response(&mut self, level: Level, from_min: i64) {
        let id = self.document_id();
        self.world.documents.insert(Document::Response(Response {
            id,
            level,
            area: Area::County,
            issuer: "bureau".to_owned(),
            issued: minute(from_min),
            valid_from: minute(from_min),
            valid_until: None,
            cancelled: None,
            note: None,
        }));
    }

    /// An order with deadlines south and north of 29° N.
    pub(crate) fn recall(&mut self, issuer: &str, south_min: i64, north_min: i64) {
        let band =
            |lat_min, lat_max, at_min| LatitudeBand { lat_min, lat_max, deadline: minute(at_min) };
        let id = self.document_id();
        self.world.documents.insert(Document::RecallOrder(RecallOrder {
            id,
            issuer: issuer.to_owned(),
            issued: minute(0),
            valid_from: minute(0),
            valid_until: None,
            cancelled: None,
            bands: vec![band(0.0, 29.0, south_min), band(29.0, 90.0, north_min)],
            note: None,
        }));
    }

    pub(crate) fn fault(&mut self, datastream: &str, from_min: i64, until_min: i64) {
        let id = self.document_id();
        self.world.documents.insert(Document::Override(Override {
            id,
            datastream: DatastreamId::parse(datastream).unwrap(),
            kind: OverrideKind::Fault,
            reason: "test".to_owned(),
            by: "desk".to_owned(),
            second: None,
            from: minute(from_min),
            until: minute(until_min),
            ended: None,
        }));
    }

    /// An open and confirmed alert; `change` makes it another.
    pub(crate) fn alert(
        &mut self,
        datastream: &str,
        level: Level,
        opened_min: i64,
        change: impl FnOnce(&mut AlertView),
    ) {
        let mut alert = AlertView {
            datastream: DatastreamId::parse(datastream).unwrap(),
            class: Class::Hazard,
            confirmed_highest: level,
            confirmed_level: level,
            opened: minute(opened_min),
            closed: None,
            told: None,
            acknowledged_by_unit: None,
            opened_in_storm: false,
            is_void: false,
        };
        change(&mut alert);
        let id = format!("{datastream}-{opened_min}");
        self.world.alerts.insert(id, alert);
    }

    pub(crate) fn confirm_nothing(&mut self) {
        Arc::make_mut(&mut self.world.facts).must_monitor.confirmed.clear();
    }

    pub(crate) fn rate_haven(&mut self, wind_mps: f64) {
        Arc::make_mut(&mut self.world.facts).havens[0].rated_wind_mps = Some(wind_mps);
    }
}

fn local_name(spec: &DatastreamSpec) -> String {
    match &spec.channel {
        Some(channel) => format!("{}:{channel}", spec.property),
        None => spec.property.to_string(),
    }
}

/// A township office with every report there is.
pub(crate) fn office_datastreams(world: &World) -> String {
    let mut streams: BTreeMap<&str, String> = BTreeMap::new();
    let computed = |property: &&model::ObservedProperty| !property.is_computed();
    for property in world.catalogue.iter().filter(computed) {
        if !property.is_of_kind(ThingKind::TownshipOffice) {
            continue;
        }
        let id = property.id.as_str();
        let channels: Vec<String> =
            property.spec.channels.iter().map(|channel| format!("{id}:{channel}")).collect();
        let all = if channels.is_empty() { id.to_owned() } else { channels.join(" ") };
        streams.insert(id, all);
    }
    streams.into_values().collect::<Vec<_>>().join(" ")
}

//! Small engines for the tests of this folder and of the runner: the shipped
//! catalogue and models, two townships 10 km apart.

use std::sync::Arc;

use model::{
    ActingAs, AlertAct, AlertAction, Channel, DatastreamId, DatastreamSpec, Document, DocumentId,
    Origin, Override, OverrideKind, Position, PropertyId, Quality, Silence, Thing, ThingId,
    ThingKind, ThingState, Time,
};

use super::{Engine, Evaluation, Models, Scope};
use crate::flood_typhoon::FloodModel;
use crate::prepare::people_world::TestWorld;
use crate::record::AlertRecord;
use crate::township_safety::SafetyModel;
use crate::windows::Sample;

pub(crate) fn minute(n: i64) -> Time {
    Time::from_millis_clamped(n * 60_000)
}

pub(crate) fn second(n: i64) -> Time {
    Time::from_millis_clamped(n * 1_000)
}

pub(crate) fn models() -> Arc<Models> {
    let flood = include_str!("../../../config/models/flood-typhoon.toml");
    let safety = include_str!("../../../config/models/township-safety.toml");
    Arc::new(Models {
        flood: FloodModel::from_toml(flood).unwrap(),
        safety: SafetyModel::from_toml(safety).unwrap(),
    })
}

/// A thing in service at the seat of the first township, with datastreams
/// written `property[:channel] …`.
pub(crate) fn thing(id: &str, kind: ThingKind, datastreams: &str) -> Thing {
    let spec = |text: &str| {
        let (property, channel) = text.split_once(':').unwrap_or((text, ""));
        DatastreamSpec {
            property: PropertyId::parse(property).unwrap(),
            channel: Channel::parse(channel).ok(),
            levels: None,
            datum: None,
        }
    };
    let township = TestWorld::new().township().township;
    Thing {
        id: ThingId::parse(id).unwrap(),
        kind,
        name: township.name.clone(),
        township: Some(township.code),
        position: Some(township.seat),
        state: ThingState::InService,
        serves: Vec::new(),
        raw_property: None,
        datastreams: datastreams.split_whitespace().map(spec).collect(),
    }
}

pub(crate) fn at_position(thing: Thing, longitude: f64, latitude: f64) -> Thing {
    Thing { position: Some(Position::new(longitude, latitude).unwrap()), ..thing }
}

pub(crate) fn engine(things: &[Thing]) -> Engine {
    let world = TestWorld::new().world;
    let mut engine = Engine::new(world.facts, world.catalogue, models(), Origin::Simulated);
    engine.set_things(things.iter().cloned().map(Arc::new), Time::EPOCH);
    engine
}

impl Engine {
    /// A reading that arrives at once.
    pub(crate) fn say(&mut self, datastream: &str, at: Time, value: f64) -> Vec<AlertRecord> {
        self.say_late(datastream, at, at, value)
    }

    pub(crate) fn say_late(
        &mut self,
        datastream: &str,
        time: Time,
        at: Time,
        value: f64,
    ) -> Vec<AlertRecord> {
        let sample = Sample { time, since: None, value, quality: Quality::PASS };
        self.observe(&DatastreamId::parse(datastream).unwrap(), sample, at, at)
    }

    pub(crate) fn minute(&mut self, n: i64) -> Evaluation {
        self.tick(minute(n), Scope::All)
    }

    /// The whole minutes of a range; what alarms told in them.
    pub(crate) fn minutes(&mut self, range: std::ops::RangeInclusive<i64>) -> Vec<AlertRecord> {
        range.flat_map(|n| self.minute(n).alerts).collect()
    }
}

/// The words of what alarms told.
pub(crate) fn words(records: &[AlertRecord]) -> Vec<&str> {
    records.iter().map(|record| record.transition.as_str()).collect()
}

pub(crate) fn fault(datastream: &str, from: Time, until: Time) -> Document {
    Document::Override(Override {
        id: DocumentId::parse("fault-1").unwrap(),
        datastream: DatastreamId::parse(datastream).unwrap(),
        kind: OverrideKind::Fault,
        reason: "test".to_owned(),
        by: "desk".to_owned(),
        second: None,
        from,
        until,
        ended: None,
    })
}

pub(crate) fn silence(thing: &str, from: Time, until: Time) -> Document {
    Document::Silence(Silence {
        id: DocumentId::parse("silence-1").unwrap(),
        thing: Some(ThingId::parse(thing).unwrap()),
        township: None,
        property: None,
        reason: "test".to_owned(),
        by: "desk".to_owned(),
        from,
        until,
        ended: None,
    })
}

pub(crate) fn act(alert: &str, act: AlertAct, acting_as: ActingAs, at: Time) -> Document {
    Document::AlertAction(AlertAction {
        id: DocumentId::parse(&format!("act-{}", at.millis())).unwrap(),
        alert: alert.to_owned(),
        act,
        acting_as,
        by: "officer".to_owned(),
        at,
        note: None,
    })
}

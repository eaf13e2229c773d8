//! The registry's picture: which things there are, which datastreams, and how
//! long their samples are kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::{
    Catalogue, DatastreamId, DatastreamSpec, PropertyId, Thing, ThingState, Time, TownshipCode,
};

use super::alarms::Output;
use super::{Engine, around};
use crate::flood_typhoon::FloodModel;
use crate::hazard::{QuantitySpec, Statistic};
use crate::prepare::report_keep;
use crate::windows::Sample;
use crate::world::Stream;

/// Samples of one datastream that are held at most: a wind gauge that reports
/// each second fills an hour of it.
const SAMPLES_MAX: usize = 10_000;

/// Late rain still counts in windows that end later: this much is kept beyond
/// the longest window.
const KEEP_BEYOND: Duration = Duration::from_secs(7_200);

/// How long samples of a property are kept; zero is the newest one only.
fn keep(property: &PropertyId, model: &FloodModel) -> Duration {
    let window = |quantity: &QuantitySpec| match quantity.statistic {
        Statistic::Highest { window } | Statistic::Sum { window, .. } => window + KEEP_BEYOND,
        Statistic::Latest => Duration::ZERO,
    };
    let quantities = model.groups.iter().flat_map(|group| &group.quantities);
    let by_model = quantities.filter(|quantity| quantity.from == *property).map(window).max();
    by_model.unwrap_or_default().max(report_keep(property).unwrap_or_default())
}

/// Inputs of indices beside the hazard's and the reports.
const INPUTS: [&str; 4] =
    ["mains_power", "backup_power_runtime", "position_longitude", "position_latitude"];

fn is_input(stream: &Stream, model: &FloodModel) -> bool {
    let id = &stream.id.property;
    let mut quantities = model.groups.iter().flat_map(|group| &group.quantities);
    stream.property.spec.report.is_some()
        || INPUTS.contains(&id.as_str())
        || report_keep(id).is_some()
        || quantities.any(|quantity| quantity.from == *id)
}

fn new_stream(
    id: DatastreamId,
    spec: DatastreamSpec,
    catalogue: &Catalogue,
    model: &FloodModel,
) -> Option<Stream> {
    let property = Arc::new(catalogue.find(&id.property)?.clone());
    let keep = keep(&id.property, model);
    Some(Stream { id, spec, property, keep, samples: Vec::new() })
}

impl Engine {
    /// The newest picture of the registry: all things that there are. One that
    /// is not given any more is gone.
    pub fn set_things(&mut self, things: impl Iterator<Item = Arc<Thing>>, at: Time) {
        let things: BTreeMap<_, _> = things.map(|thing| (thing.id.clone(), thing)).collect();
        let is_gone = |id: &DatastreamId| {
            things.get(&id.thing).is_none_or(|thing| thing.state == ThingState::Retired)
        };
        let mut out = Output::default();
        for stream in self.world.streams.values().filter(|stream| is_gone(&stream.id)) {
            let around = around(&self.world, &self.storms, &self.models);
            self.alarms.withdraw(around, stream, at, &mut out);
        }
        self.world.streams.retain_things(|thing| things.contains_key(thing));
        self.alarms.by_stream.retain(|id, _| things.contains_key(&id.thing));
        for thing in things.values() {
            let before = self.world.things.get(&thing.id);
            if before.is_none_or(|before| before.datastreams != thing.datastreams) {
                for spec in &thing.datastreams {
                    register(self, spec.id(&thing.id), spec.clone());
                }
            }
        }
        self.world.things = things;
        self.see(&mut out);
        self.untold.extend(out.records);
    }

    /// A datastream of a computed quantity; made where it is not registered
    /// yet. False when its thing or property is not known.
    pub(super) fn ensure_computed(&mut self, id: &DatastreamId) -> bool {
        if self.world.streams.contains(id) {
            return true;
        }
        if !self.world.things.contains_key(&id.thing) {
            return false;
        }
        let DatastreamId { property, channel, .. } = id.clone();
        let spec = DatastreamSpec { property, channel, levels: None, datum: None };
        register(self, id.clone(), spec);
        self.world.streams.contains(id)
    }

    pub(super) fn take_computed(
        &mut self,
        id: &DatastreamId,
        sample: Sample,
        at: Time,
        out: &mut Output,
    ) -> bool {
        if !self.ensure_computed(id) {
            return false;
        }
        self.take_sample(id, sample);
        self.watch_sample(id, &sample, at, at, out);
        true
    }

    /// Puts a sample into its datastream; false when that is not registered.
    pub(super) fn take_sample(&mut self, id: &DatastreamId, sample: Sample) -> bool {
        let Some(stream) = self.world.streams.get_mut(id) else { return false };
        stream.insert(sample);
        if stream.samples.len() > SAMPLES_MAX {
            stream.samples.remove(0);
        }
        true
    }

    /// Townships whose indices a reading may change at once: those that its
    /// thing stands in or serves, where the property enters an index.
    pub fn townships_fed_by(&self, id: &DatastreamId) -> impl Iterator<Item = TownshipCode> + '_ {
        let stream =
            self.world.streams.get(id).filter(|stream| is_input(stream, &self.models.flood));
        let thing = stream.and_then(|stream| self.world.things.get(&stream.id.thing));
        thing
            .into_iter()
            .flat_map(|thing| thing.township.into_iter().chain(thing.serves.iter().copied()))
    }

    /// Samples that were stored before a start, in order of time.
    pub fn fill(&mut self, id: &DatastreamId, samples: impl IntoIterator<Item = Sample>) {
        for sample in samples {
            self.take_sample(id, sample);
        }
    }

    /// Forgets samples and closed alerts that nobody can ask for any more.
    pub(super) fn forget(&mut self, at: Time) {
        self.world.streams.forget_before(at);
        let limit = at - self.alarms.settings.closed_kept;
        self.world.alerts.retain(|_, view| view.closed.is_none_or(|closed| limit < closed));
    }
}

fn register(engine: &mut Engine, id: DatastreamId, spec: DatastreamSpec) {
    if let Some(stream) = engine.world.streams.get_mut(&id) {
        stream.spec = spec;
    } else {
        let (catalogue, model) = (&engine.world.catalogue, &engine.models.flood);
        let Some(stream) = new_stream(id.clone(), spec, catalogue, model) else { return };
        engine.world.streams.insert(stream);
    }
    if let Some(stream) = engine.world.streams.get(&id) {
        engine.alarms.register(stream);
    }
}

//! The typhoon as a list of readings and documents, and runs of the evaluation
//! over it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use analytics::physics::geo::haversine_km;
use analytics::record::{Feature, IndexId};
use analytics::windows::Sample;
use analytics::{Engine, Models, Scope};
use codec::{Codec, Context, Limits};
use ingest::quality::{self, Memory, assess};
use model::{
    Catalogue, DatastreamId, Document, Level, Origin, Position, Quality, ReadingTime, Thing,
    ThingId, ThingKind, Time, TownshipCode,
};
use simulators::{Fleet, Playback};

use super::lies::Lie;
use crate::commands::scene::{example_things, load_scenario};
use crate::config;

const TICK: Duration = Duration::from_secs(600);

/// Vessels and equipment say much that no index reads.
const LEFT_OUT: [&str; 14] = [
    "battery_voltage",
    "speed_over_ground",
    "course_over_ground",
    "engine_oil_pressure",
    "engine_coolant_temperature",
    "bilge_level",
    "visibility",
    "relative_humidity",
    "air_temperature",
    "air_pressure",
    "wind_from_direction",
    "carbon_dioxide_concentration",
    "indoor_air_temperature",
    "tank_temperature",
];

/// What a tick says of one township.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) hazard: Level,
    pub(super) official: Level,
    pub(super) unverified: bool,
}

pub(super) type Run = BTreeMap<(Time, TownshipCode), Seen>;

pub(super) enum Disturbance<'a> {
    Dead(&'a BTreeSet<ThingId>),
    Lie { lie: Lie, liar: &'a ThingId, other: &'a ThingId, begins: Time },
}

/// The evaluation, and the quality tests before it.
#[derive(Clone)]
struct Desk {
    engine: Engine,
    memories: BTreeMap<DatastreamId, Memory>,
}

/// What happens in the ten minutes before a tick.
struct Step {
    at: Time,
    documents: Vec<Document>,
    readings: Vec<(u32, Sample)>,
}

pub(super) struct Storm {
    datastreams: Vec<DatastreamId>,
    steps: Vec<Step>,
    /// How everything stood at each instant, and the next step.
    snapshots: Vec<(usize, Desk)>,
    catalogue: Arc<Catalogue>,
    /// Hydromet stations.
    pub(super) stations: Vec<ThingId>,
    things: Vec<Thing>,
    neighbour_radius_km: f64,
    pub(super) undisturbed: Run,
}

impl Storm {
    pub(super) fn new(n_instants: usize) -> Storm {
        let config = config::load(None).expect("the shipped configuration is valid");
        let scenario = load_scenario(&config, None, "haikui-2012").expect("the scenario is valid");
        let things = example_things(&config).expect("example things are shipped");
        let of_kind = |thing: &&Thing| thing.kind == ThingKind::HydrometStation;
        let stations = things.iter().filter(of_kind).map(|thing| thing.id.clone()).collect();
        let fleet =
            Fleet { seed: 1, scenario: simulators::Scenario::Script(Arc::clone(&scenario.script)) };
        let playback = Playback::new(things.clone(), &config.catalogue, fleet, scenario.begin);

        let mut storm = Storm {
            datastreams: Vec::new(),
            steps: Vec::new(),
            snapshots: Vec::new(),
            catalogue: Arc::new(config.catalogue),
            stations,
            things,
            neighbour_radius_km: config.models.flood.sources.neighbour_radius_km,
            undisturbed: Run::new(),
        };
        storm.listen(playback, scenario.begin, scenario.end);
        for timed in scenario.documents {
            let step = storm.steps.iter_mut().find(|step| timed.at <= step.at);
            step.expect("within the scenario").documents.push(timed.document);
        }
        storm.run_undisturbed(config.models, config.county.facts, n_instants);
        storm
    }

    /// Keeps the newest reading of every datastream and step, of rain all.
    fn listen(&mut self, mut playback: Playback, begin: Time, end: Time) {
        let mut keys: BTreeMap<DatastreamId, u32> = BTreeMap::new();
        let limits = Limits::default();
        let mut at = begin;
        while at <= end {
            let mut newest: BTreeMap<u32, Sample> = BTreeMap::new();
            let mut readings = Vec::new();
            for said in playback.through(at).expect("the script speaks") {
                let context = Context {
                    thing: &said.thing,
                    raw_property: None,
                    received: at,
                    limits: &limits,
                };
                let decoded = codec::decode(Codec::Json, &said.message.payload, &context);
                for reading in decoded.expect("a simulated payload").readings {
                    if LEFT_OUT.contains(&reading.property.as_str()) {
                        continue;
                    }
                    let ReadingTime::At(time) = reading.time else { continue };
                    let id = DatastreamId {
                        thing: said.thing.clone(),
                        property: reading.property.clone(),
                        channel: reading.channel.clone(),
                    };
                    let next = u32::try_from(keys.len()).expect("some thousand datastreams");
                    let key = *keys.entry(id).or_insert(next);
                    let sample = Sample {
                        time,
                        since: reading.since,
                        value: reading.value,
                        quality: Quality::PASS,
                    };
                    if sample.since.is_some() {
                        readings.push((key, sample));
                    } else {
                        newest.insert(key, sample);
                    }
                }
            }
            readings.extend(newest);
            self.steps.push(Step { at, documents: Vec::new(), readings });
            at = at + TICK;
        }
        let mut ids: Vec<(u32, DatastreamId)> =
            keys.into_iter().map(|(id, key)| (key, id)).collect();
        ids.sort();
        self.datastreams = ids.into_iter().map(|(_, id)| id).collect();
    }

    fn run_undisturbed(
        &mut self,
        models: Models,
        facts: analytics::world::Facts,
        n_instants: usize,
    ) {
        let catalogue = Arc::clone(&self.catalogue);
        let mut engine = Engine::new(Arc::new(facts), catalogue, Arc::new(models), Origin::Replay);
        let begin = self.steps.first().expect("the scenario has steps").at;
        engine.set_things(self.things.iter().cloned().map(Arc::new), begin);
        let mut desk = Desk { engine, memories: BTreeMap::new() };
        let every = self.steps.len() / n_instants;
        for (index, step) in self.steps.iter().enumerate() {
            if index % every == 0 && self.snapshots.len() < n_instants {
                self.snapshots.push((index, desk.clone()));
            }
            let said = step
                .readings
                .iter()
                .map(|(key, sample)| (&self.datastreams[*key as usize], *sample));
            desk.evaluate(&self.catalogue, step, said, &mut self.undisturbed);
        }
    }

    /// When the disturbances of an instant begin.
    pub(super) fn instant(&self, instant: usize) -> Time {
        self.steps[self.snapshots[instant].0].at
    }

    /// Townships of the hydromet stations that the readings of these can reach.
    pub(super) fn townships_near(&self, stations: &BTreeSet<ThingId>) -> BTreeSet<TownshipCode> {
        let of_kind = |thing: &&Thing| thing.kind == ThingKind::HydrometStation;
        let hydromet = || self.things.iter().filter(of_kind);
        let from = hydromet().filter(|thing| stations.contains(&thing.id));
        let from: Vec<Position> = from.filter_map(|thing| thing.position).collect();
        let is_near = |thing: &&Thing| {
            let km = |from: &Position| thing.position.map(|to| haversine_km(*from, to));
            from.iter().filter_map(km).any(|km| km <= self.neighbour_radius_km)
        };
        let near = hydromet().filter(is_near);
        near.flat_map(|thing| thing.township.iter().chain(&thing.serves)).copied().collect()
    }

    /// From an instant to the end, with a disturbance.
    pub(super) fn run(&self, disturbance: &Disturbance<'_>, instant: usize) -> Run {
        let (first, desk) = &self.snapshots[instant];
        let mut desk = desk.clone();
        let mut run = Run::new();
        let mut first_values: BTreeMap<u32, f64> = BTreeMap::new();
        for step in &self.steps[*first..] {
            let said: Vec<(DatastreamId, Sample)> = step
                .readings
                .iter()
                .filter_map(|(key, sample)| {
                    let id = &self.datastreams[*key as usize];
                    match disturbance {
                        Disturbance::Dead(dead) if dead.contains(&id.thing) => None,
                        Disturbance::Lie { lie, liar, other, begins } => {
                            let first = *first_values.entry(*key).or_insert(sample.value);
                            Some(disturbed(id, *sample, *lie, [liar, other], first, *begins))
                        }
                        Disturbance::Dead(_) => Some((id.clone(), *sample)),
                    }
                })
                .collect();
            let said = said.iter().map(|(id, sample)| (id, *sample));
            desk.evaluate(&self.catalogue, step, said, &mut run);
        }
        run
    }
}

fn disturbed(
    id: &DatastreamId,
    sample: Sample,
    lie: Lie,
    [liar, other]: [&ThingId; 2],
    first: f64,
    begins: Time,
) -> (DatastreamId, Sample) {
    let swapped = match &id.thing {
        thing if thing == liar => Some(other),
        thing if thing == other => Some(liar),
        _ => None,
    };
    match swapped {
        Some(thing) if lie == Lie::SwappedIds => {
            (DatastreamId { thing: thing.clone(), ..id.clone() }, sample)
        }
        _ if id.thing == *liar => {
            (id.clone(), lie.told(id.property.as_str(), sample, first, begins))
        }
        _ => (id.clone(), sample),
    }
}

impl Desk {
    fn evaluate<'a>(
        &mut self,
        catalogue: &Catalogue,
        step: &Step,
        said: impl Iterator<Item = (&'a DatastreamId, Sample)>,
        run: &mut Run,
    ) {
        for document in &step.documents {
            self.engine.document(document.clone(), step.at);
        }
        for (id, sample) in said {
            let quality = self.quality(catalogue, id, sample);
            self.engine.observe(id, Sample { quality, ..sample }, step.at, step.at);
        }
        for score in self.engine.tick(step.at, Scope::All).scores {
            let (IndexId::FloodTyphoon, Feature::Township(township), Some(flood)) =
                (score.index, score.feature, &score.flood)
            else {
                continue;
            };
            let seen = Seen {
                hazard: flood.hazard_level,
                official: flood.official_level,
                unverified: flood.unverified.is_some(),
            };
            run.insert((step.at, township), seen);
        }
    }

    fn quality(&mut self, catalogue: &Catalogue, id: &DatastreamId, sample: Sample) -> Quality {
        let property = catalogue.find(&id.property).expect("the simulator speaks the catalogue");
        let tested =
            quality::Sample { time: sample.time, since: sample.since, value: sample.value };
        let memory = self.memories.get(id).copied();
        let (quality, memory) =
            assess(&property.spec.quality, property.spec.period, memory, tested);
        self.memories.extend(memory.map(|memory| (id.clone(), memory)));
        quality
    }
}

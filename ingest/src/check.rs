//! The first stage: decode, validate, test the quality.
//!
//! Deliveries keep their order. One that is refused or set aside goes on as
//! rows without observations, so that its acknowledgement waits its turn.

use std::collections::HashMap;
use std::sync::Arc;

use codec::{Codec, Context, Decoded, resolve_time};
use model::{
    Catalogue, Clock, Flag, ObservedProperty, Quality, QualityTest, Reading, ReadingTime,
    ThingState,
};
use store::{DatastreamKey, ObservationRow, RefusalRow, Store, ThingRecord};
use tokio::sync::mpsc;
use tracing::warn;

use crate::chunk::{Chunk, Entry, Origin};
use crate::loss::Losses;
use crate::meter::Outcome;
use crate::pipeline::{Input, Shared};
use crate::quality::{Memory, Sample, assess};
use crate::registrar::Registrar;
use crate::route::thing_in_topic;
use crate::slots::Cost;
use crate::validate::{TimeBounds, ValidateError, check_time, property_of, value_of};
use crate::{Delivery, PipelineOptions, Problem};

/// Deliveries taken at once: few enough to stay below a millisecond.
const CHUNK_DELIVERIES: usize = 128;

/// A chunk of this many rows goes to the writer at once.
const CHUNK_ROWS: usize = 1_000;

/// The refusal of a foreign broker's retained copy that has no time of its own.
pub(crate) const RETAINED_WITHOUT_TIME: &str = "retained_without_time";

pub(crate) struct Check {
    options: PipelineOptions,
    store: Store,
    registrar: Registrar,
    catalogue: Arc<Catalogue>,
    clock: Clock,
    shared: Arc<Shared>,
    /// What the quality tests remember; bounded by the datastreams there are.
    memories: HashMap<DatastreamKey, Memory>,
}

/// Runs until `input` is closed and drained.
pub(crate) async fn check_deliveries(
    mut check: Check,
    mut input: mpsc::Receiver<(Input, Cost)>,
    output: mpsc::Sender<Chunk>,
) {
    check.remember_latest().await;
    let mut taken = Vec::with_capacity(CHUNK_DELIVERIES);
    while input.recv_many(&mut taken, CHUNK_DELIVERIES).await > 0 {
        check.registrar.refresh();
        let mut chunk = Chunk::default();
        for (one, cost) in taken.drain(..) {
            chunk.cost.add(cost);
            match one {
                Input::Delivery(delivery) => check.check(delivery, &mut chunk).await,
                Input::Refusal(refusal, ack) => take_refusal(refusal, ack, &mut chunk),
            }
            if CHUNK_ROWS <= chunk.n_rows() {
                let full = std::mem::take(&mut chunk);
                if output.send(full).await.is_err() {
                    return;
                }
            }
        }
        if !chunk.entries.is_empty() && output.send(chunk).await.is_err() {
            return;
        }
    }
}

fn take_refusal(refusal: RefusalRow, ack: crate::Ack, chunk: &mut Chunk) {
    chunk.counts.delivery(refusal.source, Outcome::Refused);
    let origin = Origin {
        source: refusal.source,
        topic: Arc::from(refusal.topic.as_str()),
        thing: refusal.user.clone(),
        codec: None,
        received: refusal.received,
        payload: bytes::Bytes::new(),
    };
    chunk.rows.refused.push(refusal);
    chunk.entries.push(Entry {
        ack,
        n_observations: 0,
        n_store_refused: 0,
        problems: Vec::new(),
        origin,
    });
}

impl Check {
    pub(crate) fn new(
        options: PipelineOptions,
        store: Store,
        catalogue: Arc<Catalogue>,
        clock: Clock,
        shared: Arc<Shared>,
    ) -> Check {
        let registrar = Registrar::new(store.clone(), Arc::clone(&shared));
        let memories = HashMap::new();
        Check { options, store, registrar, catalogue, clock, shared, memories }
    }

    /// After a start the newest reading of each datastream is known again.
    async fn remember_latest(&mut self) {
        match self.store.latest().await {
            Ok(rows) => {
                for row in rows {
                    let newest = row.observation;
                    if newest.quality.flag() != Flag::Fail {
                        let memory = Memory::begin(newest.time, newest.value, row.unchanged_since);
                        self.memories.insert(row.datastream, memory);
                    }
                }
            }
            Err(error) => warn!(%error, "quality tests begin without the newest readings"),
        }
    }

    async fn check(&mut self, delivery: Delivery, chunk: &mut Chunk) {
        let Delivery { source, topic, route, payload, received, is_retained, ack } = delivery;
        let (thing, codec, route_error) = match route {
            Ok(route) => (Some(route.thing), Some(route.codec), None),
            Err(error) => (self.known_thing_in(&topic), None, Some(error)),
        };
        let codec_name = codec.map(Codec::as_str);
        let origin = Origin { source, topic, thing, codec: codec_name, received, payload };

        let mut losses = Losses::default();
        let n_before = chunk.rows.observations.len();
        let n_refused_before = chunk.rows.refused.len();
        match (codec, route_error) {
            (Some(codec), None) => {
                self.read(codec, &origin, is_retained, &mut losses, chunk).await;
            }
            (_, error) => {
                let error = error.unwrap_or_else(|| crate::RouteError::new(String::new()));
                losses.add_payload(error.code, error.detail, 1);
            }
        }

        let n_observations = chunk.rows.observations.len() - n_before;
        let n_refused = chunk.rows.refused.len() - n_refused_before;
        let outcome = match (n_observations, losses.is_empty(), n_refused) {
            (0, true, 1..) => Outcome::Refused,
            (0, false, _) => Outcome::Quarantined,
            (_, true, 0) => Outcome::Stored,
            _ => Outcome::Partial,
        };
        chunk.counts.delivery(source, outcome);
        if let Some(row) = losses.quarantine_row(&origin) {
            chunk.rows.quarantined.push(row);
        }
        let problems = losses.into_problems();
        chunk.entries.push(Entry { ack, n_observations, n_store_refused: 0, problems, origin });
    }

    /// Decodes the payload and checks each of its readings.
    async fn read(
        &mut self,
        codec: Codec,
        origin: &Origin,
        is_retained: bool,
        losses: &mut Losses,
        chunk: &mut Chunk,
    ) {
        let thing = origin.thing.as_ref().expect("a route names its thing");
        let record = self.registrar.thing(thing);
        let context = Context {
            thing,
            raw_property: record.as_ref().and_then(|r| r.thing.raw_property.as_ref()),
            received: origin.received,
            limits: &self.options.codec_limits,
        };
        let decoded = codec::decode(codec, &origin.payload, &context);

        // A payload of nobody we know is lost as a whole, with as many
        // readings as it holds, or as one if it cannot even be decoded.
        let n_readings = match &decoded {
            Ok(decoded) => decoded.readings.len() + decoded.problems.len(),
            Err(_) => 1,
        };
        let Some(record) = record else {
            let error = ValidateError::UnknownThing(thing.clone());
            return losses.add_payload(error.code(), error.to_string(), n_readings);
        };
        if record.thing.state == ThingState::Retired {
            let error = ValidateError::RetiredThing(thing.clone());
            return losses.add_payload(error.code(), error.to_string(), n_readings);
        }
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return losses.add_payload(error.code(), error.to_string(), 1),
        };
        self.watch_sequence(&decoded, origin, is_retained, chunk);
        self.take_readings(decoded, &record, origin, is_retained, losses, chunk).await;
    }

    async fn take_readings(
        &mut self,
        decoded: Decoded,
        record: &ThingRecord,
        origin: &Origin,
        is_retained: bool,
        losses: &mut Losses,
        chunk: &mut Chunk,
    ) {
        for problem in decoded.problems {
            let code = problem.error.code();
            losses.add(problem.pointer, code, problem.error.to_string());
        }
        let has_own_time = |reading: &Reading| matches!(reading.time, ReadingTime::At(_));
        let is_wholly_without_time =
            is_retained && !decoded.readings.iter().any(has_own_time) && losses.is_empty();
        if is_wholly_without_time {
            chunk.rows.refused.push(self.refusal_of(origin));
            return losses.note(RETAINED_WITHOUT_TIME, RETAINED_DETAIL.to_owned());
        }

        let now = self.clock.scene().max(origin.received);
        let bounds = TimeBounds {
            earliest: self.options.age_max.map_or(model::Time::MIN, |max| origin.received - max),
            latest: now + self.options.future_max,
        };
        for reading in decoded.readings {
            if is_retained && !has_own_time(&reading) {
                chunk.rows.refused.push(self.refusal_of(origin));
                losses.note(RETAINED_WITHOUT_TIME, RETAINED_DETAIL.to_owned());
                continue;
            }
            match self.observe(&reading, record, origin, bounds).await {
                Ok(row) => {
                    chunk.counts.observation(row.quality.flag());
                    chunk.rows.observations.push(row);
                }
                Err(error) => {
                    let pointer = pointer_of(&reading, origin);
                    losses.add(pointer, error.code(), error.to_string());
                }
            }
        }
    }

    /// From a reading to a row of the journal.
    async fn observe(
        &mut self,
        reading: &Reading,
        record: &ThingRecord,
        origin: &Origin,
        bounds: TimeBounds,
    ) -> Result<ObservationRow, ValidateError> {
        let catalogue = Arc::clone(&self.catalogue);
        let kind = record.thing.kind;
        let channel = reading.channel.as_ref();
        let entry = property_of(&catalogue, &reading.property, channel, kind)?;
        let value = value_of(reading, entry)?;
        let resolved = resolve_time(reading.time, origin.received);
        check_time(&reading.property, resolved.time, bounds)?;
        let datastream = self.registrar.datastream(record, &reading.property, channel).await?;

        let sample = Sample { time: resolved.time, since: reading.since, value };
        let mut quality = self.assess(datastream, entry, sample);
        if resolved.by_arrival {
            quality = quality.marked(QualityTest::ArrivalTime, Flag::Pass);
        }
        if record.thing.state != ThingState::InService {
            quality = quality.marked(QualityTest::NotInService, Flag::Pass);
        }
        Ok(ObservationRow {
            source: origin.source,
            datastream,
            time: resolved.time,
            since: reading.since,
            value,
            quality,
            received: origin.received,
        })
    }

    fn assess(
        &mut self,
        datastream: DatastreamKey,
        entry: &ObservedProperty,
        sample: Sample,
    ) -> Quality {
        let memory = self.memories.get(&datastream).copied();
        let (quality, memory) = assess(&entry.spec.quality, entry.spec.period, memory, sample);
        if let Some(memory) = memory {
            self.memories.insert(datastream, memory);
        }
        quality
    }

    fn watch_sequence(
        &self,
        decoded: &Decoded,
        origin: &Origin,
        is_retained: bool,
        chunk: &mut Chunk,
    ) {
        let (Some(sequence), Some(thing)) = (decoded.sequence, &origin.thing) else {
            return;
        };
        if is_retained || origin.received < self.clock.scene() - self.options.future_max {
            // An old copy, or a re-drive: not a part of the device's row.
            return;
        }
        let is_array = first_byte(&origin.payload) == Some(b'[');
        let mut gaps = self.shared.gaps.lock().expect("no holder of the lock panics");
        chunk.counts.upstream_missing(gaps.observe(thing, sequence, is_array));
    }

    /// The copy came from a broker, which is known by the name of its source.
    fn refusal_of(&self, origin: &Origin) -> RefusalRow {
        let source = self.store.source_name(origin.source);
        RefusalRow {
            source: origin.source,
            peer: source.map_or_else(String::new, |name| name.to_string()),
            user: origin.thing.clone(),
            topic: origin.topic.to_string(),
            reason: RETAINED_WITHOUT_TIME,
            received: origin.received,
        }
    }

    fn known_thing_in(&self, topic: &str) -> Option<model::ThingId> {
        thing_in_topic(topic).filter(|thing| self.registrar.thing(thing).is_some())
    }
}

const RETAINED_DETAIL: &str =
    "a retained copy without a time of its own cannot be told from an old one; send the time";

fn first_byte(payload: &[u8]) -> Option<u8> {
    payload.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// Where the reading stands, as far as it can be told: in a single `json`
/// object by its name, elsewhere only that it is in the payload.
fn pointer_of(reading: &Reading, origin: &Origin) -> String {
    let is_object =
        origin.codec == Some(Codec::Json.as_str()) && first_byte(&origin.payload) == Some(b'{');
    match (is_object, reading.property.as_str(), &reading.channel) {
        (false, ..) => Problem::WHOLE.to_owned(),
        (true, "position_longitude" | "position_latitude", None) => "#/position".to_owned(),
        (true, property, Some(channel)) => format!("#/values/{property}:{channel}"),
        (true, property, None) => format!("#/values/{property}"),
    }
}

//! Writes `json` payloads.

use serde::ser::{Serialize, SerializeMap, Serializer};

use model::{Position, Reading, ReadingTime, Time};

use super::{POSITION_LATITUDE, POSITION_LONGITUDE};
use crate::error::name_of;
use crate::{Codec, EncodeError, EncodeOptions, Sequence};

pub(crate) fn encode(
    readings: &[Reading],
    options: &EncodeOptions<'_>,
) -> Result<Vec<u8>, EncodeError> {
    let codec = Codec::Json;
    for reading in readings {
        let name = || name_of(reading);
        if let Some(unit) = reading.unit {
            return Err(EncodeError::NoUnit { codec, name: name(), unit });
        }
        let ends_after_since = match (reading.time, reading.since) {
            (ReadingTime::RelativeToArrival(_), _) => {
                return Err(EncodeError::NoTime { codec, name: name() });
            }
            (ReadingTime::At(time), Some(since)) => since < time,
            _ => true,
        };
        if !ends_after_since {
            return Err(EncodeError::NoSince { codec, name: name() });
        }
    }

    let mut objects = Vec::new();
    let mut rest = readings;
    while !rest.is_empty() {
        let (object, tail) = rest.split_at(object_len(rest));
        objects.push(Object::new(object, counted_up(options.sequence, objects.len())));
        rest = tail;
    }
    let written = match objects.as_slice() {
        [object] => serde_json::to_vec(object),
        objects => serde_json::to_vec(objects),
    };
    Ok(written.expect("objects have text keys and a vector takes all bytes"))
}

fn counted_up(first: Option<Sequence>, n_before: usize) -> Option<Sequence> {
    let n_before = u64::try_from(n_before).unwrap_or(u64::MAX);
    first.map(|Sequence { boot, seq }| Sequence { boot, seq: seq.saturating_add(n_before) })
}

/// How many readings, from the first on, fit into one object: those of the
/// same time and interval, until a name comes again.
fn object_len(readings: &[Reading]) -> usize {
    let first = &readings[0];
    let is_same_name =
        |a: &Reading, b: &Reading| a.property == b.property && a.channel == b.channel;
    let ends = |(at, reading): (usize, &Reading)| {
        reading.time != first.time
            || reading.since != first.since
            || readings[..at].iter().any(|before| is_same_name(before, reading))
    };
    readings.iter().enumerate().position(ends).unwrap_or(readings.len())
}

struct Object<'a> {
    time: Option<Time>,
    since: Option<Time>,
    sequence: Option<Sequence>,
    values: &'a [Reading],
    position: Option<Position>,
}

impl<'a> Object<'a> {
    /// `readings` has at least one, all of one time and interval.
    fn new(readings: &'a [Reading], sequence: Option<Sequence>) -> Object<'a> {
        let time = match readings[0].time {
            ReadingTime::At(time) => Some(time),
            ReadingTime::Arrival | ReadingTime::RelativeToArrival(_) => None,
        };
        let (values, position) = match split_position(readings) {
            Some((values, position)) => (values, Some(position)),
            None => (readings, None),
        };
        Object { time, since: readings[0].since, sequence, values, position }
    }
}

/// The position that the last two readings are, and the readings before it.
fn split_position(readings: &[Reading]) -> Option<(&[Reading], Position)> {
    let [values @ .., longitude, latitude] = readings else {
        return None;
    };
    let is_position = longitude.property == POSITION_LONGITUDE
        && latitude.property == POSITION_LATITUDE
        && [longitude, latitude].iter().all(|r| r.channel.is_none() && r.since.is_none());
    let position = Position::new(longitude.value, latitude.value).ok()?;
    is_position.then_some((values, position))
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(time) = self.time {
            map.serialize_entry("time", &time)?;
        }
        if let Some(since) = self.since {
            map.serialize_entry("since", &since)?;
        }
        if let Some(Sequence { boot, seq }) = self.sequence {
            map.serialize_entry("seq", &seq)?;
            if let Some(boot) = boot {
                map.serialize_entry("boot", &boot)?;
            }
        }
        map.serialize_entry("values", &Values(self.values))?;
        if let Some(position) = self.position {
            map.serialize_entry("position", &[position.longitude(), position.latitude()])?;
        }
        map.end()
    }
}

struct Values<'a>(&'a [Reading]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|reading| (name_of(reading), reading.value)))
    }
}

//! Writes SenML packs: one record for each reading, the thing as base name.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use model::{Reading, ReadingTime};

use super::label::Label;
use super::{ABSOLUTE_FROM_S, unit};
use crate::error::name_of;
use crate::{Codec, EncodeError, EncodeOptions};

pub(crate) fn encode_json(
    readings: &[Reading],
    options: &EncodeOptions<'_>,
) -> Result<Vec<u8>, EncodeError> {
    let pack = Pack::new(Codec::Senml, readings, options)?;
    Ok(serde_json::to_vec(&pack).expect("labels are text and a vector takes all bytes"))
}

pub(crate) fn encode_cbor(
    readings: &[Reading],
    options: &EncodeOptions<'_>,
) -> Result<Vec<u8>, EncodeError> {
    let pack = Pack::new(Codec::SenmlCbor, readings, options)?;
    let mut bytes = Vec::new();
    ciborium::into_writer(&pack, &mut bytes).expect("a vector takes all bytes");
    Ok(bytes)
}

struct Pack<'a> {
    codec: Codec,
    /// `{thing}/`, for the first record.
    base_name: Option<String>,
    /// Each with its time in seconds, from 1970 or from arrival.
    records: Vec<(&'a Reading, Option<f64>)>,
}

impl<'a> Pack<'a> {
    fn new(
        codec: Codec,
        readings: &'a [Reading],
        options: &EncodeOptions<'_>,
    ) -> Result<Pack<'a>, EncodeError> {
        let mut records = Vec::with_capacity(readings.len());
        for reading in readings {
            if reading.since.is_some() {
                return Err(EncodeError::NoSince { codec, name: name_of(reading) });
            }
            let time_s = time_in_seconds(reading.time)
                .map_err(|NoTime| EncodeError::NoTime { codec, name: name_of(reading) })?;
            records.push((reading, time_s));
        }
        Ok(Pack { codec, base_name: options.thing.map(|thing| format!("{thing}/")), records })
    }
}

/// SenML would take the time for one of the other kind.
struct NoTime;

fn time_in_seconds(time: ReadingTime) -> Result<Option<f64>, NoTime> {
    let (millis, is_absolute) = match time {
        ReadingTime::Arrival => return Ok(None),
        ReadingTime::At(time) => (time.millis(), true),
        ReadingTime::RelativeToArrival(offset_ms) => (offset_ms, false),
    };
    let seconds = millis as f64 / 1000.0;
    let is_read_back = match is_absolute {
        true => ABSOLUTE_FROM_S <= seconds,
        false => -ABSOLUTE_FROM_S < seconds && seconds < ABSOLUTE_FROM_S,
    };
    if is_read_back { Ok(Some(seconds)) } else { Err(NoTime) }
}

impl Serialize for Pack<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.records.len()))?;
        let mut base_name = self.base_name.as_deref();
        for &(reading, time_s) in &self.records {
            let base_name = base_name.take();
            seq.serialize_element(&Record { codec: self.codec, base_name, reading, time_s })?;
        }
        seq.end()
    }
}

struct Record<'a> {
    codec: Codec,
    base_name: Option<&'a str>,
    reading: &'a Reading,
    time_s: Option<f64>,
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unit = self.reading.unit.map(unit::name);
        let optional = [self.base_name.is_some(), unit.is_some(), self.time_s.is_some()];
        let n_entries = 2 + optional.into_iter().filter(|is_there| *is_there).count();

        let mut map = serializer.serialize_map(Some(n_entries))?;
        if let Some(base_name) = self.base_name {
            self.entry(&mut map, Label::BaseName, base_name)?;
        }
        self.entry(&mut map, Label::Name, &name_of(self.reading))?;
        if let Some(unit) = unit {
            self.entry(&mut map, Label::Unit, unit)?;
        }
        self.entry(&mut map, Label::Value, &self.reading.value)?;
        if let Some(time_s) = self.time_s {
            self.entry(&mut map, Label::Time, &time_s)?;
        }
        map.end()
    }
}

impl Record<'_> {
    fn entry<M: SerializeMap, V: Serialize + ?Sized>(
        &self,
        map: &mut M,
        label: Label,
        value: &V,
    ) -> Result<(), M::Error> {
        match self.codec {
            Codec::SenmlCbor => map.serialize_entry(&label.integer(), value),
            _ => map.serialize_entry(label.text(), value),
        }
    }
}

//! One message as it goes over the wire.

use bytes::Bytes;
use codec::{Codec, EncodeOptions, Sequence};
use model::{PropertyId, Reading, ReadingTime, Thing};

/// An encoded payload; clones share the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub codec: Codec,
    pub payload: Bytes,
    pub n_readings: u32,
}

impl Message {
    /// Encodes readings that the codec has a place for.
    pub(crate) fn encode(
        codec: Codec,
        readings: &[Reading],
        options: &EncodeOptions<'_>,
    ) -> anyhow::Result<Message> {
        let payload = codec::encode(codec, readings, options)?;
        let n_readings = u32::try_from(readings.len()).unwrap_or(u32::MAX);
        Ok(Message { codec, payload: payload.into(), n_readings })
    }
}

/// Encodes what a thing says at one moment the way this thing speaks: its raw
/// property as `raw`, the rest in its codec.
pub(crate) fn encode_as(
    thing: &Thing,
    codec: Codec,
    may_send_raw: bool,
    mut readings: Vec<Reading>,
    sequence: Sequence,
) -> anyhow::Result<Vec<Message>> {
    let mut messages = Vec::new();
    if may_send_raw && let Some(raw) = &thing.raw_property {
        let (mut plain, rest): (Vec<_>, Vec<_>) =
            readings.into_iter().partition(|reading| is_raw(reading, raw));
        readings = rest;
        for reading in &mut plain {
            reading.time = ReadingTime::Arrival;
            let readings = std::slice::from_ref(&*reading);
            messages.push(Message::encode(Codec::Raw, readings, &EncodeOptions::default())?);
        }
    }
    if readings.is_empty() {
        return Ok(messages);
    }
    let options = match codec {
        Codec::Json => EncodeOptions { sequence: Some(sequence), ..EncodeOptions::default() },
        Codec::Senml | Codec::SenmlCbor | Codec::Raw => {
            // SenML has no place for the start of a total.
            for reading in &mut readings {
                reading.since = None;
            }
            EncodeOptions { thing: Some(&thing.id), ..EncodeOptions::default() }
        }
    };
    messages.push(Message::encode(codec, &readings, &options)?);
    Ok(messages)
}

fn is_raw(reading: &Reading, raw: &PropertyId) -> bool {
    reading.property == *raw && reading.channel.is_none() && reading.since.is_none()
}

#[cfg(test)]
mod tests {
    use codec::{Context, Limits};
    use model::Time;

    use super::*;
    use crate::test_thing::station;

    const RAIN: PropertyId = PropertyId::from_static("rainfall_depth");
    const TIDE: PropertyId = PropertyId::from_static("tide_level");

    fn reading(property: PropertyId, since: Option<Time>) -> Reading {
        let time = ReadingTime::At(Time::from_millis_clamped(1_784_938_530_000));
        Reading { property, channel: None, value: 1.25, unit: None, time, since }
    }

    #[track_caller]
    fn check(raw: Option<PropertyId>, codec: Codec, expected: &[(Codec, u32)]) {
        let thing = Thing { raw_property: raw.clone(), ..station() };
        let readings = vec![reading(RAIN, Some(Time::EPOCH)), reading(TIDE, None)];
        let sequence = Sequence { boot: Some(1), seq: 1 };
        let messages = encode_as(&thing, codec, true, readings, sequence).unwrap();
        let found: Vec<_> = messages.iter().map(|m| (m.codec, m.n_readings)).collect();
        assert_eq!(found, expected);
        for message in messages {
            let context = Context {
                thing: &thing.id,
                raw_property: raw.as_ref(),
                received: Time::from_millis_clamped(1_784_938_531_000),
                limits: &Limits::default(),
            };
            let decoded = codec::decode(message.codec, &message.payload, &context).unwrap();
            assert!(decoded.problems.is_empty(), "{decoded:?}");
            assert!(decoded.readings.iter().all(|reading| reading.value == 1.25));
        }
    }

    #[test]
    fn a_thing_speaks_its_codec_and_raw_for_its_raw_property() {
        check(None, Codec::Json, &[(Codec::Json, 2)]);
        check(None, Codec::Senml, &[(Codec::Senml, 2)]);
        check(Some(TIDE), Codec::SenmlCbor, &[(Codec::Raw, 1), (Codec::SenmlCbor, 1)]);
    }
}

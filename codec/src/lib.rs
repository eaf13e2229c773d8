//! From payload bytes to readings, and back.
//!
//! Every function here is pure and total: no clock, no I/O, no panic on any
//! bytes. [`decode`] answers with an error when the payload as a whole cannot
//! be trusted (its syntax, UTF-8, depth, size, a duplicate key, an unknown
//! member). A value, name, unit or time that is bad inside a well-formed
//! payload becomes a [`ReadingProblem`], one for each value lost, and the other
//! readings survive. What a property is called or bounded by is not known here.

mod collector;
mod error;
mod json;
mod json_text;
mod pointer;
mod raw;
mod senml;
mod time;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use model::{PropertyId, Reading, ThingId, Time};

pub use error::{DecodeError, EncodeError, UnknownCodec};
pub use time::{ResolvedTime, resolve_time};

/// How a payload is written; the last level of its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// Our own: one object, or an array of them.
    Json,
    /// SenML in JSON (RFC 8428).
    Senml,
    /// SenML in CBOR (RFC 8428).
    SenmlCbor,
    /// One decimal number; the registration says of which property.
    Raw,
}

impl Codec {
    pub const ALL: [Codec; 4] = [Codec::Json, Codec::Senml, Codec::SenmlCbor, Codec::Raw];

    pub fn as_str(self) -> &'static str {
        match self {
            Codec::Json => "json",
            Codec::Senml => "senml",
            Codec::SenmlCbor => "senml-cbor",
            Codec::Raw => "raw",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(text: &str) -> Result<Codec, UnknownCodec> {
        Codec::ALL
            .into_iter()
            .find(|codec| codec.as_str() == text)
            .ok_or_else(|| UnknownCodec(error::shown(text)))
    }
}

/// What one payload may hold at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub payload_bytes: usize,
    /// Readings and problems together; also the objects or records of an array.
    pub readings: usize,
    /// Nested arrays and objects (in CBOR also tags).
    pub depth: usize,
    /// Any name, unit or time that is looked at. Strings that are skipped, such
    /// as SenML's string values, are bounded by the payload alone.
    pub string_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { payload_bytes: 256 * 1024, readings: 1_000, depth: 16, string_bytes: 256 }
    }
}

/// What is known about a payload before it is read.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub thing: &'a ThingId,
    /// The property that a `raw` payload is a value of.
    pub raw_property: Option<&'a PropertyId>,
    pub received: Time,
    pub limits: &'a Limits,
}

/// What one payload holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    pub readings: Vec<Reading>,
    pub problems: Vec<ReadingProblem>,
    /// Of the last `json` object that has one.
    pub sequence: Option<Sequence>,
}

/// The device's own count of its messages, and of its restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    pub boot: Option<u32>,
    pub seq: u64,
}

/// One value that is lost, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingProblem {
    /// Where it stands: a JSON pointer as URI fragment, `#/2/values/water_level`.
    pub pointer: String,
    pub error: DecodeError,
}

/// Reads one payload. An `Ok` holds at least one reading or problem.
pub fn decode(codec: Codec, payload: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let limit = context.limits.payload_bytes;
    if payload.len() > limit {
        return Err(DecodeError::PayloadTooLarge { found: payload.len(), limit });
    }
    match codec {
        Codec::Json => json::decode(payload, context),
        Codec::Senml => senml::decode_json(payload, context),
        Codec::SenmlCbor => senml::decode_cbor(payload, context),
        Codec::Raw => raw::decode(payload, context),
    }
}

/// What a payload says beside its readings.
#[derive(Debug, Clone, Copy, Default)]
pub struct EncodeOptions<'a> {
    /// SenML only: the base name becomes `{thing}/`.
    pub thing: Option<&'a ThingId>,
    /// `json` only: of the first object; each further object counts one up.
    pub sequence: Option<Sequence>,
}

/// Writes the readings into one payload, in their order.
///
/// `json`: neighbours with the same time and `since` share an object, and a
/// `position_longitude` with its `position_latitude` at the end of one become
/// its `position`; several objects become an array. [`decode`] gives back the
/// same readings. What a codec has no place for is refused, never dropped.
pub fn encode(
    codec: Codec,
    readings: &[Reading],
    options: &EncodeOptions<'_>,
) -> Result<Vec<u8>, EncodeError> {
    if readings.is_empty() {
        return Err(EncodeError::Empty);
    }
    if let Some(reading) = readings.iter().find(|reading| !reading.value.is_finite()) {
        return Err(EncodeError::NotFinite { name: error::name_of(reading) });
    }
    if options.sequence.is_some() && codec != Codec::Json {
        return Err(EncodeError::NoSequence { codec });
    }
    match codec {
        Codec::Json => json::encode(readings, options),
        Codec::Senml => senml::encode_json(readings, options),
        Codec::SenmlCbor => senml::encode_cbor(readings, options),
        Codec::Raw => raw::encode(readings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_codecs_round_trip() {
        for codec in Codec::ALL {
            assert_eq!(codec.to_string().parse(), Ok(codec));
            assert_eq!(serde_json::to_string(&codec).unwrap(), format!("\"{codec}\""));
        }
        let error = "sparkplug".parse::<Codec>().unwrap_err().to_string();
        assert_eq!(error, "codec `sparkplug` is unknown; use json, senml, senml-cbor or raw");
    }
}

//! Tables of payloads, round trips, bombs, and arbitrary bytes for every codec.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod arbitrary;
mod bombs;
mod json;
mod round_trip;
mod senml;
mod senml_cbor;

use codec::{Codec, Context, DecodeError, Decoded, Limits, decode};
use model::{PropertyId, ReadingTime, ThingId, Time};

const THING: &str = "rain-017";
const RAW_PROPERTY: PropertyId = PropertyId::from_static("water_level");

fn received() -> Time {
    Time::parse("2026-07-25T09:00:00+08:00").unwrap()
}

fn decode_bytes(codec: Codec, payload: &[u8]) -> Result<Decoded, DecodeError> {
    let thing = ThingId::parse(THING).unwrap();
    let context = Context {
        thing: &thing,
        raw_property: Some(&RAW_PROPERTY),
        received: received(),
        limits: &Limits::default(),
    };
    decode(codec, payload, &context)
}

/// One line for each reading, `name value [unit] time [since]`, then one for
/// each problem, `pointer code`; or the code of the refusal.
fn summary(found: Result<Decoded, DecodeError>) -> String {
    let decoded = match found {
        Ok(decoded) => decoded,
        Err(error) => return error.code().to_owned(),
    };
    let readings = decoded.readings.iter().map(|reading| {
        let channel = reading.channel.as_ref().map_or(String::new(), |c| format!(":{c}"));
        let unit = reading.unit.map_or(String::new(), |unit| format!(" {unit}"));
        let time = match reading.time {
            ReadingTime::At(time) => time.millis().to_string(),
            ReadingTime::Arrival => "arrival".to_owned(),
            ReadingTime::RelativeToArrival(offset_ms) => format!("arrival{offset_ms:+}"),
        };
        let since = reading.since.map_or(String::new(), |s| format!(" since {}", s.millis()));
        format!("{}{channel} {:?}{unit} {time}{since}", reading.property, reading.value)
    });
    let problems = decoded
        .problems
        .iter()
        .map(|problem| format!("{} {}", problem.pointer, problem.error.code()));
    readings.chain(problems).collect::<Vec<_>>().join("\n")
}

//! Raw: one decimal number in ASCII, white space around it allowed, as in
//! `23.4`. The registration says which property it is a value of; its time is
//! that of arrival.

use model::{Reading, ReadingTime};

use crate::collector::Collector;
use crate::error::shown;
use crate::{Codec, Context, DecodeError, Decoded, EncodeError};

pub(crate) fn decode(payload: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let property = context
        .raw_property
        .ok_or_else(|| DecodeError::NoRawProperty(context.thing.to_string()))?;
    let text = std::str::from_utf8(payload)
        .map_err(|error| DecodeError::NotUtf8 { offset: error.valid_up_to() })?;
    let value = parse_number(text.trim_ascii(), context.limits.string_bytes)?;

    let mut collector = Collector::new(context.limits);
    let reading = Reading {
        property: property.clone(),
        channel: None,
        value,
        unit: None,
        time: ReadingTime::Arrival,
        since: None,
    };
    collector.add(Ok(reading), || String::from("#"))?;
    collector.finish(None)
}

fn parse_number(text: &str, limit: usize) -> Result<f64, DecodeError> {
    if text.is_empty() {
        return Err(DecodeError::Empty);
    }
    if text.len() > limit {
        return Err(DecodeError::StringTooLong { found: text.len(), limit });
    }
    // The words for infinity and NaN parse too; the check below refuses them.
    let value: f64 =
        text.parse().map_err(|_| DecodeError::BadValue { found: format!("`{}`", shown(text)) })?;
    if value.is_finite() { Ok(value) } else { Err(DecodeError::NotFinite) }
}

pub(crate) fn encode(readings: &[Reading]) -> Result<Vec<u8>, EncodeError> {
    let codec = Codec::Raw;
    let [reading @ Reading { channel: None, .. }] = readings else {
        return Err(EncodeError::NotOneReading { found: readings.len() });
    };
    let name = reading.property.to_string();
    if let Some(unit) = reading.unit {
        return Err(EncodeError::NoUnit { codec, name, unit });
    }
    if reading.time != ReadingTime::Arrival {
        return Err(EncodeError::NoTime { codec, name });
    }
    if reading.since.is_some() {
        return Err(EncodeError::NoSince { codec, name });
    }
    // `{:?}` is the shortest text that parses to the same bits, with an
    // exponent where zeros would otherwise run on.
    Ok(format!("{:?}", reading.value).into_bytes())
}

#[cfg(test)]
mod tests {
    use model::{PropertyId, ThingId, Time};

    use super::*;
    use crate::Limits;

    const LEVEL: PropertyId = PropertyId::from_static("water_level");

    #[track_caller]
    fn check_with(property: Option<&PropertyId>, payload: &[u8], expected: Result<f64, &str>) {
        let thing = ThingId::parse("gauge-1").unwrap();
        let limits = Limits::default();
        let context = Context {
            thing: &thing,
            raw_property: property,
            received: Time::EPOCH,
            limits: &limits,
        };
        let found = decode(payload, &context).map(|decoded| decoded.readings[0].value);
        assert_eq!(found.map_err(|error| error.code()), expected);
    }

    #[track_caller]
    fn check(payload: &str, expected: Result<f64, &str>) {
        check_with(Some(&LEVEL), payload.as_bytes(), expected);
    }

    #[test]
    fn decimal_numbers_are_read() {
        check("23.4", Ok(23.4));
        check(" -0.5\r\n", Ok(-0.5));
        check("+1e3", Ok(1000.0));
        check("-0", Ok(-0.0));
    }

    #[test]
    fn all_else_has_its_code() {
        check("", Err("empty"));
        check(" \n", Err("empty"));
        check("12,5", Err("bad_value"));
        check("1 2", Err("bad_value"));
        check("0x1F", Err("bad_value"));
        check("１２", Err("bad_value"));
        check("{}", Err("bad_value"));
        check("1e400", Err("not_finite"));
        check("NaN", Err("not_finite"));
        check("-Infinity", Err("not_finite"));
        check(&"1".repeat(257), Err("string_too_long"));
        check_with(Some(&LEVEL), b"\xff1", Err("not_utf8"));
        check_with(None, b"1", Err("no_raw_property"));
    }
}

//! Reads `json` payloads with serde visitors that build readings on the way:
//! no tree of values in between.
//!
//! The members of an object come in any order, so its readings are kept first
//! and get their time when the object ends.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use model::{Position, PropertyId, Reading, ReadingTime, Time};

use super::{LATITUDE, LONGITUDE, POSITION_LATITUDE, POSITION_LONGITUDE};
use crate::collector::Collector;
use crate::error::{name_of, shown, syntax};
use crate::json_text::{self, Token};
use crate::pointer::pointer;
use crate::{Context, DecodeError, Decoded, Limits, ReadingProblem, Sequence, resolve_time};

pub(crate) fn decode(payload: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let text = json_text::checked(payload, context.limits)?;
    let mut state =
        State { context, collector: Collector::new(context.limits), sequence: None, refusal: None };
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let parsed =
        deserializer.deserialize_any(PayloadVisitor(&mut state)).and_then(|()| deserializer.end());
    if let Some(refusal) = state.refusal {
        return Err(refusal);
    }
    parsed.map_err(|error| syntax(&error))?;
    state.collector.finish(state.sequence)
}

struct State<'c> {
    context: &'c Context<'c>,
    collector: Collector<'c>,
    sequence: Option<Sequence>,
    /// Why the visitors stopped; serde's error only unwinds the parser.
    refusal: Option<DecodeError>,
}

impl State<'_> {
    fn refuse<E: de::Error>(&mut self, error: DecodeError) -> E {
        self.refusal = Some(error);
        E::custom("refused")
    }
}

struct PayloadVisitor<'s, 'c>(&'s mut State<'c>);

impl<'de> Visitor<'de> for PayloadVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        ObjectVisitor { state: self.0, index: None }.visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0;
        while seq.next_element_seed(ObjectVisitor { state: self.0, index: Some(index) })?.is_some()
        {
            index += 1;
        }
        Ok(())
    }
}

struct ObjectVisitor<'s, 'c> {
    state: &'s mut State<'c>,
    /// Its place in the array.
    index: Option<usize>,
}

/// The members of one object beside its values, as they stand there.
#[derive(Default)]
struct Members<'de> {
    time: Option<Token<'de>>,
    since: Option<Token<'de>>,
    seq: Option<Token<'de>>,
    boot: Option<Token<'de>>,
    position: Option<Token<'de>>,
    /// The keys of `values`, once it was seen.
    keys: Option<Vec<Cow<'de, str>>>,
}

impl<'de> DeserializeSeed<'de> for ObjectVisitor<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with time and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let ObjectVisitor { state, index } = self;
        state.collector.count_element().map_err(|error| state.refuse(error))?;
        let first_reading = state.collector.readings.len();

        let mut members = Members::default();
        while let Some(Key(key)) = map.next_key()? {
            let member = match key.as_ref() {
                "values" if members.keys.is_none() => {
                    let seed = ValuesVisitor { state, index };
                    members.keys = Some(map.next_value_seed(seed)?);
                    continue;
                }
                "values" => return Err(state.refuse(DecodeError::DuplicateKey(shown(&key)))),
                "time" => &mut members.time,
                "since" => &mut members.since,
                "seq" => &mut members.seq,
                "boot" => &mut members.boot,
                "position" => &mut members.position,
                _ => return Err(state.refuse(DecodeError::UnknownMember(shown(&key)))),
            };
            if member.is_some() {
                return Err(state.refuse(DecodeError::DuplicateKey(shown(&key))));
            }
            *member = Some(map.next_value()?);
        }
        state.finish_object(index, first_reading, members).map_err(|error| state.refuse(error))
    }
}

struct ValuesVisitor<'s, 'c> {
    state: &'s mut State<'c>,
    index: Option<usize>,
}

impl<'de> DeserializeSeed<'de> for ValuesVisitor<'_, '_> {
    type Value = Vec<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ValuesVisitor<'_, '_> {
    type Value = Vec<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of numbers by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let ValuesVisitor { state, index } = self;
        let limits = state.context.limits;
        let mut keys = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            let token: Token<'de> = map.next_value()?;
            state
                .collector
                .add(reading(&key, &token, limits), || pointer(index, &["values", &key]))
                .map_err(|error| state.refuse(error))?;
            keys.push(key);
        }
        Ok(keys)
    }
}

/// Its time comes when the object ends.
fn reading(name: &str, token: &Token<'_>, limits: &Limits) -> Result<Reading, DecodeError> {
    check_length(name, limits)?;
    let (property, channel) = Reading::parse_name(name).map_err(DecodeError::BadName)?;
    let Token::Number(text) = token else {
        return Err(DecodeError::bad_value(token.kind()));
    };
    let value = json_text::number(text);
    if !value.is_finite() {
        return Err(DecodeError::NotFinite);
    }
    Ok(Reading { property, channel, value, unit: None, time: ReadingTime::Arrival, since: None })
}

fn check_length(text: &str, limits: &Limits) -> Result<(), DecodeError> {
    if text.len() > limits.string_bytes {
        return Err(DecodeError::StringTooLong { found: text.len(), limit: limits.string_bytes });
    }
    Ok(())
}

impl State<'_> {
    fn finish_object(
        &mut self,
        index: Option<usize>,
        first_reading: usize,
        members: Members<'_>,
    ) -> Result<(), DecodeError> {
        let Members { time, since, seq, boot, position, keys } = members;
        let boot = boot.map(|token| whole_number(&token, "boot")).transpose()?;
        if let Some(token) = seq {
            self.sequence = Some(Sequence { boot, seq: whole_number(&token, "seq")? });
        }

        let mut keys = keys.unwrap_or_default();
        if position.is_some() {
            keys.extend([LONGITUDE, LATITUDE].map(Cow::Borrowed));
        }
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(DecodeError::DuplicateKey(shown(&pair[0])));
        }

        let first_of_position = self.collector.readings.len();
        if let Some(token) = position {
            self.add_position(index, &token)?;
        }
        let readings = &mut self.collector.readings;
        match interval(time.as_ref(), since.as_ref(), self.context) {
            Ok((time, since)) => {
                for (at, reading) in readings.iter_mut().enumerate().skip(first_reading) {
                    reading.time = time;
                    reading.since = since.filter(|_| at < first_of_position);
                }
            }
            Err(error) => {
                let lost = readings.split_off(first_reading);
                self.lose(index, &lost, first_of_position - first_reading, &error);
            }
        }
        Ok(())
    }

    /// Adds two readings, or a problem for each of the two.
    fn add_position(&mut self, index: Option<usize>, token: &Token<'_>) -> Result<(), DecodeError> {
        let (longitude, latitude) = match parse_position(token) {
            Ok(position) => (
                Ok(plain_reading(POSITION_LONGITUDE, position.longitude())),
                Ok(plain_reading(POSITION_LATITUDE, position.latitude())),
            ),
            Err(error) => (Err(error.clone()), Err(error)),
        };
        self.collector.add(longitude, || pointer(index, &["position", "0"]))?;
        self.collector.add(latitude, || pointer(index, &["position", "1"]))
    }

    /// A bad time costs every reading of its object; the last of `lost`, from
    /// `n_values` on, are those of its position.
    fn lose(
        &mut self,
        index: Option<usize>,
        lost: &[Reading],
        n_values: usize,
        error: &DecodeError,
    ) {
        for (at, reading) in lost.iter().enumerate() {
            let pointer = if at < n_values {
                pointer(index, &["values", &name_of(reading)])
            } else {
                pointer(index, &["position", if at == n_values { "0" } else { "1" }])
            };
            self.collector.problems.push(ReadingProblem { pointer, error: error.clone() });
        }
    }
}

fn plain_reading(property: PropertyId, value: f64) -> Reading {
    let time = ReadingTime::Arrival;
    Reading { property, channel: None, value, unit: None, time, since: None }
}

fn parse_position(token: &Token<'_>) -> Result<Position, DecodeError> {
    let Token::Array(raw) = token else {
        return Err(DecodeError::BadPosition(format!("is {}", token.kind())));
    };
    let [longitude, latitude] = serde_json::from_str::<[f64; 2]>(raw)
        .map_err(|_| DecodeError::BadPosition(format!("`{}` is no pair of numbers", shown(raw))))?;
    Position::new(longitude, latitude)
        .map_err(|_| DecodeError::BadPosition(format!("`{}` is not on the globe", shown(raw))))
}

/// When the values were true, and since when they are totals.
fn interval(
    time: Option<&Token<'_>>,
    since: Option<&Token<'_>>,
    context: &Context<'_>,
) -> Result<(ReadingTime, Option<Time>), DecodeError> {
    let time = match time {
        Some(token) => ReadingTime::At(parse_time(token, context.limits)?),
        None => ReadingTime::Arrival,
    };
    let since = since.map(|token| parse_time(token, context.limits)).transpose()?;
    let resolved = resolve_time(time, context.received).time;
    match since {
        Some(since) if resolved <= since => Err(DecodeError::BadInterval { since, time: resolved }),
        _ => Ok((time, since)),
    }
}

fn parse_time(token: &Token<'_>, limits: &Limits) -> Result<Time, DecodeError> {
    match token {
        Token::Text(text) => {
            check_length(text, limits)?;
            Time::parse(text).map_err(DecodeError::of_time)
        }
        Token::Number(text) => {
            let millis: i64 = text.parse().map_err(|_| DecodeError::bad_time(text))?;
            Time::from_millis(millis).map_err(DecodeError::of_time)
        }
        _ => Err(DecodeError::bad_time(token.kind())),
    }
}

fn whole_number<N: std::str::FromStr>(
    token: &Token<'_>,
    member: &'static str,
) -> Result<N, DecodeError> {
    let found = match token {
        Token::Number(text) => text,
        _ => token.kind(),
    };
    let bits = 8 * u32::try_from(size_of::<N>()).expect("a number has a few bytes");
    found.parse().map_err(|_| DecodeError::BadSequence { member, found: shown(found), bits })
}

/// A key, borrowed from the payload unless it has escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

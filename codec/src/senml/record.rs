//! One SenML record as it stands in its pack, before base fields are resolved.

use std::fmt;

use serde::de::{
    Deserialize, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::label::{Key, Label};
use crate::DecodeError;
use crate::json_text::{Token, number};

/// The value of one label, as far as SenML has use for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    /// Perhaps not finite.
    Number(f64),
    Text(String),
    Bool(bool),
    /// Anything else, by what it is called in an error.
    Other(&'static str),
}

impl Scalar {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Scalar::Number(_) => "a number",
            Scalar::Text(_) => "a text",
            Scalar::Bool(_) => "a boolean",
            Scalar::Other(kind) => kind,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Record {
    fields: [Option<Scalar>; Label::ALL.len()],
    /// Why the whole pack is to be refused.
    pub(super) defect: Option<DecodeError>,
}

impl Record {
    pub(super) fn has(&self, label: Label) -> bool {
        self.fields[label as usize].is_some()
    }

    pub(super) fn take(&mut self, label: Label) -> Option<Scalar> {
        self.fields[label as usize].take()
    }

    fn set(&mut self, label: Label, scalar: Scalar) {
        let field = &mut self.fields[label as usize];
        if field.is_some() {
            self.defect.get_or_insert(DecodeError::DuplicateKey(label.text().to_owned()));
        }
        *field = Some(scalar);
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Record, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a senml record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record::default();
        while let Some(key) = map.next_key()? {
            match key {
                // These may be long and are never read: they are not copied.
                Key::Known(label @ (Label::StringValue | Label::DataValue)) => {
                    map.next_value::<IgnoredAny>()?;
                    record.set(label, Scalar::Other("a text or data"));
                }
                Key::Known(label) => {
                    let scalar = map.next_value()?;
                    record.set(label, scalar);
                }
                Key::MustUnderstand(text) => {
                    map.next_value::<IgnoredAny>()?;
                    record.defect.get_or_insert(DecodeError::UnknownLabel(text));
                }
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(record)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        if !deserializer.is_human_readable() {
            return deserializer.deserialize_any(CborVisitor);
        }
        Ok(match Token::deserialize(deserializer)? {
            Token::Number(text) => Scalar::Number(number(text)),
            Token::Text(text) => Scalar::Text(text.into_owned()),
            Token::Bool(value) => Scalar::Bool(value),
            other => Scalar::Other(other.kind()),
        })
    }
}

/// Reads one CBOR value; whole numbers beyond 2^53 become the nearest `f64`, as
/// the same number in JSON does. Each method reads its value to the end, as ciborium
/// would take what is left over for the next item.
struct CborVisitor;

impl<'de> Visitor<'de> for CborVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, text or boolean")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(text))
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Scalar, E> {
        Ok(Scalar::Other("data"))
    }

    fn visit_none<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Scalar, A::Error> {
        IgnoredAny.visit_seq(seq).map(|_| Scalar::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
        IgnoredAny.visit_map(map).map(|_| Scalar::Other("a map"))
    }

    /// This is how ciborium presents a tag: the variant is its own word for
    /// "tagged", the content a pair of the tag and what it stands before.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Scalar, A::Error> {
        let (IgnoredAny, tagged) = data.variant()?;
        tagged.tuple_variant(2, TagVisitor)
    }
}

const TAG_DECIMAL_FRACTION: u64 = 4;

struct TagVisitor;

impl<'de> Visitor<'de> for TagVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tag and its content")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        if seq.next_element()? == Some(TAG_DECIMAL_FRACTION) {
            let fraction: Option<DecimalFraction> = seq.next_element()?;
            return Ok(fraction.map_or(Scalar::Other("an empty tag"), |fraction| fraction.0));
        }
        seq.next_element::<IgnoredAny>()?;
        Ok(Scalar::Other("a tagged value"))
    }
}

/// `[exponent, mantissa]`, both whole: mantissa · 10^exponent.
struct DecimalFraction(Scalar);

impl<'de> Deserialize<'de> for DecimalFraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DecimalFraction, D::Error> {
        deserializer.deserialize_any(FractionVisitor)
    }
}

struct FractionVisitor;

impl<'de> Visitor<'de> for FractionVisitor {
    type Value = DecimalFraction;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exponent and a mantissa")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<DecimalFraction, A::Error> {
        let exponent: Option<i64> = seq.next_element()?;
        let mantissa: Option<i128> = seq.next_element()?;
        let is_longer = seq.next_element::<IgnoredAny>()?.is_some();
        match (exponent, mantissa) {
            // Through text: the nearest `f64`, where a power of ten would round twice.
            (Some(exponent), Some(mantissa)) if !is_longer => {
                Ok(DecimalFraction(Scalar::Number(number(&format!("{mantissa}e{exponent}")))))
            }
            _ => Err(A::Error::custom("a decimal fraction has an exponent and a mantissa")),
        }
    }
}

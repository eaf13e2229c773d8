//! From the bytes of a pack to its records, in JSON and in CBOR.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use super::cbor_scan;
use super::record::Record;
use super::resolve::Resolver;
use crate::error::syntax;
use crate::json_text;
use crate::{Context, DecodeError, Decoded};

pub(crate) fn decode_json(payload: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let text = json_text::checked(payload, context.limits)?;
    let mut resolver = Resolver::new(context);
    let mut refusal = None;
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let visitor = PackVisitor { resolver: &mut resolver, refusal: &mut refusal };
    let parsed = deserializer.deserialize_seq(visitor).and_then(|()| deserializer.end());
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    parsed.map_err(|error| syntax(&error))?;
    resolver.finish()
}

/// Resolves each record as it comes.
struct PackVisitor<'s, 'c> {
    resolver: &'s mut Resolver<'c>,
    /// Why the visitor stopped; serde's error only unwinds the parser.
    refusal: &'s mut Option<DecodeError>,
}

impl<'de> Visitor<'de> for PackVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of senml records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(record) = seq.next_element()? {
            if let Err(error) = self.resolver.add(record) {
                *self.refusal = Some(error);
                return Err(de::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

pub(crate) fn decode_cbor(payload: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let limits = context.limits;
    cbor_scan::check(payload, limits)?;
    let pack: Pack = ciborium::de::from_reader_with_recursion_limit(payload, limits.depth)
        .map_err(|error| match error {
            ciborium::de::Error::RecursionLimitExceeded => {
                DecodeError::TooDeep { limit: limits.depth }
            }
            ciborium::de::Error::Semantic(_, message) => syntax(&message),
            ciborium::de::Error::Syntax(offset) => syntax(&format!("no cbor at byte {offset}")),
            ciborium::de::Error::Io(error) => syntax(&error),
        })?;
    let mut resolver = Resolver::new(context);
    for record in pack.0 {
        resolver.add(record)?;
    }
    resolver.finish()
}

/// All records of a pack. ciborium's reader takes no state, so they are kept;
/// `cbor_scan` has counted them before.
struct Pack(Vec<Record>);

impl<'de> Deserialize<'de> for Pack {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pack, D::Error> {
        struct RecordsVisitor;

        impl<'de> Visitor<'de> for RecordsVisitor {
            type Value = Pack;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of senml records")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Pack, A::Error> {
                let mut records = Vec::new();
                while let Some(record) = seq.next_element()? {
                    records.push(record);
                }
                Ok(Pack(records))
            }
        }

        deserializer.deserialize_seq(RecordsVisitor)
    }
}

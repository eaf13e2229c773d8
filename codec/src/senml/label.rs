//! The labels of a record, in JSON and in CBOR (RFC 8428, table 4).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Expands one table into the enum and both of its spellings.
macro_rules! labels {
    ($($variant:ident $text:literal $integer:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Label { $($variant,)* }

        impl Label {
            pub(super) const ALL: &'static [Label] = &[$(Label::$variant,)*];

            pub(super) fn text(self) -> &'static str {
                match self { $(Label::$variant => $text,)* }
            }

            pub(super) fn integer(self) -> i64 {
                match self { $(Label::$variant => $integer,)* }
            }

            fn from_text(text: &str) -> Option<Label> {
                match text { $($text => Some(Label::$variant),)* _ => None }
            }

            fn from_integer(integer: i64) -> Option<Label> {
                match integer { $($integer => Some(Label::$variant),)* _ => None }
            }
        }
    };
}

labels! {
    BaseVersion "bver" -1;
    BaseName "bn" -2;
    BaseTime "bt" -3;
    BaseUnit "bu" -4;
    BaseValue "bv" -5;
    BaseSum "bs" -6;
    Name "n" 0;
    Unit "u" 1;
    Value "v" 2;
    StringValue "vs" 3;
    BooleanValue "vb" 4;
    Sum "s" 5;
    Time "t" 6;
    UpdateTime "ut" 7;
    DataValue "vd" 8;
}

/// A key of a record. CBOR's integers are the only labels RFC 8428 has there,
/// but what was JSON before often keeps its texts; both are read.
#[derive(Debug, PartialEq)]
pub(super) enum Key {
    Known(Label),
    /// Ends in `_`: a reader that does not know it must refuse the pack.
    MustUnderstand(String),
    Unknown,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a senml label")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
        Ok(match Label::from_text(text) {
            Some(label) => Key::Known(label),
            None if text.ends_with('_') => Key::MustUnderstand(crate::error::shown(text)),
            None => Key::Unknown,
        })
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Key, E> {
        Ok(Label::from_integer(integer).map_or(Key::Unknown, Key::Known))
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<Key, E> {
        i64::try_from(integer).map_or(Ok(Key::Unknown), |integer| self.visit_i64(integer))
    }

    // CBOR allows anything as a key; what is no label is unknown.

    fn visit_i128<E: Error>(self, _: i128) -> Result<Key, E> {
        Ok(Key::Unknown)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Key, E> {
        Ok(Key::Unknown)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Key, E> {
        Ok(Key::Unknown)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Key, E> {
        Ok(Key::Unknown)
    }

    fn visit_none<E: Error>(self) -> Result<Key, E> {
        Ok(Key::Unknown)
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Key, E> {
        Ok(Key::Unknown)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Key, A::Error> {
        IgnoredAny.visit_seq(seq).map(|_| Key::Unknown)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Key, A::Error> {
        IgnoredAny.visit_map(map).map(|_| Key::Unknown)
    }

    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, data: A) -> Result<Key, A::Error> {
        IgnoredAny.visit_enum(data).map(|_| Key::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_lead_back_to_their_label() {
        for &label in Label::ALL {
            assert_eq!(Label::from_text(label.text()), Some(label));
            assert_eq!(Label::from_integer(label.integer()), Some(label));
            assert_eq!(Label::ALL[label as usize], label);
        }
    }
}

//! Checked identifiers. Whoever holds one knows that it fits its grammar, so it
//! can be an MQTT user, a topic level, a file name or a tag without escaping.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{found}` does not fit {grammar}")]
pub struct IdError {
    what: &'static str,
    grammar: &'static str,
    found: String,
}

/// How much of a refused text an error repeats.
const SHOWN_MAX: usize = 80;

impl IdError {
    fn new(what: &'static str, grammar: &'static str, found: &str) -> IdError {
        IdError { what, grammar, found: found.escape_debug().take(SHOWN_MAX).collect() }
    }
}

fn is_lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Derives what every string id has: text form, parsing, serde by text.
macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<$name, IdError> {
                $name::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<$name, IdError> {
                $name::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.to_string()
            }
        }
    };
}

/// A thing: `[a-z0-9][a-z0-9_-]{0,63}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ThingId(Arc<str>);

text_id!(ThingId);

impl ThingId {
    pub const GRAMMAR: &'static str = "[a-z0-9][a-z0-9_-]{0,63}";

    pub fn parse(text: &str) -> Result<ThingId, IdError> {
        let fits = match text.as_bytes() {
            [first, rest @ ..] => {
                is_lower_or_digit(*first)
                    && rest.len() <= 63
                    && rest.iter().all(|&b| is_lower_or_digit(b) || b == b'_' || b == b'-')
            }
            [] => false,
        };
        if fits {
            Ok(ThingId(text.into()))
        } else {
            Err(IdError::new("thing id", ThingId::GRAMMAR, text))
        }
    }
}

/// A document 文书 (signal, response, order, bulletin, act): the grammar of
/// things.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DocumentId(Arc<str>);

text_id!(DocumentId);

impl DocumentId {
    pub const GRAMMAR: &'static str = ThingId::GRAMMAR;

    pub fn parse(text: &str) -> Result<DocumentId, IdError> {
        match ThingId::parse(text) {
            Ok(ThingId(text)) => Ok(DocumentId(text)),
            Err(_) => Err(IdError::new("document id", DocumentId::GRAMMAR, text)),
        }
    }
}

/// An observed property: `[a-z][a-z0-9_]{0,63}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PropertyId(Cow<'static, str>);

text_id!(PropertyId);

const fn is_property_text(text: &[u8]) -> bool {
    if text.is_empty() || text.len() > 64 || !text[0].is_ascii_lowercase() {
        return false;
    }
    let mut i = 1;
    while i < text.len() {
        let byte = text[i];
        if !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            return false;
        }
        i += 1;
    }
    true
}

impl PropertyId {
    pub const GRAMMAR: &'static str = "[a-z][a-z0-9_]{0,63}";

    pub fn parse(text: &str) -> Result<PropertyId, IdError> {
        if is_property_text(text.as_bytes()) {
            Ok(PropertyId(Cow::Owned(text.to_owned())))
        } else {
            Err(IdError::new("property", PropertyId::GRAMMAR, text))
        }
    }

    /// For ids fixed in code; a text that does not fit fails the build when
    /// used for a constant.
    pub const fn from_static(text: &'static str) -> PropertyId {
        assert!(is_property_text(text.as_bytes()), "a property id does not fit its grammar");
        PropertyId(Cow::Borrowed(text))
    }
}

/// One of several datastreams of a property at a thing: `[a-z0-9_]{1,32}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Channel(Box<str>);

text_id!(Channel);

impl Channel {
    pub const GRAMMAR: &'static str = "[a-z0-9_]{1,32}";

    pub fn parse(text: &str) -> Result<Channel, IdError> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|b| is_lower_or_digit(b) || b == b'_');
        if fits {
            Ok(Channel(text.into()))
        } else {
            Err(IdError::new("channel", Channel::GRAMMAR, text))
        }
    }
}

/// `{thing}/{property}` or `{thing}/{property}:{channel}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatastreamId {
    pub thing: ThingId,
    pub property: PropertyId,
    pub channel: Option<Channel>,
}

impl DatastreamId {
    pub fn parse(text: &str) -> Result<DatastreamId, IdError> {
        let Some((thing, stream)) = text.split_once('/') else {
            return Err(IdError::new("datastream", "{thing}/{property}[:{channel}]", text));
        };
        let (property, channel) = parse_property_and_channel(stream)?;
        Ok(DatastreamId { thing: ThingId::parse(thing)?, property, channel })
    }

    /// `{property}` or `{property}:{channel}`: the id below its thing.
    pub fn local_name(&self) -> String {
        match &self.channel {
            Some(channel) => format!("{}:{channel}", self.property),
            None => self.property.to_string(),
        }
    }
}

/// Splits `{property}[:{channel}]`, the name a payload uses.
pub(crate) fn parse_property_and_channel(
    text: &str,
) -> Result<(PropertyId, Option<Channel>), IdError> {
    match text.split_once(':') {
        Some((property, channel)) => {
            Ok((PropertyId::parse(property)?, Some(Channel::parse(channel)?)))
        }
        None => Ok((PropertyId::parse(text)?, None)),
    }
}

impl fmt::Display for DatastreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.thing, self.property)?;
        match &self.channel {
            Some(channel) => write!(f, ":{channel}"),
            None => Ok(()),
        }
    }
}

impl FromStr for DatastreamId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<DatastreamId, IdError> {
        DatastreamId::parse(text)
    }
}

impl TryFrom<String> for DatastreamId {
    type Error = IdError;

    fn try_from(text: String) -> Result<DatastreamId, IdError> {
        DatastreamId::parse(&text)
    }
}

impl From<DatastreamId> for String {
    fn from(id: DatastreamId) -> String {
        id.to_string()
    }
}

/// A township's 9-digit statistical division code, `330225101` for 石浦镇.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TownshipCode(u32);

impl TownshipCode {
    pub const GRAMMAR: &'static str = "[1-9][0-9]{8}";

    pub fn parse(text: &str) -> Result<TownshipCode, IdError> {
        let is_code = text.len() == 9 && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(code) if is_code && text.as_bytes()[0] != b'0' => Ok(TownshipCode(code)),
            _ => Err(IdError::new("township code", TownshipCode::GRAMMAR, text)),
        }
    }
}

impl fmt::Display for TownshipCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TownshipCode {
    type Err = IdError;

    fn from_str(text: &str) -> Result<TownshipCode, IdError> {
        TownshipCode::parse(text)
    }
}

impl TryFrom<String> for TownshipCode {
    type Error = IdError;

    fn try_from(text: String) -> Result<TownshipCode, IdError> {
        TownshipCode::parse(&text)
    }
}

impl From<TownshipCode> for String {
    fn from(code: TownshipCode) -> String {
        code.to_string()
    }
}

/// Where a delivery came in: `embedded`, `http`, `redrive`, `import`, or
/// `mqtt_{name}` for a configured external broker. Grammar `[a-z][a-z0-9_-]{0,31}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceName(Arc<str>);

text_id!(SourceName);

impl SourceName {
    pub const GRAMMAR: &'static str = "[a-z][a-z0-9_-]{0,31}";

    pub fn parse(text: &str) -> Result<SourceName, IdError> {
        let fits = match text.as_bytes() {
            [first, rest @ ..] => {
                first.is_ascii_lowercase()
                    && rest.len() <= 31
                    && rest.iter().all(|&b| is_lower_or_digit(b) || b == b'_' || b == b'-')
            }
            [] => false,
        };
        if fits {
            Ok(SourceName(text.into()))
        } else {
            Err(IdError::new("source", SourceName::GRAMMAR, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_thing(text: &str, fits: bool) {
        assert_eq!(ThingId::parse(text).is_ok(), fits, "{text:?}");
    }

    #[test]
    fn thing_ids_follow_the_grammar() {
        check_thing("rain-017", true);
        check_thing("0", true);
        check_thing(&"a".repeat(64), true);
        check_thing(&"a".repeat(65), false);
        check_thing("", false);
        check_thing("-a", false);
        check_thing("Rain", false);
        check_thing("a/b", false);
        check_thing("雨", false);
        check_thing("a\n", false);
    }

    #[test]
    fn datastream_ids_round_trip() {
        for text in ["rain-017/rainfall_depth", "sh-1/supply_arriving_12h:water"] {
            assert_eq!(DatastreamId::parse(text).unwrap().to_string(), text);
        }
        for text in ["rain-017", "rain-017/", "/x", "a/b:", "a/b:C", "a/b/c"] {
            assert!(DatastreamId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn township_codes_have_nine_digits() {
        assert_eq!(TownshipCode::parse("330225101").unwrap().to_string(), "330225101");
        for text in ["33022510", "3302251010", "+30225101", "030225101", "33022510a"] {
            assert!(TownshipCode::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_error_never_repeats_control_characters_or_long_texts() {
        let error = ThingId::parse(&"\u{1b}[31m".repeat(100)).unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'));
        assert!(error.len() < 200);
    }
}

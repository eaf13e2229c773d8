//! Why a payload, or one value of it, is refused. The code is the quarantine
//! reason and the metric label; the text is for the person who mends the device.

use model::{IdError, Reading, Time, TimeError, Unit};

use crate::Codec;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DecodeError {
    // These refuse the payload as a whole.
    #[error("payload has {found} bytes, the limit is {limit}; send fewer readings at once")]
    PayloadTooLarge { found: usize, limit: usize },
    #[error("payload is no utf-8 from byte {offset} on")]
    NotUtf8 { offset: usize },
    #[error("payload cannot be parsed: {0}")]
    Syntax(String),
    #[error("payload is nested deeper than {limit} levels")]
    TooDeep { limit: usize },
    #[error("payload has more than {limit} readings or objects; send several payloads")]
    TooManyReadings { limit: usize },
    #[error("payload has no reading")]
    Empty,
    #[error("key `{0}` is there twice; send it once")]
    DuplicateKey(String),
    #[error(
        "member `{0}` is unknown; known are time, since, seq, boot, position and values, \
         and what was measured belongs into values"
    )]
    UnknownMember(String),
    #[error("{member} `{found}` is no whole number that fits {bits} bits")]
    BadSequence { member: &'static str, found: String, bits: u32 },
    #[error("senml version {0} is not supported; versions up to 10 are")]
    UnsupportedVersion(String),
    #[error("senml label `{0}` must be understood, and is not")]
    UnknownLabel(String),
    #[error("senml base field `{label}` is {found}, expected {expected}")]
    BadBaseField { label: &'static str, found: &'static str, expected: &'static str },
    #[error("no property is registered for the raw payloads of thing `{0}`")]
    NoRawProperty(String),

    // These cost one value; of a raw payload that is all there is.
    #[error("value is {found}, expected a number")]
    BadValue { found: String },
    #[error("value is no finite 64-bit number; leave out what was not measured")]
    NotFinite,
    #[error("record has no value")]
    MissingValue,
    #[error("record has a sum without a value; send v beside s")]
    SumWithoutValue,
    #[error("record has more than one of v, vs, vb and vd")]
    SeveralValues,
    #[error(transparent)]
    BadName(IdError),
    #[error("text has {found} bytes, the limit is {limit}")]
    StringTooLong { found: usize, limit: usize },
    #[error("name `{found}` is of another thing than `{expected}`, which sent it")]
    WrongThing { found: String, expected: String },
    #[error(transparent)]
    NaiveTime(TimeError),
    #[error(transparent)]
    BadTime(TimeError),
    #[error("since {since} is not before time {time}")]
    BadInterval { since: Time, time: Time },
    #[error("position {0}; write [longitude, latitude] in degrees")]
    BadPosition(String),
    #[error("unit `{0}` is unknown; use a senml unit or a ucum code such as mm, m/s, Cel, hPa")]
    UnknownUnit(String),
}

impl DecodeError {
    /// The same for every payload with the same fault; never has device text.
    pub fn code(&self) -> &'static str {
        match self {
            DecodeError::PayloadTooLarge { .. } => "payload_too_large",
            DecodeError::NotUtf8 { .. } => "not_utf8",
            DecodeError::Syntax(_) => "syntax",
            DecodeError::TooDeep { .. } => "too_deep",
            DecodeError::TooManyReadings { .. } => "too_many_readings",
            DecodeError::Empty => "empty",
            DecodeError::DuplicateKey(_) => "duplicate_key",
            DecodeError::UnknownMember(_) => "unknown_member",
            DecodeError::BadSequence { .. } => "bad_sequence",
            DecodeError::UnsupportedVersion(_) => "unsupported_version",
            DecodeError::UnknownLabel(_) => "unknown_label",
            DecodeError::BadBaseField { .. } => "bad_base_field",
            DecodeError::NoRawProperty(_) => "no_raw_property",
            DecodeError::BadValue { .. } => "bad_value",
            DecodeError::NotFinite => "not_finite",
            DecodeError::MissingValue => "missing_value",
            DecodeError::SumWithoutValue => "sum_without_value",
            DecodeError::SeveralValues => "several_values",
            DecodeError::BadName(_) => "bad_name",
            DecodeError::StringTooLong { .. } => "string_too_long",
            DecodeError::WrongThing { .. } => "wrong_thing",
            DecodeError::NaiveTime(_) => "naive_time",
            DecodeError::BadTime(_) => "bad_time",
            DecodeError::BadInterval { .. } => "bad_interval",
            DecodeError::BadPosition(_) => "bad_position",
            DecodeError::UnknownUnit(_) => "unknown_unit",
        }
    }

    pub(crate) fn of_time(error: TimeError) -> DecodeError {
        match error {
            TimeError::Naive(_) => DecodeError::NaiveTime(error),
            TimeError::Syntax(_) | TimeError::Range(_) => DecodeError::BadTime(error),
        }
    }

    /// For a time that is not even a text or a number of the right kind.
    pub(crate) fn bad_time(found: &str) -> DecodeError {
        DecodeError::BadTime(TimeError::Syntax(shown(found)))
    }

    /// For a value of a kind that is no number.
    pub(crate) fn bad_value(kind: &str) -> DecodeError {
        DecodeError::BadValue { found: kind.to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EncodeError {
    #[error("there is no reading to encode")]
    Empty,
    #[error("value of `{name}` is not finite")]
    NotFinite { name: String },
    #[error("codec {codec} has no place for a sequence number")]
    NoSequence { codec: Codec },
    #[error("codec {codec} has no place for unit `{unit}` of `{name}`; convert the value first")]
    NoUnit { codec: Codec, name: String, unit: Unit },
    #[error("codec {codec} cannot write the time of `{name}`")]
    NoTime { codec: Codec, name: String },
    #[error("codec {codec} cannot write since when `{name}` is a total")]
    NoSince { codec: Codec, name: String },
    #[error("codec raw writes one reading without channel, got {found} or a channel")]
    NotOneReading { found: usize },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("codec `{0}` is unknown; use json, senml, senml-cbor or raw")]
pub struct UnknownCodec(pub(crate) String);

/// How much of a device's text an error repeats.
const SHOWN_MAX: usize = 80;

/// Device text made fit for logs and pages.
pub(crate) fn shown(text: &str) -> String {
    text.escape_debug().take(SHOWN_MAX).collect()
}

/// A parser's message, which may repeat device text of any length.
pub(crate) fn syntax(message: &impl std::fmt::Display) -> DecodeError {
    let message_max = 3 * SHOWN_MAX;
    let is_plain = |c: &char| !c.is_control();
    DecodeError::Syntax(message.to_string().chars().filter(is_plain).take(message_max).collect())
}

/// `{property}` or `{property}:{channel}`.
pub(crate) fn name_of(reading: &Reading) -> String {
    match &reading.channel {
        Some(channel) => format!("{}:{channel}", reading.property),
        None => reading.property.to_string(),
    }
}

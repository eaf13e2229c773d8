//! What a device said, before any check against the registry.

use crate::id::parse_property_and_channel;
use crate::{Channel, IdError, PropertyId, Time, Unit};

/// When a reading was true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadingTime {
    /// The payload says so.
    At(Time),
    /// The payload has no time: it is that of arrival, and flagged.
    Arrival,
    /// SenML's time relative to arrival, in milliseconds (`t` below 2^28).
    RelativeToArrival(i64),
}

/// One value as decoded: finite, with a well-formed name, not yet matched
/// with a datastream.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub property: PropertyId,
    pub channel: Option<Channel>,
    pub value: f64,
    /// What the payload calls its unit; `None` means the property's own.
    pub unit: Option<Unit>,
    pub time: ReadingTime,
    /// Set when the value is a total of `[since, time]`.
    pub since: Option<Time>,
}

impl Reading {
    /// Splits a payload's `{property}` or `{property}:{channel}`.
    pub fn parse_name(text: &str) -> Result<(PropertyId, Option<Channel>), IdError> {
        parse_property_and_channel(text)
    }
}

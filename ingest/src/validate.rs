//! Is a reading one that its thing may send? The codes are quarantine reasons.

use model::{
    Catalogue, Channel, ObservedProperty, PropertyId, Reading, ThingId, ThingKind, Time, UnitError,
};
use store::ThingRefusal;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ValidateError {
    #[error("thing `{0}` is not registered")]
    UnknownThing(ThingId),
    #[error("thing `{0}` is retired; put it into service again or correct the topic")]
    RetiredThing(ThingId),
    #[error("property `{0}` is not in the catalogue")]
    UnknownProperty(PropertyId),
    #[error("property `{0}` is computed by the program and cannot be reported")]
    ComputedProperty(PropertyId),
    #[error("property `{property}` is not one of a {kind}")]
    PropertyNotOfKind { property: PropertyId, kind: ThingKind },
    #[error("property `{property}` has no channel `{channel}`")]
    BadChannel { property: PropertyId, channel: String },
    #[error("property `{property}`: {error}")]
    UnitMismatch { property: PropertyId, error: UnitError },
    #[error("property `{0}` has a value that is no finite number in its own unit")]
    NotFinite(PropertyId),
    #[error("property `{property}` has time {time}, later than {latest}")]
    FutureTime { property: PropertyId, time: Time, latest: Time },
    #[error("property `{property}` has time {time}, before {earliest}")]
    TooOld { property: PropertyId, time: Time, earliest: Time },
    #[error(transparent)]
    TooManyDatastreams(ThingRefusal),
}

impl ValidateError {
    /// The quarantine reason and metric label.
    pub fn code(&self) -> &'static str {
        match self {
            ValidateError::UnknownThing(_) => "unknown_thing",
            ValidateError::RetiredThing(_) => "retired_thing",
            ValidateError::UnknownProperty(_) => "unknown_property",
            ValidateError::ComputedProperty(_) => "computed_property",
            ValidateError::PropertyNotOfKind { .. } => "property_not_of_kind",
            ValidateError::BadChannel { .. } => "bad_channel",
            ValidateError::UnitMismatch { .. } => "unit_mismatch",
            ValidateError::NotFinite(_) => "not_finite",
            ValidateError::FutureTime { .. } => "future_time",
            ValidateError::TooOld { .. } => "too_old",
            ValidateError::TooManyDatastreams(_) => "too_many_datastreams",
        }
    }
}

/// Between which times a reading may lie; both ends belong to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeBounds {
    pub(crate) earliest: Time,
    pub(crate) latest: Time,
}

/// The catalogue's entry, if a thing of this kind may report it.
pub(crate) fn property_of<'c>(
    catalogue: &'c Catalogue,
    property: &PropertyId,
    channel: Option<&Channel>,
    kind: ThingKind,
) -> Result<&'c ObservedProperty, ValidateError> {
    let Some(entry) = catalogue.find(property) else {
        return Err(ValidateError::UnknownProperty(property.clone()));
    };
    if entry.is_computed() {
        return Err(ValidateError::ComputedProperty(property.clone()));
    }
    if !entry.is_of_kind(kind) {
        return Err(ValidateError::PropertyNotOfKind { property: property.clone(), kind });
    }
    if !entry.allows_channel(channel) {
        let channel = channel.map_or_else(|| "(none)".to_owned(), ToString::to_string);
        return Err(ValidateError::BadChannel { property: property.clone(), channel });
    }
    Ok(entry)
}

/// The reading's value in the property's own unit.
pub(crate) fn value_of(reading: &Reading, entry: &ObservedProperty) -> Result<f64, ValidateError> {
    let value = match reading.unit {
        None => reading.value,
        Some(unit) => unit
            .convert(reading.value, entry.spec.unit, entry.spec.molar_mass)
            .map_err(|error| ValidateError::UnitMismatch { property: entry.id.clone(), error })?,
    };
    if value.is_finite() { Ok(value) } else { Err(ValidateError::NotFinite(entry.id.clone())) }
}

pub(crate) fn check_time(
    property: &PropertyId,
    time: Time,
    bounds: TimeBounds,
) -> Result<(), ValidateError> {
    if bounds.latest < time {
        let latest = bounds.latest;
        return Err(ValidateError::FutureTime { property: property.clone(), time, latest });
    }
    if time < bounds.earliest {
        let earliest = bounds.earliest;
        return Err(ValidateError::TooOld { property: property.clone(), time, earliest });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::{ReadingTime, Unit};

    use super::*;
    use crate::testing;

    /// A reading of `name` from a hydromet station; the code it is refused with.
    #[track_caller]
    fn check(name: &str, value: f64, unit: Option<Unit>, expected: Result<f64, &str>) {
        let catalogue = testing::catalogue();
        let (property, channel) = Reading::parse_name(name).unwrap();
        let reading = Reading {
            property,
            channel,
            value,
            unit,
            time: ReadingTime::At(Time::EPOCH),
            since: None,
        };
        let found = property_of(
            &catalogue,
            &reading.property,
            reading.channel.as_ref(),
            ThingKind::HydrometStation,
        )
        .and_then(|entry| value_of(&reading, entry));
        assert_eq!(found.map_err(|error| error.code()), expected);
    }

    #[test]
    fn a_reading_of_the_things_kind_is_taken_in_its_own_unit() {
        check("water_level", 1.25, None, Ok(1.25));
        check("water_level", 125.0, Some(Unit::Centimetre), Ok(1.25));
        check("water_level:upstream", 1.25, Some(Unit::Metre), Ok(1.25));
    }

    #[test]
    fn each_fault_has_its_code() {
        check("no_such_thing", 1.0, None, Err("unknown_property"));
        check("rainfall_1h", 1.0, None, Err("computed_property"));
        check("crane_tilt", 1.0, None, Err("property_not_of_kind"));
        check("water_level", 1.0, Some(Unit::Celsius), Err("unit_mismatch"));
        check("water_level", f64::NAN, None, Err("not_finite"));
        check("water_level", 1e307, Some(Unit::Kilometre), Err("not_finite"));
        check("power_state:nonsense", 1.0, None, Err("bad_channel"));
        check("power_state", 1.0, None, Err("bad_channel"));
        check("power_state:mains", 1.0, None, Ok(1.0));
    }

    #[test]
    fn times_outside_the_bounds_are_refused() {
        let property = PropertyId::from_static("water_level");
        let at = |millis| Time::from_millis(millis).unwrap();
        let bounds = TimeBounds { earliest: at(100), latest: at(200) };
        let code =
            |millis| check_time(&property, at(millis), bounds).map_err(|error| error.code()).err();
        assert_eq!(code(100), None);
        assert_eq!(code(200), None);
        assert_eq!(code(99), Some("too_old"));
        assert_eq!(code(201), Some("future_time"));
    }
}

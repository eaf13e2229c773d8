//! Durations as configuration writes them: `"250ms"`, `"30s"`, `"10min"`,
//! `"72h"`, `"30d"`. Use with `#[serde(with = "model::duration_text")]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no duration; write a whole number with ms, s, min, h or d, like 30s")]
pub struct DurationError(String);

/// Milliseconds of each unit, largest first.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let refused = || DurationError(text.escape_debug().take(40).collect());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| refused())?;
    let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refused)?;
    number.checked_mul(*unit_ms).map(Duration::from_millis).ok_or_else(refused)
}

/// The shortest text that [`parse`] turns back into the same duration.
pub fn format(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (name, unit_ms) = UNITS
        .into_iter()
        .find(|(_, unit_ms)| millis != 0 && millis % unit_ms == 0)
        .unwrap_or(("s", 1_000));
    format!("{}{name}", millis / unit_ms)
}

pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

/// The same for `Option<Duration>`.
pub mod option {
    use super::*;

    pub fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_some(&format(*duration)),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            Some(text) => parse(&text).map(Some).map_err(serde::de::Error::custom),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for text in ["250ms", "30s", "10min", "72h", "30d", "0s"] {
            assert_eq!(format(parse(text).unwrap()), if text == "72h" { "3d" } else { text });
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "10", "min", "1.5h", "-1s", "10 min", "99999999999999999999d"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}

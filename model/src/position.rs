//! A position on the globe, WGS 84.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawPosition", into = "RawPosition")]
pub struct Position {
    longitude: f64,
    latitude: f64,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("longitude {longitude}, latitude {latitude} is no position on the globe")]
pub struct PositionError {
    longitude: f64,
    latitude: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPosition {
    longitude: f64,
    latitude: f64,
}

impl Position {
    pub fn new(longitude: f64, latitude: f64) -> Result<Position, PositionError> {
        let is_on_globe =
            (-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude);
        if is_on_globe {
            Ok(Position { longitude, latitude })
        } else {
            Err(PositionError { longitude, latitude })
        }
    }

    /// Degrees east.
    pub fn longitude(self) -> f64 {
        self.longitude
    }

    /// Degrees north.
    pub fn latitude(self) -> f64 {
        self.latitude
    }
}

impl TryFrom<RawPosition> for Position {
    type Error = PositionError;

    fn try_from(raw: RawPosition) -> Result<Position, PositionError> {
        Position::new(raw.longitude, raw.latitude)
    }
}

impl From<Position> for RawPosition {
    fn from(position: Position) -> RawPosition {
        RawPosition { longitude: position.longitude, latitude: position.latitude }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_off_the_globe_are_refused() {
        assert!(Position::new(121.95, 29.21).is_ok());
        assert!(Position::new(29.21, 121.95).is_err());
        assert!(Position::new(f64::NAN, 29.21).is_err());
    }
}

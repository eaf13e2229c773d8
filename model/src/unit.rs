//! Units of measure by their UCUM codes, and conversion between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a unit measures. Values convert inside one dimension only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Length,
    Speed,
    Angle,
    Temperature,
    Ratio,
    LowerExplosiveLimit,
    Pressure,
    Time,
    Voltage,
    Volume,
    RainRate,
    DisplacementRate,
    MassConcentration,
    Frequency,
    Count,
}

/// Expands one table into the enum, its UCUM codes and its factors, so that a
/// unit cannot be listed in one place and forgotten in another.
macro_rules! units {
    ($($variant:ident $code:literal $dimension:ident $factor:literal;)*) => {
        /// A unit of measure; the text form is its UCUM code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Unit { $($variant,)* }

        impl Unit {
            pub const ALL: &'static [Unit] = &[$(Unit::$variant,)*];

            pub fn ucum(self) -> &'static str {
                match self { $(Unit::$variant => $code,)* }
            }

            /// The dimension, and the factor to the dimension's first unit.
            fn scale(self) -> (Dimension, f64) {
                match self { $(Unit::$variant => (Dimension::$dimension, $factor),)* }
            }
        }
    };
}

units! {
    Metre "m" Length 1.0;
    Centimetre "cm" Length 0.01;
    Millimetre "mm" Length 0.001;
    Kilometre "km" Length 1000.0;
    NauticalMile "[nmi_i]" Length 1852.0;
    MetrePerSecond "m/s" Speed 1.0;
    KilometrePerHour "km/h" Speed 0.277_777_777_777_777_8;
    Knot "[kn_i]" Speed 0.514_444_444_444_444_5;
    Degree "deg" Angle 1.0;
    Radian "rad" Angle 57.295_779_513_082_32;
    Celsius "Cel" Temperature 1.0;
    Kelvin "K" Temperature 1.0;
    Fahrenheit "[degF]" Temperature 0.555_555_555_555_555_6;
    Percent "%" Ratio 0.01;
    Fraction "10*0" Ratio 1.0;
    PartPerThousand "[ppth]" Ratio 0.001;
    PartPerMillion "[ppm]" Ratio 0.000_001;
    PercentLel "%{LEL}" LowerExplosiveLimit 1.0;
    Pascal "Pa" Pressure 1.0;
    Hectopascal "hPa" Pressure 100.0;
    Kilopascal "kPa" Pressure 1000.0;
    Megapascal "MPa" Pressure 1_000_000.0;
    Bar "bar" Pressure 100_000.0;
    Second "s" Time 1.0;
    Millisecond "ms" Time 0.001;
    Minute "min" Time 60.0;
    Hour "h" Time 3600.0;
    Day "d" Time 86_400.0;
    Volt "V" Voltage 1.0;
    Millivolt "mV" Voltage 0.001;
    Litre "L" Volume 1.0;
    CubicMetre "m3" Volume 1000.0;
    MillimetrePerHour "mm/h" RainRate 1.0;
    MillimetrePerDay "mm/d" DisplacementRate 1.0;
    MilligramPerCubicMetre "mg/m3" MassConcentration 1.0;
    MicrogramPerCubicMetre "ug/m3" MassConcentration 0.001;
    Hertz "Hz" Frequency 1.0;
    One "1" Count 1.0;
    Person "{person}" Count 1.0;
    Meal "{meal}" Count 1.0;
    Item "{item}" Count 1.0;
    EnterpriseCount "{enterprise}" Count 1.0;
    Inspection "{inspection}" Count 1.0;
    HazardCount "{hazard}" Count 1.0;
    EventCount "{event}" Count 1.0;
    Grid "{grid}" Count 1.0;
    Report "{report}" Count 1.0;
    ShelterCount "{shelter}" Count 1.0;
    Village "{village}" Count 1.0;
    Drill "{drill}" Count 1.0;
    Confirmation "{confirmation}" Count 1.0;
    FireCount "{fire}" Count 1.0;
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UnitError {
    #[error("unit `{0}` is unknown; units are UCUM codes such as mm, m/s, Cel, hPa")]
    Unknown(String),
    #[error("unit `{found}` cannot be converted to `{expected}`")]
    Mismatch { found: Unit, expected: Unit },
}

/// Litres of one mole of an ideal gas at 25 °C and 101.325 kPa: the factor of
/// `ppm = mg/m³ · 24.45 / M` (docs/indices.md 1.4).
const MOLAR_VOLUME_L: f64 = 24.45;

impl Unit {
    pub fn parse(text: &str) -> Result<Unit, UnitError> {
        Unit::ALL
            .iter()
            .copied()
            .find(|unit| unit.ucum() == text)
            .ok_or_else(|| UnitError::Unknown(text.escape_debug().take(40).collect()))
    }

    /// Converts `value` from `self` to `target`. A gas given in ppm needs its
    /// molar mass (g/mol) to become a mass concentration.
    pub fn convert(
        self,
        value: f64,
        target: Unit,
        molar_mass: Option<f64>,
    ) -> Result<f64, UnitError> {
        if self == target {
            return Ok(value);
        }
        let (from_dimension, from_factor) = self.scale();
        let (to_dimension, to_factor) = target.scale();
        if from_dimension == Dimension::Temperature && to_dimension == Dimension::Temperature {
            return Ok(target.temperature_from_celsius(self.temperature_to_celsius(value)));
        }
        if from_dimension == to_dimension {
            return Ok(scaled(value, from_factor, to_factor));
        }
        match (self, to_dimension, molar_mass) {
            (Unit::PartPerMillion, Dimension::MassConcentration, Some(mass)) => {
                Ok(value * mass / MOLAR_VOLUME_L / to_factor)
            }
            _ => Err(UnitError::Mismatch { found: self, expected: target }),
        }
    }

    fn temperature_to_celsius(self, value: f64) -> f64 {
        match self {
            Unit::Kelvin => value - 273.15,
            Unit::Fahrenheit => (value - 32.0) / 1.8,
            _ => value,
        }
    }

    fn temperature_from_celsius(self, celsius: f64) -> f64 {
        match self {
            Unit::Kelvin => celsius + 273.15,
            Unit::Fahrenheit => celsius * 1.8 + 32.0,
            _ => celsius,
        }
    }
}

/// Scales by the ratio of two factors, by one exactly representable number
/// where there is one: 1013 hPa to Pa is 101300, not 101299.99999999999.
fn scaled(value: f64, from: f64, to: f64) -> f64 {
    let ratio = from / to;
    if ratio >= 1.0 { value * ratio.round_if_near() } else { value / (to / from).round_if_near() }
}

trait RoundIfNear {
    fn round_if_near(self) -> f64;
}

impl RoundIfNear for f64 {
    fn round_if_near(self) -> f64 {
        let rounded = self.round();
        if (self - rounded).abs() < 1e-9 * rounded { rounded } else { self }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ucum())
    }
}

impl FromStr for Unit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Unit, UnitError> {
        Unit::parse(text)
    }
}

impl TryFrom<String> for Unit {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Unit, UnitError> {
        Unit::parse(&text)
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> String {
        unit.ucum().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, from: &str, to: &str, expected: f64) {
        let from = Unit::parse(from).unwrap();
        let found = from.convert(value, Unit::parse(to).unwrap(), Some(34.08)).unwrap();
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} {expected}");
    }

    #[test]
    fn values_convert_inside_a_dimension() {
        check(1013.0, "hPa", "Pa", 101_300.0);
        check(3700.0, "mV", "V", 3.7);
        check(0.4, "mm", "m", 0.0004);
        check(36.0, "km/h", "m/s", 10.0);
        check(300.0, "K", "Cel", 26.85);
        check(50.0, "[degF]", "Cel", 10.0);
        check(3.0, "{person}", "1", 3.0);
    }

    #[test]
    fn ppm_becomes_mass_by_molar_mass() {
        // GBZ 2.1-2019: hydrogen sulfide 10 mg/m³ is 7.17 ppm at 25 °C.
        let ppm = Unit::PartPerMillion;
        let mass = ppm.convert(7.17, Unit::MilligramPerCubicMetre, Some(34.08)).unwrap();
        assert!((mass - 10.0).abs() < 0.01);
        assert!(ppm.convert(7.17, Unit::MilligramPerCubicMetre, None).is_err());
    }

    #[test]
    fn other_dimensions_are_refused() {
        let error = Unit::Metre.convert(1.0, Unit::Celsius, None).unwrap_err();
        assert_eq!(error.to_string(), "unit `m` cannot be converted to `Cel`");
    }

    #[test]
    fn codes_are_unique() {
        for unit in Unit::ALL {
            assert_eq!(Unit::parse(unit.ucum()), Ok(*unit));
        }
    }
}

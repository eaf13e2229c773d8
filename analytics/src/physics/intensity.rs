//! Intensities of a cyclone with the agency and the averaging period that
//! make them comparable (docs/indices.md 2.3, "Averaging trap").

use std::fmt;

/// Who analysed the storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Agency {
    /// China Meteorological Administration: 2-minute means. All thresholds
    /// here are its own.
    Cma,
    /// Japan Meteorological Agency: 10-minute means, in knots.
    Jma,
    /// Joint Typhoon Warning Center: 1-minute means.
    Jtwc,
}

impl fmt::Display for Agency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Agency::Cma => "CMA",
            Agency::Jma => "JMA",
            Agency::Jtwc => "JTWC",
        })
    }
}

/// A maximum sustained wind, m/s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intensity {
    pub wind_mps: f64,
    pub averaging_min: u32,
    pub agency: Agency,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a {found_min}-minute wind of {found} cannot be compared with a {expected_min}-minute wind \
     of {expected}; convert it first"
)]
pub struct IntensityMismatch {
    expected: Agency,
    expected_min: u32,
    found: Agency,
    found_min: u32,
}

impl Intensity {
    /// Is it at least as strong? Refused across agencies or averaging periods.
    pub fn reaches(&self, bound: &Intensity) -> Result<bool, IntensityMismatch> {
        if self.agency == bound.agency && self.averaging_min == bound.averaging_min {
            return Ok(self.wind_mps >= bound.wind_mps);
        }
        Err(IntensityMismatch {
            expected: bound.agency,
            expected_min: bound.averaging_min,
            found: self.agency,
            found_min: self.averaging_min,
        })
    }

    /// The factor that scales a wind modelled from another agency's fixes to
    /// this one's landfall intensity (docs/indices.md 2.3, A): Fung-wong 28 m/s
    /// (CMA) over the modelled wind.
    pub fn factor_over(&self, modelled_mps: f64) -> f64 {
        debug_assert!(modelled_mps > 0.0);
        self.wind_mps / modelled_mps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn winds_of_two_agencies_do_not_compare() {
        let cma = Intensity { wind_mps: 28.0, averaging_min: 2, agency: Agency::Cma };
        let jma = Intensity { wind_mps: 20.6, averaging_min: 10, agency: Agency::Jma };
        assert_eq!(cma.reaches(&Intensity { wind_mps: 24.5, ..cma }), Ok(true));
        let refused = jma.reaches(&cma).unwrap_err().to_string();
        assert!(refused.contains("10-minute wind of JMA"), "{refused}");
    }
}

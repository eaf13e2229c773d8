//! Soil water index of three tanks in a row (docs/indices.md 2.5; constants of
//! Ishihara & Kobatake 1979, K, the same everywhere, S).
//!
//! The state is three numbers, so a run can stop and go on anywhere. A step
//! without a report holds the tanks: silence never dries the soil.

use serde::{Deserialize, Serialize};

/// Heights of the outlets, mm.
const OUTLET_1_LOW_MM: f64 = 15.0;
const OUTLET_1_HIGH_MM: f64 = 60.0;
const OUTLET_2_MM: f64 = 15.0;
const OUTLET_3_MM: f64 = 15.0;

/// Runoff through the outlets, 1/h.
const RUNOFF_1_LOW: f64 = 0.10;
const RUNOFF_1_HIGH: f64 = 0.15;
const RUNOFF_2: f64 = 0.05;
const RUNOFF_3: f64 = 0.01;

/// Seepage downwards, 1/h.
const SEEPAGE_1: f64 = 0.12;
const SEEPAGE_2: f64 = 0.05;
const SEEPAGE_3: f64 = 0.01;

/// The longest step the explicit scheme takes, hours.
pub const STEP_MAX_H: f64 = 1.0;

/// Water in the three tanks, mm.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SoilWater {
    pub tanks_mm: [f64; 3],
    /// Steps in a row without a report of rain; above 0 the index is stale.
    pub n_missing: u32,
}

impl SoilWater {
    /// SWI = S1 + S2 + S3, mm, 0 or above (docs/indices.md 2.5, K).
    pub fn index_mm(&self) -> f64 {
        let [upper, middle, lower] = self.tanks_mm;
        upper + middle + lower
    }

    pub fn is_stale(&self) -> bool {
        self.n_missing > 0
    }

    /// One explicit step (docs/indices.md 2.5, K), old values on the right:
    /// `S1' = (1−β1Δt)S1 − q1Δt + R`, `S2' = (1−β2Δt)S2 − q2Δt + β1S1Δt`,
    /// `S3' = (1−β3Δt)S3 − q3Δt + β2S2Δt`. Rain of the step in mm, Δt in hours,
    /// 1/6 in operation. `None`, a missing step, holds the tanks (A).
    #[must_use]
    pub fn step(self, rain_mm: Option<f64>, step_h: f64) -> SoilWater {
        debug_assert!(0.0 < step_h && step_h <= STEP_MAX_H);
        let Some(rain_mm) = rain_mm else {
            return SoilWater { n_missing: self.n_missing.saturating_add(1), ..self };
        };
        let [upper, middle, lower] = self.tanks_mm;
        let runoff_1 = RUNOFF_1_LOW * (upper - OUTLET_1_LOW_MM).max(0.0)
            + RUNOFF_1_HIGH * (upper - OUTLET_1_HIGH_MM).max(0.0);
        let runoff_2 = RUNOFF_2 * (middle - OUTLET_2_MM).max(0.0);
        let runoff_3 = RUNOFF_3 * (lower - OUTLET_3_MM).max(0.0);
        let tanks_mm = [
            (1.0 - SEEPAGE_1 * step_h) * upper - runoff_1 * step_h + rain_mm,
            (1.0 - SEEPAGE_2 * step_h) * middle - runoff_2 * step_h + SEEPAGE_1 * upper * step_h,
            (1.0 - SEEPAGE_3 * step_h) * lower - runoff_3 * step_h + SEEPAGE_2 * middle * step_h,
        ];
        SoilWater { tanks_mm, n_missing: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_example_12() {
        let rain = [20.0, 40.0, 30.0, 0.0, 0.0, 0.0];
        let expected = [20.0, 59.5, 85.29, 76.7793, 72.2932, 68.6341];
        let mut state = SoilWater::default();
        for (hour, (rain, expected)) in rain.into_iter().zip(expected).enumerate() {
            state = state.step(Some(rain), 1.0);
            assert!((state.index_mm() - expected).abs() < 1e-4, "{} {expected}", state.index_mm());
            if hour == 2 {
                for (tank, expected) in state.tanks_mm.into_iter().zip([76.038, 9.132, 0.12]) {
                    assert!((tank - expected).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn long_rain_reaches_the_bands_of_domain_2_5() {
        for (total, expected) in [(168.0, 101.0), (456.0, 202.0)] {
            let state = (0..288)
                .fold(SoilWater::default(), |state, _| state.step(Some(total / 288.0), 1.0 / 6.0));
            assert!((state.index_mm() - expected).abs() < 1.0, "{}", state.index_mm());
        }
    }

    #[test]
    fn a_missing_step_holds_the_tanks() {
        let wet = SoilWater { tanks_mm: [80.0, 30.0, 20.0], n_missing: 0 };
        let held = wet.step(None, 1.0);
        assert_eq!(held.tanks_mm, wet.tanks_mm);
        assert!(held.is_stale() && !held.step(Some(0.0), 1.0).is_stale());
    }
}

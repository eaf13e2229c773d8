//! Antecedent rain and runoff (docs/indices.md 2.4).

/// Share of the antecedent rain index that is left after a day (K; 0.80–0.95).
pub const DAILY_DECAY: f64 = 0.85;

/// One day of the antecedent precipitation index (K), mm, 0 or above:
/// `Pa_t = K·Pa_{t−1} + P_t`.
pub fn antecedent_precipitation_mm(before_mm: f64, rain_mm: f64, decay: f64) -> f64 {
    decay * before_mm + rain_mm
}

/// Potential retention of the SCS curve-number method (K), mm:
/// `S = 25400/CN − 254`, CN in 1..100.
pub fn scs_retention_mm(curve_number: f64) -> f64 {
    25_400.0 / curve_number - 254.0
}

/// Direct runoff of the SCS curve-number method (K), mm, 0..P:
/// `Q = (P − 0.2S)²/(P + 0.8S)` for P > 0.2S, else 0.
pub fn scs_runoff_mm(rain_mm: f64, curve_number: f64) -> f64 {
    let retention = scs_retention_mm(curve_number);
    let excess = rain_mm - 0.2 * retention;
    if excess > 0.0 { excess * excess / (rain_mm + 0.8 * retention) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_example_13() {
        let expected = [0.0, 10.0, 58.5, 49.725, 42.26625, 135.92631];
        let mut index = 0.0;
        for (rain, expected) in [0.0, 10.0, 50.0, 0.0, 0.0, 100.0].into_iter().zip(expected) {
            index = antecedent_precipitation_mm(index, rain, DAILY_DECAY);
            assert!((index - expected).abs() < 1e-5, "{index} {expected}");
        }
    }

    #[test]
    fn runoff_begins_above_the_initial_loss() {
        assert!((scs_retention_mm(80.0) - 63.5).abs() < 1e-9);
        assert_eq!(scs_runoff_mm(12.7, 80.0), 0.0);
        assert!((scs_runoff_mm(100.0, 80.0) - 87.3 * 87.3 / 150.8).abs() < 1e-9);
        assert_eq!(scs_runoff_mm(50.0, 100.0), 50.0);
    }
}

//! Published composite indicators (docs/indices.md 2.2, K): references that
//! ours is compared with.

/// INFORM's geometric mean inside a dimension (K), 0..10, of values 0..10:
/// `10 − ((Π((10−xᵢ)/10·9+1))^(1/n) − 1)/9·10`. High is worse.
pub fn inform_dimension(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let log_sum =
        values.iter().fold(0.0, |sum, value| sum + libm::log((10.0 - value) / 10.0 * 9.0 + 1.0));
    let mean = libm::exp(log_sum / values.len() as f64);
    Some(10.0 - (mean - 1.0) / 9.0 * 10.0)
}

/// INFORM risk (K), 0..10: `(H&E·V·LCC)^(1/3)`.
pub fn inform_risk(hazard_exposure: f64, vulnerability: f64, lack_of_coping: f64) -> f64 {
    libm::cbrt(hazard_exposure * vulnerability * lack_of_coping)
}

/// Class of an INFORM risk (K), 1 very low to 5 very high.
pub fn inform_class(risk: f64) -> usize {
    [2.0, 3.5, 5.0, 6.5].partition_point(|bound| *bound <= risk) + 1
}

/// WorldRiskIndex since 2022 (K), 0..100: `W = √(E·V)`, `V = (S·CC·AC)^(1/3)`.
pub fn world_risk_2022(
    exposure: f64,
    susceptibility: f64,
    coping_gap: f64,
    adaptation_gap: f64,
) -> f64 {
    libm::sqrt(exposure * libm::cbrt(susceptibility * coping_gap * adaptation_gap))
}

/// WorldRiskIndex until 2021 (K), 0..100: `W = E·V/100`, V the arithmetic mean.
pub fn world_risk_2021(
    exposure: f64,
    susceptibility: f64,
    coping_gap: f64,
    adaptation_gap: f64,
) -> f64 {
    exposure * (susceptibility + coping_gap + adaptation_gap) / 3.0 / 100.0
}

/// The three dimensions of the Human Development Index and their mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hdi {
    pub health: f64,
    pub education: f64,
    pub income: f64,
    pub index: f64,
}

/// Human Development Index (K, UNDP technical note), 0..1: life expectancy
/// 20–85 years, expected schooling 0–18, mean schooling 0–15, income per head
/// 100–75,000 on a logarithmic scale; `∛(health·education·income)`.
pub fn hdi(
    life_expectancy: f64,
    expected_schooling: f64,
    mean_schooling: f64,
    income_per_head: f64,
) -> Hdi {
    let health = (life_expectancy - 20.0) / (85.0 - 20.0);
    let education = (expected_schooling / 18.0 + mean_schooling / 15.0) / 2.0;
    let income = libm::log(income_per_head / 100.0) / libm::log(750.0);
    Hdi { health, education, income, index: libm::cbrt(health * education * income) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() < tolerance, "{found} {expected}");
    }

    #[test]
    fn worked_example_1_hdi() {
        let found = hdi(75.0, 15.1, 9.5, 25_266.0);
        near(found.health, 0.8462, 1e-4);
        near(found.education, 0.7361, 1e-4);
        near(found.income, 0.8356, 1e-4);
        near(found.index, 0.8044, 1e-4);
    }

    #[test]
    fn worked_example_16_inform() {
        near(inform_dimension(&[8.0, 2.0]).unwrap(), 5.787, 1e-3);
        assert_eq!(inform_dimension(&[]), None);
        near(inform_risk(8.0, 8.0, 8.0), 8.0, 1e-12);
        for (risk, class) in [(1.9, 1), (2.0, 2), (4.9, 3), (6.4, 4), (6.5, 5)] {
            assert_eq!(inform_class(risk), class);
        }
    }

    #[test]
    fn world_risk_before_and_after_2022() {
        near(world_risk_2022(25.0, 64.0, 64.0, 64.0), 40.0, 1e-9);
        near(world_risk_2021(25.0, 60.0, 50.0, 40.0), 12.5, 1e-12);
    }
}

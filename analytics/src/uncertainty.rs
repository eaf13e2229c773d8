//! How far a ranking depends on the choices in a model (docs/indices.md 2.2,
//! K): rank intervals under resampled weights and exponents, and Sobol indices.
//! For the yearly audit; a live index never uses them.

use crate::aggregate::{Weighted, arithmetic, geometric};
use crate::seeded::Seeded;

/// Weighted power mean with exponent `p` (K): 1 arithmetic, 0 geometric, else
/// `(Σ w·x^p/Σw)^(1/p)`; scores at least 1.
pub fn power_mean(parts: &[Weighted], p: f64) -> Option<f64> {
    if p == 0.0 {
        return geometric(parts, 1.0).map(|aggregate| aggregate.score);
    }
    let powers: Vec<Weighted> = parts
        .iter()
        .map(|part| Weighted { score: part.score.map(|x| libm::pow(x.max(1.0), p)), ..*part })
        .collect();
    arithmetic(&powers).map(|aggregate| libm::pow(aggregate.score, 1.0 / p))
}

/// How a ranking is resampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampling {
    pub n: usize,
    /// Each weight is drawn from ± this share of itself (0.25).
    pub weight_spread: f64,
    /// Exponents of the power mean to draw from (1, 0.5, 0).
    pub exponents: Vec<f64>,
}

/// The best and the worst place a row took; 1 is the highest score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankInterval {
    pub best: usize,
    pub worst: usize,
}

/// Rank interval of each row of dimension scores under resampled weights and
/// exponents; the same seed gives the same intervals.
pub fn rank_intervals(
    rows: &[Vec<f64>],
    weights: &[f64],
    resampling: &Resampling,
    seed: u64,
) -> Vec<RankInterval> {
    let mut seeded = Seeded::new(seed);
    let mut intervals = vec![RankInterval { best: rows.len(), worst: 1 }; rows.len()];
    for _ in 0..resampling.n {
        let spread = resampling.weight_spread;
        let drawn: Vec<f64> = weights
            .iter()
            .map(|weight| weight * seeded.within(1.0 - spread, 1.0 + spread))
            .collect();
        let exponent = seeded.pick(&resampling.exponents);
        let scores: Vec<f64> = rows
            .iter()
            .map(|row| {
                let parts = row.iter().zip(&drawn);
                let parts: Vec<Weighted> =
                    parts.map(|(x, w)| Weighted { weight: *w, score: Some(*x) }).collect();
                power_mean(&parts, exponent).unwrap_or(0.0)
            })
            .collect();
        for (interval, score) in intervals.iter_mut().zip(&scores) {
            let rank = 1 + scores.iter().filter(|other| *other > score).count();
            interval.best = interval.best.min(rank);
            interval.worst = interval.worst.max(rank);
        }
    }
    intervals
}

/// Share of the variance of a result that an input explains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sobol {
    /// Alone.
    pub first_order: f64,
    /// With all its interactions.
    pub total: f64,
}

/// Sobol indices of `f` over inputs uniform in 0..1 (Saltelli's estimators, K)
/// from `n` pairs of samples: `S = mean(f_B·(f_AB − f_A))/Var`,
/// `S_T = mean((f_A − f_AB)²)/(2·Var)`. Zero everywhere for a constant.
pub fn sobol(f: impl Fn(&[f64]) -> f64, n_inputs: usize, n: usize, seed: u64) -> Vec<Sobol> {
    let mut seeded = Seeded::new(seed);
    let mut draw = || (0..n_inputs).map(|_| seeded.share()).collect::<Vec<f64>>();
    let pairs: Vec<(Vec<f64>, Vec<f64>)> = (0..n).map(|_| (draw(), draw())).collect();
    let values: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (f(a), f(b))).collect();
    let count = (2 * n).max(1) as f64;
    let mean = values.iter().fold(0.0, |sum, (a, b)| sum + a + b) / count;
    let variance = values
        .iter()
        .fold(0.0, |sum, (a, b)| sum + (a - mean) * (a - mean) + (b - mean) * (b - mean))
        / count;
    (0..n_inputs)
        .map(|input| {
            let (mut first, mut total) = (0.0, 0.0);
            for ((a, b), (f_a, f_b)) in pairs.iter().zip(&values) {
                let mut mixed = a.clone();
                mixed[input] = b[input];
                let f_mixed = f(&mixed);
                first += f_b * (f_mixed - f_a);
                total += (f_a - f_mixed) * (f_a - f_mixed);
            }
            let share = |sum: f64| if variance > 0.0 { sum / n as f64 / variance } else { 0.0 };
            Sobol { first_order: share(first), total: share(total) / 2.0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_means_lie_between_geometric_and_arithmetic() {
        let parts = [40.0, 90.0].map(|x| Weighted { weight: 0.5, score: Some(x) });
        let mean = |p| power_mean(&parts, p).unwrap();
        assert!((mean(1.0) - 65.0).abs() < 1e-9 && (mean(0.0) - 60.0).abs() < 1e-9);
        assert!(mean(0.0) < mean(0.5) && mean(0.5) < mean(1.0));
    }

    #[test]
    fn a_clear_winner_keeps_its_rank() {
        let rows = [vec![95.0, 95.0], vec![60.0, 80.0], vec![80.0, 60.0], vec![10.0, 10.0]];
        let resampling = Resampling { n: 200, weight_spread: 0.25, exponents: vec![1.0, 0.5, 0.0] };
        let found = rank_intervals(&rows, &[0.5, 0.5], &resampling, 7);
        let intervals: Vec<(usize, usize)> = found.iter().map(|i| (i.best, i.worst)).collect();
        assert_eq!(intervals, [(1, 1), (2, 3), (2, 3), (4, 4)]);
    }

    #[test]
    fn sobol_of_a_sum_is_its_variance() {
        let found = sobol(|x| x[0] + 2.0 * x[1], 3, 20_000, 1);
        for (found, expected) in found.iter().zip([0.2, 0.8, 0.0]) {
            assert!((found.first_order - expected).abs() < 0.03, "{found:?}");
            assert!((found.total - expected).abs() < 0.03, "{found:?}");
        }
    }
}

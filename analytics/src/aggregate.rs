//! Weighted means with the contributions that explain them (docs/indices.md
//! 3.2, 4 and section 5, "Contributions").

/// One part's score with its weight; `None` when it has no value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    pub weight: f64,
    pub score: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub score: f64,
    /// What each part adds to the score, in the order given; they add up to it.
    pub contributions: Vec<Option<f64>>,
}

/// Weighted arithmetic mean `Σ w·x/Σw` over the parts that have a score;
/// `None` when none has. A part contributes `w·x/Σw`.
pub fn arithmetic(parts: &[Weighted]) -> Option<Aggregate> {
    let total = total_weight(parts)?;
    let contributions: Vec<Option<f64>> =
        parts.iter().map(|part| part.score.map(|score| part.weight * score / total)).collect();
    let score = contributions.iter().flatten().fold(0.0, |sum, part| sum + part);
    Some(Aggregate { score: within(score, parts, f64::NEG_INFINITY), contributions })
}

/// Weighted geometric mean `G = exp(Σ w·ln max(x, floor)/Σw)` over the parts
/// that have a score; `None` when none has. `floor` is at least 1. A part
/// contributes `G·w·ln x/Σ w·ln x`, by weight when every logarithm is 0.
pub fn geometric(parts: &[Weighted], floor: f64) -> Option<Aggregate> {
    debug_assert!(floor >= 1.0);
    let total = total_weight(parts)?;
    let log = |part: &Weighted| part.score.map(|score| part.weight * libm::log(score.max(floor)));
    let log_sum = parts.iter().filter_map(log).fold(0.0, |sum, term| sum + term);
    let score = within(libm::exp(log_sum / total), parts, floor);
    let contributions = parts
        .iter()
        .map(|part| {
            let term = log(part)?;
            let share = if log_sum > 0.0 { term / log_sum } else { part.weight / total };
            Some(score * share)
        })
        .collect();
    Some(Aggregate { score, contributions })
}

fn total_weight(parts: &[Weighted]) -> Option<f64> {
    let total = parts
        .iter()
        .filter(|part| part.score.is_some())
        .fold(0.0, |total, part| total + part.weight);
    (total > 0.0).then_some(total)
}

/// A mean lies between its parts; rounding is not to push it out.
fn within(score: f64, parts: &[Weighted], floor: f64) -> f64 {
    let scores = parts.iter().filter_map(|part| part.score).map(|score| score.max(floor));
    let (low, high) = scores.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), score| {
        (low.min(score), high.max(score))
    });
    score.clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(scores: &[Option<f64>], weights: &[f64]) -> Vec<Weighted> {
        let pair =
            |(score, weight): (&Option<f64>, &f64)| Weighted { weight: *weight, score: *score };
        scores.iter().zip(weights).map(pair).collect()
    }

    #[track_caller]
    fn check(found: Option<Aggregate>, expected: f64) {
        let found = found.unwrap();
        let sum = found.contributions.iter().flatten().fold(0.0, |sum, part| sum + part);
        assert!((sum - found.score).abs() < 1e-9);
        assert!((found.score - expected).abs() < 1e-3, "{} {expected}", found.score);
    }

    const WEIGHTS: [f64; 5] = [0.30, 0.25, 0.20, 0.15, 0.10];

    #[test]
    fn examples_of_domain_3_2() {
        let strong = [95.0, 93.0, 92.0, 90.0, 100.0].map(Some);
        check(geometric(&parts(&strong, &WEIGHTS), 1.0), 93.612);
        check(arithmetic(&parts(&strong, &WEIGHTS)), 93.650);
        let weak = [95.0, 40.0, 92.0, 90.0, 100.0].map(Some);
        check(geometric(&parts(&weak, &WEIGHTS), 1.0), 75.810);
        check(arithmetic(&parts(&weak, &WEIGHTS)), 80.400);
        check(geometric(&parts(&[Some(80.0); 5], &WEIGHTS), 1.0), 80.0);
        let gap = [Some(95.0), None, Some(92.0), Some(90.0), Some(100.0)];
        check(geometric(&parts(&gap, &WEIGHTS), 1.0), 93.817);
    }

    #[test]
    fn floors_and_nothing() {
        check(geometric(&parts(&[Some(0.0), Some(0.0)], &[1.0, 3.0]), 1.0), 1.0);
        check(geometric(&parts(&[Some(100.0); 3], &[0.5, 0.25, 0.25]), 10.0), 100.0);
        assert_eq!(arithmetic(&parts(&[None, None], &[1.0, 1.0])), None);
    }
}

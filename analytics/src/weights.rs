//! Ways to weight and to rank (docs/indices.md 2.2, K). Weights that move with
//! the data audit the expert weights once a year; a live index never uses them.

/// Rows of equal length.
pub type Matrix = [Vec<f64>];

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WeightsError {
    #[error("a matrix needs at least {min} rows and columns, found {rows} × {columns}")]
    Size { min: usize, rows: usize, columns: usize },
    #[error("row {row} has {found} values, expected {expected}")]
    Ragged { row: usize, found: usize, expected: usize },
    #[error("row {row}, column {column}: {value} {reason}")]
    Value { row: usize, column: usize, value: f64, reason: &'static str },
    #[error("no column differs between the rows: nothing to weight by")]
    NoContrast,
}

fn checked(matrix: &Matrix, min: usize) -> Result<(usize, usize), WeightsError> {
    let (rows, columns) = (matrix.len(), matrix.first().map_or(0, Vec::len));
    if rows < min || columns < min {
        return Err(WeightsError::Size { min, rows, columns });
    }
    for (row, values) in matrix.iter().enumerate() {
        if values.len() != columns {
            return Err(WeightsError::Ragged { row, found: values.len(), expected: columns });
        }
        if let Some(column) = values.iter().position(|value| !value.is_finite()) {
            let value = values[column];
            return Err(WeightsError::Value { row, column, value, reason: "is not finite" });
        }
    }
    Ok((rows, columns))
}

/// The result of an analytic hierarchy process.
#[derive(Debug, Clone, PartialEq)]
pub struct Ahp {
    /// The principal eigenvector, adding up to 1.
    pub weights: Vec<f64>,
    pub lambda: f64,
    /// Consistency ratio CI/RI; accepted below 0.10. `None` above 9 rows.
    pub consistency_ratio: Option<f64>,
}

/// Random consistency index of 3 to 9 rows.
const RANDOM_INDEX: [f64; 7] = [0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45];

const POWER_STEPS: usize = 1_000;

/// Weights of a matrix of pairwise comparisons (AHP, K): its principal
/// eigenvector by power iteration; CI = (λ − n)/(n − 1), CR = CI/RI.
pub fn ahp(matrix: &Matrix) -> Result<Ahp, WeightsError> {
    let (n, columns) = checked(matrix, 1)?;
    if columns != n {
        return Err(WeightsError::Ragged { row: 0, found: columns, expected: n });
    }
    for (row, values) in matrix.iter().enumerate() {
        for (column, &value) in values.iter().enumerate() {
            let reciprocal = value * matrix[column][row];
            if value <= 0.0 || (reciprocal - 1.0).abs() > 1e-2 {
                let reason = "is not the reciprocal of its mirror";
                return Err(WeightsError::Value { row, column, value, reason });
            }
        }
    }
    let mut weights = vec![1.0 / n as f64; n];
    let mut lambda = n as f64;
    for _ in 0..POWER_STEPS {
        let product: Vec<f64> = matrix.iter().map(|row| dot(row, &weights)).collect();
        lambda = total(&product);
        weights = product.iter().map(|value| value / lambda).collect();
    }
    let consistency_ratio = match n {
        1 | 2 => Some(0.0),
        3..=9 => Some((lambda - n as f64) / (n as f64 - 1.0) / RANDOM_INDEX[n - 3]),
        _ => None,
    };
    Ok(Ahp { weights, lambda, consistency_ratio })
}

/// Entropy weights (K): `pᵢⱼ = xᵢⱼ/Σᵢxᵢⱼ; eⱼ = −Σᵢ pᵢⱼ ln pᵢⱼ/ln n; wⱼ = (1−eⱼ)/Σ(1−e)`
/// with 0·ln 0 = 0; values 0 or above, each column with a sum above 0.
pub fn entropy_weights(matrix: &Matrix) -> Result<Vec<f64>, WeightsError> {
    let (n, columns) = checked(matrix, 1)?;
    if n < 2 {
        return Err(WeightsError::Size { min: 2, rows: n, columns });
    }
    let log_n = libm::log(n as f64);
    let mut contrasts = Vec::with_capacity(columns);
    for column in 0..columns {
        let values: Vec<f64> = matrix.iter().map(|row| row[column]).collect();
        if let Some(row) = values.iter().position(|value| *value < 0.0) {
            let (value, reason) = (values[row], "is below 0");
            return Err(WeightsError::Value { row, column, value, reason });
        }
        let sum = total(&values);
        if sum <= 0.0 {
            let (value, reason) = (sum, "is the sum of the column, not above 0");
            return Err(WeightsError::Value { row: 0, column, value, reason });
        }
        let entropy = values.iter().fold(0.0, |entropy, value| {
            let share = value / sum;
            if share > 0.0 { entropy - share * libm::log(share) } else { entropy }
        }) / log_n;
        contrasts.push(1.0 - entropy);
    }
    normalised(contrasts)
}

/// CRITIC weights (K): `Cⱼ = σⱼ·Σₖ(1 − rⱼₖ)`, `w = C/ΣC`, on min–max-normalised
/// columns with the sample σ; a constant column gets 0.
pub fn critic_weights(matrix: &Matrix) -> Result<Vec<f64>, WeightsError> {
    let (_, columns) = checked(matrix, 2)?;
    let deviations: Vec<Vec<f64>> =
        (0..columns).map(|column| min_max_deviations(matrix, column)).collect();
    let norms: Vec<f64> = deviations.iter().map(|values| libm::sqrt(dot(values, values))).collect();
    let sigma_divisor = libm::sqrt(matrix.len() as f64 - 1.0);
    let information = (0..columns)
        .map(|j| {
            let conflict = (0..columns).fold(0.0, |sum, k| {
                let product = norms[j] * norms[k];
                let correlation = match product {
                    _ if j == k => 1.0,
                    product if product > 0.0 => dot(&deviations[j], &deviations[k]) / product,
                    _ => 0.0,
                };
                sum + 1.0 - correlation
            });
            norms[j] / sigma_divisor * conflict
        })
        .collect();
    normalised(information)
}

/// The column scaled to 0..1, minus its mean.
fn min_max_deviations(matrix: &Matrix, column: usize) -> Vec<f64> {
    let values: Vec<f64> = matrix.iter().map(|row| row[column]).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    let scaled: Vec<f64> = values.iter().map(|value| (value - low) / span).collect();
    let mean = total(&scaled) / scaled.len() as f64;
    scaled.iter().map(|value| value - mean).collect()
}

/// TOPSIS closeness of each row, 0..1 (K): vector-normalise, multiply by the
/// weights, all columns benefit, `C = D⁻/(D⁺ + D⁻)`.
pub fn topsis(matrix: &Matrix, weights: &[f64]) -> Result<Vec<f64>, WeightsError> {
    let (_, columns) = checked(matrix, 1)?;
    if weights.len() != columns {
        return Err(WeightsError::Ragged { row: 0, found: weights.len(), expected: columns });
    }
    let scaled: Vec<Vec<f64>> = (0..columns)
        .map(|column| {
            let values: Vec<f64> = matrix.iter().map(|row| row[column]).collect();
            let norm = libm::sqrt(dot(&values, &values));
            let factor = if norm > 0.0 { weights[column] / norm } else { 0.0 };
            values.iter().map(|value| value * factor).collect()
        })
        .collect();
    let bests: Vec<f64> =
        scaled.iter().map(|c| c.iter().copied().fold(f64::NEG_INFINITY, f64::max)).collect();
    let worsts: Vec<f64> =
        scaled.iter().map(|c| c.iter().copied().fold(f64::INFINITY, f64::min)).collect();
    let distance = |row: usize, ideal: &[f64]| {
        let squares = (0..columns).fold(0.0, |sum, column| {
            let gap = scaled[column][row] - ideal[column];
            sum + gap * gap
        });
        libm::sqrt(squares)
    };
    Ok((0..matrix.len())
        .map(|row| {
            let (to_best, to_worst) = (distance(row, &bests), distance(row, &worsts));
            let both = to_best + to_worst;
            if both > 0.0 { to_worst / both } else { 0.5 }
        })
        .collect())
}

fn normalised(values: Vec<f64>) -> Result<Vec<f64>, WeightsError> {
    let sum = total(&values);
    if sum <= 1e-12 {
        return Err(WeightsError::NoContrast);
    }
    Ok(values.iter().map(|value| value / sum).collect())
}

fn total(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).fold(0.0, |sum, (left, right)| sum + left * right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < tolerance, "{found} {expected}");
        }
    }

    fn example_15() -> Vec<Vec<f64>> {
        vec![vec![0.2, 0.9, 0.5], vec![0.4, 0.8, 0.5], vec![0.9, 0.7, 0.5], vec![0.5, 0.1, 0.6]]
    }

    #[test]
    fn worked_example_5_ahp() {
        let third = 1.0 / 3.0;
        let matrix = [vec![1.0, 3.0, 5.0], vec![third, 1.0, 3.0], vec![0.2, third, 1.0]];
        let found = ahp(&matrix).unwrap();
        near(&found.weights, &[0.6370, 0.2583, 0.1047], 1e-4);
        near(&[found.lambda, found.consistency_ratio.unwrap()], &[3.0385, 0.0332], 1e-4);
    }

    #[test]
    fn worked_example_15_entropy_and_topsis() {
        let weights = entropy_weights(&example_15()).unwrap();
        near(&weights, &[0.427141, 0.561862, 0.010997], 1e-6);
        let closeness = topsis(&example_15(), &[0.5, 0.3, 0.2]).unwrap();
        near(&closeness, &[0.354915, 0.437693, 0.877791, 0.352842], 1e-6);
    }

    #[test]
    fn critic_favours_contrast_and_conflict() {
        // Columns 1 and 2 agree, column 3 goes against both, column 4 is flat.
        let matrix = [vec![0.0, 0.0, 3.0, 7.0], vec![1.0, 2.0, 2.0, 7.0], vec![2.0, 4.0, 1.0, 7.0]];
        // r = 1, −1, 0: C = 0.5·(0+0+2+1), 0.5·3, 0.5·(2+2+0+1), 0.
        near(&critic_weights(&matrix).unwrap(), &[3.0 / 11.0, 3.0 / 11.0, 5.0 / 11.0, 0.0], 1e-12);
    }

    #[test]
    fn broken_matrices_are_refused() {
        assert!(ahp(&[vec![1.0, 2.0], vec![2.0, 1.0]]).is_err());
        assert!(entropy_weights(&[vec![1.0, 0.0], vec![2.0, 0.0]]).is_err());
        assert_eq!(
            critic_weights(&[vec![1.0, 1.0], vec![1.0, 1.0]]),
            Err(WeightsError::NoContrast)
        );
        assert!(topsis(&[vec![1.0, f64::NAN]], &[1.0, 1.0]).is_err());
        assert!(topsis(&[vec![1.0], vec![1.0, 2.0]], &[1.0]).is_err());
    }
}

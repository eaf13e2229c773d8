//! Compounding of hazard groups 风雨潮三碰头 (docs/indices.md 4.2).

use crate::explain::index_of_largest;

/// The compounded hazard of several groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Compound {
    /// H, 0..100.
    pub score: f64,
    /// M: the largest group score, which alone decides the hazard level.
    pub largest: f64,
    /// What each group adds to H, in the order given; `None` without a value.
    pub contributions: Vec<Option<f64>>,
}

/// `H = M + (100 − M)·share·S/100` (docs/indices.md 4.2, A; `share` 0.25): M
/// and S are the largest and the second largest of the group scores in 0..100,
/// S = 0 with one group. `None` when no group has a value. M's group
/// contributes M, the second the rest, the others 0; of equals the first.
pub fn compound(groups: &[Option<f64>], share: f64) -> Option<Compound> {
    let first = index_of_largest(groups.iter().copied())?;
    let others = groups.iter().enumerate().map(|(i, score)| score.filter(|_| i != first));
    let second = index_of_largest(others);

    let largest = groups[first].unwrap_or(0.0);
    let runner_up = second.and_then(|index| groups[index]).unwrap_or(0.0);
    let added = (100.0 - largest) * share * runner_up / 100.0;
    let contributions = groups
        .iter()
        .enumerate()
        .map(|(index, score)| {
            score.map(|_| match index {
                _ if index == first => largest,
                _ if Some(index) == second => added,
                _ => 0.0,
            })
        })
        .collect();
    Some(Compound { score: largest + added, largest, contributions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(groups: &[Option<f64>], expected: Option<f64>) {
        let found = compound(groups, 0.25).map(|compound| {
            let parts = compound.contributions.iter().flatten().fold(0.0, |sum, part| sum + part);
            assert!((parts - compound.score).abs() < 1e-9);
            compound.score
        });
        match (found, expected) {
            (Some(found), Some(expected)) => assert!((found - expected).abs() < 5e-3, "{found}"),
            (found, expected) => assert_eq!(found, expected),
        }
    }

    #[test]
    fn the_second_group_compounds_the_first() {
        check(&[92.0, 85.0, 70.0, 66.0, 60.0].map(Some), Some(93.70));
        check(&[5.0, 0.0, 0.0, 0.0, 0.0].map(Some), Some(5.0));
        check(&[Some(20.0), None, Some(92.0)], Some(92.40));
        check(&[None, Some(60.0)], Some(60.0));
        check(&[None, None], None);
    }
}

//! The county's value of an index from its townships' (docs/indices.md 3.4).

use model::Level;

use crate::knots::TOLERANCE;
use crate::levels::one_milder;

/// What one township brings to the county.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TownshipValue {
    /// `None` when grey.
    pub score: Option<f64>,
    /// The published level; a grey township may still have one.
    pub level: Option<Level>,
    pub population: Option<f64>,
}

/// Which end of the scale is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worse {
    /// Index A: high is safe.
    Low,
    /// Index B: high is dangerous.
    High,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CountyValue {
    /// The worse of the weighted percentile and the mean of the three worst;
    /// `None` when grey.
    pub score: Option<f64>,
    pub level: Option<Level>,
    /// Places of the grey townships in the order given.
    pub grey: Vec<usize>,
}

/// Share of the weight at which the percentile is read, from the worst end.
const PERCENTILE_SHARE: f64 = 0.10;
/// Grey townships above this share of the weight make the county grey.
const GREY_SHARE_MAX: f64 = 0.40;
const N_WORST: usize = 3;

/// County value (docs/indices.md 3.4, A), 0..100, with its level: the worse of
/// the value's level and one level below the worst township's. Weights are the
/// populations; if one is not configured all are 1. `level_of` is the level of
/// a score of this index, `best` the mildest level it has.
pub fn county(
    townships: &[TownshipValue],
    worse: Worse,
    best: Level,
    level_of: impl Fn(f64) -> Level,
) -> CountyValue {
    let has_populations = townships.iter().all(|township| township.population.is_some());
    let weight = |township: &TownshipValue| match township.population {
        Some(population) if has_populations => population,
        _ => 1.0,
    };
    let grey: Vec<usize> =
        (0..townships.len()).filter(|&index| townships[index].score.is_none()).collect();
    let total = townships.iter().fold(0.0, |sum, township| sum + weight(township));
    let total_grey = grey.iter().fold(0.0, |sum, &index| sum + weight(&townships[index]));

    let mut scored: Vec<(f64, f64)> =
        townships.iter().filter_map(|township| Some((township.score?, weight(township)))).collect();
    scored.sort_by(|(a, _), (b, _)| match worse {
        Worse::Low => a.total_cmp(b),
        Worse::High => b.total_cmp(a),
    });
    let township_level = townships.iter().filter_map(|township| township.level).max();
    let from_townships = township_level.map(|level| one_milder(level).max(best));
    if scored.is_empty() || total_grey > GREY_SHARE_MAX * total + TOLERANCE {
        return CountyValue { score: None, level: None, grey };
    }

    let n_worst = scored.len().min(N_WORST);
    let worst_mean =
        scored[..n_worst].iter().fold(0.0, |sum, (score, _)| sum + score) / n_worst as f64;
    let percentile = weighted_percentile(&scored, PERCENTILE_SHARE);
    let score = match worse {
        Worse::Low => percentile.min(worst_mean),
        Worse::High => percentile.max(worst_mean),
    };
    let level = level_of(score);
    CountyValue {
        score: Some(score),
        level: Some(from_townships.map_or(level, |l| l.max(level))),
        grey,
    }
}

/// The first of `(value, weight)`, worst first, at which the added weights
/// reach `share` of their total (docs/indices.md 3.4, A).
fn weighted_percentile(worst_first: &[(f64, f64)], share: f64) -> f64 {
    let total = worst_first.iter().fold(0.0, |sum, (_, weight)| sum + weight);
    let mut reached = 0.0;
    for (value, weight) in worst_first {
        reached += weight;
        if reached >= share * total - TOLERANCE {
            return *value;
        }
    }
    worst_first[worst_first.len() - 1].0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knots::danger_level;

    fn township(score: Option<f64>) -> TownshipValue {
        TownshipValue { score, level: score.map(danger_level), population: None }
    }

    fn of_18(worst: &[f64], others: f64) -> Vec<TownshipValue> {
        let padding = std::iter::repeat_n(others, 18 - worst.len());
        worst.iter().copied().chain(padding).map(|score| township(Some(score))).collect()
    }

    #[track_caller]
    fn check(townships: &[TownshipValue], score: Option<f64>, level: Option<Level>) {
        let found = county(townships, Worse::High, Level::None, danger_level);
        assert_eq!((found.score, found.level), (score, level));
    }

    #[test]
    fn example_of_domain_3_4() {
        check(&of_18(&[70.0, 60.0, 50.0], 20.0), Some(60.0), Some(Level::Yellow));
    }

    #[test]
    fn one_red_township_keeps_the_county_at_orange() {
        check(&of_18(&[95.0], 5.0), Some(35.0), Some(Level::Orange));
    }

    #[test]
    fn populations_weigh_when_all_are_known() {
        let mut townships = of_18(&[70.0, 40.0, 10.0], 0.0);
        for township in &mut townships {
            township.population = Some(1.0);
        }
        townships[0].population = Some(100.0);
        check(&townships, Some(70.0), Some(Level::Yellow));
        townships[5].population = None;
        check(&townships, Some(40.0), Some(Level::Blue));
    }

    #[test]
    fn grey_townships_are_listed_and_too_many_make_the_county_grey() {
        let mut townships = of_18(&[50.0, 50.0, 50.0], 20.0);
        for township in &mut townships[10..17] {
            township.score = None;
        }
        let found = county(&townships, Worse::High, Level::None, danger_level);
        assert_eq!((found.score, found.grey.len()), (Some(50.0), 7));
        townships[17].score = None;
        check(&townships, None, None);
    }

    #[test]
    fn index_a_reads_from_the_low_end() {
        let found =
            county(&of_18(&[50.0, 65.0, 80.0], 95.0), Worse::Low, Level::Blue, |_| Level::Yellow);
        assert_eq!(found.score, Some(65.0));
    }
}

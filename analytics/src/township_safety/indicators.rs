//! The quantities of Index A's indicators, from reports and alarms
//! (docs/indices.md 3.1). `None` means not applicable: nothing to count.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Level, PropertyId, ThingId, Time};

use crate::freshness::millis;

/// `100·done/required`, % (docs/indices.md 3.1: certificates, standardisation,
/// inspections, rectification, disposal, shelters, equipment, 15-minute
/// circle), 0 or above; not applicable with a denominator of 0.
pub fn rate_percent(done: f64, required: f64) -> Option<f64> {
    (required > 0.0).then(|| 100.0 * done / required)
}

/// One chemical firm's credit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChemicalFirm {
    /// 1 (E) to 5 (A); none reported counts as E.
    pub credit_grade: Option<u8>,
    /// 1 to 4; none for a firm without a major hazard.
    pub major_hazard_grade: Option<u8>,
}

/// Points of the credit grades E to A, and weights of the major-hazard grades
/// 1 to 4 and of none (configuration).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CreditRules {
    pub points: [f64; 5],
    pub hazard_weights: [f64; 5],
}

/// `chemical_credit` (docs/indices.md 3.1 D1, A), 20..100: mean of the firms'
/// points, A100 B85 C70 D50 E20, weighted by major-hazard grade 1:4, 2:3, 3:2,
/// 4:1, none: 0.5.
pub fn chemical_credit(firms: &[ChemicalFirm], rules: &CreditRules) -> Option<f64> {
    let (mut points, mut weights) = (0.0, 0.0);
    for firm in firms {
        let grade = usize::from(firm.credit_grade.unwrap_or(1).clamp(1, 5));
        let weight = match firm.major_hazard_grade {
            Some(grade @ 1..=4) => rules.hazard_weights[usize::from(grade) - 1],
            _ => rules.hazard_weights[4],
        };
        points += weight * rules.points[grade - 1];
        weights += weight;
    }
    (weights > 0.0).then(|| points / weights)
}

/// `sensing_online_rate` (docs/indices.md 3.1 D1, A), 0..100 %: online hours
/// over scheduled hours of the mandatory datastreams, as `(online, scheduled)`
/// each; hours in maintenance are in neither.
pub fn sensing_online_rate(hours: &[(f64, f64)]) -> Option<f64> {
    let online = hours.iter().fold(0.0, |sum, (online, _)| sum + online);
    let scheduled = hours.iter().fold(0.0, |sum, (_, scheduled)| sum + scheduled);
    rate_percent(online, scheduled)
}

/// A counted alarm of a thing of one sector.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedAlarm {
    pub thing: ThingId,
    pub property: PropertyId,
    pub level: Level,
    pub opened: Time,
    pub closed: Option<Time>,
}

/// All counted alarms of one thing and property that opened on one day, at
/// their highest level (docs/indices.md 3.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Episode {
    pub level: Level,
    /// Since the last closing; 0 while one is open.
    pub age_ms: i64,
}

/// Numbers of the alarm burden (configuration).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurdenRules {
    /// Severity of blue, yellow, orange, red.
    pub severities: [f64; 4],
    pub half_life: Duration,
    pub left_out_after: Duration,
    /// Burden is per this many things, at least `things_min`.
    pub per_things: f64,
    pub things_min: f64,
}

/// Episodes of a sector at an instant, in order of thing, property, day.
pub fn episodes(alarms: &[CountedAlarm], at: Time) -> Vec<Episode> {
    let mut episodes: BTreeMap<(&ThingId, &PropertyId, Time), Episode> = BTreeMap::new();
    for alarm in alarms.iter().filter(|alarm| alarm.opened <= at) {
        let age_ms = match alarm.closed {
            Some(closed) if closed <= at => at.millis_since(closed),
            _ => 0,
        };
        let key = (&alarm.thing, &alarm.property, alarm.opened.china_day_start());
        let found = Episode { level: alarm.level, age_ms };
        let episode = episodes.entry(key).or_insert(found);
        episode.level = episode.level.max(found.level);
        episode.age_ms = episode.age_ms.min(found.age_ms);
    }
    episodes.into_values().collect()
}

/// Alarm burden of a sector (docs/indices.md 3.1 D2, A), 0 or above:
/// `b = 100/max(N, 20)·Σ sev·2^(−age/7 d)`, episodes older than 56 d left out.
pub fn alarm_burden(episodes: &[Episode], n_things: f64, rules: &BurdenRules) -> f64 {
    let half_life_ms = millis(rules.half_life) as f64;
    let sum = episodes
        .iter()
        .filter(|episode| episode.age_ms <= millis(rules.left_out_after))
        .fold(0.0, |sum, episode| {
            let severity = match episode.level {
                Level::None => 0.0,
                Level::Blue => rules.severities[0],
                Level::Yellow => rules.severities[1],
                Level::Orange => rules.severities[2],
                Level::Red => rules.severities[3],
            };
            sum + severity * libm::exp2(-(episode.age_ms as f64) / half_life_ms)
        });
    rules.per_things / n_things.max(rules.things_min) * sum
}

/// `grid_report_ratio` (docs/indices.md 3.1 D3, A), 0 or above: confirmed
/// reports per 100 grids over the county's median of the same; 1 when that is
/// 0.
pub fn grid_report_ratio(confirmed: f64, grids: f64, county_median: f64) -> Option<f64> {
    let per_100 = rate_percent(confirmed, grids)?;
    Some(if county_median > 0.0 { per_100 / county_median } else { 1.0 })
}

/// Median of the townships' confirmed reports per 100 grids; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// `supply_12h_rate` (docs/indices.md 3.1 D4, A), 0..100 %: share of shelters
/// whose supplies arrive within 12 h, from `supply_eta` in hours; one that
/// never reported is not within.
pub fn supply_12h_rate(etas_h: &[Option<f64>]) -> Option<f64> {
    let n_within = etas_h.iter().flatten().filter(|eta| **eta <= 12.0).count();
    rate_percent(n_within as f64, etas_h.len() as f64)
}

/// `drill_rate` (docs/indices.md 3.1 D4, A), 0 or above, %: mean of drills done
/// over planned and trainees done over planned in 12 months; a rate that is not
/// applicable is left out.
pub fn drill_rate(drills: (f64, f64), trainees: (f64, f64)) -> Option<f64> {
    let rates = [rate_percent(drills.0, drills.1), rate_percent(trainees.0, trainees.1)];
    let n = rates.iter().flatten().count();
    (n > 0).then(|| rates.iter().flatten().fold(0.0, |sum, rate| sum + rate) / n as f64)
}

/// What one accident report counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccidentReport {
    pub time: Time,
    pub deaths: f64,
    pub serious_injuries: f64,
    pub minor_injuries: f64,
    /// Fires without casualty.
    pub fires: f64,
}

/// Numbers of the accident burden (configuration).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccidentRules {
    pub death: f64,
    pub serious_injury: f64,
    pub minor_injury: f64,
    pub fire: f64,
    pub half_life: Duration,
    pub left_out_after: Duration,
    /// People the burden is counted per, and the least population it uses.
    pub per_people: f64,
}

/// `accident_burden` (docs/indices.md 3.1 D5, A), 0 or above:
/// `Σ p·2^(−age/90 d)` over the reports of 365 d, times 10,000/max(population,
/// 10,000) once all townships' populations are configured.
pub fn accident_burden(
    reports: &[AccidentReport],
    at: Time,
    population: Option<f64>,
    rules: &AccidentRules,
) -> f64 {
    let half_life_ms = millis(rules.half_life) as f64;
    let reported = reports.iter().filter(|report| {
        report.time <= at && at.millis_since(report.time) <= millis(rules.left_out_after)
    });
    let burden = reported.fold(0.0, |sum, report| {
        let points = rules.death * report.deaths
            + rules.serious_injury * report.serious_injuries
            + rules.minor_injury * report.minor_injuries
            + rules.fire * report.fires;
        let age_ms = at.millis_since(report.time) as f64;
        sum + points * libm::exp2(-age_ms / half_life_ms)
    });
    population.map_or(burden, |people| burden * rules.per_people / people.max(rules.per_people))
}

/// Major hazard 重大危险源 (GB 18218-2018, K), 0 or above: `R = α·Σ βᵢqᵢ/Qᵢ` of
/// `(β, q in t, Q in t)`, with α by the people exposed within 500 m.
pub fn major_hazard_index(substances: &[(f64, f64, f64)], people_exposed: u32) -> f64 {
    let alpha = match people_exposed {
        0 => 0.5,
        1..=29 => 1.0,
        30..=49 => 1.2,
        50..=99 => 1.5,
        _ => 2.0,
    };
    alpha * substances.iter().fold(0.0, |sum, (beta, mass, limit)| sum + beta * mass / limit)
}

/// Grade of a major hazard (GB 18218-2018, K): 1 from R 100, 2 from 50, 3 from
/// 10, else 4.
pub fn major_hazard_grade(index: f64) -> u8 {
    match index {
        r if r >= 100.0 => 1,
        r if r >= 50.0 => 2,
        r if r >= 10.0 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn day(n: i64) -> Time {
        Time::from_millis_clamped(n * DAY_MS)
    }

    fn alarm(thing: &str, level: Level, opened: Time, closed: Option<Time>) -> CountedAlarm {
        let property = PropertyId::from_static("crane_load_ratio");
        CountedAlarm { thing: ThingId::parse(thing).unwrap(), property, level, opened, closed }
    }

    const BURDEN: BurdenRules = BurdenRules {
        severities: [0.0, 1.0, 3.0, 10.0],
        half_life: Duration::from_secs(7 * 86_400),
        left_out_after: Duration::from_secs(56 * 86_400),
        per_things: 100.0,
        things_min: 20.0,
    };

    #[test]
    fn an_episode_is_one_day_of_one_thing_at_its_worst() {
        let hour = |n: u64| day(100) + Duration::from_secs(n * 3_600);
        let alarms = [
            alarm("c-1", Level::Yellow, hour(1), Some(hour(2))),
            alarm("c-1", Level::Orange, hour(3), Some(hour(4))),
            alarm("c-2", Level::Red, hour(3), None),
            alarm("c-1", Level::Yellow, hour(30), Some(hour(31))),
        ];
        let found = episodes(&alarms, hour(5));
        let expected = [
            Episode { level: Level::Orange, age_ms: 3_600_000 },
            Episode { level: Level::Red, age_ms: 0 },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn burdens_of_domain_3_1() {
        for (level, expected) in [(Level::Yellow, 5.0), (Level::Orange, 15.0), (Level::Red, 50.0)] {
            let open = [Episode { level, age_ms: 0 }];
            assert!((alarm_burden(&open, 7.0, &BURDEN) - expected).abs() < 1e-12);
        }
        let old = [Episode { level: Level::Red, age_ms: 7 * DAY_MS }];
        assert!((alarm_burden(&old, 100.0, &BURDEN) - 5.0).abs() < 1e-12);
        let gone = [Episode { level: Level::Red, age_ms: 57 * DAY_MS }];
        assert_eq!(alarm_burden(&gone, 20.0, &BURDEN), 0.0);
    }

    #[test]
    fn rates_without_a_denominator_do_not_apply() {
        assert_eq!(rate_percent(3.0, 4.0), Some(75.0));
        assert_eq!(rate_percent(0.0, 0.0), None);
        assert_eq!(sensing_online_rate(&[(10.0, 20.0), (20.0, 20.0)]), Some(75.0));
        assert_eq!(supply_12h_rate(&[Some(12.0), Some(13.0), None, Some(0.0)]), Some(50.0));
        assert_eq!(drill_rate((1.0, 2.0), (30.0, 40.0)), Some(62.5));
        assert_eq!(drill_rate((0.0, 0.0), (30.0, 40.0)), Some(75.0));
        assert_eq!(grid_report_ratio(30.0, 60.0, 25.0), Some(2.0));
        assert_eq!(grid_report_ratio(30.0, 60.0, 0.0), Some(1.0));
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), 2.5);
    }

    #[test]
    fn credit_is_weighted_by_major_hazard() {
        let rules = CreditRules {
            points: [20.0, 50.0, 70.0, 85.0, 100.0],
            hazard_weights: [4.0, 3.0, 2.0, 1.0, 0.5],
        };
        let firm =
            |credit_grade, major_hazard_grade| ChemicalFirm { credit_grade, major_hazard_grade };
        assert_eq!(
            chemical_credit(&[firm(Some(5), Some(1)), firm(None, Some(4))], &rules),
            Some(84.0)
        );
        assert_eq!(chemical_credit(&[firm(Some(4), None)], &rules), Some(85.0));
        assert_eq!(chemical_credit(&[], &rules), None);
    }

    #[test]
    fn accidents_fade_and_are_counted_per_people() {
        let rules = AccidentRules {
            death: 0.70,
            serious_injury: 0.20,
            minor_injury: 0.05,
            fire: 0.10,
            half_life: Duration::from_secs(90 * 86_400),
            left_out_after: Duration::from_secs(365 * 86_400),
            per_people: 10_000.0,
        };
        let report = AccidentReport {
            time: day(10),
            deaths: 1.0,
            serious_injuries: 1.0,
            minor_injuries: 0.0,
            fires: 0.0,
        };
        let burden = |at, population| accident_burden(&[report], day(at), population, &rules);
        assert!((burden(10, None) - 0.9).abs() < 1e-12);
        assert!((burden(100, None) - 0.45).abs() < 1e-12);
        assert!((burden(100, Some(20_000.0)) - 0.225).abs() < 1e-12);
        assert!((burden(100, Some(500.0)) - 0.45).abs() < 1e-12);
        assert_eq!(burden(376, None), 0.0);
    }

    #[test]
    fn major_hazards_are_graded() {
        let ammonia = [(2.0, 100.0, 10.0)];
        assert_eq!(major_hazard_index(&ammonia, 60), 30.0);
        for (index, grade) in [(100.0, 1), (50.0, 2), (10.0, 3), (9.9, 4)] {
            assert_eq!(major_hazard_grade(index), grade);
        }
    }
}

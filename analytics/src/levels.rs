//! The memory of a published level: worse at once, better only after an
//! unbroken run (docs/indices.md section 5, "Index levels").

use std::time::Duration;

use model::{Level, Time};
use serde::{Deserialize, Serialize};

use crate::freshness::millis;
use crate::knots::TOLERANCE;

/// How a level improves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelRules {
    /// Points by which values are worsened to see whether they stay better.
    pub margin: f64,
    /// How long a run of better candidates lasts before the level improves.
    pub run: Duration,
}

/// One evaluation, as the level's memory sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelEvidence {
    /// The level at the bounds; `None` when there is none (grey).
    pub level: Option<Level>,
    /// The level with the values worsened by the margin.
    pub candidate: Level,
    pub coverage: f64,
    /// Grey or provisional: breaks every run.
    pub breaks_run: bool,
}

/// What is remembered between evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LevelMemory {
    pub level: Option<Level>,
    /// Coverage when the level was set.
    pub coverage: f64,
    /// When the unbroken run of candidates of at most this level began, for
    /// none, blue, yellow and orange.
    pub runs: [Option<Time>; 4],
}

const IMPROVED: [Level; 4] = [Level::None, Level::Blue, Level::Yellow, Level::Orange];

impl LevelMemory {
    /// The next memory. The level it holds is the one to publish: worse at
    /// once; better to the best X for which all candidates of an unbroken run
    /// begun at least `rules.run` ago were X or better. Between whole minutes
    /// (`is_whole_minute` false) it may only get worse.
    #[must_use]
    pub fn step(
        self,
        at: Time,
        evidence: LevelEvidence,
        rules: &LevelRules,
        is_whole_minute: bool,
    ) -> LevelMemory {
        let mut next = self;
        let Some(level) = evidence.level else {
            next.runs = [None; 4];
            return next;
        };
        if self.level.is_none_or(|before| level > before) {
            next.level = Some(level);
            next.coverage = evidence.coverage;
        }
        next.extend_runs(at, evidence, is_whole_minute);
        if is_whole_minute {
            next.improve(at, evidence.coverage, rules);
        }
        next
    }

    fn extend_runs(&mut self, at: Time, evidence: LevelEvidence, is_whole_minute: bool) {
        let is_broken = evidence.breaks_run || evidence.coverage < self.coverage - TOLERANCE;
        for (run, improved) in self.runs.iter_mut().zip(IMPROVED) {
            if is_broken || evidence.candidate > improved {
                *run = None;
            } else if is_whole_minute {
                run.get_or_insert(at);
            }
        }
    }

    fn improve(&mut self, at: Time, coverage: f64, rules: &LevelRules) {
        let lasted = |run: &Option<Time>| {
            run.is_some_and(|start| at.millis_since(start) >= millis(rules.run))
        };
        let better = self.runs.iter().zip(IMPROVED).find(|(run, _)| lasted(run));
        if let Some((_, improved)) = better
            && self.level.is_some_and(|level| improved < level)
        {
            self.level = Some(improved);
            self.coverage = coverage;
        }
    }
}

/// When a level improves, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fall {
    pub to: Level,
    pub at: Time,
    /// When the run that leads to it began.
    pub since: Time,
}

impl LevelMemory {
    /// The next improvement, provided that what is known now stays as it is;
    /// `None` while no run towards a better level is going on.
    pub fn next_fall(&self, rules: &LevelRules) -> Option<Fall> {
        let level = self.level?;
        let better = self.runs.iter().zip(IMPROVED).filter(|(_, improved)| *improved < level);
        let falls = better.filter_map(|(run, to)| {
            let since = (*run)?;
            Some(Fall { to, at: since + rules.run, since })
        });
        // The milder of those that come at the same time.
        falls.min_by_key(|fall| (fall.at, fall.to))
    }
}

/// One level milder, not below none.
pub fn one_milder(level: Level) -> Level {
    match level {
        Level::None | Level::Blue => Level::None,
        Level::Yellow => Level::Blue,
        Level::Orange => Level::Yellow,
        Level::Red => Level::Orange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: LevelRules = LevelRules { margin: 2.0, run: Duration::from_secs(1_800) };

    /// Evaluations as (minute, level and candidate, coverage, provisional);
    /// the level published after each.
    #[track_caller]
    fn check(evaluations: &[(i64, Level, f64, bool)], expected: &[Level]) {
        let mut memory = LevelMemory::default();
        let found: Vec<Level> = evaluations
            .iter()
            .map(|(minute, level, coverage, breaks_run)| {
                let evidence = LevelEvidence {
                    level: Some(*level),
                    candidate: *level,
                    coverage: *coverage,
                    breaks_run: *breaks_run,
                };
                memory =
                    memory.step(Time::from_millis_clamped(minute * 60_000), evidence, &RULES, true);
                memory.level.unwrap()
            })
            .collect();
        assert_eq!(found, expected);
    }

    use Level::{Blue, None as Calm, Orange, Red, Yellow};

    #[test]
    fn worse_at_once_better_after_thirty_minutes() {
        check(
            &[
                (0, Blue, 1.0, false),
                (1, Red, 1.0, false),
                (2, Blue, 1.0, false),
                (31, Blue, 1.0, false),
                (32, Blue, 1.0, false),
            ],
            &[Blue, Red, Red, Red, Blue],
        );
    }

    #[test]
    fn the_best_level_that_the_whole_run_allows() {
        check(
            &[
                (0, Red, 1.0, false),
                (1, Yellow, 1.0, false),
                (20, Blue, 1.0, false),
                (31, Calm, 1.0, false),
                (50, Calm, 1.0, false),
                (61, Calm, 1.0, false),
            ],
            &[Red, Red, Red, Yellow, Blue, Calm],
        );
    }

    #[test]
    fn provisional_and_poorer_evaluations_break_the_run() {
        check(
            &[
                (0, Orange, 1.0, false),
                (1, Blue, 1.0, false),
                (20, Blue, 1.0, true),
                (31, Blue, 1.0, false),
                (60, Blue, 0.7, false),
                (61, Blue, 1.0, false),
                (91, Blue, 1.0, false),
            ],
            &[Orange, Orange, Orange, Orange, Orange, Orange, Blue],
        );
    }

    /// Runs towards none, blue, yellow and orange by the minute they began; the
    /// fall from red as (level, minute).
    #[track_caller]
    fn check_fall(runs: [Option<i64>; 4], expected: Option<(Level, i64)>) {
        let minute = |n: i64| Time::from_millis_clamped(n * 60_000);
        let runs = runs.map(|run| run.map(minute));
        let memory = LevelMemory { level: Some(Red), coverage: 1.0, runs };
        let found = memory.next_fall(&RULES).map(|fall| (fall.to, fall.at));
        assert_eq!(found, expected.map(|(level, at)| (level, minute(at))));
    }

    #[test]
    fn a_level_falls_when_its_first_run_is_long_enough() {
        check_fall([None; 4], None);
        check_fall([None, None, None, Some(5)], Some((Orange, 35)));
        check_fall([Some(9), Some(5), Some(5), Some(5)], Some((Blue, 35)));
        check_fall([Some(5); 4], Some((Calm, 35)));
        let blue = LevelMemory { level: Some(Blue), coverage: 1.0, runs: [None; 4] };
        let runs = [None, Some(Time::EPOCH), Some(Time::EPOCH), Some(Time::EPOCH)];
        assert_eq!(LevelMemory { runs, ..blue }.next_fall(&RULES), None, "blue stays blue");
    }

    #[test]
    fn between_minutes_only_worse() {
        let evidence = |level| LevelEvidence {
            level: Some(level),
            candidate: level,
            coverage: 1.0,
            breaks_run: false,
        };
        let at = |minute: i64| Time::from_millis_clamped(minute * 60_000);
        let memory = LevelMemory::default().step(at(0), evidence(Yellow), &RULES, true).step(
            at(1),
            evidence(Blue),
            &RULES,
            true,
        );
        assert_eq!(memory.step(at(40), evidence(Blue), &RULES, false).level, Some(Yellow));
        assert_eq!(memory.step(at(40), evidence(Red), &RULES, false).level, Some(Red));
        assert_eq!(memory.step(at(40), evidence(Blue), &RULES, true).level, Some(Blue));
    }
}

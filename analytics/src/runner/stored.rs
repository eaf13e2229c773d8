//! Which scores are stored: when level, flags or coverage changed, when the
//! score moved by 0.1 or the confidence by 0.02 since the last stored one, and
//! at whole hours.

use std::collections::BTreeMap;
use std::time::Duration;

use store::ScoreRow;

use crate::engine::encode_score;
use crate::knots::TOLERANCE;
use crate::record::{Feature, IndexId, ScoreRecord};

const HOUR: Duration = Duration::from_secs(3_600);
const SCORE_MOVED: f64 = 0.1;
const CONFIDENCE_MOVED: f64 = 0.02;

/// The last stored score of each index and feature.
#[derive(Debug, Default)]
pub(super) struct Stored(BTreeMap<(IndexId, Feature), ScoreRecord>);

pub(super) fn feature_text(feature: Feature) -> String {
    match feature {
        Feature::Township(code) => code.to_string(),
        Feature::County => "county".to_owned(),
    }
}

impl Stored {
    /// A score that was stored before a start.
    pub(super) fn note(&mut self, score: ScoreRecord) {
        let shown = ScoreRecord { explanation: None, ..score };
        self.0.insert((shown.index, shown.feature), shown);
    }

    /// The row to store, if the score is to be stored; it is noted.
    pub(super) fn row(&mut self, score: &ScoreRecord) -> Option<ScoreRow> {
        let before = self.0.get(&(score.index, score.feature));
        if !before.is_none_or(|before| is_news(before, score)) {
            return None;
        }
        let shown = ScoreRecord { explanation: None, ..score.clone() };
        self.0.insert((score.index, score.feature), shown);
        Some(ScoreRow {
            index: score.index.as_str().to_owned(),
            feature: feature_text(score.feature),
            at: score.time,
            score: score.score,
            level: score.level,
            grey: score.grey,
            provisional: score.provisional,
            coverage: score.coverage,
            confidence: score.confidence,
            body: encode_score(score),
        })
    }
}

fn is_news(before: &ScoreRecord, score: &ScoreRecord) -> bool {
    let moved = |before: Option<f64>, now: Option<f64>, by: f64| match (before, now) {
        (Some(before), Some(now)) => (now - before).abs() >= by - TOLERANCE,
        (before, now) => before.is_some() != now.is_some(),
    };
    let is_whole_hour = score.time == score.time.floor_to(HOUR) && before.time < score.time;
    is_whole_hour
        || flags(before) != flags(score)
        || moved(before.score, score.score, SCORE_MOVED)
        || moved(Some(before.confidence), Some(score.confidence), CONFIDENCE_MOVED)
        || (before.coverage - score.coverage).abs() > TOLERANCE
}

/// Everything that is not a number: levels, flags, caps, who is missing.
fn flags(score: &ScoreRecord) -> impl PartialEq + use<'_> {
    let flood = score.flood.as_ref().map(|flood| {
        (
            [flood.hazard_level, flood.sensed_level, flood.official_level],
            [flood.response_level, flood.displayed_level],
            &flood.displayed_by,
            &flood.unverified,
            flood.n_life_alarms,
        )
    });
    let caps: Vec<&str> = score.caps.iter().map(|cap| cap.id.as_str()).collect();
    (score.level, score.grey, score.provisional, flood, caps, &score.missing)
}

#[cfg(test)]
mod tests {
    use model::{Level, Time, TownshipCode};

    use super::*;

    fn score(minute: i64) -> ScoreRecord {
        ScoreRecord {
            index: IndexId::FloodTyphoon,
            feature: Feature::Township(TownshipCode::parse("330225101").unwrap()),
            time: Time::from_millis_clamped(minute * 60_000),
            score: Some(50.0),
            level: Some(Level::Blue),
            grey: false,
            provisional: false,
            coverage: 1.0,
            confidence: 0.8,
            flood: None,
            missing: Vec::new(),
            caps: Vec::new(),
            sentence: [String::new(), String::new()],
            explanation: None,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut ScoreRecord), expected: bool) {
        let mut stored = Stored::default();
        assert!(stored.row(&score(1)).is_some(), "the first one");
        let mut next = score(2);
        change(&mut next);
        assert_eq!(stored.row(&next).is_some(), expected);
    }

    #[test]
    fn what_changed_is_stored() {
        check(|_| {}, false);
        check(|score| score.score = Some(50.099), false);
        check(|score| score.score = Some(50.1), true);
        check(|score| score.score = None, true);
        check(|score| score.level = Some(Level::Yellow), true);
        check(|score| score.grey = true, true);
        check(|score| score.coverage = 0.99, true);
        check(|score| score.confidence = 0.81, false);
        check(|score| score.confidence = 0.82, true);
        check(|score| score.time = Time::from_millis_clamped(3_600_000), true);
    }

    #[test]
    fn small_moves_add_up() {
        let mut stored = Stored::default();
        let moved =
            |minute: i64| ScoreRecord { score: Some(50.0 + 0.04 * minute as f64), ..score(minute) };
        let found: Vec<bool> = (0..7).map(|n| stored.row(&moved(n)).is_some()).collect();
        assert_eq!(found, [true, false, false, true, false, false, true]);
    }
}

//! The post-event review of a replay: what was highest where and when, how
//! levels moved, what was told, who was moved, and whether the ledger
//! balances. Read from the journal, so that it is the same after a replay that
//! was cut off.

use std::collections::BTreeMap;

use analytics::decode_score;
use analytics::record::{AlertPhase, AlertRecord, Feature, IndexId, NodeRecord, ScoreRecord};
use anyhow::Context;
use model::{Level, LocalizedName, Origin, PropertyId, ThingKind, Time, Township, TownshipCode};
use serde::Serialize;
use store::{AlertFilter, DatastreamKey, ScoreFilter, Store, TimeRange};

use super::Scenario;

/// Scores of one township: a whole-minute one for more than two months.
const SCORES_MAX: usize = 100_000;

/// Alerts of a page, and at most of a review.
const ALERTS_PAGE: usize = 1_000;
const ALERTS_MAX: usize = 100_000;

/// Reports of people moved.
const REPORTS_MAX: usize = 1_000_000;

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

/// The part of a group that is not measured.
const OFFICIAL: &str = "official_signal";

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Review {
    scenario: String,
    name: LocalizedName,
    origin: Origin,
    seed: u64,
    begin: Time,
    end: Time,
    county: Course,
    townships: Vec<TownshipReview>,
    alerts: Alerts,
    evacuation: Vec<Moved>,
    ledger: Ledger,
}

/// A value and when it was reached first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Highest {
    score: f64,
    time: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Change {
    time: Time,
    from: Level,
    to: Level,
}

/// How an index went.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Course {
    highest: Option<Highest>,
    /// First time of each assessed level.
    first: BTreeMap<Level, Time>,
    changes: Vec<Change>,
    at_end: Option<Level>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct TownshipReview {
    code: TownshipCode,
    name: LocalizedName,
    index: Course,
    /// First time of each displayed level.
    displayed_first: BTreeMap<Level, Time>,
    displayed_changes: Vec<Change>,
    /// Stored scores whose displayed level was below the signal in force.
    n_below_official: u32,
    groups: BTreeMap<String, Group>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Group {
    highest: Option<Highest>,
    /// Without official floors.
    highest_sensed: Option<Highest>,
    /// Without official floors: the first time at or above each bound.
    first_sensed: BTreeMap<Level, Time>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Alerts {
    total: u32,
    by_class: BTreeMap<String, u32>,
    by_highest_level: BTreeMap<Level, u32>,
    by_property: BTreeMap<String, u32>,
    open_at_end: u32,
    red_at_end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Moved {
    time: Time,
    people: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Ledger {
    balances: bool,
    sources: BTreeMap<String, Booked>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
struct Booked {
    received: u64,
    stored: u64,
    duplicate: u64,
    quarantined: u64,
    refused: u64,
    replaced: u64,
}

pub(crate) async fn of(
    store: &Store,
    scenario: &Scenario,
    townships: &[Township],
    seed: u64,
    end: Time,
) -> anyhow::Result<Review> {
    let range =
        TimeRange { start: scenario.begin, stop: end + std::time::Duration::from_millis(1) };
    let mut reviews = Vec::new();
    for township in townships {
        let mut review = TownshipReview {
            code: township.code,
            name: township.name.clone(),
            index: Course::default(),
            displayed_first: BTreeMap::new(),
            displayed_changes: Vec::new(),
            n_below_official: 0,
            groups: BTreeMap::new(),
        };
        for score in scores(store, &township.code.to_string(), range).await? {
            debug_assert_eq!(score.feature, Feature::Township(township.code));
            review.note(&score);
        }
        reviews.push(review);
    }
    let mut county = Course::default();
    for score in scores(store, "county", range).await? {
        county.note(score.time, score.score, score.level);
    }
    Ok(Review {
        scenario: scenario.id.clone(),
        name: scenario.name.clone(),
        origin: store.origin(),
        seed,
        begin: scenario.begin,
        end,
        county,
        townships: reviews,
        alerts: alerts(store).await?,
        evacuation: evacuation(store, scenario.begin, end).await?,
        ledger: ledger(store, range).await?,
    })
}

async fn scores(
    store: &Store,
    feature: &str,
    range: TimeRange,
) -> anyhow::Result<Vec<ScoreRecord>> {
    let filter = ScoreFilter {
        index: Some(IndexId::FloodTyphoon.as_str().to_owned()),
        feature: Some(feature.to_owned()),
    };
    let rows = store.scores(filter, range, SCORES_MAX).await?;
    rows.iter().map(|row| decode_score(&row.body).context("a stored score")).collect()
}

/// Takes a value if it is above the highest so far.
fn raise(highest: &mut Option<Highest>, score: f64, time: Time) {
    if highest.is_none_or(|held| held.score < score) {
        *highest = Some(Highest { score, time });
    }
}

/// Takes a level: the first time of it and of all below, and the change.
fn step(level: Level, time: Time, first: &mut BTreeMap<Level, Time>, changes: &mut Vec<Change>) {
    for reached in Level::COLOURED.into_iter().filter(|reached| *reached <= level) {
        first.entry(reached).or_insert(time);
    }
    let from = changes.last().map_or(Level::None, |change| change.to);
    if from != level {
        changes.push(Change { time, from, to: level });
    }
}

impl Course {
    fn note(&mut self, time: Time, score: Option<f64>, level: Option<Level>) {
        if let Some(score) = score {
            raise(&mut self.highest, score, time);
        }
        if let Some(level) = level {
            step(level, time, &mut self.first, &mut self.changes);
        }
        self.at_end = level;
    }
}

impl TownshipReview {
    fn note(&mut self, score: &ScoreRecord) {
        self.index.note(score.time, score.score, score.level);
        if let Some(flood) = &score.flood {
            let (displayed, official) = (flood.displayed_level, flood.official_level);
            step(displayed, score.time, &mut self.displayed_first, &mut self.displayed_changes);
            self.n_below_official += u32::from(displayed < official);
        }
        let hazard = score.explanation.iter().flat_map(|index| &index.parts);
        let hazard = hazard.filter(|part| part.id == IndexId::Hazard.as_str());
        for group in hazard.flat_map(|hazard| &hazard.parts) {
            self.groups.entry(group.id.clone()).or_default().note(group, score.time);
        }
    }
}

impl Group {
    fn note(&mut self, node: &NodeRecord, time: Time) {
        if let Some(score) = node.score {
            raise(&mut self.highest, score, time);
        }
        // The outlook has no quantities: it is all sensed.
        let measured = node.parts.iter().filter(|part| part.id != OFFICIAL);
        let sensed = match node.parts.is_empty() {
            true => node.score,
            false => measured.filter_map(|part| part.score).reduce(f64::max),
        };
        let Some(sensed) = sensed else { return };
        raise(&mut self.highest_sensed, sensed, time);
        for (level, bound) in Level::COLOURED.into_iter().zip(DANGER_BOUNDS) {
            if sensed >= bound - 1e-9 {
                self.first_sensed.entry(level).or_insert(time);
            }
        }
    }
}

/// Lower bounds of the levels of danger (docs/indices.md section 4).
const DANGER_BOUNDS: [f64; 4] = [40.0, 60.0, 75.0, 90.0];

async fn alerts(store: &Store) -> anyhow::Result<Alerts> {
    let mut found = Alerts::default();
    let mut before = None;
    while (found.total as usize) < ALERTS_MAX {
        let rows = store.alerts(AlertFilter::default(), before, ALERTS_PAGE).await?;
        let Some(last) = rows.last() else { break };
        before = Some((last.opened, last.id.clone()));
        for row in &rows {
            let record: AlertRecord = serde_json::from_str(&row.body).context("a stored alert")?;
            found.note(&record);
        }
    }
    Ok(found)
}

impl Alerts {
    fn note(&mut self, alert: &AlertRecord) {
        self.total += 1;
        let class = serde_json::to_value(alert.class).ok();
        let class = class.as_ref().and_then(|class| class.as_str()).unwrap_or("unknown");
        *self.by_class.entry(class.to_owned()).or_default() += 1;
        *self.by_highest_level.entry(alert.level_highest).or_default() += 1;
        *self.by_property.entry(alert.property.clone()).or_default() += 1;
        let is_over = matches!(alert.phase, AlertPhase::Resolved | AlertPhase::Forgotten);
        if !is_over && alert.closed.is_none() {
            self.open_at_end += 1;
            self.red_at_end += u32::from(alert.level == Level::Red);
        }
    }
}

/// People moved, all townships and categories, at every whole hour.
async fn evacuation(store: &Store, begin: Time, end: Time) -> anyhow::Result<Vec<Moved>> {
    let moved = PropertyId::from_static("people_evacuated");
    let directory = store.directory();
    let offices =
        directory.things.values().filter(|record| record.thing.kind == ThingKind::TownshipOffice);
    let keys: Vec<DatastreamKey> = offices
        .flat_map(|record| &record.datastreams)
        .filter(|((property, _), _)| *property == moved)
        .map(|(_, key)| *key)
        .collect();
    let range = TimeRange { start: begin, stop: end + std::time::Duration::from_millis(1) };
    let (_, slices) = store.slices(keys, range, REPORTS_MAX).await?;
    let mut hours = Vec::new();
    let mut hour = begin;
    while hour <= end {
        let newest = slices.iter().filter_map(|rows| {
            let n_before = rows.partition_point(|row| row.time <= hour);
            rows[..n_before].last().map(|row| row.value)
        });
        hours.push(Moved { time: hour, people: newest.sum() });
        hour = hour + HOUR;
    }
    Ok(hours)
}

async fn ledger(store: &Store, range: TimeRange) -> anyhow::Result<Ledger> {
    let mut ledger = Ledger { balances: true, sources: BTreeMap::new() };
    for row in store.ledger(range).await? {
        ledger.balances &=
            row.received == row.stored + row.duplicate + row.quarantined + row.refused;
        let booked = ledger.sources.entry(row.source.to_string()).or_default();
        booked.received += row.received;
        booked.stored += row.stored;
        booked.duplicate += row.duplicate;
        booked.quarantined += row.quarantined;
        booked.refused += row.refused;
        booked.replaced += row.replaced;
    }
    Ok(ledger)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Time {
        Time::from_millis_clamped(minute * 60_000)
    }

    #[test]
    fn levels_have_first_times_and_changes() {
        let mut course = Course::default();
        let steps = [(1, 30.0, Level::None), (2, 80.0, Level::Orange), (5, 62.0, Level::Yellow)];
        for (minute, score, level) in steps {
            course.note(at(minute), Some(score), Some(level));
        }
        assert_eq!(course.highest, Some(Highest { score: 80.0, time: at(2) }));
        let reached: Vec<(Level, Time)> = course.first.into_iter().collect();
        assert_eq!(reached, [(Level::Blue, at(2)), (Level::Yellow, at(2)), (Level::Orange, at(2))]);
        assert_eq!(course.changes.len(), 2);
        assert_eq!(course.at_end, Some(Level::Yellow));
    }

    fn node(id: &str, score: f64, parts: Vec<NodeRecord>) -> NodeRecord {
        NodeRecord {
            id: id.to_owned(),
            kind: "quantity".to_owned(),
            aggregation: None,
            score: Some(score),
            weight: None,
            contribution: None,
            state: "known".to_owned(),
            raw: None,
            reasons: Vec::new(),
            parts,
        }
    }

    #[test]
    fn what_was_sensed_is_told_apart_from_the_signal() {
        let mut group = Group::default();
        let parts = vec![node("wind_speed", 62.0, Vec::new()), node(OFFICIAL, 90.0, Vec::new())];
        group.note(&node("wind", 90.0, parts), at(1));
        group.note(&node("wind", 91.0, vec![node("wind_speed", 91.0, Vec::new())]), at(9));
        assert_eq!(group.highest_sensed, Some(Highest { score: 91.0, time: at(9) }));
        assert_eq!(group.first_sensed[&Level::Yellow], at(1));
        assert_eq!(group.first_sensed[&Level::Red], at(9));
        let mut outlook = Group::default();
        outlook.note(&node("outlook", 75.0, Vec::new()), at(1));
        assert_eq!(outlook.first_sensed[&Level::Orange], at(1));
    }
}

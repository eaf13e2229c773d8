//! Caps (veto) of Index A (docs/indices.md 3.3): conditions that hold the index
//! below a limit whatever its parts say. Durations are "strictly longer than".

use std::time::Duration;

use model::{ThingKind, Time};

use crate::freshness::millis;

/// The conditions, in the order of docs/indices.md 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CapId {
    RedUnacknowledged,
    RedUnacknowledgedLong,
    RedTwoSectors,
    FatalAccident,
    MajorAccident,
    MajorHazardOverdue,
    MajorHazardOffline,
}

impl CapId {
    pub const ALL: [CapId; 7] = [
        CapId::RedUnacknowledged,
        CapId::RedUnacknowledgedLong,
        CapId::RedTwoSectors,
        CapId::FatalAccident,
        CapId::MajorAccident,
        CapId::MajorHazardOverdue,
        CapId::MajorHazardOffline,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            CapId::RedUnacknowledged => "red_unacknowledged",
            CapId::RedUnacknowledgedLong => "red_unacknowledged_long",
            CapId::RedTwoSectors => "red_two_sectors",
            CapId::FatalAccident => "fatal_accident",
            CapId::MajorAccident => "major_accident",
            CapId::MajorHazardOverdue => "major_hazard_overdue",
            CapId::MajorHazardOffline => "major_hazard_offline",
        }
    }

    pub fn parse(text: &str) -> Option<CapId> {
        CapId::ALL.into_iter().find(|cap| cap.as_str() == text)
    }
}

/// A cap whose condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldCap {
    pub id: CapId,
    /// When the condition began, where that is known.
    pub since: Option<Time>,
    /// When it ends by itself; `None` until somebody acts.
    pub expires: Option<Time>,
}

/// A confirmed red alarm on a thing of the four sectors that counts by
/// docs/indices.md 3.1 or is about lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedAlarm {
    pub sector: ThingKind,
    pub opened: Time,
    pub closed: Option<Time>,
    /// When the responsible unit was told.
    pub told: Option<Time>,
    /// When that unit acknowledged; the county desk's does not count.
    pub acknowledged: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accident {
    pub time: Time,
    pub deaths: f64,
}

/// What the caps look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CapFacts {
    pub red_alarms: Vec<RedAlarm>,
    pub accidents: Vec<Accident>,
    /// `major_hazards_overdue` as last reported.
    pub major_hazards_overdue: f64,
    /// Since when mandatory datastreams of a grade 1 or 2 major hazard are
    /// offline.
    pub major_hazard_offline_since: Option<Time>,
}

/// Durations of the conditions (configuration).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CapRules {
    pub unacknowledged: Duration,
    pub unacknowledged_long: Duration,
    pub fatal_accident: Duration,
    pub major_accident: Duration,
    pub major_accident_deaths: f64,
    pub offline: Duration,
    /// A month is capped by conditions that held at least this long in it.
    pub held_in_month: Duration,
}

/// The caps that hold at an instant (docs/indices.md 3.3, A), in their order.
pub fn caps_now(facts: &CapFacts, at: Time, rules: &CapRules) -> Vec<HeldCap> {
    let mut held = Vec::new();
    let mut hold = |id, since, expires| held.push(HeldCap { id, since, expires });

    if let Some(since) = longest_unacknowledged(facts, at) {
        if at.millis_since(since) > millis(rules.unacknowledged) {
            hold(CapId::RedUnacknowledged, Some(since + rules.unacknowledged), None);
        }
        if at.millis_since(since) > millis(rules.unacknowledged_long) {
            hold(CapId::RedUnacknowledgedLong, Some(since + rules.unacknowledged_long), None);
        }
    }
    if let Some(since) = two_sectors_since(facts, at) {
        hold(CapId::RedTwoSectors, Some(since), None);
    }
    for (id, span) in
        [(CapId::FatalAccident, rules.fatal_accident), (CapId::MajorAccident, rules.major_accident)]
    {
        let newest = facts
            .accidents
            .iter()
            .filter(|accident| accident_cap(accident, rules) == Some(id))
            .filter(|accident| accident.time <= at && at <= accident.time + span)
            .map(|accident| accident.time)
            .max();
        if let Some(time) = newest {
            hold(id, Some(time), Some(time + span));
        }
    }
    if facts.major_hazards_overdue >= 1.0 {
        hold(CapId::MajorHazardOverdue, None, None);
    }
    if let Some(since) = facts.major_hazard_offline_since
        && at.millis_since(since) > millis(rules.offline)
    {
        hold(CapId::MajorHazardOffline, Some(since + rules.offline), None);
    }
    held
}

/// The caps of a month (docs/indices.md 3.3, A): accidents whose 30 or 90 days
/// overlap `[start, end)`, and each other cap whose condition held at least
/// 24 h in total, as `(cap, milliseconds held within the month)`.
pub fn caps_of_month(
    accidents: &[Accident],
    held: &[(CapId, i64)],
    start: Time,
    end: Time,
    rules: &CapRules,
) -> Vec<HeldCap> {
    CapId::ALL
        .into_iter()
        .filter(|id| match id {
            CapId::FatalAccident | CapId::MajorAccident => accidents.iter().any(|accident| {
                let span = match id {
                    CapId::FatalAccident => rules.fatal_accident,
                    _ => rules.major_accident,
                };
                accident_cap(accident, rules) == Some(*id)
                    && accident.time < end
                    && start <= accident.time + span
            }),
            _ => {
                let total = held
                    .iter()
                    .filter(|(held, _)| held == id)
                    .fold(0_i64, |sum, (_, millis)| sum.saturating_add(*millis));
                total >= millis(rules.held_in_month)
            }
        })
        .map(|id| HeldCap { id, since: None, expires: None })
        .collect()
}

fn accident_cap(accident: &Accident, rules: &CapRules) -> Option<CapId> {
    match accident.deaths {
        deaths if deaths >= rules.major_accident_deaths => Some(CapId::MajorAccident),
        deaths if deaths >= 1.0 => Some(CapId::FatalAccident),
        _ => None,
    }
}

fn is_open(alarm: &RedAlarm, at: Time) -> bool {
    alarm.opened <= at && alarm.closed.is_none_or(|closed| closed > at)
}

/// Since when the unit that waited longest was told and has not acknowledged.
fn longest_unacknowledged(facts: &CapFacts, at: Time) -> Option<Time> {
    facts
        .red_alarms
        .iter()
        .filter(|alarm| is_open(alarm, at))
        .filter(|alarm| alarm.acknowledged.is_none_or(|time| time > at))
        .filter_map(|alarm| alarm.told)
        .min()
}

/// Since when red alarms of two sectors are open at once.
fn two_sectors_since(facts: &CapFacts, at: Time) -> Option<Time> {
    let mut first_of_sector: Vec<(ThingKind, Time)> = Vec::new();
    for alarm in facts.red_alarms.iter().filter(|alarm| is_open(alarm, at)) {
        match first_of_sector.iter_mut().find(|(sector, _)| *sector == alarm.sector) {
            Some((_, first)) => *first = alarm.opened.min(*first),
            None => first_of_sector.push((alarm.sector, alarm.opened)),
        }
    }
    let mut firsts: Vec<Time> = first_of_sector.into_iter().map(|(_, first)| first).collect();
    firsts.sort();
    firsts.get(1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: CapRules = CapRules {
        unacknowledged: Duration::from_secs(30 * 60),
        unacknowledged_long: Duration::from_secs(2 * 3_600),
        fatal_accident: Duration::from_secs(30 * 86_400),
        major_accident: Duration::from_secs(90 * 86_400),
        major_accident_deaths: 3.0,
        offline: Duration::from_secs(3_600),
        held_in_month: Duration::from_secs(86_400),
    };

    fn minute(n: i64) -> Time {
        Time::from_millis_clamped(n * 60_000)
    }

    fn red(sector: ThingKind, told: Option<i64>, acknowledged: Option<i64>) -> RedAlarm {
        let [told, acknowledged] = [told, acknowledged].map(|time| time.map(minute));
        RedAlarm { sector, opened: minute(0), closed: None, told, acknowledged }
    }

    #[track_caller]
    fn check(facts: &CapFacts, at: i64, expected: &[CapId]) {
        let found: Vec<CapId> =
            caps_now(facts, minute(at), &RULES).iter().map(|cap| cap.id).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_unacknowledged_red_caps_strictly_after_its_time() {
        use CapId::{RedUnacknowledged as Short, RedUnacknowledgedLong as Long};
        let alarm = red(ThingKind::Enterprise, Some(5), None);
        let facts = CapFacts { red_alarms: vec![alarm], ..CapFacts::default() };
        check(&facts, 35, &[]);
        check(&facts, 36, &[Short]);
        check(&facts, 126, &[Short, Long]);
        let answered = RedAlarm { acknowledged: Some(minute(40)), ..alarm };
        check(&CapFacts { red_alarms: vec![answered], ..CapFacts::default() }, 126, &[]);
        let untold = RedAlarm { told: None, ..alarm };
        check(&CapFacts { red_alarms: vec![untold], ..CapFacts::default() }, 126, &[]);
    }

    #[test]
    fn two_sectors_cap_even_when_acknowledged() {
        let red_alarms = vec![
            red(ThingKind::Enterprise, Some(0), Some(1)),
            red(ThingKind::Enterprise, Some(0), Some(1)),
        ];
        let mut facts = CapFacts { red_alarms, ..CapFacts::default() };
        check(&facts, 5, &[]);
        facts.red_alarms.push(red(ThingKind::FishingVessel, Some(0), Some(1)));
        check(&facts, 5, &[CapId::RedTwoSectors]);
    }

    #[test]
    fn accidents_cap_until_they_expire() {
        let day = 1_440;
        let accident = |deaths| CapFacts {
            accidents: vec![Accident { time: minute(0), deaths }],
            ..CapFacts::default()
        };
        check(&accident(1.0), 30 * day, &[CapId::FatalAccident]);
        check(&accident(1.0), 30 * day + 1, &[]);
        check(&accident(3.0), 90 * day, &[CapId::MajorAccident]);
        check(&accident(0.0), day, &[]);
        let month = |deaths, start: i64| {
            let accidents = [Accident { time: minute(0), deaths }];
            caps_of_month(&accidents, &[], minute(start * day), minute((start + 30) * day), &RULES)
        };
        assert_eq!(month(2.0, 30).len(), 1);
        assert_eq!(month(2.0, 31).len(), 0);
    }

    #[test]
    fn hazards_overdue_and_offline() {
        let facts = CapFacts {
            major_hazards_overdue: 1.0,
            major_hazard_offline_since: Some(minute(0)),
            ..CapFacts::default()
        };
        check(&facts, 60, &[CapId::MajorHazardOverdue]);
        check(&facts, 61, &[CapId::MajorHazardOverdue, CapId::MajorHazardOffline]);
        let held = [(CapId::RedTwoSectors, 80_000_000), (CapId::RedTwoSectors, 6_400_000)];
        let month = caps_of_month(&[], &held, minute(0), minute(43_200), &RULES);
        assert_eq!(month[0].id, CapId::RedTwoSectors);
    }
}

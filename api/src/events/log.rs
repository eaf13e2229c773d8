//! The log of recent events, in order of their ids.
//!
//! Of what a client may skip only the newest stays: an older score of the same
//! township and index is emptied, and latest values beyond the limit. Alerts
//! stay until the log is full of events.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use analytics::record::{Feature, IndexId};
use model::{Time, TownshipCode};

/// Events kept for clients that come back.
const EVENTS_MAX: usize = 16_384;

/// Alerts among them; each is about a kilobyte.
const ALERTS_MAX: usize = 4_096;

/// Changes of latest values that are kept.
const CHANGES_MAX: usize = 40_000;

/// The commit that was the last one then, and a serial number that grows with
/// every event and begins at the start's milliseconds: ids stay in order
/// across restarts, and one from before a restart is never taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventId {
    pub(super) commit: u64,
    pub(super) serial: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.commit, self.serial)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnknownId;

impl FromStr for EventId {
    type Err = UnknownId;

    fn from_str(text: &str) -> Result<EventId, UnknownId> {
        let (commit, serial) = text.split_once('-').ok_or(UnknownId)?;
        let commit = commit.parse().map_err(|_| UnknownId)?;
        let serial = serial.parse().map_err(|_| UnknownId)?;
        Ok(EventId { commit, serial })
    }
}

/// A newer latest value of a datastream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    pub(super) datastream: Arc<str>,
    pub(super) township: Option<TownshipCode>,
    pub(super) time: Time,
    pub(super) value: f64,
    pub(super) quality: u8,
}

/// Of one key only the newest score counts.
pub(super) type ScoreKey = (IndexId, Feature);

#[derive(Debug, Clone)]
pub(super) enum Body {
    /// A score, written once for all clients, in Chinese and English.
    Score {
        key: ScoreKey,
        data: [Arc<str>; 2],
    },
    /// An alert after a transition.
    Alert {
        township: Option<TownshipCode>,
        data: Arc<str>,
    },
    Latest(Arc<[Change]>),
    /// A newer score of the same key follows.
    Superseded,
    /// Latest values that are no longer kept: whoever wants them has missed
    /// some.
    LatestLost,
}

#[derive(Debug, Clone)]
pub(super) struct HubEvent {
    pub(super) id: EventId,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) struct Log {
    /// The id just before the oldest event that is kept.
    base: EventId,
    events: VecDeque<Arc<HubEvent>>,
    /// Serials of the newest score of each key: as many as there are scores.
    newest: HashMap<ScoreKey, u64>,
    /// Serials of events with latest values, and how many changes they hold.
    latest: VecDeque<u64>,
    n_changes: usize,
    n_alerts: usize,
}

impl Log {
    pub(super) fn new(base: EventId) -> Log {
        Log {
            base,
            events: VecDeque::new(),
            newest: HashMap::new(),
            latest: VecDeque::new(),
            n_changes: 0,
            n_alerts: 0,
        }
    }

    pub(super) fn last(&self) -> EventId {
        self.events.back().map_or(self.base, |event| event.id)
    }

    fn next_id(&self, commit: u64, now_ms: u64) -> EventId {
        let last = self.last();
        EventId { commit: commit.max(last.commit), serial: now_ms.max(last.serial + 1) }
    }

    /// Appends with the next id; `now_ms` keeps serials in step with time.
    pub(super) fn push(&mut self, commit: u64, now_ms: u64, body: Body) {
        let id = self.next_id(commit, now_ms);
        match &body {
            Body::Score { key, .. } => {
                if let Some(older) = self.newest.insert(*key, id.serial) {
                    self.empty(older, Body::Superseded);
                }
            }
            Body::Alert { .. } => self.n_alerts += 1,
            Body::Latest(changes) => {
                self.latest.push_back(id.serial);
                self.n_changes += changes.len();
            }
            Body::Superseded | Body::LatestLost => (),
        }
        self.events.push_back(Arc::new(HubEvent { id, body }));
        self.shrink();
    }

    /// Everything before now is unknown: whoever comes back is told so.
    pub(super) fn forget(&mut self, now_ms: u64) {
        let base = self.next_id(self.last().commit, now_ms);
        *self = Log::new(base);
    }

    fn shrink(&mut self) {
        // The newest stays, however heavy it is.
        while self.n_changes > CHANGES_MAX && self.latest.len() > 1 {
            let Some(oldest) = self.latest.pop_front() else { break };
            self.empty(oldest, Body::LatestLost);
        }
        while self.events.len() > EVENTS_MAX || self.n_alerts > ALERTS_MAX {
            let Some(oldest) = self.events.pop_front() else { break };
            self.base = oldest.id;
            self.uncount(&oldest.body);
            if self.latest.front() == Some(&oldest.id.serial) {
                self.latest.pop_front();
            }
            if let Body::Score { key, .. } = &oldest.body {
                self.newest.remove(key);
            }
        }
    }

    fn uncount(&mut self, body: &Body) {
        match body {
            Body::Latest(changes) => self.n_changes -= changes.len(),
            Body::Alert { .. } => self.n_alerts -= 1,
            Body::Score { .. } | Body::Superseded | Body::LatestLost => (),
        }
    }

    /// Keeps the id of an event and lets go of what it said.
    fn empty(&mut self, serial: u64, body: Body) {
        let Ok(index) = self.events.binary_search_by_key(&serial, |event| event.id.serial) else {
            return;
        };
        let id = self.events[index].id;
        let emptied = std::mem::replace(&mut self.events[index], Arc::new(HubEvent { id, body }));
        self.uncount(&emptied.body);
    }

    /// What follows `place`; `None` when that is not known any more, or never
    /// was.
    pub(super) fn after(&self, place: EventId) -> Option<Vec<Arc<HubEvent>>> {
        let first = if place == self.base {
            0
        } else {
            let found = self.events.binary_search_by_key(&place.serial, |event| event.id.serial);
            let index = found.ok().filter(|index| self.events[*index].id == place)?;
            index + 1
        };
        Some(self.events.range(first..).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(n: usize) -> Body {
        let change = Change {
            datastream: "hm-001/wind_speed".into(),
            township: None,
            time: Time::EPOCH,
            value: 1.0,
            quality: 1,
        };
        Body::Latest(vec![change; n].into())
    }

    fn alert() -> Body {
        Body::Alert { township: None, data: "{}".into() }
    }

    fn score(index: IndexId) -> Body {
        Body::Score { key: (index, Feature::County), data: ["{}".into(), "{}".into()] }
    }

    fn serials(events: Option<Vec<Arc<HubEvent>>>) -> Option<Vec<u64>> {
        events.map(|events| events.iter().map(|event| event.id.serial).collect())
    }

    fn bodies(log: &Log, place: EventId) -> String {
        let letter = |event: &Arc<HubEvent>| match event.body {
            Body::Score { .. } => 's',
            Body::Alert { .. } => 'a',
            Body::Latest(_) => 'l',
            Body::Superseded => '-',
            Body::LatestLost => 'x',
        };
        log.after(place).unwrap().iter().map(letter).collect()
    }

    #[test]
    fn ids_grow_even_when_the_clock_stands_or_steps_back() {
        let mut log = Log::new(EventId { commit: 7, serial: 1_000 });
        log.push(7, 1_000, changes(1));
        log.push(8, 1_000, changes(1));
        log.push(8, 500, changes(1));
        log.push(9, 5_000, changes(1));
        let start = EventId { commit: 7, serial: 1_000 };
        assert_eq!(serials(log.after(start)), Some(vec![1_001, 1_002, 1_003, 5_000]));
        assert_eq!(log.last().to_string(), "9-5000");
        assert_eq!("9-5000".parse(), Ok(log.last()));
    }

    #[test]
    fn a_place_that_is_unknown_or_forgotten_has_no_successors() {
        let mut log = Log::new(EventId { commit: 7, serial: 1_000 });
        log.push(8, 2_000, changes(1));
        let known = EventId { commit: 8, serial: 2_000 };
        assert_eq!(serials(log.after(known)), Some(vec![]));
        // The same serial of another run, a later one, and one in between.
        for (commit, serial) in [(6, 2_000), (8, 2_001), (7, 1_500)] {
            assert!(log.after(EventId { commit, serial }).is_none());
        }
        log.forget(2_000);
        assert!(log.after(known).is_none());
        assert!(log.after(EventId { commit: 7, serial: 1_000 }).is_none());
        assert_eq!(serials(log.after(log.last())), Some(vec![]));
    }

    #[test]
    fn older_scores_and_heavy_values_are_emptied_and_alerts_stay() {
        let start = EventId { commit: 0, serial: 0 };
        let mut log = Log::new(start);
        let bodies_of = [score(IndexId::Hazard), alert(), changes(1), score(IndexId::FloodTyphoon)];
        for body in bodies_of {
            log.push(1, 0, body);
        }
        assert_eq!(bodies(&log, start), "sals");
        log.push(2, 0, score(IndexId::Hazard));
        assert_eq!(bodies(&log, start), "-alss");
        log.push(2, 0, changes(CHANGES_MAX));
        assert_eq!(bodies(&log, start), "-axssl");
        log.push(2, 0, changes(CHANGES_MAX + 1));
        assert_eq!(bodies(&log, start), "-axssxl");
        assert_eq!((log.n_changes, log.n_alerts), (CHANGES_MAX + 1, 1));
    }

    #[test]
    fn the_log_is_bounded_in_number() {
        let start = EventId { commit: 0, serial: 0 };
        let mut log = Log::new(start);
        for commit in 1..=20_000 {
            log.push(commit, 0, changes(1));
        }
        assert_eq!((log.events.len(), log.latest.len()), (EVENTS_MAX, EVENTS_MAX));
        assert_eq!(log.n_changes, EVENTS_MAX);
        for commit in 1..=10_000 {
            log.push(commit, 0, alert());
        }
        assert!(log.n_alerts <= ALERTS_MAX && log.after(start).is_none());
        for text in ["", "5", "a-b", "5-", "-5", "1-2-3"] {
            assert_eq!(text.parse::<EventId>(), Err(UnknownId), "{text}");
        }
    }
}

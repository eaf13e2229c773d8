//! The log of recent events, in order of their ids.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use model::{Time, TownshipCode};

/// Events kept for clients that come back.
const EVENTS_MAX: usize = 2_048;

/// What they may hold together, in changes; a score counts as some.
const WEIGHT_MAX: usize = 40_000;
const WEIGHT_OF_SCORE: usize = 16;

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

#[derive(Debug, Clone)]
pub(super) enum Body {
    /// A township's score, written once for all clients.
    Score {
        township: TownshipCode,
        data: Arc<str>,
    },
    Latest(Vec<Change>),
}

#[derive(Debug, Clone)]
pub(super) struct HubEvent {
    pub(super) id: EventId,
    pub(super) body: Body,
}

impl HubEvent {
    fn weight(&self) -> usize {
        match &self.body {
            Body::Score { .. } => WEIGHT_OF_SCORE,
            Body::Latest(changes) => changes.len(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Log {
    /// The id just before the oldest event that is kept.
    base: EventId,
    events: VecDeque<Arc<HubEvent>>,
    weight: usize,
}

impl Log {
    pub(super) fn new(base: EventId) -> Log {
        Log { base, events: VecDeque::new(), weight: 0 }
    }

    pub(super) fn last(&self) -> EventId {
        self.events.back().map_or(self.base, |event| event.id)
    }

    /// Appends with the next id; `now_ms` keeps serials in step with time.
    pub(super) fn push(&mut self, commit: u64, now_ms: u64, body: Body) {
        let last = self.last();
        let serial = now_ms.max(last.serial + 1);
        let id = EventId { commit: commit.max(last.commit), serial };
        let event = HubEvent { id, body };
        self.weight += event.weight();
        self.events.push_back(Arc::new(event));
        // The newest stays, however heavy it is.
        while self.events.len() > 1 && (self.events.len() > EVENTS_MAX || self.weight > WEIGHT_MAX)
        {
            let Some(oldest) = self.events.pop_front() else { break };
            self.weight -= oldest.weight();
            self.base = oldest.id;
        }
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
        Body::Latest(vec![change; n])
    }

    fn serials(events: Option<Vec<Arc<HubEvent>>>) -> Option<Vec<u64>> {
        events.map(|events| events.iter().map(|event| event.id.serial).collect())
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
    fn a_place_that_is_unknown_or_gone_has_no_successors() {
        let mut log = Log::new(EventId { commit: 7, serial: 1_000 });
        log.push(8, 2_000, changes(1));
        let known = EventId { commit: 8, serial: 2_000 };
        assert_eq!(serials(log.after(known)), Some(vec![]));
        // The same serial of another run, a later one, and one in between.
        for (commit, serial) in [(6, 2_000), (8, 2_001), (7, 1_500)] {
            assert!(log.after(EventId { commit, serial }).is_none());
        }
        log.push(9, 3_000, changes(WEIGHT_MAX));
        assert!(log.after(EventId { commit: 7, serial: 1_000 }).is_none());
        assert_eq!(serials(log.after(known)), Some(vec![3_000]));
    }

    #[test]
    fn the_log_is_bounded_in_number() {
        let mut log = Log::new(EventId { commit: 0, serial: 0 });
        for commit in 1..=5_000 {
            log.push(commit, 0, changes(1));
        }
        assert_eq!(log.events.len(), EVENTS_MAX);
        for text in ["", "5", "a-b", "5-", "-5", "1-2-3"] {
            assert_eq!(text.parse::<EventId>(), Err(UnknownId), "{text}");
        }
    }
}

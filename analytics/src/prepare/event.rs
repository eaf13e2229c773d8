//! The event of a township: from 24 h before the first to 24 h after the last
//! minute with a response in force or a hazard level of blue or worse
//! (docs/indices.md section 5, "Registers, progress, states").

use std::time::Duration;

use model::{Level, Time, TownshipCode};

use crate::freshness::millis;
use crate::world::{Documents, EventMemory, ResponseInForce};

const MARGIN: Duration = Duration::from_secs(24 * 3_600);

/// A response that was declared again more often than this is followed back
/// no further.
const DECLARATIONS_MAX: usize = 100;

/// Moves the memory on, at a whole minute. An event that is over is forgotten;
/// a response may have been in force before we saw it.
pub fn advance_event(
    memory: &mut EventMemory,
    hazard_level: Level,
    response: Option<ResponseInForce>,
    at: Time,
) {
    if !is_running(memory, at) {
        *memory = EventMemory::default();
    }
    if response.is_none() && hazard_level < Level::Blue {
        return;
    }
    let began = response.map_or(at, |response| response.since.min(at));
    memory.first = Some(memory.first.map_or(began, |first| first.min(began)));
    memory.last = Some(at);
}

fn is_running(memory: &EventMemory, at: Time) -> bool {
    memory.last.is_some_and(|last| at.millis_since(last) <= millis(MARGIN))
}

/// Since when reports of progress count. Where no event runs it is the one
/// that would begin at this instant: the memory moves only at whole minutes,
/// and the first minute of an event must not take what was done for nothing.
pub(super) fn event_since(
    memory: Option<&EventMemory>,
    response_since: Option<Time>,
    at: Time,
) -> Time {
    let remembered = memory.filter(|memory| is_running(memory, at)).and_then(|memory| memory.first);
    let began = remembered.into_iter().chain(response_since).min();
    began.unwrap_or(at).min(at) - MARGIN
}

/// Since when a response is in force without a gap. A worse or milder one that
/// follows at once does not count as a new declaration, so that stepping up
/// makes no report younger.
pub(super) fn response_since(
    documents: &Documents,
    township: TownshipCode,
    at: Time,
) -> Option<Time> {
    let mut since = documents.response(township, at)?.since;
    for _ in 0..DECLARATIONS_MAX {
        let before = since - Duration::from_millis(1);
        match documents.response(township, before) {
            Some(earlier) if earlier.since < since => since = earlier.since,
            _ => break,
        }
    }
    Some(since)
}

#[cfg(test)]
mod tests {
    use model::{Area, Document, DocumentId, Response};

    use super::*;

    fn hour(n: i64) -> Time {
        Time::from_millis_clamped(n * 3_600_000)
    }

    /// Minutes as (hour, hazard level, response since); first and last after.
    #[track_caller]
    fn check(minutes: &[(i64, Level, Option<i64>)], expected: (Option<i64>, Option<i64>)) {
        let mut memory = EventMemory::default();
        for (at, level, since) in minutes {
            let response =
                since.map(|since| ResponseInForce { level: Level::Blue, since: hour(since) });
            advance_event(&mut memory, *level, response, hour(*at));
        }
        assert_eq!((memory.first, memory.last), (expected.0.map(hour), expected.1.map(hour)));
    }

    #[test]
    fn an_event_begins_lasts_and_is_forgotten() {
        use Level::{Blue, None as Calm, Red};
        check(&[(0, Calm, None)], (None, None));
        check(&[(0, Blue, None), (5, Red, None), (6, Calm, None)], (Some(0), Some(5)));
        check(&[(0, Blue, None), (24, Calm, None)], (Some(0), Some(0)));
        check(&[(0, Blue, None), (25, Calm, None)], (None, None));
        check(&[(0, Blue, None), (24, Blue, None)], (Some(0), Some(24)));
        check(&[(0, Blue, None), (25, Blue, None)], (Some(25), Some(25)));
        check(&[(10, Calm, Some(7))], (Some(7), Some(10)));
    }

    #[test]
    fn progress_counts_from_a_day_before_the_first_minute() {
        let memory = EventMemory { first: Some(hour(50)), last: Some(hour(60)) };
        assert_eq!(event_since(Some(&memory), None, hour(61)), hour(26));
        assert_eq!(event_since(Some(&memory), Some(hour(40)), hour(61)), hour(16));
        assert_eq!(event_since(Some(&memory), None, hour(90)), hour(66), "one that would begin");
        assert_eq!(event_since(None, None, hour(90)), hour(66));
    }

    #[test]
    fn stepping_a_response_up_is_no_new_declaration() {
        let mut documents = Documents::default();
        for (id, level, issued, cancelled) in [
            ("r-0", Level::Blue, 1, Some(3)),
            ("r-1", Level::Blue, 10, None),
            ("r-2", Level::Orange, 20, None),
        ] {
            documents.insert(Document::Response(Response {
                id: DocumentId::parse(id).unwrap(),
                level,
                area: Area::County,
                issuer: "bureau".to_owned(),
                issued: hour(issued),
                valid_from: hour(issued),
                valid_until: None,
                cancelled: cancelled.map(hour),
                note: None,
            }));
        }
        let township = TownshipCode::parse("330225101").unwrap();
        let since = |at| response_since(&documents, township, hour(at));
        assert_eq!(since(25), Some(hour(10)));
        assert_eq!((since(5), since(2)), (None, Some(hour(1))));
    }
}

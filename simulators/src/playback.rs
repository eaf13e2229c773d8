//! What the devices of a script would have sent, without any connection:
//! minute by minute, as fast as it is asked for.
//!
//! The order is fixed (things as given, then time), and a playback may begin
//! in the middle, so that a run that was cut off goes on with the same bytes.

use codec::{Codec, EncodeOptions};
use model::{Catalogue, ReadingTime, Thing, ThingId, Time};

use crate::fleet::{Fleet, in_message_order};
use crate::message::Message;
use crate::noise::Noise;
use crate::schedule::Schedule;

/// A message and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub thing: ThingId,
    /// Always `json`.
    pub message: Message,
}

#[derive(Debug)]
pub struct Playback {
    fleet: Fleet,
    voices: Vec<(Thing, Schedule)>,
}

impl Playback {
    /// From `begin` on; what is said at `begin` itself comes first.
    pub fn new(things: Vec<Thing>, catalogue: &Catalogue, fleet: Fleet, begin: Time) -> Playback {
        let voices = things.into_iter().map(|thing| {
            let noise = Noise::new(fleet.seed, thing.id.as_str());
            let schedule = Schedule::scripted(&thing, catalogue, noise, begin);
            (thing, schedule)
        });
        Playback { voices: voices.collect(), fleet }
    }

    /// Leaves out what was said up to and at `time`.
    pub fn skip_through(&mut self, time: Time) {
        for (_, schedule) in &mut self.voices {
            schedule.skip_through(time);
        }
    }

    /// All that is said up to and at `until`, and not before.
    pub fn through(&mut self, until: Time) -> anyhow::Result<Vec<Said>> {
        let mut said = Vec::new();
        for (thing, schedule) in &mut self.voices {
            while let Some(at) = schedule.next().filter(|at| *at <= until) {
                let mut readings = Vec::new();
                for (datastreams, since) in schedule.take(at, at) {
                    readings.extend(self.fleet.readings(thing, &datastreams, since, at));
                }
                for reading in &mut readings {
                    reading.time = ReadingTime::At(at);
                }
                if readings.is_empty() {
                    continue;
                }
                in_message_order(&mut readings);
                let message = Message::encode(Codec::Json, &readings, &EncodeOptions::default())?;
                said.push(Said { thing: thing.id.clone(), message });
            }
        }
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::test_thing::{script, shipped};
    use crate::weather::Scenario;

    const MINUTE: Duration = Duration::from_secs(60);

    fn begin() -> Time {
        Time::parse("2012-08-06T00:00:00+08:00").unwrap()
    }

    fn playback() -> Playback {
        let (catalogue, things) = shipped();
        let scenario = Scenario::Script(Arc::new(script(begin())));
        Playback::new(things, &catalogue, Fleet { seed: 1, scenario }, begin())
    }

    #[test]
    fn everything_is_said_at_the_begin_and_then_minute_by_minute() {
        let mut playback = playback();
        let first = playback.through(begin()).unwrap();
        assert_eq!(first.len(), 474);
        let next = playback.through(begin() + MINUTE).unwrap();
        assert!((60..250).contains(&next.len()), "{}", next.len());
        assert!(playback.through(begin() + MINUTE).unwrap().is_empty());
    }

    #[test]
    fn one_that_begins_in_the_middle_says_the_same() {
        for skipped in [0, 1, 7, 61, 203] {
            let (mut whole, mut cut) = (playback(), playback());
            let time = begin() + MINUTE * skipped;
            whole.through(time).unwrap();
            cut.skip_through(time);
            for minute in skipped + 1..skipped + 70 {
                let at = begin() + MINUTE * minute;
                assert_eq!(whole.through(at).unwrap(), cut.through(at).unwrap(), "{skipped} {at}");
            }
        }
    }
}

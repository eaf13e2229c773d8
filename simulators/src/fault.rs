//! Faults on demand: what goes wrong with which share of messages or things.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use model::{Reading, ReadingTime, Time};

use crate::message::Message;
use crate::noise::Noise;

/// How many messages a flood has.
pub(crate) const FLOOD_MESSAGES: u32 = 200;

/// The latest moment after its start at which a thing falls silent.
const SILENT_AFTER_MAX_S: f64 = 120.0;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The message is never sent.
    Gap,
    /// One value is far off.
    Spike,
    /// The thing's values stand still.
    Stuck,
    /// The device's clock is wrong by hours, or by decades.
    Clock,
    /// The message is sent twice.
    Duplicate,
    /// The message is sent after the next one.
    OutOfOrder,
    /// Two hundred messages in one second.
    Flood,
    /// The thing falls silent for good.
    Silence,
}

impl Fault {
    pub const ALL: [Fault; 8] = [
        Fault::Gap,
        Fault::Spike,
        Fault::Stuck,
        Fault::Clock,
        Fault::Duplicate,
        Fault::OutOfOrder,
        Fault::Flood,
        Fault::Silence,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Gap => "gap",
            Fault::Spike => "spike",
            Fault::Stuck => "stuck",
            Fault::Clock => "clock",
            Fault::Duplicate => "duplicate",
            Fault::OutOfOrder => "out_of_order",
            Fault::Flood => "flood",
            Fault::Silence => "silence",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The share of messages, or of things for stuck and silence, with each fault.
/// Its text form is `gap:0.05,spike:0.01`; empty means none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults(BTreeMap<Fault, f64>);

impl FromStr for Faults {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Faults> {
        let mut shares = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let shown = entry.escape_debug();
            let (name, share) = entry
                .split_once(':')
                .with_context(|| format!("fault `{shown}` has no share; write it like gap:0.05"))?;
            let Some(fault) = Fault::ALL.into_iter().find(|fault| fault.as_str() == name) else {
                let known = Fault::ALL.map(Fault::as_str).join(", ");
                bail!("unknown fault in `{shown}`; known are {known}");
            };
            let share: f64 = share.parse().with_context(|| format!("share of `{shown}`"))?;
            if !(0.0..=1.0).contains(&share) {
                bail!("share of `{shown}` is not between 0 and 1");
            }
            if shares.insert(fault, share).is_some() {
                bail!("fault `{fault}` is there twice");
            }
        }
        Ok(Faults(shares))
    }
}

/// How a thing is broken for the whole run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ThingFaults {
    pub(crate) is_stuck: bool,
    pub(crate) silent_after: Option<Duration>,
}

/// How a clock is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockError {
    OffByMs(i64),
    /// It lost its battery and began again.
    Restarted,
}

impl ClockError {
    const ALL: [ClockError; 3] = [
        ClockError::OffByMs(2 * 3_600_000),
        ClockError::OffByMs(-3 * 3_600_000),
        ClockError::Restarted,
    ];
}

/// What goes wrong with one message.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct MessageFaults {
    pub(crate) is_gap: bool,
    pub(crate) is_spike: bool,
    pub(crate) clock_error: Option<ClockError>,
    pub(crate) is_duplicate: bool,
    pub(crate) is_out_of_order: bool,
    pub(crate) is_flood: bool,
}

impl Faults {
    fn strikes(&self, fault: Fault, thing: Noise, n: i64) -> bool {
        let share = self.0.get(&fault).copied().unwrap_or(0.0);
        thing.named(fault.as_str()).unit(n) < share
    }

    pub(crate) fn of_thing(&self, thing: Noise) -> ThingFaults {
        let silent_after = self.strikes(Fault::Silence, thing, 0).then(|| {
            Duration::from_secs_f64(thing.named("silent_after").unit(0) * SILENT_AFTER_MAX_S)
        });
        ThingFaults { is_stuck: self.strikes(Fault::Stuck, thing, 0), silent_after }
    }

    /// Of the thing's `n`th message.
    pub(crate) fn of_message(&self, thing: Noise, n: i64) -> MessageFaults {
        let strikes = |fault| self.strikes(fault, thing, n);
        let any = usize::from(thing.named("clock_error").bits(n).to_le_bytes()[0]);
        let wrong = ClockError::ALL[any % ClockError::ALL.len()];
        MessageFaults {
            is_gap: strikes(Fault::Gap),
            is_spike: strikes(Fault::Spike),
            clock_error: strikes(Fault::Clock).then_some(wrong),
            is_duplicate: strikes(Fault::Duplicate),
            is_out_of_order: strikes(Fault::OutOfOrder),
            is_flood: strikes(Fault::Flood),
        }
    }
}

impl MessageFaults {
    /// Falsifies values and times as these faults say.
    pub(crate) fn falsify(&self, readings: &mut [Reading], noise: Noise, n: i64) {
        if self.is_spike && !readings.is_empty() {
            let count = readings.len() as u64;
            let victim = usize::try_from(noise.named("victim").bits(n) % count).unwrap_or(0);
            let value = &mut readings[victim].value;
            *value += 10.0 * (1.0 + value.abs());
        }
        if let Some(error) = self.clock_error {
            for reading in readings {
                reading.time = match reading.time {
                    ReadingTime::At(time) => ReadingTime::At(wrong_time(time, error)),
                    other => other,
                };
                reading.since = reading.since.map(|time| wrong_time(time, error));
            }
        }
    }
}

/// Where clocks begin that have lost their battery: the year 2000.
const CLOCK_BEGINS_MS: i64 = 946_684_800_000;

fn wrong_time(time: Time, error: ClockError) -> Time {
    Time::from_millis_clamped(match error {
        ClockError::OffByMs(error_ms) => time.millis() + error_ms,
        ClockError::Restarted => CLOCK_BEGINS_MS + time.millis().rem_euclid(86_400_000),
    })
}

/// What is sent next, with the messages that are held back.
#[derive(Debug, Default)]
pub(crate) struct SendOrder {
    held: Vec<Message>,
}

impl SendOrder {
    /// The messages to send now, for those that are new.
    pub(crate) fn pass(&mut self, faults: &MessageFaults, new: Vec<Message>) -> Vec<Message> {
        let new = if faults.is_gap { Vec::new() } else { new };
        if faults.is_out_of_order && self.held.is_empty() {
            self.held = new;
            return Vec::new();
        }
        let mut now = new.clone();
        if faults.is_duplicate {
            now.extend(new);
        }
        now.append(&mut self.held);
        now
    }
}

#[cfg(test)]
mod tests {
    use codec::Codec;
    use model::PropertyId;

    use super::*;

    fn message(n: u8) -> Message {
        Message { codec: Codec::Json, payload: vec![n].into(), n_readings: 1 }
    }

    #[test]
    fn faults_are_named_with_their_share() {
        let faults: Faults = "gap:0.05, silence:1".parse().unwrap();
        assert_eq!(faults, Faults(BTreeMap::from([(Fault::Gap, 0.05), (Fault::Silence, 1.0)])));
        assert_eq!("".parse::<Faults>().unwrap(), Faults::default());
        for text in ["gap", "gap:x", "gap:1.1", "gap:-0.1", "gap:NaN", "leak:0.1", "gap:0,gap:0"] {
            assert!(text.parse::<Faults>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn they_strike_as_often_as_asked_and_repeatably() {
        let faults: Faults = "gap:0.1,flood:0.02".parse().unwrap();
        let thing = Noise::new(1, "hm-001");
        let struck = (0..10_000).filter(|&n| faults.of_message(thing, n).is_gap).count();
        assert!((900..1100).contains(&struck), "{struck}");
        assert_eq!(faults.of_message(thing, 5), faults.of_message(thing, 5));
        assert!(!(0..10_000).any(|n| faults.of_message(thing, n).is_spike));
    }

    #[test]
    fn things_are_stuck_or_silent_as_a_whole() {
        let faults: Faults = "stuck:0.5,silence:0.5".parse().unwrap();
        let of: Vec<ThingFaults> =
            (0..400).map(|n| faults.of_thing(Noise::new(1, &format!("t{n}")))).collect();
        assert!((150..250).contains(&of.iter().filter(|thing| thing.is_stuck).count()));
        assert!((150..250).contains(&of.iter().filter(|t| t.silent_after.is_some()).count()));
    }

    #[test]
    fn a_spike_changes_one_value_and_a_wrong_clock_all_times() {
        let time = Time::parse("2026-07-25T08:00:00+08:00").unwrap();
        let reading = Reading {
            property: PropertyId::from_static("wind_speed"),
            channel: None,
            value: 4.0,
            unit: None,
            time: ReadingTime::At(time),
            since: None,
        };
        let mut readings = vec![reading; 3];
        let faults = MessageFaults {
            is_spike: true,
            clock_error: Some(ClockError::OffByMs(7_200_000)),
            ..MessageFaults::default()
        };
        faults.falsify(&mut readings, Noise::new(1, "x"), 0);
        assert_eq!(readings.iter().filter(|reading| reading.value == 54.0).count(), 1);
        let late = ReadingTime::At(time + Duration::from_secs(7200));
        assert!(readings.iter().all(|reading| reading.time == late));
        assert_eq!(
            wrong_time(time, ClockError::Restarted).to_string(),
            "2000-01-01T08:00:00.000+08:00"
        );
    }

    #[track_caller]
    fn check_order(faults: &[MessageFaults], expected: &[&[u8]]) {
        let mut order = SendOrder::default();
        for (n, (faults, expected)) in (0..).zip(faults.iter().zip(expected)) {
            let now: Vec<u8> =
                order.pass(faults, vec![message(n)]).iter().map(|m| m.payload[0]).collect();
            assert_eq!(&now, expected);
        }
    }

    #[test]
    fn messages_are_left_out_doubled_and_swapped() {
        let fine = MessageFaults::default();
        let gap = MessageFaults { is_gap: true, ..fine };
        let twice = MessageFaults { is_duplicate: true, ..fine };
        let late = MessageFaults { is_out_of_order: true, ..fine };
        check_order(&[fine, gap, twice], &[&[0], &[], &[2, 2]]);
        check_order(&[late, fine, fine], &[&[], &[1, 0], &[2]]);
        check_order(&[late, late, fine], &[&[], &[1, 0], &[2]]);
    }
}

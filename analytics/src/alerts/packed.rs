//! The stored form of an alarm's state: a row of numbers, since thousands of
//! them are written each minute. Times are milliseconds since 1970.

use std::time::Duration;

use model::{Level, Time};
use serde::{Deserialize, Serialize};

use super::state::{AlarmState, LastReading, Phase, Reading};

type Millis = i64;

/// Phase, levels and flags, a decimal digit each · what every alarm has: last
/// reading, better since · what few have.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Packed(u64, Option<(Millis, Millis, f64)>, [Option<Millis>; 4], Option<Rare>);

/// Opened, level since, notified · suspect reading.
#[derive(Debug, Serialize, Deserialize)]
struct Rare([Option<Millis>; 3], Option<(Millis, Millis, f64, Option<u64>)>);

const N_DIGITS: usize = 12;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("digit {digit} at place {place} of an alarm's state is not known")]
pub(super) struct UnknownDigit {
    digit: u64,
    place: usize,
}

const PHASES: [Phase; 6] = [
    Phase::Inactive,
    Phase::Pending,
    Phase::Firing,
    Phase::Acknowledged,
    Phase::Resolving { acknowledged: false },
    Phase::Resolving { acknowledged: true },
];
const LEVELS: [Level; 5] = [Level::None, Level::Blue, Level::Yellow, Level::Orange, Level::Red];
const FLAGS: [bool; 2] = [false, true];

fn digit<T: PartialEq>(known: &[T], value: &T) -> u64 {
    let place = known.iter().position(|found| found == value);
    place.and_then(|place| u64::try_from(place).ok()).expect("every value is among the known ones")
}

/// Reads the digits of a number, the last one first.
struct Digits {
    rest: u64,
    place: usize,
}

impl Digits {
    fn take<T: Copy>(&mut self, known: &[T]) -> Result<T, UnknownDigit> {
        let digit = self.rest % 10;
        self.rest /= 10;
        self.place += 1;
        let found = usize::try_from(digit).ok().and_then(|place| known.get(place));
        found.copied().ok_or(UnknownDigit { digit, place: self.place })
    }
}

fn digits(state: &AlarmState) -> u64 {
    let last = state.last.map_or(Level::None, |last| last.level);
    let [first, second, third] = state.recent;
    let level = |level| digit(&LEVELS, &level);
    let flag = |flag| digit(&FLAGS, &flag);
    let digits: [u64; N_DIGITS] = [
        digit(&PHASES, &state.phase),
        level(state.level),
        level(state.confirmed_level),
        level(state.last_minute),
        level(last),
        level(first),
        level(second),
        level(third),
        flag(state.is_late),
        flag(state.needs_person),
        flag(state.data_missing),
        flag(state.escalated),
    ];
    digits.iter().rev().fold(0, |number, digit| number * 10 + digit)
}

fn packed_reading(reading: Reading) -> (Millis, Millis, f64, Option<u64>) {
    let flag =
        reading.device_flag.map(|lasted| u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX));
    (reading.time.millis(), reading.received.millis(), reading.value, flag)
}

impl From<AlarmState> for Packed {
    fn from(state: AlarmState) -> Packed {
        let millis = |time: Option<Time>| time.map(Time::millis);
        let times = [state.opened, state.level_since, state.notified].map(millis);
        let suspect = state.suspect.map(packed_reading);
        let is_rare = suspect.is_some() || times.iter().any(Option::is_some);
        Packed(
            digits(&state),
            state.last.map(|last| (last.time.millis(), last.received.millis(), last.value)),
            state.better_since.map(millis),
            is_rare.then_some(Rare(times, suspect)),
        )
    }
}

impl TryFrom<Packed> for AlarmState {
    type Error = UnknownDigit;

    fn try_from(packed: Packed) -> Result<AlarmState, UnknownDigit> {
        let Packed(digits, last, better_since, rare) = packed;
        let Rare(times, suspect) = rare.unwrap_or(Rare([None; 3], None));
        let time = Time::from_millis_clamped;
        let [opened, level_since, notified] = times.map(|millis| millis.map(time));
        let mut digits = Digits { rest: digits, place: 0 };
        let phase = digits.take(&PHASES)?;
        let level = digits.take(&LEVELS)?;
        let confirmed_level = digits.take(&LEVELS)?;
        let last_minute = digits.take(&LEVELS)?;
        let last_level = digits.take(&LEVELS)?;
        let recent = [digits.take(&LEVELS)?, digits.take(&LEVELS)?, digits.take(&LEVELS)?];
        Ok(AlarmState {
            phase,
            level,
            confirmed_level,
            opened,
            level_since,
            is_late: digits.take(&FLAGS)?,
            needs_person: digits.take(&FLAGS)?,
            data_missing: digits.take(&FLAGS)?,
            last: last.map(|(at, received, value)| LastReading {
                time: time(at),
                received: time(received),
                value,
                level: last_level,
            }),
            suspect: suspect.map(|(at, received, value, flag)| Reading {
                time: time(at),
                received: time(received),
                value,
                is_suspect: true,
                device_flag: flag.map(Duration::from_millis),
            }),
            better_since: better_since.map(|millis| millis.map(time)),
            recent,
            last_minute,
            escalated: digits.take(&FLAGS)?,
            notified,
        })
    }
}

//! The alarm's transitions.

use std::time::Duration;

use model::{Level, Persistence, Time};

use super::state::{AlarmRules, AlarmState, Event, LastReading, Phase, Reading, Transition};
use crate::freshness::millis;

/// Late readings (docs/indices.md section 5, A).
const LATE_MIN: Duration = Duration::from_secs(600);
const LATE_LIFE_MAX: Duration = Duration::from_secs(24 * 3_600);
const LATE_OTHER_MAX: Duration = Duration::from_secs(3_600);

/// One event of one datastream's alarm: the next state, and what to tell.
/// `at` is the scene time of the event.
pub fn step(
    state: AlarmState,
    event: &Event,
    at: Time,
    rules: &AlarmRules,
) -> (AlarmState, Vec<Transition>) {
    let mut alarm = Alarm { state, told: Vec::new(), at, rules };
    match event {
        Event::Reading(reading) => alarm.reading(*reading),
        Event::Minute => alarm.minute(),
        Event::Acknowledge => alarm.acknowledge(),
        Event::Close => alarm.close(),
        Event::Suspend => alarm.suspend(),
        Event::Withdraw => alarm.withdraw(),
    }
    (alarm.state, alarm.told)
}

struct Alarm<'a> {
    state: AlarmState,
    told: Vec<Transition>,
    at: Time,
    rules: &'a AlarmRules,
}

impl Alarm<'_> {
    fn tell(&mut self, transition: Transition) {
        self.told.push(transition);
    }

    fn reading(&mut self, reading: Reading) {
        let level = self.rules.limits.level(reading.value);
        let delay_ms = reading.received.millis_since(reading.time);
        let late_after = self.rules.period.map_or(LATE_MIN, |period| (period * 3).max(LATE_MIN));
        let is_newest = self.state.last.is_none_or(|last| reading.time > last.time);
        if delay_ms > millis(late_after) {
            return self.late_reading(reading, level, delay_ms, is_newest);
        }
        if !is_newest {
            return;
        }
        if let Some(suspect) = self.state.suspect.take() {
            let suspect_level = self.rules.limits.level(suspect.value);
            if level >= suspect_level {
                self.sample(suspect, suspect_level, false);
            }
        }
        if reading.is_suspect {
            self.state.suspect = Some(reading);
        } else {
            self.sample(reading, level, false);
        }
    }

    /// A late reading about lives raises whatever its delay up to 24 h; any
    /// other raises if it is the newest and at most 1 h old.
    fn late_reading(&mut self, reading: Reading, level: Level, delay_ms: i64, is_newest: bool) {
        let is_life = self.rules.life_safety.is_some_and(|life| level >= life);
        if is_newest && delay_ms <= millis(LATE_OTHER_MAX) {
            return self.sample(reading, level, true);
        }
        if !is_life || delay_ms > millis(LATE_LIFE_MAX) {
            return;
        }
        if is_newest {
            return self.sample(reading, level, true);
        }
        let is_normal_since = self.state.last.is_some_and(|last| last.level < level);
        if is_normal_since && !self.state.is_open() {
            self.open(level, true);
            self.state.needs_person = true;
            self.state.confirmed_level = Level::None;
            self.tell(Transition::RaisedPast { level });
        }
    }

    fn sample(&mut self, reading: Reading, level: Level, is_late: bool) {
        let Reading { time, received, value, .. } = reading;
        self.state.last = Some(LastReading { time, received, value, level });
        if self.state.data_missing {
            self.state.data_missing = false;
            self.tell(Transition::DataBack);
        }
        for (since, level) in self.state.better_since.iter_mut().zip(Level::COLOURED) {
            if self.rules.limits.is_better(reading.value, level) {
                since.get_or_insert(reading.time);
            } else {
                *since = None;
            }
        }
        let is_life = self.rules.life_safety.is_some_and(|life| level >= life);
        match self.rules.persistence {
            Persistence::P0 => self.raise(level, true, is_late),
            Persistence::P1 if is_late && is_life => self.raise(level, true, true),
            Persistence::P1 => self.pend(level),
            Persistence::P2 => {
                if !is_late {
                    let [newest, older, _] = self.state.recent;
                    self.state.recent = [level, newest, older];
                }
                self.raise(level, false, is_late);
                self.confirm(reading, level);
            }
        }
        self.settle();
    }

    /// P2: confirmed by 2 of 3 consecutive samples, or by the device's own
    /// flag of at least 10 s.
    fn confirm(&mut self, reading: Reading, level: Level) {
        let mut levels = self.state.recent;
        levels.sort();
        let is_flagged =
            reading.device_flag.is_some_and(|lasted| lasted >= self.rules.device_flag_confirms);
        let by_samples = levels[1];
        let confirmed = if is_flagged { level.max(by_samples) } else { by_samples };
        let confirmed = confirmed.min(self.state.level);
        if self.state.is_open() && confirmed > self.state.confirmed_level {
            self.state.confirmed_level = confirmed;
            self.tell(Transition::Confirmed { level: confirmed });
        }
    }

    /// P1 waits for two whole minutes in a row.
    fn pend(&mut self, level: Level) {
        match (self.state.phase, level) {
            (Phase::Inactive, level) if level > Level::None => {
                self.state.phase = Phase::Pending;
                self.tell(Transition::Pending { level });
            }
            (Phase::Pending, Level::None) => {
                self.state.phase = Phase::Inactive;
                self.tell(Transition::Forgotten);
            }
            _ => {}
        }
    }

    fn raise(&mut self, level: Level, confirmed: bool, late: bool) {
        if level == Level::None {
            return;
        }
        if !self.state.is_open() {
            self.open(level, late);
            if confirmed {
                self.state.confirmed_level = level;
            }
            return self.tell(Transition::Raised { level, confirmed, late });
        }
        let before = self.state.level;
        if level > before {
            self.state.level = level;
            self.state.level_since = Some(self.at);
            // A worse level wants an acknowledgement of its own.
            self.state.phase = Phase::Firing;
            self.state.escalated = false;
            self.state.notified = Some(self.at);
            self.tell(Transition::Worsened { from: before, to: level });
        }
        if confirmed {
            self.state.confirmed_level = self.state.confirmed_level.max(level);
        }
    }

    fn open(&mut self, level: Level, late: bool) {
        self.state.phase = Phase::Firing;
        self.state.level = level;
        self.state.confirmed_level = Level::None;
        self.state.opened = Some(self.at);
        self.state.level_since = Some(self.at);
        self.state.is_late = late;
        self.state.escalated = false;
        self.state.notified = Some(self.at);
    }

    /// Resolving while the value is better than every limit, firing again when
    /// it is not.
    fn settle(&mut self) {
        let is_better = self.state.better_since.iter().all(Option::is_some);
        let is_at_limit = self.state.last.is_some_and(|last| last.level > Level::None);
        match self.state.phase {
            Phase::Firing | Phase::Acknowledged if is_better => {
                let acknowledged = self.state.phase == Phase::Acknowledged;
                self.state.phase = Phase::Resolving { acknowledged };
                self.tell(Transition::Resolving);
            }
            Phase::Resolving { acknowledged } if is_at_limit => {
                self.state.phase = if acknowledged { Phase::Acknowledged } else { Phase::Firing };
                self.tell(Transition::Returned);
            }
            _ => {}
        }
    }

    fn minute(&mut self) {
        // Limits may depend on what other datastreams said since.
        if let Some(last) = &mut self.state.last {
            last.level = self.rules.limits.level(last.value);
        }
        if let (Some(period), Some(last)) = (self.rules.period, self.state.last)
            && self.at.millis_since(last.time) > millis(period * 3)
            && !self.state.data_missing
        {
            self.state.data_missing = true;
            self.tell(Transition::DataMissing);
        }
        if self.rules.persistence == Persistence::P1 {
            let level = match self.state.last {
                Some(last) if !self.state.data_missing => last.level,
                _ => Level::None,
            };
            let lasting = level.min(self.state.last_minute);
            self.state.last_minute = level;
            self.raise(lasting, true, false);
            self.settle();
        }
        self.improve();
        self.remind();
    }

    /// Each level ends when the value has been better for long enough, by what
    /// was heard, and the level has lasted.
    fn improve(&mut self) {
        let is_closed_by_time =
            self.state.is_open() && !self.rules.only_operator_closes && !self.state.needs_person;
        let (Some(last), Some(since)) = (self.state.last, self.state.level_since) else { return };
        if !is_closed_by_time || self.at.millis_since(since) < millis(self.rules.level_lasts) {
            return;
        }
        let has_ended = |level: Level| {
            let index = Level::COLOURED.iter().position(|found| *found == level);
            let since = index.and_then(|index| self.state.better_since[index]);
            since
                .is_some_and(|since| last.time.millis_since(since) >= millis(self.rules.better_for))
        };
        let before = self.state.level;
        let limits = &self.rules.limits;
        let is_watched = |level: Level| {
            limits.high.is_some_and(|high| high.at(level).is_some())
                || limits.low.is_some_and(|low| low.at(level).is_some())
        };
        let remaining = Level::COLOURED
            .into_iter()
            .rev()
            .filter(|level| *level <= before && is_watched(*level))
            .find(|level| !has_ended(*level))
            .unwrap_or(Level::None);
        if remaining == Level::None {
            self.end(Transition::Resolved);
        } else if remaining < before {
            self.state.level = remaining;
            self.state.confirmed_level = self.state.confirmed_level.min(remaining);
            self.state.level_since = Some(self.at);
            self.tell(Transition::Improved { from: before, to: remaining });
        }
    }

    fn end(&mut self, how: Transition) {
        self.state = AlarmState {
            last: self.state.last,
            data_missing: self.state.data_missing,
            better_since: self.state.better_since,
            recent: self.state.recent,
            last_minute: self.state.last_minute,
            ..AlarmState::default()
        };
        self.tell(how);
    }

    fn remind(&mut self) {
        if !matches!(self.state.phase, Phase::Firing | Phase::Resolving { acknowledged: false }) {
            return self.notify_again();
        }
        if let Some(since) = self.state.level_since
            && let Some(after) = self.rules.escalation.after(self.state.level)
            && !self.state.escalated
            && self.at.millis_since(since) >= millis(after)
        {
            self.state.escalated = true;
            self.state.notified = Some(self.at);
            return self.tell(Transition::Escalated);
        }
        self.notify_again();
    }

    fn notify_again(&mut self) {
        let every = millis(self.rules.escalation.notify_every);
        if self.state.is_open()
            && self.state.notified.is_some_and(|time| self.at.millis_since(time) >= every)
        {
            self.state.notified = Some(self.at);
            self.tell(Transition::NotifiedAgain);
        }
    }

    fn acknowledge(&mut self) {
        self.state.phase = match self.state.phase {
            Phase::Firing => Phase::Acknowledged,
            Phase::Resolving { acknowledged: false } => Phase::Resolving { acknowledged: true },
            _ => return,
        };
        self.tell(Transition::Acknowledged);
    }

    fn close(&mut self) {
        if self.state.is_open() {
            self.end(Transition::ClosedByOperator);
        }
    }

    fn suspend(&mut self) {
        if self.state.phase == Phase::Pending {
            self.state.phase = Phase::Inactive;
            self.tell(Transition::Forgotten);
        }
        self.state.last_minute = Level::None;
    }

    fn withdraw(&mut self) {
        self.suspend();
        if self.state.is_open() {
            self.end(Transition::Withdrawn);
        }
        self.state = AlarmState::default();
    }
}

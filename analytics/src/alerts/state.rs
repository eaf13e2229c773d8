//! What an alarm remembers, what happens to it, what it tells.

use std::time::Duration;

use model::{Level, Persistence, Time};
use serde::{Deserialize, Serialize};

use super::limits::AlarmLimits;
use super::notify::EscalationRules;
use super::packed::Packed;

/// What an alarm is about; decides who is told and how loudly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Life,
    Hazard,
    Equipment,
}

/// Everything that one datastream's alarm is judged by (configuration).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlarmRules {
    pub limits: AlarmLimits,
    pub persistence: Persistence,
    /// T; `None` for events.
    pub period: Option<Duration>,
    /// Alarms at or above this level are about lives.
    pub life_safety: Option<Level>,
    /// Mains, battery, contact: equipment, unless about lives.
    pub is_equipment: bool,
    /// A value must be better for this long: 30 min, hydrological 60.
    pub better_for: Duration,
    /// A level lasts at least this long: 15 min.
    pub level_lasts: Duration,
    /// SOS and man overboard close only by an operator.
    pub only_operator_closes: bool,
    /// The device's own alarm flag confirms after this: 10 s.
    pub device_flag_confirms: Duration,
    pub escalation: EscalationRules,
}

impl AlarmRules {
    pub fn class(&self, level: Level) -> Class {
        match self.life_safety {
            Some(life) if level >= life => Class::Life,
            _ if self.is_equipment => Class::Equipment,
            _ => Class::Hazard,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    #[default]
    Inactive,
    /// Beyond a limit, not yet long enough.
    Pending,
    Firing,
    Acknowledged,
    /// Better than every limit, not yet long enough.
    Resolving {
        acknowledged: bool,
    },
}

/// One usable reading of the datastream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub time: Time,
    pub received: Time,
    pub value: f64,
    /// QARTOD suspect: counts when the next reading agrees.
    pub is_suspect: bool,
    /// How long the device's own alarm flag has been set.
    pub device_flag: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// In order of commit.
    Reading(Reading),
    /// A whole minute of the scene clock.
    Minute,
    /// The responsible unit acknowledged.
    Acknowledge,
    /// An operator closed it.
    Close,
    /// Its thing went out of service: what is pending is forgotten.
    Suspend,
    /// Its thing was retired: nothing watches the value any more.
    Withdraw,
}

/// What is to be told, journalled and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    Pending {
        level: Level,
    },
    /// The level was not lasting: never told to anybody.
    Forgotten,
    Raised {
        level: Level,
        confirmed: bool,
        late: bool,
    },
    /// 已过待核: a late life-safety reading, newer ones are normal already.
    RaisedPast {
        level: Level,
    },
    Confirmed {
        level: Level,
    },
    Worsened {
        from: Level,
        to: Level,
    },
    Improved {
        from: Level,
        to: Level,
    },
    Acknowledged,
    Resolving,
    /// Beyond a limit again before it was resolved.
    Returned,
    Resolved,
    ClosedByOperator,
    /// Its thing was retired.
    Withdrawn,
    /// Nothing heard for 3T; an open alarm stays open.
    DataMissing,
    DataBack,
    /// Nobody acknowledged in time.
    Escalated,
    NotifiedAgain,
}

impl Transition {
    /// The word that records carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Transition::Pending { .. } => "pending",
            Transition::Forgotten => "forgotten",
            Transition::Raised { .. } => "raised",
            Transition::RaisedPast { .. } => "raised_past",
            Transition::Confirmed { .. } => "confirmed",
            Transition::Worsened { .. } => "worsened",
            Transition::Improved { .. } => "improved",
            Transition::Acknowledged => "acknowledged",
            Transition::Resolving => "resolving",
            Transition::Returned => "returned",
            Transition::Resolved => "resolved",
            Transition::ClosedByOperator => "closed_by_operator",
            Transition::Withdrawn => "withdrawn",
            Transition::DataMissing => "data_missing",
            Transition::DataBack => "data_back",
            Transition::Escalated => "escalated",
            Transition::NotifiedAgain => "notified_again",
        }
    }
}

/// The state of one datastream's alarm. Its stored form is `packed.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "Packed", try_from = "Packed")]
pub struct AlarmState {
    pub phase: Phase,
    pub level: Level,
    /// The level that indices and caps count.
    pub confirmed_level: Level,
    pub opened: Option<Time>,
    pub level_since: Option<Time>,
    pub is_late: bool,
    /// 已过待核: only a person closes it.
    pub needs_person: bool,
    pub data_missing: bool,
    pub last: Option<LastReading>,
    pub(super) suspect: Option<Reading>,
    /// Since when the value has been better than blue, yellow, orange, red.
    pub(super) better_since: [Option<Time>; 4],
    /// Levels of the last three samples, newest first.
    pub(super) recent: [Level; 3],
    /// Level at the last whole minute.
    pub(super) last_minute: Level,
    pub(super) escalated: bool,
    pub(super) notified: Option<Time>,
}

/// The newest reading that counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LastReading {
    pub time: Time,
    pub received: Time,
    pub value: f64,
    pub level: Level,
}

impl Default for AlarmState {
    fn default() -> AlarmState {
        AlarmState {
            phase: Phase::Inactive,
            level: Level::None,
            confirmed_level: Level::None,
            opened: None,
            level_since: None,
            is_late: false,
            needs_person: false,
            data_missing: false,
            last: None,
            suspect: None,
            better_since: [None; 4],
            recent: [Level::None; 3],
            last_minute: Level::None,
            escalated: false,
            notified: None,
        }
    }
}

impl AlarmState {
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Inactive | Phase::Pending)
    }

    /// A suspect reading waits for the next one to agree.
    pub fn has_suspect(&self) -> bool {
        self.suspect.is_some()
    }

    /// Minutes were left out: a level that waits for its second minute begins
    /// anew.
    pub fn break_run(&mut self) {
        self.last_minute = Level::None;
    }

    pub fn is_acknowledged(&self) -> bool {
        matches!(self.phase, Phase::Acknowledged | Phase::Resolving { acknowledged: true })
    }
}

//! One alert from its first limit reached to its end, as records.

use model::{Level, SignalKind, Time, TownshipCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::watch::Watch;
use crate::alerts::{AlarmLimits, AlarmRules, AlarmState, Class, Phase, Reading, Transition};
use crate::record::{AlertPhase, AlertRecord};
use crate::world::{AlertView, Stream, World};

const MAINTENANCE: Watch = Watch::LifeOnly { is_fault: false };

/// An alert that is pending or open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alert {
    /// As it was told last.
    pub(super) record: AlertRecord,
    /// When the responsible unit was told of the newest level.
    pub(super) told: Option<Time>,
    pub(super) confirmed_highest: Level,
    /// It was raised while its thing was in maintenance: it never counts.
    raised_in_maintenance: bool,
}

/// A transition with what it came from.
pub(super) struct Told<'a> {
    pub(super) transition: Transition,
    /// After the transition.
    pub(super) state: &'a AlarmState,
    pub(super) rules: &'a AlarmRules,
    pub(super) reading: Option<Reading>,
    pub(super) watched: Watch,
    pub(super) at: Time,
}

/// `a-` and the first 16 hexadecimal digits of the SHA-256 of datastream and
/// opening: the same events, the same id.
fn alert_id(datastream: &str, opened: Time) -> String {
    let digest = Sha256::digest(format!("{datastream} {}", opened.millis()).as_bytes());
    let digits: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("a-{digits}")
}

/// A typhoon or gale signal or a response in force; of a thing without a
/// township, nowhere.
fn is_storm(world: &World, township: Option<TownshipCode>, at: Time) -> bool {
    township.is_some_and(|code| {
        let documents = &world.documents;
        let signal = |kind| documents.signal(kind, code, at) > Level::None;
        signal(SignalKind::Typhoon)
            || signal(SignalKind::Gale)
            || documents.response(code, at).is_some()
    })
}

impl Alert {
    pub(super) fn open(
        world: &World,
        stream: &Stream,
        before: Option<(Time, u32)>,
        at: Time,
    ) -> Alert {
        let datastream = stream.id.to_string();
        let township = world.things.get(&stream.id.thing).and_then(|thing| thing.township);
        let sequence = before.filter(|(opened, _)| *opened == at).map_or(0, |(_, last)| last);
        let record = AlertRecord {
            id: alert_id(&datastream, at),
            sequence,
            datastream,
            thing: stream.id.thing.clone(),
            property: stream.id.property.to_string(),
            township,
            class: Class::Hazard,
            phase: AlertPhase::Pending,
            level: Level::None,
            level_highest: Level::None,
            confirmed_level: Level::None,
            value: None,
            limit: None,
            unit: stream.property.spec.unit.ucum().to_owned(),
            phenomenon_time: None,
            received: None,
            opened: at,
            closed: None,
            updated: at,
            is_late: false,
            needs_person: false,
            data_missing: false,
            escalated: false,
            in_maintenance: false,
            is_false: false,
            silenced: false,
            acknowledged_by: None,
            acknowledged_at: None,
            acknowledged_by_unit: None,
            opened_in_storm: is_storm(world, township, at),
            transition: String::new(),
        };
        Alert { record, told: None, confirmed_highest: Level::None, raised_in_maintenance: false }
    }

    /// Takes a transition in.
    pub(super) fn take(&mut self, told: &Told<'_>) {
        let Told { transition, state, rules, reading, watched, at } = told;
        let record = &mut self.record;
        record.phase = phase(state, *transition);
        record.level = if state.is_open() { state.level } else { Level::None };
        record.confirmed_level = if state.is_open() { state.confirmed_level } else { Level::None };
        record.data_missing = state.data_missing;
        let last = state.last.map(|last| (last.value, last.time, last.received));
        match *transition {
            Transition::Pending { level } => {
                record.level = level;
                self.caused_by(last, level, rules);
            }
            Transition::Raised { level, late, .. } => {
                record.is_late = late;
                self.raised_in_maintenance = *watched == MAINTENANCE;
                self.caused_by(last, level, rules);
            }
            Transition::RaisedPast { level } => {
                record.is_late = true;
                record.needs_person = true;
                self.raised_in_maintenance = *watched == MAINTENANCE;
                let past = reading.map(|past| (past.value, past.time, past.received));
                self.caused_by(past, level, rules);
            }
            Transition::Worsened { to, .. } => {
                record.acknowledged_by = None;
                record.acknowledged_at = None;
                record.acknowledged_by_unit = None;
                record.escalated = false;
                record.is_false = false;
                self.told = None;
                self.caused_by(last, to, rules);
            }
            Transition::Escalated => record.escalated = true,
            Transition::Resolved
            | Transition::ClosedByOperator
            | Transition::Withdrawn
            | Transition::Forgotten => record.closed = Some(*at),
            _ => {}
        }
        let record = &mut self.record;
        record.level_highest = record.level_highest.max(record.level);
        record.class = rules.class(record.level_highest);
        self.confirmed_highest = self.confirmed_highest.max(record.confirmed_level);
    }

    /// The reading that made the newest level.
    fn caused_by(&mut self, reading: Option<(f64, Time, Time)>, level: Level, rules: &AlarmRules) {
        let record = &mut self.record;
        record.value = reading.map(|(value, ..)| value);
        record.phenomenon_time = reading.map(|(_, time, _)| time);
        record.received = reading.map(|(.., received)| received);
        record.limit = record.value.and_then(|value| limit_of(&rules.limits, value, level));
    }

    /// Marks it anew and tells it when a mark changed.
    pub(super) fn mark(&mut self, world: &World, watched: Watch, at: Time) -> Option<AlertRecord> {
        let marks =
            |record: &AlertRecord| [record.in_maintenance, record.is_false, record.silenced];
        let before = marks(&self.record);
        self.set_marks(world, watched, at);
        let after = marks(&self.record);
        let words = ["maintenance", "marked_false", "silenced"];
        let ended = ["maintenance_ended", "not_false", "silence_ended"];
        let changed = (0..3).find(|&index| before[index] != after[index])?;
        Some(self.tell(if after[changed] { words[changed] } else { ended[changed] }, at))
    }

    /// 检修中, marked false, silenced. What was raised in maintenance stays
    /// marked, and what was marked false stays so until it worsens.
    pub(super) fn set_marks(&mut self, world: &World, watched: Watch, at: Time) {
        let record = &mut self.record;
        record.in_maintenance = watched == MAINTENANCE || self.raised_in_maintenance;
        record.is_false |= watched == Watch::LifeOnly { is_fault: true };
        record.silenced = record.class != Class::Life
            && world.documents.silences.values().any(|silence| {
                silence.is_in_force(at)
                    && silence.thing.as_ref().is_none_or(|thing| *thing == record.thing)
                    && silence.township.is_none_or(|code| Some(code) == record.township)
                    && silence
                        .property
                        .as_ref()
                        .is_none_or(|property| property.as_str() == record.property)
            });
    }

    /// The next record.
    pub(super) fn tell(&mut self, transition: &str, at: Time) -> AlertRecord {
        let record = &mut self.record;
        record.sequence += 1;
        record.updated = at;
        transition.clone_into(&mut record.transition);
        let is_sent = !matches!(record.phase, AlertPhase::Pending | AlertPhase::Forgotten)
            && !record.silenced;
        if is_sent {
            self.told.get_or_insert(at);
        }
        record.clone()
    }

    /// What indices see of it; nothing of one that is only pending.
    pub(super) fn view(&self, datastream: &model::DatastreamId) -> Option<AlertView> {
        let record = &self.record;
        if matches!(record.phase, AlertPhase::Pending | AlertPhase::Forgotten) {
            return None;
        }
        Some(AlertView {
            datastream: datastream.clone(),
            class: record.class,
            confirmed_highest: self.confirmed_highest,
            confirmed_level: record.confirmed_level,
            opened: record.opened,
            closed: record.closed,
            told: self.told,
            acknowledged_by_unit: record.acknowledged_by_unit,
            opened_in_storm: record.opened_in_storm,
            is_void: record.in_maintenance || record.is_false,
        })
    }
}

fn phase(state: &AlarmState, transition: Transition) -> AlertPhase {
    match state.phase {
        Phase::Inactive if transition == Transition::Forgotten => AlertPhase::Forgotten,
        Phase::Inactive => AlertPhase::Resolved,
        Phase::Pending => AlertPhase::Pending,
        Phase::Firing => AlertPhase::Firing,
        Phase::Acknowledged => AlertPhase::Acknowledged,
        Phase::Resolving { .. } => AlertPhase::Resolving,
    }
}

/// The threshold of a level that a value reaches.
fn limit_of(limits: &AlarmLimits, value: f64, level: Level) -> Option<f64> {
    let value = if limits.absolute { value.abs() } else { value };
    let high = limits.high.and_then(|high| high.at(level)).filter(|limit| value >= *limit);
    let low = limits.low.and_then(|low| low.at(level)).filter(|limit| value <= *limit);
    high.or(low)
}

//! The limit alarms of all datastreams: readings and minutes in, records of
//! alerts out (docs/indices.md section 5).

use std::collections::BTreeMap;

use model::{ActingAs, AlertAct, AlertAction, DatastreamId, Flag, Level, QualityTest, Time};

use super::alert::{Alert, Told};
use super::watch::{Place, Special, Watch, rules_now, watch};
use crate::alerts::{
    AlarmRules, AlarmSettings, AlarmState, Event, Phase, Reading, Transition, alarm_rules, step,
};
use crate::prepare::StormTracks;
use crate::record::AlertRecord;
use crate::windows::Sample;
use crate::world::{AlertView, Stream, World};

/// What alarms look at beside their own datastream.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) world: &'a World,
    pub(super) storms: &'a StormTracks,
    pub(super) neighbour_radius_km: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Alarm {
    pub(super) rules: AlarmRules,
    special: Option<Special>,
    pub(super) state: AlarmState,
    /// While it is pending or open.
    pub(super) alert: Option<Alert>,
    /// Opening and last sequence of the alert before: one that opens at the
    /// same instant goes on counting.
    pub(super) before: Option<(Time, u32)>,
}

/// What alarms tell, and what indices see of them from now on.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) records: Vec<AlertRecord>,
    pub(super) views: Vec<(String, AlertView)>,
}

impl Output {
    fn put(&mut self, record: AlertRecord, alert: &Alert, datastream: &DatastreamId) {
        self.views.extend(alert.view(datastream).map(|view| (record.id.clone(), view)));
        self.records.push(record);
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Alarms {
    pub(super) settings: AlarmSettings,
    pub(super) by_stream: BTreeMap<DatastreamId, Alarm>,
}

impl Alarms {
    /// Watches a datastream, by its newest registration.
    pub(super) fn register(&mut self, stream: &Stream) {
        let rules = alarm_rules(&stream.property.spec, &stream.spec, &self.settings);
        match (rules, self.by_stream.get_mut(&stream.id)) {
            (Some(rules), Some(alarm)) => alarm.rules = rules,
            (Some(rules), None) => {
                let alarm = Alarm {
                    rules,
                    special: Special::of(&stream.id.property),
                    state: AlarmState::default(),
                    alert: None,
                    before: None,
                };
                self.by_stream.insert(stream.id.clone(), alarm);
            }
            // An alert that is open stays until it ends by its old rules.
            (None, Some(alarm)) if alarm.alert.is_none() => {
                self.by_stream.remove(&stream.id);
            }
            (None, _) => {}
        }
    }

    /// One reading of a datastream, in order of commit.
    pub(super) fn reading(
        &mut self,
        around: Around<'_>,
        stream: &Stream,
        sample: &Sample,
        received: Time,
        at: Time,
        out: &mut Output,
    ) {
        let Some(alarm) = self.by_stream.get_mut(&stream.id) else { return };
        if matches!(sample.quality.flag(), Flag::Fail | Flag::Missing) || !sample.value.is_finite()
        {
            return;
        }
        let mut watched = watch(around.world, stream, at);
        if watched == Watch::Full && sample.quality.has(QualityTest::NotInService) {
            watched = Watch::LifeOnly { is_fault: false };
        }
        // Of a thing that is not in service only what is about lives counts.
        let level = alarm.rules.limits.level(sample.value).max(alarm.state.level);
        if watched != Watch::Full && alarm.rules.life_safety.is_none_or(|life| level < life) {
            return;
        }
        let event = Event::Reading(Reading {
            time: sample.time,
            received,
            value: sample.value,
            is_suspect: sample.quality.flag() == Flag::Suspect,
            device_flag: None,
        });
        alarm.apply(around, stream, watched, &event, at, &self.settings, out);
    }

    /// A whole minute of the scene clock, for every alarm in order.
    pub(super) fn minute(&mut self, around: Around<'_>, at: Time, out: &mut Output) {
        for (id, alarm) in &mut self.by_stream {
            if alarm.is_idle() {
                continue;
            }
            let Some(stream) = around.world.streams.get(id) else { continue };
            let watched = watch(around.world, stream, at);
            alarm.minute(around, stream, watched, at, &self.settings, out);
        }
    }

    /// What a person did about an alert; nothing for one that is not open.
    pub(super) fn act(
        &mut self,
        around: Around<'_>,
        action: &AlertAction,
        at: Time,
        out: &mut Output,
    ) {
        let is_meant = |alarm: &Alarm| {
            alarm.alert.as_ref().is_some_and(|alert| alert.record.id == action.alert)
        };
        let found = self.by_stream.iter_mut().find(|(_, alarm)| is_meant(alarm));
        let Some((id, alarm)) = found else { return };
        let Some(stream) = around.world.streams.get(id) else { return };
        match action.act {
            AlertAct::Acknowledge => {
                alarm.acknowledge(around, stream, action, at, &self.settings, out);
            }
            AlertAct::Close => {
                let watched = watch(around.world, stream, at);
                alarm.apply(around, stream, watched, &Event::Close, at, &self.settings, out);
            }
        }
    }

    /// Marks every open alert anew: maintenance, faults, silences. Told are
    /// those whose marks changed.
    pub(super) fn mark(&mut self, around: Around<'_>, at: Time, out: &mut Output) {
        for (id, alarm) in &mut self.by_stream {
            let Some(alert) = &mut alarm.alert else { continue };
            let Some(stream) = around.world.streams.get(id) else { continue };
            let watched = watch(around.world, stream, at);
            if let Some(record) = alert.mark(around.world, watched, at) {
                out.put(record, alert, id);
            }
        }
    }

    /// Ends the alarms of a retired thing.
    pub(super) fn withdraw(
        &mut self,
        around: Around<'_>,
        stream: &Stream,
        at: Time,
        out: &mut Output,
    ) {
        if let Some(alarm) = self.by_stream.get_mut(&stream.id) {
            alarm.apply(around, stream, Watch::Not, &Event::Withdraw, at, &self.settings, out);
        }
    }
}

impl Alarm {
    /// Never heard of, and nothing open: minutes change nothing.
    fn is_idle(&self) -> bool {
        self.state.last.is_none() && self.alert.is_none()
    }

    fn minute(
        &mut self,
        around: Around<'_>,
        stream: &Stream,
        watched: Watch,
        at: Time,
        settings: &AlarmSettings,
        out: &mut Output,
    ) {
        if let Some(alert) = &mut self.alert
            && let Some(record) = alert.mark(around.world, watched, at)
        {
            out.put(record, alert, &stream.id);
        }
        let is_life = |rules: &AlarmRules, level| rules.life_safety.is_some_and(|l| level >= l);
        let goes_on = match watched {
            Watch::Full => true,
            // What was open before stands still; what is about lives goes on.
            Watch::LifeOnly { is_fault } => !is_fault && is_life(&self.rules, self.state.level),
            Watch::Not => false,
        };
        let event = if goes_on { Event::Minute } else { Event::Suspend };
        self.apply(around, stream, watched, &event, at, settings, out);
    }

    fn acknowledge(
        &mut self,
        around: Around<'_>,
        stream: &Stream,
        action: &AlertAction,
        at: Time,
        settings: &AlarmSettings,
        out: &mut Output,
    ) {
        if !self.state.is_open() {
            return;
        }
        let Some(alert) = &mut self.alert else { return };
        let is_unit = action.acting_as == ActingAs::Unit;
        let is_news = !self.state.is_acknowledged()
            || (is_unit && alert.record.acknowledged_by_unit.is_none());
        if !is_news {
            return;
        }
        alert.record.acknowledged_by.get_or_insert_with(|| action.by.clone());
        alert.record.acknowledged_at.get_or_insert(action.at);
        if is_unit {
            alert.record.acknowledged_by_unit.get_or_insert(action.at);
        }
        if self.state.is_acknowledged() {
            let record = alert.tell("acknowledged", at);
            return out.put(record, alert, &stream.id);
        }
        let watched = watch(around.world, stream, at);
        self.apply(around, stream, watched, &Event::Acknowledge, at, settings, out);
    }

    /// The condition under which the limits hold, where it can matter: it only
    /// ever takes limits away, which is no news below all of them.
    fn special_now(&self, event: &Event) -> Option<Special> {
        let value = match event {
            Event::Reading(reading) => Some(reading.value),
            _ => self.state.last.map(|last| last.value),
        };
        let is_quiet = self.alert.is_none()
            && !self.state.has_suspect()
            && value.is_none_or(|value| self.rules.limits.level(value) == Level::None);
        self.special.filter(|_| !is_quiet)
    }

    /// Steps the alarm and writes down what it tells.
    #[expect(clippy::too_many_arguments, reason = "the one place where everything meets")]
    fn apply(
        &mut self,
        around: Around<'_>,
        stream: &Stream,
        watched: Watch,
        event: &Event,
        at: Time,
        settings: &AlarmSettings,
        out: &mut Output,
    ) {
        let place = Place {
            world: around.world,
            storms: around.storms,
            settings,
            neighbour_radius_km: around.neighbour_radius_km,
            stream,
            at,
        };
        let is_about_limits = matches!(event, Event::Reading(_) | Event::Minute);
        let rules = match is_about_limits {
            true => rules_now(&self.rules, self.special_now(event), watched, &place),
            false => Some(self.rules),
        };
        let Some(rules) = rules else { return };
        let (state, told) = step(self.state, event, at, &rules);
        self.state = state;
        let reading = match event {
            Event::Reading(reading) => Some(*reading),
            _ => None,
        };
        for transition in told {
            let opens = matches!(
                transition,
                Transition::Pending { .. }
                    | Transition::Raised { .. }
                    | Transition::RaisedPast { .. }
            );
            if self.alert.is_none() && opens {
                self.alert = Some(Alert::open(around.world, stream, self.before, at));
            }
            // Missing data of what is not open is nobody's news.
            let Some(alert) = &mut self.alert else { continue };
            let state = &self.state;
            alert.take(&Told { transition, state, rules: &rules, reading, watched, at });
            alert.set_marks(around.world, watched, at);
            let record = alert.tell(transition.as_str(), at);
            out.put(record, alert, &stream.id);
            if self.state.phase == Phase::Inactive {
                self.before = Some((alert.record.opened, alert.record.sequence));
                self.alert = None;
            }
        }
    }
}

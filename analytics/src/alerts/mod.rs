//! Limit alarms as alerts: pending → firing → acknowledged → resolving →
//! resolved, with missing data as a state of its own (docs/indices.md section
//! 5).
//!
//! [`step`] is pure: the same events in the same order make the same alerts.
//! Loss of power or contact never closes an alarm: time in which nothing was
//! heard is no time in which the value was better.

mod limits;
mod machine;
#[cfg(test)]
mod machine_tests;
mod notify;
pub mod outward;
mod packed;
mod rules;
mod state;

pub use limits::{AlarmLimits, Margin};
pub use machine::step;
pub use notify::{
    EscalationRules, GroupKey, Inhibition, Label, Labels, Matcher, Silence, group, is_inhibited,
    is_silenced,
};
pub use rules::{AlarmSettings, alarm_rules};
pub use state::{AlarmRules, AlarmState, Class, Event, LastReading, Phase, Reading, Transition};

//! Who is told of which alerts: escalation, grouping, inhibition, silences.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Level, PropertyId, ThingId, Time, TownshipCode};

use super::state::Class;

/// When an unacknowledged alert escalates, and how often an open one is told
/// again (docs/indices.md section 5, A: 30, 15, 5 min by colour; every 30 min).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EscalationRules {
    pub yellow: Duration,
    pub orange: Duration,
    pub red: Duration,
    pub notify_every: Duration,
}

impl EscalationRules {
    pub fn after(&self, level: Level) -> Option<Duration> {
        match level {
            Level::None | Level::Blue => None,
            Level::Yellow => Some(self.yellow),
            Level::Orange => Some(self.orange),
            Level::Red => Some(self.red),
        }
    }
}

/// What identifies an alert; labels never change while it is open, only the
/// level does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    pub thing: ThingId,
    pub township: TownshipCode,
    pub property: PropertyId,
    pub class: Class,
    pub level: Level,
}

/// Which alerts are meant; what is not set matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matcher {
    pub thing: Option<ThingId>,
    pub township: Option<TownshipCode>,
    pub property: Option<PropertyId>,
    pub class: Option<Class>,
}

impl Matcher {
    pub fn matches(&self, alert: &Labels) -> bool {
        self.thing.as_ref().is_none_or(|thing| *thing == alert.thing)
            && self.township.is_none_or(|township| township == alert.township)
            && self.property.as_ref().is_none_or(|property| *property == alert.property)
            && self.class.is_none_or(|class| class == alert.class)
    }
}

/// A person asked not to be told; it ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    pub matcher: Matcher,
    pub from: Time,
    pub until: Time,
}

/// Is an alert silenced at an instant? One about lives only by a silence that
/// names that class.
pub fn is_silenced(alert: &Labels, silences: &[Silence], at: Time) -> bool {
    silences.iter().any(|silence| {
        let may = alert.class != Class::Life || silence.matcher.class == Some(Class::Life);
        may && silence.from <= at && at < silence.until && silence.matcher.matches(alert)
    })
}

/// A label in which source and target of an inhibition agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    Thing,
    Township,
    Property,
}

/// While an alert like `source` of at least `level_min` is open, alerts like
/// `target` that share the labels `equal` are not sent: a site without power
/// also has no contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inhibition {
    pub source: Matcher,
    pub level_min: Level,
    pub target: Matcher,
    pub equal: Vec<Label>,
}

/// Is an alert inhibited by another open one? Never one about lives.
pub fn is_inhibited(alert: &Labels, open: &[Labels], rules: &[Inhibition]) -> bool {
    let agree = |other: &Labels, label: &Label| match label {
        Label::Thing => other.thing == alert.thing,
        Label::Township => other.township == alert.township,
        Label::Property => other.property == alert.property,
    };
    alert.class != Class::Life
        && rules.iter().filter(|rule| rule.target.matches(alert)).any(|rule| {
            open.iter().any(|other| {
                let is_same = other.thing == alert.thing && other.property == alert.property;
                !is_same
                    && other.level >= rule.level_min
                    && rule.source.matches(other)
                    && rule.equal.iter().all(|label| agree(other, label))
            })
        })
}

/// Alerts that are told in one notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    pub township: TownshipCode,
    pub class: Class,
}

/// Groups open alerts by township and class; places in the order given.
pub fn group(open: &[Labels]) -> BTreeMap<GroupKey, Vec<usize>> {
    let mut groups: BTreeMap<GroupKey, Vec<usize>> = BTreeMap::new();
    for (index, alert) in open.iter().enumerate() {
        let key = GroupKey { township: alert.township, class: alert.class };
        groups.entry(key).or_default().push(index);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(thing: &str, property: &'static str, class: Class, level: Level) -> Labels {
        Labels {
            thing: ThingId::parse(thing).unwrap(),
            township: TownshipCode::parse("330225101").unwrap(),
            property: PropertyId::from_static(property),
            class,
            level,
        }
    }

    fn minute(n: i64) -> Time {
        Time::from_millis_clamped(n * 60_000)
    }

    #[test]
    fn silences_end_and_spare_lives() {
        let silence = |class| Silence {
            matcher: Matcher { class, ..Matcher::default() },
            from: minute(0),
            until: minute(60),
        };
        let gas = alert("e-1", "combustible_gas_concentration", Class::Life, Level::Red);
        let crane = alert("c-1", "crane_load_ratio", Class::Hazard, Level::Red);
        assert!(is_silenced(&crane, &[silence(None)], minute(59)));
        assert!(!is_silenced(&crane, &[silence(None)], minute(60)));
        assert!(!is_silenced(&gas, &[silence(None)], minute(59)));
        assert!(is_silenced(&gas, &[silence(Some(Class::Life))], minute(59)));
    }

    #[test]
    fn one_cause_is_told_once() {
        let rule = Inhibition {
            source: Matcher {
                property: Some(PropertyId::from_static("mains_power")),
                ..Matcher::default()
            },
            level_min: Level::Yellow,
            target: Matcher { class: Some(Class::Equipment), ..Matcher::default() },
            equal: vec![Label::Thing],
        };
        let mains = alert("s-1", "mains_power", Class::Equipment, Level::Yellow);
        let battery = alert("s-1", "battery_voltage", Class::Equipment, Level::Yellow);
        let other = alert("s-2", "battery_voltage", Class::Equipment, Level::Yellow);
        let open = [mains.clone(), battery.clone(), other.clone()];
        let inhibited = |alert| is_inhibited(alert, &open, std::slice::from_ref(&rule));
        assert_eq!([&battery, &other, &mains].map(inhibited), [true, false, false]);
        assert_eq!(group(&open).len(), 1);
    }
}

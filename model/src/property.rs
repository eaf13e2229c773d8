//! The catalogue of observed properties: what may be observed, in which unit,
//! within which bounds. Every number is configuration (`config/properties.toml`).

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration_text;
use crate::{Channel, Level, LocalizedName, PropertyId, ThingKind, Thresholds, Unit};

/// Outside is physically impossible: flag fail.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrossRange {
    pub min: f64,
    pub max: f64,
    /// Set for totals: the range holds for this much of the total's interval
    /// and grows with longer ones.
    #[serde(default, with = "duration_text::option", skip_serializing_if = "Option::is_none")]
    pub per: Option<Duration>,
}

/// A value that does not move by more than `tolerance`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlatLine {
    pub tolerance: f64,
    /// Unchanged for this long: suspect.
    #[serde(with = "duration_text")]
    pub suspect_after: Duration,
}

/// The QARTOD tests of a property; what is not set is not tested.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QualityRules {
    pub gross_range: Option<GrossRange>,
    /// Largest credible change between readings at most two periods apart.
    pub step: Option<f64>,
    /// Largest credible distance from the line through the two readings before.
    pub spike: Option<f64>,
    pub flat_line: Option<FlatLine>,
}

/// Limits of single readings; a side without thresholds is not watched.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub high: Option<Thresholds>,
    pub low: Option<Thresholds>,
    /// The limits apply to the absolute value (displacements, tilts).
    pub absolute: bool,
    /// The thresholds are set per thing; unset means not coloured.
    pub per_thing: bool,
}

/// How many samples make an alarm (docs/indices.md section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Persistence {
    P0,
    P1,
    P2,
}

/// How a report by people ages (docs/indices.md section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    Register,
    Progress,
    State,
}

/// Does an alarm of the property count in Index A's alarm burden?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Burden {
    Always,
    OutsideStorms,
}

/// One entry of the catalogue, as its file writes it below its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertySpec {
    pub name: LocalizedName,
    pub unit: Unit,
    pub kinds: Vec<ThingKind>,
    /// Expected period; `None` for events.
    #[serde(default, with = "duration_text::option", skip_serializing_if = "Option::is_none")]
    pub period: Option<Duration>,
    #[serde(default)]
    pub quality: QualityRules,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
    /// The property that a computed one is computed from, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<PropertyId>,
    /// Computed by the program, whatever it is computed from: never reported.
    #[serde(default)]
    pub computed: bool,
    /// The only channels there are; empty means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// Values are heights above a datum, which each thing names.
    #[serde(default)]
    pub datum: bool,
    /// g/mol: readings in ppm are converted with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub molar_mass: Option<f64>,
    /// Alarms at or above this level are about lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_safety: Option<Level>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burden: Option<Burden>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportKind>,
    /// Where the numbers come from: S published, K known standard, A assumed.
    pub mark: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ObservedProperty {
    pub id: PropertyId,
    pub spec: PropertySpec,
}

impl ObservedProperty {
    pub fn is_of_kind(&self, kind: ThingKind) -> bool {
        self.spec.kinds.contains(&kind)
    }

    /// Does the program compute it? Then nobody may report it.
    pub fn is_computed(&self) -> bool {
        self.spec.computed || self.spec.derived_from.is_some()
    }

    pub fn allows_channel(&self, channel: Option<&Channel>) -> bool {
        match channel {
            _ if self.spec.channels.is_empty() => true,
            Some(channel) => self.spec.channels.contains(channel),
            None => false,
        }
    }
}

/// What is wrong with one entry; `key` is the path below the property's id.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{property}.{key}: {reason}")]
pub struct CatalogueError {
    pub property: PropertyId,
    pub key: &'static str,
    pub reason: String,
}

/// All properties, in the order of their file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalogue {
    properties: Vec<ObservedProperty>,
    by_id: HashMap<PropertyId, usize>,
}

impl Catalogue {
    /// Checks all entries and reports every problem, not the first.
    pub fn new(properties: Vec<ObservedProperty>) -> Result<Catalogue, Vec<CatalogueError>> {
        let by_id: HashMap<_, _> =
            properties.iter().enumerate().map(|(i, p)| (p.id.clone(), i)).collect();
        let mut problems = Vec::new();
        for property in &properties {
            check(property, &by_id, &mut problems);
        }
        if problems.is_empty() { Ok(Catalogue { properties, by_id }) } else { Err(problems) }
    }

    pub fn find(&self, id: &PropertyId) -> Option<&ObservedProperty> {
        self.by_id.get(id).map(|&index| &self.properties[index])
    }

    pub fn iter(&self) -> impl Iterator<Item = &ObservedProperty> {
        self.properties.iter()
    }
}

fn check(
    property: &ObservedProperty,
    by_id: &HashMap<PropertyId, usize>,
    problems: &mut Vec<CatalogueError>,
) {
    let spec = &property.spec;
    let mut refuse = |key, reason: String| {
        problems.push(CatalogueError { property: property.id.clone(), key, reason });
    };

    if spec.kinds.is_empty() {
        refuse("kinds", "names no kind of thing".to_owned());
    }
    if let Some(range) = spec.quality.gross_range
        && (range.min.is_nan() || range.max.is_nan() || range.min >= range.max)
    {
        refuse("quality.gross_range", format!("min {} is not below max {}", range.min, range.max));
    }
    for (key, value) in [("quality.step", spec.quality.step), ("quality.spike", spec.quality.spike)]
    {
        if let Some(value) = value
            && !(value > 0.0 && value.is_finite())
        {
            refuse(key, format!("{value} is not above 0"));
        }
    }
    if let Some(flat) = spec.quality.flat_line
        && !(flat.tolerance >= 0.0 && flat.suspect_after > Duration::ZERO)
    {
        refuse(
            "quality.flat_line",
            "needs a tolerance of at least 0 and a time above 0".to_owned(),
        );
    }
    if spec.period == Some(Duration::ZERO) {
        refuse("period", "is zero".to_owned());
    }
    if let Some(mass) = spec.molar_mass
        && !(mass > 0.0 && mass.is_finite())
    {
        refuse("molar_mass", format!("{mass} is not above 0"));
    }
    if let Some(parent) = &spec.derived_from
        && !by_id.contains_key(parent)
    {
        refuse("derived_from", format!("property `{parent}` is not in the catalogue"));
    }
    if let Some(limits) = spec.limits {
        check_limits(limits, &mut refuse);
    }
}

fn check_limits(limits: Limits, refuse: &mut impl FnMut(&'static str, String)) {
    if limits.high.is_none() && limits.low.is_none() && !limits.per_thing {
        refuse("limits", "watches neither side and is not set per thing".to_owned());
    }
    let sides = [("limits.high", limits.high, 1.0), ("limits.low", limits.low, -1.0)];
    for (key, thresholds, sign) in sides {
        let Some(thresholds) = thresholds else { continue };
        let values: Vec<f64> = thresholds.configured().map(|(_, value)| value * sign).collect();
        if values.is_empty() {
            refuse(key, "has no threshold".to_owned());
        }
        if !values.iter().all(|value| value.is_finite()) {
            refuse(key, "has a threshold that is not a finite number".to_owned());
        } else if !values.is_sorted_by(|milder, worse| milder < worse) {
            refuse(key, "does not get worse from blue to red".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn water_level() -> ObservedProperty {
        let spec = serde_json::from_value(serde_json::json!({
            "name": {"zh": "河道水位", "en": "River level"},
            "unit": "m",
            "kinds": ["hydromet_station"],
            "period": "15min",
            "quality": {"gross_range": {"min": -5.0, "max": 30.0}, "step": 1.0},
            "mark": "K/A",
        }));
        ObservedProperty { id: PropertyId::from_static("water_level"), spec: spec.unwrap() }
    }

    #[track_caller]
    fn check_refused(change: impl FnOnce(&mut PropertySpec), expected: &[&str]) {
        let mut property = water_level();
        change(&mut property.spec);
        let problems = Catalogue::new(vec![property]).unwrap_err();
        let found: Vec<&str> = problems.iter().map(|problem| problem.key).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        check_refused(
            |spec| {
                spec.kinds.clear();
                spec.quality.gross_range = Some(GrossRange { min: 1.0, max: 1.0, per: None });
                spec.quality.step = Some(f64::NAN);
            },
            &["kinds", "quality.gross_range", "quality.step"],
        );
    }

    #[test]
    fn limits_get_worse_towards_red() {
        let thresholds =
            Thresholds { blue: Some(3.0), yellow: Some(2.0), orange: None, red: Some(4.0) };
        let limits = Limits { high: Some(thresholds), ..Limits::default() };
        check_refused(|spec| spec.limits = Some(limits), &["limits.high"]);
    }

    #[test]
    fn a_derived_property_names_its_parent() {
        check_refused(
            |spec| spec.derived_from = Some(PropertyId::from_static("nothing")),
            &["derived_from"],
        );
    }
}

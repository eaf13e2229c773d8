//! The tables of a model file that say how hazard is read: groups, their
//! quantities, statistics and knots.

use std::time::Duration;

use model::{PropertyId, Thresholds, Unit};

use crate::knots::Knots;
use crate::model_file::{Name, Problems, Section};

/// How a quantity is read from the samples of a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The highest value of `(at − window, at]`.
    Highest { window: Duration },
    /// The total of `(at − window, at]`, checked in slots.
    Sum { window: Duration, slot: Duration },
    /// The newest value.
    Latest,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KnotSource {
    Fixed(Knots),
    /// Each station's own levels; one without levels is not coloured.
    Station,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QuantitySpec {
    pub id: PropertyId,
    pub name: Name,
    /// The property whose datastreams are read.
    pub from: PropertyId,
    pub unit: Unit,
    pub statistic: Statistic,
    /// T, the expected period of `from`.
    pub period: Duration,
    pub knots: KnotSource,
    /// May fresh stations nearby speak for a silent one (docs/indices.md 4.2)?
    pub neighbours: bool,
    /// May the local wind model?
    pub wind_model: bool,
}

impl QuantitySpec {
    /// Hazard score of a value; `None` when the station has no levels.
    pub fn score(&self, value: f64, levels: Option<&Thresholds>) -> Option<f64> {
        match &self.knots {
            KnotSource::Fixed(knots) => Some(knots.score(value)),
            KnotSource::Station => Some(Knots::from_levels(levels?)?.score(value)),
        }
    }

    pub fn period_ms(&self) -> i64 {
        i64::try_from(self.period.as_millis()).unwrap_or(i64::MAX / 4)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct GroupSpec {
    pub id: String,
    pub name: Name,
    pub quantities: Vec<QuantitySpec>,
    /// The official signals that put a floor under the group.
    pub signals: Vec<String>,
    /// The typhoon outlook (docs/indices.md 4.3): no quantities, a ladder
    /// instead.
    pub is_outlook: bool,
}

/// Reads `[[group]]` with their `[[group.quantity]]`.
pub fn read_groups(file: &mut Section, problems: &mut Problems) -> Vec<GroupSpec> {
    let mut groups = Vec::new();
    for mut section in file.tables("group", problems) {
        let id = section.text("id", problems);
        let name = section.name("name", problems);
        let is_outlook = section.flag_or_false("outlook", problems);
        let signals = match section.has("signals") {
            true => section.texts("signals", problems),
            false => Vec::new(),
        };
        let tables = if is_outlook { Vec::new() } else { section.tables("quantity", problems) };
        let quantities =
            tables.into_iter().filter_map(|table| read_quantity(table, problems)).collect();
        groups.push(GroupSpec { id, name, quantities, signals, is_outlook });
        section.finish(problems);
    }
    group_problems(&groups, problems);
    groups
}

/// Refuses ids that are there twice.
pub fn group_problems(groups: &[GroupSpec], problems: &mut Problems) {
    let mut seen = Vec::new();
    for group in groups {
        let quantities = group.quantities.iter().map(|quantity| quantity.id.as_str());
        for id in std::iter::once(group.id.as_str()).chain(quantities) {
            if seen.contains(&id) {
                problems.refuse("group", format!("id `{id}` is there twice"));
            }
            seen.push(id);
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum StatisticWord {
    Highest,
    Sum,
    Latest,
}

const STATISTICS: [(&str, StatisticWord); 3] = [
    ("highest", StatisticWord::Highest),
    ("sum", StatisticWord::Sum),
    ("latest", StatisticWord::Latest),
];

fn read_quantity(mut section: Section, problems: &mut Problems) -> Option<QuantitySpec> {
    let id = section.property("id", problems);
    let name = section.name("name", problems);
    let from = section.property("from", problems);
    let unit = section.unit("unit", problems);
    let period = section.duration("period", problems);
    let statistic = match section.word("statistic", &STATISTICS, problems) {
        Some(StatisticWord::Highest) => {
            Some(Statistic::Highest { window: section.duration("window", problems) })
        }
        Some(StatisticWord::Sum) => {
            let window = section.duration("window", problems);
            let slot = section.duration("slot", problems);
            if !window.as_millis().is_multiple_of(slot.as_millis().max(1)) {
                problems.refuse(section.key("slot"), "does not divide the window");
            }
            Some(Statistic::Sum { window, slot })
        }
        Some(StatisticWord::Latest) => Some(Statistic::Latest),
        None => None,
    };
    let knots = read_knots(&mut section, problems);
    let neighbours = section.flag_or_false("neighbours", problems);
    let wind_model = section.flag_or_false("wind_model", problems);
    section.finish(problems);
    Some(QuantitySpec {
        id: id?,
        name,
        from: from?,
        unit,
        statistic: statistic?,
        period,
        knots: knots?,
        neighbours,
        wind_model,
    })
}

/// `knots = [zero, blue, yellow, orange, red, saturation]`, or
/// `station_levels = true`.
fn read_knots(section: &mut Section, problems: &mut Problems) -> Option<KnotSource> {
    if section.has("station_levels") {
        return match section.flag("station_levels", problems) {
            Some(true) => Some(KnotSource::Station),
            Some(false) => {
                problems.refuse(section.key("station_levels"), "is false; give knots instead");
                None
            }
            None => None,
        };
    }
    let key = section.key("knots");
    let values = section.numbers("knots", problems);
    if values.is_empty() {
        return None;
    }
    let Ok(values) = <[f64; 6]>::try_from(values.as_slice()) else {
        let reason = "needs six numbers: zero, blue, yellow, orange, red, saturation";
        problems.refuse(key, reason);
        return None;
    };
    let knots = Knots::new(values);
    if knots.is_none() {
        problems.refuse(key, format!("{values:?} does not rise from zero to saturation"));
    }
    knots.map(KnotSource::Fixed)
}

#[cfg(test)]
mod tests {
    use crate::flood_typhoon::FloodModel;

    const SHIPPED: &str = include_str!("../../../config/models/flood-typhoon.toml");

    #[test]
    fn all_problems_of_the_groups_are_told_at_once() {
        let text = SHIPPED
            .replacen("10.8, 17.2", "17.2, 10.8", 1)
            .replacen("statistic = \"latest\"", "statistic = \"newest\"", 1)
            .replacen("unit = \"cm\"", "unit = \"inch\"", 1);
        let problems = FloodModel::from_toml(&text).unwrap_err();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "group[0].quantity[0].knots",
                "group[1].quantity[3].statistic",
                "group[1].quantity[5].unit",
            ]
        );
    }
}

//! The strongest drivers of a score, and the sentence that names them in
//! Chinese and English (docs/indices.md section 5, "Contributions").

use crate::explain::{Node, NodeKind, NodeState, index_of_largest};
use crate::model_file::Name;

/// One part that drives a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Driver {
    pub id: String,
    /// Points it adds to Index B, or costs Index A.
    pub points: f64,
    /// Its raw value with its unit, where there is one.
    pub raw: Option<String>,
}

/// How many drivers a sentence names.
pub const N_DRIVERS: usize = 3;

/// Below this a part does not drive anything.
const POINTS_MIN: f64 = 0.05;

/// Drivers of an index of danger: the quantities and items with the largest
/// contributions, carried down the tree in proportion.
pub fn danger_drivers(index: &Node) -> Vec<Driver> {
    let mut found = Vec::new();
    collect_contributions(index, index.score.unwrap_or(0.0), &mut found);
    strongest(found)
}

fn collect_contributions(node: &Node, points: f64, found: &mut Vec<Driver>) {
    let is_named = matches!(node.kind, NodeKind::Quantity | NodeKind::Item);
    if is_named || node.parts.is_empty() {
        let raw = raw_text(node).or_else(|| raw_text(speaking_part(node)?));
        found.push(Driver { id: node.id.to_string(), points, raw });
        return;
    }
    let score = node.score.unwrap_or(0.0);
    if score <= 0.0 {
        return;
    }
    for part in &node.parts {
        if let Some(contribution) = part.contribution {
            collect_contributions(part, points * contribution / score, found);
        }
    }
}

/// Drivers of Index A: the indicators that cost most, `w·(100 − x)` along the
/// tree, and a cap that holds.
pub fn safety_drivers(index: &Node) -> Vec<Driver> {
    let dimensions: Vec<&Node> =
        index.parts.iter().filter(|part| part.kind == NodeKind::Dimension).collect();
    let total = weight_of(dimensions.iter().copied());
    let mut found = Vec::new();
    for dimension in dimensions.iter().filter(|part| part.score.is_some()) {
        let share = dimension.weight.unwrap_or(0.0) / total;
        if dimension.parts.is_empty() {
            found.push(loss(dimension, share));
            continue;
        }
        let inner = weight_of(dimension.parts.iter());
        for indicator in dimension.parts.iter().filter(|part| part.score.is_some()) {
            found.push(loss(indicator, share * indicator.weight.unwrap_or(0.0) / inner));
        }
    }
    for cap in index.parts.iter().filter(|part| part.kind == NodeKind::Cap) {
        let points = -cap.contribution.unwrap_or(0.0);
        found.push(Driver { id: cap.id.to_string(), points, raw: None });
    }
    strongest(found)
}

/// The weight that is present below a node.
fn weight_of<'a>(parts: impl Iterator<Item = &'a Node>) -> f64 {
    let present = parts.filter(|part| part.score.is_some());
    present.fold(0.0, |sum, part| sum + part.weight.unwrap_or(0.0))
}

fn loss(node: &Node, weight: f64) -> Driver {
    let points = weight * (100.0 - node.score.unwrap_or(100.0));
    Driver { id: node.id.to_string(), points, raw: raw_text(node) }
}

/// The strongest first; of equals the first of the tree.
fn strongest(mut found: Vec<Driver>) -> Vec<Driver> {
    found.retain(|driver| driver.points >= POINTS_MIN);
    found.sort_by(|a, b| b.points.total_cmp(&a.points));
    found.truncate(N_DRIVERS);
    found
}

fn speaking_part(node: &Node) -> Option<&Node> {
    index_of_largest(node.parts.iter().map(|part| part.score)).map(|index| &node.parts[index])
}

fn raw_text(node: &Node) -> Option<String> {
    let raw = node.raw.as_ref()?;
    let held = if node.state == NodeState::Held { "*" } else { "" };
    // A bare number has no unit to show.
    let unit = raw.unit.ucum();
    let unit = if unit == "1" { String::new() } else { format!(" {unit}") };
    Some(format!("{:.1}{unit}{held}", raw.value))
}

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    pub zh: String,
    pub en: String,
}

/// Names the drivers; `name_of` is the model's.
pub fn sentence<'a>(drivers: &[Driver], name_of: impl Fn(&str) -> Option<&'a Name>) -> Sentence {
    if drivers.is_empty() {
        return Sentence {
            zh: "无突出因素。".to_owned(), en: "No outstanding driver.".to_owned()
        };
    }
    let mut zh = Vec::new();
    let mut en = Vec::new();
    for driver in drivers {
        let (name_zh, name_en) = match (name_of(&driver.id), driver.id.as_str()) {
            (Some(name), _) => (name.zh.as_str(), name.en.as_str()),
            (None, "official_signal") => ("官方信号", "Official signal"),
            (None, "typhoon_outlook") => ("台风展望", "Typhoon outlook"),
            (None, "wind_model") => ("风场模型", "Wind model"),
            (None, "exposure") => ("暴露度", "Exposure"),
            (None, "capability_gap") => ("能力缺口", "Capability gap"),
            (None, id) => (id, id),
        };
        let raw_zh = driver.raw.as_ref().map(|raw| format!("{raw},")).unwrap_or_default();
        let raw_en = driver.raw.as_ref().map(|raw| format!("{raw}, ")).unwrap_or_default();
        zh.push(format!("{name_zh}({raw_zh}{:.1} 分)", driver.points));
        en.push(format!("{name_en} ({raw_en}{:.1} points)", driver.points));
    }
    Sentence {
        zh: format!("主要因素:{}。", zh.join("、")),
        en: format!("Main drivers: {}.", en.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Aggregation;

    fn node(id: &str, kind: NodeKind, score: f64, contribution: f64, parts: Vec<Node>) -> Node {
        Node {
            score: Some(score),
            contribution: Some(contribution),
            aggregation: Some(Aggregation::Arithmetic),
            weight: Some(0.5),
            parts,
            ..Node::new(id, kind, NodeState::Known)
        }
    }

    #[test]
    fn danger_is_carried_down_in_proportion() {
        let quantity = node("wind_speed", NodeKind::Quantity, 80.0, 80.0, vec![]);
        let group = node("wind", NodeKind::Group, 80.0, 80.0, vec![quantity]);
        let items = vec![
            node("people_unmoved", NodeKind::Item, 100.0, 30.0, vec![]),
            node("vessels_out", NodeKind::Item, 20.0, 10.0, vec![]),
        ];
        let index = node(
            "flood-typhoon",
            NodeKind::Index,
            60.0,
            0.0,
            vec![
                node("hazard", NodeKind::Dimension, 80.0, 40.0, vec![group]),
                node("exposure", NodeKind::Dimension, 40.0, 20.0, items),
            ],
        );
        let drivers = danger_drivers(&index);
        let found: Vec<(&str, f64)> = drivers.iter().map(|d| (d.id.as_str(), d.points)).collect();
        assert_eq!(found, [("wind_speed", 40.0), ("people_unmoved", 15.0), ("vessels_out", 5.0)]);
        let name = Name { zh: "风速".to_owned(), en: "Wind speed".to_owned() };
        let text = sentence(&drivers[..1], |_| Some(&name));
        assert_eq!(text.zh, "主要因素:风速(40.0 分)。");
        assert_eq!(text.en, "Main drivers: Wind speed (40.0 points).");
    }

    #[test]
    fn safety_names_the_largest_losses_and_the_cap() {
        let weak = node("equipment_rate", NodeKind::Indicator, 20.0, 10.0, vec![]);
        let strong = node("drill_rate", NodeKind::Indicator, 100.0, 50.0, vec![]);
        let mut cap = node("fatal_accident", NodeKind::Cap, 79.9, -5.0, vec![]);
        cap.weight = None;
        let index = node(
            "township-safety",
            NodeKind::Index,
            79.9,
            0.0,
            vec![
                node("emergency_capability", NodeKind::Dimension, 60.0, 30.0, vec![weak, strong]),
                node("supervision", NodeKind::Dimension, 100.0, 50.0, vec![]),
                cap,
            ],
        );
        let found: Vec<(String, f64)> =
            safety_drivers(&index).into_iter().map(|d| (d.id, d.points)).collect();
        assert_eq!(
            found,
            [("equipment_rate".to_owned(), 20.0), ("fatal_accident".to_owned(), 5.0)]
        );
    }
}

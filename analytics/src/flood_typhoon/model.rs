//! The model file of Index B: hazard groups, outlook ladder, items of exposure
//! and capability, sources, relief, references of readiness.

use std::time::Duration;

use model::{Catalogue, Level};

use crate::hazard::{GroupSpec, QuantitySpec, read_groups};
use crate::knots::TOLERANCE;
use crate::levels::LevelRules;
use crate::model_file::{ModelError, ModelHead, Name, Problems, Section, check_property};
use crate::physics::outlook::LadderStep;

#[derive(Debug, Clone, PartialEq)]
pub struct ItemSpec {
    pub id: String,
    pub name: Name,
    pub weight: f64,
}

/// The items of exposure, in the order of the file's weights.
pub const EXPOSURE_ITEMS: [&str; 4] =
    ["people_unmoved", "vessels_out", "sites_unsecured", "static_vulnerability"];
pub const CAPABILITY_ITEMS: [&str; 6] =
    ["shelter_gap", "supply_gap", "power_comms_gap", "team_gap", "duty_gap", "sensor_gap"];

/// Who speaks for a quantity (docs/indices.md 4.2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SourceRules {
    pub slots_present_min: f64,
    pub neighbour_radius_km: f64,
    pub neighbour_credibility: f64,
    pub wind_model_credibility: f64,
    /// Fresh readings in a row that end a held score.
    pub readings_to_end_hold: u32,
    /// T of fixes and forecasts.
    pub forecast_period: Duration,
}

/// When the final level may be one below the hazard level (docs/indices.md
/// 4.6).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliefRules {
    pub score_below: f64,
    pub confidence_min: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExposureRules {
    /// Share that a number of people or vessels at or above its n₀ is never
    /// below: the last boat.
    pub last_share: f64,
    pub people_n0: f64,
    pub vessels_n0: f64,
    pub vulnerable_default: f64,
    pub default_credibility: f64,
    pub report_credibility: f64,
    /// T of a register, and of progress in a response.
    pub register_period: Duration,
    pub progress_period: Duration,
    pub site_progress_period: Duration,
    pub vessel_period: Duration,
    /// Registers never entered may be behind this share of the weight.
    pub unentered_max: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CapabilityRules {
    /// Places needed per person to evacuate.
    pub need_share: f64,
    pub water_l: f64,
    pub meals: f64,
    pub quilts: f64,
    /// Share of the weight that needs a value.
    pub weight_min: f64,
}

/// A hazard that readiness is measured against (docs/indices.md 4.8).
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    pub id: String,
    pub score: f64,
    pub demand: Level,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FloodModel {
    pub head: ModelHead,
    pub weights: [f64; 3],
    /// H, V and L are at least this in the product.
    pub floor: f64,
    pub second_share: f64,
    pub coverage_min: f64,
    /// What stands in for V or L when it is not available, and its q.
    pub stand_in: f64,
    pub stand_in_credibility: f64,
    pub levels: LevelRules,
    pub relief: ReliefRules,
    pub sources: SourceRules,
    /// Levels that a hazard would fall without one thing: unverified.
    pub unverified_fall: u32,
    pub exposure: ExposureRules,
    pub capability: CapabilityRules,
    pub exposure_items: Vec<ItemSpec>,
    pub capability_items: Vec<ItemSpec>,
    pub groups: Vec<GroupSpec>,
    pub ladder: Vec<LadderStep>,
    pub references: Vec<Reference>,
}

impl FloodModel {
    /// Reads a model file; all its problems at once.
    pub fn from_toml(text: &str) -> Result<FloodModel, Vec<ModelError>> {
        let mut file = Section::parse(text)?;
        let problems = &mut Problems::default();
        let head = file.head(text, problems);
        let weights = read_weights(&mut file, problems);
        let floor = file.number_in("floor", 1.0, 50.0, problems);
        let model = FloodModel {
            head,
            weights,
            floor,
            second_share: file.number_in("second_share", 0.0, 1.0, problems),
            coverage_min: file.number_in("coverage_min", 0.0, 1.0, problems),
            stand_in: file.number_in("stand_in", 0.0, 100.0, problems),
            stand_in_credibility: file.number_in("stand_in_credibility", 0.0, 1.0, problems),
            levels: LevelRules {
                margin: file.number_in("improve_margin", 0.0, 20.0, problems),
                run: file.duration("improve_after", problems),
            },
            unverified_fall: file.count("unverified_fall", problems),
            relief: read_relief(&mut file, problems),
            sources: read_sources(&mut file, problems),
            exposure: read_exposure(&mut file, problems),
            capability: read_capability(&mut file, problems),
            exposure_items: read_items(&mut file, "exposure_item", &EXPOSURE_ITEMS, problems),
            capability_items: read_items(&mut file, "capability_item", &CAPABILITY_ITEMS, problems),
            groups: read_groups(&mut file, problems),
            ladder: read_ladder(&mut file, problems),
            references: read_references(&mut file, problems),
        };
        file.finish(problems);
        std::mem::take(problems).into_result(model)
    }

    /// Refuses properties that the catalogue does not have.
    pub fn check_properties(&self, catalogue: &Catalogue) -> Result<(), Vec<ModelError>> {
        let mut problems = Problems::default();
        for quantity in self.groups.iter().flat_map(|group| &group.quantities) {
            check_property(quantity.id.as_str(), &quantity.from, catalogue, &mut problems);
        }
        problems.into_result(())
    }

    pub fn group(&self, id: &str) -> Option<&GroupSpec> {
        self.groups.iter().find(|group| group.id == id)
    }

    pub fn quantity(&self, id: &str) -> Option<&QuantitySpec> {
        self.groups.iter().flat_map(|group| &group.quantities).find(|q| q.id.as_str() == id)
    }

    /// The name of a group, quantity or item.
    pub fn name_of(&self, id: &str) -> Option<&Name> {
        let groups = self.groups.iter().map(|group| (group.id.as_str(), &group.name));
        let quantities = self.groups.iter().flat_map(|group| &group.quantities);
        let quantities = quantities.map(|quantity| (quantity.id.as_str(), &quantity.name));
        let items = self.exposure_items.iter().chain(&self.capability_items);
        let items = items.map(|item| (item.id.as_str(), &item.name));
        let mut all = groups.chain(quantities).chain(items);
        all.find(|(found, _)| *found == id).map(|(_, name)| name)
    }
}

fn read_weights(file: &mut Section, problems: &mut Problems) -> [f64; 3] {
    let mut section = file.table_or_empty("weights", problems);
    let weights = ["hazard", "exposure", "capability_gap"].map(|id| section.weight(id, problems));
    section.finish(problems);
    problems.refuse_sum("weights", weights.into_iter());
    weights
}

fn read_relief(file: &mut Section, problems: &mut Problems) -> ReliefRules {
    let mut section = file.table_or_empty("relief", problems);
    let rules = ReliefRules {
        score_below: section.number_in("score_below", 0.0, 100.0, problems),
        confidence_min: section.number_in("confidence_min", 0.0, 1.0, problems),
    };
    section.finish(problems);
    rules
}

fn read_sources(file: &mut Section, problems: &mut Problems) -> SourceRules {
    let mut section = file.table_or_empty("sources", problems);
    let rules = SourceRules {
        slots_present_min: section.number_in("slots_present_min", 0.0, 1.0, problems),
        neighbour_radius_km: section.number_in("neighbour_radius_km", 0.0, 200.0, problems),
        neighbour_credibility: section.number_in("neighbour_credibility", 0.0, 1.0, problems),
        wind_model_credibility: section.number_in("wind_model_credibility", 0.0, 1.0, problems),
        readings_to_end_hold: section.count("readings_to_end_hold", problems),
        forecast_period: section.duration("forecast_period", problems),
    };
    section.finish(problems);
    rules
}

fn read_exposure(file: &mut Section, problems: &mut Problems) -> ExposureRules {
    let mut section = file.table_or_empty("exposure", problems);
    let rules = ExposureRules {
        last_share: section.number_in("last_share", 0.0, 1.0, problems),
        people_n0: section.weight("people_n0", problems),
        vessels_n0: section.weight("vessels_n0", problems),
        vulnerable_default: section.number_in("vulnerable_default", 0.0, 1.0, problems),
        default_credibility: section.number_in("default_credibility", 0.0, 1.0, problems),
        report_credibility: section.number_in("report_credibility", 0.0, 1.0, problems),
        register_period: section.duration("register_period", problems),
        progress_period: section.duration("progress_period", problems),
        site_progress_period: section.duration("site_progress_period", problems),
        vessel_period: section.duration("vessel_period", problems),
        unentered_max: section.number_in("unentered_max", 0.0, 1.0, problems),
    };
    section.finish(problems);
    rules
}

fn read_capability(file: &mut Section, problems: &mut Problems) -> CapabilityRules {
    let mut section = file.table_or_empty("capability", problems);
    let rules = CapabilityRules {
        need_share: section.number_in("need_share", 0.0, 1.0, problems),
        water_l: section.weight("water_l", problems),
        meals: section.weight("meals", problems),
        quilts: section.weight("quilts", problems),
        weight_min: section.number_in("weight_min", 0.0, 1.0, problems),
    };
    section.finish(problems);
    rules
}

/// Reads the items of a dimension: exactly those that are computed, in order.
fn read_items(
    file: &mut Section,
    key: &str,
    ids: &[&str],
    problems: &mut Problems,
) -> Vec<ItemSpec> {
    let mut items = Vec::new();
    for mut section in file.tables(key, problems) {
        items.push(ItemSpec {
            id: section.text("id", problems),
            name: section.name("name", problems),
            weight: section.weight("weight", problems),
        });
        section.finish(problems);
    }
    if !items.is_empty() && !items.iter().map(|item| item.id.as_str()).eq(ids.iter().copied()) {
        problems.refuse(key, format!("are not {} in this order", ids.join(", ")));
    }
    if !items.is_empty() {
        problems.refuse_sum(&format!("{key}.weight"), items.iter().map(|item| item.weight));
    }
    items
}

const LEVELS: [(&str, Level); 4] = [
    ("blue", Level::Blue),
    ("yellow", Level::Yellow),
    ("orange", Level::Orange),
    ("red", Level::Red),
];

fn read_ladder(file: &mut Section, problems: &mut Problems) -> Vec<LadderStep> {
    let mut ladder: Vec<LadderStep> = Vec::new();
    for mut section in file.tables("ladder", problems) {
        let level = section.word("level", &LEVELS, problems).unwrap_or(Level::Blue);
        let wind_mps = section.weight("wind_mps", problems);
        let within = section.duration("within", problems);
        if let Some(before) = ladder.last() {
            let is_worse =
                before.level < level && before.wind_mps <= wind_mps && within <= before.within;
            if !is_worse {
                let reason = "is no steeper step than the one before it";
                problems.refuse(section.key("level"), reason);
            }
        }
        ladder.push(LadderStep { level, wind_mps, within });
        section.finish(problems);
    }
    ladder
}

fn read_references(file: &mut Section, problems: &mut Problems) -> Vec<Reference> {
    let mut references = Vec::new();
    for mut section in file.tables("reference", problems) {
        references.push(Reference {
            id: section.text("id", problems),
            score: section.number_in("score", TOLERANCE, 100.0, problems),
            demand: section.word("demand", &LEVELS, problems).unwrap_or(Level::Blue),
        });
        section.finish(problems);
    }
    references
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../config/models/flood-typhoon.toml");

    #[test]
    fn the_shipped_file_loads() {
        let model = FloodModel::from_toml(SHIPPED).unwrap();
        let ids: Vec<&str> = model.groups.iter().map(|group| group.id.as_str()).collect();
        assert_eq!(ids, ["wind", "rain_flood", "tide", "landslide", "outlook"]);
        assert_eq!((model.ladder.len(), model.references.len()), (4, 3));
        assert_eq!(model.name_of("supply_gap").unwrap().zh, "物资缺口");
    }

    #[test]
    fn all_problems_of_a_file_are_told_at_once() {
        let text = SHIPPED
            .replacen("hazard = 0.50", "hazard = 0.60", 1)
            .replacen("id = \"duty_gap\"", "id = \"duty\"", 1)
            .replacen("wind_mps = 24.5", "wind_mps = 14.5", 1)
            .replacen("last_share = 0.3", "last_share = nan\nsurplus = 1", 1);
        let problems = FloodModel::from_toml(&text).unwrap_err();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        let expected = [
            "weights",
            "exposure.last_share",
            "exposure.surplus",
            "capability_item",
            "ladder[3].level",
        ];
        assert_eq!(keys, expected);
    }
}

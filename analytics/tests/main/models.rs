//! The shipped model files against the shipped catalogue of properties.

use std::collections::BTreeMap;

use analytics::flood_typhoon::FloodModel;
use analytics::model_file::ModelError;
use analytics::township_safety::SafetyModel;
use model::{Catalogue, ObservedProperty, PropertyId, PropertySpec};

const SAFETY: &str = include_str!("../../../config/models/township-safety.toml");
const FLOOD: &str = include_str!("../../../config/models/flood-typhoon.toml");

fn catalogue() -> Catalogue {
    let text = include_str!("../../../config/properties.toml");
    let specs: BTreeMap<PropertyId, PropertySpec> = toml::from_str(text).unwrap();
    let properties = specs.into_iter().map(|(id, spec)| ObservedProperty { id, spec });
    Catalogue::new(properties.collect()).unwrap()
}

#[test]
fn shipped_models_name_only_properties_of_the_catalogue() {
    let catalogue = catalogue();
    let none: Result<(), Vec<ModelError>> = Ok(());
    assert_eq!(SafetyModel::from_toml(SAFETY).unwrap().check_properties(&catalogue), none);
    assert_eq!(FloodModel::from_toml(FLOOD).unwrap().check_properties(&catalogue), none);
}

#[test]
fn unknown_properties_are_all_refused() {
    let text = SAFETY.replace("\"grids\"", "\"grid\"").replace("\"credit_grade\"", "\"credit\"");
    let model = SafetyModel::from_toml(&text).unwrap();
    let problems = model.check_properties(&catalogue()).unwrap_err();
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "chemical_credit: property `credit` is not in the catalogue",
            "grid_report_ratio: property `grid` is not in the catalogue",
        ]
    );
}

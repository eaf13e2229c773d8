//! What `demo` and `replay` begin with: the scenario and its things.

use std::path::Path;

use anyhow::Context;
use model::{Thing, TownshipCode, thing_csv};

use super::UsageError;
use crate::config::{self, Config, InvalidConfig};
use crate::scenario::{self, Scenario, Surroundings};

/// The scenario of that id, checked against the county.
pub(crate) fn load_scenario(
    config: &Config,
    file: Option<&Path>,
    id: &str,
) -> anyhow::Result<Scenario> {
    let known = config::scenarios(file);
    if !known.iter().any(|known| known == id) {
        let shown = id.escape_debug();
        let known = known.join(", ");
        return Err(UsageError(format!("unknown scenario `{shown}`; known are {known}")).into());
    }
    let codes: Vec<TownshipCode> =
        config.county.townships.iter().map(|township| township.code).collect();
    let county = Surroundings { townships: &codes, havens: &config.county.facts.havens };
    let read = |name: &str, problems: &mut Vec<_>| config::scenario_file(file, id, name, problems);
    Ok(scenario::load(&read, id, &county).map_err(InvalidConfig)?)
}

/// The county's example things.
pub(crate) fn example_things(config: &Config) -> anyhow::Result<Vec<Thing>> {
    let folder = &config.settings.county.folder;
    let csv = config::example_things(folder)
        .with_context(|| format!("county `{folder}` ships no example things"))?;
    let rows = thing_csv::read(&csv, &config.catalogue, thing_csv::ROWS_MAX)?;
    Ok(rows.into_iter().filter_map(|(_, thing)| thing.ok()).collect())
}

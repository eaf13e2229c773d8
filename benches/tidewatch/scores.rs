//! All 38 scores of a county, both indices of 18 townships and the county's
//! two values, from prepared inputs: CPU time of the arithmetic alone.

use analytics::county_run::{TownshipState, score_county};
use analytics::flood_typhoon::FloodModel;
use analytics::seeded;
use analytics::township_safety::SafetyModel;
use anyhow::anyhow;

use crate::Scale;
use crate::process::thread_cpu_seconds;
use crate::report::Row;
use crate::support::now;

const NAME: &str = "scores";
const N_TOWNSHIPS: u64 = 18;
const N_EVALUATIONS: usize = 500;

pub(crate) fn measure(_scale: Scale) -> anyhow::Result<Vec<Row>> {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/models");
    let read = |name: &str| std::fs::read_to_string(format!("{config}/{name}.toml"));
    let refused = |errors| anyhow!("a shipped model is refused: {errors:?}");
    let safety = SafetyModel::from_toml(&read("township-safety")?).map_err(refused)?;
    let flood = FloodModel::from_toml(&read("flood-typhoon")?).map_err(refused)?;

    let at = now();
    let prepare = |seed| seeded::township(seed, &safety, &flood, at);
    let townships: Vec<_> = (0..N_TOWNSHIPS).map(prepare).collect();
    let mut states = vec![TownshipState::default(); townships.len()];
    let begin = thread_cpu_seconds()?;
    for _ in 0..N_EVALUATIONS {
        std::hint::black_box(score_county(&mut states, &townships, &safety, &flood, at));
    }
    let milliseconds = (thread_cpu_seconds()? - begin) * 1e3 / N_EVALUATIONS as f64;
    let row = Row::plain(NAME, "CPU time of all 38 scores of a county", milliseconds, "ms");
    Ok(vec![row.at_most(3.0, "at most 3 ms".to_owned())])
}

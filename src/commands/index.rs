//! `score wind outlook soil-water`: pure, text in and text out. Everything
//! that is wrong with the input is wrong use: exit 2.

use std::io::Read;
use std::path::Path;

use analytics::commands::{self, CommandError, ModelText};
use anyhow::Context;

use super::UsageError;
use crate::cli::{OutlookArgs, ScoreArgs, SoilWaterArgs, TrackArgs};
use crate::config;

/// No file of these commands comes near it.
const INPUT_MAX: u64 = 64 << 20;

pub(crate) fn score(args: &ScoreArgs) -> anyhow::Result<()> {
    let (name, text) = config::model_text(&args.model)
        .with_context(|| format!("read the model {}", args.model.display()))?;
    let in_model = |error: &dyn std::fmt::Display| format!("{name}: {error}");
    let model =
        ModelText::parse(&text).map_err(|errors| all(errors.iter().map(|e| in_model(e))))?;
    let catalogue = config::load(args.config.config.as_deref())?.catalogue;
    model.check_properties(&catalogue).map_err(|errors| all(errors.iter().map(|e| in_model(e))))?;
    let values = standard_input()?;
    let scored = commands::score(&model, &values).map_err(|errors| all(errors.iter()))?;
    println!("{scored}");
    Ok(())
}

pub(crate) fn wind(args: &TrackArgs) -> anyhow::Result<()> {
    let track = read(&args.track)?;
    let site = commands::parse_site(&args.at).map_err(|error| one(&error))?;
    let csv = commands::wind(&track, &args.storm, site);
    print!("{}", csv.map_err(|error| in_file(&args.track, &error))?);
    Ok(())
}

pub(crate) fn outlook(args: &OutlookArgs) -> anyhow::Result<()> {
    let ladder = config::load(args.config.config.as_deref())?.models.flood.ladder;
    let track = read(&args.track.track)?;
    let site = commands::parse_site(&args.track.at).map_err(|error| one(&error))?;
    let csv = commands::outlook(&track, &args.track.storm, site, &ladder);
    print!("{}", csv.map_err(|error| in_file(&args.track.track, &error))?);
    Ok(())
}

pub(crate) fn soil_water(args: &SoilWaterArgs) -> anyhow::Result<()> {
    let csv = commands::soil_water(&standard_input()?, args.every);
    print!("{}", csv.map_err(|error| one(&error))?);
    Ok(())
}

fn standard_input() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().take(INPUT_MAX).read_to_end(&mut bytes).context("read standard input")?;
    String::from_utf8(bytes).map_err(|_| UsageError("the input is not UTF-8".to_owned()).into())
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}

fn one(error: &CommandError) -> UsageError {
    UsageError(error.to_string())
}

fn in_file(file: &Path, error: &CommandError) -> UsageError {
    UsageError(format!("{}: {error}", file.display()))
}

/// Every problem on a line of its own.
fn all(errors: impl Iterator<Item = impl std::fmt::Display>) -> UsageError {
    let lines: Vec<String> = errors.map(|error| error.to_string()).collect();
    UsageError(lines.join("\n  "))
}

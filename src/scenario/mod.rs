//! A scenario of `config/scenarios/`: a storm's track, rain, the course of an
//! evacuation and the documents of those days become a script for the
//! simulated devices and documents with the time of their issue.
//!
//! Everything is checked before anything is played, and every mistake of every
//! file is told at once.

mod documents;
mod file;
pub(crate) mod review;
mod tables;
mod weather;

use std::sync::Arc;

use analytics::physics::track::{Fix, Track};
use analytics::world::Haven;
use model::{Document, LocalizedName, Time, TownshipCode};
use simulators::Script;
use simulators::script::{Evacuation, HavenPlace, ShelterPlan, SitePlan, VesselPlan};

use self::file::ScenarioFile;
use self::tables::{EvacuationTable, Progress, RainTable, TrackTable};
use self::weather::StormWeather;
use crate::config::Problem;

/// The files of every scenario.
const SCENARIO: &str = "scenario.toml";
const TRACK: &str = "track.csv";
const RAIN: &str = "rain.csv";
const EVACUATION: &str = "evacuation.csv";
const PROGRESS: &str = "evacuation-progress.csv";
const DOCUMENTS: &str = "documents.toml";

#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) id: String,
    pub(crate) name: LocalizedName,
    pub(crate) begin: Time,
    pub(crate) end: Time,
    /// In order of their issue.
    pub(crate) documents: Vec<TimedDocument>,
    pub(crate) script: Arc<Script>,
}

/// A document and when it is published.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimedDocument {
    pub(crate) at: Time,
    pub(crate) document: Document,
}

/// What a scenario needs to know of the county.
pub(crate) struct Surroundings<'a> {
    pub(crate) townships: &'a [TownshipCode],
    pub(crate) havens: &'a [Haven],
}

/// A file of the scenario by its name: the name to show, and its text.
pub(crate) type ReadFile<'a> = dyn Fn(&str, &mut Vec<Problem>) -> Option<(String, String)> + 'a;

/// Reads and checks all files of a scenario; all problems at once.
pub(crate) fn load(
    read: &ReadFile<'_>,
    id: &str,
    county: &Surroundings<'_>,
) -> Result<Scenario, Vec<Problem>> {
    let mut problems = Vec::new();
    let file = read(SCENARIO, &mut problems)
        .and_then(|(shown, text)| file::parse(&shown, &text, id, county, &mut problems));
    let track = read(TRACK, &mut problems)
        .and_then(|(shown, text)| TrackTable::read(&shown, &text, &mut problems));
    let rain = read(RAIN, &mut problems)
        .and_then(|(shown, text)| RainTable::read(&shown, &text, &mut problems));
    let people = read(EVACUATION, &mut problems)
        .and_then(|(shown, text)| EvacuationTable::read(&shown, &text, county, &mut problems));
    let progress = read(PROGRESS, &mut problems)
        .and_then(|(shown, text)| Progress::read(&shown, &text, &mut problems));
    let declared = read(DOCUMENTS, &mut problems)
        .map(|(shown, text)| documents::parse(&shown, &text, &mut problems));
    let (Some(file), Some(track), Some(rain), Some(people), Some(progress), Some(declared)) =
        (file, track, rain, people, progress, declared)
    else {
        return Err(problems);
    };

    if let Some(rain) = rain.problem(file.rain.hourly_max) {
        problems.push(rain);
    }
    problems.extend(people.differences_to(&file.evacuation.county));
    problems.extend(progress.differences_to(&people));
    let path = match path(&track, &file) {
        Ok(path) => path,
        Err(problem) => {
            problems.push(problem);
            return Err(problems);
        }
    };
    if !problems.is_empty() {
        return Err(problems);
    }

    let documents = documents::all(&file, &track, declared);
    let script = script(&file, path, &rain, people, progress, county);
    Ok(Scenario {
        id: file.id,
        name: file.name,
        begin: file.begin,
        end: file.end,
        documents,
        script: Arc::new(script),
    })
}

fn path(table: &TrackTable, file: &ScenarioFile) -> Result<Track, Problem> {
    let fixes = table.fixes.iter().map(|fix| Fix {
        time: fix.time,
        centre: fix.position,
        pressure_hpa: fix.pressure_hpa,
    });
    Track::new(fixes.collect(), file.storm.intensity_factor)
        .map_err(|error| tables::problem(&table.shown, None, error.to_string()))
}

fn script(
    file: &ScenarioFile,
    path: Track,
    rain: &RainTable,
    people: EvacuationTable,
    progress: Progress,
    county: &Surroundings<'_>,
) -> Script {
    let havens = county
        .havens
        .iter()
        .map(|haven| HavenPlace { position: haven.position, radius_m: haven.radius_m });
    Script {
        begin: file.begin,
        weather: Box::new(StormWeather::new(path, rain, file)),
        exposure: file.wind.exposure.into(),
        vessels: VesselPlan {
            turn_back: file.vessels.turn_back.span(),
            leave: file.vessels.leave.span(),
            havens: havens.collect(),
        },
        sites: SitePlan {
            stop: file.sites.stop.span(),
            resume: file.sites.resume.span(),
            lift_below_mps: file.sites.lift_below_mps,
        },
        shelters: ShelterPlan {
            open: file.shelters.open.span(),
            close: file.shelters.close.span(),
            filled: file.shelters.filled.into(),
        },
        power: file.power_loss.iter().map(file::PowerLossPart::loss).collect(),
        evacuation: Evacuation { to_move: people.by_township, progress: progress.shares },
    }
}

#[cfg(test)]
mod tests;

//! The county: its names, townships and outlines (`counties/{folder}/`).

use std::collections::BTreeSet;

use analytics::world::Facts;
use model::{Catalogue, LocalizedName, Position, Township, TownshipCode};
use serde::Deserialize;
use toml::Table;

use super::facts::{FactsInput, HavenRow, MustMonitorRow, TownshipTable};
use super::overlay::{Problem, merge};
use super::{Files, Shipped, parse_layer};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct County {
    pub(crate) code: String,
    pub(crate) name: LocalizedName,
    pub(crate) bureau: LocalizedName,
    pub(crate) title: LocalizedName,
    /// Registered positions lie inside.
    pub(crate) bounds: Bounds,
    pub(crate) townships: Vec<Township>,
    /// GeoJSON, one feature per township, illustrative until replaced.
    pub(crate) outlines: serde_json::Value,
    pub(crate) facts: Facts,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bounds {
    pub(crate) west: f64,
    pub(crate) south: f64,
    pub(crate) east: f64,
    pub(crate) north: f64,
}

impl Bounds {
    pub(super) fn contains(&self, position: Position) -> bool {
        (self.west..=self.east).contains(&position.longitude())
            && (self.south..=self.north).contains(&position.latitude())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CountyFile {
    code: String,
    name: LocalizedName,
    bureau: LocalizedName,
    title: LocalizedName,
    bounds: Bounds,
    #[serde(default)]
    haven: Vec<HavenRow>,
    #[serde(default)]
    must_monitor: MustMonitorRow,
    #[serde(default)]
    township: Vec<TownshipTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TownshipRow {
    code: TownshipCode,
    name_zh: String,
    name_en: String,
    longitude: f64,
    latitude: f64,
    coastal: bool,
    villages: Option<u32>,
}

/// `groups` are the ids of Index B's hazard groups.
pub(super) fn load(
    files: &Files,
    folder: &str,
    groups: &[String],
    catalogue: &Catalogue,
    problems: &mut Vec<Problem>,
) -> Option<County> {
    let at = |name: &str| format!("counties/{folder}/{name}");
    let is_shipped = Shipped::iter().any(|name| name.starts_with(&at("")));
    if !is_shipped && files.folder.is_none() {
        problems.push(Problem {
            file: "tidewatch.toml".to_owned(),
            line: None,
            key: "county.folder".to_owned(),
            reason: format!("no county `{folder}` is shipped, and no folder of yours was named"),
        });
        return None;
    }
    let file = county_file(files, &at("county.toml"), problems)?;
    let townships = townships(files, &at("townships.csv"), &file.bounds, problems);
    let outlines = outlines(files, &at("townships.geojson"), &townships, problems);
    let facts = FactsInput {
        file: at("county.toml"),
        townships: &townships,
        havens: file.haven,
        must_monitor: file.must_monitor,
        tables: file.township,
    };
    let facts = facts.into_facts(groups, catalogue, problems);
    Some(County {
        code: file.code,
        name: file.name,
        bureau: file.bureau,
        title: file.title,
        bounds: file.bounds,
        townships,
        outlines,
        facts,
    })
}

fn county_file(files: &Files, name: &str, problems: &mut Vec<Problem>) -> Option<CountyFile> {
    let own = files.own_layer(name, problems);
    let mut table = match Shipped::get(name) {
        Some(file) => parse_layer(name, &file.data, problems)?.table,
        None => Table::new(),
    };
    if let Some(own) = &own {
        merge(&mut table, &own.table);
    }
    let shown = own.as_ref().map_or(name, |own| own.name.as_str()).to_owned();
    let mut refuse = |key: &str, reason: String| {
        let file = shown.clone();
        problems.push(Problem { file, line: None, key: key.to_owned(), reason });
    };
    let file: CountyFile = table
        .try_into()
        .map_err(|error: toml::de::Error| refuse("", error.message().into()))
        .ok()?;
    if file.code.len() != 6 || !file.code.bytes().all(|byte| byte.is_ascii_digit()) {
        refuse("code", format!("`{}` is not a 6-digit division code", file.code));
    }
    if !(file.bounds.west < file.bounds.east && file.bounds.south < file.bounds.north) {
        refuse("bounds", "west must lie west of east, south must lie south of north".to_owned());
    }
    for haven in &file.haven {
        haven.check(&file.bounds, &mut refuse);
    }
    Some(file)
}

fn townships(
    files: &Files,
    name: &str,
    bounds: &Bounds,
    problems: &mut Vec<Problem>,
) -> Vec<Township> {
    let (shown, bytes) = files.whole(name, problems);
    let mut townships: Vec<Township> = Vec::new();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    for (index, row) in reader.deserialize::<TownshipRow>().enumerate() {
        let mut refuse = |reason: String| {
            let key = String::new();
            problems.push(Problem { file: shown.clone(), line: Some(index + 2), key, reason });
        };
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                refuse(error.to_string());
                continue;
            }
        };
        match Position::new(row.longitude, row.latitude) {
            Ok(seat) if bounds.contains(seat) => {
                if townships.iter().any(|township| township.code == row.code) {
                    refuse(format!("township {} is there twice", row.code));
                }
                townships.push(Township {
                    code: row.code,
                    name: LocalizedName { zh: row.name_zh, en: row.name_en },
                    seat,
                    coastal: row.coastal,
                    villages: row.villages,
                });
            }
            Ok(_) => refuse(format!("the seat of {} lies outside the county", row.code)),
            Err(error) => refuse(error.to_string()),
        }
    }
    if townships.is_empty() {
        let reason = "names no township".to_owned();
        problems.push(Problem { file: shown, line: None, key: String::new(), reason });
    }
    townships
}

fn outlines(
    files: &Files,
    name: &str,
    townships: &[Township],
    problems: &mut Vec<Problem>,
) -> serde_json::Value {
    let (shown, bytes) = files.whole(name, problems);
    let mut refuse = |reason: String| {
        let (file, key) = (shown.clone(), String::new());
        problems.push(Problem { file, line: None, key, reason });
    };
    let outlines: serde_json::Value = match serde_json::from_slice(&bytes) {
        Ok(outlines) => outlines,
        Err(error) => {
            refuse(format!("is not JSON: {error}"));
            return serde_json::Value::Null;
        }
    };
    let features = outlines["features"].as_array().map(Vec::as_slice).unwrap_or_default();
    let drawn: BTreeSet<&str> =
        features.iter().filter_map(|feature| feature["properties"]["code"].as_str()).collect();
    for township in townships {
        if !drawn.contains(township.code.to_string().as_str()) {
            refuse(format!("has no feature with properties.code {}", township.code));
        }
    }
    outlines
}

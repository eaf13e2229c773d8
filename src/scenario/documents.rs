//! The documents of a scenario: those written in its file, the storm, and a
//! bulletin every few hours.

use std::time::Duration;

use model::{Bulletin, Document, DocumentId, Storm, StormFix, Time};
use serde::Deserialize;
use toml::Value;

use super::TimedDocument;
use super::file::ScenarioFile;
use super::tables::TrackTable;
use crate::config::{Layer, Problem};

/// `documents.toml`: each document on its own, so that one mistake hides none
/// of the others.
pub(super) fn parse(shown: &str, text: &str, problems: &mut Vec<Problem>) -> Vec<Document> {
    let Ok(layer) = Layer::parse(shown, text).map_err(|problem| problems.push(problem)) else {
        return Vec::new();
    };
    for key in layer.table.keys().filter(|key| *key != "document") {
        problems.push(layer.problem(key, "unknown key; a document begins with [[document]]"));
    }
    let Some(Value::Array(tables)) = layer.table.get("document") else { return Vec::new() };
    let mut documents: Vec<Document> = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let key = format!("document.{index}");
        match Document::deserialize(table.clone()) {
            Ok(document) if issued(&document).is_none() => {
                problems.push(
                    layer.problem(&key, "only signals, responses and recall orders stand here"),
                );
            }
            Ok(document) => {
                if documents.iter().any(|other| other.id() == document.id()) {
                    problems
                        .push(layer.problem(&key, format!("`{}` is there twice", document.id())));
                }
                documents.push(document);
            }
            Err(error) => problems.push(layer.problem(&key, error.message())),
        }
    }
    documents
}

/// Of declarations; the others are made or not part of a scenario.
fn issued(document: &Document) -> Option<Time> {
    match document {
        Document::Signal(signal) => Some(signal.issued),
        Document::Response(response) => Some(response.issued),
        Document::RecallOrder(order) => Some(order.issued),
        Document::Storm(_)
        | Document::Bulletin(_)
        | Document::Override(_)
        | Document::Silence(_)
        | Document::AlertAction(_) => None,
    }
}

/// All of them in order of publication; what was issued before the begin is
/// there at the begin, the storm before its bulletins.
pub(super) fn all(
    file: &ScenarioFile,
    track: &TrackTable,
    declared: Vec<Document>,
) -> Vec<TimedDocument> {
    let storm = Storm {
        id: file.storm.id.clone(),
        name: file.storm.name.clone(),
        number: file.storm.number.clone(),
        intensity_factor: file.storm.intensity_factor,
        ended: None,
    };
    let mut documents = vec![TimedDocument { at: file.begin, document: Document::Storm(storm) }];
    documents.extend(declared.into_iter().map(|document| {
        let at = issued(&document).map_or(file.begin, |issued| issued.max(file.begin));
        TimedDocument { at, document }
    }));
    documents.extend(bulletins(file, &track.fixes));
    documents.sort_by_key(|document| document.at);
    documents
}

/// A perfect forecast: the fixes up to the issue are observed, the others
/// forecast. The last fix makes the last bulletin.
fn bulletins(file: &ScenarioFile, fixes: &[StormFix]) -> Vec<TimedDocument> {
    let mut bulletins = Vec::new();
    let mut issued = file.begin;
    while issued <= file.end {
        let n_observed = fixes.partition_point(|fix| fix.time <= issued);
        let (observed, forecast) = fixes.split_at(n_observed);
        let bulletin = Bulletin {
            id: bulletin_id(&file.storm.id, issued),
            storm: file.storm.id.clone(),
            agency: file.storm.agency.clone(),
            issued,
            averaging_min: file.storm.averaging_min,
            is_final: forecast.is_empty(),
            observed: observed.to_vec(),
            forecast: forecast.to_vec(),
        };
        let is_final = bulletin.is_final;
        bulletins.push(TimedDocument { at: issued, document: Document::Bulletin(bulletin) });
        if is_final {
            break;
        }
        issued = (issued + file.storm.bulletin_every).floor_to(Duration::from_secs(60));
    }
    bulletins
}

/// `{storm}-{year, month, day, hour, minute in China}`.
fn bulletin_id(storm: &DocumentId, issued: Time) -> DocumentId {
    let shown = issued.to_string();
    let digits = shown.chars().filter(char::is_ascii_digit).take(12);
    let text: String = storm.as_str().chars().take(51).chain(['-']).chain(digits).collect();
    DocumentId::parse(&text).expect("an id with digits behind it is an id of at most 64 characters")
}

//! The files of scenarios (`scenarios/{id}/`), each taken as a whole from the
//! operator or else from the binary. What is in them is checked in
//! `crate::scenario`.

use std::path::Path;

use super::overlay::Problem;
use super::{Files, Shipped, folder_of};

const SCENARIOS: &str = "scenarios/";

/// The ids of all scenarios: folders of the operator's `scenarios/` and of the
/// shipped one.
pub(crate) fn scenarios(file: Option<&Path>) -> Vec<String> {
    let shipped = Shipped::iter();
    let mut ids: Vec<String> = shipped
        .filter_map(|name| name.strip_prefix(SCENARIOS)?.split('/').next().map(str::to_owned))
        .collect();
    let own = file.map(|file| folder_of(file).join(SCENARIOS));
    for entry in own.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten() {
        ids.extend(entry.ok().and_then(|entry| entry.file_name().into_string().ok()));
    }
    ids.sort();
    ids.dedup();
    ids
}

/// A file of a scenario, the operator's or else the shipped one: its name to
/// show, and its text.
pub(crate) fn scenario_file(
    file: Option<&Path>,
    id: &str,
    name: &str,
    problems: &mut Vec<Problem>,
) -> Option<(String, String)> {
    let files = Files { folder: file.map(folder_of) };
    let (shown, bytes) = files.whole(&format!("{SCENARIOS}{id}/{name}"), problems);
    let refuse = |reason: &str| Problem {
        file: shown.clone(),
        line: None,
        key: String::new(),
        reason: reason.to_owned(),
    };
    match String::from_utf8(bytes) {
        Ok(text) if text.is_empty() => problems.push(refuse("is missing")),
        Ok(text) => return Some((shown, text)),
        Err(_) => problems.push(refuse("is not UTF-8")),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_found_in_the_binary_and_beside_the_operator_s_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tidewatch.toml");
        let own = folder.path().join("scenarios/drill");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("rain.csv"), "hour,mm\n").unwrap();
        assert_eq!(scenarios(None), ["haikui-2012"]);
        assert_eq!(scenarios(Some(&file)), ["drill", "haikui-2012"]);
        let mut problems = Vec::new();
        let (shown, text) = scenario_file(Some(&file), "drill", "rain.csv", &mut problems).unwrap();
        assert!(shown.ends_with("drill/rain.csv") && text == "hour,mm\n");
        assert!(scenario_file(Some(&file), "haikui-2012", "rain.csv", &mut problems).is_some());
        assert_eq!(problems, []);
        assert!(scenario_file(Some(&file), "drill", "track.csv", &mut problems).is_none());
        assert_eq!(problems.len(), 1);
    }
}

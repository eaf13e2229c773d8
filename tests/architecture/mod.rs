//! The house rules, held by reading manifests and sources: who may import
//! whom, which crate is used where, and what every file looks like.

mod sources;

use std::collections::BTreeSet;

use sources::{SourceFile, manifest, project_files, root};

/// Who may import whom (crate, the crates of ours it may name).
const MAY_IMPORT: [(&str, &[&str]); 7] = [
    ("model", &[]),
    ("codec", &["model"]),
    ("store", &["model"]),
    ("ingest", &["model", "codec", "store"]),
    ("analytics", &["model", "store"]),
    ("api", &["model", "codec", "store", "ingest", "analytics"]),
    ("simulators", &["model", "codec"]),
];

/// Libraries with a place of their own: (name in code, where it may be named).
const PLACES: [(&str, &[&str]); 9] = [
    ("rumqttc", &["ingest/", "simulators/", "tests/", "benches/"]),
    ("mqtt5", &["ingest/", "tests/", "benches/"]),
    ("rusqlite", &["store/", "tests/", "benches/"]),
    // The root's client asks the router in its own process.
    ("axum", &["api/", "src/client.rs", "src/system.rs"]),
    ("utoipa", &["api/"]),
    ("argon2", &["api/"]),
    ("polars", &["analytics/", "store/src/archive/parquet/"]),
    ("influxdb2", &["store/src/archive/influx/"]),
    ("anyhow", &["src/", "simulators/", "tests/", "benches/"]),
];

/// Calls with a place of their own.
const CALLS: [(&str, &[&str]); 6] = [
    ("Timestamp::now", &["model/src/clock.rs"]),
    ("SystemTime::now", &["model/src/clock.rs"]),
    ("unbounded_channel", &[]),
    ("should_panic", &[]),
    ("#[ignore", &[]),
    ("TODO", &[]),
];

const LINES_MAX: usize = 500;

/// Checks every source file but the rules themselves, and fails with all
/// findings at once.
#[track_caller]
fn check(finding: impl Fn(&SourceFile) -> Option<String>) {
    let files = project_files(&["rs"]);
    assert!(files.len() > 50, "only {} sources found in {}", files.len(), root().display());
    let is_rule = |file: &SourceFile| file.path.starts_with("tests/architecture/");
    let findings: Vec<String> = files.iter().filter(|f| !is_rule(f)).filter_map(finding).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn crates_import_only_what_the_design_allows() {
    let ours: BTreeSet<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    for (name, allowed) in MAY_IMPORT {
        let manifest = manifest(name);
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for dependency in manifest.get(section).and_then(|t| t.as_table()).into_iter().flatten()
            {
                let dependency = dependency.0.as_str();
                assert!(
                    !ours.contains(dependency) || allowed.contains(&dependency),
                    "{name} must not import {dependency}"
                );
                assert_ne!(dependency, "tidewatch", "{name} must not import the root");
            }
        }
    }
}

#[test]
fn every_crate_is_a_member_with_the_common_lints() {
    let workspace = manifest("");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let members: BTreeSet<&str> = members.iter().map(|member| member.as_str().unwrap()).collect();
    assert_eq!(members, MAY_IMPORT.iter().map(|(name, _)| *name).collect());
    for name in members.into_iter().chain([""]) {
        let lints = &manifest(name)["lints"]["workspace"];
        assert_eq!(lints.as_bool(), Some(true), "crate `{name}` has not the workspace's lints");
    }
}

#[test]
fn unsettled_libraries_are_pinned_exactly() {
    let dependencies = &manifest("")["workspace"]["dependencies"];
    for name in ["mqtt5", "polars"] {
        assert!(dependencies[name]["version"].as_str().unwrap().starts_with('='), "{name}");
    }
}

#[test]
fn libraries_stay_in_their_places() {
    check(|file| {
        let stray = PLACES.iter().find(|(library, places)| {
            file.names_crate(library) && !places.iter().any(|place| file.path.starts_with(place))
        });
        stray.map(|(library, places)| format!("{}: {library} only in {places:?}", file.path))
    });
}

#[test]
fn the_root_hands_a_router_on_and_knows_no_more_of_axum() {
    check(|file| {
        let is_known = |line: &str| line.contains("axum::body") || line.contains("axum::Router");
        let is_stray = file.path.starts_with("src/")
            && file.code().any(|line| line.contains("axum::") && !is_known(line));
        is_stray.then(|| format!("{}: only axum::body and axum::Router", file.path))
    });
}

#[test]
fn calls_stay_in_their_places() {
    check(|file| {
        let stray = CALLS.iter().find(|(call, places)| {
            file.code().any(|line| line.contains(call)) && !places.contains(&file.path.as_str())
        });
        stray.map(|(call, _)| format!("{}: {call}", file.path))
    });
}

#[test]
fn every_file_has_a_head_and_fits_a_reader() {
    check(|file| {
        let n_lines = file.text.lines().count();
        if !file.text.starts_with("//!") {
            Some(format!("{}: begins without a `//!` head", file.path))
        } else if n_lines > LINES_MAX {
            Some(format!("{}: {n_lines} lines, the limit is {LINES_MAX}", file.path))
        } else {
            None
        }
    });
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    let endings =
        ["rs", "toml", "sh", "md", "py", "ts", "js", "mjs", "svelte", "csv", "json", "yml"];
    let mut files = project_files(&endings);
    files.extend(project_files(&["Makefile"]));
    let own = |file: &SourceFile| file.path.starts_with("tests/architecture/");
    let findings: Vec<String> = files
        .iter()
        .filter(|file| !own(file))
        .flat_map(|file| {
            let paths = ["/work/", "/root/", "/home/", "/tmp/tw"];
            let found = paths.into_iter().find(|path| file.text.contains(path));
            found.map(|path| format!("{}: {path}", file.path))
        })
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn the_lock_file_of_the_page_names_no_registry() {
    let lock = std::fs::read_to_string(root().join("web/package-lock.json")).unwrap();
    assert!(!lock.contains("\"resolved\":"), "run npm with omit-lockfile-registry-resolved");
}

#[test]
fn scripts_stop_at_the_first_mistake() {
    for file in project_files(&["sh"]) {
        let is_strict = file.text.contains("set -euo pipefail")
            || file.text.contains("source \"$(dirname \"$0\")/common.sh\"");
        assert!(is_strict, "{} goes on after a mistake", file.path);
    }
}

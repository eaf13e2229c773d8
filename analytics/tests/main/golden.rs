//! The golden file: 1,000 scores of seeded inputs with their parts, reproduced
//! bit for bit.
//!
//! Each line has the bits of the score, of coverage and confidence, the level,
//! the bits of every contribution below the index, and a hash over the whole
//! tree. After an intended change of the arithmetic the test says where the
//! new file lies.

use std::fmt::Write;

use analytics::explain::Node;
use analytics::flood_typhoon::{self, FloodModel, FloodState};
use analytics::model_file::content_hash;
use analytics::seeded::township;
use analytics::township_safety::{self, SafetyModel, SafetyState};
use model::Time;

const GOLDEN: &str = include_str!("data/golden-scores.txt");
const N_TOWNSHIPS: u64 = 500;

fn bits(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{:016x}", value.to_bits()))
}

fn flatten(node: &Node, text: &mut String) {
    write!(text, "{} {} {} ", node.id, bits(node.score), bits(node.contribution)).unwrap();
    for part in &node.parts {
        flatten(part, text);
    }
}

fn line(index: &str, seed: u64, scores: [Option<f64>; 3], level: &str, tree: &Node) -> String {
    let parts: Vec<String> = tree
        .parts
        .iter()
        .flat_map(|part| std::iter::once(part).chain(&part.parts))
        .map(|part| bits(part.contribution))
        .collect();
    let mut whole = String::new();
    flatten(tree, &mut whole);
    let scores = scores.map(bits).join(" ");
    format!("{index} {seed} {scores} {level} {} {}\n", parts.join(","), &content_hash(&whole)[..16])
}

fn golden() -> String {
    let safety_model =
        SafetyModel::from_toml(include_str!("../../../config/models/township-safety.toml"))
            .unwrap();
    let flood_model =
        FloodModel::from_toml(include_str!("../../../config/models/flood-typhoon.toml")).unwrap();
    let at = |minute: i64| Time::from_millis_clamped(1_800_000_000_000 + minute * 60_000);
    let mut text = String::new();
    for seed in 0..N_TOWNSHIPS {
        let inputs = township(seed, &safety_model, &flood_model, at(0));
        let (_, safety) =
            township_safety::step(SafetyState::default(), &inputs.safety, &safety_model, at(0));
        let scores = [safety.score, Some(safety.coverage), Some(safety.confidence)];
        text += &line("A", seed, scores, &format!("{:?}", safety.level), &safety.explanation);

        // The second evaluation has holds to speak.
        let (state, _) =
            flood_typhoon::step(&FloodState::default(), &inputs.flood, &flood_model, at(0));
        let (_, flood) = flood_typhoon::step(&state, &inputs.flood, &flood_model, at(7));
        let flood = flood.score;
        let scores = [flood.score, Some(flood.coverage), Some(flood.confidence)];
        text += &line("B", seed, scores, &format!("{:?}", flood.level), &flood.explanation);
    }
    text
}

#[test]
fn a_thousand_scores_are_reproduced_bit_for_bit() {
    let found = golden();
    assert_eq!(found.lines().count(), 1_000);
    if found != GOLDEN {
        let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/golden-scores.txt");
        std::fs::write(path, &found).unwrap();
        let differing = found.lines().zip(GOLDEN.lines()).find(|(found, golden)| found != golden);
        panic!("scores differ, the new ones are in {path}; first difference: {differing:?}");
    }
}

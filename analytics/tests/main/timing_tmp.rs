use analytics::county_run::*;
use analytics::seeded::township;
#[test]
fn timing() {
    let sm = analytics::township_safety::SafetyModel::from_toml(include_str!(
        "../../../config/models/township-safety.toml"
    ))
    .unwrap();
    let fm = analytics::flood_typhoon::FloodModel::from_toml(include_str!(
        "../../../config/models/flood-typhoon.toml"
    ))
    .unwrap();
    let at = |m: i64| model::Time::from_millis_clamped(1_800_000_000_000 + m * 60_000);
    let inputs: Vec<_> = (0..18).map(|s| township(s, &sm, &fm, at(0))).collect();
    let mut states = vec![TownshipState::default(); 18];
    let start = std::time::Instant::now();
    for m in 0..200 {
        std::hint::black_box(score_county(&mut states, &inputs, &sm, &fm, at(m)));
    }
    eprintln!("TIMING per county {:?}", start.elapsed() / 200);
}

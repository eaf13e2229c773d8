//! Made-up scores and documents, in the form in which real ones are stored.

use std::time::Duration;

use analytics::encode_score;
use analytics::record::{Feature, IndexId, ScoreRecord};

use model::{Area, Document, DocumentId, Level, Signal, SignalKind, Time, TownshipCode};
use store::ScoreRow;

use super::series::hash;

/// One score of each index for each township and the county.
pub(crate) fn scores_at(seed: u64, at: Time, townships: &[TownshipCode]) -> Vec<ScoreRow> {
    let features = townships.iter().map(|code| Feature::Township(*code)).chain([Feature::County]);
    let mut rows = Vec::new();
    for (place, feature) in features.enumerate() {
        for (number, index) in IndexId::ALL.into_iter().enumerate() {
            let key = (place * IndexId::ALL.len() + number) as u64;
            rows.push(score(hash(seed, key, at.millis()), index, feature, at));
        }
    }
    rows
}

fn score(noise: u64, index: IndexId, feature: Feature, at: Time) -> ScoreRow {
    let tenths = u16::try_from(noise % 1_000).expect("below a thousand");
    let value = f64::from(tenths) / 10.0;
    let level = match (index, tenths) {
        (IndexId::TownshipSafety, 900..) => Level::Blue,
        (IndexId::TownshipSafety, _) => Level::Yellow,
        (_, 900..) => Level::Red,
        (_, 750..) => Level::Orange,
        (_, 600..) => Level::Yellow,
        (_, 400..) => Level::Blue,
        _ => Level::None,
    };
    let record = ScoreRecord {
        index,
        feature,
        time: at,
        score: Some(value),
        level: Some(level),
        grey: false,
        provisional: false,
        coverage: 0.9,
        confidence: 0.8,
        flood: None,
        missing: Vec::new(),
        caps: Vec::new(),
        sentence: ["造出的数据".to_owned(), "made-up data".to_owned()],
        explanation: None,
    };
    ScoreRow {
        index: index.as_str().to_owned(),
        feature: match feature {
            Feature::Township(code) => code.to_string(),
            Feature::County => "county".to_owned(),
        },
        at,
        score: record.score,
        level: record.level,
        grey: record.grey,
        provisional: record.provisional,
        coverage: record.coverage,
        confidence: record.confidence,
        body: encode_score(&record),
    }
}

/// The `number`th signal, issued at `at` for six hours.
pub(crate) fn signal(seed: u64, number: u32, at: Time) -> Document {
    let noise = hash(seed, u64::from(number), at.millis());
    let pick = |n: usize| usize::try_from(noise % n as u64).expect("a place in a short list");
    let levels = [Level::Blue, Level::Yellow, Level::Orange, Level::Red];
    Document::Signal(Signal {
        id: DocumentId::parse(&format!("bench-{number}")).expect("letters, digits and a dash"),
        kind: SignalKind::ALL[pick(SignalKind::ALL.len())],
        level: levels[pick(levels.len())],
        area: Area::County,
        issuer: "bench-data".to_owned(),
        issued: at,
        valid_from: at,
        valid_until: at + Duration::from_secs(6 * 3_600),
        cancelled: None,
        note: None,
    })
}

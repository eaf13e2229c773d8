//! Values as compressed JSON, as the journal keeps them: floats come back with
//! the same bits, and equal values make equal bytes.

use std::io::Read;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::ScoreRecord;

const ZSTD_LEVEL: i32 = 1;

/// What a township's score takes, about.
const BYTES_FIRST: usize = 16 << 10;

/// What is unpacked at most: a county's alarms take a few megabytes.
const BYTES_MAX: u64 = 256 << 20;

/// Bytes that are not what was packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("the body is not zstd: {0}")]
    Zstd(#[source] std::io::Error),
    #[error("the body is not the JSON that was stored: {0}")]
    Json(#[source] serde_json::Error),
}

pub(crate) fn pack<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut json = Vec::with_capacity(BYTES_FIRST);
    serde_json::to_writer(&mut json, value).expect("our values have text keys and finite numbers");
    zstd::bulk::compress(&json, ZSTD_LEVEL).expect("memory takes what is compressed")
}

pub(crate) fn unpack<T: DeserializeOwned>(body: &[u8]) -> Result<T, PackError> {
    let decoder = zstd::stream::read::Decoder::new(body).map_err(PackError::Zstd)?;
    let mut json = Vec::new();
    decoder.take(BYTES_MAX).read_to_end(&mut json).map_err(PackError::Zstd)?;
    serde_json::from_slice(&json).map_err(PackError::Json)
}

/// The body of a stored score.
pub fn encode_score(score: &ScoreRecord) -> Vec<u8> {
    pack(score)
}

/// A score from the body that [`encode_score`] made.
pub fn decode_score(body: &[u8]) -> Result<ScoreRecord, PackError> {
    unpack(body)
}

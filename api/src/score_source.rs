//! Where scores come from, as the API sees it: a stream of ticks and a way to
//! ask for any instant. One conversion (`wire/score.rs`) fills it from the
//! runner.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use model::{Level, Time, TownshipCode};
use store::StoreError;

use crate::wire::Score;

/// The scores of one evaluation instant, ready for the wire.
#[derive(Debug, Clone)]
pub struct ScoreTick {
    pub at: Time,
    /// The last commit that the tick saw.
    pub commit: u64,
    pub scores: Vec<(TownshipCode, Arc<Score>)>,
}

pub type ScoreAt =
    Arc<dyn Fn(Time) -> BoxFuture<'static, Result<ScoreTick, StoreError>> + Send + Sync>;

pub struct ScoreSource {
    /// Each tick; a listener that was slow gets the newest one.
    pub ticks: BoxStream<'static, ScoreTick>,
    pub at: ScoreAt,
    /// Such as `hazard@1`.
    pub model: String,
    pub model_hash: String,
    /// From which score on each level holds.
    pub levels: Vec<(Level, f64)>,
}

impl fmt::Debug for ScoreSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoreSource").field("model", &self.model).finish_non_exhaustive()
    }
}

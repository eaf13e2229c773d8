//! Levels of danger and the thresholds that separate them.

use serde::{Deserialize, Serialize};

/// The danger scale of alarms, signals, responses and Index B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    None,
    Blue,
    Yellow,
    Orange,
    Red,
}

impl Level {
    pub const COLOURED: [Level; 4] = [Level::Blue, Level::Yellow, Level::Orange, Level::Red];
}

/// One value per coloured level; a level without one is never reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    pub blue: Option<f64>,
    pub yellow: Option<f64>,
    pub orange: Option<f64>,
    pub red: Option<f64>,
}

impl Thresholds {
    pub fn at(&self, level: Level) -> Option<f64> {
        match level {
            Level::None => None,
            Level::Blue => self.blue,
            Level::Yellow => self.yellow,
            Level::Orange => self.orange,
            Level::Red => self.red,
        }
    }

    /// The configured values, mildest level first.
    pub fn configured(&self) -> impl Iterator<Item = (Level, f64)> + '_ {
        Level::COLOURED.into_iter().filter_map(|level| Some((level, self.at(level)?)))
    }
}

//! A township: the feature of interest that is scored.

use serde::{Deserialize, Serialize};

use crate::{LocalizedName, Position, TownshipCode};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Township {
    pub code: TownshipCode,
    pub name: LocalizedName,
    pub seat: Position,
    /// Is it on the coast? Decides whether the tide concerns it.
    pub coastal: bool,
    /// Villages and committees, where published.
    pub villages: Option<u32>,
}

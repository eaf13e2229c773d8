//! How a quantity of the hazard groups is read from a station's samples and
//! scored (docs/indices.md 4.1, 4.2).

mod spec;
mod station;

pub use spec::{GroupSpec, KnotSource, QuantitySpec, Statistic, group_problems, read_groups};
pub use station::{StationReading, read_samples};

//! Latest values in columns of equal length.

use model::Time;
use serde::Serialize;
use utoipa::ToSchema;

/// The newest observation (by event time) of each datastream. Position `i` of
/// every column is the same datastream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatestColumns {
    /// The picture holds at least everything up to this commit.
    #[schema(example = 88_231)]
    pub(crate) commit: u64,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) as_of: Time,
    pub(crate) datastream: Vec<String>,
    /// Event time.
    #[schema(value_type = Vec<String>)]
    pub(crate) time: Vec<Time>,
    /// In the unit of the datastream.
    pub(crate) value: Vec<f64>,
    /// QARTOD flags: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing.
    pub(crate) quality: Vec<u8>,
    #[schema(value_type = Vec<String>)]
    pub(crate) received: Vec<Time>,
    /// Since when the value has been the same.
    #[schema(value_type = Vec<String>)]
    pub(crate) unchanged_since: Vec<Time>,
}

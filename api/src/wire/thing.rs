//! Things over the wire.

use model::{DatastreamSpec, Thing, Thresholds};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LocalizedText;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Thing)]
pub(crate) struct ThingView {
    #[schema(example = "hm-001", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    pub(crate) id: String,
    #[schema(example = "hydromet_station")]
    pub(crate) kind: &'static str,
    pub(crate) name: LocalizedText,
    /// 9-digit statistical division code; `null` only for gateways.
    #[schema(example = "330225101")]
    pub(crate) township: Option<String>,
    /// `[longitude, latitude]` in degrees, WGS 84.
    #[schema(example = json!([121.95, 29.21]))]
    pub(crate) position: Option<[f64; 2]>,
    #[schema(example = "in_service")]
    pub(crate) state: &'static str,
    /// Townships whose index the water gauges of this thing serve besides its own.
    pub(crate) serves: Vec<String>,
    /// The datastream that a `raw` payload belongs to.
    pub(crate) raw_property: Option<String>,
    pub(crate) datastreams: Vec<DatastreamView>,
    /// Grows by one with every change; its ETag is `"r{revision}"`.
    #[schema(example = 7)]
    pub(crate) revision: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ThingDatastream)]
pub(crate) struct DatastreamView {
    #[schema(example = "hm-001/wind_speed")]
    pub(crate) id: String,
    #[schema(example = "wind_speed")]
    pub(crate) property: String,
    pub(crate) channel: Option<String>,
    pub(crate) levels: Option<Levels>,
    /// The height datum of levels and readings.
    #[schema(example = "1985国家高程基准")]
    pub(crate) datum: Option<String>,
}

/// The values at which the levels of a station begin, in the property's unit;
/// a level without a value is never reached.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Levels {
    #[serde(default)]
    pub(crate) blue: Option<f64>,
    #[serde(default)]
    pub(crate) yellow: Option<f64>,
    #[serde(default)]
    pub(crate) orange: Option<f64>,
    #[serde(default)]
    pub(crate) red: Option<f64>,
}

impl From<Thresholds> for Levels {
    fn from(levels: Thresholds) -> Levels {
        let Thresholds { blue, yellow, orange, red } = levels;
        Levels { blue, yellow, orange, red }
    }
}

impl From<Levels> for Thresholds {
    fn from(levels: Levels) -> Thresholds {
        let Levels { blue, yellow, orange, red } = levels;
        Thresholds { blue, yellow, orange, red }
    }
}

impl ThingView {
    pub(crate) fn new(thing: &Thing, revision: u64) -> ThingView {
        ThingView {
            id: thing.id.to_string(),
            kind: thing.kind.as_str(),
            name: (&thing.name).into(),
            township: thing.township.map(|code| code.to_string()),
            position: thing.position.map(|place| [place.longitude(), place.latitude()]),
            state: thing.state.as_str(),
            serves: thing.serves.iter().map(ToString::to_string).collect(),
            raw_property: thing.raw_property.as_ref().map(ToString::to_string),
            datastreams: thing.datastreams.iter().map(|spec| view(thing, spec)).collect(),
            revision,
        }
    }
}

fn view(thing: &Thing, spec: &DatastreamSpec) -> DatastreamView {
    DatastreamView {
        id: spec.id(&thing.id).to_string(),
        property: spec.property.to_string(),
        channel: spec.channel.as_ref().map(ToString::to_string),
        levels: spec.levels.map(Levels::from),
        datum: spec.datum.clone(),
    }
}

/// A thing as it is registered. What `GET` gives can be sent back: `revision`
/// and the datastreams' `id` are accepted and not looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThingInput {
    #[schema(example = "hm-001", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    pub(crate) id: String,
    #[schema(example = "hydromet_station")]
    pub(crate) kind: String,
    pub(crate) name: LocalizedText,
    /// 9-digit statistical division code; left out only for gateways.
    #[serde(default)]
    #[schema(example = "330225101")]
    pub(crate) township: Option<String>,
    /// `[longitude, latitude]` in degrees, WGS 84.
    #[serde(default)]
    #[schema(example = json!([121.95, 29.21]))]
    pub(crate) position: Option<[f64; 2]>,
    #[schema(example = "in_service")]
    pub(crate) state: String,
    #[serde(default)]
    #[schema(max_items = 64)]
    pub(crate) serves: Vec<String>,
    #[serde(default)]
    pub(crate) raw_property: Option<String>,
    #[serde(default)]
    #[schema(max_items = 200)]
    pub(crate) datastreams: Vec<DatastreamInput>,
    #[serde(default, rename = "revision")]
    pub(crate) _revision: Option<u64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatastreamInput {
    #[serde(default, rename = "id")]
    pub(crate) _id: Option<String>,
    #[schema(example = "wind_speed")]
    pub(crate) property: String,
    #[serde(default)]
    pub(crate) channel: Option<String>,
    #[serde(default)]
    pub(crate) levels: Option<Levels>,
    #[serde(default)]
    #[schema(max_length = 200)]
    pub(crate) datum: Option<String>,
}

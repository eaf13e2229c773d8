//! `/properties`: the catalogue; the page needs names and units.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::ObservedProperty;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::{Levels, LocalizedText, Page};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Property)]
pub(crate) struct PropertyView {
    #[schema(example = "wind_speed")]
    id: String,
    name: LocalizedText,
    /// UCUM.
    #[schema(example = "m/s")]
    unit: &'static str,
    /// Kinds of things that have it.
    kinds: Vec<&'static str>,
    /// Expected period in seconds; `null` for events.
    #[schema(example = 600)]
    period_s: Option<f64>,
    limits: Option<LimitsView>,
    /// Computed by the program, never reported.
    computed: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
struct LimitsView {
    high: Option<Levels>,
    low: Option<Levels>,
    /// They hold for the absolute value.
    absolute: bool,
    /// The levels are set at each thing.
    per_thing: bool,
}

/// All observed properties, in the order of the catalogue
#[utoipa::path(get, path = "/api/v1/properties", operation_id = "list_properties",
    tag = "datastreams",
    responses((status = 200, description = "The catalogue", body = Page<PropertyView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let items = state.catalogue.iter().map(view).collect();
    Page::whole(items).respond(&headers, "/api/v1/properties")
}

fn view(property: &ObservedProperty) -> PropertyView {
    let spec = &property.spec;
    PropertyView {
        id: property.id.to_string(),
        name: (&spec.name).into(),
        unit: spec.unit.ucum(),
        kinds: spec.kinds.iter().map(|kind| kind.as_str()).collect(),
        period_s: spec.period.map(|period| period.as_secs_f64()),
        limits: spec.limits.map(|limits| LimitsView {
            high: limits.high.map(Levels::from),
            low: limits.low.map(Levels::from),
            absolute: limits.absolute,
            per_thing: limits.per_thing,
        }),
        computed: property.is_computed(),
    }
}

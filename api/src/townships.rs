//! `/townships`: what is scored.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Township;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::etag;
use crate::extract::{ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::negotiate;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::{LocalizedText, Page};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Township)]
pub(crate) struct TownshipView {
    #[schema(example = "330225101")]
    code: String,
    name: LocalizedText,
    /// `[longitude, latitude]` of the seat, WGS 84.
    #[schema(example = json!([121.9274, 29.2065]))]
    seat: [f64; 2],
    coastal: bool,
    villages: Option<u32>,
}

impl From<&Township> for TownshipView {
    fn from(township: &Township) -> TownshipView {
        TownshipView {
            code: township.code.to_string(),
            name: (&township.name).into(),
            seat: [township.seat.longitude(), township.seat.latitude()],
            coastal: township.coastal,
            villages: township.villages,
        }
    }
}

const JSON: &str = "application/json";
const GEO_JSON: &str = "application/geo+json";

/// All townships
///
/// With `Accept: application/geo+json` their outlines, which are illustrative
/// (`"boundary":"illustrative"`) and no administrative boundaries.
#[utoipa::path(get, path = "/api/v1/townships", operation_id = "list_townships", tag = "indices",
    responses((status = 200, description = "Townships, or a FeatureCollection of outlines",
        content((Page<TownshipView> = "application/json"),
            (serde_json::Value = "application/geo+json")))))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    if negotiate::choose(&headers, &[JSON, GEO_JSON])? == GEO_JSON {
        let collection = state.county.feature_collection(properties);
        return Ok(etag::respond_bytes(
            &headers,
            collection.to_string().into_bytes(),
            GEO_JSON,
            None,
        ));
    }
    let items = state.county.townships.iter().map(TownshipView::from).collect();
    Page::whole(items).respond(&headers, "/api/v1/townships")
}

fn properties(township: &Township) -> Map<String, Value> {
    let view = serde_json::to_value(TownshipView::from(township));
    let Ok(Value::Object(mut properties)) = view else { return Map::new() };
    properties.insert("boundary".to_owned(), Value::from("illustrative"));
    properties
}

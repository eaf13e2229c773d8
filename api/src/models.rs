//! `/indices/{index}/models`: the versions of a model that are known here.

use analytics::model_file::ModelHead;
use analytics::record::IndexId;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::Time;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::indices::find_index;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::Page;

/// One version of a model file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelVersion {
    #[schema(example = "flood-typhoon")]
    id: String,
    #[schema(example = 1)]
    version: u32,
    /// SHA-256 of the file's text.
    hash: String,
    #[schema(value_type = String, format = DateTime)]
    valid_from: Time,
    author: String,
    /// What changed.
    note: String,
    /// Scores are computed by it now.
    running: bool,
}

/// Versions of an index's model
///
/// The running one.
#[utoipa::path(get, path = "/api/v1/indices/{index}/models", operation_id = "list_models",
    tag = "indices",
    params(("index" = String, Path, description = "Index id, as `flood-typhoon`")),
    responses((status = 200, description = "Model versions", body = Page<ModelVersion>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiPath(index): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let models = state.runner.models();
    let head: &ModelHead = match find_index(&index)? {
        IndexId::TownshipSafety => &models.safety.head,
        IndexId::FloodTyphoon | IndexId::Hazard => &models.flood.head,
    };
    let running = ModelVersion {
        id: head.id.clone(),
        version: head.version,
        hash: head.hash.clone(),
        valid_from: head.valid_from,
        author: head.author.clone(),
        note: head.note.clone(),
        running: true,
    };
    Page::whole(vec![running]).respond(&headers, &uri.to_string())
}

//! `/responses`: declared emergency responses 应急响应; blue is Ⅳ, red is Ⅰ.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::{Document, DocumentId, DocumentKind, Time};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::checks::Checks;
use super::resource::{self, AreaView, PageQuery, Resource, Stored, Version};
use crate::cursor::Query;
use crate::extract::{ApiJson, ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::level_name;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Response)]
pub(crate) struct ResponseView {
    #[schema(example = "rs-2012-0807-1")]
    id: String,
    /// `blue` is Ⅳ, `yellow` Ⅲ, `orange` Ⅱ, `red` Ⅰ.
    #[schema(example = "orange")]
    level: &'static str,
    area: AreaView,
    #[schema(example = "象山县防汛防台指挥部")]
    issuer: String,
    #[schema(value_type = String, format = DateTime)]
    issued: Time,
    #[schema(value_type = String, format = DateTime)]
    valid_from: Time,
    /// Open until it is cancelled when `null`.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    cancelled: Option<Time>,
    note: Option<String>,
    /// Grows by one with every version; the ETag is `"r{revision}"`.
    revision: u64,
    stored: Stored,
}

/// A response as it is declared. What `GET` gives can be sent back: `revision`
/// and `stored` are accepted and not looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResponseInput {
    /// Made here when it is left out.
    #[serde(default)]
    #[schema(example = "rs-2012-0807-1", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    id: Option<String>,
    #[serde(default)]
    #[schema(required = true, example = "orange")]
    level: Option<String>,
    #[serde(default)]
    #[schema(required = true, value_type = AreaView)]
    area: Option<Value>,
    #[serde(default)]
    #[schema(required = true, max_length = 200)]
    issuer: Option<String>,
    #[serde(default)]
    #[schema(required = true, value_type = String, format = DateTime)]
    issued: Option<Time>,
    /// Default: `issued`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_from: Option<Time>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Time>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    cancelled: Option<Time>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    note: Option<String>,
    #[serde(default, rename = "revision")]
    #[schema(value_type = Option<u64>)]
    _revision: Option<IgnoredAny>,
    #[serde(default, rename = "stored")]
    #[schema(value_type = Option<Stored>)]
    _stored: Option<IgnoredAny>,
}

impl ResponseInput {
    fn check(self, state: &AppState) -> Result<model::Response, ApiError> {
        let mut checks = Checks::default();
        let id = checks.id(self.id.as_deref(), model::Response::PREFIX);
        let level = checks.level(self.level.as_deref());
        let area = checks.area(self.area.as_ref(), &state.county);
        let issuer = checks.name("#/issuer", self.issuer);
        let issued = checks.issued(self.issued, state.clock.scene());
        let valid_from = self.valid_from.or(issued);
        checks.ends_after("#/valid_until", valid_from, self.valid_until);
        checks.cancelled(issued, self.cancelled);
        let note = checks.note(self.note);
        let made = || {
            Some(model::Response {
                id: id?,
                level: level?,
                area: area?,
                issuer: issuer?,
                issued: issued?,
                valid_from: valid_from?,
                valid_until: self.valid_until,
                cancelled: self.cancelled,
                note,
            })
        };
        let made = made();
        checks.finish(made)
    }
}

impl Resource for model::Response {
    type View = ResponseView;

    const KIND: DocumentKind = DocumentKind::Response;
    const PREFIX: &'static str = "rs";

    fn from_document(document: Document) -> Option<model::Response> {
        match document {
            Document::Response(response) => Some(response),
            _ => None,
        }
    }

    fn into_document(self) -> Document {
        Document::Response(self)
    }

    fn id(&self) -> &DocumentId {
        &self.id
    }

    fn location(&self) -> String {
        format!("/api/v1/responses/{}", self.id)
    }

    fn view(&self, revision: u64, stored: Stored) -> ResponseView {
        ResponseView {
            id: self.id.to_string(),
            level: level_name(self.level),
            area: (&self.area).into(),
            issuer: self.issuer.clone(),
            issued: self.issued,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            cancelled: self.cancelled,
            note: self.note.clone(),
            revision,
            stored,
        }
    }
}

/// Emergency responses, the last stored first
#[utoipa::path(get, path = "/api/v1/responses", operation_id = "list_responses",
    tag = "documents", params(PageQuery),
    responses((status = 200, description = "Responses",
        body = crate::wire::Page<ResponseView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, ApiError> {
    let bound = Query::new("list_responses", &[]);
    resource::list::<model::Response>(&state, &headers, &uri, &query, &bound, |_| true).await
}

/// An emergency response
#[utoipa::path(get, path = "/api/v1/responses/{id}", operation_id = "get_response",
    tag = "documents", params(("id" = String, Path, description = "Id of the response")),
    responses((status = 200, description = "Its newest version; the ETag is its revision",
        body = ResponseView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    resource::read::<model::Response>(&headers, &resource::find(&state, &id).await?).await
}

/// Declare an emergency response
#[utoipa::path(post, path = "/api/v1/responses", operation_id = "create_response",
    tag = "documents", request_body = ResponseInput,
    responses((status = 201, description = "Stored", body = ResponseView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<ResponseInput>,
) -> Result<Response, ApiError> {
    let response = input.check(&state)?;
    resource::create(&state, &caller, response).await
}

/// End, cancel or correct an emergency response
///
/// Stores a new version; the older ones stay.
#[utoipa::path(put, path = "/api/v1/responses/{id}", operation_id = "put_response",
    tag = "documents", params(("id" = String, Path, description = "Id of the response"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that is replaced")),
    request_body = ResponseInput,
    responses((status = 200, description = "Stored", body = ResponseView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    ApiJson(mut input): ApiJson<ResponseInput>,
) -> Result<Response, ApiError> {
    let present: Version<model::Response> = resource::find(&state, &id).await?;
    resource::same_id(input.id.as_deref(), &id)?;
    input.id = Some(id);
    let response = input.check(&state)?;
    resource::replace(&state, &caller, &headers, &present, response).await
}

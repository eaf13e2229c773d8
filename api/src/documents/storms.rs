//! `/storms`: tropical cyclones; their positions come in bulletins.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::{Document, DocumentId, DocumentKind, LocalizedName, Storm, Time};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checks::Checks;
use super::resource::{self, PageQuery, Resource, Stored, Version};
use crate::cursor::Query;
use crate::extract::{ApiJson, ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::problem::{ApiError, Check};
use crate::state::AppState;
use crate::wire::LocalizedText;

const NUMBER_MAX: usize = 20;

/// Bounds of the factor that scales the local wind model.
pub(super) const FACTOR: (f64, f64) = (0.1, 5.0);

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Storm)]
pub(crate) struct StormView {
    #[schema(example = "haikui-2012")]
    id: String,
    name: LocalizedText,
    /// As the agencies number it.
    #[schema(example = "1211")]
    number: Option<String>,
    /// Scales the local wind model to the intensity at landfall.
    #[schema(example = 1.0)]
    intensity_factor: f64,
    /// When an operator ended it.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended: Option<Time>,
    /// Grows by one with every version; the ETag is `"r{revision}"`.
    revision: u64,
    stored: Stored,
}

/// A storm as it is recorded. What `GET` gives can be sent back: `revision`
/// and `stored` are accepted and not looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StormInput {
    /// Made here when it is left out.
    #[serde(default)]
    #[schema(example = "haikui-2012", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    id: Option<String>,
    #[serde(default)]
    #[schema(required = true, value_type = LocalizedText)]
    name: Option<LocalizedText>,
    #[serde(default)]
    #[schema(max_length = 20)]
    number: Option<String>,
    /// Default: 1.
    #[serde(default)]
    #[schema(minimum = 0.1, maximum = 5)]
    intensity_factor: Option<f64>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended: Option<Time>,
    #[serde(default, rename = "revision")]
    #[schema(value_type = Option<u64>)]
    _revision: Option<IgnoredAny>,
    #[serde(default, rename = "stored")]
    #[schema(value_type = Option<Stored>)]
    _stored: Option<IgnoredAny>,
}

impl StormInput {
    fn check(self) -> Result<Storm, ApiError> {
        let mut checks = Checks::default();
        let id = checks.id(self.id.as_deref(), Storm::PREFIX);
        let name = checks.required("#/name", self.name);
        let name = name.and_then(|name| {
            let (zh, en) = (Some(name.zh), Some(name.en));
            let (zh, en) = (checks.name("#/name/zh", zh), checks.name("#/name/en", en));
            Some(LocalizedName { zh: zh?, en: en? })
        });
        if self.number.as_ref().is_some_and(|number| number.chars().count() > NUMBER_MAX) {
            checks.refuse("#/number", Check::TooLong { max: NUMBER_MAX });
        }
        let intensity_factor = self.intensity_factor.unwrap_or(1.0);
        let pointer = "#/intensity_factor".to_owned();
        checks.within(pointer, intensity_factor, FACTOR.0, FACTOR.1);
        let made = || {
            let (number, ended) = (self.number, self.ended);
            Some(Storm { id: id?, name: name?, number, intensity_factor, ended })
        };
        let made = made();
        checks.finish(made)
    }
}

impl Resource for Storm {
    type View = StormView;

    const KIND: DocumentKind = DocumentKind::Storm;
    const PREFIX: &'static str = "st";

    fn from_document(document: Document) -> Option<Storm> {
        match document {
            Document::Storm(storm) => Some(storm),
            _ => None,
        }
    }

    fn into_document(self) -> Document {
        Document::Storm(self)
    }

    fn id(&self) -> &DocumentId {
        &self.id
    }

    fn location(&self) -> String {
        format!("/api/v1/storms/{}", self.id)
    }

    fn view(&self, revision: u64, stored: Stored) -> StormView {
        StormView {
            id: self.id.to_string(),
            name: (&self.name).into(),
            number: self.number.clone(),
            intensity_factor: self.intensity_factor,
            ended: self.ended,
            revision,
            stored,
        }
    }
}

/// Storms, the last stored first
#[utoipa::path(get, path = "/api/v1/storms", operation_id = "list_storms", tag = "documents",
    params(PageQuery),
    responses((status = 200, description = "Storms", body = crate::wire::Page<StormView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, ApiError> {
    let bound = Query::new("list_storms", &[]);
    resource::list::<Storm>(&state, &headers, &uri, &query, &bound, |_| true).await
}

/// A storm
#[utoipa::path(get, path = "/api/v1/storms/{id}", operation_id = "get_storm",
    tag = "documents", params(("id" = String, Path, description = "Id of the storm")),
    responses((status = 200, description = "Its newest version; the ETag is its revision",
        body = StormView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    resource::read::<Storm>(&headers, &resource::find(&state, &id).await?).await
}

/// Record a storm
#[utoipa::path(post, path = "/api/v1/storms", operation_id = "create_storm",
    tag = "documents", request_body = StormInput,
    responses((status = 201, description = "Stored", body = StormView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<StormInput>,
) -> Result<Response, ApiError> {
    let storm = input.check()?;
    resource::create(&state, &caller, storm).await
}

/// End or correct a storm
///
/// Stores a new version; the older ones stay. A storm that has `ended` is no
/// longer active.
#[utoipa::path(put, path = "/api/v1/storms/{id}", operation_id = "put_storm",
    tag = "documents", params(("id" = String, Path, description = "Id of the storm"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that is replaced")),
    request_body = StormInput,
    responses((status = 200, description = "Stored", body = StormView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    ApiJson(mut input): ApiJson<StormInput>,
) -> Result<Response, ApiError> {
    let present: Version<Storm> = resource::find(&state, &id).await?;
    resource::same_id(input.id.as_deref(), &id)?;
    input.id = Some(id);
    let storm = input.check()?;
    resource::replace(&state, &caller, &headers, &present, storm).await
}

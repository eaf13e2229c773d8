//! `/silences`: alerts about which somebody asked not to be told.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use model::{Document, DocumentId, DocumentKind, PropertyId, Silence, ThingId, Time, TownshipCode};
use serde::{Deserialize, Serialize};
use store::Expected;
use utoipa::ToSchema;

use crate::cursor::Query;
use crate::documents::checks::{Checks, new_id};
use crate::documents::resource::{self, PageQuery, Resource, Stored, Version};
use crate::extract::{ApiJson, ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::problem::{ApiError, Check};
use crate::state::AppState;
use crate::wire::Page;

/// A silence that is forgotten ends by itself.
const UNTIL_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Alerts that match all that is set are not sent to anybody; they are still
/// shown. Those of class `life` are sent all the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Silence)]
pub(crate) struct SilenceView {
    #[schema(example = "si-1")]
    id: String,
    #[schema(example = "hm-001")]
    thing: Option<String>,
    #[schema(example = "330225101")]
    township: Option<String>,
    #[schema(example = "tide_level")]
    property: Option<String>,
    reason: String,
    #[schema(example = "wang")]
    by: String,
    #[schema(value_type = String, format = DateTime)]
    from: Time,
    #[schema(value_type = String, format = DateTime)]
    until: Time,
    /// Ended before its time.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended: Option<Time>,
    revision: u64,
    stored: Stored,
}

/// At least one of `thing`, `township` and `property` is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceInput {
    #[serde(default)]
    #[schema(example = "hm-001")]
    thing: Option<String>,
    #[serde(default)]
    #[schema(example = "330225101")]
    township: Option<String>,
    #[serde(default)]
    #[schema(example = "tide_level")]
    property: Option<String>,
    #[serde(default)]
    #[schema(required = true, max_length = 2000)]
    reason: Option<String>,
    /// At most 7 days from now.
    #[serde(default)]
    #[schema(required = true, value_type = String, format = DateTime)]
    until: Option<Time>,
}

impl SilenceInput {
    fn check(self, state: &AppState, caller: &Caller) -> Result<Silence, ApiError> {
        let mut checks = Checks::default();
        let now = state.clock.scene();
        if self.thing.is_none() && self.township.is_none() && self.property.is_none() {
            checks.refuse("#", Check::SilenceAll);
        }
        let directory = state.store.directory();
        let thing = self.thing.as_deref().map(ThingId::parse).transpose();
        if let Some(text) = self.thing.as_deref()
            && !matches!(&thing, Ok(Some(id)) if directory.things.contains_key(id))
        {
            checks.refuse("#/thing", Check::NotRegistered(shown(text)));
        }
        let township = self.township.as_deref().map(TownshipCode::parse).transpose();
        if let Some(text) = self.township.as_deref()
            && !matches!(township, Ok(Some(code)) if state.county.township(code).is_some())
        {
            checks.refuse("#/township", Check::NoTownship(shown(text)));
        }
        let property = self.property.as_deref().map(PropertyId::parse).transpose();
        if let Some(text) = self.property.as_deref()
            && !matches!(&property, Ok(Some(id)) if state.catalogue.find(id).is_some())
        {
            checks.refuse("#/property", Check::NotRegistered(shown(text)));
        }
        let reason = checks.reason("#/reason", self.reason);
        let until = checks.until(self.until, now, UNTIL_MAX);
        let made = || {
            Some(Silence {
                id: new_id(Silence::PREFIX),
                thing: thing.ok()?,
                township: township.ok()?,
                property: property.ok()?,
                reason: reason?,
                by: caller.identity.actor(),
                from: now,
                until: until?,
                ended: None,
            })
        };
        let made = made();
        checks.finish(made)
    }
}

fn shown(text: &str) -> String {
    text.escape_debug().take(80).collect()
}

impl Resource for Silence {
    type View = SilenceView;

    const KIND: DocumentKind = DocumentKind::Silence;
    const PREFIX: &'static str = "si";

    fn from_document(document: Document) -> Option<Silence> {
        match document {
            Document::Silence(silence) => Some(silence),
            _ => None,
        }
    }

    fn into_document(self) -> Document {
        Document::Silence(self)
    }

    fn id(&self) -> &DocumentId {
        &self.id
    }

    fn location(&self) -> String {
        format!("/api/v1/silences/{}", self.id)
    }

    fn view(&self, revision: u64, stored: Stored) -> SilenceView {
        SilenceView {
            id: self.id.to_string(),
            thing: self.thing.as_ref().map(ToString::to_string),
            township: self.township.map(|code| code.to_string()),
            property: self.property.as_ref().map(ToString::to_string),
            reason: self.reason.clone(),
            by: self.by.clone(),
            from: self.from,
            until: self.until,
            ended: self.ended,
            revision,
            stored,
        }
    }
}

/// Silences, the last stored first
#[utoipa::path(get, path = "/api/v1/silences", operation_id = "list_silences", tag = "alerts",
    params(PageQuery),
    responses((status = 200, description = "Silences, those that are over too",
        body = Page<SilenceView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, ApiError> {
    let bound = Query::new("list_silences", &[]);
    resource::list::<Silence>(&state, &headers, &uri, &query, &bound, |_| true).await
}

/// Silence alerts from now on
#[utoipa::path(post, path = "/api/v1/silences", operation_id = "create_silence", tag = "alerts",
    request_body = SilenceInput,
    responses((status = 201, description = "Stored", body = SilenceView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<SilenceInput>,
) -> Result<Response, ApiError> {
    let silence = input.check(&state, &caller)?;
    resource::create(&state, &caller, silence).await
}

/// End a silence now
#[utoipa::path(delete, path = "/api/v1/silences/{id}", operation_id = "end_silence",
    tag = "alerts", params(("id" = String, Path, description = "Id of the silence")),
    responses((status = 204, description = "Ended; also when it was over already")))]
pub(crate) async fn end(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<StatusCode, ApiError> {
    let present: Version<Silence> = resource::find(&state, &id).await?;
    let now = state.clock.scene();
    if present.document.is_in_force(now) {
        let ended = Silence { ended: Some(now), ..present.document };
        resource::put(&state, &caller, &ended, Expected::Revision(present.revision)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

//! `/signals`: official warning signals 预警信号, as their issuer declared them.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::{Document, DocumentId, DocumentKind, Signal, SignalKind, Time};
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
#[schema(as = Signal)]
pub(crate) struct SignalView {
    #[schema(example = "sg-2012-0807-1")]
    id: String,
    /// `typhoon`, `gale`, `rainstorm`, `tide` or `geological`.
    #[schema(example = "typhoon")]
    kind: &'static str,
    /// `blue`, `yellow`, `orange` or `red`.
    #[schema(example = "orange")]
    level: &'static str,
    area: AreaView,
    #[schema(example = "象山县气象台")]
    issuer: String,
    #[schema(value_type = String, format = DateTime)]
    issued: Time,
    #[schema(value_type = String, format = DateTime)]
    valid_from: Time,
    #[schema(value_type = String, format = DateTime)]
    valid_until: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    cancelled: Option<Time>,
    note: Option<String>,
    /// Grows by one with every version; the ETag is `"r{revision}"`.
    revision: u64,
    stored: Stored,
}

/// A signal as it is declared. What `GET` gives can be sent back: `revision`
/// and `stored` are accepted and not looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalInput {
    /// Made here when it is left out.
    #[serde(default)]
    #[schema(example = "sg-2012-0807-1", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    id: Option<String>,
    #[serde(default)]
    #[schema(required = true, example = "typhoon")]
    kind: Option<String>,
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
    #[schema(required = true, value_type = String, format = DateTime)]
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

const KINDS: [(&str, SignalKind); 5] = [
    ("typhoon", SignalKind::Typhoon),
    ("gale", SignalKind::Gale),
    ("rainstorm", SignalKind::Rainstorm),
    ("tide", SignalKind::Tide),
    ("geological", SignalKind::Geological),
];

impl SignalInput {
    fn check(self, state: &AppState) -> Result<Signal, ApiError> {
        let mut checks = Checks::default();
        let id = checks.id(self.id.as_deref(), Signal::PREFIX);
        let known = "typhoon, gale, rainstorm, tide, geological";
        let kind = checks.word("#/kind", self.kind.as_deref(), &KINDS, known);
        let level = checks.level(self.level.as_deref());
        let area = checks.area(self.area.as_ref(), &state.county);
        let issuer = checks.name("#/issuer", self.issuer);
        let issued = checks.issued(self.issued, state.clock.scene());
        let valid_from = self.valid_from.or(issued);
        let valid_until = checks.required("#/valid_until", self.valid_until);
        checks.ends_after("#/valid_until", valid_from, valid_until);
        checks.cancelled(issued, self.cancelled);
        let note = checks.note(self.note);
        let made = || {
            Some(Signal {
                id: id?,
                kind: kind?,
                level: level?,
                area: area?,
                issuer: issuer?,
                issued: issued?,
                valid_from: valid_from?,
                valid_until: valid_until?,
                cancelled: self.cancelled,
                note,
            })
        };
        let made = made();
        checks.finish(made)
    }
}

impl Resource for Signal {
    type View = SignalView;

    const KIND: DocumentKind = DocumentKind::Signal;
    const PREFIX: &'static str = "sg";

    fn from_document(document: Document) -> Option<Signal> {
        match document {
            Document::Signal(signal) => Some(signal),
            _ => None,
        }
    }

    fn into_document(self) -> Document {
        Document::Signal(self)
    }

    fn id(&self) -> &DocumentId {
        &self.id
    }

    fn location(&self) -> String {
        format!("/api/v1/signals/{}", self.id)
    }

    fn view(&self, revision: u64, stored: Stored) -> SignalView {
        SignalView {
            id: self.id.to_string(),
            kind: self.kind.as_str(),
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

/// Warning signals, the last stored first
///
/// In force is, of each issuer and kind, the newest one issued, while it is
/// valid and not cancelled.
#[utoipa::path(get, path = "/api/v1/signals", operation_id = "list_signals", tag = "documents",
    params(PageQuery),
    responses((status = 200, description = "Signals", body = crate::wire::Page<SignalView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, ApiError> {
    let bound = Query::new("list_signals", &[]);
    resource::list::<Signal>(&state, &headers, &uri, &query, &bound, |_| true).await
}

/// A warning signal
#[utoipa::path(get, path = "/api/v1/signals/{id}", operation_id = "get_signal",
    tag = "documents", params(("id" = String, Path, description = "Id of the signal")),
    responses((status = 200, description = "Its newest version; the ETag is its revision",
        body = SignalView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    resource::read::<Signal>(&headers, &resource::find(&state, &id).await?).await
}

/// Declare a warning signal
#[utoipa::path(post, path = "/api/v1/signals", operation_id = "create_signal",
    tag = "documents", request_body = SignalInput,
    responses((status = 201, description = "Stored", body = SignalView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<SignalInput>,
) -> Result<Response, ApiError> {
    let signal = input.check(&state)?;
    resource::create(&state, &caller, signal).await
}

/// Cancel or correct a warning signal
///
/// Stores a new version; the older ones stay.
#[utoipa::path(put, path = "/api/v1/signals/{id}", operation_id = "put_signal",
    tag = "documents", params(("id" = String, Path, description = "Id of the signal"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that is replaced")),
    request_body = SignalInput,
    responses((status = 200, description = "Stored", body = SignalView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    ApiJson(mut input): ApiJson<SignalInput>,
) -> Result<Response, ApiError> {
    let present: Version<Signal> = resource::find(&state, &id).await?;
    resource::same_id(input.id.as_deref(), &id)?;
    input.id = Some(id);
    let signal = input.check(&state)?;
    resource::replace(&state, &caller, &headers, &present, signal).await
}

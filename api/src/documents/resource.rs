//! What all documents have in common: append-only versions, the newest counts.

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use model::{Area, Document, DocumentId, DocumentKind, Time};
use serde::{Deserialize, Serialize};
use store::{DocumentOutcome, DocumentRefusal, Expected, StoredDocument};
use utoipa::{IntoParams, ToSchema};

use crate::audit::audit;
use crate::cursor::{self, Query};
use crate::etag::{self, Precondition};
use crate::identity::Caller;
use crate::paging::{self, RESOURCES_MAX};
use crate::problem::{ApiError, Kind, Message};
use crate::state::AppState;
use crate::wire::Page;

/// Versions read from the journal at a time when a list is filtered.
const SCAN: usize = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// At most this many (default 100).
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// When and by whom the version was stored.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StoredVersion)]
pub(crate) struct Stored {
    #[schema(example = 88_231)]
    pub(crate) commit: u64,
    /// Scene clock.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Time,
    #[schema(example = "wang")]
    pub(crate) by: String,
}

/// Where a declaration holds: `"county"`, or some townships.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Area)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AreaView {
    County,
    Townships(Vec<String>),
}

impl From<&Area> for AreaView {
    fn from(area: &Area) -> AreaView {
        match area {
            Area::County => AreaView::County,
            Area::Townships(codes) => {
                AreaView::Townships(codes.iter().map(ToString::to_string).collect())
            }
        }
    }
}

/// A kind of document that has routes.
pub(crate) trait Resource: Clone + Send + Sync + 'static {
    type View: Serialize;

    const KIND: DocumentKind;
    /// Of the ids that are made here.
    const PREFIX: &'static str;

    fn from_document(document: Document) -> Option<Self>;
    fn into_document(self) -> Document;
    fn id(&self) -> &DocumentId;
    /// Where it is read.
    fn location(&self) -> String;
    fn view(&self, revision: u64, stored: Stored) -> Self::View;
}

/// A version as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Version<R> {
    pub(crate) document: R,
    pub(crate) revision: u64,
    pub(crate) stored: Stored,
}

impl<R: Resource> Version<R> {
    fn of(row: StoredDocument) -> Option<Version<R>> {
        let stored = Stored { commit: row.commit, at: row.at, by: row.actor };
        let document = R::from_document(row.document)?;
        Some(Version { document, revision: row.revision, stored })
    }

    pub(crate) fn view(&self) -> R::View {
        self.document.view(self.revision, self.stored.clone())
    }
}

pub(crate) fn missing(id: &str) -> ApiError {
    let shown = id.escape_debug().take(80).collect();
    ApiError::not_found(Message::NoSuchDocument(shown)).with_code("document_not_found")
}

/// An id that does not fit its grammar exists as little as an unknown one.
pub(crate) async fn find<R: Resource>(state: &AppState, id: &str) -> Result<Version<R>, ApiError> {
    let Ok(parsed) = DocumentId::parse(id) else { return Err(missing(id)) };
    let row = state.store.document(R::KIND, &parsed).await?;
    row.and_then(Version::of).ok_or_else(|| missing(id))
}

pub(crate) async fn read<R: Resource>(
    headers: &HeaderMap,
    found: &Version<R>,
) -> Result<Response, ApiError> {
    etag::respond(headers, &found.view(), Some(etag::of_revision(found.revision)))
}

/// A page of what `keep` keeps, the last stored first. `bound` binds the
/// cursor to the operation and what it filters by.
pub(crate) async fn list<R: Resource>(
    state: &AppState,
    headers: &HeaderMap,
    uri: &Uri,
    query: &PageQuery,
    bound: &Query,
    keep: impl Fn(&R) -> bool + Send + Sync,
) -> Result<Response, ApiError> {
    let limit = paging::limit(query.limit, RESOURCES_MAX)?;
    let before = match &query.cursor {
        Some(text) => Some(bound.last_key(text)?.parse::<u64>().map_err(|_| cursor::invalid())?),
        None => None,
    };
    let mut found = scan(state, before, limit + 1, keep).await?;
    let has_more = paging::cut(&mut found, limit);
    let next_cursor =
        found.last().filter(|_| has_more).map(|last| bound.cursor(&last.stored.commit.to_string()));
    let items: Vec<R::View> = found.iter().map(Version::view).collect();
    Page { items, next_cursor }.respond(headers, &uri.to_string())
}

/// The newest versions stored before a commit, newest first.
pub(crate) async fn scan<R: Resource>(
    state: &AppState,
    before: Option<u64>,
    limit: usize,
    keep: impl Fn(&R) -> bool + Send + Sync,
) -> Result<Vec<Version<R>>, ApiError> {
    let mut found = Vec::new();
    let mut before = before;
    loop {
        let rows = state.store.documents(R::KIND, None, before, SCAN).await?;
        let is_last = rows.len() < SCAN;
        before = rows.last().map(|row| row.commit);
        let kept = rows.into_iter().filter_map(Version::of);
        found.extend(kept.filter(|version| keep(&version.document)));
        if is_last || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

/// Stores a new document: 201 with its place.
pub(crate) async fn create<R: Resource>(
    state: &AppState,
    caller: &Caller,
    document: R,
) -> Result<Response, ApiError> {
    let version = put(state, caller, &document, Expected::Absent).await?;
    answer(StatusCode::CREATED, &version)
}

/// Stores the next version of a document that is there: 200. `If-Match` may be
/// left out; "create only" meets the present one.
pub(crate) async fn replace<R: Resource>(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    present: &Version<R>,
    document: R,
) -> Result<Response, ApiError> {
    let named = match etag::precondition(headers) {
        Ok(Precondition::Revision(revision)) => Some(revision),
        Ok(Precondition::Absent) => {
            let message = Message::DocumentExists(document.id().to_string());
            return Err(
                ApiError::new(Kind::PreconditionFailed, message).with_code("document_exists")
            );
        }
        Ok(Precondition::Present) | Err(_) => None,
    };
    let expected = Expected::Revision(named.unwrap_or(present.revision));
    let put = put(state, caller, &document, expected).await;
    let version = put.map_err(|error| match (error.code, named) {
        (Some("stale"), Some(expected)) => {
            let expected = match expected {
                u64::MAX => "?".to_owned(),
                expected => etag::of_revision(expected),
            };
            let found = etag::of_revision(present.revision);
            ApiError::new(Kind::PreconditionFailed, Message::Stale { expected, found })
                .with_code("stale")
        }
        _ => error,
    })?;
    answer(StatusCode::OK, &version)
}

/// Writes a version and reads it back.
pub(crate) async fn put<R: Resource>(
    state: &AppState,
    caller: &Caller,
    document: &R,
    expected: Expected,
) -> Result<Version<R>, ApiError> {
    let actor = caller.identity.actor();
    let id = document.id().clone();
    let outcome = state.store.put_document(document.clone().into_document(), expected, &actor);
    let (act, revision) = match outcome.await? {
        DocumentOutcome::Created { revision } => ("create", revision),
        DocumentOutcome::Updated { revision } => ("change", revision),
        DocumentOutcome::Unchanged { .. } => return find(state, id.as_str()).await,
        DocumentOutcome::Refused(refusal) => return Err(refused(&id, &refusal)),
    };
    let action = format!("{act}_{}", R::KIND.as_str());
    audit(state, &caller.identity, &action, id.as_str(), format!("revision {revision}")).await?;
    find(state, id.as_str()).await
}

fn refused(id: &DocumentId, refusal: &DocumentRefusal) -> ApiError {
    match refusal {
        DocumentRefusal::Exists { .. } => {
            ApiError::new(Kind::Conflict, Message::DocumentExists(id.to_string()))
                .with_code("document_exists")
        }
        DocumentRefusal::Missing { .. } => missing(id.as_str()),
        DocumentRefusal::Stale { .. } => {
            ApiError::new(Kind::Conflict, Message::DocumentChanged).with_code("stale")
        }
    }
}

fn answer<R: Resource>(status: StatusCode, version: &Version<R>) -> Result<Response, ApiError> {
    let mut response = (status, axum::Json(version.view())).into_response();
    let headers = response.headers_mut();
    let tag = HeaderValue::try_from(etag::of_revision(version.revision));
    headers.insert(header::ETAG, tag.expect("a revision's tag is printable ASCII"));
    if status == StatusCode::CREATED {
        let location = HeaderValue::try_from(version.document.location());
        headers.insert(header::LOCATION, location.expect("ids are printable ASCII"));
    }
    Ok(response)
}

/// The body of a PUT may repeat the id of its path, and no other.
pub(crate) fn same_id(given: Option<&str>, path: &str) -> Result<(), ApiError> {
    match given {
        Some(given) if given != path => {
            Err(ApiError::parameter("id", "the body names another document than the path"))
        }
        _ => Ok(()),
    }
}

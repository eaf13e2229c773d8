//! `/things`: what carries sensors.

use std::ops::Bound;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use model::{Thing, ThingId, ThingKind, ThingState, TownshipCode, thing_csv};
use serde::Deserialize;
use store::{Expected, PutOutcome, ThingRecord, ThingRefusal};
use utoipa::IntoParams;

use crate::audit::audit;
use crate::cursor::Query;
use crate::etag::{self, Precondition};
use crate::extract::{ApiJson, ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::negotiate;
use crate::paging::{self, RESOURCES_MAX};
use crate::problem::{ApiError, Kind, Message};
use crate::registration::Rules;
use crate::state::AppState;
use crate::wire::{Page, ThingInput, ThingView};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ThingsQuery {
    /// Kind of thing, as `shelter`.
    kind: Option<String>,
    /// Township code.
    township: Option<String>,
    /// State, as `in_service`.
    state: Option<String>,
    /// Part of the id or of a name, whatever its case.
    #[param(max_length = 100)]
    q: Option<String>,
    /// At most this many (default 100).
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

struct ThingFilter {
    kind: Option<ThingKind>,
    township: Option<TownshipCode>,
    state: Option<ThingState>,
    text: Option<String>,
}

impl ThingFilter {
    fn parse(query: &ThingsQuery) -> Result<ThingFilter, ApiError> {
        if query.q.as_ref().is_some_and(|q| q.chars().count() > 100) {
            return Err(ApiError::parameter("q", "has more than 100 characters"));
        }
        Ok(ThingFilter {
            kind: paging::filter("kind", query.kind.as_deref(), str::parse)?,
            township: paging::filter("township", query.township.as_deref(), TownshipCode::parse)?,
            state: paging::filter("state", query.state.as_deref(), str::parse)?,
            text: query.q.as_ref().map(|q| q.to_lowercase()),
        })
    }

    fn admits(&self, thing: &Thing) -> bool {
        self.kind.is_none_or(|kind| kind == thing.kind)
            && self.township.is_none_or(|code| Some(code) == thing.township)
            && self.state.is_none_or(|state| state == thing.state)
            && self.text.as_ref().is_none_or(|text| {
                let texts = [thing.id.as_str(), &thing.name.zh, &thing.name.en];
                texts.iter().any(|of| of.to_lowercase().contains(text.as_str()))
            })
    }
}

const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// Things, by id
///
/// With `Accept: text/csv` all that the filters admit, in the format of the
/// import.
#[utoipa::path(get, path = "/api/v1/things", operation_id = "list_things", tag = "things",
    params(ThingsQuery),
    responses((status = 200, description = "Things, or the file of the import",
        content((Page<ThingView> = "application/json"), (String = "text/csv")))))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<ThingsQuery>,
) -> Result<Response, ApiError> {
    let filter = ThingFilter::parse(&query)?;
    let limit = paging::limit(query.limit, RESOURCES_MAX)?;
    let directory = state.store.directory();
    if negotiate::choose(&headers, &[JSON, CSV])? == CSV {
        let things: Vec<Thing> = directory
            .things
            .values()
            .filter(|record| filter.admits(&record.thing))
            .map(|record| record.thing.clone())
            .collect();
        let bytes = thing_csv::write(&things, &state.catalogue);
        let media = "text/csv; charset=utf-8; header=present";
        return Ok(etag::respond_bytes(&headers, bytes, media, None));
    }

    let bound = cursor_query(&query);
    let after = match &query.cursor {
        Some(cursor) => {
            let key = bound.last_key(cursor)?;
            Bound::Excluded(ThingId::parse(&key).map_err(|_| crate::cursor::invalid())?)
        }
        None => Bound::Unbounded,
    };
    let mut items: Vec<ThingView> = directory
        .things
        .range((after, Bound::Unbounded))
        .filter(|(_, record)| filter.admits(&record.thing))
        .take(limit + 1)
        .map(|(_, record)| ThingView::new(&record.thing, record.revision))
        .collect();
    let has_more = paging::cut(&mut items, limit);
    let next_cursor = items.last().filter(|_| has_more).map(|last| bound.cursor(&last.id));
    Page { items, next_cursor }.respond(&headers, &uri.to_string())
}

fn cursor_query(query: &ThingsQuery) -> Query {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Query::new(
        "list_things",
        &[
            ("kind", &text(&query.kind)),
            ("township", &text(&query.township)),
            ("state", &text(&query.state)),
            ("q", &text(&query.q)),
        ],
    )
}

/// A thing
#[utoipa::path(get, path = "/api/v1/things/{id}", operation_id = "get_thing", tag = "things",
    params(("id" = String, Path, description = "Thing id")),
    responses((status = 200, description = "The thing; its ETag is its revision",
        body = ThingView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let record = find(&state, &id)?;
    let view = ThingView::new(&record.thing, record.revision);
    etag::respond(&headers, &view, Some(etag::of_revision(record.revision)))
}

/// An id that does not fit its grammar exists as little as an unknown one.
pub(crate) fn find(state: &AppState, id: &str) -> Result<std::sync::Arc<ThingRecord>, ApiError> {
    let found =
        ThingId::parse(id).ok().and_then(|id| state.store.directory().things.get(&id).cloned());
    found.ok_or_else(|| {
        let shown = id.escape_debug().take(80).collect();
        ApiError::not_found(Message::NoSuchThing(shown)).with_code("thing_not_found")
    })
}

/// Register a thing
#[utoipa::path(post, path = "/api/v1/things", operation_id = "create_thing", tag = "things",
    request_body = ThingInput,
    responses((status = 201, description = "Registered", body = ThingView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<ThingInput>,
) -> Result<Response, ApiError> {
    let rules = Rules { catalogue: &state.catalogue, county: &state.county };
    let thing = rules.thing(input)?;
    put(&state, &caller, thing, Expected::Absent).await
}

/// Change a thing, or create it under its id
///
/// Needs `If-Match` with the ETag that was read, or `If-None-Match: *` to
/// create only.
#[utoipa::path(put, path = "/api/v1/things/{id}", operation_id = "put_thing", tag = "things",
    params(("id" = String, Path, description = "Thing id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the revision that is changed"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: create only")),
    request_body = ThingInput,
    responses((status = 200, description = "Changed", body = ThingView),
        (status = 201, description = "Registered", body = ThingView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<ThingInput>,
) -> Result<Response, ApiError> {
    let precondition = etag::precondition(&headers)?;
    if input.id != id {
        return Err(ApiError::parameter("id", "the body names another thing than the path"));
    }
    let rules = Rules { catalogue: &state.catalogue, county: &state.county };
    let thing = rules.thing(input)?;
    let expected = match precondition {
        Precondition::Absent => Expected::Absent,
        Precondition::Revision(revision) => Expected::Revision(revision),
        Precondition::Present => Expected::Revision(find(&state, &id)?.revision),
    };
    let is_creation = precondition == Precondition::Absent;
    put(&state, &caller, thing, expected).await.map_err(|error| match error.kind {
        // "Create only" that meets a thing is a failed precondition.
        Kind::Conflict if is_creation && error.code == Some("thing_exists") => {
            ApiError { kind: Kind::PreconditionFailed, ..error }
        }
        _ => error,
    })
}

async fn put(
    state: &AppState,
    caller: &Caller,
    thing: Thing,
    expected: Expected,
) -> Result<Response, ApiError> {
    let outcomes = state.store.put_things(vec![(thing.clone(), expected)]).await?;
    let Some(outcome) = outcomes.into_iter().next() else { return Err(ApiError::internal()) };
    let (status, revision) = match outcome {
        PutOutcome::Created { revision } => (StatusCode::CREATED, revision),
        PutOutcome::Updated { revision } => (StatusCode::OK, revision),
        PutOutcome::Unchanged { revision } => (StatusCode::OK, revision),
        PutOutcome::Refused(refusal) => return Err(refused(refusal)),
    };
    let action = if status == StatusCode::CREATED { "create_thing" } else { "change_thing" };
    audit(state, &caller.identity, action, thing.id.as_str(), format!("revision {revision}"))
        .await?;
    let location = format!("/api/v1/things/{}", thing.id);
    let mut response = (status, axum::Json(ThingView::new(&thing, revision))).into_response();
    let headers = response.headers_mut();
    let tag = HeaderValue::try_from(etag::of_revision(revision));
    headers.insert(header::ETAG, tag.expect("a revision's tag is printable ASCII"));
    if status == StatusCode::CREATED {
        let location = HeaderValue::try_from(location);
        headers.insert(header::LOCATION, location.expect("thing ids are printable ASCII"));
    }
    Ok(response)
}

pub(crate) fn refused(refusal: ThingRefusal) -> ApiError {
    let reason = refusal.to_string();
    match refusal {
        ThingRefusal::Exists(id) => {
            ApiError::new(Kind::Conflict, Message::ThingExists(id.to_string()))
                .with_code("thing_exists")
        }
        ThingRefusal::Missing(id) => {
            ApiError::not_found(Message::NoSuchThing(id.to_string())).with_code("thing_not_found")
        }
        ThingRefusal::Stale { expected, found, .. } => {
            // What is no tag of ours was read as the last revision there can be.
            let expected = match expected {
                u64::MAX => "?".to_owned(),
                expected => etag::of_revision(expected),
            };
            let found = etag::of_revision(found);
            ApiError::new(Kind::PreconditionFailed, Message::Stale { expected, found })
                .with_code("stale")
        }
        ThingRefusal::TooManyDatastreams { .. } => {
            ApiError::new(Kind::Validation, Message::Reason(reason))
                .with_code("too_many_datastreams")
        }
        ThingRefusal::KindFixed { .. } => {
            ApiError::new(Kind::Conflict, Message::KindFixed(reason)).with_code("kind_fixed")
        }
    }
}

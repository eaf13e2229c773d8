//! `/quarantine`: bytes that could not become observations, and sending them
//! again once what was wrong is mended.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use ingest::RedriveError;
use model::{SourceName, ThingId, Time};
use serde::{Deserialize, Serialize};
use store::{QuarantineFilter, Quarantined};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use crate::audit::audit;
use crate::cursor::{self, Query};
use crate::extract::{ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::paging::{self, RESOURCES_MAX};
use crate::problem::{ApiError, Kind, Message};
use crate::send::ReceiptView;
use crate::state::AppState;
use crate::wire::Page;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct QuarantineQuery {
    /// Source, as `embedded`.
    source: Option<String>,
    /// Thing id.
    thing: Option<String>,
    /// Reason, as `unknown_property`.
    #[param(max_length = 64)]
    reason: Option<String>,
    /// Only what was (`true`) or was not (`false`) sent again.
    redriven: Option<bool>,
    /// At most this many (default 100).
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuarantineEntry {
    #[schema(example = 17)]
    id: u64,
    #[schema(example = "embedded")]
    source: String,
    thing: Option<String>,
    #[schema(example = "tidewatch/v1/rain-017/json")]
    topic: String,
    #[schema(example = "json")]
    codec: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    received: Time,
    /// A stable code from a small set.
    #[schema(example = "unknown_property")]
    reason: String,
    detail: String,
    /// Readings lost with it; 1 for a payload that cannot be decoded.
    n_readings: u32,
    size_bytes: usize,
    commit: u64,
    /// When it was sent through the pipeline again.
    #[schema(value_type = Option<String>, format = DateTime)]
    redriven: Option<Time>,
}

/// An entry with its bytes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuarantineDetail {
    #[serde(flatten)]
    entry: QuarantineEntry,
    /// `null` when the bytes are not UTF-8.
    payload_text: Option<String>,
    payload_hex: String,
}

impl From<&Quarantined> for QuarantineEntry {
    fn from(row: &Quarantined) -> QuarantineEntry {
        QuarantineEntry {
            id: row.id,
            source: row.source.to_string(),
            thing: row.thing.as_ref().map(ToString::to_string),
            topic: row.topic.clone(),
            codec: row.codec.clone(),
            received: row.received,
            reason: row.reason.clone(),
            detail: row.detail.clone(),
            n_readings: row.n_readings,
            size_bytes: row.payload.len(),
            commit: row.commit,
            redriven: row.redriven,
        }
    }
}

/// Quarantined payloads, newest first
#[utoipa::path(get, path = "/api/v1/quarantine", operation_id = "list_quarantine",
    tag = "operations", params(QuarantineQuery),
    responses((status = 200, description = "Entries without their bytes",
        body = Page<QuarantineEntry>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<QuarantineQuery>,
) -> Result<Response, ApiError> {
    let limit = paging::limit(query.limit, RESOURCES_MAX)?;
    let filter = QuarantineFilter {
        source: paging::filter("source", query.source.as_deref(), SourceName::parse)?,
        thing: paging::filter("thing", query.thing.as_deref(), ThingId::parse)?,
        reason: query.reason.clone(),
        redriven: query.redriven,
    };
    let bound = cursor_query(&query);
    let before = match &query.cursor {
        Some(text) => Some(bound.last_key(text)?.parse::<u64>().map_err(|_| cursor::invalid())?),
        None => None,
    };
    let mut rows = state.store.quarantine(filter, before, limit + 1).await?;
    let has_more = paging::cut(&mut rows, limit);
    let next_cursor =
        rows.last().filter(|_| has_more).map(|last| bound.cursor(&last.id.to_string()));
    let items = rows.iter().map(QuarantineEntry::from).collect();
    Page { items, next_cursor }.respond(&headers, &uri.to_string())
}

fn cursor_query(query: &QuarantineQuery) -> Query {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let redriven = query.redriven.map(|redriven| redriven.to_string()).unwrap_or_default();
    Query::new(
        "list_quarantine",
        &[
            ("source", &text(&query.source)),
            ("thing", &text(&query.thing)),
            ("reason", &text(&query.reason)),
            ("redriven", &redriven),
        ],
    )
}

/// A quarantined payload with its bytes
#[utoipa::path(get, path = "/api/v1/quarantine/{id}", operation_id = "get_quarantine",
    tag = "operations", params(("id" = u64, Path, description = "Number of the entry")),
    responses((status = 200, description = "The entry", body = QuarantineDetail)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    ApiPath(id): ApiPath<u64>,
    _: ApiQuery<NoQuery>,
) -> Result<Json<QuarantineDetail>, ApiError> {
    let row = state.store.quarantined(id).await?.ok_or_else(|| missing(id))?;
    let payload_hex =
        row.payload.iter().fold(String::with_capacity(row.payload.len() * 2), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a String takes what is written");
            hex
        });
    Ok(Json(QuarantineDetail {
        entry: QuarantineEntry::from(&row),
        payload_text: String::from_utf8(row.payload).ok(),
        payload_hex,
    }))
}

fn missing(id: u64) -> ApiError {
    ApiError::not_found(Message::NoSuchQuarantine(id)).with_code("quarantine_not_found")
}

/// Send a quarantined payload through the pipeline again
///
/// What is still wrong is quarantined again, as a new entry. An entry is
/// re-driven once.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/redrive", operation_id = "redrive_quarantine",
    tag = "operations", params(("id" = u64, Path, description = "Number of the entry")),
    responses((status = 200, description = "What became of it", body = ReceiptView)))]
pub(crate) async fn redrive(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(id): ApiPath<u64>,
    _: ApiQuery<NoQuery>,
) -> Result<Json<ReceiptView>, ApiError> {
    let pipeline = state.pipeline()?;
    let work = pipeline.redrive(&state.store, id);
    let receipt = timeout(state.options.commit_wait, work)
        .await
        .map_err(|_| {
            ApiError::unavailable(Message::NotStoredInTime).with_code("not_stored_in_time")
        })?
        .map_err(refused)?;
    let receipt = ReceiptView::from(receipt);
    audit(&state, &caller.identity, "redrive", &format!("quarantine/{id}"), receipt.summary())
        .await?;
    Ok(Json(receipt))
}

fn refused(error: RedriveError) -> ApiError {
    match error {
        RedriveError::Missing(id) => missing(id),
        RedriveError::Done { id, .. } => {
            ApiError::new(Kind::Conflict, Message::Redriven(id)).with_code("redriven")
        }
        RedriveError::Nowhere { source, .. } => {
            ApiError::new(Kind::Validation, Message::Reason(source.to_string()))
                .with_code(source.code)
        }
        RedriveError::Closed(closed) => closed.into(),
        RedriveError::Store(error) => error.into(),
    }
}

//! `POST /observations`: the HTTP door.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use codec::Codec;
use ingest::{Receipt, Route};
use model::ThingId;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use crate::extract::{ApiBytes, ApiQuery, media_type};
use crate::identity::Caller;
use crate::paging;
use crate::policy::Identity;
use crate::problem::{ApiError, FieldError, Kind, Message};
use crate::state::AppState;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SendQuery {
    /// The thing that measured; a device that shows its own secret may leave
    /// it out.
    thing: Option<String>,
    /// `json`, `senml`, `senml-cbor` or `raw`; without it the content type
    /// decides.
    codec: Option<String>,
}

/// What became of a payload, after the commit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Receipt)]
pub(crate) struct ReceiptView {
    #[schema(example = 88_231)]
    commit: u64,
    /// Readings that are stored now, duplicates among them.
    #[schema(example = 3)]
    accepted: u64,
    /// Readings, or the whole payload, set aside in quarantine.
    quarantined: usize,
    problems: Vec<ProblemView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadingProblem)]
struct ProblemView {
    /// JSON Pointer as URI fragment.
    #[schema(example = "#/2/values/water_level")]
    pointer: String,
    #[schema(example = "unknown_property")]
    code: &'static str,
    detail: String,
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> ReceiptView {
        let problems: Vec<ProblemView> = receipt
            .problems
            .into_iter()
            .map(|problem| ProblemView {
                pointer: problem.pointer,
                code: problem.code,
                detail: problem.detail,
            })
            .collect();
        ReceiptView {
            commit: receipt.commit,
            accepted: receipt.n_accepted,
            quarantined: problems.len(),
            problems,
        }
    }
}

/// Send readings of a thing
///
/// One payload as it would be published over MQTT. The answer follows the
/// commit: 201 means on disk. Bad readings are set aside and named; when none
/// was good the answer is 422 and the bytes are kept all the same.
///
/// Log in, send a token, or use HTTP Basic with thing and secret.
#[utoipa::path(post, path = "/api/v1/observations", operation_id = "send_observations",
    tag = "observations", params(SendQuery),
    request_body(description = "A payload of at most 256 KiB", content(
        (serde_json::Value = "application/json"),
        (serde_json::Value = "application/senml+json"),
        (Vec<u8> = "application/senml+cbor"),
        (String = "text/plain"),
        (Vec<u8> = "application/octet-stream"))),
    responses((status = 201, description = "Stored, at least in part", body = ReceiptView)))]
pub(crate) async fn send(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<SendQuery>,
    ApiBytes(payload): ApiBytes,
) -> Result<Response, ApiError> {
    let thing = thing_of(&state, &caller, &query).await?;
    let codec = codec_of(&headers, &query)?;
    let pipeline = state.pipeline()?;
    let status = pipeline.status();
    if status.is_stalled {
        let message =
            if status.is_disk_full { Message::DiskFull } else { Message::StoreUnavailable };
        return Err(ApiError::unavailable(message).with_code("not_storable"));
    }
    let topic: Arc<str> = uri.path().into();
    let delivery = pipeline.deliver(state.http_source, topic, Route { thing, codec }, payload);
    let receipt = timeout(state.options.commit_wait, delivery).await.map_err(|_| {
        ApiError::unavailable(Message::NotStoredInTime).with_code("not_stored_in_time")
    })??;
    if receipt.n_accepted == 0 && !receipt.problems.is_empty() {
        return Err(none_accepted(&receipt));
    }
    Ok((StatusCode::CREATED, Json(ReceiptView::from(receipt))).into_response())
}

/// The thing, and whether the caller may send for it.
async fn thing_of(
    state: &AppState,
    caller: &Caller,
    query: &SendQuery,
) -> Result<ThingId, ApiError> {
    let given = paging::filter("thing", query.thing.as_deref(), ThingId::parse)?;
    let Identity::Device { thing: own } = &caller.identity else {
        return given.ok_or_else(|| ApiError::parameter("thing", "is missing"));
    };
    let Some(thing) = given.filter(|thing| thing != own) else { return Ok(own.clone()) };
    let credential = state.store.registry().credential(own).await?;
    let may_send = credential.is_some_and(|credential| {
        credential.things.contains(&thing)
            || credential.prefixes.iter().any(|prefix| thing.as_str().starts_with(prefix.as_str()))
    });
    if may_send {
        Ok(thing)
    } else {
        Err(ApiError::new(Kind::Forbidden, Message::ForeignThing(thing.to_string()))
            .with_code("foreign_thing"))
    }
}

fn codec_of(headers: &HeaderMap, query: &SendQuery) -> Result<Codec, ApiError> {
    if let Some(codec) = paging::filter("codec", query.codec.as_deref(), str::parse::<Codec>)? {
        return Ok(codec);
    }
    match media_type(headers).as_deref() {
        Some("application/json") => Ok(Codec::Json),
        Some("application/senml+json") => Ok(Codec::Senml),
        Some("application/senml+cbor") => Ok(Codec::SenmlCbor),
        Some("text/plain") => Ok(Codec::Raw),
        _ => {
            let expected = "application/json, application/senml+json, application/senml+cbor \
                            or text/plain, or codec= must be given";
            Err(ApiError::new(Kind::UnsupportedMediaType, Message::ContentType { expected }))
        }
    }
}

fn none_accepted(receipt: &Receipt) -> ApiError {
    let errors: Vec<FieldError> = receipt
        .problems
        .iter()
        .map(|problem| FieldError::at(problem.pointer.as_str(), &problem.detail))
        .collect();
    let code = receipt.problems.first().map_or("validation", |problem| problem.code);
    ApiError::new(Kind::Validation, Message::NoneAccepted { n: errors.len() })
        .with_code(code)
        .with_errors(errors)
}

impl ReceiptView {
    /// For the audit.
    pub(crate) fn summary(&self) -> String {
        format!(
            "commit {}: {} accepted, {} quarantined",
            self.commit, self.accepted, self.quarantined
        )
    }
}

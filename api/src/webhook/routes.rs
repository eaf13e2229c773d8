//! `/webhooks`: do alerts reach the outside?

use analytics::alerts::outward::class_word;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::Time;
use serde::Serialize;
use store::OutboxState;
use utoipa::ToSchema;

use super::sender::{TestOutcome, waiting};
use crate::audit::audit;
use crate::extract::{ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::problem::{ApiError, Message};
use crate::state::AppState;
use crate::wire::{Page, level_name};

/// A receiver of alerts, with what is known of it since the start.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhook {
    #[schema(example = "wecom-duty")]
    name: String,
    /// Of its URL; the rest may be secret.
    #[schema(example = "relay.example")]
    host: String,
    /// `working`, `failing`, or `paused` in a demo too fast to follow.
    #[schema(example = "working")]
    state: &'static str,
    #[schema(example = "yellow")]
    min_level: &'static str,
    /// Empty means all.
    classes: Vec<&'static str>,
    /// Gets what is not real, and only that.
    exercise: bool,
    /// Messages that wait for delivery.
    waiting: u64,
    /// Messages given up after 24 h, or refused as malformed.
    undelivered: u64,
    /// Tries that failed in a row.
    failures: u32,
    last_error: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_error_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success: Option<Time>,
}

/// What a test message met.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookTest {
    #[schema(example = "wecom-duty")]
    receiver: String,
    /// Did the receiver take it (2xx)?
    delivered: bool,
    /// The receiver's HTTP status; `null` when there was no answer.
    #[schema(example = 200)]
    status: Option<u16>,
    error: Option<String>,
    took_ms: u64,
}

/// The receivers of alerts
///
/// Times are real ones. What is known of a receiver begins with the program;
/// the counts are of all messages kept.
#[utoipa::path(get, path = "/api/v1/webhooks", operation_id = "list_webhooks",
    tag = "operations",
    responses((status = 200, description = "All receivers", body = Page<Webhook>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let sender = &state.webhooks;
    let counts = sender.counts().await?;
    let items = sender.status().into_iter().map(|(rule, status)| Webhook {
        host: sender.host(&rule.name).unwrap_or_default().to_owned(),
        state: match status.is_failing {
            _ if sender.is_paused() => "paused",
            true => "failing",
            false => "working",
        },
        min_level: level_name(rule.level_min),
        classes: rule.classes.iter().copied().map(class_word).collect(),
        exercise: rule.exercise,
        waiting: waiting(&counts, &rule.name, OutboxState::Waiting),
        undelivered: waiting(&counts, &rule.name, OutboxState::Undelivered),
        failures: status.n_failed,
        last_error: status.last_error,
        last_error_at: status.last_error_at,
        last_success: status.last_success,
        name: rule.name,
    });
    Page::whole(items.collect::<Vec<_>>()).respond(&headers, &uri.to_string())
}

/// Send a test message to a receiver
///
/// It goes out at once with `labels.test="true"`, past the messages that wait,
/// and is tried once. The answer says what the receiver said.
#[utoipa::path(post, path = "/api/v1/webhooks/{name}/test", operation_id = "test_webhook",
    tag = "operations", params(("name" = String, Path, description = "Name of the receiver")),
    responses((status = 200, description = "What became of it", body = WebhookTest)))]
pub(crate) async fn test(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(name): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<Json<WebhookTest>, ApiError> {
    let outcome = state.webhooks.test(&name).await.ok_or_else(|| {
        ApiError::not_found(Message::NoSuchWebhook(shown(&name))).with_code("webhook_not_found")
    })?;
    let TestOutcome { status, error, took } = outcome;
    let answer = WebhookTest {
        receiver: name.clone(),
        delivered: status.is_some_and(|status| (200..300).contains(&status)),
        status,
        error,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    };
    let said = answer.status.map_or("no answer".to_owned(), |status| format!("status {status}"));
    audit(&state, &caller.identity, "test_webhook", &format!("webhook/{name}"), said).await?;
    Ok(Json(answer))
}

fn shown(name: &str) -> String {
    name.escape_debug().take(40).collect()
}

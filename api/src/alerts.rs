//! `/alerts`: what passed a limit, and what people did about it.

use std::sync::Arc;
use std::time::Duration;

use analytics::record::AlertRecord;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::{ActingAs, AlertAct, AlertAction, Document, ThingId, Time, TownshipCode};
use serde::{Deserialize, Serialize};
use store::{AlertFilter, AlertRow, DocumentOutcome, Expected};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use crate::audit::audit;
use crate::cursor::{self, Query};
use crate::documents::checks::{Checks, new_id};
use crate::etag;
use crate::extract::{ApiPath, ApiQuery, NoQuery, OptionalJson};
use crate::identity::Caller;
use crate::paging::{self, RESOURCES_MAX};
use crate::problem::{ApiError, Kind, Message};
use crate::state::AppState;
use crate::wire::{AlertView, Page};

/// How long an answer waits for the runner to take an act in.
const TAKEN_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AlertsQuery {
    /// `true`: only open ones.
    open: Option<bool>,
    /// Township code.
    township: Option<String>,
    /// Thing id.
    thing: Option<String>,
    /// At most this many (default 100).
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An alert with all its transitions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertDetail {
    #[serde(flatten)]
    alert: AlertView,
    /// As it stood after each transition, the first one first.
    history: Vec<AlertView>,
}

/// Alerts, the last opened first
#[utoipa::path(get, path = "/api/v1/alerts", operation_id = "list_alerts", tag = "alerts",
    params(AlertsQuery),
    responses((status = 200, description = "Alerts as they stand now",
        body = Page<AlertView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<AlertsQuery>,
) -> Result<Response, ApiError> {
    let limit = paging::limit(query.limit, RESOURCES_MAX)?;
    let filter = AlertFilter {
        open_only: query.open == Some(true),
        township: paging::filter("township", query.township.as_deref(), TownshipCode::parse)?,
        thing: paging::filter("thing", query.thing.as_deref(), ThingId::parse)?,
        since: None,
    };
    let bound = cursor_query(&query);
    let before = match &query.cursor {
        Some(cursor) => Some(read_key(&bound.last_key(cursor)?)?),
        None => None,
    };
    let mut rows = state.store.alerts(filter, before, limit + 1).await?;
    let has_more = paging::cut(&mut rows, limit);
    let key = |row: &AlertRow| format!("{} {}", row.opened.millis(), row.id);
    let next_cursor = rows.last().filter(|_| has_more).map(|last| bound.cursor(&key(last)));
    let items = rows.iter().map(|row| view(&state, &row.body)).collect::<Result<_, _>>()?;
    Page { items, next_cursor }.respond(&headers, &uri.to_string())
}

fn cursor_query(query: &AlertsQuery) -> Query {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let open = query.open.map(|open| open.to_string()).unwrap_or_default();
    let (township, thing) = (text(&query.township), text(&query.thing));
    let filters = [("open", open.as_str()), ("township", &township), ("thing", &thing)];
    Query::new("list_alerts", &filters)
}

fn read_key(key: &str) -> Result<(Time, String), ApiError> {
    let (millis, id) = key.split_once(' ').ok_or_else(cursor::invalid)?;
    let opened = millis.parse().ok().and_then(|millis| Time::from_millis(millis).ok());
    Ok((opened.ok_or_else(cursor::invalid)?, id.to_owned()))
}

fn parse(body: &str) -> Result<AlertRecord, ApiError> {
    serde_json::from_str(body).map_err(|error| {
        tracing::error!(%error, "stored alert cannot be read");
        ApiError::internal()
    })
}

fn view(state: &AppState, body: &str) -> Result<AlertView, ApiError> {
    Ok(AlertView::new(&parse(body)?, state.store.origin()))
}

async fn find(state: &AppState, id: &str) -> Result<AlertRecord, ApiError> {
    match state.store.alert(id).await? {
        Some(row) => parse(&row.body),
        None => {
            let shown = id.escape_debug().take(80).collect();
            Err(ApiError::not_found(Message::NoSuchAlert(shown)).with_code("alert_not_found"))
        }
    }
}

/// An alert with its history
#[utoipa::path(get, path = "/api/v1/alerts/{id}", operation_id = "get_alert", tag = "alerts",
    params(("id" = String, Path, description = "Id of the alert")),
    responses((status = 200, description = "The alert; its ETag is of its content",
        body = AlertDetail)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let alert = AlertView::new(&find(&state, &id).await?, state.store.origin());
    let rows = state.store.alert_history(&id).await?;
    let history = rows.iter().map(|row| view(&state, &row.body)).collect::<Result<_, _>>()?;
    let detail = AlertDetail { alert, history };
    let bytes = serde_json::to_vec(&detail).map_err(|error| {
        tracing::error!(%error, "answer not written");
        ApiError::internal()
    })?;
    let tag = etag::of_content(&bytes);
    Ok(etag::respond_bytes(&headers, bytes, "application/json", Some(tag)))
}

/// What a person says when acting on an alert.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActInput {
    /// `desk` (default), or `unit`: the responsible unit, whose own
    /// acknowledgement counts for the caps of Index A.
    #[serde(default)]
    #[schema(example = "desk")]
    acting_as: Option<String>,
    #[serde(default)]
    #[schema(max_length = 2000, example = "已电话通知值班员")]
    note: Option<String>,
}

const ROLES: [(&str, ActingAs); 2] = [("desk", ActingAs::Desk), ("unit", ActingAs::Unit)];

/// Acknowledge an alert
///
/// Answers with the alert as it stands when the act was taken in, at the
/// latest after 2 s.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledgement",
    operation_id = "acknowledge_alert", tag = "alerts",
    params(("id" = String, Path, description = "Id of the alert")), request_body = ActInput,
    responses((status = 200, description = "The alert", body = AlertView)))]
pub(crate) async fn acknowledge(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    OptionalJson(input): OptionalJson<ActInput>,
) -> Result<axum::Json<AlertView>, ApiError> {
    act(&state, &caller, &id, AlertAct::Acknowledge, input).await
}

/// Close an alert
///
/// For those that only a person closes, and those that are over. Answers as
/// the acknowledgement does.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/closure", operation_id = "close_alert",
    tag = "alerts", params(("id" = String, Path, description = "Id of the alert")),
    request_body = ActInput,
    responses((status = 200, description = "The alert", body = AlertView)))]
pub(crate) async fn close(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    OptionalJson(input): OptionalJson<ActInput>,
) -> Result<axum::Json<AlertView>, ApiError> {
    act(&state, &caller, &id, AlertAct::Close, input).await
}

async fn act(
    state: &AppState,
    caller: &Caller,
    id: &str,
    act: AlertAct,
    input: ActInput,
) -> Result<axum::Json<AlertView>, ApiError> {
    let mut checks = Checks::default();
    let acting_as = input.acting_as.as_deref().or(Some("desk"));
    let acting_as = checks.word("#/acting_as", acting_as, &ROLES, "desk, unit");
    let note = checks.note(input.note);
    let acting_as = checks.finish(acting_as)?;
    let alert = find(state, id).await?;
    if alert.closed.is_some() {
        return Err(
            ApiError::new(Kind::Conflict, Message::AlertClosed(alert.id)).with_code("alert_closed")
        );
    }
    if act == AlertAct::Acknowledge && is_acknowledged(&alert, acting_as) {
        return Ok(axum::Json(AlertView::new(&alert, state.store.origin())));
    }
    // Subscribe first: the runner may be quicker than the answer of the store.
    let changes = state.runner.subscribe_alerts();
    let by = caller.identity.actor();
    let action = AlertAction {
        id: new_id("ac"),
        alert: alert.id.clone(),
        act,
        acting_as,
        by: by.clone(),
        at: state.clock.scene(),
        note,
    };
    let document = Document::AlertAction(action);
    let outcome = state.store.put_document(document, Expected::Absent, &by).await?;
    if let DocumentOutcome::Refused(refusal) = outcome {
        tracing::error!(%refusal, "act on an alert not stored");
        return Err(ApiError::internal());
    }
    let name = match act {
        AlertAct::Acknowledge => "acknowledge_alert",
        AlertAct::Close => "close_alert",
    };
    let role = ROLES.iter().find(|(_, role)| *role == acting_as).map_or("", |(word, _)| word);
    audit(state, &caller.identity, name, id, format!("acting as {role}")).await?;
    // Not taken in yet is no error: the act is stored and will be.
    let _ = timeout(TAKEN_WITHIN, changed(&alert.id, changes)).await;
    Ok(axum::Json(AlertView::new(&find(state, id).await?, state.store.origin())))
}

fn is_acknowledged(alert: &AlertRecord, acting_as: ActingAs) -> bool {
    match acting_as {
        ActingAs::Desk => alert.acknowledged_at.is_some(),
        ActingAs::Unit => alert.acknowledged_by_unit.is_some(),
    }
}

/// Returns when the runner tells of the alert, or cannot.
async fn changed(id: &str, mut changes: broadcast::Receiver<Arc<Vec<AlertRecord>>>) {
    loop {
        match changes.recv().await {
            Ok(records) if records.iter().any(|record| record.id == id) => return,
            Ok(_) => (),
            Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        }
    }
}

//! `/system`: how the program itself is doing.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Time;
use serde::Serialize;
use store::{OutboxState, TimeRange};
use utoipa::ToSchema;

use crate::etag;
use crate::extract::{ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::ledger::LedgerCounts;
use crate::problem::ApiError;
use crate::state::AppState;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct System {
    #[schema(example = "0.1.0")]
    version: &'static str,
    #[schema(example = "real")]
    origin: &'static str,
    /// Scene clock.
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    /// Real time since the API began, seconds.
    #[schema(example = 86_400.0)]
    uptime_s: f64,
    /// Hours of commit since midnight in China.
    ledger_today: LedgerToday,
    pipeline: PipelineState,
    evaluation: EvaluationState,
    /// Where the data lies, bytes.
    #[schema(example = 52_428_800_000_u64)]
    disk_free_bytes: u64,
    /// What readiness depends on outside the journal.
    sources: Vec<SourceState>,
    webhooks: Vec<OutboxCounts>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LedgerToday {
    #[serde(flatten)]
    counts: LedgerCounts,
    /// Does `received = stored + duplicate + quarantined + refused` hold?
    balanced: bool,
}

/// From the door to the commit.
#[derive(Debug, Serialize, ToSchema)]
struct PipelineState {
    /// Payloads received and not yet committed.
    n_waiting: usize,
    bytes_in_flight: usize,
    /// Commits fail.
    stalled: bool,
    disk_full: bool,
}

/// From the commit to the scores.
#[derive(Debug, Serialize, ToSchema)]
struct EvaluationState {
    last_commit: u64,
    /// Commits not evaluated yet.
    lag_commits: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_tick: Option<Time>,
    /// Scene seconds since the last tick.
    last_tick_age_s: Option<f64>,
    last_error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SourceState {
    #[schema(example = "mqtt:county-broker")]
    name: String,
    ok: bool,
    /// What is wrong.
    detail: Option<String>,
}

/// Messages to a receiver outside.
#[derive(Debug, Serialize, ToSchema)]
struct OutboxCounts {
    #[schema(example = "wecom-duty")]
    receiver: String,
    waiting: u64,
    delivered: u64,
    undelivered: u64,
}

/// State of the system
#[utoipa::path(get, path = "/api/v1/system", operation_id = "get_system", tag = "operations",
    responses((status = 200, description = "Ledger, lag, disk, sources, webhooks",
        body = System)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let now = state.clock.scene();
    let of_store = state.clone();
    let free = tokio::task::spawn_blocking(move || of_store.store.free_bytes()).await;
    let disk_free_bytes = free.map_err(|error| {
        tracing::error!(%error, "asking for free space ended early");
        ApiError::internal()
    })??;
    let sources = state.readiness.iter().map(|source| {
        let probed = (source.probe)();
        SourceState { name: source.name.clone(), ok: probed.is_ok(), detail: probed.err() }
    });
    let system = System {
        version: env!("CARGO_PKG_VERSION"),
        origin: state.store.origin().as_str(),
        time: now,
        uptime_s: state.clock.real().millis_since(state.started) as f64 / 1_000.0,
        ledger_today: ledger_today(&state, now).await?,
        pipeline: pipeline(&state),
        evaluation: evaluation(&state, now),
        disk_free_bytes,
        sources: sources.collect(),
        webhooks: webhooks(&state).await?,
    };
    etag::respond(&headers, &system, None)
}

async fn ledger_today(state: &AppState, now: Time) -> Result<LedgerToday, ApiError> {
    let range = TimeRange { start: now.china_day_start(), stop: now + Duration::from_millis(1) };
    let rows = state.store.ledger(range).await?;
    let counts: Vec<LedgerCounts> = rows.iter().map(LedgerCounts::from).collect();
    Ok(LedgerToday {
        counts: counts.iter().fold(LedgerCounts::default(), |sum, counts| sum.plus(*counts)),
        balanced: counts.iter().all(LedgerCounts::is_balanced),
    })
}

/// Nothing waits once the door is closed.
fn pipeline(state: &AppState) -> PipelineState {
    match state.pipeline() {
        Ok(pipeline) => {
            let status = pipeline.status();
            PipelineState {
                n_waiting: status.n_waiting,
                bytes_in_flight: status.bytes_in_flight,
                stalled: status.is_stalled,
                disk_full: status.is_disk_full,
            }
        }
        Err(_) => {
            PipelineState { n_waiting: 0, bytes_in_flight: 0, stalled: false, disk_full: false }
        }
    }
}

fn evaluation(state: &AppState, now: Time) -> EvaluationState {
    let status = state.runner.status();
    EvaluationState {
        last_commit: state.store.last_commit(),
        lag_commits: status.lag,
        last_tick: status.last_tick,
        last_tick_age_s: status.last_tick.map(|last| now.millis_since(last) as f64 / 1_000.0),
        last_error: status.last_error,
    }
}

async fn webhooks(state: &AppState) -> Result<Vec<OutboxCounts>, ApiError> {
    let mut found: Vec<OutboxCounts> = Vec::new();
    for (receiver, outbox_state, n) in state.store.outbox_counts().await? {
        let place = found.iter().position(|counts| counts.receiver == receiver);
        let place = place.unwrap_or_else(|| {
            found.push(OutboxCounts { receiver, waiting: 0, delivered: 0, undelivered: 0 });
            found.len() - 1
        });
        let counts = &mut found[place];
        match outbox_state {
            OutboxState::Waiting => counts.waiting = n,
            OutboxState::Delivered => counts.delivered = n,
            OutboxState::Undelivered => counts.undelivered = n,
        }
    }
    Ok(found)
}

//! Exports under way: how many there may be, and how far each is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Time;
use serde::Serialize;
use store::TimeRange;
use utoipa::ToSchema;

use crate::extract::{ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::problem::{ApiError, Message};
use crate::state::AppState;
use crate::wire::Page;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Exports(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max: usize,
    number_last: AtomicU64,
    /// At most `max`.
    running: Mutex<BTreeMap<u64, Arc<Progress>>>,
}

/// One of them; it leaves the list when it is dropped.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) number: u64,
    progress: Arc<Progress>,
    exports: Exports,
}

#[derive(Debug)]
struct Progress {
    what: &'static str,
    format: &'static str,
    actor: String,
    begun: Time,
    range: TimeRange,
    n_rows: AtomicU64,
    reached_ms: AtomicI64,
}

impl Exports {
    pub(crate) fn new(max: usize) -> Exports {
        let running = Mutex::default();
        Exports(Arc::new(Shared { max, number_last: AtomicU64::new(0), running }))
    }

    pub(super) fn begin(
        &self,
        (what, format): (&'static str, &'static str),
        actor: String,
        begun: Time,
        range: TimeRange,
    ) -> Result<Running, ApiError> {
        let mut running = self.running();
        if running.len() >= self.0.max {
            let message = Message::ExportsFull { max: self.0.max };
            return Err(ApiError::unavailable(message).with_code("exports_full"));
        }
        let number = self.0.number_last.fetch_add(1, Ordering::Relaxed) + 1;
        let progress = Arc::new(Progress {
            what,
            format,
            actor,
            begun,
            range,
            n_rows: AtomicU64::new(0),
            reached_ms: AtomicI64::new(range.start.millis()),
        });
        running.insert(number, Arc::clone(&progress));
        Ok(Running { number, progress, exports: self.clone() })
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Progress>>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    pub(super) fn advance(&self, n_rows: u64, reached: Time) {
        self.progress.n_rows.fetch_add(n_rows, Ordering::Relaxed);
        self.progress.reached_ms.store(reached.millis(), Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.exports.running().remove(&self.number);
    }
}

/// An export that is under way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportView {
    /// As the answer's header `tidewatch-export` names it.
    #[schema(example = 17)]
    id: u64,
    #[schema(example = "observations")]
    what: &'static str,
    #[schema(example = "parquet")]
    format: &'static str,
    #[schema(value_type = String, format = DateTime)]
    begun: Time,
    #[schema(value_type = String, format = DateTime)]
    start: Time,
    #[schema(value_type = String, format = DateTime)]
    stop: Time,
    /// Everything before this event time has been read.
    #[schema(value_type = String, format = DateTime)]
    reached: Time,
    /// Rows so far.
    #[schema(example = 120_000)]
    rows: u64,
    /// Share of the span that has been read.
    #[schema(example = 0.34)]
    share: f64,
}

/// Exports of the caller that are under way
#[utoipa::path(get, path = "/api/v1/exports", operation_id = "list_exports", tag = "exports",
    responses((status = 200, description = "Exports under way, oldest first",
        body = Page<ExportView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let actor = caller.identity.actor();
    let own: Vec<ExportView> = {
        let running = state.exports.running();
        let own = running.iter().filter(|(_, progress)| progress.actor == actor);
        own.map(|(number, progress)| view(*number, progress)).collect()
    };
    Page::whole(own).respond(&headers, "/api/v1/exports")
}

#[expect(clippy::cast_precision_loss, reason = "spans are below 2^53 ms")]
fn view(id: u64, progress: &Progress) -> ExportView {
    let TimeRange { start, stop } = progress.range;
    let reached = Time::from_millis_clamped(progress.reached_ms.load(Ordering::Relaxed));
    let share = reached.millis_since(start) as f64 / stop.millis_since(start).max(1) as f64;
    ExportView {
        id,
        what: progress.what,
        format: progress.format,
        begun: progress.begun,
        start,
        stop,
        reached,
        rows: progress.n_rows.load(Ordering::Relaxed),
        share: share.clamp(0.0, 1.0),
    }
}

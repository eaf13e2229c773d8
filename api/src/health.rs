//! `/healthz`: the process lives. `/readyz`: it can store and read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::StoreError;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::state::AppState;

/// A probe writes and syncs: asking more often than this gets the answer
/// before.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// A journal that needs longer is not ready.
const PROBE_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

#[derive(Debug, Clone, Serialize)]
struct Check {
    name: String,
    ok: bool,
    detail: String,
}

/// The last answer, and the lock that lets one probe run at a time.
#[derive(Default)]
pub(crate) struct ProbeCache(Mutex<Option<(Instant, Arc<Readiness>)>>);

impl fmt::Debug for ProbeCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProbeCache")
    }
}

pub(crate) async fn healthz() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

pub(crate) async fn readyz(State(state): State<AppState>) -> Response {
    let readiness = current(&state).await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(&*readiness)).into_response()
}

async fn current(state: &AppState) -> Arc<Readiness> {
    // Held across the probe on purpose: the others wait for its answer.
    let mut cached = state.probes.0.lock().await;
    if let Some((at, readiness)) = &*cached
        && at.elapsed() < PROBE_EVERY
    {
        return Arc::clone(readiness);
    }
    let readiness = Arc::new(probe(state).await);
    *cached = Some((Instant::now(), Arc::clone(&readiness)));
    readiness
}

async fn probe(state: &AppState) -> Readiness {
    let mut checks = vec![
        journal_check("journal_write", timeout(PROBE_MAX, state.store.probe_write()).await),
        journal_check("journal_read", timeout(PROBE_MAX, state.store.probe_read()).await),
        pipeline_check(state),
        runner_check(state),
    ];
    for source in &state.readiness {
        checks.push(match (source.probe)() {
            Ok(()) => Check { name: source.name.clone(), ok: true, detail: String::new() },
            Err(detail) => Check { name: source.name.clone(), ok: false, detail },
        });
    }
    Readiness { ready: checks.iter().all(|check| check.ok), checks }
}

fn journal_check<E>(name: &str, probed: Result<Result<Duration, StoreError>, E>) -> Check {
    let (ok, detail) = match probed {
        Ok(Ok(took)) => (true, format!("{:.1} ms", took.as_secs_f64() * 1000.0)),
        Ok(Err(error)) => {
            tracing::warn!(%error, check = name, "readiness probe failed");
            (false, "the journal does not answer".to_owned())
        }
        Err(_) => (false, format!("no answer within {} s", PROBE_MAX.as_secs())),
    };
    Check { name: name.to_owned(), ok, detail }
}

/// A tick may be this much of the scene late, and this much real time.
const TICK_LATE: Duration = Duration::from_secs(120);
const TICK_LATE_REAL: Duration = Duration::from_secs(30);

fn runner_check(state: &AppState) -> Check {
    let name = "runner".to_owned();
    let status = state.runner.status();
    if let Some(error) = status.last_error {
        return Check { name, ok: false, detail: error };
    }
    let Some(last) = status.last_tick else {
        return Check { name, ok: true, detail: "no tick yet".to_owned() };
    };
    let allowed = TICK_LATE + TICK_LATE_REAL.mul_f64(state.clock.speed());
    let ok = last + allowed >= state.clock.scene();
    let detail = format!("last tick {last}, {} commits behind", status.lag);
    Check { name, ok, detail }
}

fn pipeline_check(state: &AppState) -> Check {
    let name = "pipeline".to_owned();
    let Ok(pipeline) = state.pipeline() else {
        return Check { name, ok: false, detail: "shutting down".to_owned() };
    };
    let status = pipeline.status();
    let detail = match (status.is_stalled, status.is_disk_full) {
        (_, true) => "the disk is full".to_owned(),
        (true, false) => "commits fail".to_owned(),
        (false, false) => format!("{} waiting", status.n_waiting),
    };
    Check { name, ok: !status.is_stalled && !status.is_disk_full, detail }
}

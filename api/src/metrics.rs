//! `/metrics` in Prometheus' text format, and the times of requests.

use std::fmt::Write as _;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::Time;
use store::{LedgerRow, TimeRange};

use crate::problem::ApiError;
use crate::state::AppState;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) async fn render(State(state): State<AppState>) -> Result<Response, ApiError> {
    let mut text = state.prometheus.as_ref().map_or_else(String::new, |handle| handle.render());
    let ledger = state.store.ledger(TimeRange { start: Time::MIN, stop: Time::MAX }).await?;
    write_build_info(&mut text);
    write_readings(&mut text, &ledger);
    let headers = [(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}

const NEVER_FAILS: &str = "a String takes what is written";

fn write_build_info(text: &mut String) {
    writeln!(
        text,
        "# HELP tidewatch_build_info What is running.\n\
         # TYPE tidewatch_build_info gauge\n\
         tidewatch_build_info{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    )
    .expect(NEVER_FAILS);
}

/// From the ledger, so that the counters agree with it and outlive restarts.
fn write_readings(text: &mut String, ledger: &[LedgerRow]) {
    type Count = fn(&LedgerRow) -> u64;
    let outcomes: [(&str, Count); 4] = [
        ("stored", |row| row.stored),
        ("duplicate", |row| row.duplicate),
        ("quarantined", |row| row.quarantined),
        ("refused", |row| row.refused),
    ];
    let mut sources: Vec<&str> = ledger.iter().map(|row| row.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    text.push_str(
        "# HELP tidewatch_readings_total Readings received, by what became of them.\n\
         # TYPE tidewatch_readings_total counter\n",
    );
    for source in sources {
        for (outcome, count) in outcomes {
            let rows = ledger.iter().filter(|row| row.source.as_str() == source);
            let total: u64 = rows.map(count).sum();
            // A source's name has no character that would need an escape.
            writeln!(
                text,
                "tidewatch_readings_total{{source=\"{source}\",outcome=\"{outcome}\"}} {total}"
            )
            .expect(NEVER_FAILS);
        }
    }
}

/// Middleware: how long each route takes to answer.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route =
        request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::histogram!("api_request_seconds", "route" => route, "status" => status)
        .record(started.elapsed().as_secs_f64());
    response
}

#[cfg(test)]
mod tests {
    use model::SourceName;

    use super::*;

    #[test]
    fn hours_of_a_source_are_one_counter() {
        let row = |hour| LedgerRow {
            source: SourceName::parse("embedded").unwrap(),
            hour,
            received: 10,
            stored: 7,
            duplicate: 1,
            quarantined: 2,
            refused: 0,
            replaced: 1,
            lost_acknowledged: 0,
        };
        let mut text = String::new();
        write_readings(&mut text, &[row(Time::EPOCH), row(Time::MAX)]);
        let line = "tidewatch_readings_total{source=\"embedded\",outcome=\"quarantined\"} 4\n";
        assert!(text.contains(line), "{text}");
        assert_eq!(text.lines().count(), 6);
    }
}

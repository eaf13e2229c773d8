//! `/ledger`: what came in and what became of it, to the last reading.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Time;
use serde::{Deserialize, Serialize};
use store::{LedgerRow, TimeRange};
use utoipa::{IntoParams, ToSchema};

use crate::etag;
use crate::extract::ApiQuery;
use crate::identity::Caller;
use crate::observations::range_of;
use crate::problem::ApiError;
use crate::state::AppState;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerQuery {
    /// Default: the beginning. Hours of commit.
    #[param(format = DateTime)]
    start: Option<String>,
    /// Default: the present hour too.
    #[param(format = DateTime)]
    stop: Option<String>,
}

/// `received = stored + duplicate + quarantined + refused`, always.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ledger {
    items: Vec<LedgerItem>,
    total: LedgerTotal,
    /// Does the equation hold in every row?
    balanced: bool,
    /// What died below the ledger: packets above the limit, failed logins.
    rejected_connections: Vec<RejectedView>,
    /// Payloads that things counted and that never reached us.
    upstream_gaps: Vec<UpstreamGap>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LedgerItem {
    #[schema(example = "embedded")]
    source: String,
    #[schema(value_type = String, format = DateTime)]
    hour: Time,
    #[serde(flatten)]
    counts: LedgerCounts,
}

#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct LedgerCounts {
    received: u64,
    stored: u64,
    duplicate: u64,
    quarantined: u64,
    refused: u64,
    /// Part of `stored`: took the place of another value.
    replaced: u64,
    /// Commits acknowledged before a start that found the journal behind.
    lost_acknowledged: u64,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct LedgerTotal {
    #[serde(flatten)]
    counts: LedgerCounts,
    /// Rows that a reader sees: `stored - replaced`.
    visible: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct RejectedView {
    #[schema(example = "10.0.7.12")]
    peer: String,
    #[schema(example = "packet_too_large")]
    reason: String,
    #[schema(value_type = String, format = DateTime)]
    hour: Time,
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct UpstreamGap {
    thing: String,
    missing: u64,
}

impl From<&LedgerRow> for LedgerCounts {
    fn from(row: &LedgerRow) -> LedgerCounts {
        LedgerCounts {
            received: row.received,
            stored: row.stored,
            duplicate: row.duplicate,
            quarantined: row.quarantined,
            refused: row.refused,
            replaced: row.replaced,
            lost_acknowledged: row.lost_acknowledged,
        }
    }
}

impl LedgerCounts {
    pub(crate) fn plus(self, other: LedgerCounts) -> LedgerCounts {
        LedgerCounts {
            received: self.received + other.received,
            stored: self.stored + other.stored,
            duplicate: self.duplicate + other.duplicate,
            quarantined: self.quarantined + other.quarantined,
            refused: self.refused + other.refused,
            replaced: self.replaced + other.replaced,
            lost_acknowledged: self.lost_acknowledged + other.lost_acknowledged,
        }
    }

    pub(crate) fn is_balanced(&self) -> bool {
        self.received == self.stored + self.duplicate + self.quarantined + self.refused
            && self.replaced <= self.stored
    }
}

/// The ledger
#[utoipa::path(get, path = "/api/v1/ledger", operation_id = "get_ledger", tag = "operations",
    params(LedgerQuery),
    responses((status = 200, description = "By source and hour of commit", body = Ledger)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<LedgerQuery>,
) -> Result<Response, ApiError> {
    let hour = Duration::from_secs(3600);
    let default =
        TimeRange { start: Time::MIN, stop: state.clock.scene().floor_to(hour) + hour + hour };
    let range = range_of(query.start.as_deref(), query.stop.as_deref(), default)?;
    let rows = state.store.ledger(range).await?;
    let counts: Vec<LedgerCounts> = rows.iter().map(LedgerCounts::from).collect();
    let sum = counts.iter().fold(LedgerCounts::default(), |sum, counts| sum.plus(*counts));
    let ledger = Ledger {
        balanced: counts.iter().all(LedgerCounts::is_balanced),
        total: LedgerTotal { counts: sum, visible: sum.stored.saturating_sub(sum.replaced) },
        items: rows
            .into_iter()
            .zip(counts)
            .map(|(row, counts)| LedgerItem {
                source: row.source.to_string(),
                hour: row.hour,
                counts,
            })
            .collect(),
        rejected_connections: state
            .store
            .rejected(range)
            .await?
            .into_iter()
            .map(|row| RejectedView {
                peer: row.peer,
                reason: row.reason,
                hour: row.hour,
                count: row.count,
            })
            .collect(),
        upstream_gaps: state
            .pipeline()
            .map(|pipeline| pipeline.upstream_gaps())
            .unwrap_or_default()
            .into_iter()
            .map(|(thing, missing)| UpstreamGap { thing: thing.to_string(), missing })
            .collect(),
    };
    etag::respond(&headers, &ledger, None)
}

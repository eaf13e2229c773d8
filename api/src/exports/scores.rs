//! `/exports/scores`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Time;
use serde::Deserialize;
use store::{Cells, ScoreFilter, ScoreRow, Store, StoreError, Table, TimeRange};
use utoipa::IntoParams;

use super::Asked;
use super::encode::Facts;
use super::stream::{self, Export, Pages, ReadPage};
use crate::audit::audit;
use crate::cursor::{self, Query};
use crate::extract::ApiQuery;
use crate::identity::Caller;
use crate::indices::{feature_key, find_feature, find_index};
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::level_name;

/// Name and version of the columns.
const SCHEMA: &str = "scores/1";

/// Rows of a page; each carries its explanation, of 4 KiB at most.
const PAGE_ROWS: usize = 2_000;

/// The feature that is no township.
const COUNTY: &str = "county";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScoreExportQuery {
    /// First instant of evaluation. Default: 24 h before `stop`.
    #[param(format = DateTime)]
    start: Option<String>,
    /// First instant that is not in the range any more. Default: after the
    /// scene's present.
    #[param(format = DateTime)]
    stop: Option<String>,
    /// Index id, as `flood-typhoon`.
    index: Option<String>,
    /// Code of the township, or of the county.
    township: Option<String>,
    /// `csv`, `ndjson` or `parquet`; else `Accept` decides.
    format: Option<String>,
    /// 1: CSV begins with a byte order mark, which Excel needs.
    bom: Option<u8>,
    /// Ends after this many rows, or a few more of the same instant, with a
    /// marker and a cursor. Without it the export is whole.
    #[param(minimum = 1, maximum = 1_000_000_000)]
    limit: Option<u64>,
    /// The cursor of a file that ended at its limit.
    cursor: Option<String>,
}

/// Stored scores as a file
///
/// In order of time, index and township. Columns: `index`, `township`, `time`,
/// `score`, `level` (missing while grey), `grey`, `provisional`, `coverage`,
/// `confidence`, `origin`. A score is stored when something changed and at
/// whole hours, and holds until the next. Times of CSV and NDJSON are written
/// at `+08:00`, those of Parquet are UTC; `tz` is not offered. An export that
/// ended at its limit says so as that of observations does.
#[utoipa::path(get, path = "/api/v1/exports/scores", operation_id = "export_scores",
    tag = "exports", params(ScoreExportQuery),
    responses((status = 200, description = "The file", content(
        (String = "text/csv"), (String = "application/x-ndjson"),
        (String = "application/vnd.apache.parquet")))))]
pub(crate) async fn export(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<ScoreExportQuery>,
) -> Result<Response, ApiError> {
    let mut asked = Asked::parse(
        (query.start.as_deref(), query.stop.as_deref()),
        (query.format.as_deref(), query.bom),
        query.limit,
        &headers,
        &state.clock,
    )?;
    let index = query.index.as_deref().map(find_index).transpose()?;
    let feature = query.township.as_deref().map(|code| find_feature(&state, code)).transpose()?;
    let filter = ScoreFilter {
        index: index.map(|index| index.as_str().to_owned()),
        feature: feature.map(feature_key),
    };
    let bound = cursor_query(&query);
    if let Some(cursor) = &query.cursor {
        let start = bound.last_key(cursor)?.parse().ok();
        asked.range.start =
            start.and_then(|ms| Time::from_millis(ms).ok()).ok_or_else(cursor::invalid)?;
    }
    let TimeRange { start, stop } = asked.range;
    let detail = format!(
        "{} of {} from {start} to {stop}",
        filter.index.as_deref().unwrap_or("all indices"),
        filter.feature.as_deref().unwrap_or("all townships"),
    );
    audit(&state, &caller.identity, "export", "scores", detail).await?;
    let running = state.exports.begin(
        ("scores", asked.format.as_str()),
        caller.identity.actor(),
        state.clock.real(),
        asked.range,
    )?;
    let origin = state.store.origin().as_str();
    let pages = ScorePages {
        store: state.store.clone(),
        filter,
        left: asked.range,
        county: Arc::from(state.county.code.as_str()),
        origin: Arc::from(origin),
    };
    let export = Export {
        empty: pages.table(&[]),
        pages,
        running,
        facts: Facts { schema: SCHEMA, origin },
        limit: asked.limit,
        bound,
        shutdown: state.shutdown.clone(),
    };
    stream::answer(export, asked.format, asked.has_bom, "scores".to_owned()).await
}

fn cursor_query(query: &ScoreExportQuery) -> Query {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Query::new(
        "export_scores",
        &[
            ("start", &text(&query.start)),
            ("stop", &text(&query.stop)),
            ("index", &text(&query.index)),
            ("township", &text(&query.township)),
        ],
    )
}

struct ScorePages {
    store: Store,
    filter: ScoreFilter,
    left: TimeRange,
    county: Arc<str>,
    origin: Arc<str>,
}

impl Pages for ScorePages {
    async fn next(&mut self) -> Result<Option<ReadPage>, StoreError> {
        if self.left.stop <= self.left.start {
            return Ok(None);
        }
        let mut rows = self.store.scores(self.filter.clone(), self.left, PAGE_ROWS).await?;
        let Some(last) = rows.last().map(|row| row.at) else { return Ok(None) };
        if rows.len() < PAGE_ROWS {
            self.left.start = self.left.stop;
        } else {
            // The last instant may be cut in two: it belongs to the next page,
            // unless it is all there is, which no county comes near.
            let n_whole = rows.partition_point(|row| row.at < last);
            let is_all = n_whole == 0;
            rows.truncate(if is_all { rows.len() } else { n_whole });
            self.left.start = if is_all { last + Duration::from_millis(1) } else { last };
        }
        let times: Vec<Time> = rows.iter().map(|row| row.at).collect();
        Ok(Some(ReadPage { table: self.table(&rows), times, reached: self.left.start }))
    }
}

impl ScorePages {
    fn table(&self, rows: &[ScoreRow]) -> Table {
        let township = |row: &ScoreRow| match row.feature.as_str() {
            COUNTY => Arc::clone(&self.county),
            code => Arc::from(code),
        };
        let level = |row: &ScoreRow| row.level.map(|level| Arc::from(level_name(level)));
        Table {
            columns: vec![
                (
                    "index",
                    Cells::Text(rows.iter().map(|row| Some(Arc::from(&*row.index))).collect()),
                ),
                ("township", Cells::Text(rows.iter().map(|row| Some(township(row))).collect())),
                ("time", Cells::Time(rows.iter().map(|row| Some(row.at)).collect())),
                ("score", Cells::Number(rows.iter().map(|row| row.score).collect())),
                ("level", Cells::Text(rows.iter().map(level).collect())),
                ("grey", Cells::Flag(rows.iter().map(|row| row.grey).collect())),
                ("provisional", Cells::Flag(rows.iter().map(|row| row.provisional).collect())),
                ("coverage", Cells::Number(rows.iter().map(|row| Some(row.coverage)).collect())),
                (
                    "confidence",
                    Cells::Number(rows.iter().map(|row| Some(row.confidence)).collect()),
                ),
                ("origin", Cells::Text(rows.iter().map(|_| Some(self.origin.clone())).collect())),
            ],
        }
    }
}

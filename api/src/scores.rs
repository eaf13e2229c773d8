//! The stored scores of one township or of the county, and the explanation of
//! one of them.

use std::time::Duration;

use analytics::record::{NodeRecord, ScoreRecord};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use model::Time;
use serde::{Deserialize, Serialize};
use store::{ScoreFilter, ScoreRow, TimeRange};
use utoipa::{IntoParams, ToSchema};

use crate::cursor::{self, Query};
use crate::etag;
use crate::extract::{ApiPath, ApiQuery};
use crate::identity::Caller;
use crate::indices::{self, AtQuery, find_feature, find_index, no_score};
use crate::observations::range_of;
use crate::paging::{self, ROWS_MAX};
use crate::problem::{ApiError, Message, RequestContext};
use crate::state::AppState;
use crate::wire::{Node, Score, level_name, links};

const DEFAULT_LENGTH: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesQuery {
    /// Default: 24 h before `stop`.
    #[param(format = DateTime)]
    start: Option<String>,
    /// The first instant that is not in the range any more. Default: after
    /// the scene's present.
    #[param(format = DateTime)]
    stop: Option<String>,
    /// At most this many rows (default 100).
    #[param(minimum = 1, maximum = 100_000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Scores as they were stored: when something changed, and at whole hours.
/// Each holds until the next.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScoreSeries {
    #[schema(example = "flood-typhoon")]
    index: &'static str,
    #[schema(example = "330225101")]
    township: String,
    #[schema(example = "real")]
    origin: &'static str,
    /// Oldest first.
    items: Vec<ScorePoint>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ScorePoint {
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    #[schema(example = 62.4)]
    score: Option<f64>,
    #[schema(example = "yellow")]
    level: Option<&'static str>,
    grey: bool,
    provisional: bool,
    coverage: f64,
    confidence: f64,
}

impl From<&ScoreRow> for ScorePoint {
    fn from(row: &ScoreRow) -> ScorePoint {
        ScorePoint {
            time: row.at,
            score: row.score,
            level: row.level.map(level_name),
            grey: row.grey,
            provisional: row.provisional,
            coverage: row.coverage,
            confidence: row.confidence,
        }
    }
}

/// Stored scores of a township
///
/// `code` may be the county's. The range is half-open: `start` belongs to it,
/// `stop` does not.
#[utoipa::path(get, path = "/api/v1/indices/{index}/townships/{code}/scores",
    operation_id = "list_township_scores", tag = "indices",
    params(("index" = String, Path, description = "Index id, as `flood-typhoon`"),
        ("code" = String, Path, description = "Code of the township, or of the county"),
        SeriesQuery),
    responses((status = 200, description = "Scores, oldest first", body = ScoreSeries)))]
pub(crate) async fn series(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiPath((index, code)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<SeriesQuery>,
) -> Result<Response, ApiError> {
    let (index, feature) = (find_index(&index)?, find_feature(&state, &code)?);
    let limit = paging::limit(query.limit, ROWS_MAX)?;
    let stop = paging::filter("stop", query.stop.as_deref(), Time::parse)?
        .unwrap_or_else(|| state.clock.scene() + ONE_MS);
    let default = TimeRange { start: stop - DEFAULT_LENGTH, stop };
    let mut range = range_of(query.start.as_deref(), query.stop.as_deref(), default)?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let filters = [
        ("index", index.as_str()),
        ("code", &code),
        ("start", &text(&query.start)),
        ("stop", &text(&query.stop)),
    ];
    let bound = Query::new("list_township_scores", &filters);
    if let Some(cursor) = &query.cursor {
        let start = bound.last_key(cursor)?.parse().ok();
        range.start =
            start.and_then(|ms| Time::from_millis(ms).ok()).ok_or_else(cursor::invalid)?;
    }
    let filter = ScoreFilter {
        index: Some(index.as_str().to_owned()),
        feature: Some(indices::feature_key(feature)),
    };
    let mut rows = state.store.scores(filter, range, limit + 1).await?;
    let has_more = paging::cut(&mut rows, limit);
    let next = rows.last().filter(|_| has_more).map(|last| last.at.millis() + 1);
    let series = ScoreSeries {
        index: index.as_str(),
        township: code,
        origin: state.store.origin().as_str(),
        items: rows.iter().map(ScorePoint::from).collect(),
        next_cursor: next.map(|millis| bound.cursor(&millis.to_string())),
    };
    let mut response = etag::respond(&headers, &series, None)?;
    if let Some(link) = links(&uri.to_string(), series.next_cursor.as_deref()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

const ONE_MS: Duration = Duration::from_millis(1);

/// A score with everything that made it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explanation {
    #[schema(example = "flood-typhoon")]
    index: &'static str,
    #[schema(example = "330225101")]
    township: String,
    /// When the score was computed.
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    score: Score,
    tree: Node,
}

/// Why a township has the score it has
///
/// A tree in which the contributions of the parts of a node add up to its
/// score within 1e-9: of the latest score, or of the one that was shown at the
/// instant `at`. The county has no tree of its own.
#[utoipa::path(get, path = "/api/v1/indices/{index}/townships/{code}/explanation",
    operation_id = "get_explanation", tag = "indices",
    params(("index" = String, Path, description = "Index id, as `flood-typhoon`"),
        ("code" = String, Path, description = "Code of the township"), AtQuery),
    responses((status = 200, description = "The score and its tree", body = Explanation)))]
pub(crate) async fn explanation(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    _: Caller,
    headers: HeaderMap,
    ApiPath((index, code)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<AtQuery>,
) -> Result<Response, ApiError> {
    let (index, feature) = (find_index(&index)?, find_feature(&state, &code)?);
    let explained = |record: &ScoreRecord, tree: &NodeRecord| Explanation {
        index: index.as_str(),
        township: code.clone(),
        time: record.time,
        score: state.score_facts.score(record, context.language),
        tree: tree.into(),
    };
    let of = |record: &ScoreRecord| match &record.explanation {
        Some(tree) => Ok(explained(record, tree)),
        None => Err(ApiError::not_found(Message::NoExplanation).with_code("explanation_not_found")),
    };
    let answer = match query.parse()? {
        None => {
            let tick = indices::latest(&state)?;
            let found = |record: &&std::sync::Arc<ScoreRecord>| {
                record.index == index && record.feature == feature
            };
            of(tick.scores.iter().find(found).ok_or_else(no_score)?)?
        }
        Some(at) => {
            let key = indices::feature_key(feature);
            let rows = state.store.scores_at(index.as_str(), at).await?;
            let row = rows.iter().find(|row| row.feature == key).ok_or_else(no_score)?;
            of(&indices::decode(row)?)?
        }
    };
    etag::respond(&headers, &answer, None)
}

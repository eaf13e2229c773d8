//! `GET /observations`: windows of several datastreams side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use model::Time;
use serde::{Deserialize, Serialize};
use store::{DatastreamRecord, SeriesWindow};
use utoipa::{IntoParams, ToSchema};

use crate::cursor::{self, Query};
use crate::etag;
use crate::extract::StreamsQuery;
use crate::identity::Caller;
use crate::observations::{ObservationsQuery, find};
use crate::paging::{LIMIT_DEFAULT, ROWS_MAX};
use crate::problem::{ApiError, Kind, Message};
use crate::series::{self, AggregateName, Cut};
use crate::span;
use crate::state::AppState;
use crate::wire::links;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ColumnsQuery {
    /// First event time, RFC 3339 with offset (a `+` is written `%2B`).
    /// Default: 24 h before `stop`.
    #[param(format = DateTime)]
    start: Option<String>,
    /// First event time that is not in the range any more. Default: 10 min
    /// after the scene's present.
    #[param(format = DateTime)]
    stop: Option<String>,
    /// `start` in epoch milliseconds, as Grafana writes it.
    from: Option<i64>,
    /// `stop` in epoch milliseconds.
    to: Option<i64>,
    /// Length of windows, as `1h` or `PT1H`. This or `interval_ms` is needed.
    every: Option<String>,
    /// `every` in milliseconds, as Grafana writes it.
    interval_ms: Option<u64>,
    /// What is made of a window: `mean` (default), `min`, `max`, `sum`,
    /// `count`, `first`, `last` or `time_weighted_mean`.
    aggregate: Option<String>,
    /// IANA zone in which days are cut and times written (default
    /// `Asia/Shanghai`).
    tz: Option<String>,
    /// `hydro`: days begin at 08:00.
    day: Option<String>,
    /// At most this many windows (default 100); times the datastreams at most
    /// 100,000.
    #[param(minimum = 1, maximum = 100_000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Columns of equal length, one a datastream; `null` where a window has no
/// value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Columns {
    #[schema(example = "1h")]
    every: String,
    #[schema(example = "Asia/Shanghai")]
    tz: String,
    #[schema(example = "mean")]
    aggregate: &'static str,
    /// The windows' first instants; windows without any value are left out.
    time: Vec<String>,
    columns: BTreeMap<String, Vec<Option<f64>>>,
    /// UCUM; `null` for a property that has left the catalogue.
    units: BTreeMap<String, Option<&'static str>>,
    next_cursor: Option<String>,
}

/// Windows of several datastreams at once
///
/// At most 32 datastreams. The range is half-open: `start` belongs to it,
/// `stop` does not.
#[utoipa::path(get, path = "/api/v1/observations", operation_id = "list_columns",
    tag = "datastreams",
    params(("datastream" = Vec<String>, Query, explode, style = Form,
            description = "Datastream id, given once for each of them"),
        ColumnsQuery),
    responses((status = 200, description = "Columns, oldest window first", body = Columns)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    StreamsQuery { datastreams, rest: query }: StreamsQuery<ColumnsQuery>,
) -> Result<Response, ApiError> {
    if datastreams.is_empty() {
        return Err(ApiError::parameter("datastream", "is needed, once for each datastream"));
    }
    let records: Result<Vec<_>, ApiError> = datastreams.iter().map(|id| find(&state, id)).collect();
    let records = records?;
    let limit = limit(query.limit, records.len())?;
    let bound = cursor_query(&datastreams, &query);
    let (cursor, aggregate) = (query.cursor.clone(), query.aggregate.clone());
    let aggregate = AggregateName::parse(aggregate.as_deref())?;
    let mut span = span::parse(&query.into(), &state.clock)?;
    let windows = span.windows.clone();
    let windows = windows.ok_or_else(|| ApiError::parameter("every", "is needed"))?;
    if let Some(cursor) = cursor {
        let start = bound.last_key(&cursor)?.parse().ok();
        span.range.start =
            start.and_then(|ms| Time::from_millis(ms).ok()).ok_or_else(cursor::invalid)?;
    } else if span.range.stop <= span.range.start {
        return Err(ApiError::new(Kind::BadRequest, Message::RangeOrder));
    }

    let reading = async {
        let mut series: Vec<(Arc<DatastreamRecord>, Vec<SeriesWindow>)> = Vec::new();
        for record in records {
            let value = aggregate.of(&state, &record);
            let cut = Cut { range: span.range, step: windows.step, value };
            let found = series::windows(&state, &record, cut, limit + 1).await?;
            series.push((record, found));
        }
        Ok(series)
    };
    let series = series::within_limit(&state, reading).await?;
    let (starts, next) = align(&series, limit);
    let columns = Columns {
        every: windows.every.clone(),
        tz: span.tz.clone(),
        aggregate: aggregate.as_str(),
        time: starts.iter().map(|start| span.write(*start)).collect(),
        columns: series
            .iter()
            .map(|(r, found)| (r.id.to_string(), column(&starts, found)))
            .collect(),
        units: series.iter().map(|(r, _)| (r.id.to_string(), unit(&state, r))).collect(),
        next_cursor: next.map(|next| bound.cursor(&next.millis().to_string())),
    };
    let mut response = etag::respond(&headers, &columns, None)?;
    if let Some(link) = links(&uri.to_string(), columns.next_cursor.as_deref()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

fn limit(given: Option<usize>, n_datastreams: usize) -> Result<usize, ApiError> {
    let max = ROWS_MAX / n_datastreams.max(1);
    match given {
        None => Ok(LIMIT_DEFAULT.min(max)),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(limit) => {
            let reason = format!("{limit} is not within 1 and {max} for that many datastreams");
            Err(ApiError::parameter("limit", reason))
        }
    }
}

/// The first `limit` windows in which any datastream has a value, and the next
/// one after them. Each series was read one window further than `limit`, so
/// none of them ends before the last of these.
fn align(
    series: &[(Arc<DatastreamRecord>, Vec<SeriesWindow>)],
    limit: usize,
) -> (Vec<Time>, Option<Time>) {
    let all: BTreeSet<Time> =
        series.iter().flat_map(|(_, found)| found.iter().map(|window| window.start)).collect();
    let mut starts = all.into_iter();
    let page: Vec<Time> = starts.by_ref().take(limit).collect();
    (page, starts.next())
}

fn column(starts: &[Time], found: &[SeriesWindow]) -> Vec<Option<f64>> {
    let mut windows = found.iter().peekable();
    let value =
        |start: &Time| windows.next_if(|window| window.start == *start).map(|window| window.value);
    starts.iter().map(value).collect()
}

fn unit(state: &AppState, record: &DatastreamRecord) -> Option<&'static str> {
    state.catalogue.find(&record.id.property).map(|property| property.spec.unit.ucum())
}

fn cursor_query(datastreams: &[String], query: &ColumnsQuery) -> Query {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    Query::new(
        "list_columns",
        &[
            ("datastreams", &datastreams.join(" ")),
            ("start", &text(&query.start)),
            ("stop", &text(&query.stop)),
            ("from", &number(query.from)),
            ("to", &number(query.to)),
            ("every", &text(&query.every)),
            ("interval_ms", &query.interval_ms.map(|ms| ms.to_string()).unwrap_or_default()),
            ("aggregate", &text(&query.aggregate)),
            ("tz", &text(&query.tz)),
            ("day", &text(&query.day)),
        ],
    )
}

impl From<ColumnsQuery> for ObservationsQuery {
    fn from(query: ColumnsQuery) -> ObservationsQuery {
        let ColumnsQuery { start, stop, from, to, every, interval_ms, tz, day, .. } = query;
        let rest = ObservationsQuery::default();
        ObservationsQuery { start, stop, from, to, every, interval_ms, tz, day, ..rest }
    }
}

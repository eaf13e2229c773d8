//! `/datastreams/{id}/observations`: history, as it is or in windows.

use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use model::{DatastreamId, QualityTest, Time};
use serde::{Deserialize, Serialize};
use store::{Aggregate, AggregateRow, DatastreamRecord, StoredObservation, TimeRange};
use utoipa::{IntoParams, ToSchema};

use crate::cursor::{self, Query};
use crate::etag;
use crate::extract::{ApiPath, ApiQuery};
use crate::identity::Caller;
use crate::paging::{self, ROWS_MAX};
use crate::problem::{ApiError, Message};
use crate::span::{self, Span, Windows};
use crate::state::AppState;
use crate::wire::links;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ObservationsQuery {
    /// First event time, RFC 3339 with offset (a `+` is written `%2B`).
    /// Default: 24 h before `stop`.
    #[param(format = DateTime)]
    pub(crate) start: Option<String>,
    /// First event time that is not in the range any more. Default: 10 min
    /// after the scene's present.
    #[param(format = DateTime)]
    pub(crate) stop: Option<String>,
    /// `start` in epoch milliseconds, as Grafana writes it.
    pub(crate) from: Option<i64>,
    /// `stop` in epoch milliseconds.
    pub(crate) to: Option<i64>,
    /// Length of windows, as `1h` or `PT1H`; without it single observations.
    pub(crate) every: Option<String>,
    /// What is made of a window: `mean` (default), `min`, `max`, `sum`,
    /// `count`, `first`, `last`.
    pub(crate) aggregate: Option<String>,
    /// IANA zone in which days are cut and times written (default
    /// `Asia/Shanghai`).
    pub(crate) tz: Option<String>,
    /// `hydro`: days begin at 08:00.
    pub(crate) day: Option<String>,
    /// `rows`: pairs of epoch milliseconds and value.
    pub(crate) shape: Option<String>,
    /// At most this many rows (default 100).
    #[param(minimum = 1, maximum = 100_000)]
    pub(crate) limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// History of one datastream; `items` are observations, or windows when
/// `every` was given.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Series {
    Observations(ObservationPage),
    Windows(WindowPage),
    Rows(RowPage),
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObservationPage {
    #[schema(example = "hm-001/wind_speed")]
    datastream: String,
    /// UCUM.
    #[schema(example = "m/s")]
    unit: Option<&'static str>,
    items: Vec<Observation>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Observation {
    /// Event time.
    #[schema(format = DateTime)]
    time: String,
    /// Set when the value is a total of `[since, time]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    #[schema(example = 21.4)]
    value: f64,
    /// QARTOD flag: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing.
    #[schema(example = 1)]
    quality: u8,
    /// The tests behind the flag.
    quality_tests: Vec<&'static str>,
    #[schema(format = DateTime)]
    received: String,
    #[schema(example = 88_231)]
    commit: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WindowPage {
    datastream: String,
    unit: Option<&'static str>,
    #[schema(example = "1h")]
    every: String,
    #[schema(example = "Asia/Shanghai")]
    tz: String,
    #[schema(example = "mean")]
    aggregate: &'static str,
    items: Vec<Window>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Window {
    /// The window's first instant.
    #[schema(format = DateTime)]
    start: String,
    value: f64,
    /// Observations in it; fail and missing ones do not count.
    n: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowPage {
    datastream: String,
    unit: Option<&'static str>,
    /// `[epoch milliseconds, value]`
    #[schema(value_type = Vec<Vec<f64>>)]
    rows: Vec<(i64, f64)>,
    next_cursor: Option<String>,
}

const AGGREGATES: [(&str, Aggregate); 7] = [
    ("mean", Aggregate::Mean),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
    ("sum", Aggregate::Sum),
    ("count", Aggregate::Count),
    ("first", Aggregate::First),
    ("last", Aggregate::Last),
];

/// Observations of a datastream
///
/// The range is half-open: `start` belongs to it, `stop` does not. Values are
/// in the datastream's unit.
#[utoipa::path(get, path = "/api/v1/datastreams/{id}/observations",
    operation_id = "list_observations", tag = "datastreams",
    params(("id" = String, Path, description = "Datastream id, its `/` written `%2F`"),
        ObservationsQuery),
    responses((status = 200, description = "Observations or windows, oldest first",
        body = Series)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<ObservationsQuery>,
) -> Result<Response, ApiError> {
    let record = find(&state, &id)?;
    let mut span = span::parse(&query, &state.clock)?;
    let limit = paging::limit(query.limit, ROWS_MAX)?;
    let wants_rows = match query.shape.as_deref() {
        None => false,
        Some("rows") => true,
        Some(_) => return Err(ApiError::parameter("shape", "is not `rows`")),
    };
    let bound = cursor_query(&id, &query);
    if let Some(cursor) = &query.cursor {
        span.range.start = start_of(&bound.last_key(cursor)?)?;
    } else if span.range.stop <= span.range.start {
        return Err(ApiError::new(crate::problem::Kind::BadRequest, Message::RangeOrder));
    }

    let page = Paging { record: &record, bound: &bound, limit, wants_rows };
    let series = match &span.windows {
        Some(windows) => {
            let aggregate = parse_aggregate(query.aggregate.as_deref())?;
            page.windows(&state, &span, windows, aggregate).await?
        }
        None if query.aggregate.is_some() => {
            return Err(ApiError::parameter("aggregate", "needs `every`"));
        }
        None => page.observations(&state, &span).await?,
    };
    let next_cursor = match &series {
        Series::Observations(page) => page.next_cursor.as_deref(),
        Series::Windows(page) => page.next_cursor.as_deref(),
        Series::Rows(page) => page.next_cursor.as_deref(),
    };
    let mut response = etag::respond(&headers, &series, None)?;
    if let Some(link) = links(&uri.to_string(), next_cursor) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

pub(crate) fn find(
    state: &AppState,
    id: &str,
) -> Result<std::sync::Arc<DatastreamRecord>, ApiError> {
    let found =
        DatastreamId::parse(id).ok().and_then(|id| state.store.directory().find(&id).cloned());
    found.ok_or_else(|| {
        let shown = id.escape_debug().take(160).collect();
        ApiError::not_found(Message::NoSuchDatastream(shown)).with_code("datastream_not_found")
    })
}

fn parse_aggregate(given: Option<&str>) -> Result<(&'static str, Aggregate), ApiError> {
    let name = given.unwrap_or("mean");
    AGGREGATES.into_iter().find(|(known, _)| *known == name).ok_or_else(|| {
        let known = AGGREGATES.map(|(known, _)| known).join(", ");
        ApiError::parameter("aggregate", format!("is none of {known}"))
    })
}

/// The cursor holds where the next page starts; the query without `start`
/// stays what it was, so that a default of "now" does not make it foreign.
fn cursor_query(id: &str, query: &ObservationsQuery) -> Query {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    Query::new(
        "list_observations",
        &[
            ("id", id),
            ("start", &text(&query.start)),
            ("stop", &text(&query.stop)),
            ("from", &number(query.from)),
            ("to", &number(query.to)),
            ("every", &text(&query.every)),
            ("aggregate", &text(&query.aggregate)),
            ("tz", &text(&query.tz)),
            ("day", &text(&query.day)),
        ],
    )
}

fn start_of(key: &str) -> Result<Time, ApiError> {
    key.parse().ok().and_then(|millis| Time::from_millis(millis).ok()).ok_or_else(cursor::invalid)
}

struct Paging<'a> {
    record: &'a DatastreamRecord,
    bound: &'a Query,
    limit: usize,
    wants_rows: bool,
}

impl Paging<'_> {
    async fn observations(&self, state: &AppState, span: &Span) -> Result<Series, ApiError> {
        let read = state.store.observations(self.record.key, span.range, self.limit + 1);
        let mut found = read.await?;
        let has_more = paging::cut(&mut found, self.limit);
        let next = found.last().filter(|_| has_more).map(|last| last.time.millis() + 1);
        let (datastream, unit, next_cursor) = self.head(state, next);
        Ok(if self.wants_rows {
            let rows = found.iter().map(|row| (row.time.millis(), row.value)).collect();
            Series::Rows(RowPage { datastream, unit, rows, next_cursor })
        } else {
            let items = found.iter().map(|row| observation(row, span)).collect();
            Series::Observations(ObservationPage { datastream, unit, items, next_cursor })
        })
    }

    async fn windows(
        &self,
        state: &AppState,
        span: &Span,
        windows: &Windows,
        (name, aggregate): (&'static str, Aggregate),
    ) -> Result<Series, ApiError> {
        let key = self.record.key;
        let read = state.store.aggregate(key, span.range, windows.step, aggregate, self.limit + 1);
        let mut found = read.await?;
        let has_more = paging::cut(&mut found, self.limit);
        let next = found
            .last()
            .filter(|_| has_more)
            .map(|last| (last.start + windows.step.every).millis());
        let (datastream, unit, next_cursor) = self.head(state, next);
        Ok(if self.wants_rows {
            let rows = found.iter().map(|row| (row.start.millis(), row.value)).collect();
            Series::Rows(RowPage { datastream, unit, rows, next_cursor })
        } else {
            let items = found.iter().map(|row| window(row, span)).collect();
            Series::Windows(WindowPage {
                datastream,
                unit,
                every: windows.every.clone(),
                tz: span.tz.clone(),
                aggregate: name,
                items,
                next_cursor,
            })
        })
    }

    fn head(
        &self,
        state: &AppState,
        next: Option<i64>,
    ) -> (String, Option<&'static str>, Option<String>) {
        let property = state.catalogue.find(&self.record.id.property);
        let next_cursor = next.map(|millis| self.bound.cursor(&millis.to_string()));
        (self.record.id.to_string(), property.map(|p| p.spec.unit.ucum()), next_cursor)
    }
}

fn observation(row: &StoredObservation, span: &Span) -> Observation {
    Observation {
        time: span.write(row.time),
        since: row.since.map(|since| span.write(since)),
        value: row.value,
        quality: row.quality.flag().code(),
        quality_tests: row.quality.tests().map(test_name).collect(),
        received: span.write(row.received),
        commit: row.commit,
    }
}

fn window(row: &AggregateRow, span: &Span) -> Window {
    Window { start: span.write(row.start), value: row.value, n: row.n }
}

fn test_name(test: QualityTest) -> &'static str {
    match test {
        QualityTest::GrossRange => "gross_range",
        QualityTest::RateOfChange => "rate_of_change",
        QualityTest::Spike => "spike",
        QualityTest::FlatLine => "flat_line",
        QualityTest::ArrivalTime => "arrival_time",
        QualityTest::NotInService => "not_in_service",
    }
}

/// For `/ledger` and others that have a range and no windows.
pub(crate) fn range_of(
    start: Option<&str>,
    stop: Option<&str>,
    default: TimeRange,
) -> Result<TimeRange, ApiError> {
    let range = TimeRange {
        start: paging::filter("start", start, Time::parse)?.unwrap_or(default.start),
        stop: paging::filter("stop", stop, Time::parse)?.unwrap_or(default.stop),
    };
    if range.stop <= range.start {
        return Err(ApiError::new(crate::problem::Kind::BadRequest, Message::RangeOrder));
    }
    Ok(range)
}

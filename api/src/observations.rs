//! `/datastreams/{id}/observations`: history, as it is or in windows.

use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use model::{DatastreamId, QualityTest, Time};
use serde::{Deserialize, Serialize};
use store::{DatastreamRecord, Downsampling, SeriesWindow, StoredObservation, Thinned, TimeRange};
use utoipa::{IntoParams, ToSchema};

use crate::cursor::{self, Query};
use crate::etag;
use crate::extract::{ApiPath, ApiQuery};
use crate::identity::Caller;
use crate::paging::{self, ROWS_MAX};
use crate::problem::{ApiError, Message};
use crate::series::{self, AggregateName, Cut};
use crate::span::{self, Span};
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
    /// `every` in milliseconds, as Grafana writes it.
    pub(crate) interval_ms: Option<u64>,
    /// What is made of a window: `mean` (default), `min`, `max`, `sum`,
    /// `count`, `first`, `last`, or `time_weighted_mean`, for which a reading
    /// holds as a level until the next one, for three periods at most (24 h
    /// where the property has no period).
    pub(crate) aggregate: Option<String>,
    /// IANA zone in which days are cut and times written (default
    /// `Asia/Shanghai`).
    pub(crate) tz: Option<String>,
    /// `hydro`: days begin at 08:00.
    pub(crate) day: Option<String>,
    /// `rows`: pairs of epoch milliseconds and value.
    pub(crate) shape: Option<String>,
    /// The whole range in at most this many rows, thinned where there are
    /// more; instead of `limit` and `cursor`.
    #[param(minimum = 4, maximum = 100_000)]
    pub(crate) max_data_points: Option<usize>,
    /// How rows are thinned: `lttb` (default) keeps the line's look, `minmax`
    /// keeps lowest and highest values.
    pub(crate) downsample: Option<String>,
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
    #[serde(flatten)]
    thinning: Option<Thinning>,
    next_cursor: Option<String>,
}

/// Whether rows were left out; there when `max_data_points` was given.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct Thinning {
    #[schema(example = true)]
    downsampled: bool,
    /// `lttb`, `minmax`, or `minmax_lttb` for more than 100,000 rows; `null`
    /// when nothing was left out.
    #[schema(example = "lttb")]
    method: Option<&'static str>,
    /// Rows before.
    #[schema(example = 52_560)]
    n_before: u64,
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
    #[serde(flatten)]
    thinning: Option<Thinning>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Window {
    /// The window's first instant.
    #[schema(format = DateTime)]
    start: String,
    value: f64,
    /// Observations in it; those that failed do not count.
    n: u64,
    /// Share of the window in which a level was known; of time-weighted means.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowPage {
    datastream: String,
    unit: Option<&'static str>,
    /// `[epoch milliseconds, value]`
    #[schema(value_type = Vec<Vec<f64>>)]
    rows: Vec<(i64, f64)>,
    #[serde(flatten)]
    thinning: Option<Thinning>,
    next_cursor: Option<String>,
}

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
    let bound = cursor_query(&id, &query);
    let extent = Extent::parse(&query)?;
    let wants_rows = match query.shape.as_deref() {
        None => false,
        Some("rows") => true,
        Some(_) => return Err(ApiError::parameter("shape", "is not `rows`")),
    };
    if let Some(cursor) = &query.cursor {
        span.range.start = start_of(&bound.last_key(cursor)?)?;
    } else if span.range.stop <= span.range.start {
        return Err(ApiError::new(crate::problem::Kind::BadRequest, Message::RangeOrder));
    }

    let answer = Answer { state: &state, record: &record, bound: &bound, extent, wants_rows };
    let series = match &span.windows {
        Some(windows) => {
            let aggregate = AggregateName::parse(query.aggregate.as_deref())?;
            series::within_limit(&state, answer.windows(&span, windows, aggregate)).await?
        }
        None if query.aggregate.is_some() => {
            return Err(ApiError::parameter("aggregate", "needs `every`"));
        }
        None => series::within_limit(&state, answer.observations(&span)).await?,
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

/// How much of the range one answer holds.
#[derive(Debug, Clone, Copy)]
enum Extent {
    Page { limit: usize },
    Thinned { n_max: usize, downsampling: Downsampling },
}

impl Extent {
    fn parse(query: &ObservationsQuery) -> Result<Extent, ApiError> {
        let downsampling = series::downsampling(query.downsample.as_deref())?;
        match query.max_data_points {
            None if query.downsample.is_some() => {
                Err(ApiError::parameter("downsample", "needs `max_data_points`"))
            }
            None => Ok(Extent::Page { limit: paging::limit(query.limit, ROWS_MAX)? }),
            Some(_) if query.limit.is_some() || query.cursor.is_some() => {
                let reason = "is the whole range; leave `limit` and `cursor` out";
                Err(ApiError::parameter("max_data_points", reason))
            }
            Some(n_max) if (4..=ROWS_MAX).contains(&n_max) => {
                Ok(Extent::Thinned { n_max, downsampling })
            }
            Some(n_max) => {
                let reason = format!("{n_max} is not within 4 and {ROWS_MAX}");
                Err(ApiError::parameter("max_data_points", reason))
            }
        }
    }
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
            ("interval_ms", &query.interval_ms.map(|ms| ms.to_string()).unwrap_or_default()),
            ("aggregate", &text(&query.aggregate)),
            ("tz", &text(&query.tz)),
            ("day", &text(&query.day)),
        ],
    )
}

fn start_of(key: &str) -> Result<Time, ApiError> {
    key.parse().ok().and_then(|millis| Time::from_millis(millis).ok()).ok_or_else(cursor::invalid)
}

struct Answer<'a> {
    state: &'a AppState,
    record: &'a DatastreamRecord,
    bound: &'a Query,
    extent: Extent,
    wants_rows: bool,
}

impl Answer<'_> {
    async fn observations(&self, span: &Span) -> Result<Series, ApiError> {
        let (found, next, thinning) = match self.extent {
            Extent::Page { limit } => {
                let read = self.state.store.observations(self.record.key, span.range, limit + 1);
                let mut found = read.await?;
                let has_more = paging::cut(&mut found, limit);
                let next = found.last().filter(|_| has_more).map(|last| last.time.millis() + 1);
                (found, next, None)
            }
            Extent::Thinned { n_max, downsampling } => {
                let read =
                    series::thinned_rows(self.state, self.record, span.range, n_max, downsampling);
                let thinned = read.await?;
                let thinning = Thinning::of(&thinned);
                (thinned.rows, None, Some(thinning))
            }
        };
        let (datastream, unit, next_cursor) = self.head(next);
        Ok(if self.wants_rows {
            let rows = found.iter().map(|row| (row.time.millis(), row.value)).collect();
            Series::Rows(RowPage { datastream, unit, rows, thinning, next_cursor })
        } else {
            let items = found.iter().map(|row| observation(row, span)).collect();
            Series::Observations(ObservationPage { datastream, unit, items, thinning, next_cursor })
        })
    }

    async fn windows(
        &self,
        span: &Span,
        windows: &span::Windows,
        aggregate: AggregateName,
    ) -> Result<Series, ApiError> {
        let value = aggregate.of(self.state, self.record);
        let cut = Cut { range: span.range, step: windows.step, value };
        let (found, next, thinning) = match self.extent {
            Extent::Page { limit } => {
                let mut found = series::windows(self.state, self.record, cut, limit + 1).await?;
                let has_more = paging::cut(&mut found, limit);
                let last = found.last().filter(|_| has_more);
                let next = last.map(|last| (last.start + windows.step.every).millis());
                (found, next, None)
            }
            Extent::Thinned { n_max, downsampling } => {
                let read =
                    series::thinned_windows(self.state, self.record, cut, n_max, downsampling);
                let thinned = read.await?;
                let thinning = Thinning::of(&thinned);
                (thinned.rows, None, Some(thinning))
            }
        };
        let (datastream, unit, next_cursor) = self.head(next);
        Ok(if self.wants_rows {
            let rows = found.iter().map(|row| (row.start.millis(), row.value)).collect();
            Series::Rows(RowPage { datastream, unit, rows, thinning, next_cursor })
        } else {
            let items = found.iter().map(|row| window(row, span)).collect();
            Series::Windows(WindowPage {
                datastream,
                unit,
                every: windows.every.clone(),
                tz: span.tz.clone(),
                aggregate: aggregate.as_str(),
                items,
                thinning,
                next_cursor,
            })
        })
    }

    fn head(&self, next: Option<i64>) -> (String, Option<&'static str>, Option<String>) {
        let property = self.state.catalogue.find(&self.record.id.property);
        let next_cursor = next.map(|millis| self.bound.cursor(&millis.to_string()));
        (self.record.id.to_string(), property.map(|p| p.spec.unit.ucum()), next_cursor)
    }
}

impl Thinning {
    fn of<T>(thinned: &Thinned<T>) -> Thinning {
        Thinning {
            downsampled: thinned.method.is_some(),
            method: thinned.method,
            n_before: thinned.n_before,
        }
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

fn window(row: &SeriesWindow, span: &Span) -> Window {
    let SeriesWindow { start, value, n, coverage } = *row;
    Window { start: span.write(start), value, n, coverage }
}

pub(crate) fn test_name(test: QualityTest) -> &'static str {
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

//! `/exports/observations`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::{DatastreamId, Time};
use serde::Deserialize;
use store::{Cells, DatastreamKey, ExportReader, StoreError, StoredObservation, Table, TimeRange};
use utoipa::IntoParams;

use super::Asked;
use super::encode::Facts;
use super::stream::{self, Export, Pages, ReadPage};
use crate::audit::audit;
use crate::cursor::{self, Query};
use crate::datastreams::{StreamFilter, matching};
use crate::extract::StreamsQuery;
use crate::identity::Caller;
use crate::observations::find;
use crate::problem::ApiError;
use crate::state::AppState;

/// Name and version of the columns.
const SCHEMA: &str = "observations/1";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ObservationExportQuery {
    /// First event time, RFC 3339 with offset (a `+` is written `%2B`).
    /// Default: 24 h before `stop`.
    #[param(format = DateTime)]
    start: Option<String>,
    /// First event time that is not in the range any more. Default: after the
    /// scene's present.
    #[param(format = DateTime)]
    stop: Option<String>,
    /// Thing id.
    thing: Option<String>,
    /// Property id.
    property: Option<String>,
    /// Township code of the thing.
    township: Option<String>,
    /// Kind of the thing.
    kind: Option<String>,
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

/// Observations as a file
///
/// In order of time, then of datastream. Columns: `datastream`, `time`,
/// `value`, `unit`, `quality` (QARTOD flag), `quality_tests`, `since`,
/// `received`, `commit`, `origin`. Times of CSV and NDJSON are written at
/// `+08:00`, those of Parquet are UTC; `tz` is not offered. An export that
/// ended at its limit says so: CSV by a last line that begins with
/// `#truncated` and the cursor, NDJSON by a last object with `truncated` and
/// `next_cursor`, Parquet by the metadata key `tidewatch.truncated`.
#[utoipa::path(get, path = "/api/v1/exports/observations",
    operation_id = "export_observations", tag = "exports",
    params(("datastream" = Option<Vec<String>>, Query, explode, style = Form,
            description = "Datastream id, at most 32 of them; without any, all that the \
                           filters admit"),
        ObservationExportQuery),
    responses((status = 200, description = "The file", content(
        (String = "text/csv"), (String = "application/x-ndjson"),
        (String = "application/vnd.apache.parquet")))))]
pub(crate) async fn export(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    StreamsQuery { datastreams, rest: query }: StreamsQuery<ObservationExportQuery>,
) -> Result<Response, ApiError> {
    let mut asked = Asked::parse(
        (query.start.as_deref(), query.stop.as_deref()),
        (query.format.as_deref(), query.bom),
        query.limit,
        &headers,
        &state.clock,
    )?;
    let filter = StreamFilter::parse(
        query.thing.as_deref(),
        query.property.as_deref(),
        query.township.as_deref(),
        query.kind.as_deref(),
    )?;
    let bound = cursor_query(&datastreams, &query);
    if let Some(cursor) = &query.cursor {
        let start = bound.last_key(cursor)?.parse().ok();
        asked.range.start =
            start.and_then(|ms| Time::from_millis(ms).ok()).ok_or_else(cursor::invalid)?;
    }
    let names = names(&state, &datastreams, &filter)?;
    let TimeRange { start, stop } = asked.range;
    let detail = format!("{} datastreams from {start} to {stop}", names.len());
    audit(&state, &caller.identity, "export", "observations", detail).await?;
    let running = state.exports.begin(
        ("observations", asked.format.as_str()),
        caller.identity.actor(),
        state.clock.real(),
        asked.range,
    )?;
    let origin = state.store.origin().as_str();
    let reader = ExportReader::new(&state.store, names.keys().copied().collect(), asked.range);
    let pages = ObservationPages { reader, names, origin: Arc::from(origin) };
    let export = Export {
        empty: pages.table(Vec::new()),
        pages,
        running,
        facts: Facts { schema: SCHEMA, origin },
        limit: asked.limit,
        bound,
        shutdown: state.shutdown.clone(),
    };
    stream::answer(export, asked.format, asked.has_bom, "observations".to_owned()).await
}

/// What is written of a datastream: its id and unit.
struct Name {
    id: Arc<str>,
    unit: Option<Arc<str>>,
}

fn names(
    state: &AppState,
    given: &[String],
    filter: &StreamFilter,
) -> Result<HashMap<DatastreamKey, Name>, ApiError> {
    let directory = state.store.directory();
    let wanted: Result<Vec<DatastreamId>, ApiError> =
        given.iter().map(|id| Ok(find(state, id)?.id.clone())).collect();
    let wanted = wanted?;
    let admitted = matching(&directory, filter)
        .filter(|record| wanted.is_empty() || wanted.contains(&record.id));
    let name = |id: &DatastreamId| {
        let property = state.catalogue.find(&id.property);
        let unit = property.map(|property| Arc::from(property.spec.unit.ucum()));
        Name { id: Arc::from(id.to_string()), unit }
    };
    Ok(admitted.map(|record| (record.key, name(&record.id))).collect())
}

fn cursor_query(datastreams: &[String], query: &ObservationExportQuery) -> Query {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Query::new(
        "export_observations",
        &[
            ("datastreams", &datastreams.join(" ")),
            ("start", &text(&query.start)),
            ("stop", &text(&query.stop)),
            ("thing", &text(&query.thing)),
            ("property", &text(&query.property)),
            ("township", &text(&query.township)),
            ("kind", &text(&query.kind)),
        ],
    )
}

struct ObservationPages {
    reader: ExportReader,
    names: HashMap<DatastreamKey, Name>,
    origin: Arc<str>,
}

impl Pages for ObservationPages {
    async fn next(&mut self) -> Result<Option<ReadPage>, StoreError> {
        let Some(rows) = self.reader.next_page().await? else { return Ok(None) };
        let times = rows.iter().map(|(_, row)| row.time).collect();
        let table = self.table(rows);
        Ok(Some(ReadPage { table, times, reached: self.reader.position() }))
    }
}

impl ObservationPages {
    fn table(&self, rows: Vec<(DatastreamKey, StoredObservation)>) -> Table {
        let name = |key: &DatastreamKey| self.names.get(key);
        let tests = |row: &StoredObservation| {
            let tests: Vec<&str> =
                row.quality.tests().map(crate::observations::test_name).collect();
            (!tests.is_empty()).then(|| Arc::from(tests.join(" ")))
        };
        let commit = |commit: u64| i64::try_from(commit).unwrap_or(i64::MAX);
        Table {
            columns: vec![
                (
                    "datastream",
                    Cells::Text(rows.iter().map(|(k, _)| Some(name(k)?.id.clone())).collect()),
                ),
                ("time", Cells::Time(rows.iter().map(|(_, row)| Some(row.time)).collect())),
                ("value", Cells::Number(rows.iter().map(|(_, row)| Some(row.value)).collect())),
                ("unit", Cells::Text(rows.iter().map(|(k, _)| name(k)?.unit.clone()).collect())),
                (
                    "quality",
                    Cells::Integer(
                        rows.iter().map(|(_, row)| row.quality.flag().code().into()).collect(),
                    ),
                ),
                ("quality_tests", Cells::Text(rows.iter().map(|(_, row)| tests(row)).collect())),
                ("since", Cells::Time(rows.iter().map(|(_, row)| row.since).collect())),
                ("received", Cells::Time(rows.iter().map(|(_, row)| Some(row.received)).collect())),
                (
                    "commit",
                    Cells::Integer(rows.iter().map(|(_, row)| commit(row.commit)).collect()),
                ),
                ("origin", Cells::Text(rows.iter().map(|_| Some(self.origin.clone())).collect())),
            ],
        }
    }
}

//! `/datastreams` and `/datastreams/latest`.

use std::ops::Bound;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::{DatastreamId, PropertyId, ThingId, ThingKind, TownshipCode};
use serde::{Deserialize, Serialize};
use store::{DatastreamRecord, Directory, LatestRow, ThingRecord};
use utoipa::{IntoParams, ToSchema};

use crate::cursor::{self, Query};
use crate::etag;
use crate::extract::ApiQuery;
use crate::identity::Caller;
use crate::paging::{self, RESOURCES_MAX};
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::{LatestColumns, Levels, LocalizedText, Page};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DatastreamsQuery {
    /// Thing id.
    thing: Option<String>,
    /// Property id.
    property: Option<String>,
    /// Township code of the thing.
    township: Option<String>,
    /// Kind of the thing.
    kind: Option<String>,
    /// At most this many (default 100).
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LatestQuery {
    /// Thing id.
    thing: Option<String>,
    /// Property id.
    property: Option<String>,
    /// Township code of the thing.
    township: Option<String>,
    /// Kind of the thing.
    kind: Option<String>,
}

/// One thing's one observed property, in one unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Datastream {
    #[schema(example = "hm-001/wind_speed")]
    id: String,
    #[schema(example = "hm-001")]
    thing: String,
    #[schema(example = "wind_speed")]
    property: String,
    channel: Option<String>,
    /// UCUM; `null` for a property that has left the catalogue.
    #[schema(example = "m/s")]
    unit: Option<&'static str>,
    /// Of the property.
    name: Option<LocalizedText>,
    levels: Option<Levels>,
    datum: Option<String>,
    /// Expected period in seconds.
    #[schema(example = 600)]
    period_s: Option<f64>,
}

/// Which datastreams a query means.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamFilter {
    pub(crate) thing: Option<ThingId>,
    pub(crate) property: Option<PropertyId>,
    pub(crate) township: Option<TownshipCode>,
    pub(crate) kind: Option<ThingKind>,
}

impl StreamFilter {
    pub(crate) fn parse(
        thing: Option<&str>,
        property: Option<&str>,
        township: Option<&str>,
        kind: Option<&str>,
    ) -> Result<StreamFilter, ApiError> {
        Ok(StreamFilter {
            thing: paging::filter("thing", thing, ThingId::parse)?,
            property: paging::filter("property", property, PropertyId::parse)?,
            township: paging::filter("township", township, TownshipCode::parse)?,
            kind: paging::filter("kind", kind, str::parse)?,
        })
    }

    fn admits_thing(&self, record: &ThingRecord) -> bool {
        let thing = &record.thing;
        self.thing.as_ref().is_none_or(|id| *id == thing.id)
            && self.township.is_none_or(|code| Some(code) == thing.township)
            && self.kind.is_none_or(|kind| kind == thing.kind)
    }

    fn admits_stream(&self, id: &DatastreamId) -> bool {
        self.property.as_ref().is_none_or(|property| *property == id.property)
    }
}

/// Datastreams, by id
#[utoipa::path(get, path = "/api/v1/datastreams", operation_id = "list_datastreams",
    tag = "datastreams", params(DatastreamsQuery),
    responses((status = 200, description = "Datastreams", body = Page<Datastream>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<DatastreamsQuery>,
) -> Result<Response, ApiError> {
    let filter = StreamFilter::parse(
        query.thing.as_deref(),
        query.property.as_deref(),
        query.township.as_deref(),
        query.kind.as_deref(),
    )?;
    let limit = paging::limit(query.limit, RESOURCES_MAX)?;
    let bound = cursor_query(&query);
    let after = match &query.cursor {
        Some(text) => {
            let key = bound.last_key(text)?;
            Some(DatastreamId::parse(&key).map_err(|_| cursor::invalid())?)
        }
        None => None,
    };
    let directory = state.store.directory();
    let mut items: Vec<Datastream> = after_key(&directory, &filter, after.as_ref())
        .take(limit + 1)
        .map(|record| view(&state, &record))
        .collect();
    let has_more = paging::cut(&mut items, limit);
    let next_cursor = items.last().filter(|_| has_more).map(|last| bound.cursor(&last.id));
    Page { items, next_cursor }.respond(&headers, &uri.to_string())
}

fn cursor_query(query: &DatastreamsQuery) -> Query {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Query::new(
        "list_datastreams",
        &[
            ("thing", &text(&query.thing)),
            ("property", &text(&query.property)),
            ("township", &text(&query.township)),
            ("kind", &text(&query.kind)),
        ],
    )
}

/// By thing, then by the name below it: a total order that inserts keep.
fn after_key<'a>(
    directory: &'a Directory,
    filter: &'a StreamFilter,
    after: Option<&'a DatastreamId>,
) -> impl Iterator<Item = Arc<DatastreamRecord>> + 'a {
    let first = match (after, &filter.thing) {
        (Some(id), _) => Bound::Included(id.thing.clone()),
        (None, Some(thing)) => Bound::Included(thing.clone()),
        (None, None) => Bound::Unbounded,
    };
    let last = filter.thing.clone().map_or(Bound::Unbounded, Bound::Included);
    let is_empty = match (&first, &last) {
        (Bound::Included(first), Bound::Included(last)) => first > last,
        _ => false,
    };
    let range = (!is_empty).then(|| directory.things.range((first, last)));
    range.into_iter().flatten().filter(|(_, record)| filter.admits_thing(record)).flat_map(
        move |(_, record)| {
            let mut streams: Vec<(String, Arc<DatastreamRecord>)> = record
                .datastreams
                .values()
                .filter_map(|key| directory.datastreams.get(key))
                .filter(|stream| filter.admits_stream(&stream.id))
                .map(|stream| (stream.id.local_name(), Arc::clone(stream)))
                .filter(|(name, stream)| {
                    after.is_none_or(|id| id.thing != stream.id.thing || *name > id.local_name())
                })
                .collect();
            streams.sort_by(|(a, _), (b, _)| a.cmp(b));
            streams.into_iter().map(|(_, stream)| stream)
        },
    )
}

/// All of them.
pub(crate) fn matching<'a>(
    directory: &'a Directory,
    filter: &'a StreamFilter,
) -> impl Iterator<Item = Arc<DatastreamRecord>> + 'a {
    after_key(directory, filter, None)
}

fn view(state: &AppState, record: &DatastreamRecord) -> Datastream {
    let property = state.catalogue.find(&record.id.property);
    Datastream {
        id: record.id.to_string(),
        thing: record.id.thing.to_string(),
        property: record.id.property.to_string(),
        channel: record.id.channel.as_ref().map(ToString::to_string),
        unit: property.map(|property| property.spec.unit.ucum()),
        name: property.map(|property| (&property.spec.name).into()),
        levels: record.spec.levels.map(Levels::from),
        datum: record.spec.datum.clone(),
        period_s: property
            .and_then(|property| property.spec.period)
            .map(|period| period.as_secs_f64()),
    }
}

/// The latest observation of each datastream, in columns
#[utoipa::path(get, path = "/api/v1/datastreams/latest", operation_id = "list_latest",
    tag = "datastreams", params(LatestQuery),
    responses((status = 200, description = "Columns of equal length", body = LatestColumns)))]
pub(crate) async fn latest(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<LatestQuery>,
) -> Result<Response, ApiError> {
    let filter = StreamFilter::parse(
        query.thing.as_deref(),
        query.property.as_deref(),
        query.township.as_deref(),
        query.kind.as_deref(),
    )?;
    let columns = latest_columns(&state, &filter).await?;
    etag::respond(&headers, &columns, None)
}

/// What the journal holds now, of the datastreams that the filter admits.
pub(crate) async fn latest_columns(
    state: &AppState,
    filter: &StreamFilter,
) -> Result<LatestColumns, ApiError> {
    // Before the read: the picture holds at least everything up to it.
    let commit = state.store.last_commit();
    let rows = state.store.latest().await?;
    let directory = state.store.directory();
    let mut columns = LatestColumns {
        commit,
        as_of: state.clock.scene(),
        datastream: Vec::with_capacity(rows.len()),
        time: Vec::with_capacity(rows.len()),
        value: Vec::with_capacity(rows.len()),
        quality: Vec::with_capacity(rows.len()),
        received: Vec::with_capacity(rows.len()),
        unchanged_since: Vec::with_capacity(rows.len()),
    };
    for row in rows {
        if let Some(id) = admitted(&directory, filter, &row) {
            columns.push(id, &row);
        }
    }
    Ok(columns)
}

fn admitted<'a>(
    directory: &'a Directory,
    filter: &StreamFilter,
    row: &LatestRow,
) -> Option<&'a DatastreamId> {
    let id = &directory.datastreams.get(&row.datastream)?.id;
    let thing = directory.things.get(&id.thing)?;
    (filter.admits_thing(thing) && filter.admits_stream(id)).then_some(id)
}

impl LatestColumns {
    fn push(&mut self, id: &DatastreamId, row: &LatestRow) {
        self.datastream.push(id.to_string());
        self.time.push(row.observation.time);
        self.value.push(row.observation.value);
        self.quality.push(row.observation.quality.flag().code());
        self.received.push(row.observation.received);
        self.unchanged_since.push(row.unchanged_since);
    }
}

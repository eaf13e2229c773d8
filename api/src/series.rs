//! Reading history for an answer: page by page through the store, in windows
//! or thinned, within the time that a query may take.

use std::future::Future;
use std::time::Duration;

use store::{
    Aggregate, DatastreamRecord, Downsampling, SeriesReader, SeriesWindow, Step, StoredObservation,
    Thinned, Thinner, TimeRange, WindowValue, Windows,
};

use crate::problem::{ApiError, Message};
use crate::state::AppState;

/// Of a property without a period, whose readings are events.
const HOLD_OF_EVENTS: Duration = Duration::from_secs(24 * 3_600);

/// A level holds for this many periods.
const HOLD_PERIODS: u32 = 3;

const AGGREGATES: [(&str, Aggregate); 7] = [
    ("mean", Aggregate::Mean),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
    ("sum", Aggregate::Sum),
    ("count", Aggregate::Count),
    ("first", Aggregate::First),
    ("last", Aggregate::Last),
];

const TIME_WEIGHTED_MEAN: &str = "time_weighted_mean";

/// What is made of windows, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateName {
    Plain(&'static str, Aggregate),
    TimeWeightedMean,
}

impl AggregateName {
    pub(crate) fn parse(given: Option<&str>) -> Result<AggregateName, ApiError> {
        let name = given.unwrap_or("mean");
        if name == TIME_WEIGHTED_MEAN {
            return Ok(AggregateName::TimeWeightedMean);
        }
        let found = AGGREGATES.into_iter().find(|(known, _)| *known == name);
        found.map(|(name, aggregate)| AggregateName::Plain(name, aggregate)).ok_or_else(|| {
            let known = AGGREGATES.map(|(known, _)| known).join(", ");
            ApiError::parameter("aggregate", format!("is none of {known}, {TIME_WEIGHTED_MEAN}"))
        })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            AggregateName::Plain(name, _) => name,
            AggregateName::TimeWeightedMean => TIME_WEIGHTED_MEAN,
        }
    }

    /// For one datastream: how long its levels hold follows its period.
    pub(crate) fn of(self, state: &AppState, record: &DatastreamRecord) -> WindowValue {
        match self {
            AggregateName::Plain(_, aggregate) => WindowValue::Of(aggregate),
            AggregateName::TimeWeightedMean => {
                let property = state.catalogue.find(&record.id.property);
                let period = property.and_then(|property| property.spec.period);
                WindowValue::TimeWeightedMean {
                    hold_max: period.map_or(HOLD_OF_EVENTS, |period| period * HOLD_PERIODS),
                    known_until: state.clock.scene(),
                }
            }
        }
    }
}

pub(crate) fn downsampling(given: Option<&str>) -> Result<Downsampling, ApiError> {
    match given {
        None | Some("lttb") => Ok(Downsampling::Lttb),
        Some("minmax") => Ok(Downsampling::MinMax),
        Some(_) => Err(ApiError::parameter("downsample", "is none of lttb, minmax")),
    }
}

/// Ends what takes longer than a query may, and says what to narrow.
pub(crate) async fn within_limit<T>(
    state: &AppState,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    within(state.options.query_max, work).await
}

async fn within<T>(
    query_max: Duration,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    match tokio::time::timeout(query_max, work).await {
        Ok(answer) => answer,
        Err(_) => {
            let message = Message::QueryTooLong { seconds: query_max.as_secs() };
            Err(ApiError::unavailable(message).with_code("query_too_long"))
        }
    }
}

/// How a series is cut into windows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) range: TimeRange,
    pub(crate) step: Step,
    pub(crate) value: WindowValue,
}

/// The first `limit` windows that have a value.
pub(crate) async fn windows(
    state: &AppState,
    record: &DatastreamRecord,
    cut: Cut,
    limit: usize,
) -> Result<Vec<SeriesWindow>, ApiError> {
    let mut found: Vec<SeriesWindow> = Vec::new();
    each_window(state, record, cut, |window| {
        if found.len() < limit {
            found.push(window);
        }
        found.len() < limit
    })
    .await?;
    Ok(found)
}

pub(crate) async fn thinned_windows(
    state: &AppState,
    record: &DatastreamRecord,
    cut: Cut,
    n_max: usize,
    downsampling: Downsampling,
) -> Result<Thinned<SeriesWindow>, ApiError> {
    let mut thinner =
        Thinner::new(cut.range, |window: &SeriesWindow| (window.start.millis(), window.value));
    each_window(state, record, cut, |window| {
        thinner.push(window);
        true
    })
    .await?;
    Ok(thinner.finish(n_max, downsampling))
}

/// Hands windows to `each` until it wants no more.
async fn each_window(
    state: &AppState,
    record: &DatastreamRecord,
    cut: Cut,
    mut each: impl FnMut(SeriesWindow) -> bool,
) -> Result<(), ApiError> {
    let mut windows = Windows::new(cut.step, cut.range, cut.value);
    let mut reader = SeriesReader::new(&state.store, record.key, windows.read_range());
    let mut wants_more = true;
    while let Some(rows) = reader.next_page().await? {
        for row in &rows {
            windows.push(row, &mut |window| wants_more = wants_more && each(window));
        }
        if !wants_more {
            return Ok(());
        }
    }
    windows.finish(&mut |window| wants_more = wants_more && each(window));
    Ok(())
}

pub(crate) async fn thinned_rows(
    state: &AppState,
    record: &DatastreamRecord,
    range: TimeRange,
    n_max: usize,
    downsampling: Downsampling,
) -> Result<Thinned<StoredObservation>, ApiError> {
    let mut thinner = Thinner::new(range, |row: &StoredObservation| (row.time.millis(), row.value));
    let mut reader = SeriesReader::new(&state.store, record.key, range);
    while let Some(rows) = reader.next_page().await? {
        rows.into_iter().for_each(|row| thinner.push(row));
    }
    Ok(thinner.finish(n_max, downsampling))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::response::IntoResponse;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_query_that_takes_too_long_is_told_what_to_narrow() {
        let never = std::future::pending::<Result<(), ApiError>>();
        let refused = within(Duration::from_secs(20), never).await.unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(within(Duration::from_secs(20), async { Ok(()) }).await.is_ok());
    }
}

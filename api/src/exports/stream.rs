//! Pages in, bytes out, at the pace of the client. Nothing runs while nobody
//! reads: the stream is pulled, and its end is the drop of everything it held.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use model::Time;
use store::{StoreError, Table};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Format;
use super::encode::{Encoder, Facts};
use super::running::Running;
use crate::cursor::Query;
use crate::problem::ApiError;

/// Rows of a piece of time, and the instant up to which all were read.
pub(super) struct ReadPage {
    pub(super) table: Table,
    /// Event time of each row, in order.
    pub(super) times: Vec<Time>,
    pub(super) reached: Time,
}

/// Where rows come from, in order of time; an instant is never split.
pub(super) trait Pages: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Result<Option<ReadPage>, StoreError>> + Send;
}

/// An export under way.
pub(super) struct Export<P> {
    pub(super) pages: P,
    pub(super) running: Running,
    pub(super) facts: Facts,
    pub(super) empty: Table,
    pub(super) limit: Option<u64>,
    pub(super) bound: Query,
    pub(super) shutdown: CancellationToken,
}

/// A row that a page holds and the limit does not.
struct Cut {
    next: Time,
}

struct State<P> {
    export: Export<P>,
    encoder: Encoder,
    n_rows: u64,
}

const SCHEMA: HeaderName = HeaderName::from_static("tidewatch-schema");
const ORIGIN: HeaderName = HeaderName::from_static("tidewatch-origin");
const EXPORT: HeaderName = HeaderName::from_static("tidewatch-export");

/// The answer, once the first page was read: what fails until then is a
/// problem document, what fails later cuts the stream off.
pub(super) async fn answer<P: Pages>(
    export: Export<P>,
    format: Format,
    has_bom: bool,
    file_name: String,
) -> Result<Response, ApiError> {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (SCHEMA, HeaderValue::from_static(export.facts.schema)),
        (ORIGIN, HeaderValue::from_static(export.facts.origin)),
        (EXPORT, HeaderValue::from(export.running.number)),
    ];
    let disposition = format!("attachment; filename=\"{file_name}.{}\"", format.as_str());
    let encoder = Encoder::new(format, has_bom, &export.empty)?;
    let (first, state) = step(State { export, encoder, n_rows: 0 }).await?;
    let rest = stream::try_unfold(state, |state| async move {
        let Some(state) = state else { return Ok(None) };
        match step(state).await {
            Ok((bytes, state)) => Ok(Some((bytes, state))),
            Err(error) => {
                error!(%error, "an export broke off");
                Err(error)
            }
        }
    });
    let all = futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest);
    let disposition = [(header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, disposition, Body::from_stream(all)).into_response())
}

/// The next bytes, and what goes on from there; `None` after the last.
async fn step<P: Pages>(mut state: State<P>) -> Result<(Bytes, Option<State<P>>), StoreError> {
    loop {
        if state.export.shutdown.is_cancelled() {
            let detail = "the program stops; ask again".to_owned();
            return Err(StoreError::Unavailable { detail, source: None });
        }
        let Some(mut page) = state.export.pages.next().await? else {
            return Ok((finish(state, None).await?, None));
        };
        let left = state.export.limit.map(|limit| limit.saturating_sub(state.n_rows));
        let cut = left.and_then(|left| cut(&mut page, left));
        let n_rows = page.times.len() as u64;
        state.n_rows += n_rows;
        state.export.running.advance(n_rows, page.reached);
        let State { export, mut encoder, n_rows } = state;
        let table = page.table;
        let (bytes, encoder) = blocking(move || {
            let bytes = encoder.write(table)?;
            Ok((bytes, encoder))
        })
        .await?;
        state = State { export, encoder, n_rows };
        if let Some(Cut { next }) = cut {
            let mut bytes = bytes;
            bytes.extend(finish(state, Some(next)).await?);
            return Ok((bytes.into(), None));
        }
        // Parquet gathers rows for a row group; there is nothing to send yet.
        if !bytes.is_empty() {
            return Ok((bytes.into(), Some(state)));
        }
    }
}

/// Cuts a page to the first `left` rows and what else is of their last
/// instant, so that the cursor can go on at an instant.
fn cut(page: &mut ReadPage, left: u64) -> Option<Cut> {
    let left = usize::try_from(left).unwrap_or(usize::MAX).max(1);
    let last = *page.times.get(left - 1)?;
    let n_kept = page.times.partition_point(|time| *time <= last);
    let next = *page.times.get(n_kept)?;
    page.times.truncate(n_kept);
    page.table.truncate(n_kept);
    page.reached = next;
    Some(Cut { next })
}

async fn finish<P>(state: State<P>, next: Option<Time>) -> Result<Bytes, StoreError> {
    let State { export, encoder, .. } = state;
    let Export { facts, empty, bound, .. } = export;
    let cursor = next.map(|next| bound.cursor(&next.millis().to_string()));
    blocking(move || encoder.finish(&facts, cursor.as_deref(), &empty)).await.map(Bytes::from)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Unavailable {
        detail: format!("an export did not finish: {error}"),
        source: None,
    })?
}

//! Streams of rows: reading one row at a time, and merging several streams.

use super::{PAGE_ROWS, Pages, PagesSender, Row};
use crate::StoreError;

/// A stream of which the next row can be looked at.
pub(super) struct Cursor {
    pages: Pages,
    page: std::vec::IntoIter<Row>,
    is_done: bool,
}

impl Cursor {
    pub(super) fn new(pages: Pages) -> Cursor {
        Cursor { pages, page: Vec::new().into_iter(), is_done: false }
    }

    async fn peek(&mut self) -> Result<Option<Row>, StoreError> {
        loop {
            if let Some(row) = self.page.as_slice().first() {
                return Ok(Some(*row));
            }
            if self.is_done {
                return Ok(None);
            }
            match self.pages.recv().await {
                Some(page) => self.page = page?.into_iter(),
                None => self.is_done = true,
            }
        }
    }

    fn skip(&mut self) {
        self.page.next();
    }
}

/// Merges streams into one. Where two have the same key, the later one of
/// `sources` wins.
pub(super) async fn merge(mut sources: Vec<Cursor>, into: PagesSender) {
    let mut page = Vec::new();
    loop {
        let next = match next(&mut sources).await {
            Ok(next) => next,
            Err(error) => {
                let _ = into.send(Err(error)).await;
                return;
            }
        };
        let is_end = next.is_none();
        page.extend(next);
        if (is_end && !page.is_empty()) || page.len() == PAGE_ROWS {
            // Nobody wants the rest when this fails.
            if into.send(Ok(std::mem::take(&mut page))).await.is_err() {
                return;
            }
        }
        if is_end {
            return;
        }
    }
}

async fn next(sources: &mut [Cursor]) -> Result<Option<Row>, StoreError> {
    let mut first: Option<Row> = None;
    for source in sources.iter_mut() {
        if let Some(row) = source.peek().await?
            && first.is_none_or(|first| row.key() <= first.key())
        {
            first = Some(row);
        }
    }
    if let Some(first) = first {
        for source in sources.iter_mut() {
            if source.peek().await?.is_some_and(|row| row.key() == first.key()) {
                source.skip();
            }
        }
    }
    Ok(first)
}

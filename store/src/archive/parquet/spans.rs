//! Where each datastream lies, gathered from the rows in their order.

use crate::archive::{Row, Span};
use crate::rows::DatastreamKey;

#[derive(Debug, Default)]
pub(super) struct Spans {
    pub(super) found: Vec<Span>,
    n_rows: u64,
    last: Option<(DatastreamKey, u64)>,
    before_group: Option<(DatastreamKey, u64)>,
}

impl Spans {
    pub(super) fn add(&mut self, row: &Row) {
        let (datastream, time) = row.key();
        match self.found.last_mut() {
            Some(span) if span.datastream == datastream => {
                span.n_rows += 1;
                span.time_max = time;
            }
            _ => self.found.push(Span {
                datastream,
                row_first: self.n_rows,
                n_rows: 1,
                time_min: time,
                time_max: time,
            }),
        }
        self.n_rows += 1;
        self.last = Some((datastream, row.observation.commit));
    }

    /// The last row before the row group under way.
    pub(super) fn commit_before_group(&self) -> Option<(DatastreamKey, u64)> {
        self.before_group
    }

    pub(super) fn end_group(&mut self) {
        self.before_group = self.last;
    }
}

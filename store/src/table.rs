//! A stretch of a table in columns: what leaves the program as CSV, NDJSON or
//! Parquet. Pure data; who writes it where is decided outside.

use std::sync::Arc;

use model::Time;

/// Columns of equal length.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub columns: Vec<(&'static str, Cells)>,
}

/// The cells of one column; only what may be missing is optional.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    Text(Vec<Option<Arc<str>>>),
    Number(Vec<Option<f64>>),
    Integer(Vec<i64>),
    Time(Vec<Option<Time>>),
    Flag(Vec<bool>),
}

impl Cells {
    pub fn len(&self) -> usize {
        match self {
            Cells::Text(cells) => cells.len(),
            Cells::Number(cells) => cells.len(),
            Cells::Integer(cells) => cells.len(),
            Cells::Time(cells) => cells.len(),
            Cells::Flag(cells) => cells.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn empty(&self) -> Cells {
        match self {
            Cells::Text(_) => Cells::Text(Vec::new()),
            Cells::Number(_) => Cells::Number(Vec::new()),
            Cells::Integer(_) => Cells::Integer(Vec::new()),
            Cells::Time(_) => Cells::Time(Vec::new()),
            Cells::Flag(_) => Cells::Flag(Vec::new()),
        }
    }
}

impl Table {
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| cells.len())
    }

    /// The same columns without rows.
    pub fn empty(&self) -> Table {
        let columns = self.columns.iter().map(|(name, cells)| (*name, cells.empty())).collect();
        Table { columns }
    }

    /// Takes all rows out; the columns stay.
    pub fn take_rows(&mut self) -> Table {
        let empty = self.empty();
        std::mem::replace(self, empty)
    }

    pub fn truncate(&mut self, n_rows: usize) {
        for (_, cells) in &mut self.columns {
            match cells {
                Cells::Text(cells) => cells.truncate(n_rows),
                Cells::Number(cells) => cells.truncate(n_rows),
                Cells::Integer(cells) => cells.truncate(n_rows),
                Cells::Time(cells) => cells.truncate(n_rows),
                Cells::Flag(cells) => cells.truncate(n_rows),
            }
        }
    }

    /// Adds the rows of a table with the same columns.
    pub fn append(&mut self, other: Table) {
        debug_assert_eq!(self.columns.len(), other.columns.len());
        for ((_, cells), (_, more)) in self.columns.iter_mut().zip(other.columns) {
            match (cells, more) {
                (Cells::Text(cells), Cells::Text(more)) => cells.extend(more),
                (Cells::Number(cells), Cells::Number(more)) => cells.extend(more),
                (Cells::Integer(cells), Cells::Integer(more)) => cells.extend(more),
                (Cells::Time(cells), Cells::Time(more)) => cells.extend(more),
                (Cells::Flag(cells), Cells::Flag(more)) => cells.extend(more),
                (cells, more) => debug_assert!(false, "{cells:?} is not of the kind of {more:?}"),
            }
        }
    }
}

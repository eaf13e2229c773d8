//! A table as a Parquet file, row group by row group, for somebody outside.
//!
//! Bytes come out as they are written; only the footer makes them a file, so
//! a stream that breaks is no shorter valid file.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use polars::io::parquet::write::{
    BatchedWriter, KeyValueMetadata, ParquetCompression, ParquetMetadataContext, ParquetWriter,
    StatisticsOptions,
};
use polars::prelude::{
    Column, DataFrame, DataType, IntoColumn, NamedFrom, PolarsError, PolarsResult, Series,
    TimeUnit, TimeZone,
};

use crate::StoreError;
use crate::table::{Cells, Table};

/// What the writer has written and nobody has taken yet.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An export under way. Its work is compression: call it where blocking is
/// allowed.
pub struct ParquetExport {
    writer: BatchedWriter<Written>,
    written: Written,
}

impl ParquetExport {
    /// `table` tells the columns; its rows are not written.
    pub fn new(table: &Table) -> Result<ParquetExport, StoreError> {
        let written = Written::default();
        let frame = frame(table).map_err(|error| failed(&error))?;
        let writer = ParquetWriter::new(written.clone())
            .with_compression(ParquetCompression::Zstd(None))
            .with_statistics(StatisticsOptions::default())
            .set_parallel(false)
            .batched(frame.schema())
            .map_err(|error| failed(&error))?;
        Ok(ParquetExport { writer, written })
    }

    /// One row group of the rows; the bytes so far.
    pub fn write(&mut self, table: &Table) -> Result<Vec<u8>, StoreError> {
        if table.n_rows() > 0 {
            let frame = frame(table).map_err(|error| failed(&error))?;
            self.writer.write_batch(&frame).map_err(|error| failed(&error))?;
        }
        Ok(self.written.take())
    }

    /// The footer, with these texts as the file's metadata.
    pub fn finish(self, metadata: Vec<(String, String)>) -> Result<Vec<u8>, StoreError> {
        let context = ParquetMetadataContext { arrow_schema: "" };
        let ended = KeyValueMetadata::from_static(metadata).collect(context).and_then(|texts| {
            let writer = self.writer.get_writer();
            writer.lock().unwrap_or_else(PoisonError::into_inner).end(Some(texts))
        });
        ended.map_err(|error| failed(&error))?;
        Ok(self.written.take())
    }
}

impl std::fmt::Debug for ParquetExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetExport").finish_non_exhaustive()
    }
}

fn failed(error: &PolarsError) -> StoreError {
    StoreError::Unavailable { detail: format!("write Parquet: {error}"), source: None }
}

fn frame(table: &Table) -> PolarsResult<DataFrame> {
    let columns: PolarsResult<Vec<Column>> =
        table.columns.iter().map(|(name, cells)| column(name, cells)).collect();
    DataFrame::new(table.n_rows(), columns?)
}

fn column(name: &'static str, cells: &Cells) -> PolarsResult<Column> {
    let series = match cells {
        Cells::Text(cells) => {
            let texts: Vec<Option<&str>> = cells.iter().map(Option::as_deref).collect();
            Series::new(name.into(), texts)
        }
        Cells::Number(cells) => Series::new(name.into(), cells),
        Cells::Integer(cells) => Series::new(name.into(), cells),
        Cells::Flag(cells) => Series::new(name.into(), cells),
        Cells::Time(cells) => {
            let millis: Vec<Option<i64>> =
                cells.iter().map(|time| time.map(model::Time::millis)).collect();
            let utc = DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC));
            Series::new(name.into(), millis).cast(&utc)?
        }
    };
    Ok(series.into_column())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use model::Time;
    use polars::prelude::{ParquetReader, SerReader};

    use super::*;

    fn table(n: i64) -> Table {
        let time = |n: i64| Time::from_millis(n * 1000).ok();
        Table {
            columns: vec![
                ("datastream", Cells::Text((0..n).map(|_| Some(Arc::from("a/b"))).collect())),
                ("time", Cells::Time((0..n).map(time).collect())),
                ("value", Cells::Number((0..n).map(|n| Some(n as f64 / 4.0)).collect())),
                ("since", Cells::Time((0..n).map(|_| None).collect())),
                ("quality", Cells::Integer((0..n).collect())),
                ("grey", Cells::Flag((0..n).map(|n| n % 2 == 0).collect())),
            ],
        }
    }

    fn read(bytes: Vec<u8>) -> PolarsResult<DataFrame> {
        ParquetReader::new(Cursor::new(bytes)).finish()
    }

    #[test]
    fn pieces_become_one_file_that_reads_back() {
        let mut export = ParquetExport::new(&table(0)).unwrap();
        let mut bytes = export.write(&table(300)).unwrap();
        bytes.extend(export.write(&table(0)).unwrap());
        bytes.extend(export.write(&table(200)).unwrap());
        bytes.extend(export.finish(vec![("tidewatch.schema".into(), "x/1".into())]).unwrap());
        assert!(bytes.windows(16).any(|window| window == b"tidewatch.schema"));
        let found = read(bytes).unwrap();
        assert_eq!(found.height(), 500);
        let expected: Vec<i64> = (0..300).chain(0..200).collect();
        let column = |name: &str| found.column(name).unwrap().as_materialized_series().clone();
        let whole: Vec<i64> = column("quality").i64().unwrap().into_no_null_iter().collect();
        assert_eq!(whole, expected);
        let quarters: Vec<f64> = column("value").f64().unwrap().into_no_null_iter().collect();
        assert_eq!(quarters, expected.iter().map(|n| *n as f64 / 4.0).collect::<Vec<f64>>());
        let (flags, names) = (column("grey"), column("datastream"));
        for (place, n) in expected.iter().enumerate() {
            assert_eq!(flags.bool().unwrap().get(place), Some(n % 2 == 0));
            assert_eq!(names.str().unwrap().get(place), Some("a/b"));
        }
        assert_eq!((names.null_count(), column("since").null_count()), (0, 500));
        // The reader calls UTC `+00:00`.
        let time = column("time");
        assert!(matches!(time.dtype(), DataType::Datetime(TimeUnit::Milliseconds, Some(_))));
        assert_eq!(time.null_count(), 0);
    }

    #[test]
    fn a_file_without_rows_has_its_columns() {
        let export = ParquetExport::new(&table(0)).unwrap();
        let found = read(export.finish(Vec::new()).unwrap()).unwrap();
        assert_eq!((found.height(), found.width()), (0, 6));
    }

    #[test]
    fn without_its_footer_it_is_no_file() {
        let mut export = ParquetExport::new(&table(0)).unwrap();
        let bytes = export.write(&table(300)).unwrap();
        assert!(read(bytes).is_err());
    }
}

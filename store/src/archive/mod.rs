//! Parquet: what is written in its format.

mod parquet_export;

pub use parquet_export::ParquetExport;

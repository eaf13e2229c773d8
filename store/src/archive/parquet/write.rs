//! Writing a file: a row group at a time, durable before it is known.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use model::Time;
use polars::prelude::{
    Column, DataFrame, DataType, IntoSeries, NewChunkedArray, ParquetCompression, ParquetWriter,
    PolarsResult, Schema, TimeUnit, TimeZone,
};
use polars::prelude::{Int64Chunked, PlSmallStr};

use super::spans::Spans;
use super::{COLUMNS, damaged};
use crate::archive::digest::Digests;
use crate::archive::{HourSum, PAGE_ROWS, Pages, Row, Span};
use crate::files::private_file;
use crate::rows::DatastreamKey;
use crate::{Directory, StoreError};

/// How the name of a file ends that is not finished.
pub(super) const TEMPORARY: &str = ".tmp";

pub(super) struct Written {
    pub(super) hours: BTreeMap<Time, HourSum>,
    pub(super) spans: Vec<Span>,
}

pub(super) fn write(root: &Path, name: &str, mut rows: Pages) -> Result<Written, StoreError> {
    let mut digests = Digests::default();
    let mut spans = Spans::default();
    durably(root, name, |file| {
        let failed = |error| damaged(Path::new(name), &format!("it was not written: {error}"));
        let mut writer = writer(file).batched(&schema()).map_err(failed)?;
        let mut group: Vec<Row> = Vec::with_capacity(PAGE_ROWS);
        while let Some(page) = rows.blocking_recv() {
            for row in page? {
                digests.add(&row);
                spans.add(&row);
                group.push(row);
                if group.len() == PAGE_ROWS {
                    let frame = frame(&group, spans.commit_before_group()).map_err(failed)?;
                    writer.write_batch(&frame).map_err(failed)?;
                    spans.end_group();
                    group.clear();
                }
            }
        }
        if !group.is_empty() {
            let frame = frame(&group, spans.commit_before_group()).map_err(failed)?;
            writer.write_batch(&frame).map_err(failed)?;
        }
        writer.finish().map_err(failed).map(|_| ())
    })?;
    Ok(Written { hours: digests.finish(), spans: spans.found })
}

fn writer<W: Write>(file: W) -> ParquetWriter<W> {
    ParquetWriter::new(file)
        .with_compression(ParquetCompression::Zstd(None))
        .with_row_group_size(Some(PAGE_ROWS))
        .set_parallel(false)
}

fn time_type() -> DataType {
    DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
}

fn schema() -> Schema {
    let types = [
        DataType::UInt32,
        time_type(),
        time_type(),
        DataType::Float64,
        DataType::UInt32,
        DataType::Int64,
        DataType::Int64,
    ];
    COLUMNS.into_iter().map(PlSmallStr::from_static).zip(types).collect()
}

/// `before` is the row before the first one.
fn frame(rows: &[Row], before: Option<(DatastreamKey, u64)>) -> PolarsResult<DataFrame> {
    let [datastream, time, since, value, quality, received_after, commit_step] =
        COLUMNS.map(PlSmallStr::from_static);
    let column = |observation: fn(&Row) -> i64| rows.iter().map(observation).collect::<Vec<_>>();
    let times = column(|row| row.observation.time.millis());
    let sinces = rows.iter().map(|row| row.observation.since.map(Time::millis));
    let as_time = |numbers: Int64Chunked| {
        numbers.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_series().into()
    };
    let mut before = before;
    let steps = rows.iter().map(|row| {
        let commit = row.observation.commit;
        let base = before.filter(|(datastream, _)| *datastream == row.datastream);
        before = Some((row.datastream, commit));
        commit.wrapping_sub(base.map_or(0, |(_, commit)| commit)).cast_signed()
    });
    DataFrame::new(
        rows.len(),
        vec![
            Column::new(datastream, rows.iter().map(|row| row.datastream.0).collect::<Vec<_>>()),
            as_time(Int64Chunked::from_vec(time, times)),
            as_time(Int64Chunked::from_iter_options(since, sinces)),
            Column::new(value, rows.iter().map(|row| row.observation.value).collect::<Vec<_>>()),
            Column::new(
                quality,
                rows.iter().map(|r| u32::from(r.observation.quality.to_bits())).collect::<Vec<_>>(),
            ),
            Column::new(
                received_after,
                column(|row| row.observation.received.millis_since(row.observation.time)),
            ),
            Column::new(commit_step, steps.collect::<Vec<_>>()),
        ],
    )
}

/// The names of the keys, beside the days: rewritten as a whole.
pub(super) fn write_names(root: &Path, directory: &Directory) -> Result<(), StoreError> {
    const NAME: &str = "datastreams.parquet";
    let records: Vec<_> = directory.datastreams.values().collect();
    let text = |name: &'static str, of: &dyn Fn(&crate::DatastreamRecord) -> String| {
        let values: Vec<String> = records.iter().map(|record| of(record)).collect();
        Column::new(PlSmallStr::from_static(name), values)
    };
    let keys: Vec<u32> = records.iter().map(|record| record.key.0).collect();
    let columns = vec![
        Column::new(PlSmallStr::from_static("datastream"), keys),
        text("id", &|record| record.id.to_string()),
        text("thing", &|record| record.id.thing.to_string()),
        text("property", &|record| record.id.property.to_string()),
        text("channel", &|record| {
            record.id.channel.as_ref().map(ToString::to_string).unwrap_or_default()
        }),
    ];
    let failed = |error| damaged(&root.join(NAME), &format!("it was not written: {error}"));
    let mut frame = DataFrame::new(records.len(), columns).map_err(failed)?;
    let path = root.join(NAME);
    make_directory(root)?;
    let temporary = temporary(&path);
    let io =
        |error: &std::io::Error| StoreError::from_io(&format!("write {}", path.display()), error);
    let mut file = BufWriter::new(private_file(&temporary).map_err(|error| io(&error))?);
    file.get_ref().set_len(0).map_err(|error| io(&error))?;
    writer(&mut file).finish(&mut frame).map_err(failed)?;
    file.flush().and_then(|()| file.get_ref().sync_all()).map_err(|error| io(&error))?;
    std::fs::rename(&temporary, &path).map_err(|error| io(&error))
}

/// Runs `write` on a file of a temporary name and gives it its name when all
/// of it is on the disk.
fn durably(
    root: &Path,
    name: &str,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let path = root.join(name);
    let doing = format!("write archive file {}", path.display());
    let failed = |error: std::io::Error| StoreError::from_io(&doing, &error);
    let folder = path.parent().unwrap_or(root);
    make_directory(root)?;
    make_directory(folder)?;
    let temporary = temporary(&path);
    let file = private_file(&temporary).map_err(failed)?;
    file.set_len(0).map_err(failed)?;
    let mut file = BufWriter::new(file);
    let finish = || -> Result<(), StoreError> {
        write(&mut file)?;
        file.flush().map_err(failed)?;
        file.get_ref().sync_all().map_err(failed)?;
        // A file that is there already belongs to somebody else.
        let flags = rustix::fs::RenameFlags::NOREPLACE;
        let (from, to) = (&temporary, &path);
        rustix::fs::renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, flags)
            .map_err(|error| failed(error.into()))?;
        sync(folder)
    };
    let finished = finish();
    if finished.is_err() {
        // A full disk needs the room now; a start would remove it too.
        let _ = std::fs::remove_file(&temporary);
    }
    finished
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    PathBuf::from(name)
}

/// Makes a missing folder, so that a power cut does not take it away again.
fn make_directory(path: &Path) -> Result<(), StoreError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::from_io(&format!("create {}", path.display()), &error)),
    }
}

fn sync(directory: &Path) -> Result<(), StoreError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| StoreError::from_io(&format!("sync {}", directory.display()), &error))
}

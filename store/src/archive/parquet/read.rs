//! Reading a file: a row group at a time, or the slices that are wanted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use model::{Quality, Time};
use polars::prelude::{
    DataFrame, ParallelStrategy, ParquetReader, PolarsError, PolarsResult, SerReader, polars_err,
};
use sha2::{Digest, Sha256};

use super::spans::Spans;
use super::{COLUMNS, damaged};
use crate::archive::digest::Digests;
use crate::archive::{HourSum, PAGE_ROWS, PagesSender, Row, Slice, Span};
use crate::rows::DatastreamKey;
use crate::{StoreError, StoredObservation};

/// What a finished file is found to hold.
pub(crate) struct Found {
    pub(crate) n_bytes: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) hours: BTreeMap<Time, HourSum>,
    pub(crate) spans: Vec<Span>,
}

pub(crate) fn read_back(path: &Path) -> Result<Found, StoreError> {
    let (n_bytes, sha256) = sha256_of(path)?;
    let mut digests = Digests::default();
    let mut spans = Spans::default();
    each_page(path, &[], |page| {
        for row in &page {
            digests.add(row);
            spans.add(row);
        }
        true
    })?;
    Ok(Found { n_bytes, sha256, hours: digests.finish(), spans: spans.found })
}

/// Length and checksum of the bytes.
pub(crate) fn sha256_of(path: &Path) -> Result<(u64, [u8; 32]), StoreError> {
    let failed = |error| unreadable(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut n_bytes = 0;
    loop {
        let n = file.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            return Ok((n_bytes, sha256.finalize().into()));
        }
        n_bytes += n as u64;
        sha256.update(&buffer[..n]);
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::NotFound => damaged(path, "it is missing"),
        _ => damaged(path, &error.to_string()),
    }
}

/// Hands the rows to `sender` until nobody takes them.
pub(super) fn read(path: &Path, n_bytes: u64, n_rows: u64, slices: &[Slice], sender: &PagesSender) {
    let read = || -> Result<(), StoreError> {
        let found = path.metadata().map_err(|error| unreadable(path, &error))?.len();
        if found != n_bytes {
            let what = format!("it has {found} bytes and was written with {n_bytes}");
            return Err(damaged(path, &what));
        }
        let all = [Slice { row_first: 0, n_rows }];
        let slices = if slices.is_empty() { &all } else { slices };
        each_page(path, slices, |page| sender.blocking_send(Ok(page)).is_ok())
    };
    if let Err(error) = read() {
        let _ = sender.blocking_send(Err(error));
    }
}

/// Without slices all rows of the file come. `each` says whether it wants more.
fn each_page(
    path: &Path,
    slices: &[Slice],
    mut each: impl FnMut(Vec<Row>) -> bool,
) -> Result<(), StoreError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let failed = |error: PolarsError| damaged(path, &error.to_string());
    let open = || file.try_clone().map_err(|error| unreadable(path, &error));
    let mut first = ParquetReader::new(open()?);
    let metadata = first.get_metadata().map_err(failed)?.clone();
    let all = [Slice { row_first: 0, n_rows: metadata.num_rows as u64 }];
    for slice in if slices.is_empty() { &all } else { slices } {
        let mut before = None;
        let mut place = slice.row_first;
        let end = slice.row_first + slice.n_rows;
        if (metadata.num_rows as u64) < end {
            let what = format!("it has {} rows and {end} are expected", metadata.num_rows);
            return Err(damaged(path, &what));
        }
        while place < end {
            // Up to the next row group, so that none is unpacked twice.
            let group_end = (place / PAGE_ROWS as u64 + 1) * PAGE_ROWS as u64;
            let n = usize::try_from(group_end.min(end) - place).expect("at most a page");
            let at = usize::try_from(place).map_err(|_| damaged(path, "it is too large"))?;
            let mut reader = ParquetReader::new(open()?);
            reader.set_metadata(metadata.clone());
            let frame = reader
                .read_parallel(ParallelStrategy::RowGroups)
                .with_columns(Some(COLUMNS.map(str::to_owned).to_vec()))
                .with_slice(Some((at, n)))
                .finish()
                .map_err(failed)?;
            let page = rows(&frame, &mut before).map_err(failed)?;
            if page.len() != n {
                return Err(damaged(path, &format!("{} of {n} rows came", page.len())));
            }
            if !each(page) {
                return Ok(());
            }
            place += n as u64;
        }
    }
    Ok(())
}

/// `before` is the row before the first one, and afterwards the last one.
fn rows(frame: &DataFrame, before: &mut Option<(DatastreamKey, u64)>) -> PolarsResult<Vec<Row>> {
    let [datastream, time, since, value, quality, received_after, commit_step] = COLUMNS;
    let datastreams = frame.column(datastream)?.u32()?;
    let times = frame.column(time)?.datetime()?.physical();
    let sinces = frame.column(since)?.datetime()?.physical();
    let values = frame.column(value)?.f64()?;
    let qualities = frame.column(quality)?.u32()?;
    let delays = frame.column(received_after)?.i64()?;
    let steps = frame.column(commit_step)?.i64()?;

    let mut rows = Vec::with_capacity(frame.height());
    let mut columns = datastreams
        .iter()
        .zip(times.iter())
        .zip(sinces.iter())
        .zip(values.iter())
        .zip(qualities.iter())
        .zip(delays.iter())
        .zip(steps.iter());
    for ((((((key, time), since), value), quality), delay), step) in &mut columns {
        let (Some(key), Some(time), Some(value)) = (key, time, value) else {
            return Err(polars_err!(ComputeError: "a value is missing"));
        };
        let (Some(quality), Some(delay), Some(step)) = (quality, delay, step) else {
            return Err(polars_err!(ComputeError: "a value is missing"));
        };
        let datastream = DatastreamKey(key);
        let base = before.filter(|(before, _)| *before == datastream);
        let commit = base.map_or(0, |(_, commit)| commit).wrapping_add(step.cast_unsigned());
        *before = Some((datastream, commit));
        let bits = u16::try_from(quality)
            .map_err(|_| polars_err!(ComputeError: "quality {quality} is unknown"))?;
        let observation = StoredObservation {
            time: Time::from_millis_clamped(time),
            since: since.map(Time::from_millis_clamped),
            value,
            quality: Quality::from_bits(bits),
            received: Time::from_millis_clamped(time.saturating_add(delay)),
            commit,
        };
        rows.push(Row { datastream, observation });
    }
    Ok(rows)
}

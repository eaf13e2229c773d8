//! Plays a recorded series: the rows of a CSV file become readings of one
//! thing and go through the same doors as a device's.
//!
//! All rows are read and checked before anything is sent. Numbers keep their
//! value to the last bit, times may be shifted by one constant.

mod rows;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use codec::{Codec, EncodeOptions, Limits};
use model::{Clock, Reading};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::rows::{Column, Row, read};
use crate::door::{Device, Door, Session};
use crate::message::Message;
use crate::progress::{Progress, Summary};
use crate::run::{DRAIN_ON_SHUTDOWN_MAX, drain};

/// How many rows a message has at most.
const ROWS_PER_MESSAGE: usize = 200;

/// How many messages may wait for their acknowledgement.
const WINDOW: u16 = 100;

const QUEUE: usize = 16;

/// How long the last acknowledgements are waited for.
const DRAIN_MAX: Duration = Duration::from_secs(120);

#[derive(Debug, Clone)]
pub struct SeriesOptions {
    /// The content of the file.
    pub csv: Vec<u8>,
    pub device: Device,
    pub time_column: String,
    pub columns: Vec<Column>,
    /// Keeps the recorded times; else the last row is now, to the minute.
    pub as_recorded: bool,
    pub door: Door,
    pub clock: Clock,
}

/// What was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesSummary {
    pub rows: u64,
    pub readings: u64,
    /// Added to every recorded time.
    pub shift_ms: i64,
    pub delivered: Summary,
}

/// Plays the file. Ends when everything is acknowledged or refused, at
/// `shutdown`, or two minutes after the last message was handed over.
pub async fn play(
    options: SeriesOptions,
    shutdown: CancellationToken,
) -> anyhow::Result<SeriesSummary> {
    let mut rows = read(&options.csv, &options.time_column, &options.columns)?;
    let shift_ms = if options.as_recorded {
        0
    } else {
        rows::shift_to_end_at(&mut rows, options.clock.scene().floor_to(Duration::from_secs(60)))
    };
    let n_readings = rows.iter().map(|row| row.values.len() as u64).sum();
    let messages = messages(&rows, &options.columns)?;

    let progress = Arc::new(Progress::default());
    let (give_up, printed) = (CancellationToken::new(), CancellationToken::new());
    let (output, input) = mpsc::channel(QUEUE);
    let session = Session {
        door: Arc::new(options.door),
        device: options.device,
        window: WINDOW,
        progress: Arc::clone(&progress),
        give_up: give_up.clone(),
    };
    let printer = {
        let (progress, printed) = (Arc::clone(&progress), printed.clone());
        tokio::spawn(async move { progress.print(printed).await })
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(session.deliver(input));
    for message in messages {
        let n_readings = message.n_readings;
        // A message that is not handed over is not counted.
        tokio::select! {
            sent = output.send(message) => if sent.is_err() { break },
            () = shutdown.cancelled() => break,
        }
        progress.produced(n_readings);
    }
    drop(output);
    let drain_max = if shutdown.is_cancelled() { DRAIN_ON_SHUTDOWN_MAX } else { DRAIN_MAX };
    let outcome = drain(tasks, drain_max, &shutdown, &give_up).await;
    printed.cancel();
    printer.await.context("progress line")?;
    outcome?;
    let rows = rows.len() as u64;
    Ok(SeriesSummary { rows, readings: n_readings, shift_ms, delivered: progress.summary() })
}

/// Arrays of at most 200 objects, and of no more readings than a payload may have.
fn messages(rows: &[Row], columns: &[Column]) -> anyhow::Result<Vec<Message>> {
    let rows_max = (Limits::default().readings / columns.len().max(1)).clamp(1, ROWS_PER_MESSAGE);
    let batches = rows
        .chunks(rows_max)
        .map(|rows| rows.iter().flat_map(|row| row.readings(columns)).collect::<Vec<Reading>>());
    batches
        .filter(|readings| !readings.is_empty())
        .map(|readings| Message::encode(Codec::Json, &readings, &EncodeOptions::default()))
        .collect()
}

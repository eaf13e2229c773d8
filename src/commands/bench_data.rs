//! `bench-data`: made-up years into a new data directory.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use model::{Clock, Origin, SourceName, Time, TownshipCode};
use store::{Expected, Journal, ObservationRow, Rows, Store, StoreOptions, TickRow, TickWrite};

use crate::bench_data::{BenchYears, DOCUMENTS_PER_YEAR, scores_at, signal};
use crate::cli::BenchDataArgs;
use crate::config::{self, Config};

const HOUR: Duration = Duration::from_secs(3_600);
const HOURS_PER_YEAR: u32 = 365 * 24;

/// The last month has scores and ticks.
const SCORED_HOURS: u32 = 30 * 24;
const TICKS_PER_HOUR: u32 = 6;

/// Things of one transaction.
const THINGS_PAGE: usize = 500;

pub(crate) async fn bench_data(args: BenchDataArgs) -> anyhow::Result<()> {
    let config = config::load(None)?;
    let stop = Clock::System.real().floor_to(HOUR);
    let n_hours = args.years * HOURS_PER_YEAR;
    let start = stop - HOUR * n_hours;
    // Everything is stored with the time at which it was.
    let clock = Clock::manual(start);
    let store = open(&args, &clock).await?;
    let filled = fill(&args, &config, &store, &clock, n_hours).await;
    let closed = store.close().await.context("close the store");
    let n_rows = filled?;
    closed?;
    eprintln!("{n_rows} readings and reports of {n_hours} hours up to {stop}");
    Ok(())
}

async fn open(args: &BenchDataArgs, clock: &Clock) -> anyhow::Result<Store> {
    let options = StoreOptions {
        directory: args.data.clone(),
        origin: Some(Origin::Simulated),
        clock: clock.clone(),
        n_readers: 1,
        datastreams_per_thing_max: 200,
    };
    let opened = tokio::task::spawn_blocking(move || Store::open(options)).await;
    let opened = opened.context("open the store")?;
    let (store, report) = opened.with_context(|| format!("open {}", args.data.display()))?;
    if report.is_new {
        return Ok(store);
    }
    store.close().await.context("close the store")?;
    bail!("{} holds data already; name a new directory", args.data.display())
}

/// How many rows there are.
async fn fill(
    args: &BenchDataArgs,
    config: &Config,
    store: &Store,
    clock: &Clock,
    n_hours: u32,
) -> anyhow::Result<u64> {
    let mut things = super::scene::example_things(config)?.into_iter().peekable();
    while things.peek().is_some() {
        let page = things.by_ref().take(THINGS_PAGE).map(|thing| (thing, Expected::Any));
        store.put_things(page.collect()).await.context("register the things")?;
    }
    let source = SourceName::parse("bench-data").context("the source's name")?;
    let source = store.source(&source).await?;
    let years = BenchYears::new(args.seed, source, &store.directory(), &config.catalogue);
    let townships: Vec<TownshipCode> =
        config.county.townships.iter().map(|township| township.code).collect();

    let start = clock.scene();
    let n_documents = DOCUMENTS_PER_YEAR * args.years;
    let (mut n_rows, mut n_issued) = (0, 0);
    for n in 0..n_hours {
        let hour = start + HOUR * n;
        clock.set(hour + HOUR);
        let rows = years.hour(hour);
        n_rows += rows.len() as u64;
        put_hour(store, rows).await?;
        while n_issued * n_hours < n_documents * (n + 1) {
            let document = signal(args.seed, n_issued, hour);
            store.put_document(document, Expected::Any, "bench-data").await?;
            n_issued += 1;
        }
        if n + SCORED_HOURS >= n_hours {
            put_ticks(store, args.seed, hour, &townships).await?;
        }
        tell(n + 1, n_hours, n_rows);
    }
    Ok(n_rows)
}

/// The rows of an hour, in order of datastream and time, to where history is.
async fn put_hour(store: &Store, observations: Vec<ObservationRow>) -> anyhow::Result<()> {
    let rows = Arc::new(Rows { observations, ..Rows::default() });
    store.commit(&rows).await.context("store an hour")?;
    Ok(())
}

/// The ticks of an hour; the first of them left the scores.
async fn put_ticks(
    store: &Store,
    seed: u64,
    hour: Time,
    townships: &[TownshipCode],
) -> anyhow::Result<()> {
    for n in 0..TICKS_PER_HOUR {
        let at = hour + HOUR / TICKS_PER_HOUR * n;
        let scores = if n == 0 { scores_at(seed, at, townships) } else { Vec::new() };
        let write = TickWrite {
            tick: TickRow { at, commit: store.last_commit() },
            rows: Arc::default(),
            scores,
            alerts: Vec::new(),
            transitions: Vec::new(),
            memory: Vec::new(),
            outbox: Vec::new(),
        };
        store.write_tick(write).await.context("store a tick")?;
    }
    Ok(())
}

fn tell(n: u32, n_hours: u32, n_rows: u64) {
    let line = format!("{n_rows} rows, {} %", u64::from(n) * 100 / u64::from(n_hours));
    if std::io::stderr().is_terminal() {
        let end = if n == n_hours { "\n" } else { "" };
        eprint!("\r{line}{end}");
    } else if n.is_multiple_of((n_hours / 10).max(1)) {
        eprintln!("{line}");
    }
}

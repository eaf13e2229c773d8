//! The benchmark behind `make bench`: speed and memory of the release binary,
//! as ratios to something that only does the unavoidable part, in the same
//! run on the same machine. One table on the screen, and `target/bench.json`.
//!
//! `--only NAME` runs one measurement, `--quick` short ones.

mod acknowledge_only;
mod commit_only;
mod connections;
mod disk;
mod embedded;
mod fsync;
mod latency;
mod latest;
mod live;
mod load;
mod mqtt;
mod process;
mod ratio;
mod report;
mod scores;
mod setup;
mod stats;
mod storm;
mod through_mosquitto;
mod under_checkpoint;

#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use anyhow::{Context, bail};

use report::{Report, Row};

/// Connections, the server's files, and room to spare.
const OPEN_FILES_MIN: u64 = 4_096;

/// How long and how often each measurement runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Alternating runs of a ratio; odd, for the median.
    pub(crate) n_runs: usize,
    pub(crate) n_messages: usize,
    pub(crate) seconds: u64,
    pub(crate) long_seconds: u64,
}

const FULL: Scale = Scale { n_runs: 5, n_messages: 200_000, seconds: 5, long_seconds: 60 };
const QUICK: Scale = Scale { n_runs: 3, n_messages: 40_000, seconds: 2, long_seconds: 10 };

const NAMES: [&str; 9] =
    ["mosquitto", "embedded", "latency", "latest", "disk", "checkpoint", "scores", "live", "storm"];

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        // What the rivals run as, in processes of their own.
        ["acknowledge-only", port] => runtime.block_on(acknowledge_only::subscribe(port.parse()?)),
        ["commit-only", port, file] => {
            runtime.block_on(commit_only::serve(port.parse()?, file.as_ref()))
        }
        words => {
            let options = parse(words)?;
            runtime.block_on(measure(options))
        }
    }
}

struct Options {
    only: Option<String>,
    scale: Scale,
}

fn parse(words: &[&str]) -> anyhow::Result<Options> {
    let mut options = Options { only: None, scale: FULL };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            // Cargo adds it.
            "--bench" => {}
            "--quick" => options.scale = QUICK,
            "--only" => {
                let name = words.next().context("--only needs a name")?;
                if !NAMES.contains(name) {
                    bail!("no measurement is called `{name}`; there are {}", NAMES.join(", "));
                }
                options.only = Some((*name).to_owned());
            }
            other => bail!("`{other}` is no option; there are --only NAME and --quick"),
        }
    }
    Ok(options)
}

async fn measure(options: Options) -> anyhow::Result<()> {
    process::check_open_files(OPEN_FILES_MIN)?;
    let scale = options.scale;
    let mut report = Report::new();
    for name in NAMES {
        if options.only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        eprintln!("bench: {name}");
        let rows: anyhow::Result<Vec<Row>> = match name {
            "mosquitto" => through_mosquitto::measure(scale).await,
            "embedded" => embedded::measure(scale).await,
            "latency" => latency::measure(scale).await,
            "latest" => latest::measure(scale).await,
            "disk" => disk::measure(scale).await,
            "scores" => scores::measure(scale),
            "live" => live::measure(scale).await,
            "storm" => storm::measure(scale).await,
            _ => under_checkpoint::measure(scale).await,
        };
        report.add(rows.with_context(|| format!("measurement `{name}`"))?);
    }
    report.print_and_write()
}

//! What takes history out, and what makes history to measure on.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::{PropertyId, ThingId};

use super::TargetArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Readings of datastreams, with unit and quality flag
    #[command(after_help = "Example: tidewatch export observations --property tide_level \\
    --start 2026-07-01T00:00:00+08:00 --stop 2026-08-01T00:00:00+08:00 \\
    --format parquet -o tide.parquet")]
    Observations {
        #[command(flatten)]
        file: FileArgs,
        /// Only these datastreams, like tide-01/tide_level
        #[arg(long = "datastream", value_name = "ID")]
        datastreams: Vec<String>,
        /// Only this thing
        #[arg(long)]
        thing: Option<ThingId>,
        /// Only this property
        #[arg(long)]
        property: Option<PropertyId>,
        /// Only things of this township
        #[arg(long, value_name = "CODE")]
        township: Option<String>,
    },
    /// Stored scores of townships and county
    #[command(after_help = "Example: tidewatch export scores --index flood-typhoon \\
    --start 2026-07-01T00:00:00+08:00 --stop 2026-08-01T00:00:00+08:00 --format csv -o scores.csv")]
    Scores {
        #[command(flatten)]
        file: FileArgs,
        /// Only this index: township-safety, flood-typhoon or hazard
        #[arg(long)]
        index: Option<String>,
        /// Only this township, or the county's code
        #[arg(long, value_name = "CODE")]
        township: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// From this event time on
    #[arg(long, value_name = "TIME")]
    pub(crate) start: String,
    /// Before this event time
    #[arg(long, value_name = "TIME")]
    pub(crate) stop: String,
    #[arg(long, value_parser = ["csv", "parquet", "ndjson"])]
    pub(crate) format: String,
    /// The file; it appears when it is whole
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// CSV begins with a byte order mark, which Excel needs
    #[arg(long)]
    pub(crate) bom: bool,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BenchDataArgs {
    /// How many years, ending with the newest whole hour
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) years: u32,
    /// The data directory, which must not hold data yet
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

//! The command line: what can be typed. What it does is in `commands/`.

mod export;
mod run;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use codec::Codec;
use model::{ThingId, duration_text};

pub(crate) use export::{BenchDataArgs, ExportCommand, FileArgs};
pub(crate) use run::{DemoArgs, ReplayArgs, RunArgs, SimulateArgs};

#[derive(Debug, Parser)]
#[command(
    name = "tidewatch",
    version,
    about = "IoT sensing and risk monitoring for a coastal county",
    after_help = "Exit codes: 0 ok, 1 failed, 2 wrong usage or configuration."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole system in one process
    #[command(after_help = "Example: tidewatch run --config /etc/tidewatch/tidewatch.toml")]
    Run(RunArgs),
    /// Run the whole system with a storm of the past played into it, faster than it was
    #[command(after_help = "The directory is emptied at every start; only one that a demo made is.
Examples:
  tidewatch demo
  tidewatch demo --scenario haikui-2012 --speed 600 --data ./data-demo")]
    Demo(DemoArgs),
    /// Replay a storm of the past through the same pipeline, as fast as possible
    #[command(
        after_help = "No socket is opened. Two replays give the same scores and alerts; one that
was stopped goes on when the same command is given again.
Examples:
  tidewatch replay --scenario haikui-2012 --report haikui.json
  tidewatch replay --scenario haikui-2012 --data ./haikui --until 2012-08-08T03:20:00+08:00"
    )]
    Replay(ReplayArgs),
    /// Play devices: a simulated fleet, or a recorded series
    #[command(after_help = "Examples:
  tidewatch simulate --scenario fleet --data ./data --things 100
  tidewatch simulate --csv tide.csv --thing tide-01 --time time_utc \\
      --map water_level_m=water_level --broker mqtt://127.0.0.1:1883 --secret-file tide-01.secret")]
    Simulate(Box<SimulateArgs>),
    /// Decode one payload from standard input to NDJSON readings
    #[command(
        after_help = "Example: echo '{\"values\":{\"wind_speed\":3.2}}' | tidewatch decode --codec json"
    )]
    Decode(DecodeArgs),
    /// Register things in bulk, or write them out
    #[command(subcommand)]
    Things(ThingsCommand),
    /// Show what came in and what became of it, by source and hour
    #[command(after_help = "Example: tidewatch ledger --data ./data")]
    Ledger(LedgerArgs),
    /// Write history to a file, for notebooks and spreadsheets
    #[command(subcommand)]
    Export(Box<ExportCommand>),
    /// Look at what was set aside, and send it again
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Check, compare or print the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Manage the accounts of people and programs
    #[command(subcommand)]
    User(UserCommand),
    /// Score one township from given values under a model, with the full explanation
    #[command(after_help = "The model is a file, or the name of a shipped one.
Example: echo '{\"wind\":92,\"rain_flood\":85,\"exposure\":30}' | tidewatch score --model flood-typhoon")]
    Score(ScoreArgs),
    /// The local wind of a storm at a place, hour by hour, as CSV
    #[command(
        after_help = "Example: tidewatch wind --track tracks.csv --storm HAIKUI --at 29.21,121.95"
    )]
    Wind(TrackArgs),
    /// When each level of the typhoon outlook first held, as CSV
    #[command(
        after_help = "Example: tidewatch outlook --track tracks.csv --storm HAIKUI --at 29.21,121.95"
    )]
    Outlook(OutlookArgs),
    /// The soil water index of a rain series (CSV time,rain_mm) as CSV time,swi_mm
    #[command(after_help = "Example: tidewatch soil-water --every 1h < rain.csv")]
    SoilWater(SoilWaterArgs),
    /// Try the receivers of alerts
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Print the OpenAPI document
    Openapi,
    /// Fill a new data directory with made-up years, to measure on
    #[command(after_help = "500 datastreams at ten minutes, documents, reports, and the scores of
the last month, the same for the same seed. The origin is `simulated`.
Example: tidewatch bench-data --years 1 --data ./data-bench")]
    BenchData(BenchDataArgs),
    /// Look at everything that is stored, and name what is damaged
    #[command(after_help = "It only reads, beside a server or without one. Exit code 1: damaged.
Example: tidewatch verify --data ./data")]
    Verify(DataArgs),
    /// Set aside what is damaged, and make anew what can be
    #[command(after_help = "Stop the server before. Nothing is deleted: what cannot be used stays
beside what is made anew; a journal that cannot be opened is set aside as a
whole, with its archive, and the next start begins a fresh one.
Example: tidewatch repair --data ./data")]
    Repair(DataArgs),
    /// Copy everything that is stored to a new folder, also while a server runs
    #[command(after_help = "Example: tidewatch backup /mnt/backup/2026-07-25 --data ./data")]
    Backup(BackupArgs),
    /// Put a backup into a new data directory and verify it
    #[command(after_help = "Example: tidewatch restore /mnt/backup/2026-07-25 --data ./restored")]
    Restore(RestoreArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// An empty or a new folder
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The folder of the backup
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "./data")]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The operator's tidewatch.toml; its folder holds the other overlays
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Where a command finds the system: a directory (through the running
/// server's socket, or opened directly when none runs) or a server's address.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "./data")]
    pub(crate) data: PathBuf,
    /// A server's address, with a token in TIDEWATCH_TOKEN
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// `user add` has a `--token` of its own, hence the other name.
    #[arg(id = "url_token", long = "url-token", env = "TIDEWATCH_TOKEN", hide = true)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DecodeArgs {
    /// json, senml, senml-cbor or raw
    #[arg(long)]
    pub(crate) codec: Codec,
    /// The input is hexadecimal text
    #[arg(long)]
    pub(crate) hex: bool,
    /// The thing that the topic would name
    #[arg(long, default_value = "thing")]
    pub(crate) thing: ThingId,
    /// The property that the registration would name for `raw`
    #[arg(long, default_value = "value")]
    pub(crate) raw_property: model::PropertyId,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ThingsCommand {
    /// Create and update things from a CSV file
    #[command(after_help = "Columns: id,kind,name_zh,name_en,township,longitude,latitude,state,\
datastreams,levels,datum,serves,raw_property\nExample: tidewatch things import things.csv --dry-run")]
    Import {
        /// The CSV file, or `example` for the county's shipped example things
        file: PathBuf,
        /// Check everything, change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Write all things as CSV to standard output
    Export {
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Issue a device its secret; printed once, the old one stops working
    Credential {
        thing: ThingId,
        /// Things that a gateway may publish for
        #[arg(long, value_delimiter = ',')]
        things: Vec<ThingId>,
        /// Prefixes of things that a gateway may publish for
        #[arg(long, value_delimiter = ',')]
        prefixes: Vec<String>,
        #[command(flatten)]
        target: TargetArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// From this time of arrival on
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// Before this time of arrival
    #[arg(long, value_name = "TIME")]
    pub(crate) stop: Option<String>,
    /// Print the API's JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// Newest first
    List {
        /// Only this reason
        #[arg(long)]
        reason: Option<String>,
        /// Only this thing
        #[arg(long)]
        thing: Option<ThingId>,
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// One entry with its bytes
    Show {
        id: u64,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Send entries through the pipeline again
    Redrive {
        /// Entries by number; none: all that `--reason` or `--thing` selects
        ids: Vec<u64>,
        #[arg(long)]
        reason: Option<String>,
        #[arg(long)]
        thing: Option<ThingId>,
        #[command(flatten)]
        target: TargetArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// A model file, or township-safety or flood-typhoon for the shipped one
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TrackArgs {
    /// CSV with storm, utc, lat, lon, pres_hpa and optionally intensity_factor
    #[arg(long, value_name = "FILE")]
    pub(crate) track: PathBuf,
    /// Which storm of the file
    #[arg(long, value_name = "NAME")]
    pub(crate) storm: String,
    /// The place, in degrees north and east
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    pub(crate) at: String,
}

#[derive(Debug, Args)]
pub(crate) struct OutlookArgs {
    #[command(flatten)]
    pub(crate) track: TrackArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SoilWaterArgs {
    /// Length of a step, like 10min or 1h
    #[arg(long, value_name = "DURATION", value_parser = duration_text::parse)]
    pub(crate) every: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Send a test message and show what the receiver says
    #[command(after_help = "The message carries the label test=\"true\". \
Exit code 1 when it was not taken.\nExample: tidewatch webhook test wecom-duty --data ./data")]
    Test {
        /// The receiver's name in tidewatch.toml
        name: String,
        #[command(flatten)]
        target: TargetArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report every mistake of every file
    Check(ConfigArgs),
    /// Show where the operator's files differ from the shipped ones
    Diff(ConfigArgs),
    /// Print the settings in force, secrets left out
    Print(ConfigArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Create an account; its password is printed once
    Add {
        name: String,
        /// administrator, engineer or viewer
        #[arg(long)]
        role: String,
        /// For a program: a token instead of a password
        #[arg(long)]
        token: bool,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Give an account a new password, read from standard input or made up
    Passwd {
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        stdin: bool,
        #[command(flatten)]
        target: TargetArgs,
    },
    List {
        #[command(flatten)]
        target: TargetArgs,
    },
}

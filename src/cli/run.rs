//! What runs the system, or devices that speak to it.

use std::path::PathBuf;

use clap::Args;
use model::{Origin, ThingId};

use super::{ConfigArgs, DataArgs, TargetArgs};

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// What the data of a new directory is: real or simulated; fixed from then on
    #[arg(long)]
    pub(crate) origin: Option<Origin>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// A folder of scenarios/, shipped or beside the operator's tidewatch.toml
    #[arg(long, default_value = "haikui-2012")]
    pub(crate) scenario: String,
    /// How many times faster than it was
    #[arg(long, default_value_t = 60.0)]
    pub(crate) speed: f64,
    /// The data directory, emptied at the start
    #[arg(long, value_name = "DIR", default_value = "./data-demo")]
    pub(crate) data: PathBuf,
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// A folder of scenarios/, shipped or beside the operator's tidewatch.toml
    #[arg(long)]
    pub(crate) scenario: String,
    /// The data directory; a replay that was stopped in it goes on
    #[arg(long, value_name = "DIR", default_value = "./data-replay")]
    pub(crate) data: PathBuf,
    /// Write a review of the event as JSON: maxima, levels, alerts, evacuation, ledger
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Stop at this time of the scene, a whole minute
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// What the devices live through: fleet (a calm day) or storm (a made-up storm)
    #[arg(long, default_value = "fleet", conflicts_with = "csv")]
    pub(crate) scenario: String,
    /// The broker, as mqtt://HOST:PORT, or http://HOST:PORT for the HTTP door
    #[arg(long, value_name = "URL", default_value = "mqtt://127.0.0.1:1883")]
    pub(crate) broker: String,
    /// MQTT version of the devices: 3 (3.1.1) or 5
    #[arg(long, default_value = "5", value_parser = ["3", "5"])]
    pub(crate) mqtt: String,
    /// How many of the county's example things
    #[arg(long, value_name = "N")]
    pub(crate) things: Option<usize>,
    /// How many times faster than its period each sensor reports
    #[arg(long, default_value_t = 1.0)]
    pub(crate) rate: f64,
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Stop after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) duration: Option<u64>,
    /// Faults as share of messages or things, like gap:0.05,spike:0.01
    /// (gap, spike, stuck, clock, duplicate, out_of_order, flood, silence)
    #[arg(long, default_value = "")]
    pub(crate) faults: String,
    /// Play this recorded series instead of a scenario
    #[arg(long, value_name = "FILE", requires_all = ["thing", "time", "map"])]
    pub(crate) csv: Option<PathBuf>,
    /// The thing that the series belongs to
    #[arg(long)]
    pub(crate) thing: Option<ThingId>,
    /// The column with the time
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// Which column is which property
    #[arg(long, value_name = "COLUMN=PROPERTY", value_delimiter = ',')]
    pub(crate) map: Vec<String>,
    /// Keep the recorded times; else the series is shifted to end now
    #[arg(long)]
    pub(crate) as_recorded: bool,
    /// The user that --secret-file belongs to (default: each thing's id)
    #[arg(long, requires = "secret_file")]
    pub(crate) user: Option<String>,
    /// File with the secret or password; without it a secret is issued through --data or --url
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The broker asks for no login
    #[arg(long, conflicts_with = "secret_file")]
    pub(crate) no_login: bool,
}

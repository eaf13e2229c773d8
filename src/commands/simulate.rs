//! `simulate`: devices only. What it needs of the system (registration,
//! secrets) it asks for through the API, like any other client.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use hyper::Method;
use model::{Clock, Thing, ThingKind, thing_csv};
use serde_json::json;
use simulators::{Device, Door, DoorUrl, Faults, ScenarioName, SimulateOptions, series};
use tokio_util::sync::CancellationToken;

use super::UsageError;
use crate::cli::SimulateArgs;
use crate::client::{Client, encode};
use crate::config;
use crate::run::stop_signal;

/// Credentials that one request issues.
const CREDENTIALS_AT_ONCE: usize = 500;

pub(crate) async fn simulate(args: SimulateArgs) -> anyhow::Result<()> {
    let usage = |error: anyhow::Error| anyhow::Error::new(UsageError(format!("{error:#}")));
    let url: DoorUrl = args.broker.parse().map_err(usage)?;
    let mqtt = args.mqtt.parse().map_err(usage)?;
    let door = Door { mqtt, ..Door::new(url) };
    let shutdown = CancellationToken::new();
    let on_signal = shutdown.clone();
    let signals = tokio::spawn(async move {
        stop_signal().await;
        on_signal.cancel();
    });
    let summary = match &args.csv {
        Some(file) => play_series(&args, file, door, shutdown).await,
        None => play_scenario(&args, door, shutdown).await,
    };
    signals.abort();
    let (summary, unacknowledged) = summary?;
    println!("{summary}");
    match unacknowledged {
        0 => Ok(()),
        n => bail!("{n} messages were not acknowledged"),
    }
}

async fn play_series(
    args: &SimulateArgs,
    file: &Path,
    door: Door,
    shutdown: CancellationToken,
) -> anyhow::Result<(String, u64)> {
    let (Some(thing), Some(time_column)) = (&args.thing, &args.time) else {
        return Err(UsageError("--csv needs --thing, --time and --map".to_owned()).into());
    };
    let columns = args.map.iter().map(|text| text.parse()).collect::<anyhow::Result<_>>();
    let columns = columns.map_err(|error| anyhow::Error::new(UsageError(format!("{error:#}"))))?;
    let csv = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let thing = bare_thing(thing.clone());
    let device = match login(args)? {
        Login::Fixed { user, secret } => Device { thing, user, secret },
        Login::Issue => {
            let client = running(args).await?;
            let secrets = issue(&client, std::slice::from_ref(&thing)).await?;
            let [(_, secret)] = secrets.as_slice() else { bail!("no secret was issued") };
            Device::new(thing, secret.clone())
        }
    };
    let options = series::SeriesOptions {
        csv,
        device,
        time_column: time_column.clone(),
        columns,
        as_recorded: args.as_recorded,
        door,
        clock: Clock::System,
    };
    let played = series::play(options, shutdown).await?;
    let unacknowledged = played.delivered.unacknowledged() + played.delivered.refused;
    let text = format!(
        "{} rows, {} readings, times shifted by {} ms; {}",
        played.rows, played.readings, played.shift_ms, played.delivered
    );
    Ok((text, unacknowledged))
}

/// The series names its properties itself: only the id is needed.
fn bare_thing(id: model::ThingId) -> Thing {
    let name = model::LocalizedName { zh: id.to_string(), en: id.to_string() };
    Thing {
        id,
        kind: ThingKind::HydrometStation,
        name,
        township: None,
        position: None,
        state: model::ThingState::InService,
        serves: Vec::new(),
        raw_property: None,
        datastreams: Vec::new(),
    }
}

async fn play_scenario(
    args: &SimulateArgs,
    door: Door,
    shutdown: CancellationToken,
) -> anyhow::Result<(String, u64)> {
    let usage = |error: anyhow::Error| anyhow::Error::new(UsageError(format!("{error:#}")));
    let scenario: ScenarioName = args.scenario.parse().map_err(usage)?;
    let faults: Faults = args.faults.parse().map_err(usage)?;
    let loaded = config::load(args.target.config.config.as_deref())?;
    let (things, csv) = example_fleet(&loaded, args.things)?;
    let devices = match login(args)? {
        Login::Fixed { user, secret } => things
            .into_iter()
            .map(|thing| Device { thing, user: user.clone(), secret: secret.clone() })
            .collect(),
        Login::Issue => {
            let client = running(args).await?;
            register(&client, csv).await?;
            let secrets = issue(&client, &things).await?;
            secrets.into_iter().map(|(thing, secret)| Device::new(thing, secret)).collect()
        }
    };
    let options = SimulateOptions {
        devices,
        catalogue: Arc::new(loaded.catalogue),
        scenario: scenario.beginning(Clock::System.scene()),
        door,
        rate: args.rate,
        seed: args.seed,
        messages_max: None,
        duration: args.duration.map(Duration::from_secs),
        faults,
        clock: Clock::System,
    };
    let summary = simulators::run(options, shutdown).await?;
    Ok((summary.to_string(), 0))
}

/// The county's example things, spread evenly over the file when only some
/// are wanted, and the same as CSV.
fn example_fleet(
    loaded: &config::Config,
    wanted: Option<usize>,
) -> anyhow::Result<(Vec<Thing>, Vec<u8>)> {
    let folder = &loaded.settings.county.folder;
    let csv = config::example_things(folder)
        .with_context(|| format!("county `{folder}` ships no example things"))?;
    let rows = thing_csv::read(&csv, &loaded.catalogue, thing_csv::ROWS_MAX)?;
    let things: Vec<Thing> = rows.into_iter().filter_map(|(_, thing)| thing.ok()).collect();
    let n = wanted.unwrap_or(things.len()).min(things.len());
    let chosen: Vec<Thing> = (0..n).map(|i| things[i * things.len() / n].clone()).collect();
    let csv = thing_csv::write(&chosen, &loaded.catalogue);
    Ok((chosen, csv))
}

enum Login {
    Fixed {
        user: Option<String>,
        secret: Option<String>,
    },
    /// Ask the system for a secret of each thing.
    Issue,
}

fn login(args: &SimulateArgs) -> anyhow::Result<Login> {
    if args.no_login {
        return Ok(Login::Fixed { user: None, secret: None });
    }
    let Some(file) = &args.secret_file else { return Ok(Login::Issue) };
    let secret: Result<String, _> = read_secret(file);
    Ok(Login::Fixed { user: args.user.clone(), secret: Some(secret?) })
}

fn read_secret(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    Ok(text.trim().to_owned())
}

/// Devices are given their secrets by a server that runs: one that is opened
/// here would hold the directory that they send to.
async fn running(args: &SimulateArgs) -> anyhow::Result<Client> {
    let client = Client::connect_running(&args.target).await?;
    client.context(
        "no server runs on this data directory; start one, name another with --data or --url, \
         or log in with --secret-file or --no-login",
    )
}

pub(super) async fn register(client: &Client, csv: Vec<u8>) -> anyhow::Result<()> {
    let body = Bytes::from(csv);
    let path = "/api/v1/things/import?dry_run=false";
    let answer = client.request(Method::POST, path, "text/csv", body).await?.expect_success()?;
    let report = answer.json()?;
    match report["failed"].as_u64() {
        Some(0) => Ok(()),
        _ => bail!("the example things could not all be registered: {report}"),
    }
}

pub(super) async fn issue(
    client: &Client,
    things: &[Thing],
) -> anyhow::Result<Vec<(Thing, String)>> {
    let mut issued = Vec::with_capacity(things.len());
    if let [thing] = things {
        let path = format!("/api/v1/things/{}/credentials", encode(thing.id.as_str()));
        let answer = client.post_json(&path, &json!({})).await?.expect_success()?.json()?;
        let secret = answer["secret"].as_str().context("the server issued no secret")?;
        issued.push((thing.clone(), secret.to_owned()));
        return Ok(issued);
    }
    for some in things.chunks(CREDENTIALS_AT_ONCE) {
        let ids: Vec<&str> = some.iter().map(|thing| thing.id.as_str()).collect();
        let body = json!({"things": ids});
        let answer = client.post_json("/api/v1/things/credentials", &body).await?;
        let answer = answer.expect_success()?.json()?;
        for (thing, item) in some.iter().zip(answer["items"].as_array().into_iter().flatten()) {
            let secret = item["secret"].as_str().context("the server issued no secret")?;
            issued.push((thing.clone(), secret.to_owned()));
        }
    }
    Ok(issued)
}

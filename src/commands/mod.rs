//! What each command does. Standard output is data, standard error is talk.

mod backup;
mod bar;
mod bench_data;
mod config;
mod decode;
mod demo;
mod export;
mod index;
mod ledger;
mod quarantine;
mod repair;
mod replay;
pub(crate) mod scene;
mod simulate;
mod things;
mod user;
mod verify;
mod webhook;

use std::fmt;
use std::future::Future;

use anyhow::Context;

use crate::cli::{Command, TargetArgs};
use crate::client::Client;
use crate::run;

/// Wrong use of a command, found after the arguments were parsed: exit 2.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

pub(crate) fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(args) => block_on(run::run(args)),
        Command::Demo(args) => block_on(demo::demo(args)),
        Command::Replay(args) => block_on(replay::replay(args)),
        Command::Simulate(args) => block_on(simulate::simulate(*args)),
        Command::Decode(args) => decode::decode(&args),
        Command::Things(command) => block_on(things::things(command)),
        Command::Ledger(args) => block_on(ledger::ledger(args)),
        Command::Export(command) => block_on(export::export(*command)),
        Command::Quarantine(command) => block_on(quarantine::quarantine(command)),
        Command::Config(command) => config::config(&command),
        Command::User(command) => block_on(user::user(command)),
        Command::Score(args) => index::score(&args),
        Command::Wind(args) => index::wind(&args),
        Command::Outlook(args) => index::outlook(&args),
        Command::SoilWater(args) => index::soil_water(&args),
        Command::Webhook(command) => block_on(webhook::webhook(command)),
        Command::Openapi => {
            println!("{}", api::openapi_json());
            Ok(())
        }
        Command::Verify(args) => verify::verify(&args),
        Command::BenchData(args) => block_on(bench_data::bench_data(args)),
        Command::Repair(args) => repair::repair(&args),
        Command::Backup(args) => backup::backup(&args),
        Command::Restore(args) => backup::restore(&args),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?
        .block_on(work)
}

/// Runs `work` with a client and closes it, whatever came of the work.
async fn with_client<T>(
    target: &TargetArgs,
    work: impl AsyncFnOnce(&Client) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let client = Client::connect(target).await?;
    let result = work(&client).await;
    client.close().await?;
    result
}

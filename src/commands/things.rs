//! `things import|export|credential`.

use std::io::Write;

use anyhow::{Context, bail};
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::with_client;
use crate::cli::ThingsCommand;
use crate::client::encode;
use crate::config;

/// Names the county's shipped example things instead of a file.
const EXAMPLE: &str = "example";

pub(crate) async fn things(command: ThingsCommand) -> anyhow::Result<()> {
    match command {
        ThingsCommand::Import { file, dry_run, target } => {
            let csv = if file.as_os_str() == EXAMPLE {
                let county = config::load(target.config.config.as_deref())?.settings.county.folder;
                config::example_things(&county)
                    .with_context(|| format!("county `{county}` ships no example things"))?
            } else {
                std::fs::read(&file).with_context(|| format!("read {}", file.display()))?
            };
            let path = format!("/api/v1/things/import?dry_run={dry_run}");
            let report = with_client(&target, async |client| {
                let body = Bytes::from(csv);
                client
                    .request(Method::POST, &path, "text/csv", body)
                    .await?
                    .expect_success()?
                    .json()
            })
            .await?;
            print_import(&report, dry_run)
        }
        ThingsCommand::Export { target } => {
            let csv = with_client(&target, async |client| {
                let path = "/api/v1/things";
                let (json, csv) = ("application/json", "text/csv");
                client.send(Method::GET, path, json, csv, Bytes::new()).await?.expect_success()
            })
            .await?;
            std::io::stdout().write_all(&csv.body).context("write standard output")
        }
        ThingsCommand::Credential { thing, things, prefixes, target } => {
            let path = format!("/api/v1/things/{}/credentials", encode(thing.as_str()));
            let body = json!({"things": things, "prefixes": prefixes});
            let credential = with_client(&target, async |client| {
                client.post_json(&path, &body).await?.expect_success()?.json()
            })
            .await?;
            println!("{}", credential["secret"].as_str().unwrap_or_default());
            Ok(())
        }
    }
}

fn print_import(report: &Value, dry_run: bool) -> anyhow::Result<()> {
    for row in report["rows"].as_array().into_iter().flatten() {
        if row["status"].as_u64().unwrap_or(0) >= 400 {
            eprintln!("row {}: {}", row["row"], row["detail"].as_str().unwrap_or_default());
        }
    }
    let count = |key: &str| report[key].as_u64().unwrap_or(0);
    let verb = if dry_run { "would be " } else { "" };
    println!(
        "{verb}created {}, updated {}, unchanged {}, failed {}",
        count("created"),
        count("updated"),
        count("unchanged"),
        count("failed"),
    );
    match count("failed") {
        0 => Ok(()),
        n => bail!("{n} rows were refused, the others stand"),
    }
}

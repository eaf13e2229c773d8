//! `export observations|scores`: the server's stream into a file that appears
//! when it is whole. Rows and share of the span go to standard error.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::BodyExt;
use tokio::time::{MissedTickBehavior, interval};

use super::with_client;
use crate::cli::{ExportCommand, FileArgs};
use crate::client::{Client, encode};

const TELL_EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn export(command: ExportCommand) -> anyhow::Result<()> {
    let (what, file, filters) = match command {
        ExportCommand::Observations { file, datastreams, thing, property, township } => {
            let mut filters: Vec<(&str, String)> =
                datastreams.into_iter().map(|id| ("datastream", id)).collect();
            filters.extend(thing.map(|thing| ("thing", thing.to_string())));
            filters.extend(property.map(|property| ("property", property.to_string())));
            filters.extend(township.map(|code| ("township", code)));
            ("observations", file, filters)
        }
        ExportCommand::Scores { file, index, township } => {
            let index = index.map(|index| ("index", index));
            let filters = index.into_iter().chain(township.map(|code| ("township", code)));
            ("scores", file, filters.collect())
        }
    };
    let path = path(what, &file, &filters);
    let n_bytes =
        with_client(&file.target, async |client| write(client, &path, &file.output).await).await?;
    eprintln!("{}: {n_bytes} bytes", file.output.display());
    Ok(())
}

fn path(what: &str, file: &FileArgs, filters: &[(&str, String)]) -> String {
    let FileArgs { start, stop, format, bom, .. } = file;
    let (start, stop) = (encode(start), encode(stop));
    let mut path = format!("/api/v1/exports/{what}?start={start}&stop={stop}&format={format}");
    if *bom {
        path.push_str("&bom=1");
    }
    for (name, value) in filters {
        path.push_str(&format!("&{name}={}", encode(value)));
    }
    path
}

/// How many bytes were written.
async fn write(client: &Client, path: &str, output: &Path) -> anyhow::Result<u64> {
    let part = part_of(output)?;
    let mut file = File::create_new(&part).with_context(|| format!("create {}", part.display()))?;
    let written: anyhow::Result<u64> = async {
        let n_bytes = copy(client, path, &mut file).await?;
        file.sync_all().with_context(|| format!("write {}", part.display()))?;
        std::fs::rename(&part, output).with_context(|| format!("create {}", output.display()))?;
        Ok(n_bytes)
    }
    .await;
    if written.is_err() {
        // The error that is told says more than one of removing would.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Beside the output, so that the rename stays within one file system.
fn part_of(output: &Path) -> anyhow::Result<PathBuf> {
    let Some(name) = output.file_name() else {
        bail!("`{}` is no name of a file", output.display());
    };
    let name = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
    Ok(output.with_file_name(name))
}

async fn copy(client: &Client, path: &str, file: &mut File) -> anyhow::Result<u64> {
    let mut streamed = client.stream(path).await?;
    let id = streamed.response.headers().get("tidewatch-export");
    let id = id.and_then(|id| id.to_str().ok()).and_then(|id| id.parse::<u64>().ok());
    let mut tick = interval(TELL_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    tick.tick().await;
    let mut n_bytes = 0;
    loop {
        // Both are safe to cancel: a frame stays in the body until it is taken.
        let frame = tokio::select! {
            frame = streamed.response.body_mut().frame() => frame,
            _ = tick.tick() => {
                tell(client, id).await;
                continue;
            }
        };
        let Some(frame) = frame else { break };
        let frame = frame.context("the export broke off; nothing was written")?;
        if let Some(bytes) = frame.data_ref() {
            file.write_all(bytes).context("write the export")?;
            n_bytes += bytes.len() as u64;
        }
    }
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
    Ok(n_bytes)
}

/// Progress is a comfort: what goes wrong here stops nothing.
async fn tell(client: &Client, id: Option<u64>) {
    let Ok(answer) = client.get("/api/v1/exports").await else { return };
    let Ok(exports) = answer.json() else { return };
    let mut running = exports["items"].as_array().into_iter().flatten();
    let Some(own) = running.find(|export| export["id"].as_u64() == id) else { return };
    let share = own["share"].as_f64().unwrap_or_default() * 100.0;
    let line = format!("{} rows, {share:.0} % of the span", own["rows"]);
    if std::io::stderr().is_terminal() {
        eprint!("\r{line}  ");
    } else {
        eprintln!("{line}");
    }
}

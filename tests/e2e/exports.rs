//! `export`, and the notebook that reads exports and the archive's files.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use model::Time;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::now;
use crate::support::programs;
use crate::support::server::Server;
use crate::support::things;

const N_READINGS: i64 = 36;

/// A reading every ten minutes for six hours, with the values 0 to 35.
async fn prepared() -> anyhow::Result<(Server, Time)> {
    let server = Server::start().await?;
    let http = server.administrator().await?;
    things::import(&http, &[things::station_row("hm-901")]).await?;
    let hour_ms = 3_600_000;
    let start = Time::from_millis((now().millis() / hour_ms - 8) * hour_ms)?;
    let readings: Vec<Value> = (0..N_READINGS)
        .map(|n| json!({"time": start.millis() + n * 600_000, "values": {"wind_speed": n}}))
        .collect();
    let path = "/api/v1/observations?thing=hm-901";
    http.post_json(path, &json!(readings)).await?.expect(201)?;
    Ok((server, start))
}

async fn export(server: &Server, start: Time, format: &str) -> anyhow::Result<PathBuf> {
    let file = server.path(&format!("wind.{format}"));
    let stop = Time::from_millis(start.millis() + 86_400_000)?;
    let (start, stop) = (start.to_string(), stop.to_string());
    let output = file.to_str().context("a path in UTF-8")?;
    let span = ["--start", &start, "--stop", &stop];
    let mut arguments = vec!["export", "observations", "--property", "wind_speed"];
    arguments.extend(span);
    arguments.extend(["--format", format, "-o", output]);
    server.command(&arguments).await?.expect_code(0)?;
    Ok(file)
}

/// Names of what stands beside a file, begun and not finished.
fn unfinished(folder: &Path) -> anyhow::Result<Vec<String>> {
    let names = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
    let names: Result<Vec<_>, std::io::Error> = names.collect();
    let names = names?.into_iter().map(|name| name.to_string_lossy().into_owned());
    Ok(names.filter(|name| name.ends_with(".part")).collect())
}

#[tokio::test]
async fn a_file_is_the_same_with_and_without_a_server() -> anyhow::Result<()> {
    let (mut server, start) = prepared().await?;
    let live = std::fs::read_to_string(export(&server, start, "csv").await?)?;
    assert_eq!(live.lines().count(), 37, "{live}");
    ensure!(live.contains("hm-901/wind_speed,"), "{live}");
    ensure!(server.terminate().await?.success());
    let still = std::fs::read_to_string(export(&server, start, "csv").await?)?;
    assert_eq!(live, still);
    let folder = server.path("wind.csv").parent().context("a folder")?.to_owned();
    assert_eq!(unfinished(&folder)?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_refused_export_leaves_nothing_behind() -> anyhow::Result<()> {
    let (server, _) = prepared().await?;
    let file = server.path("none.csv");
    let output = file.to_str().context("a path in UTF-8")?;
    let backwards = ["--start", "2026-07-02T00:00:00Z", "--stop", "2026-07-01T00:00:00Z"];
    let mut arguments = vec!["export", "scores", "--format", "csv", "-o", output];
    arguments.extend(backwards);
    let refused = server.command(&arguments).await?.expect_code(1)?;
    ensure!(refused.stderr.contains("`stop` must be later"), "{}", refused.stderr);
    ensure!(!file.try_exists()?, "the file is there");
    let folder = file.parent().context("a folder")?;
    assert_eq!(unfinished(folder)?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn the_notebook_reads_every_format_alike() -> anyhow::Result<()> {
    let (server, start) = prepared().await?;
    let python = python_with_polars().await?;
    let mut command = Command::new(&python);
    command.arg(notebook());
    for format in ["csv", "ndjson", "parquet"] {
        command.arg("--export").arg(export(&server, start, format).await?);
    }
    let told = programs::run(command, b"").await?.expect_code(0)?.stdout;
    let told: Result<Vec<Value>, _> = told.lines().map(serde_json::from_str).collect();
    let told = told?;
    assert_eq!(told.len(), 3);
    for summary in &told {
        assert_eq!(summary["rows"], N_READINGS, "{summary}");
        assert_eq!(summary["datastreams"], json!(["hm-901/wind_speed"]), "{summary}");
        assert_eq!(summary["mean"], json!([2.5, 8.5, 14.5, 20.5, 26.5, 32.5]), "{summary}");
    }
    Ok(())
}

/// Files as the archive writes them, made here: two generations of an hour and
/// a day file.
const ARCHIVE: &str = r#"
import sys
from datetime import datetime, timezone
from pathlib import Path
import polars as pl

root = Path(sys.argv[1])

def part(name, rows):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    at = lambda minute: datetime(2026, 7, 24, minute // 60, minute % 60, tzinfo=timezone.utc)
    pl.DataFrame({
        "datastream": pl.Series([row[0] for row in rows], dtype=pl.UInt32),
        "time": pl.Series([at(row[1]) for row in rows], dtype=pl.Datetime("ms", "UTC")),
        "since": pl.Series([None for row in rows], dtype=pl.Datetime("ms", "UTC")),
        "value": pl.Series([row[2] for row in rows], dtype=pl.Float64),
        "quality": pl.Series([row[3] for row in rows], dtype=pl.UInt32),
        "received_after": pl.Series([1500 for row in rows], dtype=pl.Int64),
        "commit_step": pl.Series([row[4] for row in rows], dtype=pl.Int64),
    }).write_parquet(path)

part("2026-07-24/01.1.parquet", [(7, 60, 1.0, 1, 100), (7, 70, 9.0, 1, 5)])
part("2026-07-24/01.2.parquet", [(7, 60, 1.0, 1, 100), (7, 70, 3.0, 1, 80)])
# Suspect, with the mark of a test beside the flag.
part("2026-07-25/day.1.parquet", [(7, 120, 4.0, 3 + 16, 200), (8, 120, 6.0, 4, 200)])
pl.DataFrame({
    "key": pl.Series([7, 8], dtype=pl.UInt32),
    "thing": ["hm-901", "hm-901"],
    "property": ["wind_speed", "rainfall_depth"],
    "channel": pl.Series([None, "2"], dtype=pl.String),
}).write_parquet(root / "datastreams.parquet")
"#;

#[tokio::test]
async fn the_notebook_reads_the_archives_own_files() -> anyhow::Result<()> {
    let python = python_with_polars().await?;
    let folder = tempfile::tempdir()?;
    let mut making = Command::new(&python);
    making.arg("-c").arg(ARCHIVE).arg(folder.path());
    programs::run(making, b"").await?.expect_code(0)?;
    let mut reading = Command::new(&python);
    reading.arg(notebook()).arg("--archive").arg(folder.path());
    let told = programs::run(reading, b"").await?.expect_code(0)?.stdout;
    let summary: Value = serde_json::from_str(told.trim())?;
    assert_eq!(summary["rows"], 4, "{summary}");
    let names = json!(["hm-901/rainfall_depth:2", "hm-901/wind_speed"]);
    assert_eq!(summary["datastreams"], names, "{summary}");
    // The later generation counts; what failed does not; commits are summed up.
    assert_eq!(summary["mean"], json!([2.0, 4.0]), "{summary}");
    assert_eq!(summary["commits"], json!([100, 180, 200, 200]), "{summary}");
    Ok(())
}

fn notebook() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/notebooks/history.py")
}

/// The machine's Python where it has polars; else one of our own with polars
/// from the package index.
async fn python_with_polars() -> anyhow::Result<PathBuf> {
    let python = programs::find(&["python3"], "python3")?;
    if has_polars(&python).await? {
        return Ok(python);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/notebook-venv");
    let own = folder.join("bin/python");
    // Two tests of this process may come here at the same time.
    static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _making = MAKING.lock().await;
    if own.try_exists()? && has_polars(&own).await? {
        return Ok(own);
    }
    let advice = "this test needs Python with polars; install it: pip install polars";
    let mut making = Command::new(&python);
    making.args(["-m", "venv"]).arg(&folder);
    programs::run(making, b"").await?.expect_code(0).context(advice)?;
    let mut installing = Command::new(&own);
    installing.args(["-m", "pip", "install", "--quiet", "polars"]);
    programs::run(installing, b"").await?.expect_code(0).context(advice)?;
    if !has_polars(&own).await? {
        bail!("{advice}");
    }
    Ok(own)
}

async fn has_polars(python: &Path) -> anyhow::Result<bool> {
    let mut command = Command::new(python);
    command.args(["-c", "import polars"]);
    Ok(programs::run(command, b"").await?.code == Some(0))
}

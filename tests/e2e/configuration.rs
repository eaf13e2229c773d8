//! A broken configuration: all its mistakes, exit 2, nothing started.

use anyhow::ensure;
use tokio::process::Command;

use crate::support::programs::{self, Finished};
use crate::support::server::Server;

const BROKEN: &str = r#"[http]
listen = "nowhere"
colour = "blue"

[ingest]
batch_rows_max = "many"

[tides]
height = 3
"#;

const BROKEN_PROPERTIES: &str = "[wind_speed]\nunit = \"furlong\"\n";

/// The command alone: none of the settings that a test server needs.
async fn check(arguments: &[&str]) -> anyhow::Result<Finished> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidewatch"));
    command.args(arguments);
    programs::run(command, b"").await
}

#[tokio::test]
async fn the_shipped_configuration_is_sound() -> anyhow::Result<()> {
    let found = check(&["config", "check"]).await?.expect_code(0)?;
    ensure!(found.stdout.starts_with("ok"), "{found:?}");
    let printed = check(&["config", "print"]).await?.expect_code(0)?;
    ensure!(printed.stdout.contains("commit_interval"), "{printed:?}");
    let same = check(&["config", "diff"]).await?.expect_code(0)?;
    ensure!(same.stdout.is_empty(), "{same:?}");
    Ok(())
}

#[tokio::test]
async fn every_mistake_of_every_file_is_reported_and_nothing_starts() -> anyhow::Result<()> {
    let server = Server::prepare()?;
    std::fs::create_dir(server.path("config"))?;
    let file = server.path("config/tidewatch.toml");
    std::fs::write(&file, BROKEN)?;
    std::fs::write(server.path("config/properties.toml"), BROKEN_PROPERTIES)?;
    let file_name = file.to_str().expect("the path is UTF-8");

    let checked = check(&["config", "check", "--config", file_name]).await?.expect_code(2)?;
    let expected = [
        "tidewatch.toml:2: http.listen",
        "tidewatch.toml:3: http.colour",
        "tidewatch.toml:6: ingest.batch_rows_max",
        "tidewatch.toml:8: tides",
        "properties.toml:1: wind_speed: unit `furlong`",
    ];
    for mistake in expected {
        ensure!(checked.stderr.contains(mistake), "{mistake} is not in: {}", checked.stderr);
    }

    let mut run = server.program();
    run.args(["run", "--config", file_name, "--data"]).arg(server.data());
    let run = programs::run(run, b"").await?.expect_code(2)?;
    for mistake in expected {
        ensure!(run.stderr.contains(mistake), "{mistake} is not in: {}", run.stderr);
    }
    ensure!(!server.data().try_exists()?, "nothing is started, nothing is created");
    Ok(())
}

#[tokio::test]
async fn a_bad_word_on_the_command_line_is_wrong_usage() -> anyhow::Result<()> {
    for arguments in [&["fly"][..], &["run", "--speed", "3"], &["quarantine", "show", "x"]] {
        let refused = check(arguments).await?.expect_code(2)?;
        ensure!(!refused.stderr.is_empty());
    }
    let help = check(&["--help"]).await?.expect_code(0)?;
    for command in ["run", "simulate", "decode", "things", "ledger", "quarantine", "repair"] {
        ensure!(help.stdout.contains(command), "{command} is not in the help");
    }
    Ok(())
}

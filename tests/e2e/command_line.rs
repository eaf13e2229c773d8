//! The commands, against a running server and against its directory alone.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::http::Http;
use crate::support::now;
use crate::support::programs::{self, Finished};
use crate::support::server::Server;
use crate::support::things::{csv, station_row};

async fn tidewatch(arguments: &[&str], input: &[u8]) -> anyhow::Result<Finished> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidewatch"));
    command.args(arguments);
    programs::run(command, input).await
}

#[tokio::test]
async fn decode_prints_readings_or_one_clear_error() -> anyhow::Result<()> {
    let payload = br#"{"time":"2026-07-25T08:15:30.123+08:00","values":{"rainfall_depth":0.4}}"#;
    let good = tidewatch(&["decode", "--codec", "json"], payload).await?.expect_code(0)?;
    let reading: Value = serde_json::from_str(good.stdout.trim())?;
    let expected = json!({
        "property": "rainfall_depth", "time": "2026-07-25T08:15:30.123+08:00", "value": 0.4
    });
    assert_eq!(reading, expected);

    let hex = tidewatch(&["decode", "--codec", "raw", "--hex"], b"32 33 2e 34").await?;
    let reading: Value = serde_json::from_str(hex.expect_code(0)?.stdout.trim())?;
    assert_eq!((&reading["value"], &reading["time_of_arrival"]), (&json!(23.4), &json!(true)));

    let two = br#"{"values":{"wind_speed":3,"air_temperature":1e400}}"#;
    let partly = tidewatch(&["decode", "--codec", "json"], two).await?.expect_code(1)?;
    assert_eq!(partly.stdout.lines().count(), 1);
    ensure!(partly.stderr.contains("not_finite"), "{}", partly.stderr);

    let bad = tidewatch(&["decode", "--codec", "json"], b"{").await?.expect_code(1)?;
    ensure!(bad.stdout.is_empty() && bad.stderr.contains("syntax"), "{bad:?}");
    tidewatch(&["decode", "--codec", "morse"], b"").await?.expect_code(2)?;
    tidewatch(&["decode", "--codec", "raw", "--hex"], b"zz").await?.expect_code(2)?;
    Ok(())
}

#[tokio::test]
async fn commands_work_while_the_server_runs() -> anyhow::Result<()> {
    let server = Server::start().await?;
    exercise(&server, "live").await
}

#[tokio::test]
async fn commands_work_on_the_directory_of_a_stopped_server() -> anyhow::Result<()> {
    let mut server = Server::start().await?;
    // Something to look at: an unknown thing's reading, set aside.
    post_unknown(&server, "still-b").await?;
    ensure!(server.terminate().await?.success());
    exercise(&server, "still").await?;
    // What was changed without the server is there when it starts again.
    server.launch().await?;
    let http = server.administrator().await?;
    http.get("/api/v1/things/still-a").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_directory_that_is_none_is_refused_with_advice() -> anyhow::Result<()> {
    let server = Server::prepare()?;
    let refused = server.command(&["ledger"]).await?.expect_code(1)?;
    ensure!(refused.stderr.contains("--data"), "{}", refused.stderr);
    ensure!(!server.data().try_exists()?, "nothing is created by looking");
    Ok(())
}

/// A reading of a thing that is not registered yet, by the HTTP door.
async fn post_unknown(server: &Server, thing: &str) -> anyhow::Result<()> {
    let http: Http = server.administrator().await?;
    let time = now().millis() - 60_000;
    let body = json!({"time": time, "values": {"wind_speed": 6.5}});
    let path = format!("/api/v1/observations?thing={thing}");
    http.post_json(&path, &body).await?.expect(422)?;
    Ok(())
}

/// Things, quarantine, ledger and users through the command line.
async fn exercise(server: &Server, name: &str) -> anyhow::Result<()> {
    if name == "live" {
        post_unknown(server, "live-b").await?;
    }
    import_and_export(server, name).await.context("things")?;
    redrive(server, name).await.context("quarantine")?;

    let ledger = server.command(&["ledger", "--json"]).await?.expect_code(0)?;
    let ledger: Value = serde_json::from_str(&ledger.stdout)?;
    assert_eq!(ledger["balanced"], true, "{ledger}");
    assert_eq!(ledger["total"]["visible"], 1, "{ledger}");
    let table = server.command(&["ledger"]).await?.expect_code(0)?;
    ensure!(table.stdout.contains("redrive"), "the table names the sources: {}", table.stdout);

    let added = server.command(&["user", "add", "wang", "--role", "viewer"]).await?;
    ensure!(added.expect_code(0)?.stdout.trim().len() >= 12, "a password is printed");
    server.command(&["user", "add", "wang", "--role", "viewer"]).await?.expect_code(1)?;
    let users = server.command(&["user", "list"]).await?.expect_code(0)?.stdout;
    ensure!(users.contains("admin") && users.contains("wang\tviewer"), "{users}");
    Ok(())
}

async fn import_and_export(server: &Server, name: &str) -> anyhow::Result<()> {
    let (first, second) = (format!("{name}-a"), format!("{name}-b"));
    let mut rows = vec![station_row(&first), "x,shlter,坏,Bad,330225101,,,in_service,,,,,".into()];
    let file = server.path("things.csv");
    std::fs::write(&file, csv(&rows))?;
    let file_name = file.to_str().context("a path in UTF-8")?;

    let tried = server.command(&["things", "import", file_name, "--dry-run"]).await?;
    let tried = tried.expect_code(1)?;
    ensure!(tried.stdout.contains("would be created 1"), "{tried:?}");
    ensure!(tried.stderr.contains("row 3") && tried.stderr.contains("shlter"), "{tried:?}");
    let exported = server.command(&["things", "export"]).await?.expect_code(0)?;
    ensure!(!exported.stdout.contains(&first), "a dry run changes nothing");

    let mixed = server.command(&["things", "import", file_name]).await?.expect_code(1)?;
    ensure!(mixed.stdout.contains("created 1") && mixed.stdout.contains("failed 1"), "{mixed:?}");
    rows[1] = station_row(&second);
    std::fs::write(&file, csv(&rows))?;
    let good = server.command(&["things", "import", file_name]).await?.expect_code(0)?;
    ensure!(good.stdout.contains("created 1") && good.stdout.contains("unchanged 1"), "{good:?}");

    let exported = server.command(&["things", "export"]).await?.expect_code(0)?;
    ensure!(exported.stdout.contains(&first) && exported.stdout.contains(&second));
    std::fs::write(&file, &exported.stdout)?;
    let again = server.command(&["things", "import", file_name]).await?.expect_code(0)?;
    ensure!(again.stdout.contains("created 0, updated 0, unchanged 2"), "{again:?}");
    Ok(())
}

/// The reading that came before its thing was registered is sent again.
async fn redrive(server: &Server, name: &str) -> anyhow::Result<()> {
    let listed = server.command(&["quarantine", "list"]).await?.expect_code(0)?;
    let entry: Value = serde_json::from_str(listed.stdout.lines().next().context("an entry")?)?;
    assert_eq!(entry["reason"], "unknown_thing", "{entry}");
    assert_eq!(entry["thing"], format!("{name}-b").as_str(), "{entry}");
    let id = entry["id"].to_string();

    let shown = server.command(&["quarantine", "show", &id]).await?.expect_code(0)?;
    ensure!(shown.stdout.contains("wind_speed"), "the bytes are shown: {}", shown.stdout);
    let none = server.command(&["quarantine", "list", "--reason", "syntax"]).await?;
    ensure!(none.expect_code(0)?.stdout.is_empty());

    let sent = server.command(&["quarantine", "redrive", &id]).await?.expect_code(0)?;
    ensure!(sent.stdout.contains("1 readings accepted"), "{}", sent.stdout);
    let again = server.command(&["quarantine", "redrive", &id]).await?.expect_code(1)?;
    ensure!(again.stderr.contains(&format!("entry {id}")), "{}", again.stderr);
    Ok(())
}

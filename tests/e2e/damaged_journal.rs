//! A journal that is no database, and one that is behind what was
//! acknowledged: never silently empty.

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::json;

use crate::support::http::Http;
use crate::support::oracle::observations;
use crate::support::server::Server;
use crate::support::{now, programs, things};

const PATH: &str = "/api/v1/observations";

async fn post(http: &Http, time_ms: i64, value: f64) -> anyhow::Result<()> {
    let body = json!({"time": time_ms, "values": {"wind_speed": value}}).to_string();
    http.send(Method::POST, PATH, "application/json", body).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn a_journal_of_garbage_is_refused_and_repair_sets_it_aside() -> anyhow::Result<()> {
    let mut server = Server::start().await?;
    ensure!(server.terminate().await?.success());
    let journal = server.data().join("journal.db");
    let garbage = vec![0x5a; 64 * 1024];
    std::fs::write(&journal, &garbage)?;

    let refused = server.run_to_its_end().await?;
    ensure!(refused.code == Some(1), "{refused:?}");
    ensure!(refused.stderr.contains("tidewatch repair"), "it says what to do: {refused:?}");
    ensure!(std::fs::read(&journal)? == garbage, "what was refused is untouched");

    let repaired = server.command(&["repair"]).await?.expect_code(0)?;
    ensure!(repaired.stdout.contains("set aside as"), "{repaired:?}");
    let is_kept = std::fs::read_dir(server.data())?
        .filter_map(|entry| std::fs::read(entry.ok()?.path()).ok())
        .any(|bytes| bytes == garbage);
    ensure!(is_kept, "nothing is deleted");

    server.launch().await?;
    let http = server.administrator().await.context("the accounts are still there")?;
    let secrets = things::stations(&http, &["fresh-1"]).await?;
    let device = Http::device(server.http_port, "fresh-1", &secrets["fresh-1"]);
    post(&device, now().millis() - 1_000, 4.5).await?;
    ensure!(observations(&http, "fresh-1/wind_speed").await?.len() == 1);
    Ok(())
}

#[tokio::test]
async fn a_journal_behind_its_side_file_starts_and_says_how_much_is_lost() -> anyhow::Result<()> {
    let mut server = Server::start().await?;
    let http = server.administrator().await?;
    let secrets = things::stations(&http, &["behind-1"]).await?;
    let device = Http::device(server.http_port, "behind-1", &secrets["behind-1"]);
    let start = now().millis() - 60_000;
    post(&device, start, 1.0).await?;
    ensure!(server.terminate().await?.success());

    // The disk gives back an older journal; the side file is of later.
    let data = server.data();
    let older = std::fs::read(data.join("journal.db"))?;
    server.launch().await?;
    for n in 1..=5 {
        post(&device, start + n, 2.0).await?;
    }
    ensure!(server.terminate().await?.success());
    for name in ["journal.db-wal", "journal.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    std::fs::write(data.join("journal.db"), older)?;

    server.launch().await.context("it starts all the same")?;
    let http = server.administrator().await?;
    let ledger = http.get_json("/api/v1/ledger").await?;
    let lines = ledger["items"].as_array().context("lines")?;
    let lost: u64 = lines.iter().filter_map(|line| line["lost_acknowledged"].as_u64()).sum();
    ensure!(lost >= 5, "five commits are missing: {ledger}");
    let log = server.log_tail();
    ensure!(log.contains("ERROR") && log.contains("side file"), "an alarm in the log: {log}");
    ensure!(observations(&http, "behind-1/wind_speed").await?.len() == 1);

    post(&device, start + 9, 3.0).await.context("and goes on")?;
    ensure!(observations(&http, "behind-1/wind_speed").await?.len() == 2);
    Ok(())
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let mut second = Server::prepare()?.program();
    second.arg("run").arg("--data").arg(server.data()).current_dir(server.path("."));
    let second = programs::run(second, b"").await?;
    let holder = format!("in use by process {}", server.pid()?);
    ensure!(second.code == Some(1) && second.stderr.contains(&holder), "{second:?}");
    Http::new(server.http_port).get("/readyz").await?.expect(200)?;
    Ok(())
}

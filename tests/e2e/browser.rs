//! The page in headless Chromium: the script is `web/e2e/overview.mjs`; here
//! are the server, the fleet, and the pictures' folder `target/e2e`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::Command;
use tokio::time::sleep;

use crate::support::server::Server;
use crate::support::{programs, wait_for};

const FLEET_LIMIT: Duration = Duration::from_secs(60);
const SCRIPT_LIMIT: Duration = Duration::from_secs(240);

/// Long enough for the page to say so.
const OUTAGE: Duration = Duration::from_secs(6);

#[tokio::test]
async fn the_page_shows_the_county_live() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let mut fleet = fleet(&server)?;
    let http = server.administrator().await?;
    wait_for("the fleet's first values", FLEET_LIMIT, async || {
        if let Some(status) = fleet.try_wait()? {
            anyhow::bail!("the fleet ended with {status}");
        }
        let latest = http.get_json("/api/v1/datastreams/latest").await?;
        let n = latest["datastream"].as_array().map_or(0, Vec::len);
        Ok((100 <= n).then_some(()))
    })
    .await?;
    let ran = run(script(&server, &[]).await?).await;
    // Is it the page, or what the page is told?
    let scores = http.get_json("/api/v1/indices/hazard/scores").await?;
    let items = scores["items"].as_array().context("scores")?;
    let n_known = items.iter().filter(|item| item["score"].is_number()).count();
    ran.with_context(|| format!("the API had {n_known} scores of {}", scores["time"]))
}

#[tokio::test]
async fn the_page_says_when_the_server_is_gone_and_finds_it_again() -> anyhow::Result<()> {
    let mut server = Server::start().await?;
    let mut script = script(&server, &["--lost"]).await?;
    script.env("SERVER_PID", server.pid()?.to_string()).env("EXPECT_RECOVERY", "1");
    let restart = async {
        server.wait_for_exit(SCRIPT_LIMIT).await.context("the script kills the server")?;
        sleep(OUTAGE).await;
        server.launch().await
    };
    let (ran, restarted) = tokio::join!(run(script), restart);
    ran.and(restarted)
}

/// The browser's script for this server.
pub(super) async fn script(server: &Server, arguments: &[&str]) -> anyhow::Result<Command> {
    let chromium = programs::find(&["chromium", "chromium-browser"], "chromium")?;
    let node = programs::find(&["node"], "nodejs (20.19 or newer; `make e2e` gets one)")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, advice) in
        [("web/dist/index.html", "make web"), ("web/node_modules/playwright-core", "make web")]
    {
        ensure!(root.join(path).try_exists()?, "{path} is missing; run: {advice}");
    }
    let mut script = Command::new(node);
    script
        .arg(root.join("web/e2e/overview.mjs"))
        .args(arguments)
        .current_dir(root.join("web"))
        .env("BASE_URL", format!("http://127.0.0.1:{}", server.http_port))
        .env("ADMIN_PASSWORD", server.password().await?)
        .env("OUT", root.join("target/e2e"))
        .env("CHROMIUM", chromium);
    Ok(script)
}

pub(super) async fn run(script: Command) -> anyhow::Result<()> {
    let finished = programs::run(script, b"").await?;
    eprintln!("{}{}", finished.stdout, finished.stderr);
    finished.expect_code(0).context("the page in Chromium")?;
    Ok(())
}

/// The county's example things, faster than in life.
fn fleet(server: &Server) -> anyhow::Result<tokio::process::Child> {
    let mut command = server.program();
    command
        .args(["simulate", "--scenario", "fleet", "--rate", "60", "--data"])
        .arg(server.data())
        .arg("--broker")
        .arg(format!("mqtt://127.0.0.1:{}", server.mqtt_port))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().context("start the fleet")
}

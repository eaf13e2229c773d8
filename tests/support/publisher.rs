//! Devices on Python's paho-mqtt: a client that nobody here wrote.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{now, programs, wait_for};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/publisher.py");
const SCRIPT_EACH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/publish_each.py");
const DRAIN_LIMIT: Duration = Duration::from_secs(120);

/// What a publisher does; reading `n` has the time `base + n` ms.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) port: u16,
    /// `3` (3.1.1) or `5`.
    pub(crate) version: &'static str,
    pub(crate) thing: String,
    pub(crate) property: &'static str,
    pub(crate) secret: String,
    /// 0: until it is told to stop.
    pub(crate) count: u64,
    pub(crate) rate: u32,
    /// How many publishes may wait for their PUBACK at once.
    pub(crate) window: u32,
}

pub(crate) struct Publisher {
    plan: Plan,
    base_ms: i64,
    folder: TempDir,
    child: Child,
}

/// What became of a publisher's readings, as the publisher saw it.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) datastream: String,
    pub(crate) base_ms: i64,
    pub(crate) n_sent: u64,
    pub(crate) n_reconnects: u64,
    pub(crate) acked: BTreeSet<u64>,
}

impl Sent {
    /// The value of reading `n`; the script has the same formula.
    pub(crate) fn value(n: u64) -> f64 {
        (n % 700) as f64 / 10.0
    }
}

impl Publisher {
    pub(crate) fn start(plan: Plan) -> anyhow::Result<Publisher> {
        check_paho()?;
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).context("make a directory")?;
        // An hour ago: no reading is ever in the future.
        let base_ms = now().millis() - 3_600_000;
        let errors = std::fs::File::create(folder.path().join("errors"))?;
        let mut command = Command::new(programs::PYTHON);
        command
            .arg(SCRIPT)
            .args(["--port", &plan.port.to_string(), "--version", plan.version])
            .args(["--thing", &plan.thing, "--property", plan.property])
            .args(["--base-ms", &base_ms.to_string(), "--count", &plan.count.to_string()])
            .args(["--rate", &plan.rate.to_string(), "--window", &plan.window.to_string()])
            .arg("--acks")
            .arg(acks_file(folder.path()))
            .env("DEVICE_SECRET", &plan.secret)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true);
        let child = command.spawn().context("start the publisher")?;
        Ok(Publisher { plan, base_ms, folder, child })
    }

    /// The numbers whose PUBACK was seen so far.
    pub(crate) fn acked(&self) -> anyhow::Result<BTreeSet<u64>> {
        let text = match std::fs::read_to_string(acks_file(self.folder.path())) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context("read the acknowledged numbers"),
        };
        // The last line may be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| line.parse().context("a number")).collect()
    }

    /// Waits until at least `n` readings were acknowledged.
    pub(crate) async fn wait_for_acks(&self, n: usize, limit: Duration) -> anyhow::Result<()> {
        let what = format!("{n} acknowledgements of {}", self.plan.thing);
        let enough = async || Ok((self.acked()?.len() >= n).then_some(()));
        wait_for(&what, limit, enough).await.with_context(|| self.errors())
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default()
    }

    /// Tells it to stop, waits for what is still on its way.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Sent> {
        if self.plan.count == 0 {
            drop(self.child.stdin.take());
        }
        let errors = self.folder.path().join("errors");
        let acked_file = acks_file(self.folder.path());
        // An open input means "go on", so it is held until the end.
        let _input = self.child.stdin.take();
        let output = timeout(DRAIN_LIMIT, self.child.wait_with_output()).await;
        let output = output.with_context(|| format!("{} did not end", self.plan.thing))??;
        if !output.status.success() {
            let errors = std::fs::read_to_string(errors).unwrap_or_default();
            bail!("the publisher of {} ended with {}: {errors}", self.plan.thing, output.status);
        }
        let summary: Value = serde_json::from_slice(&output.stdout).context("its summary")?;
        let acked = std::fs::read_to_string(acked_file)?;
        Ok(Sent {
            datastream: format!("{}/{}", self.plan.thing, self.plan.property),
            base_ms: self.base_ms,
            n_sent: summary["sent"].as_u64().context("how many were sent")?,
            n_reconnects: summary["reconnects"].as_u64().unwrap_or(0),
            acked: acked.lines().map(str::parse).collect::<Result<_, _>>()?,
        })
    }
}

fn acks_file(folder: &Path) -> PathBuf {
    folder.join("acks")
}

fn check_paho() -> anyhow::Result<()> {
    programs::find(&["python3"], "python3")?;
    let package = Path::new("/usr/lib/python3/dist-packages/paho");
    if package.is_dir() {
        return Ok(());
    }
    bail!("this test needs paho-mqtt; install it: apt-get install python3-paho-mqtt")
}

/// Publishes payloads one after the other over one connection, each after the
/// PUBACK of the one before; fails unless all are acknowledged.
pub(crate) async fn publish_each(
    (port, version): (u16, &str),
    (user, secret): (&str, &str),
    payloads: &[(String, Vec<u8>)],
) -> anyhow::Result<()> {
    check_paho()?;
    let mut command = Command::new(programs::PYTHON);
    command.arg(SCRIPT_EACH).args([&port.to_string(), version, user]).env("DEVICE_SECRET", secret);
    let lines: Vec<String> =
        payloads.iter().map(|(topic, payload)| format!("{topic} {}\n", hex(payload))).collect();
    let finished = programs::run(command, lines.concat().as_bytes()).await?.expect_code(0)?;
    let n: usize = finished.stdout.trim().parse().context("how many were acknowledged")?;
    if n == payloads.len() { Ok(()) } else { bail!("{n} of {} acknowledged", payloads.len()) }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

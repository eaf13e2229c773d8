//! Debian's mosquitto on a port of its own, set up as the documents demand:
//! it keeps its queue over a restart and does not cut it.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::ports::free_port;
use super::server::{tail, terminate};
use super::{programs, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Mosquitto {
    pub(crate) port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl Mosquitto {
    pub(crate) async fn start() -> anyhow::Result<Mosquitto> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).context("make a directory")?;
        let port = free_port()?;
        let mut mosquitto = Mosquitto { port, folder, child: None };
        std::fs::write(mosquitto.folder.path().join("mosquitto.conf"), mosquitto.config())?;
        mosquitto.launch().await?;
        Ok(mosquitto)
    }

    /// Started as root it would become another user, who cannot write here.
    fn config(&self) -> String {
        format!(
            "user root\n\
             listener {port} 127.0.0.1\n\
             allow_anonymous true\n\
             persistence true\n\
             persistence_location {folder}/\n\
             autosave_interval 1800\n\
             max_queued_messages 0\n\
             max_inflight_messages 2000\n\
             log_type error\nlog_type warning\nlog_type notice\nlog_type subscribe\n",
            port = self.port,
            folder = self.folder.path().display(),
        )
    }

    pub(crate) async fn launch(&mut self) -> anyhow::Result<()> {
        let program = programs::find(&["mosquitto"], "mosquitto")?;
        let log = self.folder.path().join("mosquitto.log");
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(program);
        command.arg("-c").arg(self.folder.path().join("mosquitto.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).kill_on_drop(true);
        self.child = Some(command.spawn().context("start mosquitto")?);
        let port = self.port;
        let listening = wait_for("mosquitto to listen", LIMIT, async || {
            Ok(TcpStream::connect(("127.0.0.1", port)).await.ok())
        });
        listening.await.with_context(|| tail(&log))?;
        Ok(())
    }

    /// SIGTERM: it writes its sessions and queues down.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("mosquitto runs")?;
        let status = terminate(&mut child).await?;
        if status.success() { Ok(()) } else { bail!("mosquitto ended with {status}") }
    }

    /// Waits until `client_id` has subscribed; what is published before a
    /// first subscription reaches nobody.
    pub(crate) async fn wait_for_subscriber(&self, client_id: &str) -> anyhow::Result<()> {
        let log = self.folder.path().join("mosquitto.log");
        let wanted = format!(" {client_id} ");
        let subscribed = wait_for("the subscription", LIMIT, async || {
            let text = std::fs::read_to_string(&log)?;
            Ok(text.lines().any(|line| line.contains(&wanted)).then_some(()))
        });
        subscribed.await.with_context(|| tail(&log))
    }

    /// A `[[source.mqtt]]` of the program's configuration.
    pub(crate) fn source(&self, client_id: &str) -> String {
        format!(
            "[[source.mqtt]]\nname = \"mosquitto\"\nhost = \"127.0.0.1\"\nport = {}\n\
             client_id = \"{client_id}\"\nwindow = 2000\n",
            self.port
        )
    }
}

/// `mosquitto_pub` with QoS 1, and how it ended.
pub(crate) struct Publish<'a> {
    pub(crate) port: u16,
    /// `mqttv311` or `mqttv5`.
    pub(crate) version: &'a str,
    pub(crate) thing: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) payload: &'a [u8],
}

impl Publish<'_> {
    pub(crate) async fn send(&self) -> anyhow::Result<programs::Finished> {
        let program = programs::find(&["mosquitto_pub"], "mosquitto-clients")?;
        let mut command = Command::new(program);
        command.args(["-d", "-q", "1", "-h", "127.0.0.1", "-V", self.version, "-s"]);
        command.arg("-p").arg(self.port.to_string()).args(["-t", self.topic]);
        if !self.thing.is_empty() {
            command.args(["-i", self.thing, "-u", self.thing, "-P", self.secret]);
        }
        programs::run(command, self.payload).await
    }
}

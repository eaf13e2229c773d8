//! The real program with a data directory, ports and a log of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::Method;
use hyper::header::{COOKIE, ORIGIN, SET_COOKIE};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::http::Http;
use super::ports::free_port;
use super::programs::{self, Finished};
use super::wait_for;

const READY_LIMIT: Duration = Duration::from_secs(60);
const PASSWORD_LIMIT: Duration = Duration::from_secs(10);
const EXIT_LIMIT: Duration = Duration::from_secs(30);

/// Killed and its directory removed when it is dropped.
pub(crate) struct Server {
    pub(crate) http_port: u16,
    pub(crate) mqtt_port: u16,
    folder: TempDir,
    environment: Vec<(String, String)>,
    has_config: bool,
    child: Option<Child>,
}

impl Server {
    pub(crate) async fn start() -> anyhow::Result<Server> {
        let mut server = Server::prepare()?;
        server.launch().await?;
        Ok(server)
    }

    /// A server with this text as its `tidewatch.toml`.
    pub(crate) async fn start_with(config: &str) -> anyhow::Result<Server> {
        let mut server = Server::prepare_with(config)?;
        server.launch().await?;
        Ok(server)
    }

    pub(crate) fn prepare_with(config: &str) -> anyhow::Result<Server> {
        let mut server = Server::prepare()?;
        std::fs::create_dir(server.path("config"))?;
        std::fs::write(server.config_file(), config)?;
        server.has_config = true;
        Ok(server)
    }

    /// Directory and ports, nothing started. The directory is below `target`:
    /// on a disk, where an fsync costs what it costs.
    pub(crate) fn prepare() -> anyhow::Result<Server> {
        Ok(Server {
            http_port: free_port()?,
            mqtt_port: free_port()?,
            folder: TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).context("make a directory")?,
            environment: Vec::new(),
            has_config: false,
            child: None,
        })
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.environment.push((key.to_owned(), value.to_owned()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn config_file(&self) -> PathBuf {
        self.path("config/tidewatch.toml")
    }

    /// The program with this server's settings, and the arguments still to come.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidewatch"));
        command
            .env("TIDEWATCH__HTTP__LISTEN", format!("127.0.0.1:{}", self.http_port))
            .env("TIDEWATCH__MQTT__LISTEN", format!("127.0.0.1:{}", self.mqtt_port))
            .envs(self.environment.iter().cloned())
            .current_dir(self.folder.path())
            .kill_on_drop(true);
        command
    }

    fn run_command(&self) -> Command {
        let mut command = self.program();
        command.arg("run").arg("--data").arg(self.data());
        if self.has_config {
            command.arg("--config").arg(self.config_file());
        }
        command
    }

    /// Starts and waits until it says that it is ready.
    pub(crate) async fn launch(&mut self) -> anyhow::Result<()> {
        self.spawn()?;
        let http = Http::new(self.http_port);
        let ready = wait_for("the server to be ready", READY_LIMIT, async || {
            if let Some(status) = self.child_mut()?.try_wait()? {
                bail!("the server ended with {status}");
            }
            let answer = http.get("/readyz").await;
            Ok(answer.ok().filter(|answer| answer.status == 200).map(|_| ()))
        });
        ready.await.with_context(|| self.log_tail())
    }

    pub(crate) fn spawn(&mut self) -> anyhow::Result<()> {
        let append = |name: &str| {
            File::options().create(true).append(true).open(self.path(name)).context("open a log")
        };
        let (stdout, stderr) = (append("server.out")?, append("server.log")?);
        let mut command = self.run_command();
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn();
        self.child = Some(child.context("start the server")?);
        Ok(())
    }

    /// `run` where it is expected to end by itself.
    pub(crate) async fn run_to_its_end(&self) -> anyhow::Result<Finished> {
        programs::run(self.run_command(), b"").await
    }

    fn child_mut(&mut self) -> anyhow::Result<&mut Child> {
        self.child.as_mut().context("the server was started")
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.child.as_ref().and_then(Child::id).context("the server runs")
    }

    /// SIGKILL: nothing of the program gets a chance to tidy up.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.child_mut()?.kill().await.context("kill the server")?;
        self.child = None;
        Ok(())
    }

    /// Waits for an end that somebody else brings about.
    pub(crate) async fn wait_for_exit(&mut self, limit: Duration) -> anyhow::Result<()> {
        let ended = timeout(limit, self.child_mut()?.wait()).await;
        ended.context("the server still runs")?.context("wait for the server")?;
        self.child = None;
        Ok(())
    }

    /// SIGTERM, and what it ended with.
    pub(crate) async fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        let log = self.path("server.log");
        let child = self.child_mut()?;
        let status = terminate(child).await;
        let status = status.with_context(|| tail(&log))?;
        self.child = None;
        Ok(status)
    }

    /// The administrator's password, printed once at the first start.
    pub(crate) async fn password(&self) -> anyhow::Result<String> {
        let file = self.path("server.out");
        wait_for("the administrator's password", PASSWORD_LIMIT, async || {
            let printed = std::fs::read_to_string(&file)?;
            // Only a whole line has the whole password.
            let whole = printed.rfind('\n').map_or("", |end| &printed[..end]);
            let after = whole.split_once("password").map(|(_, rest)| rest);
            Ok(after.and_then(|rest| rest.split_whitespace().next()).map(str::to_owned))
        })
        .await
    }

    /// A caller with the administrator's session, as the page has it.
    pub(crate) async fn administrator(&self) -> anyhow::Result<Http> {
        let http = Http::new(self.http_port);
        let login = json!({"name": "admin", "password": self.password().await?});
        let answer =
            http.send(Method::POST, "/api/v1/session", "application/json", login.to_string());
        let answer = answer.await?.expect(200).context("log in")?;
        let cookie = answer.headers.get(SET_COOKIE).context("a session cookie")?.to_str()?;
        let pair = cookie.split(';').next().unwrap_or_default();
        let page = format!("http://127.0.0.1:{}", self.http_port);
        Ok(http.with(COOKIE, pair).with(ORIGIN, page))
    }

    /// A subcommand for this server's data directory, whether it runs or not.
    pub(crate) async fn command(&self, arguments: &[&str]) -> anyhow::Result<Finished> {
        let mut command = self.program();
        command.args(arguments).arg("--data").arg(self.data());
        programs::run(command, b"").await
    }

    pub(crate) fn log_tail(&self) -> String {
        tail(&self.path("server.log"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log_tail());
        }
    }
}

/// SIGTERM, and the exit status.
pub(crate) async fn terminate(child: &mut Child) -> anyhow::Result<ExitStatus> {
    let id = child.id().context("it still runs")?;
    let pid = Pid::from_raw(i32::try_from(id)?).context("a process id is not 0")?;
    kill_process(pid, Signal::TERM).context("send SIGTERM")?;
    let status = timeout(EXIT_LIMIT, child.wait()).await;
    status.with_context(|| format!("no exit within {EXIT_LIMIT:?} of SIGTERM"))?.context("wait")
}

/// The end of a log, for a message.
pub(crate) fn tail(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len().saturating_sub(25);
    format!("the end of {}:\n{}", log.display(), lines[last..].join("\n"))
}

//! Programs that the tests did not build: found, or named with their package.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// No command of a test takes longer.
const LIMIT: Duration = Duration::from_secs(300);

/// Debian's own Python: the one that has Debian's paho.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// The first of `names` that is there.
pub(crate) fn find(names: &[&str], package: &str) -> anyhow::Result<PathBuf> {
    const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&on_path).chain(FOLDERS.map(PathBuf::from));
    for folder in folders {
        for name in names {
            let path = folder.join(name);
            if path.is_file() {
                return Ok(path);
            }
        }
    }
    bail!("this test needs `{}`; install it: apt-get install {package}", names[0])
}

/// What a finished command said.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Fails with what the command wrote unless it ended with `code`.
    pub(crate) fn expect_code(self, code: i32) -> anyhow::Result<Finished> {
        if self.code == Some(code) {
            return Ok(self);
        }
        bail!("expected exit code {code}: {self:?}")
    }
}

/// Runs a command with `input` on its standard input.
pub(crate) async fn run(mut command: Command, input: &[u8]) -> anyhow::Result<Finished> {
    let shown = format!("{:?}", command.as_std());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("start {shown}"))?;
    let mut stdin = child.stdin.take().context("the input was piped")?;
    let feed = async move {
        // A command may end without reading its input.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let ran = timeout(LIMIT, async { tokio::join!(feed, child.wait_with_output()).1 }).await;
    let Output { status, stdout, stderr } =
        ran.with_context(|| format!("{shown} did not end"))?.context("wait for the command")?;
    Ok(Finished {
        code: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

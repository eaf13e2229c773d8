//! What the kernel says about a process, and processes of our own.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A number of `/proc/PID/FILE`, as in `write_bytes: 4096` or `VmHWM: 12 kB`.
pub(crate) fn figure(pid: u32, file: &str, key: &str) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/{file}");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let line = text.lines().find(|line| line.starts_with(&format!("{key}:")));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    let number = number.with_context(|| format!("no {key} in {path}"))?;
    number.parse().with_context(|| format!("{key} of {path}"))
}

/// The most memory that the process ever held, in MiB.
pub(crate) fn peak_memory_mib(pid: u32) -> anyhow::Result<f64> {
    Ok(figure(pid, "status", "VmHWM")? / 1024.0)
}

/// Bytes that the process caused to be written to the disk.
pub(crate) fn written_bytes(pid: u32) -> anyhow::Result<f64> {
    figure(pid, "io", "write_bytes")
}

/// CPU time that the calling thread has used.
pub(crate) fn thread_cpu_seconds() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("read schedstat")?;
    let nanoseconds: f64 = text.split_whitespace().next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}

/// Fails with advice where a thousand connections would not fit.
pub(crate) fn check_open_files(needed: u64) -> anyhow::Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits").context("read the limits")?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)).context("Max open files")?;
    let is_enough = soft == "unlimited" || soft.parse::<u64>().is_ok_and(|soft| soft >= needed);
    if !is_enough {
        bail!("only {soft} files may be open, {needed} are needed; run: ulimit -n {needed}");
    }
    Ok(())
}

/// This program again, as one of the rivals.
pub(crate) struct Rival {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Rival {
    /// Starts and waits until it says `ready`.
    pub(crate) async fn start(arguments: &[&str]) -> anyhow::Result<Rival> {
        let program = std::env::current_exe().context("find this program")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("start a rival")?;
        let stdout = child.stdout.take().context("its output was piped")?;
        let mut rival = Rival { child, lines: BufReader::new(stdout).lines() };
        rival.expect("ready").await?;
        Ok(rival)
    }

    /// Waits for its next line, which must be this one.
    pub(crate) async fn expect(&mut self, line: &str) -> anyhow::Result<()> {
        let found = self.lines.next_line().await?;
        ensure!(found.as_deref() == Some(line), "expected `{line}`, the rival said {found:?}");
        Ok(())
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("stop a rival")
    }
}

/// A directory on the disk that holds `target`, where an fsync costs what it costs.
pub(crate) fn scratch() -> anyhow::Result<tempfile::TempDir> {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tempfile::TempDir::new_in(parent).context("make a directory")
}

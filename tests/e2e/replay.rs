//! `replay` leaves the same behind however often it is killed.
//!
//! Two undisturbed runs are compared with each other, and with one that gets
//! SIGKILL at random moments and is started again each time. Whatever the
//! evaluation stored has to be the same, byte for byte, but for the numbers of
//! the transactions that wrote it: how the messages of a minute fall into
//! transactions is left to the machine.
//!
//! The tests take the scenario's first hours; with the feature `soak` it is
//! the whole of it, and fifty kills.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use model::Time;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::support::now;
use crate::support::server::tail;

const MINUTE_MS: i64 = 60_000;
const SCENARIO: &str = "haikui-2012";
const BEGIN: &str = "2012-08-06T00:00:00+08:00";
const IS_SOAK: bool = cfg!(feature = "soak");
const MINUTES: i64 = if IS_SOAK { 108 * 60 } else { 2 * 60 };
const N_KILLS: usize = if IS_SOAK { 50 } else { 3 };

/// No kill is planned later: the run must not have come to its end before.
const KILLS_UNTIL: f64 = 0.85;

/// A kill comes up to this long after its minute.
const DELAY_MAX_MS: u64 = 150;

const RUN_LIMIT: Duration = Duration::from_secs(if IS_SOAK { 3_600 } else { 240 });

/// Tables with the columns that put their rows into an order that is theirs.
const TABLES: [(&str, &str); 7] = [
    ("scores", "id"),
    ("ticks", "at"),
    ("alerts", "id"),
    ("alert_transitions", "alert, sequence"),
    ("memory", "part"),
    ("documents", "kind, id, revision"),
    ("observations", "bucket, datastream, time"),
];

/// Numbers of transactions.
const LEFT_OUT: [&str; 2] = ["commit", "seen"];

struct Replay {
    folder: TempDir,
}

impl Replay {
    fn new() -> anyhow::Result<Replay> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).context("make a directory")?;
        Ok(Replay { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn journal(&self) -> PathBuf {
        self.path("data/journal.db")
    }

    /// Starts it, or goes on with what is there.
    fn spawn(&self) -> anyhow::Result<Child> {
        let log = std::fs::File::options().create(true).append(true).open(self.path("replay.log"));
        Command::new(env!("CARGO_BIN_EXE_tidewatch"))
            .args(["replay", "--scenario", SCENARIO, "--until", &minute(MINUTES)?.to_string()])
            .arg("--data")
            .arg(self.path("data"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.context("open a log")?)
            .kill_on_drop(true)
            .spawn()
            .context("start the replay")
    }

    async fn run_to_its_end(&self) -> anyhow::Result<()> {
        let mut child = self.spawn()?;
        let ended = timeout(RUN_LIMIT, child.wait()).await;
        let status = ended.with_context(|| format!("no end within {RUN_LIMIT:?}"))??;
        ensure!(status.success(), "{status}; {}", tail(&self.path("replay.log")));
        Ok(())
    }

    /// Runs it until `at` is evaluated and a moment more, then kills it.
    async fn run_until_killed(&self, at: Time, delay: Duration) -> anyhow::Result<()> {
        let mut child = self.spawn()?;
        let deadline = Instant::now() + RUN_LIMIT;
        let no_end = |status: ExitStatus| {
            format!("it ended with {status} before {at}; {}", tail(&self.path("replay.log")))
        };
        while last_tick(&self.journal()).is_none_or(|reached| reached < at) {
            if let Some(status) = child.try_wait()? {
                bail!(no_end(status));
            }
            ensure!(Instant::now() < deadline, "{at} is not reached within {RUN_LIMIT:?}");
            sleep(Duration::from_millis(10)).await;
        }
        sleep(delay).await;
        if let Some(status) = child.try_wait()? {
            bail!(no_end(status));
        }
        child.kill().await.context("kill the replay")
    }
}

fn minute(n: i64) -> anyhow::Result<Time> {
    let begin = Time::parse(BEGIN).context("the scenario's begin")?;
    Time::from_millis(begin.millis() + n * MINUTE_MS).context("a time")
}

fn open(journal: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY);
    connection.with_context(|| format!("open {}", journal.display()))
}

/// How far a replay has come; nothing before it has a journal.
fn last_tick(journal: &Path) -> Option<Time> {
    let at = open(journal).ok()?.query_row("SELECT max(at) FROM ticks", [], |row| row.get(0));
    at.ok().flatten().and_then(|at: i64| Time::from_millis(at).ok())
}

/// Fails at the first row that is not the same; gives the number of rows.
fn compare(table: &str, order: &str, one: &Path, other: &Path) -> anyhow::Result<usize> {
    let (one, other) = (open(one)?, open(other)?);
    let query = format!("SELECT * FROM {table} ORDER BY {order}");
    let (mut one, mut other) = (one.prepare(&query)?, other.prepare(&query)?);
    let columns: Vec<String> = one.column_names().map(str::to_owned).collect();
    let (mut one, mut other) = (one.query([])?, other.query([])?);
    let mut n_rows = 0;
    loop {
        let (row, same) = match (one.next()?, other.next()?) {
            (Some(row), Some(same)) => (row, same),
            (None, None) => return Ok(n_rows),
            (row, _) => {
                let longer = if row.is_some() { "first" } else { "second" };
                bail!("{table}: after {n_rows} rows only the {longer} has more");
            }
        };
        for (n, column) in columns.iter().enumerate() {
            let (value, same): (Value, Value) = (row.get(n)?, same.get(n)?);
            ensure!(
                LEFT_OUT.contains(&column.as_str()) || value == same,
                "{table}, row {n_rows}, {column}: {} is not {}",
                shown(&value),
                shown(&same)
            );
        }
        n_rows += 1;
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        value => format!("{value:?}"),
    }
}

fn assert_same(one: &Replay, other: &Replay, whose: &str) -> anyhow::Result<()> {
    let mut counts = Vec::new();
    for (table, order) in TABLES {
        let n_rows = compare(table, order, &one.journal(), &other.journal());
        let n_rows = n_rows.with_context(|| whose.to_owned())?;
        ensure!(n_rows > 0, "no {table}: nothing is compared");
        counts.push(format!("{n_rows} {table}"));
    }
    eprintln!("{whose}: the same {}", counts.join(", "));
    Ok(())
}

#[tokio::test]
async fn a_replay_that_is_killed_again_and_again_ends_as_one_that_is_not() -> anyhow::Result<()> {
    let seed = if IS_SOAK { now().millis().unsigned_abs() } else { 20_120_806 };
    eprintln!("seed {seed}");
    let (first, second, killed) = (Replay::new()?, Replay::new()?, Replay::new()?);
    let (one, two) = tokio::join!(first.run_to_its_end(), second.run_to_its_end());
    one.context("the first run")?;
    two.context("the second run")?;
    assert_same(&first, &second, "two undisturbed runs")?;
    drop(second);

    let mut random = StdRng::seed_from_u64(seed);
    #[expect(clippy::cast_possible_truncation, reason = "a few thousand minutes")]
    let last = (MINUTES as f64 * KILLS_UNTIL) as i64;
    let mut moments: Vec<(i64, u64)> = (0..N_KILLS)
        .map(|_| (random.random_range(0..last), random.random_range(0..DELAY_MAX_MS)))
        .collect();
    moments.sort_unstable();
    for (n, delay_ms) in moments {
        let ran = killed.run_until_killed(minute(n)?, Duration::from_millis(delay_ms)).await;
        ran.with_context(|| format!("kill {delay_ms} ms after minute {n}, seed {seed}"))?;
    }
    killed.run_to_its_end().await.with_context(|| format!("the end, seed {seed}"))?;
    assert_same(&first, &killed, &format!("{N_KILLS} kills, seed {seed}"))
}

//! What happened so far, counted by all connections and shown on stderr.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How often the progress line is printed.
const PRINT_EVERY: Duration = Duration::from_secs(10);

/// Shared by all tasks of a run.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) messages: AtomicU64,
    pub(crate) readings: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) readings_acknowledged: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) resent: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) connections_lost: AtomicU64,
    /// Short sections without an await: a std mutex.
    last_problem: Mutex<Option<String>>,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages that devices wanted to send.
    pub messages: u64,
    pub readings: u64,
    /// Messages that the broker or the server acknowledged.
    pub acknowledged: u64,
    pub readings_acknowledged: u64,
    /// Messages refused for good: they are not sent again.
    pub refused: u64,
    /// Messages sent again after a lost connection.
    pub resent: u64,
    /// Connections that are open.
    pub connections: u64,
    pub connections_lost: u64,
    pub last_problem: Option<String>,
}

impl Summary {
    /// Messages that were neither acknowledged nor refused.
    pub fn unacknowledged(&self) -> u64 {
        self.messages.saturating_sub(self.acknowledged + self.refused)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { messages, readings, acknowledged, refused, resent, .. } = self;
        write!(f, "{messages} messages with {readings} readings, {acknowledged} acknowledged")?;
        write!(f, ", {refused} refused, {resent} sent again, {} connected", self.connections)?;
        match &self.last_problem {
            Some(problem) => write!(f, "; last problem: {problem}"),
            None => Ok(()),
        }
    }
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Progress {
    pub(crate) fn produced(&self, readings: u32) {
        add(&self.messages, 1);
        add(&self.readings, u64::from(readings));
    }

    pub(crate) fn acknowledged(&self, readings: u32) {
        add(&self.acknowledged, 1);
        add(&self.readings_acknowledged, u64::from(readings));
    }

    pub(crate) fn connected(&self) {
        add(&self.connections, 1);
    }

    pub(crate) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn problem(&self, problem: impl fmt::Display) {
        let shown: String = problem.to_string().escape_debug().take(200).collect();
        *self.last_problem.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(shown);
    }

    pub(crate) fn summary(&self) -> Summary {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let last_problem =
            self.last_problem.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Summary {
            messages: read(&self.messages),
            readings: read(&self.readings),
            acknowledged: read(&self.acknowledged),
            readings_acknowledged: read(&self.readings_acknowledged),
            refused: read(&self.refused),
            resent: read(&self.resent),
            connections: read(&self.connections),
            connections_lost: read(&self.connections_lost),
            last_problem: last_problem.clone(),
        }
    }

    /// Prints a line every ten seconds until `stop`.
    pub(crate) async fn print(&self, stop: CancellationToken) {
        let mut every = tokio::time::interval(PRINT_EVERY);
        every.tick().await;
        loop {
            // A tick and a cancelled token lose nothing when dropped.
            tokio::select! {
                _ = every.tick() => eprintln!("simulate: {}", self.summary()),
                () = stop.cancelled() => return,
            }
        }
    }
}

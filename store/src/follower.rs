//! Following the journal commit by commit.
//!
//! The writer hands each commit to a ring of 256 and never waits. Who reads in
//! time gets it from there, shared; who falls behind, or begins with an earlier
//! commit, reads what is missing from the journal and then goes on with the
//! ring. Numbers alone decide what comes next, so nothing is left out and
//! nothing comes twice.

use std::collections::VecDeque;
use std::sync::Arc;

use model::{Document, Time};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::JoinSet;
use tracing::warn;

use crate::journal::Shared;
use crate::queries::commits;
use crate::readers::Readers;
use crate::rows::ObservationRow;
use crate::{Store, StoreError};

/// Commits that wait for the slowest follower.
pub(crate) const COMMITS_MAX: usize = 256;

/// A commit with more rows does not wait in memory: followers read it from the
/// journal.
pub(crate) const ROWS_MAX: usize = 8192;

/// One numbered transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    pub number: u64,
    /// Scene time.
    pub at: Time,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// What it stored, in order of datastream and time; duplicates are left
    /// out. The journal does not know the source of a row: it is
    /// [`SourceKey::UNKNOWN`](crate::SourceKey::UNKNOWN) in all of them.
    Observations(Arc<[ObservationRow]>),
    Documents(Vec<Document>),
    /// Things or datastreams changed: see [`Store::directory`].
    Things,
    Tick,
    /// Sources, quarantine, marks.
    Other,
}

/// A commit on its way to the followers.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) number: u64,
    pub(crate) at: Time,
    pub(crate) content: LiveContent,
}

#[derive(Debug, Clone)]
pub(crate) enum LiveContent {
    /// What was stored, as it came: the followers sort it, not the writer.
    Rows(Arc<Vec<ObservationRow>>),
    Ready(Content),
    /// It must be read from the journal.
    InJournal,
}

impl LiveContent {
    fn ready(self) -> Option<Content> {
        match self {
            LiveContent::Rows(rows) => {
                let rows = commits::in_order(rows.as_slice().into());
                Some(Content::Observations(rows))
            }
            LiveContent::Ready(content) => Some(content),
            LiveContent::InJournal => None,
        }
    }
}

/// Gives every commit after the one it began with, in order.
#[derive(Debug)]
pub struct Follower {
    shared: Arc<Shared>,
    /// `None` when the store was closed before.
    live: Option<broadcast::Receiver<Live>>,
    /// The last commit that was handed out.
    position: u64,
    /// Up to here the journal must be read.
    missing_up_to: u64,
    /// Read from the journal, not handed out yet.
    ready: VecDeque<Commit>,
    /// At most one read under way; it goes on when `next` is cancelled.
    reading: JoinSet<Result<Vec<Commit>, StoreError>>,
}

impl Store {
    /// Every commit after `after`, in order, without gaps: from a ring of the
    /// newest 256, and from the journal where that has gone on or the commit is
    /// older. Commits of more than three days ago are refused.
    pub fn follow(&self, after: u64) -> Follower {
        let shared = Arc::clone(self.shared());
        // In this order: what is committed in between comes by both ways.
        let live = shared.commits.upgrade().map(|sender| sender.subscribe());
        let last = shared.last_commit();
        Follower {
            shared,
            live,
            position: after.min(last),
            missing_up_to: last,
            ready: VecDeque::new(),
            reading: JoinSet::new(),
        }
    }
}

impl Follower {
    /// The next commit, as soon as there is one; `None` when the store was
    /// closed and all is handed out. After an error the same commits are tried
    /// again. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Commit, StoreError>> {
        loop {
            if let Some(commit) = self.ready.pop_front() {
                self.position = commit.number;
                return Some(Ok(commit));
            }
            if self.position < self.missing_up_to {
                match self.read().await {
                    Ok(commits) => self.ready.extend(commits),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            }
            let received = match &mut self.live {
                Some(live) => live.recv().await,
                None => Err(RecvError::Closed),
            };
            match received {
                Ok(live) if live.number <= self.position => (),
                Ok(live) => match live.content.ready() {
                    Some(content) if live.number == self.position + 1 => {
                        self.position = live.number;
                        return Some(Ok(Commit { number: live.number, at: live.at, content }));
                    }
                    _ => self.missing_up_to = live.number,
                },
                Err(RecvError::Lagged(_)) => self.missing_up_to = self.shared.last_commit(),
                Err(RecvError::Closed) if self.position < self.shared.last_commit() => {
                    self.missing_up_to = self.shared.last_commit();
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The first commits after the position, from the journal.
    async fn read(&mut self) -> Result<Vec<Commit>, StoreError> {
        if self.reading.is_empty() {
            self.reading.spawn(read_after(self.shared.readers.clone(), self.position));
        }
        // Cancel-safe: the task stays in the set.
        let ended = self.reading.join_next().await.expect("a read was just started");
        ended.map_err(|error| StoreError::Unavailable {
            detail: format!("commits were not read: {error}"),
            source: None,
        })?
    }
}

/// At least one commit.
async fn read_after(readers: Readers, after: u64) -> Result<Vec<Commit>, StoreError> {
    let chunk = readers.read(move |c| commits::chunk(c, after)).await?;
    let chunk = chunk.map_err(|forgotten| StoreError::Refused {
        detail: format!(
            "commits after {after} cannot be followed: they are forgotten up to {forgotten}; \
             begin with a later one"
        ),
    })?;
    let Some(last) = chunk.last() else {
        return Err(StoreError::Corrupt {
            detail: format!("the journal does not know the commits after {after}"),
        });
    };
    let chunk = Arc::new(chunk);
    let mut visible = Vec::new();
    for buckets in chunk.buckets.chunks(commits::BUCKETS_PER_READ) {
        let (chunk, buckets) = (Arc::clone(&chunk), buckets.to_vec());
        visible.extend(readers.read(move |c| commits::visible(c, &chunk, &buckets)).await?);
    }
    let assemble = move |c: &_| {
        let replaced = commits::replaced(c, &chunk)?;
        Ok(commits::assemble(&chunk, visible, replaced))
    };
    let (commits, n_wrong) = readers.read(assemble).await?;
    if 0 < n_wrong {
        warn!(after, last, n_wrong, "rows of commits are not where they were noted");
    }
    Ok(commits)
}

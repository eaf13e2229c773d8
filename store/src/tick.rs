//! What evaluations leave in the journal: the tick log, scores, alerts and
//! their transitions, the evaluation's memory, deliveries to receivers outside.
//!
//! Bodies are opaque here. All of a tick is one transaction, and the same tick
//! may be written again: a replay that goes on after a kill does so.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use model::{Level, ThingId, Time, TownshipCode};

use crate::queries::{alerts, outbox, ticks};
use crate::{Rows, Store, StoreError, TimeRange};

#[derive(Debug, Clone)]
pub struct TickWrite {
    pub tick: TickRow,
    /// Derived observations; usually none.
    pub rows: Arc<Rows>,
    /// A score of the same index, feature and time takes the place of the one
    /// that is there.
    pub scores: Vec<ScoreRow>,
    /// An alert of the same id takes the place of the one that is there.
    pub alerts: Vec<AlertRow>,
    /// Ignored where the alert has this sequence already.
    pub transitions: Vec<AlertTransitionRow>,
    /// Each takes the place of the part of the same name.
    pub memory: Vec<MemoryPart>,
    /// Ignored where the key exists already.
    pub outbox: Vec<OutboxNew>,
}

/// An instant of evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickRow {
    pub at: Time,
    /// The last commit it saw.
    pub commit: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow {
    pub index: String,
    /// A township's code, or `county`.
    pub feature: String,
    pub at: Time,
    pub score: Option<f64>,
    pub level: Option<Level>,
    pub grey: bool,
    pub provisional: bool,
    pub coverage: f64,
    pub confidence: f64,
    pub body: Vec<u8>,
}

/// What is not set matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScoreFilter {
    pub index: Option<String>,
    pub feature: Option<String>,
}

/// An alert as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    pub id: String,
    pub datastream: String,
    pub thing: ThingId,
    pub township: Option<TownshipCode>,
    pub opened: Time,
    pub closed: Option<Time>,
    pub updated: Time,
    pub body: String,
}

/// What is not set matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertFilter {
    pub open_only: bool,
    pub township: Option<TownshipCode>,
    pub thing: Option<ThingId>,
    /// Opened at or after this.
    pub since: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertTransitionRow {
    pub alert: String,
    pub sequence: u32,
    pub at: Time,
    pub body: String,
}

/// A part of what the evaluation must know to go on after a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPart {
    pub part: String,
    pub at: Time,
    /// The last commit that went into it.
    pub commit: u64,
    pub body: Vec<u8>,
}

/// A delivery to make. Its times are real ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxNew {
    /// The same delivery has the same key.
    pub key: String,
    pub receiver: String,
    pub body: String,
    pub created: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutboxState {
    Waiting,
    Delivered,
    /// Given up.
    Undelivered,
}

impl OutboxState {
    pub const ALL: [OutboxState; 3] =
        [OutboxState::Waiting, OutboxState::Delivered, OutboxState::Undelivered];

    pub fn as_str(self) -> &'static str {
        match self {
            OutboxState::Waiting => "waiting",
            OutboxState::Delivered => "delivered",
            OutboxState::Undelivered => "undelivered",
        }
    }
}

impl fmt::Display for OutboxState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown delivery state `{found}`; known are waiting, delivered, undelivered")]
pub struct UnknownOutboxState {
    found: String,
}

impl FromStr for OutboxState {
    type Err = UnknownOutboxState;

    fn from_str(text: &str) -> Result<OutboxState, UnknownOutboxState> {
        let known = OutboxState::ALL.into_iter().find(|state| state.as_str() == text);
        let found = || text.escape_debug().take(40).collect();
        known.ok_or_else(|| UnknownOutboxState { found: found() })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    pub id: u64,
    pub key: String,
    pub receiver: String,
    pub body: String,
    pub created: Time,
    pub state: OutboxState,
    pub n_tries: u32,
    /// `None`: at once.
    pub next_try: Option<Time>,
    /// What the last try met.
    pub detail: String,
}

impl Store {
    /// Writes all of a tick in one transaction, ahead of waiting batches; a
    /// full disk does not stop it. Gives its commit number.
    pub async fn write_tick(&self, write: TickWrite) -> Result<u64, StoreError> {
        self.writer().write_tick(write).await
    }

    /// All parts, in order of their names.
    pub async fn memory(&self) -> Result<Vec<MemoryPart>, StoreError> {
        self.readers().read(ticks::memory).await
    }

    /// The one of greatest time.
    pub async fn last_tick(&self) -> Result<Option<TickRow>, StoreError> {
        self.readers().read(ticks::last).await
    }

    /// In time order.
    pub async fn ticks(&self, range: TimeRange, limit: usize) -> Result<Vec<TickRow>, StoreError> {
        self.readers().read(move |c| ticks::ticks(c, range, limit)).await
    }

    /// In order of time, index and feature.
    pub async fn scores(
        &self,
        filter: ScoreFilter,
        range: TimeRange,
        limit: usize,
    ) -> Result<Vec<ScoreRow>, StoreError> {
        self.readers().read(move |c| ticks::scores(c, &filter, range, limit)).await
    }

    /// The newest score of each feature at or before `at`, in order of feature.
    pub async fn scores_at(&self, index: &str, at: Time) -> Result<Vec<ScoreRow>, StoreError> {
        let index = index.to_owned();
        self.readers().read(move |c| ticks::scores_at(c, &index, at)).await
    }

    /// Newest opened first; `before` is opening and id of the last one of the
    /// page before.
    pub async fn alerts(
        &self,
        filter: AlertFilter,
        before: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AlertRow>, StoreError> {
        self.readers().read(move |c| alerts::page(c, &filter, before.as_ref(), limit)).await
    }

    pub async fn alert(&self, id: &str) -> Result<Option<AlertRow>, StoreError> {
        let id = id.to_owned();
        self.readers().read(move |c| alerts::one(c, &id)).await
    }

    /// In order of sequence.
    pub async fn alert_history(&self, id: &str) -> Result<Vec<AlertTransitionRow>, StoreError> {
        let id = id.to_owned();
        self.readers().read(move |c| alerts::history(c, &id)).await
    }

    /// Deliveries that wait and whose time has come, oldest first.
    pub async fn outbox_due(
        &self,
        at_real: Time,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.readers().read(move |c| outbox::due(c, at_real, limit)).await
    }

    /// Writes down one try. Refused when there is no such delivery.
    pub async fn outbox_update(
        &self,
        id: u64,
        state: OutboxState,
        next_try: Option<Time>,
        detail: String,
    ) -> Result<(), StoreError> {
        self.writer().outbox_update(id, state, next_try, detail).await
    }

    /// The oldest waiting delivery of a receiver, due or not.
    pub async fn outbox_next(&self, receiver: &str) -> Result<Option<OutboxRow>, StoreError> {
        let receiver = receiver.to_owned();
        self.readers().read(move |c| outbox::next(c, &receiver)).await
    }

    /// Deliveries by receiver and state.
    pub async fn outbox_counts(&self) -> Result<Vec<(String, OutboxState, u64)>, StoreError> {
        self.readers().read(outbox::counts).await
    }

    /// Newest first.
    pub async fn outbox_list(
        &self,
        state: Option<OutboxState>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.readers().read(move |c| outbox::list(c, state, limit)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_states_are_written_and_read_back() {
        for state in OutboxState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        let error = "lost\n".parse::<OutboxState>().unwrap_err();
        assert!(error.to_string().contains("`lost\\n`"), "{error}");
    }
}

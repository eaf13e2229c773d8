//! The messages that wait, as the sender sees them.

use async_trait::async_trait;
use model::Time;
use store::{OutboxRow, OutboxState, Store, StoreError};

/// The journal; in tests one that fails on purpose.
#[async_trait]
pub(crate) trait Outbox: Send + Sync {
    /// The oldest message of a receiver that is neither delivered nor given up.
    async fn next(&self, receiver: &str) -> Result<Option<OutboxRow>, StoreError>;

    /// Notes a try.
    async fn note(&self, note: &Note) -> Result<(), StoreError>;

    /// Messages by receiver and state.
    async fn counts(&self) -> Result<Vec<(String, OutboxState, u64)>, StoreError>;
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) state: OutboxState,
    pub(crate) next_try: Option<Time>,
    pub(crate) detail: String,
}

#[async_trait]
impl Outbox for Store {
    async fn next(&self, receiver: &str) -> Result<Option<OutboxRow>, StoreError> {
        self.outbox_next(receiver).await
    }

    async fn note(&self, note: &Note) -> Result<(), StoreError> {
        self.outbox_update(note.id, note.state, note.next_try, note.detail.clone()).await
    }

    async fn counts(&self) -> Result<Vec<(String, OutboxState, u64)>, StoreError> {
        self.outbox_counts().await
    }
}

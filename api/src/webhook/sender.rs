//! The tasks that deliver, one for each receiver.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use analytics::alerts::outward::{WebhookRule, test_body};
use analytics::record::AlertRecord;
use axum::body::Bytes;
use model::{Clock, Origin};
use store::{OutboxRow, OutboxState, Store, StoreError};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::backoff::{self, Verdict};
use super::channel::{Channel, ReceiverStatus};
use super::outbox::{Note, Outbox};
use super::post::{BODY_BYTES_MAX, Reply, Resolve, SystemResolver, TryError, post};
use super::receiver::Receiver;
use crate::secret::random_bytes;
use crate::state::ReadinessSource;

/// Receivers that are talked to at the same time.
const SLOTS: usize = 4;

const TRY_MAX: Duration = Duration::from_secs(10);

/// How often a receiver's task looks for messages without being woken.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const COUNT_EVERY: Duration = Duration::from_secs(15);

/// Above this a demo runs too fast for people outside to follow.
const SPEED_MAX: f64 = 60.0;

/// What a test message met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutcome {
    /// The receiver's HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    pub error: Option<String>,
    pub took: Duration,
}

pub(super) struct SenderParts {
    pub(super) outbox: Arc<dyn Outbox>,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) clock: Clock,
    pub(super) origin: Origin,
    pub(super) receivers: Vec<Receiver>,
    pub(super) external_url: String,
    pub(super) try_max: Duration,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

struct Inner {
    channels: Vec<Channel>,
    outbox: Arc<dyn Outbox>,
    resolver: Arc<dyn Resolve>,
    clock: Clock,
    origin: Origin,
    external_url: String,
    /// From the question for the addresses to the head of the answer.
    try_max: Duration,
    slots: Semaphore,
    wake: Notify,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("n_receivers", &self.0.channels.len()).finish()
    }
}

impl Sender {
    /// `external_url` is where people reach this program, without a slash at
    /// the end. Nothing is sent before [`Sender::run`].
    pub fn new(
        store: Store,
        clock: Clock,
        receivers: Vec<Receiver>,
        external_url: String,
    ) -> Sender {
        Sender::with(SenderParts {
            origin: store.origin(),
            outbox: Arc::new(store),
            resolver: Arc::new(SystemResolver),
            clock,
            receivers,
            external_url,
            try_max: TRY_MAX,
        })
    }

    pub(super) fn with(parts: SenderParts) -> Sender {
        let channels = parts.receivers.into_iter().map(Channel::new).collect();
        Sender(Arc::new(Inner {
            channels,
            outbox: parts.outbox,
            resolver: parts.resolver,
            clock: parts.clock,
            origin: parts.origin,
            external_url: parts.external_url,
            try_max: parts.try_max,
            slots: Semaphore::new(SLOTS),
            wake: Notify::new(),
        }))
    }

    /// For whoever writes messages: none when this program sends none.
    pub fn rules(&self) -> Vec<WebhookRule> {
        if self.is_paused() { Vec::new() } else { self.receivers().cloned().collect() }
    }

    /// A demo too fast to be followed sends nothing.
    pub fn is_paused(&self) -> bool {
        self.0.clock.speed() > SPEED_MAX
    }

    pub fn external_url(&self) -> &str {
        &self.0.external_url
    }

    fn receivers(&self) -> impl Iterator<Item = &WebhookRule> {
        self.0.channels.iter().map(|channel| &channel.receiver.rule)
    }

    /// Messages were written: do not wait for the next look.
    pub fn wake(&self) {
        self.0.wake.notify_waiters();
    }

    /// By the receivers' order in the settings.
    pub fn status(&self) -> Vec<(WebhookRule, ReceiverStatus)> {
        let channels = self.0.channels.iter();
        channels.map(|channel| (channel.receiver.rule.clone(), channel.status())).collect()
    }

    /// The host of a receiver's URL; the rest of it may be secret.
    pub(super) fn host(&self, name: &str) -> Option<&str> {
        Some(&self.channel(name)?.receiver.endpoint.host)
    }

    /// Messages by receiver and state.
    pub(super) async fn counts(&self) -> Result<Vec<(String, OutboxState, u64)>, StoreError> {
        self.0.outbox.counts().await
    }

    /// One check for each receiver.
    pub fn readiness(&self) -> Vec<ReadinessSource> {
        (0..self.0.channels.len())
            .map(|index| {
                let inner = Arc::clone(&self.0);
                let name = format!("webhook_{}", inner.channels[index].receiver.name());
                let probe = move || {
                    let status = inner.channels[index].status();
                    match status.last_error {
                        Some(error) if status.is_failing => Err(error),
                        _ => Ok(()),
                    }
                };
                ReadinessSource { name, probe: Arc::new(probe) }
            })
            .collect()
    }

    /// Sends a test message at once, past those that wait; `None` when there is
    /// no such receiver.
    pub async fn test(&self, name: &str) -> Option<TestOutcome> {
        let channel = self.channel(name)?;
        let inner = &*self.0;
        let real = inner.clock.real();
        let body = test_body(name, inner.origin, &inner.external_url, real);
        let body = serde_json::to_vec(&body).expect("a body holds nothing but text");
        let key = format!("test-{}", uuid::Uuid::now_v7());
        let started = Instant::now();
        let tried = inner.try_once(channel, &key, body.into()).await;
        let took = started.elapsed();
        Some(match tried {
            Ok(reply) => TestOutcome { status: Some(reply.status.as_u16()), error: None, took },
            Err(error) => TestOutcome { status: None, error: Some(error.to_string()), took },
        })
    }

    /// The first receiver's steps, one by one.
    #[cfg(test)]
    pub(super) fn steps(&self) -> Steps {
        Steps { inner: Arc::clone(&self.0), unnoted: None }
    }

    fn channel(&self, name: &str) -> Option<&Channel> {
        self.0.channels.iter().find(|channel| channel.receiver.name() == name)
    }

    /// Delivers until the shutdown. A try that is cut off is made again at the
    /// next start. `changes` come after their messages were written.
    pub async fn run(
        self,
        mut changes: broadcast::Receiver<Arc<Vec<AlertRecord>>>,
        shutdown: CancellationToken,
    ) {
        if self.is_paused() {
            info!(speed = self.0.clock.speed(), "webhooks are off: the scene is too fast");
            return shutdown.cancelled().await;
        }
        let mut tasks = JoinSet::new();
        for index in 0..self.0.channels.len() {
            let inner = Arc::clone(&self.0);
            tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
                inner.deliver(&inner.channels[index]).await;
            }));
        }
        let inner = Arc::clone(&self.0);
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
            inner.count().await;
        }));
        let wake = async {
            // Which ones does not matter, nor how many were missed.
            while !matches!(changes.recv().await, Err(RecvError::Closed)) {
                self.0.wake.notify_waiters();
            }
            std::future::pending::<()>().await;
        };
        shutdown.run_until_cancelled(wake).await;
        while tasks.join_next().await.is_some() {}
    }
}

impl Inner {
    async fn try_once(&self, channel: &Channel, key: &str, body: Bytes) -> Result<Reply, TryError> {
        let _slot = self.slots.acquire().await;
        let work = post(&channel.receiver, &*self.resolver, key, body, self.clock.real());
        timeout(self.try_max, work).await.unwrap_or(Err(TryError::TimedOut(self.try_max)))
    }

    /// The messages of one receiver, one after the other.
    async fn deliver(&self, channel: &Channel) {
        let name = channel.receiver.name();
        metrics::gauge!("api_webhook_failing", "receiver" => name.to_owned()).set(0.0);
        let mut unnoted = None;
        let mut is_store_failing = false;
        loop {
            let pause = match self.step(channel, &mut unnoted).await {
                Ok(pause) => {
                    is_store_failing = false;
                    pause
                }
                Err(error) => {
                    if !is_store_failing {
                        warn!(%error, "webhooks wait for the journal");
                    }
                    is_store_failing = true;
                    LOOK_EVERY
                }
            };
            // Both are cancel-safe; a wake that comes in between is made up
            // for by the next look.
            tokio::select! {
                () = sleep(pause) => (),
                () = self.wake.notified(), if pause == LOOK_EVERY => (),
            }
        }
    }

    /// Tries the oldest message if it is due; how long to wait for the next
    /// step. `unnoted` is a try of which the journal does not know yet.
    async fn step(
        &self,
        channel: &Channel,
        unnoted: &mut Option<Note>,
    ) -> Result<Duration, StoreError> {
        if let Some(note) = unnoted {
            self.outbox.note(note).await?;
            *unnoted = None;
        }
        let Some(row) = self.outbox.next(channel.receiver.name()).await? else {
            return Ok(LOOK_EVERY);
        };
        if !backoff::is_due(row.next_try, self.clock.real()) {
            return Ok(LOOK_EVERY);
        }
        let note = self.attempt(channel, &row).await;
        *unnoted = Some(note.clone());
        self.outbox.note(&note).await?;
        *unnoted = None;
        Ok(Duration::ZERO)
    }

    async fn attempt(&self, channel: &Channel, row: &OutboxRow) -> Note {
        let note = |state, next_try, detail| Note { id: row.id, state, next_try, detail };
        let status = channel.status();
        if status.n_failed > 0 && backoff::is_over(row.created, self.clock.real()) {
            // The receiver has been away for longer than this message lives.
            let detail = status.last_error.unwrap_or_default();
            return note(channel.given_up(&detail), None, detail);
        }
        if row.body.len() > BODY_BYTES_MAX {
            let detail = format!("the message has more than {BODY_BYTES_MAX} bytes");
            return note(channel.given_up(&detail), None, detail);
        }
        let key = row.key.split_once(':').map_or(row.key.as_str(), |(_, key)| key);
        let tried = self.try_once(channel, key, Bytes::from(row.body.clone())).await;
        let real = self.clock.real();
        let n_tries = row.n_tries.saturating_add(1);
        let (verdict, detail, retry_after) = match tried {
            Ok(reply) => {
                let verdict = backoff::verdict(reply.status, n_tries);
                (verdict, format!("status {}", reply.status.as_u16()), reply.retry_after)
            }
            Err(error) => (Verdict::Again, error.to_string(), None),
        };
        if verdict == Verdict::Delivered {
            channel.succeeded(real);
            channel.count_outcome("delivered");
            return note(OutboxState::Delivered, None, detail);
        }
        // After a restart the message remembers what the status does not.
        let n_failed = status.n_failed.max(row.n_tries).saturating_add(1);
        channel.failed(n_failed, &detail, real);
        if verdict == Verdict::GiveUp || backoff::is_over(row.created, real) {
            return note(channel.given_up(&detail), None, detail);
        }
        channel.count_outcome("failed");
        // Without randomness all programs wait alike, which is no reason to stop.
        let random = random_bytes::<8>().map_or(0, u64::from_le_bytes);
        let next_try = real + backoff::delay(n_failed, random, retry_after);
        note(OutboxState::Waiting, Some(next_try), detail)
    }

    /// Keeps the gauge of waiting messages.
    async fn count(&self) {
        let mut every = interval(COUNT_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            // A journal that fails is told by others.
            let Ok(counts) = self.outbox.counts().await else { continue };
            for channel in &self.channels {
                let name = channel.receiver.name();
                let n_waiting = waiting(&counts, name, OutboxState::Waiting);
                let gauge = metrics::gauge!("api_webhook_waiting", "receiver" => name.to_owned());
                gauge.set(n_waiting as f64);
            }
        }
    }
}

/// How many messages of a receiver are in a state.
pub(super) fn waiting(
    counts: &[(String, OutboxState, u64)],
    receiver: &str,
    state: OutboxState,
) -> u64 {
    counts
        .iter()
        .filter(|(name, found, _)| name == receiver && *found == state)
        .map(|(.., n)| n)
        .sum()
}

#[cfg(test)]
pub(super) struct Steps {
    inner: Arc<Inner>,
    unnoted: Option<Note>,
}

#[cfg(test)]
impl Steps {
    pub(super) async fn step(&mut self) -> Result<Duration, StoreError> {
        self.inner.step(&self.inner.channels[0], &mut self.unnoted).await
    }
}

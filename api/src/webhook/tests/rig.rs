//! A sender of one receiver, with a journal and names of its own.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use analytics::alerts::Class;
use analytics::alerts::outward::WebhookRule;
use async_trait::async_trait;
use model::{Clock, Level, Origin, Time};
use store::{OutboxRow, OutboxState, StoreError};

use super::super::outbox::{Note, Outbox};
use super::super::post::Resolve;
use super::super::sender::{Sender, SenderParts, Steps};
use super::super::{GuardRules, Receiver, ReceiverOptions};
use super::server::Server;

pub(super) const SECRET: &[u8] = b"a secret of the duty desk";

pub(super) fn start() -> Time {
    Time::parse("2026-07-25T08:15:30+08:00").unwrap()
}

pub(super) fn second() -> Duration {
    Duration::from_secs(1)
}

/// The outbox in memory; the first notes fail.
#[derive(Default)]
pub(super) struct Memory {
    rows: Mutex<Vec<OutboxRow>>,
    pub(super) n_failing_notes: AtomicUsize,
}

impl Memory {
    pub(super) fn of(keys: &[&str]) -> Arc<Memory> {
        let rows = keys.iter().enumerate().map(|(index, key)| OutboxRow {
            id: index as u64 + 1,
            key: format!("duty:{key}"),
            receiver: "duty".to_owned(),
            body: format!("{{\"version\":\"4\",\"key\":\"{key}\"}}"),
            created: start(),
            state: OutboxState::Waiting,
            n_tries: 0,
            next_try: None,
            detail: String::new(),
        });
        Arc::new(Memory { rows: Mutex::new(rows.collect()), ..Memory::default() })
    }

    pub(super) fn row(&self, id: u64) -> OutboxRow {
        self.rows.lock().unwrap().iter().find(|row| row.id == id).unwrap().clone()
    }

    pub(super) fn states(&self) -> Vec<OutboxState> {
        self.rows.lock().unwrap().iter().map(|row| row.state).collect()
    }
}

#[async_trait]
impl Outbox for Memory {
    async fn next(&self, receiver: &str) -> Result<Option<OutboxRow>, StoreError> {
        let rows = self.rows.lock().unwrap();
        let mut waiting = rows.iter().filter(|row| row.state == OutboxState::Waiting);
        Ok(waiting.find(|row| row.receiver == receiver).cloned())
    }

    async fn note(&self, note: &Note) -> Result<(), StoreError> {
        let failing = self.n_failing_notes.load(Ordering::Relaxed);
        if failing > 0 {
            self.n_failing_notes.store(failing - 1, Ordering::Relaxed);
            return Err(StoreError::Full);
        }
        let mut rows = self.rows.lock().unwrap();
        let row = rows.iter_mut().find(|row| row.id == note.id).unwrap();
        row.state = note.state;
        row.next_try = note.next_try;
        row.detail = note.detail.clone();
        row.n_tries += 1;
        Ok(())
    }

    async fn counts(&self) -> Result<Vec<(String, OutboxState, u64)>, StoreError> {
        let rows = self.rows.lock().unwrap();
        Ok(rows.iter().map(|row| (row.receiver.clone(), row.state, 1)).collect())
    }
}

/// Answers one list of addresses after the other, the last one for ever.
pub(super) struct Names(Mutex<VecDeque<&'static str>>, AtomicUsize);

impl Names {
    pub(super) fn of(answers: &[&'static str]) -> Arc<Names> {
        Arc::new(Names(Mutex::new(answers.iter().copied().collect()), AtomicUsize::new(0)))
    }

    pub(super) fn n_asked(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Resolve for Names {
    async fn addresses(&self, _: &str, _: u16) -> io::Result<Vec<IpAddr>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() };
        let texts = answer.unwrap_or_default().split_whitespace();
        Ok(texts.map(|text| text.parse().unwrap()).collect())
    }
}

pub(super) fn receiver(url: &str, ca_pem: Option<&[u8]>, allow_loopback: bool) -> Receiver {
    let rule = WebhookRule {
        name: "duty".to_owned(),
        level_min: Level::Yellow,
        classes: vec![Class::Life],
        exercise: false,
    };
    Receiver::new(ReceiverOptions {
        rule,
        url: url.to_owned(),
        secret: SECRET.to_vec(),
        guard: GuardRules { allow_private: false, allow_loopback },
        ca_pem: ca_pem.map(<[u8]>::to_vec),
    })
    .unwrap()
}

/// To a server by TLS under the name `localhost`.
pub(super) fn tls_receiver(server: &Server) -> Receiver {
    let url = format!("https://localhost:{}/hook?group=1", server.address.port());
    receiver(&url, Some(&server.ca_pem), true)
}

pub(super) fn sender(receiver: Receiver, outbox: Arc<dyn Outbox>, clock: &Clock) -> Sender {
    sender_with(receiver, outbox, clock, Names::of(&["127.0.0.1"]))
}

pub(super) fn sender_with(
    receiver: Receiver,
    outbox: Arc<dyn Outbox>,
    clock: &Clock,
    resolver: Arc<Names>,
) -> Sender {
    Sender::with(SenderParts {
        outbox,
        resolver,
        clock: clock.clone(),
        origin: Origin::Real,
        receivers: vec![receiver],
        external_url: "http://tidewatch.local:8080".to_owned(),
        try_max: Duration::from_secs(2),
    })
}

/// Makes the next try at the moment it is due; where the message stands then.
pub(super) async fn try_when_due(
    steps: &mut Steps,
    memory: &Memory,
    clock: &Clock,
    id: u64,
) -> OutboxRow {
    if let Some(next_try) = memory.row(id).next_try {
        clock.set(next_try - Duration::from_millis(1));
        let before = memory.row(id);
        steps.step().await.unwrap();
        assert_eq!(memory.row(id), before, "not before it is due");
        clock.set(next_try);
    }
    steps.step().await.unwrap();
    memory.row(id)
}

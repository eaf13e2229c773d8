//! A few connections that publish as fast as their window allows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::mqtt::{PUBACK_BYTES, connect, push_publish};

/// Publishes under way on one connection.
const WINDOW: usize = 512;

/// They are written in pieces of this many.
const PIECE: usize = 128;

/// One publish: topic and payload.
pub(crate) type Message = (String, Vec<u8>);

/// How far publishers may be ahead of whom the messages are for. Without such
/// a limit a broker between them piles messages up, and what is measured is
/// how slow a long queue makes it.
#[derive(Debug)]
pub(crate) struct Lead {
    max: usize,
    n_sent: AtomicUsize,
    n_arrived: AtomicUsize,
}

impl Lead {
    pub(crate) fn new(max: usize) -> Arc<Lead> {
        Arc::new(Lead { max, n_sent: AtomicUsize::new(0), n_arrived: AtomicUsize::new(0) })
    }

    /// So many of the messages have arrived by now.
    pub(crate) fn arrived(&self, n: usize) {
        self.n_arrived.store(n, Ordering::Relaxed);
    }

    async fn take(&self, n: usize) {
        let n_sent = n + self.n_sent.fetch_add(n, Ordering::Relaxed);
        while n_sent > self.n_arrived.load(Ordering::Relaxed).saturating_add(self.max) {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Who publishes: the broker's port, and for ours a login.
#[derive(Debug, Clone)]
pub(crate) struct Publishers {
    pub(crate) port: u16,
    pub(crate) name: String,
    pub(crate) login: Option<(String, String)>,
    pub(crate) n: usize,
}

impl Publishers {
    /// Publishes `n_messages`, message `i` as `message(i)` says; returns when
    /// all are acknowledged.
    pub(crate) async fn publish(
        &self,
        n_messages: usize,
        lead: &Arc<Lead>,
        message: impl Fn(usize) -> Message + Clone + Send + 'static,
    ) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for index in 0..self.n {
            let client_id = format!("{}.{index}", self.name);
            let login = self.login.as_ref().map(|(user, secret)| (user.as_str(), secret.as_str()));
            let stream = connect(self.port, &client_id, login).await?;
            let (message, lead) = (message.clone(), Arc::clone(lead));
            let step = self.n;
            tasks.spawn(async move {
                pump(stream, (index..n_messages).step_by(step).map(message), &lead).await
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.context("a publisher failed")??;
        }
        Ok(())
    }
}

async fn pump(
    mut stream: TcpStream,
    messages: impl Iterator<Item = Message>,
    lead: &Lead,
) -> anyhow::Result<()> {
    let mut messages = messages.peekable();
    let mut under_way = 0;
    let mut id: u16 = 0;
    let mut packet = Vec::new();
    let mut acks = vec![0; PUBACK_BYTES * WINDOW];
    let mut n_rest = 0;
    while messages.peek().is_some() || under_way > 0 {
        while under_way + PIECE <= WINDOW && messages.peek().is_some() {
            packet.clear();
            lead.take(PIECE).await;
            for (topic, payload) in messages.by_ref().take(PIECE) {
                id = if id == u16::MAX { 1 } else { id + 1 };
                push_publish(&mut packet, &topic, id, &payload);
                under_way += 1;
            }
            stream.write_all(&packet).await?;
        }
        let n = stream.read(&mut acks[n_rest..]).await?;
        ensure!(n > 0, "the broker hung up with {under_way} publishes under way");
        let n_bytes = n_rest + n;
        under_way -= n_bytes / PUBACK_BYTES;
        n_rest = n_bytes % PUBACK_BYTES;
    }
    Ok(())
}

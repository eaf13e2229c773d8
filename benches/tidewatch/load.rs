//! A few connections that publish as fast as their window allows.

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::mqtt::{PUBACK_BYTES, connect, push_publish};

/// Publishes under way on one connection.
const WINDOW: usize = 512;

/// They are written in pieces of this many.
const PIECE: usize = 128;

/// One publish: topic and payload.
pub(crate) type Message = (String, Vec<u8>);

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
        message: impl Fn(usize) -> Message + Clone + Send + 'static,
    ) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for index in 0..self.n {
            let client_id = format!("{}.{index}", self.name);
            let login = self.login.as_ref().map(|(user, secret)| (user.as_str(), secret.as_str()));
            let stream = connect(self.port, &client_id, login).await?;
            let message = message.clone();
            let step = self.n;
            tasks.spawn(async move {
                pump(stream, (index..n_messages).step_by(step).map(message)).await
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

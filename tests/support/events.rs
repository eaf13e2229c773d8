//! A reader of server-sent events.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use hyper::{Method, Response};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::http::Http;

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

pub(crate) struct Events {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Events {
    /// Opens the stream; `last_event_id` as a browser would after a break.
    pub(crate) async fn open(
        http: &Http,
        query: &str,
        last_event_id: Option<&str>,
    ) -> anyhow::Result<Events> {
        let mut http = http.with(ACCEPT, "text/event-stream");
        if let Some(id) = last_event_id {
            http = http.with(HeaderName::from_static("last-event-id"), id);
        }
        let path = format!("/api/v1/events{query}");
        let response: Response<Incoming> = http.open(Method::GET, &path, "", Bytes::new()).await?;
        if response.status() != 200 {
            bail!("the event stream answers {}", response.status());
        }
        let content_type = response.headers().get(CONTENT_TYPE).context("a content type")?;
        if !content_type.to_str()?.starts_with("text/event-stream") {
            bail!("the event stream is {content_type:?}");
        }
        Ok(Events { body: response.into_body(), buffer: Vec::new() })
    }

    /// The next event, heartbeats left out; `None` when the server ends the stream.
    pub(crate) async fn next(&mut self, limit: Duration) -> anyhow::Result<Option<Event>> {
        let deadline = Instant::now() + limit;
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let event = parse(std::str::from_utf8(&block)?)?;
                if event.is_some() {
                    return Ok(event);
                }
            }
            let frame = timeout_at(deadline, self.body.frame()).await;
            match frame.with_context(|| format!("no event within {limit:?}"))? {
                None | Some(Err(_)) => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }

    /// The next event of that name that satisfies `is_wanted`.
    pub(crate) async fn wait_for(
        &mut self,
        name: &str,
        limit: Duration,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Event> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.next(left).await.with_context(|| format!("wait for `{name}`"))?;
            let event = event.with_context(|| format!("the stream ended before `{name}`"))?;
            if event.name == name && is_wanted(&event.data) {
                return Ok(event);
            }
        }
    }
}

fn parse(block: &str) -> anyhow::Result<Option<Event>> {
    let field = |name: &str| {
        let value = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(|value| value.trim_start().to_owned())
    };
    let Some(data) = field("data") else { return Ok(None) };
    let data = serde_json::from_str(&data).with_context(|| format!("event data: {data}"))?;
    Ok(Some(Event {
        id: field("id").unwrap_or_default(),
        name: field("event").unwrap_or_else(|| "message".to_owned()),
        data,
    }))
}

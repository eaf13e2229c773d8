//! One foreign broker: the task that polls, and nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{Clock, SourceName, Time};
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Filter, Packet, Publish, RetainForwardRule, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, StateError};
use store::{SourceKey, Store, StoreError};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::backoff::Backoff;
use super::gate::{Backlog, Gate};
use super::options::{ExternalOptions, ExternalProblem};
use super::routes::route_of;
use crate::{Ack, Delivery, Pipeline, RouteError};

/// Packet ids are 16 bits, so there are never more acks to send than this.
const REQUESTS_MAX: usize = u16::MAX as usize;

/// So many connections in a row that break on the same packet mean that the
/// broker will send it for ever.
const POISON_FAILURES: u32 = 5;

/// The broker closes after our DISCONNECT; this long we wait for it.
const DISCONNECT_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    #[error("source options: {}", list(.0))]
    Options(Vec<ExternalProblem>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(problems: &[ExternalProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// For readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalStatus {
    pub source: SourceName,
    pub is_connected: bool,
    /// The broker granted every filter.
    pub is_subscribed: bool,
    /// When one of the two changed last.
    pub since: Time,
    /// Why the last connection ended.
    pub last_error: Option<String>,
    /// Deliveries between their receipt and their commit.
    pub n_waiting: usize,
}

#[derive(Clone)]
pub struct ExternalHandle {
    status: Arc<Mutex<ExternalStatus>>,
    slots: Arc<Semaphore>,
    window: usize,
}

impl ExternalHandle {
    pub fn status(&self) -> ExternalStatus {
        let mut status = self.status.lock().expect("no holder of the lock panics").clone();
        status.n_waiting = self.window.saturating_sub(self.slots.available_permits());
        status
    }
}

pub struct ExternalSource {
    options: ExternalOptions,
    source: SourceKey,
    pipeline: Pipeline,
    clock: Clock,
    slots: Arc<Semaphore>,
    backlog: Arc<Backlog>,
    status: Arc<Mutex<ExternalStatus>>,
}

/// The client library's two halves, and what outlives a connection.
struct Connection {
    client: AsyncClient,
    eventloop: EventLoop,
    reconnect: Reconnect,
    is_ending: bool,
}

impl ExternalSource {
    pub async fn new(
        options: ExternalOptions,
        store: &Store,
        pipeline: Pipeline,
        clock: Clock,
    ) -> Result<ExternalSource, ExternalError> {
        let problems = options.problems();
        let (true, Some(name)) = (problems.is_empty(), options.source_name()) else {
            return Err(ExternalError::Options(problems));
        };
        let source = store.source(&name).await?;
        let status = ExternalStatus {
            source: name,
            is_connected: false,
            is_subscribed: false,
            since: clock.real(),
            last_error: None,
            n_waiting: 0,
        };
        Ok(ExternalSource {
            slots: Arc::new(Semaphore::new(usize::from(options.window))),
            backlog: Arc::default(),
            status: Arc::new(Mutex::new(status)),
            options,
            source,
            pipeline,
            clock,
        })
    }

    pub fn handle(&self) -> ExternalHandle {
        ExternalHandle {
            status: Arc::clone(&self.status),
            slots: Arc::clone(&self.slots),
            window: usize::from(self.options.window),
        }
    }

    /// Runs until `shutdown`, then until every delivery handed out has
    /// finished. The session stays, and the broker queues for the next start.
    pub async fn run(self, shutdown: CancellationToken) {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, self.options.port));
        let library_options = self.options.library_options(nowhere);
        let (client, eventloop) = AsyncClient::new(library_options, REQUESTS_MAX);
        let reconnect = Reconnect::new();
        let mut connection = Connection { client, eventloop, reconnect, is_ending: false };
        while !shutdown.is_cancelled() {
            let Err(failure) = self.connect_and_receive(&mut connection, &shutdown).await else {
                break;
            };
            self.lost(&failure);
            // Let the deliveries of this connection finish, then forget their
            // acks: a packet id means nothing on the next one.
            let finished = self.slots.acquire_many(u32::from(self.options.window)).await;
            connection.eventloop.clean();
            self.backlog.forget();
            drop(finished);
            tokio::select! {
                () = sleep(connection.reconnect.backoff.next()) => {}
                () = shutdown.cancelled() => {}
            }
        }
        self.set_status(|status| (status.is_connected, status.is_subscribed) = (false, false));
        info!(source = %self.name(), "source closed");
    }

    /// One connection from its begin on; `Ok` when it was ended on purpose.
    async fn connect_and_receive(
        &self,
        connection: &mut Connection,
        shutdown: &CancellationToken,
    ) -> Result<(), String> {
        let ExternalOptions { host, port, .. } = &self.options;
        let opening = Gate::open(host, *port, Arc::clone(&self.backlog));
        let gate = opening.await.map_err(|error| format!("{host}:{port}: {error}"))?;
        let Connection { client, eventloop, reconnect, is_ending } = connection;
        eventloop.options = self.options.library_options(gate.address());
        reconnect.prepare(eventloop);
        let window = u32::from(self.options.window);
        let stop = shutdown.cancelled();
        tokio::pin!(stop);
        loop {
            // The rivals of `poll` win at most once each, at the end: it may
            // lose the request in its hand when it is dropped.
            let event = tokio::select! {
                event = eventloop.poll() => event,
                () = &mut stop, if !*is_ending => {
                    *is_ending = true;
                    continue;
                }
                _ = self.slots.acquire_many(window), if *is_ending => break,
            };
            match event {
                Ok(Event::Incoming(packet)) => {
                    self.take(packet, client, eventloop, reconnect, *is_ending).await?;
                }
                Ok(Event::Outgoing(Outgoing::PubAck(_) | Outgoing::PubRec(_))) => {
                    self.backlog.written();
                }
                Ok(Event::Outgoing(_)) => (),
                Err(error) => {
                    reconnect.failed(&error);
                    return Err(error.to_string());
                }
            }
        }
        if client.try_disconnect().is_ok() && self.handle().status().is_connected {
            // What is acknowledged goes out first. Nothing more is read meanwhile
            // that could be lost: it is not acknowledged.
            self.backlog.forget();
            let closed = async { while eventloop.poll().await.is_ok() {} };
            // A broker that does not close is left alone.
            let _ = timeout(DISCONNECT_WAIT, closed).await;
        }
        Ok(())
    }

    async fn take(
        &self,
        packet: Packet,
        client: &AsyncClient,
        eventloop: &mut EventLoop,
        reconnect: &mut Reconnect,
        is_ending: bool,
    ) -> Result<(), String> {
        match packet {
            Packet::Publish(publish) => {
                if !is_ending {
                    self.hand_over(publish, client).await;
                }
                Ok(())
            }
            Packet::ConnAck(connack) => {
                eventloop.options.set_clean_start(false);
                reconnect.backoff.connected();
                self.set_status(|status| status.is_connected = true);
                let session_present = connack.session_present;
                info!(source = %self.name(), session_present, "connected to broker");
                let filters = self.options.subscriptions().into_iter().map(|path| Filter {
                    // A kept session has seen the retained copies already.
                    retain_forward_rule: RetainForwardRule::OnNewSubscribe,
                    ..Filter::new(path, QoS::AtLeastOnce)
                });
                client.try_subscribe_many(filters).map_err(|error| error.to_string())
            }
            Packet::SubAck(suback) => self.subscribed(&suback),
            _ => Ok(()),
        }
    }

    fn subscribed(&self, suback: &SubAck) -> Result<(), String> {
        let is_good = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
        if let Some(code) = suback.return_codes.iter().find(|code| !is_good(code)) {
            return Err(format!("the broker refuses a subscription: {code:?}"));
        }
        self.set_status(|status| {
            status.is_subscribed = true;
            status.last_error = None;
        });
        info!(source = %self.name(), "subscribed");
        Ok(())
    }

    /// Waits for a free slot, and for the pipeline. No poll happens meanwhile,
    /// so a wait of more than one and a half keep-alives costs the connection,
    /// and no data.
    async fn hand_over(&self, publish: Publish, client: &AsyncClient) {
        let slot = Arc::clone(&self.slots).acquire_owned().await.expect("slots are never closed");
        let (topic, route) = match std::str::from_utf8(&publish.topic) {
            Ok(topic) => (Arc::from(topic), route_of(&self.options.routes, topic)),
            Err(_) => {
                let topic = publish.topic.escape_ascii().to_string();
                let error = RouteError::new(format!("topic `{topic}` is no utf-8"));
                (Arc::from(topic), Err(error))
            }
        };
        let received = self.clock.scene();
        let is_retained = publish.retain;
        // Only what an acknowledgement needs waits with it.
        let receipt = Publish { qos: publish.qos, pkid: publish.pkid, ..Publish::default() };
        let (client, backlog) = (client.clone(), Arc::clone(&self.backlog));
        let ack = Ack::new(move |_| {
            // Counted first: the library may write it at once.
            let is_written = receipt.qos != QoS::AtMostOnce;
            if is_written {
                backlog.add();
            }
            if let Err(error) = client.try_ack(&receipt) {
                warn!(%error, "ack not sent, the broker will deliver again");
                if is_written {
                    backlog.written();
                }
            }
            drop(slot);
        });
        let payload = publish.payload;
        let source = self.source;
        let delivery = Delivery { source, topic, route, payload, received, is_retained, ack };
        if self.pipeline.submit(delivery).await.is_err() {
            debug!("pipeline closed, delivery left to the broker");
        }
    }

    fn lost(&self, reason: &str) {
        let was_connected = self.handle().status().is_connected;
        let is_new = self.handle().status().last_error.as_deref() != Some(reason);
        self.set_status(|status| {
            (status.is_connected, status.is_subscribed) = (false, false);
            status.last_error = Some(reason.to_owned());
        });
        if was_connected || is_new {
            warn!(source = %self.name(), error = %reason, "no connection to broker, will retry");
        }
    }

    fn set_status(&self, change: impl FnOnce(&mut ExternalStatus)) {
        let mut status = self.status.lock().expect("no holder of the lock panics");
        let before = (status.is_connected, status.is_subscribed);
        change(&mut status);
        if before != (status.is_connected, status.is_subscribed) {
            status.since = self.clock.real();
        }
    }

    fn name(&self) -> &str {
        &self.options.name
    }
}

/// What is remembered from one connection to the next.
struct Reconnect {
    backoff: Backoff,
    /// Connections in a row that broke on a packet that cannot be read.
    n_poisoned: u32,
}

impl Reconnect {
    fn new() -> Reconnect {
        Reconnect { backoff: Backoff::new(), n_poisoned: 0 }
    }

    /// A broker that is away in between changes nothing, and neither do
    /// messages that came before the bad one: they come again too.
    fn failed(&mut self, error: &ConnectionError) {
        if self.backoff.is_healthy() {
            self.n_poisoned = 0;
        }
        if let ConnectionError::MqttState(
            StateError::Deserialization(_) | StateError::IncomingPacketTooLarge { .. },
        ) = error
        {
            self.n_poisoned += 1;
        }
    }

    /// A packet that breaks every connection is given up with its session.
    fn prepare(&mut self, eventloop: &mut EventLoop) {
        if POISON_FAILURES <= self.n_poisoned {
            error!(
                n_failures = self.n_poisoned,
                "a packet of the broker breaks every connection; its session is begun anew, \
                 and what it still queued is lost"
            );
            eventloop.options.set_clean_start(true);
            self.n_poisoned = 0;
        }
    }
}

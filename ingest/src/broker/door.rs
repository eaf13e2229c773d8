//! What the library asks of one connection: may it in, may it publish there,
//! and what to do with a publish.
//!
//! PUBACK (QoS 2: PUBREC) is written after [`Door::on_client_publish`]
//! returned, and that is after the commit. A wait that cannot end well never
//! returns: it cancels the connection, whose task then drops the library's
//! handler, and the device sends again.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use model::ThingId;
use mqtt5::broker::storage::StorageBackend;
use mqtt5::broker::{
    AuthProvider, AuthResult, BrokerEventHandler, ClientConnectEvent, ClientPublishEvent,
    PublishAction,
};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use sha2::{Digest, Sha256};
use store::RefusalRow;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::Shared;
use super::acl::Grants;
use super::connections::ConnectionId;
use super::throttle::Throttle;
use crate::{Ack, Delivery, Route};

/// The reason of a publish outside the device's own topics.
pub const NOT_AUTHORIZED: &str = "not_authorized";

/// MQTT 3.1.1, whose PUBACK cannot say no.
const V311: u8 = 4;

/// While a publish waits, the disk is looked at this often.
const DISK_LOOK: Duration = Duration::from_millis(500);

/// What a connection is logged in as.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) grants: Grants,
    pub(super) client_id: String,
    protocol_version: u8,
    throttle: Arc<Throttle>,
}

pub(super) struct Door {
    shared: Arc<Shared>,
    id: ConnectionId,
    peer: SocketAddr,
    pub(super) cancel: CancellationToken,
    pub(super) login: OnceLock<Login>,
    /// The library has counted it in.
    pub(super) is_registered: AtomicBool,
    /// The packet loop has ended: what is asked now is about the will.
    is_closing: AtomicBool,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Door {
    pub(super) fn new(
        shared: Arc<Shared>,
        id: ConnectionId,
        peer: SocketAddr,
        cancel: CancellationToken,
    ) -> Door {
        Door {
            shared,
            id,
            peer,
            cancel,
            login: OnceLock::new(),
            is_registered: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
        }
    }

    fn count_rejected(&self, reason: &'static str) {
        self.shared.store.count_rejected(&self.peer.ip().to_string(), reason);
    }

    async fn log_in(&self, connect: &ConnectPacket) -> AuthResult {
        let address = self.peer.ip();
        let thing = connect.username.as_deref().and_then(|name| ThingId::parse(name).ok());
        if self.shared.logins.is_refused(address, thing.as_ref()) {
            self.count_rejected("too_many_failed_logins");
            return AuthResult::fail(ReasonCode::ServerBusy);
        }
        let grants = match self.grants(thing, connect.password.as_deref()).await {
            Ok(Some(grants)) => grants,
            Ok(None) => {
                self.shared.logins.failed(address);
                self.count_rejected("bad_credentials");
                return AuthResult::fail(ReasonCode::BadUsernameOrPassword);
            }
            Err(error) => {
                error!(%error, "credentials cannot be read");
                return AuthResult::fail(ReasonCode::ServerUnavailable);
            }
        };
        self.shared.logins.succeeded(address, &grants.thing);
        if !grants.may_use_client_id(&connect.client_id) {
            self.count_rejected("foreign_client_id");
            return AuthResult::fail(ReasonCode::ClientIdentifierNotValid);
        }
        // A will is never routed, but one on a foreign topic is an attempt.
        if connect.will.as_ref().is_some_and(|will| !grants.may_publish(&will.topic)) {
            self.count_rejected("foreign_will");
            return AuthResult::fail(ReasonCode::NotAuthorized);
        }
        self.admit(grants, connect).await
    }

    async fn admit(&self, grants: Grants, connect: &ConnectPacket) -> AuthResult {
        let admission = self.shared.connections.log_in(
            self.id,
            &self.cancel,
            &grants.thing,
            &connect.client_id,
            keeps_session(connect),
        );
        let admission = match admission {
            Ok(admission) => admission,
            Err(refusal) => {
                self.count_rejected(refusal.reason());
                return AuthResult::fail(ReasonCode::ServerBusy);
            }
        };
        let user = grants.thing.to_string();
        let login = Login {
            grants,
            client_id: connect.client_id.clone(),
            protocol_version: connect.protocol_version,
            throttle: admission.throttle,
        };
        if self.login.set(login).is_err() {
            return AuthResult::fail(ReasonCode::ProtocolError);
        }
        if let Some(client_id) = admission.forgotten {
            // Memory storage; removing a session that is not there is no error.
            let _ = self.shared.storage.remove_session(&client_id).await;
        }
        AuthResult::success_with_user(user)
    }

    /// What the secret opens. An unknown name costs the same hash.
    async fn grants(
        &self,
        thing: Option<ThingId>,
        secret: Option<&[u8]>,
    ) -> Result<Option<Grants>, store::StoreError> {
        let found: [u8; 32] = Sha256::digest(secret.unwrap_or_default()).into();
        let credential = match &thing {
            Some(thing) => self.shared.store.registry().credential(thing).await?,
            None => None,
        };
        let expected = credential.as_ref().map_or([0; 32], |known| known.secret_hash);
        let is_same = is_equal_in_constant_time(&found, &expected);
        Ok(credential.filter(|_| is_same && secret.is_some()).map(Grants::of))
    }

    async fn may_publish(&self, topic: &str) -> bool {
        let Some(login) = self.login.get() else {
            return false;
        };
        if self.is_closing.load(Ordering::Relaxed) {
            // A will: not a reading, and nobody subscribes.
            return false;
        }
        if login.grants.may_publish(topic) {
            return true;
        }
        let refusal = RefusalRow {
            source: self.shared.source,
            peer: self.peer.ip().to_string(),
            user: Some(login.grants.thing.clone()),
            topic: topic.to_owned(),
            reason: NOT_AUTHORIZED,
            received: self.shared.clock.scene(),
        };
        let wait = self.shared.options.publish_wait_max;
        let is_booked =
            matches!(timeout(wait, self.shared.pipeline.refuse(refusal)).await, Ok(Ok(())));
        if is_booked && login.protocol_version != V311 {
            return false;
        }
        self.close().await
    }

    /// Closes the connection without an answer.
    async fn close<T>(&self) -> T {
        self.cancel.cancel();
        pending().await
    }

    async fn publish(&self, event: ClientPublishEvent) -> PublishAction {
        let Some(login) = self.login.get() else {
            return self.close().await;
        };
        login.throttle.wait().await;

        let (ack, receipt) = Ack::to_receiver();
        let delivery = Delivery {
            source: self.shared.source,
            route: Route::from_topic(&event.topic),
            topic: event.topic,
            payload: event.payload,
            received: self.shared.clock.scene(),
            is_retained: false,
            ack,
        };
        let is_stored =
            async { self.shared.pipeline.submit(delivery).await.is_ok() && receipt.await.is_ok() };
        if self.wait(is_stored).await {
            return PublishAction::Handled;
        }
        self.count_rejected("publish_not_stored");
        self.close().await
    }

    /// Waits for the commit within the limit, which is a shorter one while the
    /// disk is full.
    async fn wait(&self, is_stored: impl Future<Output = bool>) -> bool {
        let options = &self.shared.options;
        let began = Instant::now();
        tokio::pin!(is_stored);
        loop {
            if let Ok(is_stored) = timeout(DISK_LOOK, &mut is_stored).await {
                return is_stored;
            }
            let limit = if self.shared.pipeline.status().is_disk_full {
                options.publish_wait_full_disk_max
            } else {
                options.publish_wait_max
            };
            if limit <= began.elapsed() {
                return false;
            }
        }
    }
}

impl AuthProvider for Door {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        _client_addr: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async { Ok(self.log_in(connect).await) })
    }

    fn authorize_publish<'a>(
        &'a self,
        _client_id: &str,
        _user_id: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(self.may_publish(topic))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _client_id: &str,
        _user_id: Option<&'a str>,
        _topic_filter: &'a str,
    ) -> Answer<'a, bool> {
        self.count_rejected("subscribe");
        Box::pin(async { false })
    }

    fn cleanup_session<'a>(&'a self, _user_id: &'a str) -> Answer<'a, ()> {
        // The library says so after its packet loop and before the will.
        self.is_closing.store(true, Ordering::Relaxed);
        Box::pin(async {})
    }
}

impl BrokerEventHandler for Door {
    fn on_client_connect<'a>(&'a self, event: ClientConnectEvent) -> Answer<'a, ()> {
        self.is_registered.store(true, Ordering::Relaxed);
        debug!(client_id = %event.client_id.escape_debug(), peer = %self.peer, "device connected");
        Box::pin(async {})
    }

    fn on_client_publish<'a>(&'a self, event: ClientPublishEvent) -> Answer<'a, PublishAction> {
        Box::pin(self.publish(event))
    }
}

/// Does the client ask for a session that outlives its connection?
fn keeps_session(connect: &ConnectPacket) -> bool {
    match connect.protocol_version {
        V311 => !connect.clean_start,
        _ => connect.properties.get_session_expiry_interval().is_some_and(|seconds| 0 < seconds),
    }
}

fn is_equal_in_constant_time(left: &[u8; 32], right: &[u8; 32]) -> bool {
    let difference = left.iter().zip(right).fold(0, |sum, (l, r)| sum | (l ^ r));
    std::hint::black_box(difference) == 0
}

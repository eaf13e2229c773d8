//! The life of one connection: a task of ours around the library's handler.
//!
//! It ends when the handler does, or when its token is cancelled: by a newer
//! connection of the same client id, a revocation, a refusal that the
//! protocol has no word for, a publish that waited too long, the shutdown.
//! Dropping the handler skips the library's own cleaning up, so that is done
//! here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mqtt5::MqttError;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::transport::BrokerTransport;
use mqtt5::broker::{AuthProvider, BrokerConfig, BrokerEventHandler};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Shared;
use super::connections::ConnectionId;
use super::door::{Door, Login};

pub(super) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    id: ConnectionId,
    cancel: CancellationToken,
) {
    let door = Arc::new(Door::new(Arc::clone(&shared), id, peer, cancel.clone()));
    let _place = Place { door: Arc::clone(&door), shared: Arc::clone(&shared), peer, id };
    let config = BrokerConfig {
        event_handler: Some(Arc::clone(&door) as Arc<dyn BrokerEventHandler>),
        ..shared.library_config.clone()
    };
    let handler = ClientHandler::new(
        BrokerTransport::tcp(stream),
        peer,
        Arc::new(config),
        Arc::clone(&shared.router),
        Arc::clone(&door) as Arc<dyn AuthProvider>,
        Some(Arc::clone(&shared.storage)),
        Arc::clone(&shared.stats),
        Arc::clone(&shared.monitor),
        shared.shutdown_signal.subscribe(),
    );

    // Neither rival needs anything of the handler that is dropped with it.
    let ended = tokio::select! {
        ended = handler.run() => Some(ended),
        () = cancel.cancelled() => None,
        () = shutdown_before_login(&shared, &door) => None,
    };

    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => count_failure(&shared, peer, door.login.get().is_some(), &error),
        None => clean_up(&shared, &door, peer, id).await,
    }
}

/// Gives the connection's place back, also when its task panics.
struct Place {
    door: Arc<Door>,
    shared: Arc<Shared>,
    peer: SocketAddr,
    id: ConnectionId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let login = self.door.login.get();
        let named = login.map(|login| (&login.grants.thing, login.client_id.as_str()));
        self.shared.connections.remove(self.id, self.peer.ip(), named);
    }
}

/// The library hears the shutdown only once a client is logged in.
async fn shutdown_before_login(shared: &Shared, door: &Door) {
    shared.shutdown.cancelled().await;
    if door.login.get().is_some() {
        std::future::pending::<()>().await;
    }
}

/// What the library does itself when its handler runs to its end.
async fn clean_up(shared: &Shared, door: &Door, peer: SocketAddr, id: ConnectionId) {
    let Some(Login { client_id, .. }) = door.login.get() else {
        return;
    };
    if door.is_registered.load(Ordering::Relaxed) {
        shared.monitor.unregister_connection(client_id, peer.ip()).await;
    }
    // The router removes an entry by its name, whose ever it is. A newer
    // connection books itself with us before it takes this lock for its entry.
    let session = shared.router.lock_session(client_id).await;
    if shared.connections.is_newest(id, client_id) {
        shared.router.disconnect_client(client_id).await;
    }
    drop(session);
    debug!(peer = %peer, "connection ended by us");
}

/// Books what died below the ledger.
fn count_failure(shared: &Shared, peer: SocketAddr, is_logged_in: bool, error: &MqttError) {
    let reason = match error {
        MqttError::PacketTooLarge { .. } => "packet_too_large",
        MqttError::MalformedPacket(_)
        | MqttError::InvalidPacketType(_)
        | MqttError::InvalidReasonCode(_)
        | MqttError::InvalidPropertyId(_)
        | MqttError::DuplicatePropertyId(_)
        | MqttError::InvalidQoS(_) => "malformed",
        MqttError::ProtocolError(_)
        | MqttError::InvalidTopicName(_)
        | MqttError::InvalidClientId(_)
        | MqttError::TopicAliasInvalid(_)
        | MqttError::ReceiveMaximumExceeded => "protocol_error",
        MqttError::UnsupportedProtocolVersion => "unsupported_protocol_version",
        MqttError::Timeout if !is_logged_in => "connect_timeout",
        // Lost connections and refused logins: nothing, or booked already.
        _ => return,
    };
    shared.store.count_rejected(&peer.ip().to_string(), reason);
}

//! What the embedded broker allows. Every limit of the library behind it is
//! set from here: its own defaults are as good as none.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mqtt5::broker::config::{BrokerConfig, StorageBackend, StorageConfig};

#[derive(Debug, Clone)]
pub struct BrokerOptions {
    pub listen: SocketAddr,
    /// A larger packet closes its connection.
    pub packet_bytes_max: usize,
    /// Publishes a client may send ahead of their acknowledgements. They are
    /// handled one after another all the same.
    pub receive_maximum: u16,
    pub topic_alias_maximum: u16,
    pub session_expiry_max: Duration,
    pub connections_max: usize,
    pub connections_per_ip_max: usize,
    pub connections_per_thing_max: usize,
    /// Client ids of a thing that may leave a session behind.
    pub client_ids_per_thing_max: usize,
    /// A faster thing is slowed down, not refused.
    pub messages_per_second: u32,
    pub messages_burst: u32,
    /// Failed CONNECTs of an address within a minute; beyond it only things
    /// that were let in from there before are looked at.
    pub failed_logins_per_minute: u32,
    /// CONNECTs of one client id within a minute that end an older connection.
    pub takeovers_per_minute: u32,
    /// A publish that waits longer for its commit ends its connection.
    pub publish_wait_max: Duration,
    /// The same while the disk is full.
    pub publish_wait_full_disk_max: Duration,
    /// A shutdown waits this long for publishes that wait for their commit.
    pub shutdown_grace: Duration,
}

impl Default for BrokerOptions {
    fn default() -> BrokerOptions {
        BrokerOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            packet_bytes_max: 256 * 1024,
            receive_maximum: 64,
            topic_alias_maximum: 16,
            session_expiry_max: Duration::from_secs(24 * 3_600),
            connections_max: 12_000,
            connections_per_ip_max: 10_000,
            connections_per_thing_max: 8,
            client_ids_per_thing_max: 32,
            messages_per_second: 500,
            messages_burst: 1_000,
            failed_logins_per_minute: 10,
            takeovers_per_minute: 30,
            publish_wait_max: Duration::from_secs(30),
            publish_wait_full_disk_max: Duration::from_secs(5),
            shutdown_grace: Duration::from_secs(5),
        }
    }
}

/// Messages the library may queue towards a device, which subscribes to
/// nothing: as few as it takes.
const OUTBOUND_MAX: usize = 8;

impl BrokerOptions {
    /// The library's configuration, with everything off that is not needed.
    pub(super) fn library_config(&self) -> BrokerConfig {
        let mut config = BrokerConfig::default()
            .with_bind_addresses(Vec::new())
            .with_max_clients(self.connections_max)
            .with_session_expiry(self.session_expiry_max)
            .with_max_packet_size(self.packet_bytes_max)
            .with_maximum_qos(2)
            // A retain flag changes nothing, so it is not refused either.
            .with_retain_available(true)
            .with_max_subscriptions_per_client(1)
            .with_client_channel_capacity(OUTBOUND_MAX)
            .with_max_outbound_inflight(1)
            .with_drain_batch(1)
            .with_sys_topics_enabled(false)
            .with_storage(
                StorageConfig::new()
                    .with_backend(StorageBackend::Memory)
                    .with_persistence(false)
                    .with_max_queued_messages_per_client(1)
                    .with_max_queued_bytes_per_client(1024),
            );
        config.topic_alias_maximum = self.topic_alias_maximum;
        config.server_receive_maximum = Some(self.receive_maximum);
        config.wildcard_subscription_available = false;
        config.shared_subscription_available = false;
        config.subscription_identifier_available = false;
        config
    }
}

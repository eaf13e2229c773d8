//! A device: rumqttc as MQTT 3.1.1 and MQTT 5 client behind one face.

use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::v5;
use rumqttc::v5::mqttbytes::v5 as p5;
use tokio::time::timeout;

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V311,
    V5,
}

pub(crate) const BOTH: [Version; 2] = [Version::V311, Version::V5];

/// How a publish ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Acknowledged,
    /// PUBACK with a reason of failure; MQTT 5 only.
    Refused(String),
    /// The connection was closed without PUBACK.
    Closed,
}

pub(crate) enum Device {
    V311(rumqttc::AsyncClient, Box<rumqttc::EventLoop>),
    V5(v5::AsyncClient, Box<v5::EventLoop>),
}

#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) client_id: String,
    pub(crate) user: String,
    pub(crate) secret: String,
    pub(crate) will: Option<String>,
    pub(crate) packet_bytes_max: u32,
}

impl Login {
    pub(crate) fn of(thing: &str) -> Login {
        Login {
            client_id: thing.to_owned(),
            user: thing.to_owned(),
            secret: format!("secret of {thing}"),
            will: None,
            packet_bytes_max: 1 << 20,
        }
    }
}

impl Device {
    /// `Err` has the reason of CONNACK, or how the connection broke.
    pub(crate) async fn connect(
        version: Version,
        broker: SocketAddr,
        login: Login,
    ) -> Result<Device, String> {
        let (host, port) = (broker.ip().to_string(), broker.port());
        match version {
            Version::V311 => {
                let mut options = rumqttc::MqttOptions::new(&login.client_id, host, port);
                options.set_credentials(login.user, login.secret);
                let bytes = login.packet_bytes_max as usize;
                options.set_max_packet_size(bytes, bytes);
                if let Some(topic) = login.will {
                    let qos = rumqttc::QoS::AtLeastOnce;
                    options.set_last_will(rumqttc::LastWill::new(topic, "1", qos, true));
                }
                let (client, mut eventloop) = rumqttc::AsyncClient::new(options, 64);
                match timeout(PATIENCE, eventloop.poll()).await.expect("the broker is silent") {
                    Ok(_) => Ok(Device::V311(client, Box::new(eventloop))),
                    Err(error) => Err(format!("{error:?}")),
                }
            }
            Version::V5 => {
                let mut options = v5::MqttOptions::new(&login.client_id, host, port);
                options.set_credentials(login.user, login.secret);
                if let Some(topic) = login.will {
                    let qos = v5::mqttbytes::QoS::AtLeastOnce;
                    options.set_last_will(p5::LastWill::new(topic, "1", qos, false, None));
                }
                let (client, mut eventloop) = v5::AsyncClient::new(options, 64);
                match timeout(PATIENCE, eventloop.poll()).await.expect("the broker is silent") {
                    Ok(_) => Ok(Device::V5(client, Box::new(eventloop))),
                    Err(error) => Err(format!("{error:?}")),
                }
            }
        }
    }

    pub(crate) async fn publish(&mut self, topic: &str, payload: impl Into<Vec<u8>>) -> Answer {
        self.send(topic, payload, 1, false).await;
        timeout(PATIENCE, self.answer()).await.expect("no answer to a publish")
    }

    /// Hands a publish to the client; `answer` sends it.
    pub(crate) async fn send(
        &mut self,
        topic: &str,
        payload: impl Into<Vec<u8>>,
        qos: u8,
        retain: bool,
    ) {
        match self {
            Device::V311(client, _) => {
                let qos = rumqttc::qos(qos).unwrap();
                client.publish(topic, qos, retain, payload).await.unwrap();
            }
            Device::V5(client, _) => {
                let qos = v5::mqttbytes::qos(qos).unwrap();
                client.publish(topic, qos, retain, payload.into()).await.unwrap();
            }
        }
    }

    /// Polls until a publish is answered (QoS 2: PUBCOMP) or the connection
    /// is closed.
    pub(crate) async fn answer(&mut self) -> Answer {
        loop {
            match self {
                Device::V311(_, eventloop) => match eventloop.poll().await {
                    Ok(rumqttc::Event::Incoming(
                        rumqttc::Packet::PubAck(_) | rumqttc::Packet::PubComp(_),
                    )) => return Answer::Acknowledged,
                    Ok(_) => {}
                    Err(_) => return Answer::Closed,
                },
                Device::V5(_, eventloop) => match eventloop.poll().await {
                    Ok(v5::Event::Incoming(p5::Packet::PubAck(ack))) => match ack.reason {
                        p5::PubAckReason::Success => return Answer::Acknowledged,
                        reason => return Answer::Refused(format!("{reason:?}")),
                    },
                    Ok(v5::Event::Incoming(p5::Packet::PubComp(_))) => {
                        return Answer::Acknowledged;
                    }
                    Ok(_) => {}
                    Err(_) => return Answer::Closed,
                },
            }
        }
    }

    /// Is the subscription granted?
    pub(crate) async fn subscribe(&mut self, filter: &str) -> bool {
        match self {
            Device::V311(client, eventloop) => {
                client.subscribe(filter, rumqttc::QoS::AtLeastOnce).await.unwrap();
                loop {
                    match timeout(PATIENCE, eventloop.poll()).await.expect("no SUBACK") {
                        Ok(rumqttc::Event::Incoming(rumqttc::Packet::SubAck(ack))) => {
                            return ack
                                .return_codes
                                .iter()
                                .all(|code| *code != rumqttc::SubscribeReasonCode::Failure);
                        }
                        Ok(_) => {}
                        Err(_) => return false,
                    }
                }
            }
            Device::V5(client, eventloop) => {
                client.subscribe(filter, v5::mqttbytes::QoS::AtLeastOnce).await.unwrap();
                loop {
                    match timeout(PATIENCE, eventloop.poll()).await.expect("no SUBACK") {
                        Ok(v5::Event::Incoming(p5::Packet::SubAck(ack))) => {
                            return ack
                                .return_codes
                                .iter()
                                .all(|code| matches!(code, p5::SubscribeReasonCode::Success(_)));
                        }
                        Ok(_) => {}
                        Err(_) => return false,
                    }
                }
            }
        }
    }

    /// Polls until the connection is closed.
    pub(crate) async fn closed(&mut self) {
        let closed = async { while self.answer().await != Answer::Closed {} };
        timeout(PATIENCE, closed).await.expect("the connection stays open");
    }
}

//! As little MQTT 3.1.1 as a load generator needs: packets built by hand, so
//! that the load costs little beside what is measured.

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A PUBACK of 3.1.1 has always four bytes.
pub(crate) const PUBACK_BYTES: usize = 4;

const CLEAN_SESSION: u8 = 0x02;
const WITH_USER_AND_PASSWORD: u8 = 0xC0;
const KEEP_ALIVE_S: u16 = 300;

/// Connects and waits for a good CONNACK.
pub(crate) async fn connect(
    port: u16,
    client_id: &str,
    login: Option<(&str, &str)>,
) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.context("connect over MQTT")?;
    stream.set_nodelay(true)?;
    let mut body = Vec::new();
    push_text(&mut body, "MQTT");
    body.push(4);
    body.push(CLEAN_SESSION | login.map_or(0, |_| WITH_USER_AND_PASSWORD));
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    push_text(&mut body, client_id);
    if let Some((user, password)) = login {
        push_text(&mut body, user);
        push_text(&mut body, password);
    }
    let mut packet = vec![0x10];
    push_length(&mut packet, body.len());
    packet.extend(body);
    stream.write_all(&packet).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.context("wait for CONNACK")?;
    ensure!(answer[0] == 0x20 && answer[3] == 0, "CONNECT of {client_id} refused: {answer:?}");
    Ok(stream)
}

/// Appends a PUBLISH at QoS 1.
pub(crate) fn push_publish(packet: &mut Vec<u8>, topic: &str, id: u16, payload: &[u8]) {
    packet.push(0x32);
    push_length(packet, 2 + topic.len() + 2 + payload.len());
    push_text(packet, topic);
    packet.extend(id.to_be_bytes());
    packet.extend(payload);
}

fn push_text(packet: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("topics and names are short");
    packet.extend(length.to_be_bytes());
    packet.extend(text.as_bytes());
}

fn push_length(packet: &mut Vec<u8>, mut length: usize) {
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        packet.push((length % 128) as u8 | more);
        length /= 128;
        if length == 0 {
            return;
        }
    }
}

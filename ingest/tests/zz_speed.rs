//! temporary
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ingest::{Ack, Delivery, PipelineOptions, Route};
use ingest::broker::{BrokerOptions, EmbeddedBroker};
use ingest::external::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::door::System;
use crate::testing::scene;

fn payload(n: u64) -> String {
    format!(r#"{{"time":{},"seq":{n},"values":{{"water_level":1.{}}}}}"#, 1_784_000_000_000_u64 + n * 10, n % 100)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speed_pipeline() {
    if std::option_env!("NOPE").is_some() { return; }
    let options = PipelineOptions { age_max: None, ..PipelineOptions::default() };
    let system = System::start_with(options, None).await;
    let source = system.source("http").await;
    let n_total = 300_000_u64;
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for task in 0..2_u64 {
        let pipeline = system.pipeline.clone();
        let done = done.clone();
        set.spawn(async move {
            let topic: Arc<str> = Arc::from("tidewatch/v1/gauge-1/json");
            for i in 0..n_total / 2 {
                let done = done.clone();
                let d = Delivery { source, topic: topic.clone(), route: Route::from_topic(&topic), payload: Bytes::from(payload(i * 2 + task)),
                    received: scene(), is_retained: false, ack: Ack::new(move |_| { done.fetch_add(1, Ordering::Relaxed); }) };
                pipeline.submit(d).await.unwrap();
            }
        });
    }
    set.join_all().await;
    while done.load(Ordering::Relaxed) < n_total { tokio::time::sleep(Duration::from_millis(1)).await; }
    let s = began.elapsed().as_secs_f64();
    println!("SPEED pipeline {:.0} msg/s, commits {}", n_total as f64 / s, system.store.last_commit());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speed_broker() {
    for (n_conn, ms) in [(1000usize, 0u64), (1000, 5), (1000,10), (1000, 0), (1000, 5), (1000,10),(1000,20)] {
    println!("interval {ms}");
    let options = PipelineOptions { age_max: None, commit_interval: Duration::from_millis(ms), ..PipelineOptions::default() };
    let system = System::start_with(options, None).await;
    crate::broker::put_credential(&system.store, "gauge-1", &[], &[]).await;
    let bo = BrokerOptions { listen: "127.0.0.1:0".parse().unwrap(), connections_per_thing_max: 5000, messages_per_second: 10_000_000, messages_burst: 100_000_000, ..BrokerOptions::default() };
    let b = EmbeddedBroker::bind(bo, system.store.clone(), system.pipeline.clone(), system.clock.clone()).await.unwrap();
    let addr = b.local_addr().unwrap();
    let stop = CancellationToken::new();
    let t = tokio::spawn(b.run(stop.clone()));
    let mut socks = Vec::new();
    for c in 0..n_conn {
        socks.push(crate::broker::raw_device_as(addr, "gauge-1", &format!("gauge-1.{c}")).await);
    }
    let per = if n_conn == 1 { 1000 } else { 100_000 / n_conn as u64 };
    let began = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for (c, mut sock) in socks.into_iter().enumerate() {
        set.spawn(async move {
            let topic = "tidewatch/v1/gauge-1/json";
            let mut ack = [0_u8; 4];
            for i in 0..per {
                let p = payload(c as u64 * per + i);
                let len = 2 + topic.len() + 2 + p.len();
                let mut packet = vec![0x32];
                if len > 127 { packet.push((len % 128) as u8 | 0x80); packet.push((len / 128) as u8); } else { packet.push(len as u8); }
                packet.extend_from_slice(&[0, topic.len() as u8]);
                packet.extend_from_slice(topic.as_bytes());
                packet.extend_from_slice(&[0, 1]);
                packet.extend_from_slice(p.as_bytes());
                sock.write_all(&packet).await.unwrap();
                sock.read_exact(&mut ack).await.unwrap();
            }
        });
    }
    set.join_all().await;
    let s = began.elapsed().as_secs_f64();
    println!("SPEED broker {n_conn} conns {:.0} msg/s, commits {}", (per * n_conn as u64) as f64 / s, system.store.last_commit());
    stop.cancel();
    t.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speed_mosquitto() {
    use rumqttc::v5::*;
    let dir = tempfile::tempdir().unwrap();
    let port = 21883;
    std::fs::write(dir.path().join("m.conf"), format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 2000\npersistence false\nset_tcp_nodelay true\n")).unwrap();
    let mut child = std::process::Command::new("/usr/sbin/mosquitto").arg("-c").arg(dir.path().join("m.conf")).spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let n_total = 150_000_u64;
    for mode in ["ackonly", "ours", "ackonly", "ours"] {
        let done = Arc::new(AtomicU64::new(0));
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        let mut keep = None;
        if mode == "ackonly" {
            let mut o = MqttOptions::new("ackonly", "127.0.0.1", port);
            o.set_receive_maximum(Some(10_000)); o.set_max_packet_size(Some(1<<18));
            let (c, mut e) = AsyncClient::new(o, 1000);
            c.subscribe("tidewatch/v1/+/+", mqttbytes::QoS::AtLeastOnce).await.unwrap();
            let done = done.clone(); let stop = stop.clone();
            tasks.spawn(async move { loop { tokio::select! { ev = e.poll() => { if let Ok(Event::Incoming(mqttbytes::v5::Packet::Publish(_))) = ev { done.fetch_add(1, Ordering::Relaxed); } }, _ = stop.cancelled() => break } } });
        } else {
            let options = PipelineOptions { age_max: None, ..PipelineOptions::default() };
            let system = System::start_with(options, None).await;
            let o = ExternalOptions { host: "127.0.0.1".into(), port, client_id: format!("ours-{}", std::process::id()), session_expiry: Duration::from_secs(1), ..ExternalOptions::default() };
            let s = ExternalSource::new(o, &system.store, system.pipeline.clone(), system.clock.clone()).await.unwrap();
            let mut batches = system.pipeline.subscribe();
            let done2 = done.clone();
            tasks.spawn(s.run(stop.clone()));
            tasks.spawn(async move { while let Ok(b) = batches.recv().await { done2.fetch_add(b.rows.observations.len() as u64, Ordering::Relaxed); } });
            keep = Some(system);
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        let began = Instant::now();
        // publishers in threads of a separate process would be fairer; here 4 tasks
        let mut pubs = Vec::new();
        for task in 0..4_u64 {
            pubs.push(std::process::Command::new("python3").arg("-c").arg(PUB).arg(port.to_string()).arg((n_total / 4).to_string()).arg(task.to_string()).spawn().unwrap());
        }
        let mut last = 0;
        let mut first_at = None;
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let d = done.load(Ordering::Relaxed);
            if d > 0 && first_at.is_none() { first_at = Some(Instant::now()); }
            if d >= n_total { break; }
            if began.elapsed() > Duration::from_secs(60) { println!("only {d}"); break; }
            last = d;
        }
        let _ = last;
        let s = first_at.unwrap().elapsed().as_secs_f64();
        println!("SPEED mosquitto {mode} {:.0} msg/s", n_total as f64 / s);
        for mut p in pubs { p.wait().unwrap(); }
        stop.cancel();
        if let Some(system) = keep { println!("commits {}", system.store.last_commit()); drop(system); }
        tasks.abort_all();
    }
    child.kill().unwrap();
}

const PUB: &str = r#"
import socket,sys,struct,threading
port,n,task=int(sys.argv[1]),int(sys.argv[2]),int(sys.argv[3])
s=socket.create_connection(('127.0.0.1',port)); s.setsockopt(socket.IPPROTO_TCP,socket.TCP_NODELAY,1)
cid=b'pub%d'%task
body=b'\x00\x04MQTT\x04\x02\x00\x3c'+struct.pack('>H',len(cid))+cid
s.sendall(bytes([0x10,len(body)])+body); s.recv(4)
topic=b'tidewatch/v1/gauge-1/json'
acked=0
cv=threading.Condition()
def reader():
    global acked
    got=0
    while got<4*n:
        d=s.recv(65536)
        if not d: break
        got+=len(d)
        with cv:
            acked=got//4; cv.notify()
t=threading.Thread(target=reader); t.start()
W=1000
sent=0
while sent<n:
    with cv:
        while sent-acked>=W: cv.wait()
        k=min(n-sent,W-(sent-acked),200)
    out=bytearray()
    for i in range(sent,sent+k):
        p=b'{"time":%d,"seq":%d,"values":{"water_level":1.%d}}'%(1784000000000+(i*4+task)*10,i,i%100)
        v=struct.pack('>H',len(topic))+topic+struct.pack('>H',i%65535+1)+p
        L=len(v)
        out+=b'\x32'+(bytes([L]) if L<128 else bytes([L%128|0x80,L//128]))+v
    s.sendall(out); sent+=k
t.join()
"#;

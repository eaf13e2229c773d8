//! The sender against receivers of flesh and blood: sockets, TLS, a journal.

mod rig;
mod server;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{Clock, Origin};
use store::{OutboxNew, OutboxState, Rows, Store, StoreOptions, TickRow, TickWrite};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use self::rig::{
    Memory, Names, SECRET, receiver, second, sender, sender_with, start, tls_receiver, try_when_due,
};
use self::server::{Act, OK, Server};
use super::sign::tests::hmac_sha256;

#[tokio::test]
async fn delivered_once_whatever_the_receiver_does_first() {
    let script = [
        Act::HangUp,
        Act::Hang,
        Act::Answer("500 Internal Server Error"),
        Act::Answer("429 Too Many Requests\r\nretry-after: 90"),
        Act::Answer("302 Found\r\nlocation: https://elsewhere.example/"),
        OK,
    ];
    let server = Server::tls("localhost", &script).await;
    let (memory, clock) = (Memory::of(&["a-1-1", "a-2-1"]), Clock::manual(start()));
    let sender = sender(tls_receiver(&server), memory.clone(), &clock);
    let mut steps = sender.steps();
    let expected = ["exchange", "no answer", "status 500", "status 429", "status 302"];
    for (index, expected) in expected.into_iter().enumerate() {
        let tried_at = memory.row(1).next_try.unwrap_or(start());
        let row = try_when_due(&mut steps, &memory, &clock, 1).await;
        assert_eq!((row.state, row.n_tries), (OutboxState::Waiting, index as u32 + 1));
        assert!(row.detail.contains(expected), "{}", row.detail);
        let waits = row.next_try.unwrap().millis_since(tried_at);
        let whole = if expected == "status 429" { 180_000 } else { 1_000 << index };
        assert!((whole / 2..=whole).contains(&waits), "{waits} ms after {expected}");
    }
    let (_, status) = sender.status().remove(0);
    assert!(status.is_failing && status.n_failed == 5);
    assert_eq!(sender.readiness()[0].name, "webhook_duty");
    assert_eq!((sender.readiness()[0].probe)(), Err("status 302".to_owned()));

    assert_eq!(try_when_due(&mut steps, &memory, &clock, 1).await.state, OutboxState::Delivered);
    steps.step().await.unwrap();
    steps.step().await.unwrap();
    assert_eq!(memory.states(), [OutboxState::Delivered; 2]);
    assert_eq!((sender.readiness()[0].probe)(), Ok(()));
    let keys: Vec<String> = taken_keys(&server);
    assert_eq!(keys, ["a-1-1", "a-1-1", "a-1-1", "a-1-1", "a-1-1", "a-1-1", "a-2-1"]);
    check_requests(&server);
}

fn taken_keys(server: &Server) -> Vec<String> {
    server.taken().iter().map(|taken| taken.header("idempotency-key").to_owned()).collect()
}

/// Every request is whole, ours, and signed for its own time.
#[track_caller]
fn check_requests(server: &Server) {
    for taken in server.taken() {
        assert_eq!(taken.head[0], "POST /hook?group=1 HTTP/1.1");
        assert_eq!(taken.header("host"), format!("localhost:{}", server.address.port()));
        assert_eq!(taken.header("content-type"), "application/json");
        let timestamp = taken.header("tidewatch-timestamp");
        assert!(timestamp.parse::<i64>().unwrap() >= start().millis() / 1_000);
        let mut signed = format!("{timestamp}.").into_bytes();
        signed.extend_from_slice(&taken.body);
        let expected = format!("sha256={}", hmac_sha256(SECRET, &signed));
        assert_eq!(taken.header("tidewatch-signature"), expected);
        let body: serde_json::Value = serde_json::from_slice(&taken.body).unwrap();
        assert_eq!(body["version"], "4");
    }
}

#[tokio::test]
async fn a_message_that_fails_holds_back_those_behind_it() {
    let server = Server::plain(&[Act::HangUp]).await;
    let (memory, clock) = (Memory::of(&["a-1", "b-1"]), Clock::manual(start()));
    let url = format!("http://{}/hook", server.address);
    let sender = sender(receiver(&url, None, true), memory.clone(), &clock);
    let mut steps = sender.steps();
    for _ in 0..3 {
        steps.step().await.unwrap();
    }
    assert_eq!(taken_keys(&server), ["a-1"]);
    clock.set(memory.row(1).next_try.unwrap());
    for _ in 0..2 {
        steps.step().await.unwrap();
    }
    assert_eq!(taken_keys(&server), ["a-1", "a-1", "b-1"]);
}

#[tokio::test]
async fn what_cannot_be_delivered_in_a_day_is_given_up() {
    let (memory, clock) = (Memory::of(&["a-1", "b-1", "c-1"]), Clock::manual(start()));
    // Nobody listens there.
    let sender = sender(receiver("http://127.0.0.1:1/", None, true), memory.clone(), &clock);
    let mut steps = sender.steps();
    steps.step().await.unwrap();
    assert_eq!(memory.row(1).n_tries, 1);
    clock.set(start() + Duration::from_secs(86_399));
    steps.step().await.unwrap();
    assert_eq!(memory.row(1).state, OutboxState::Waiting);
    clock.set(start() + Duration::from_secs(90_000));
    for _ in 0..4 {
        steps.step().await.unwrap();
    }
    assert_eq!(memory.states(), [OutboxState::Undelivered; 3]);
    assert_eq!(sender.status()[0].1.n_given_up, 3);
    assert!(memory.row(3).detail.contains("cannot connect"), "{}", memory.row(3).detail);
}

#[tokio::test]
async fn a_message_called_malformed_does_not_dam_up_the_next() {
    let server = Server::plain(&[Act::Answer("422 Unprocessable Content"); 5]).await;
    let (memory, clock) = (Memory::of(&["a-1", "b-1"]), Clock::manual(start()));
    let url = format!("http://{}/hook", server.address);
    let sender = sender(receiver(&url, None, true), memory.clone(), &clock);
    let mut steps = sender.steps();
    for _ in 0..4 {
        let row = try_when_due(&mut steps, &memory, &clock, 1).await;
        assert_eq!(row.state, OutboxState::Waiting);
    }
    let row = try_when_due(&mut steps, &memory, &clock, 1).await;
    assert_eq!((row.state, row.detail.as_str()), (OutboxState::Undelivered, "status 422"));
    steps.step().await.unwrap();
    assert_eq!(memory.row(2).state, OutboxState::Delivered);
}

#[tokio::test]
async fn a_delivery_the_journal_could_not_note_is_not_made_again() {
    let server = Server::plain(&[]).await;
    let (memory, clock) = (Memory::of(&["a-1"]), Clock::manual(start()));
    memory.n_failing_notes.store(2, Ordering::Relaxed);
    let url = format!("http://{}/hook", server.address);
    let sender = sender(receiver(&url, None, true), memory.clone(), &clock);
    let mut steps = sender.steps();
    assert!(steps.step().await.is_err());
    assert!(steps.step().await.is_err());
    steps.step().await.unwrap();
    assert_eq!(memory.states(), [OutboxState::Delivered]);
    assert_eq!(server.taken().len(), 1);
}

fn open(directory: &Path, clock: &Clock) -> Store {
    let options = StoreOptions {
        directory: directory.to_owned(),
        origin: Some(Origin::Real),
        clock: clock.clone(),
        n_readers: 1,
        datastreams_per_thing_max: 8,
    };
    Store::open(options).unwrap().0
}

#[tokio::test]
async fn messages_outlive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(start());
    let new = |key: &str| OutboxNew {
        key: format!("duty:{key}"),
        receiver: "duty".to_owned(),
        body: "{\"version\":\"4\"}".to_owned(),
        created: start(),
    };
    let write = TickWrite {
        tick: TickRow { at: start(), commit: 0 },
        rows: Arc::new(Rows::default()),
        scores: Vec::new(),
        alerts: Vec::new(),
        transitions: Vec::new(),
        memory: Vec::new(),
        outbox: vec![new("a-1"), new("b-1"), new("a-1")],
    };
    let store = open(directory.path(), &clock);
    store.write_tick(write).await.unwrap();
    let nobody = receiver("http://127.0.0.1:1/", None, true);
    let sender = sender(nobody, Arc::new(store.clone()), &clock);
    sender.steps().step().await.unwrap();
    let row = store.outbox_next("duty").await.unwrap().unwrap();
    assert_eq!((row.key.as_str(), row.n_tries), ("duty:a-1", 1));
    store.close().await.unwrap();
    drop((sender, store));

    let server = Server::plain(&[]).await;
    let store = open(directory.path(), &clock);
    let url = format!("http://{}/hook", server.address);
    let sender = super::Sender::new(
        store.clone(),
        clock.clone(),
        vec![receiver(&url, None, true)],
        "http://tidewatch.local:8080".to_owned(),
    );
    let mut steps = sender.steps();
    steps.step().await.unwrap();
    assert_eq!(server.taken(), [], "the delay holds across the restart");
    clock.set(row.next_try.unwrap());
    for _ in 0..3 {
        steps.step().await.unwrap();
    }
    assert_eq!(taken_keys(&server), ["a-1", "b-1"]);
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!(counts, [("duty".to_owned(), OutboxState::Delivered, 2)]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn strangers_are_not_trusted() {
    let server = Server::tls("localhost", &[]).await;
    let other = Server::tls("localhost", &[]).await;
    let by_other_name = Server::tls("elsewhere.example", &[]).await;
    let url = |server: &Server| format!("https://localhost:{}/", server.address.port());
    let wrong_ca = receiver(&url(&server), Some(&other.ca_pem), true);
    let wrong_name = receiver(&url(&by_other_name), Some(&by_other_name.ca_pem), true);
    for receiver in [wrong_ca, wrong_name] {
        let (memory, clock) = (Memory::of(&["a-1"]), Clock::manual(start()));
        sender(receiver, memory.clone(), &clock).steps().step().await.unwrap();
        assert!(memory.row(1).detail.starts_with("TLS with"), "{}", memory.row(1).detail);
    }
    for server in [server, other, by_other_name] {
        assert_eq!(server.taken(), []);
    }
}

#[tokio::test]
async fn a_name_that_moves_is_judged_at_every_try() {
    let server = Server::tls("relay.example", &[]).await;
    let url = format!("https://relay.example:{}/", server.address.port());
    let judged = [
        ("10.0.0.1", "allow_private"),
        ("127.0.0.1", "allow_http_loopback"),
        ("169.254.169.254", "metadata"),
        ("127.0.0.1 169.254.169.254", "allow_http_loopback"),
        ("::ffff:127.0.0.1", "another form"),
        ("", "no address"),
    ];
    let names = Names::of(&judged.map(|(addresses, _)| addresses));
    let (memory, clock) = (Memory::of(&["a-1"]), Clock::manual(start()));
    let strict = receiver(&url, Some(&server.ca_pem), false);
    let sender = sender_with(strict, memory.clone(), &clock, names.clone());
    let mut steps = sender.steps();
    for (index, (addresses, reason)) in judged.into_iter().enumerate() {
        let row = try_when_due(&mut steps, &memory, &clock, 1).await;
        assert!(row.detail.contains(reason), "{addresses}: {}", row.detail);
        assert_eq!(names.n_asked(), index + 1, "asked once for each try");
    }
    assert_eq!(server.taken(), []);

    // Where it is allowed, the connection goes to the address that was judged.
    let names = Names::of(&["127.0.0.1", "169.254.169.254"]);
    let memory = Memory::of(&["a-1"]);
    let loopback = receiver(&url, Some(&server.ca_pem), true);
    let sender = sender_with(loopback, memory.clone(), &clock, names.clone());
    sender.steps().step().await.unwrap();
    assert_eq!((memory.states(), names.n_asked()), (vec![OutboxState::Delivered], 1));
}

#[tokio::test]
async fn an_answer_without_end_does_not_hold_the_sender() {
    let server = Server::plain(&[Act::Endless]).await;
    let (memory, clock) = (Memory::of(&["a-1"]), Clock::manual(start()));
    let url = format!("http://{}/hook", server.address);
    sender(receiver(&url, None, true), memory.clone(), &clock).steps().step().await.unwrap();
    assert_eq!(memory.states(), [OutboxState::Delivered]);
}

#[tokio::test]
async fn a_test_message_says_that_it_is_one() {
    let server = Server::tls("localhost", &[OK, Act::Answer("403 Forbidden")]).await;
    let clock = Clock::manual(start());
    let sender = sender(tls_receiver(&server), Memory::of(&[]), &clock);
    let mut found = Vec::new();
    for _ in 0..2 {
        found.push(sender.test("duty").await.unwrap().status);
    }
    assert_eq!(found, [Some(200), Some(403)]);
    assert_eq!(sender.test("nobody").await, None);
    let taken = server.taken().remove(0);
    assert!(taken.header("idempotency-key").starts_with("test-"));
    let body: serde_json::Value = serde_json::from_slice(&taken.body).unwrap();
    assert_eq!(body["alerts"][0]["labels"]["test"], "true");
    assert_eq!(body["receiver"], "duty");
    check_requests(&server);
}

#[tokio::test]
async fn the_task_delivers_until_the_shutdown() {
    let server = Server::plain(&[]).await;
    let memory = Memory::of(&["a-1", "a-2", "a-3"]);
    let url = format!("http://{}/hook", server.address);
    let sender = sender(receiver(&url, None, true), memory.clone(), &Clock::manual(start()));
    let shutdown = CancellationToken::new();
    let (changes, receiver) = broadcast::channel(1);
    let task = tokio::spawn(sender.clone().run(receiver, shutdown.clone()));
    changes.send(Arc::new(Vec::new())).unwrap();
    let all = async {
        while memory.states() != [OutboxState::Delivered; 3] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
    shutdown.cancel();
    task.await.unwrap();
    assert_eq!(taken_keys(&server), ["a-1", "a-2", "a-3"]);
}

#[tokio::test]
async fn a_scene_too_fast_to_follow_sends_nothing() {
    let server = Server::plain(&[]).await;
    let url = format!("http://{}/hook", server.address);
    let rules = |speed: f64| {
        let clock = Clock::scaled(start(), speed);
        sender(receiver(&url, None, true), Memory::of(&["a-1"]), &clock).rules().len()
    };
    assert_eq!([rules(1.0), rules(60.0), rules(61.0)], [1, 1, 0]);
    let fast = Clock::scaled(start(), 600.0);
    let sender = sender(receiver(&url, None, true), Memory::of(&["a-1"]), &fast);
    let shutdown = CancellationToken::new();
    let (_changes, receiver) = broadcast::channel(1);
    let task = tokio::spawn(sender.run(receiver, shutdown.clone()));
    tokio::time::sleep(second() / 10).await;
    shutdown.cancel();
    task.await.unwrap();
    assert_eq!(server.taken(), []);
}

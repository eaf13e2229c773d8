//! Deliveries to receivers outside.

use store::{OutboxNew, OutboxState, Store, StoreError};

use crate::support::{at, open, tick};

fn delivery(key: &str, body: &str) -> OutboxNew {
    OutboxNew { key: key.into(), receiver: "desk".into(), body: body.into(), created: at(1) }
}

async fn write(store: &Store, outbox: Vec<OutboxNew>) {
    let mut write = tick(at(60), 0);
    write.outbox = outbox;
    store.write_tick(write).await.unwrap();
}

#[tokio::test]
async fn a_delivery_waits_until_it_is_made_or_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    write(&store, vec![delivery("a", "1"), delivery("b", "2"), delivery("c", "3")]).await;
    write(&store, vec![delivery("a", "another"), delivery("d", "4")]).await;

    let due = async |second, limit| {
        let rows = store.outbox_due(at(second), limit).await.unwrap();
        rows.into_iter().map(|row| row.key).collect::<Vec<_>>().concat()
    };
    assert_eq!(due(0, 9).await, "abcd");
    assert_eq!(due(0, 2).await, "ab");

    let id = |key: &str| u64::from(key.as_bytes()[0] - b'a' + 1);
    let first = store.outbox_list(None, 9).await.unwrap().pop().unwrap();
    assert_eq!((first.id, first.key.as_str(), first.body.as_str()), (1, "a", "1"));
    assert_eq!((first.state, first.n_tries, first.next_try), (OutboxState::Waiting, 0, None));
    let update = async |key, state, next: Option<i64>, detail: &str| {
        store.outbox_update(id(key), state, next.map(at), detail.into()).await.unwrap();
    };
    let before = store.last_commit();
    update("a", OutboxState::Waiting, Some(30), "503").await;
    update("a", OutboxState::Waiting, Some(90), "504").await;
    let ids: Vec<_> = store.outbox_list(None, 9).await.unwrap().iter().map(|row| row.id).collect();
    update("b", OutboxState::Delivered, None, "").await;
    update("c", OutboxState::Undelivered, None, "gone").await;
    assert_eq!(store.last_commit(), before);
    assert_eq!((due(89, 9).await, due(90, 9).await), ("d".into(), "ad".into()));
    assert!(ids.is_sorted_by(|a, b| a > b), "newest first: {ids:?}");

    let of = async |state| store.outbox_list(state, 9).await.unwrap();
    assert_eq!(of(Some(OutboxState::Undelivered)).await[0].detail, "gone");
    let retried = of(Some(OutboxState::Waiting)).await.pop().unwrap();
    assert_eq!((retried.n_tries, retried.detail.as_str()), (2, "504"));
    let error = store.outbox_update(99, OutboxState::Delivered, None, String::new()).await;
    assert!(matches!(error, Err(StoreError::Refused { .. })), "{error:?}");
}

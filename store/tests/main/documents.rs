//! Documents: versions, refusals, and what an earlier commit saw.

use model::{Document, DocumentId, DocumentKind, LocalizedName, Storm};
use store::{Content, DocumentOutcome, DocumentRefusal, Expected, Store, StoreError};

use crate::support::{at, commit, open, prepared, row};

fn id(text: &str) -> DocumentId {
    DocumentId::parse(text).unwrap()
}

fn storm(name: &str, intensity_factor: f64) -> Document {
    Document::Storm(Storm {
        id: id(name),
        name: LocalizedName { zh: "海葵".into(), en: "Haikui".into() },
        number: Some("1211".into()),
        intensity_factor,
        ended: None,
    })
}

async fn put(store: &Store, document: Document, expected: Expected) -> DocumentOutcome {
    store.put_document(document, expected, "duty").await.unwrap()
}

#[tokio::test]
async fn versions_are_appended_and_refusals_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let kind = DocumentKind::Storm;
    let (first, second) = (storm("s-1", 1.0), storm("s-1", 1.1));
    let outcomes = [
        (first.clone(), Expected::Revision(1)),
        (first.clone(), Expected::Absent),
        (first.clone(), Expected::Absent),
        (first.clone(), Expected::Any),
        (second.clone(), Expected::Revision(2)),
        (second.clone(), Expected::Revision(1)),
        (second.clone(), Expected::Revision(2)),
        (first.clone(), Expected::Any),
    ];
    let mut found = Vec::new();
    for (document, expected) in outcomes {
        found.push(put(&store, document, expected).await);
    }
    let expected = [
        DocumentOutcome::Refused(DocumentRefusal::Missing { kind, id: id("s-1") }),
        DocumentOutcome::Created { revision: 1 },
        DocumentOutcome::Refused(DocumentRefusal::Exists { kind, id: id("s-1") }),
        DocumentOutcome::Unchanged { revision: 1 },
        DocumentOutcome::Refused(DocumentRefusal::Stale {
            kind,
            id: id("s-1"),
            expected: 2,
            found: 1,
        }),
        DocumentOutcome::Updated { revision: 2 },
        DocumentOutcome::Unchanged { revision: 2 },
        DocumentOutcome::Updated { revision: 3 },
    ];
    assert_eq!(found, expected);
    assert_eq!(store.last_commit(), 3, "only a version is a commit");

    let newest = store.document(kind, &id("s-1")).await.unwrap().unwrap();
    assert_eq!((newest.document, newest.revision, newest.commit), (first, 3, 3));
    assert_eq!((newest.at, newest.actor.as_str()), (at(0), "duty"));
    assert_eq!(store.document(DocumentKind::Signal, &id("s-1")).await.unwrap(), None);
}

#[tokio::test]
async fn pages_and_pictures_show_what_a_commit_saw() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 1).await;
    let begun = store.last_commit();
    for (name, factor) in [("a", 1.0), ("b", 1.0), ("c", 1.0), ("a", 2.0)] {
        put(&store, storm(name, factor), Expected::Any).await;
    }
    commit(&store, vec![row(source, 1, at(1), 1.0)]).await.unwrap();

    let page = async |as_of, before, limit| {
        let found = store.documents(DocumentKind::Storm, as_of, before, limit).await.unwrap();
        let name = |commit: u64| commit - begun;
        found
            .iter()
            .map(|stored| (stored.document.id().to_string(), stored.revision, name(stored.commit)))
            .collect::<Vec<_>>()
    };
    let entry = |name: &str, revision, commit| (name.to_owned(), revision, commit);
    let [a1, a2, b, c] =
        [("a", 1, 1), ("a", 2, 4), ("b", 1, 2), ("c", 1, 3)].map(|(n, r, c)| entry(n, r, c));
    let names = |found: &[&(String, u64, u64)]| found.iter().copied().cloned().collect::<Vec<_>>();
    assert_eq!(page(None, None, 9).await, names(&[&a2, &c, &b]));
    assert_eq!(page(None, None, 2).await, names(&[&a2, &c]));
    assert_eq!(page(None, Some(begun + 3), 2).await, names(&[&b]));
    assert_eq!(page(Some(begun + 3), None, 9).await, names(&[&c, &b, &a1]));
    assert_eq!(page(Some(begun + 1), None, 9).await, names(&[&a1]));
    assert_eq!(page(Some(begun), None, 9).await, []);

    let all = async |as_of| store.all_documents(as_of).await.unwrap();
    assert_eq!(all(begun + 3).await, [storm("a", 1.0), storm("b", 1.0), storm("c", 1.0)]);
    assert_eq!(all(u64::MAX).await, [storm("b", 1.0), storm("c", 1.0), storm("a", 2.0)]);
}

#[tokio::test]
async fn documents_outlive_a_start_and_reach_followers() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    put(&store, storm("a", 1.0), Expected::Any).await;
    drop(store);
    let (store, _) = open(directory.path());
    let mut follower = store.follow(0);
    assert_eq!(put(&store, storm("a", 1.0), Expected::Any).await, unchanged(1));
    put(&store, storm("a", 3.0), Expected::Any).await;
    for factor in [1.0, 3.0] {
        let commit = follower.next().await.unwrap().unwrap();
        assert_eq!(commit.content, Content::Documents(vec![storm("a", factor)]));
    }
}

fn unchanged(revision: u64) -> DocumentOutcome {
    DocumentOutcome::Unchanged { revision }
}

#[tokio::test]
async fn what_json_cannot_hold_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let mut large = storm("b", 1.0);
    if let Document::Storm(storm) = &mut large {
        storm.name.en = "x".repeat(300_000);
    }
    for (document, expected) in [(storm("a", f64::NAN), "a number"), (large, "at most 262144")] {
        match store.put_document(document, Expected::Any, "duty").await {
            Err(StoreError::Refused { detail }) => assert!(detail.contains(expected), "{detail}"),
            other => panic!("expected a refusal, found {other:?}"),
        }
    }
    assert_eq!(store.last_commit(), 0);
}

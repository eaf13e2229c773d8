//! The registry through its public functions.

use std::collections::BTreeSet;
use std::time::Duration;

use model::ThingId;
use store::{AuditEntry, Credential, Role, Session, StoreError, User};

use crate::support::{at, open};

fn user(name: &str) -> User {
    User {
        name: name.into(),
        role: Role::Engineer,
        password_hash: Some("$argon2id$v=19$x".into()),
        created: at(0),
        disabled: false,
    }
}

#[tokio::test]
async fn credentials_are_replaced_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let registry = store.registry();
    let thing = ThingId::parse("gateway-1").unwrap();
    let mut credential = Credential {
        thing: thing.clone(),
        secret_hash: [7; 32],
        things: vec![ThingId::parse("rain-1").unwrap()],
        prefixes: vec!["rain-".into()],
        created: at(0),
    };
    assert_eq!(registry.credential(&thing).await.unwrap(), None);
    registry.put_credential(credential.clone()).await.unwrap();
    credential.secret_hash = [8; 32];
    registry.put_credential(credential.clone()).await.unwrap();
    drop(store);

    let (store, _) = open(directory.path());
    let registry = store.registry();
    assert_eq!(registry.credential(&thing).await.unwrap(), Some(credential));
    assert!(registry.remove_credential(&thing).await.unwrap());
    assert!(!registry.remove_credential(&thing).await.unwrap());
}

#[tokio::test]
async fn a_token_is_its_users_and_stays_when_the_user_changes() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let registry = store.registry();
    let token = [1; 32];
    let error = registry.put_token("nobody", token, at(0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");

    registry.put_user(user("li")).await.unwrap();
    registry.put_token("li", [2; 32], at(0)).await.unwrap();
    registry.put_token("li", token, at(1)).await.unwrap();
    assert_eq!(registry.user_by_token(&[2; 32]).await.unwrap(), None);
    let changed = User { role: Role::Viewer, ..user("li") };
    registry.put_user(changed.clone()).await.unwrap();
    assert_eq!(registry.user_by_token(&token).await.unwrap(), Some(changed));

    registry.put_user(User { disabled: true, ..user("li") }).await.unwrap();
    assert_eq!(registry.user_by_token(&token).await.unwrap(), None);
    registry.put_user(user("chen")).await.unwrap();
    let names: Vec<_> = registry.users().await.unwrap().into_iter().map(|u| u.name).collect();
    assert_eq!(names, ["chen", "li"]);
    assert!(registry.user("li").await.unwrap().unwrap().disabled);
}

#[tokio::test]
async fn sessions_end() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let registry = store.registry();
    let session = |id, user: &str, second| Session {
        id_hash: [id; 32],
        user: user.into(),
        role: Role::Administrator,
        created: at(second),
        last_used: at(second),
    };
    for (id, user, second) in [(1, "li", 0), (2, "li", 100), (3, "chen", 200), (4, "chen", 300)] {
        registry.put_session(session(id, user, second)).await.unwrap();
    }
    let alive = async || {
        let mut alive = BTreeSet::new();
        for id in 1..=4_u8 {
            if registry.session(&[id; 32]).await.unwrap().is_some() {
                alive.insert(id);
            }
        }
        alive
    };
    registry.touch_session(&[1; 32], at(400)).await.unwrap();
    assert_eq!(registry.session(&[1; 32]).await.unwrap().unwrap().last_used, at(400));
    registry.sweep_sessions(at(150), at(0)).await.unwrap();
    assert_eq!(alive().await, BTreeSet::from([1, 3, 4]));
    registry.sweep_sessions(at(0), at(0) + Duration::from_secs(1)).await.unwrap();
    assert_eq!(alive().await, BTreeSet::from([3, 4]));
    registry.remove_session(&[3; 32]).await.unwrap();
    assert_eq!(alive().await, BTreeSet::from([4]));
    registry.remove_sessions_of("chen").await.unwrap();
    assert!(alive().await.is_empty());
}

#[tokio::test]
async fn the_audit_is_read_newest_first() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    for second in 0..5 {
        let entry = AuditEntry {
            at: at(second),
            actor: "local:0".into(),
            action: "thing.put".into(),
            object: format!("rain-{second}"),
            detail: "雨量站".into(),
        };
        store.registry().audit(entry).await.unwrap();
    }
    let found = store.registry().audit_entries(2).await.unwrap();
    assert_eq!((found.len(), found[0].at, found[1].at), (2, at(4), at(3)));
}

#[test]
fn roles_have_a_text_form() {
    for role in Role::ALL {
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    let error = "root".parse::<Role>().unwrap_err();
    assert_eq!(error.to_string(), "unknown role `root`; known are administrator, engineer, viewer");
}

//! Registration through the store.

use model::{Channel, PropertyId, ThingId, ThingKind};
use store::{DatastreamKey, Expected, PutOutcome, StoreError, ThingRefusal};

use crate::support::{open, prepared, source_name, spec, thing};

fn id(text: &str) -> ThingId {
    ThingId::parse(text).unwrap()
}

#[tokio::test]
async fn things_are_created_updated_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let put =
        async |thing, expected| store.put_things(vec![(thing, expected)]).await.unwrap().remove(0);

    let rain = thing("rain-1", 1);
    assert_eq!(put(rain.clone(), Expected::Absent).await, PutOutcome::Created { revision: 1 });
    assert_eq!(put(rain.clone(), Expected::Any).await, PutOutcome::Unchanged { revision: 1 });
    let mut renamed = rain.clone();
    renamed.name.en = "renamed".into();
    renamed.datastreams = vec![spec("other")];
    assert_eq!(put(renamed, Expected::Revision(1)).await, PutOutcome::Updated { revision: 2 });

    let record = store.directory().things[&id("rain-1")].clone();
    let names: Vec<_> = record.thing.datastreams.iter().map(|s| s.property.as_str()).collect();
    assert_eq!(names, ["property_0", "other"], "a datastream is never taken away");
    assert_eq!((record.revision, store.directory().commit), (2, store.last_commit()));
}

#[tokio::test]
async fn a_refused_thing_costs_only_itself() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let mut other_kind = thing("a", 1);
    other_kind.kind = ThingKind::Shelter;
    let outcomes = store
        .put_things(vec![
            (thing("a", 1), Expected::Any),
            (thing("a", 1), Expected::Absent),
            (thing("b", 1), Expected::Revision(1)),
            (thing("a", 1), Expected::Revision(5)),
            (thing("c", 11), Expected::Any),
            (other_kind, Expected::Any),
            (thing("d", 2), Expected::Any),
        ])
        .await
        .unwrap();
    let refused = |refusal| PutOutcome::Refused(refusal);
    assert_eq!(
        outcomes,
        [
            PutOutcome::Created { revision: 1 },
            refused(ThingRefusal::Exists(id("a"))),
            refused(ThingRefusal::Missing(id("b"))),
            refused(ThingRefusal::Stale { thing: id("a"), expected: 5, found: 1 }),
            refused(ThingRefusal::TooManyDatastreams { thing: id("c"), found: 11, max: 10 }),
            refused(ThingRefusal::KindFixed {
                thing: id("a"),
                found: "hydromet_station".into(),
                wanted: "shelter".into(),
            }),
            PutOutcome::Created { revision: 1 },
        ]
    );
    assert_eq!(store.last_commit(), 1, "all of a call is one transaction");
}

#[tokio::test]
async fn a_datastream_registers_itself_once() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = prepared(directory.path(), 9).await;
    let property = PropertyId::parse("position_longitude").unwrap();
    let channel = Channel::parse("mast").unwrap();
    let ensure = async |thing: &str, channel: Option<&Channel>| {
        store.ensure_datastream(&id(thing), &property, channel).await.unwrap()
    };

    assert_eq!(ensure("thing-0", None).await, Ok(DatastreamKey(10)));
    let commit = store.last_commit();
    assert_eq!(ensure("thing-0", None).await, Ok(DatastreamKey(10)));
    assert_eq!(store.last_commit(), commit);
    assert_eq!(
        ensure("thing-0", Some(&channel)).await,
        Err(ThingRefusal::TooManyDatastreams { thing: id("thing-0"), found: 11, max: 10 })
    );
    assert_eq!(ensure("nobody", None).await, Err(ThingRefusal::Missing(id("nobody"))));
}

#[tokio::test]
async fn the_directory_is_the_same_after_a_start() {
    let directory = tempfile::tempdir().unwrap();
    let (store, source) = prepared(directory.path(), 15).await;
    let property = PropertyId::parse("late").unwrap();
    store.ensure_datastream(&id("thing-1"), &property, None).await.unwrap().unwrap();
    let before = store.directory();
    drop(store);

    let (store, _) = open(directory.path());
    let after = store.directory();
    assert_eq!(before.things, after.things);
    assert_eq!(before.datastreams, after.datastreams);
    assert_eq!(store.source_name(source), Some(source_name("embedded")));
    assert_eq!(store.source(&source_name("embedded")).await.unwrap(), source);
    for record in after.datastreams.values() {
        assert_eq!(after.find(&record.id), Some(record));
    }
}

#[tokio::test]
async fn there_are_at_most_64_sources() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    for n in 0..64 {
        store.source(&source_name(&format!("source_{n}"))).await.unwrap();
    }
    let error = store.source(&source_name("one_more")).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
}

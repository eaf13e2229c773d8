//! The journal's registry as the engine sees it: keys to ids, things by
//! revision, datastreams of computed quantities.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{DatastreamId, DatastreamSpec, Thing, ThingId};
use store::{DatastreamKey, Directory, Expected, Store, StoreError};

use crate::engine::Derived;

#[derive(Debug)]
pub(super) struct Registry {
    directory: Arc<Directory>,
    /// Copies that the engine shares, made anew when the revision changes.
    things: BTreeMap<ThingId, (u64, Arc<Thing>)>,
}

impl Registry {
    pub(super) fn new(store: &Store) -> Registry {
        let mut registry =
            Registry { directory: Arc::new(Directory::default()), things: BTreeMap::new() };
        registry.refresh(store);
        registry
    }

    /// Takes the newest picture.
    pub(super) fn refresh(&mut self, store: &Store) {
        self.directory = store.directory();
        let mut things = std::mem::take(&mut self.things);
        for (id, record) in &self.directory.things {
            let known = things.remove(id).filter(|(revision, _)| *revision == record.revision);
            let entry = known.unwrap_or_else(|| (record.revision, Arc::new(record.thing.clone())));
            self.things.insert(id.clone(), entry);
        }
    }

    pub(super) fn things(&self) -> impl Iterator<Item = Arc<Thing>> + '_ {
        self.things.values().map(|(_, thing)| Arc::clone(thing))
    }

    pub(super) fn id(&self, key: DatastreamKey) -> Option<&DatastreamId> {
        self.directory.datastreams.get(&key).map(|record| &record.id)
    }

    pub(super) fn key(&self, id: &DatastreamId) -> Option<DatastreamKey> {
        self.directory.find(id).map(|record| record.key)
    }

    /// Registers the datastreams that computed values are of, all in one
    /// commit. A thing that somebody changes meanwhile waits for the next
    /// minute, and so does one that has all the datastreams it may have.
    pub(super) async fn register(
        &mut self,
        store: &Store,
        derived: &[Derived],
    ) -> Result<(), StoreError> {
        let mut missing: BTreeMap<&ThingId, Vec<DatastreamSpec>> = BTreeMap::new();
        for Derived { datastream, .. } in derived {
            if self.key(datastream).is_none() {
                let DatastreamId { thing, property, channel } = datastream;
                missing.entry(thing).or_default().push(DatastreamSpec {
                    property: property.clone(),
                    channel: channel.clone(),
                    levels: None,
                    datum: None,
                });
            }
        }
        let changes: Vec<(Thing, Expected)> = missing
            .into_iter()
            .filter_map(|(id, specs)| {
                let record = self.directory.things.get(id)?;
                let mut thing = record.thing.clone();
                thing.datastreams.extend(specs);
                Some((thing, Expected::Revision(record.revision)))
            })
            .collect();
        if !changes.is_empty() {
            store.put_things(changes).await?;
            self.refresh(store);
        }
        Ok(())
    }
}

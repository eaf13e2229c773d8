//! An immutable picture of all things and datastreams, swapped as a whole when
//! registration changes. Readers on the hot path take it without a lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use model::{Channel, DatastreamId, DatastreamSpec, PropertyId, Thing, ThingId, Time};

use crate::DatastreamKey;

#[derive(Debug, Clone, PartialEq)]
pub struct ThingRecord {
    pub thing: Thing,
    /// Grows by one with every change of the thing.
    pub revision: u64,
    pub changed: Time,
    pub datastreams: HashMap<(PropertyId, Option<Channel>), DatastreamKey>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DatastreamRecord {
    pub key: DatastreamKey,
    pub id: DatastreamId,
    pub spec: DatastreamSpec,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Directory {
    /// The commit that made this picture.
    pub commit: u64,
    pub things: BTreeMap<ThingId, Arc<ThingRecord>>,
    pub datastreams: BTreeMap<DatastreamKey, Arc<DatastreamRecord>>,
}

impl Directory {
    pub fn find(&self, id: &DatastreamId) -> Option<&Arc<DatastreamRecord>> {
        let thing = self.things.get(&id.thing)?;
        let key = thing.datastreams.get(&(id.property.clone(), id.channel.clone()))?;
        self.datastreams.get(key)
    }
}

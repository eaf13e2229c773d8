//! Which datastream a reading belongs to. One that fits its thing is
//! registered at its first reading, within the thing's limit.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::{Channel, PropertyId, ThingId};
use store::{DatastreamKey, Directory, Store, ThingRecord, ThingRefusal};
use tracing::{error, info};

use crate::meter::count_store_error;
use crate::pipeline::Shared;
use crate::retry::RetryDelay;
use crate::validate::ValidateError;

/// Things whose refusal is remembered; beyond it all are asked for again.
const REFUSALS_MAX: usize = 10_000;

pub(crate) struct Registrar {
    store: Store,
    shared: Arc<Shared>,
    /// As of the last look; newer ones only have more.
    directory: Arc<Directory>,
    /// Things that may have no more datastreams, with how many they had: a
    /// flood of new names does not reach the store.
    refusals: HashMap<ThingId, (usize, ThingRefusal)>,
}

impl Registrar {
    pub(crate) fn new(store: Store, shared: Arc<Shared>) -> Registrar {
        let directory = store.directory();
        Registrar { store, shared, directory, refusals: HashMap::new() }
    }

    /// Looks at the registrations again.
    pub(crate) fn refresh(&mut self) {
        self.directory = self.store.directory();
    }

    pub(crate) fn thing(&self, thing: &ThingId) -> Option<Arc<ThingRecord>> {
        self.directory.things.get(thing).cloned()
    }

    /// `record` may be older than the directory.
    pub(crate) async fn datastream(
        &mut self,
        record: &ThingRecord,
        property: &PropertyId,
        channel: Option<&Channel>,
    ) -> Result<DatastreamKey, ValidateError> {
        let local = (property.clone(), channel.cloned());
        if let Some(key) = record.datastreams.get(&local) {
            return Ok(*key);
        }
        let thing = &record.thing.id;
        let newest = self.directory.things.get(thing);
        if let Some(key) = newest.and_then(|newest| newest.datastreams.get(&local)) {
            return Ok(*key);
        }
        let n_datastreams = newest.map_or(0, |newest| newest.datastreams.len());
        if let Some((n, refusal)) = self.refusals.get(thing)
            && *n == n_datastreams
        {
            return Err(ValidateError::TooManyDatastreams(refusal.clone()));
        }
        match self.register(thing, property, channel).await {
            Ok(key) => {
                self.refresh();
                Ok(key)
            }
            Err(refusal) => {
                if REFUSALS_MAX <= self.refusals.len() {
                    self.refusals.clear();
                }
                self.refusals.insert(thing.clone(), (n_datastreams, refusal.clone()));
                Err(ValidateError::TooManyDatastreams(refusal))
            }
        }
    }

    /// A store that does not answer is asked until it does: nothing is
    /// acknowledged meanwhile.
    async fn register(
        &self,
        thing: &ThingId,
        property: &PropertyId,
        channel: Option<&Channel>,
    ) -> Result<DatastreamKey, ThingRefusal> {
        let mut delay = RetryDelay::default();
        let outcome = loop {
            let error = match self.store.ensure_datastream(thing, property, channel).await {
                Ok(outcome) => break outcome,
                Err(error) => error,
            };
            count_store_error(&error);
            if delay.n_failures() == 0 {
                error!(%error, "datastream not registered, will retry");
                self.shared.is_stalled.store(true, Ordering::Relaxed);
            }
            delay.wait().await;
        };
        let n_failures = delay.n_failures();
        if 0 < n_failures {
            info!(n_failures, "datastreams can be registered again");
            self.shared.is_stalled.store(false, Ordering::Relaxed);
        }
        outcome
    }
}

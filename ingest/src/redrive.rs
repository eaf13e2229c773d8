//! Sending a quarantined payload through the pipeline again, after what was
//! wrong with it was mended: a thing registered, a property added.

use std::sync::Arc;

use bytes::Bytes;
use model::{SourceName, ThingId, Time};
use store::{Store, StoreError};

use crate::{Pipeline, PipelineClosed, Receipt, Route, RouteError};

/// The source under which a re-driven payload is booked.
pub const REDRIVE_SOURCE: &str = "redrive";

#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    #[error("quarantine has no entry {0}")]
    Missing(u64),
    #[error("quarantine entry {id} was re-driven at {at} already; look at what became of it then")]
    Done { id: u64, at: Time },
    #[error("quarantine entry {id} leads nowhere: {source}")]
    Nowhere { id: u64, source: RouteError },
    #[error(transparent)]
    Closed(#[from] PipelineClosed),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Pipeline {
    /// Sends the payload of quarantine entry `id` through the pipeline, with
    /// the time it was received as its time of arrival, and marks the entry.
    ///
    /// What is still wrong is quarantined again, as a new entry.
    pub async fn redrive(&self, store: &Store, id: u64) -> Result<Receipt, RedriveError> {
        let _alone = self.shared.redrive.lock().await;
        let entry = store.quarantined(id).await?.ok_or(RedriveError::Missing(id))?;
        if let Some(at) = entry.redriven {
            return Err(RedriveError::Done { id, at });
        }
        let route = route_again(&entry.topic, entry.thing.as_ref(), entry.codec.as_deref())
            .map_err(|source| RedriveError::Nowhere { id, source })?;
        let name = SourceName::parse(REDRIVE_SOURCE).expect("the name fits its grammar");
        let source = store.source(&name).await?;
        let topic = Arc::from(entry.topic.as_str());
        let payload = Bytes::from(entry.payload);
        let receipt =
            self.deliver_received(source, topic, Ok(route), payload, entry.received).await?;
        store.mark_redriven(id).await?;
        Ok(receipt)
    }
}

/// What the door knew of the payload, or what its topic says.
fn route_again(
    topic: &str,
    thing: Option<&ThingId>,
    codec: Option<&str>,
) -> Result<Route, RouteError> {
    match (thing, codec.map(str::parse)) {
        (Some(thing), Some(Ok(codec))) => Ok(Route { thing: thing.clone(), codec }),
        _ => Route::from_topic(topic),
    }
}

#[cfg(test)]
mod tests {
    use codec::Codec;

    use super::*;

    #[track_caller]
    fn check(topic: &str, thing: Option<&str>, codec: Option<&str>, expected: Option<Codec>) {
        let thing = thing.map(|text| ThingId::parse(text).unwrap());
        let found = route_again(topic, thing.as_ref(), codec);
        assert_eq!(found.ok().map(|route| route.codec), expected);
    }

    #[test]
    fn a_foreign_topic_keeps_the_route_it_was_given() {
        check("plant/7/level", Some("tank-7"), Some("raw"), Some(Codec::Raw));
        check("plant/7/level", None, None, None);
        check("tidewatch/v1/tank-7/json", None, None, Some(Codec::Json));
        check("tidewatch/v1/tank-7/xml", Some("tank-7"), None, None);
    }
}

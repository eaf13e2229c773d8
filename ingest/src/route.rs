//! Where a topic leads: `tidewatch/v1/{thing}/{codec}`.

use codec::Codec;
use model::ThingId;

use crate::{Route, RouteError};

/// The first two levels of every topic of our own.
pub const TOPIC_PREFIX: &str = "tidewatch/v1/";

/// The reason of every payload whose topic leads nowhere.
pub const WRONG_TOPIC: &str = "wrong_topic";

/// How much of a refused topic an error repeats.
const SHOWN_MAX: usize = 120;

/// Device text made fit for logs and pages.
pub(crate) fn shown(text: &str) -> String {
    text.escape_debug().take(SHOWN_MAX).collect()
}

impl Route {
    /// Reads a topic of our own grammar.
    pub fn from_topic(topic: &str) -> Result<Route, RouteError> {
        let levels = topic.strip_prefix(TOPIC_PREFIX).and_then(|rest| rest.split_once('/'));
        let Some((thing, codec)) = levels else {
            return Err(RouteError::new(format!(
                "topic `{}` does not fit tidewatch/v1/{{thing}}/{{codec}}",
                shown(topic)
            )));
        };
        let thing = ThingId::parse(thing).map_err(|error| RouteError::new(error.to_string()))?;
        let codec = codec.parse().map_err(|error: codec::UnknownCodec| {
            RouteError::new(format!("topic `{}`: {error}", shown(topic)))
        })?;
        Ok(Route { thing, codec })
    }

    /// The topic that [`Route::from_topic`] reads back.
    pub fn topic(thing: &ThingId, codec: Codec) -> String {
        format!("{TOPIC_PREFIX}{thing}/{codec}")
    }
}

impl RouteError {
    pub(crate) fn new(detail: String) -> RouteError {
        RouteError { code: WRONG_TOPIC, detail }
    }
}

/// The thing that a topic of our own names, whatever else is wrong with it.
pub(crate) fn thing_in_topic(topic: &str) -> Option<ThingId> {
    let rest = topic.strip_prefix(TOPIC_PREFIX)?;
    ThingId::parse(rest.split('/').next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(topic: &str, expected: Option<(&str, Codec)>) {
        let found = Route::from_topic(topic);
        match expected {
            Some((thing, codec)) => {
                let route = found.unwrap();
                assert_eq!((route.thing.as_str(), route.codec), (thing, codec));
                assert_eq!(Route::topic(&route.thing, route.codec), topic);
            }
            None => assert_eq!(found.unwrap_err().code, WRONG_TOPIC, "{topic:?}"),
        }
    }

    #[test]
    fn a_topic_names_a_thing_and_a_codec() {
        check("tidewatch/v1/rain-017/json", Some(("rain-017", Codec::Json)));
        check("tidewatch/v1/rain-017/senml-cbor", Some(("rain-017", Codec::SenmlCbor)));
        check("tidewatch/v1/rain-017/raw", Some(("rain-017", Codec::Raw)));
    }

    #[test]
    fn every_other_topic_leads_nowhere() {
        check("", None);
        check("tidewatch/v1/rain-017", None);
        check("tidewatch/v1/rain-017/", None);
        check("tidewatch/v1/rain-017/json/x", None);
        check("tidewatch/v1//json", None);
        check("tidewatch/v2/rain-017/json", None);
        check("/tidewatch/v1/rain-017/json", None);
        check("tidewatch/v1/Rain/json", None);
        check("tidewatch/v1/rain-017/JSON", None);
    }

    #[test]
    fn the_thing_is_found_in_a_topic_with_a_wrong_codec() {
        assert_eq!(thing_in_topic("tidewatch/v1/rain-017/xml").unwrap().as_str(), "rain-017");
        assert_eq!(thing_in_topic("tidewatch/v1/rain-017").unwrap().as_str(), "rain-017");
        assert_eq!(thing_in_topic("elsewhere/rain-017/json"), None);
    }
}

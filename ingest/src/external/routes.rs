//! From the topics of foreign brokers to things and codecs.

use codec::Codec;
use model::ThingId;
use serde::{Deserialize, Serialize};

use crate::route::shown;
use crate::{Route, RouteError};

/// The filter of our own topics.
const OWN_FILTER: &str = "tidewatch/v1/+/+";

/// Where a route finds the thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThingFrom {
    /// A level of the topic, counted from 0.
    Level(usize),
    /// All that the filter brings is of one thing.
    Id(ThingId),
}

/// What a subscription brings, and how to read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ExternalRoute {
    /// `tidewatch/v1/{thing}/{codec}`.
    Own,
    /// Topics that are not ours.
    Mapped { filter: String, codec: Codec, thing: ThingFrom },
}

impl ExternalRoute {
    pub fn filter(&self) -> &str {
        match self {
            ExternalRoute::Own => OWN_FILTER,
            ExternalRoute::Mapped { filter, .. } => filter,
        }
    }

    fn route(&self, topic: &str) -> Result<Route, RouteError> {
        let (codec, thing) = match self {
            ExternalRoute::Own => return Route::from_topic(topic),
            ExternalRoute::Mapped { codec, thing, .. } => (*codec, thing),
        };
        let thing = match thing {
            ThingFrom::Id(thing) => thing.clone(),
            ThingFrom::Level(level) => {
                let text = topic.split('/').nth(*level).unwrap_or_default();
                ThingId::parse(text).map_err(|error| {
                    RouteError::new(format!("level {level} of `{}`: {error}", shown(topic)))
                })?
            }
        };
        Ok(Route { thing, codec })
    }
}

/// The first route whose filter matches says what the payload is.
pub(super) fn route_of(routes: &[ExternalRoute], topic: &str) -> Result<Route, RouteError> {
    match routes.iter().find(|route| matches(route.filter(), topic)) {
        Some(route) => route.route(topic),
        None => Err(RouteError::new(format!("no route is set for topic `{}`", shown(topic)))),
    }
}

/// Does the topic fit the filter (MQTT 5, 4.7)?
fn matches(filter: &str, topic: &str) -> bool {
    let starts_with_wildcard = filter.starts_with(['+', '#']);
    if topic.starts_with('$') && starts_with_wildcard {
        return false;
    }
    let mut levels = topic.split('/');
    for part in filter.split('/') {
        if part == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if part == "+" || part == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// Is it a filter that a broker takes?
pub(super) fn is_valid_filter(filter: &str) -> bool {
    let mut parts = filter.split('/').peekable();
    let mut is_valid = !filter.is_empty() && filter.len() <= 512 && !filter.contains('\0');
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        is_valid &= match part {
            "#" => is_last,
            "+" => true,
            _ => !part.contains(['#', '+']),
        };
    }
    is_valid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_whole_levels() {
        let cases = [
            ("tidewatch/v1/+/+", "tidewatch/v1/rain-017/json", true),
            ("tidewatch/v1/+/+", "tidewatch/v1/rain-017/json/x", false),
            ("tidewatch/v1/+/+", "tidewatch/v1/rain-017", false),
            ("plant/#", "plant", true),
            ("plant/#", "plant/7/level", true),
            ("#", "雨/1", true),
            ("#", "$SYS/uptime", false),
            ("+/uptime", "$SYS/uptime", false),
            ("$SYS/#", "$SYS/uptime", true),
            ("plant/+", "plant/", true),
        ];
        for (filter, topic, expected) in cases {
            assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn only_whole_wildcards_are_valid() {
        for filter in ["a", "a/+/b", "a/#", "#", "+", "/a", "a//b"] {
            assert!(is_valid_filter(filter), "{filter}");
        }
        for filter in ["", "a/#/b", "a+", "a/b#", "#/a", "a\0"] {
            assert!(!is_valid_filter(filter), "{filter:?}");
        }
    }

    #[test]
    fn the_thing_comes_from_a_level_or_is_fixed() {
        let mapped = |filter: &str, thing| ExternalRoute::Mapped {
            filter: filter.to_owned(),
            codec: Codec::Raw,
            thing,
        };
        let tank = ThingId::parse("tank-7").unwrap();
        let routes = [
            mapped("plant/+/level", ThingFrom::Level(1)),
            mapped("weather", ThingFrom::Id(tank.clone())),
            ExternalRoute::Own,
        ];
        let thing = |topic| route_of(&routes, topic).map(|route| route.thing.to_string()).ok();
        assert_eq!(thing("plant/tank-7/level").as_deref(), Some("tank-7"));
        assert_eq!(thing("plant/Tank 7/level"), None);
        assert_eq!(thing("weather").as_deref(), Some("tank-7"));
        assert_eq!(thing("tidewatch/v1/rain-017/json").as_deref(), Some("rain-017"));
        assert_eq!(thing("elsewhere"), None);
    }

    #[test]
    fn routes_read_as_configuration_writes_them() {
        let text = r#"[{"mapped": {"filter": "plant/+/level", "codec": "raw", "thing": {"level": 1}}}, "own"]"#;
        let routes: Vec<ExternalRoute> = serde_json::from_str(text).unwrap();
        assert_eq!(routes.len(), 2);
        assert_eq!(routes[1], ExternalRoute::Own);
    }
}

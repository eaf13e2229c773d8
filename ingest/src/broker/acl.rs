//! What a credential allows: whose topics it may publish on, and which client
//! ids it may use. Default is no.

use model::ThingId;
use store::Credential;

use crate::route::TOPIC_PREFIX;

/// The prefix of the client ids that the broker makes for empty ones.
const ASSIGNED_PREFIX: &str = "auto-";
const ASSIGNED_DIGITS: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grants {
    pub(super) thing: ThingId,
    things: Vec<ThingId>,
    prefixes: Vec<String>,
}

impl Grants {
    pub(super) fn of(credential: Credential) -> Grants {
        Grants { thing: credential.thing, things: credential.things, prefixes: credential.prefixes }
    }

    fn covers(&self, thing: &str) -> bool {
        thing == self.thing.as_str()
            || self.things.iter().any(|other| other.as_str() == thing)
            || self
                .prefixes
                .iter()
                // An empty prefix would be everybody; nobody means that.
                .any(|prefix| !prefix.is_empty() && thing.starts_with(prefix.as_str()))
    }

    /// May it publish there? The level below the thing is not looked at: what
    /// a device sends under its own name is kept, even with a wrong codec.
    pub(super) fn may_publish(&self, topic: &str) -> bool {
        let Some(rest) = topic.strip_prefix(TOPIC_PREFIX) else {
            return false;
        };
        let thing = rest.split('/').next().unwrap_or_default();
        ThingId::parse(thing).is_ok() && self.covers(thing)
    }

    /// Empty (the broker makes one), the thing's id, or below it: else one
    /// device could end another's session.
    pub(super) fn may_use_client_id(&self, client_id: &str) -> bool {
        let own = self.thing.as_str();
        match client_id.strip_prefix(own) {
            Some(rest) if rest.is_empty() || rest.starts_with('.') => true,
            _ => is_assigned(client_id),
        }
    }
}

/// Made by the broker from 128 random bits for a client that named none.
fn is_assigned(client_id: &str) -> bool {
    client_id.strip_prefix(ASSIGNED_PREFIX).is_some_and(|digits| {
        digits.len() == ASSIGNED_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use model::Time;

    use super::*;

    fn grants() -> Grants {
        let thing = |text| ThingId::parse(text).unwrap();
        Grants::of(Credential {
            thing: thing("gateway-1"),
            secret_hash: [0; 32],
            things: vec![thing("tank-7")],
            prefixes: vec!["pump-".to_owned(), String::new()],
            created: Time::EPOCH,
        })
    }

    #[test]
    fn topics_of_own_and_granted_things_only() {
        let cases = [
            ("tidewatch/v1/gateway-1/json", true),
            ("tidewatch/v1/gateway-1/no-such-codec", true),
            ("tidewatch/v1/gateway-1", true),
            ("tidewatch/v1/tank-7/json", true),
            ("tidewatch/v1/tank-70/json", false),
            ("tidewatch/v1/pump-3/senml", true),
            ("tidewatch/v1/pump/senml", false),
            ("tidewatch/v1/gateway-2/json", false),
            ("tidewatch/v1/GATEWAY-1/json", false),
            ("tidewatch/v1//json", false),
            ("tidewatch/v1/#", false),
            ("tidewatch/v1/+/json", false),
            ("tidewatch/v1", false),
            ("/tidewatch/v1/gateway-1/json", false),
            ("$SYS/broker/uptime", false),
            ("$share/g/tidewatch/v1/gateway-1/json", false),
            ("", false),
        ];
        for (topic, expected) in cases {
            assert_eq!(grants().may_publish(topic), expected, "{topic:?}");
        }
    }

    #[test]
    fn client_ids_below_the_own_name_only() {
        let cases = [
            ("gateway-1", true),
            ("gateway-1.uplink", true),
            ("gateway-10", false),
            ("gateway-1x", false),
            ("tank-7", false),
            ("pump-3", false),
            ("auto-0123456789abcdef0123456789abcdef", true),
            ("auto-0123", false),
            ("auto-0123456789abcdef0123456789abcdeg", false),
        ];
        for (client_id, expected) in cases {
            assert_eq!(grants().may_use_client_id(client_id), expected, "{client_id:?}");
        }
    }
}

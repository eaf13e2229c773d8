//! The thing that tests of this crate play with.

use model::{LocalizedName, Thing, ThingId, ThingKind, ThingState};

/// A station without datastreams.
pub(crate) fn station() -> Thing {
    Thing {
        id: ThingId::parse("hm-1").expect("the id fits its grammar"),
        kind: ThingKind::HydrometStation,
        name: LocalizedName { zh: "站".into(), en: "Station".into() },
        township: None,
        position: None,
        state: ThingState::InService,
        serves: Vec::new(),
        raw_property: None,
        datastreams: Vec::new(),
    }
}

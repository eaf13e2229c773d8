//! What the unit tests and the integration tests share: a small catalogue, a
//! store with a few things in it, and a journal that fails on purpose.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use model::{
    Catalogue, Clock, LocalizedName, ObservedProperty, Origin, PropertyId, Thing, ThingId,
    ThingKind, ThingState, Time, TownshipCode,
};
use serde_json::json;
use store::{Committed, Expected, Journal, Rows, Store, StoreError, StoreOptions};

/// The instant at which the tests' clocks stand.
pub(crate) fn scene() -> Time {
    Time::parse("2026-07-25T08:00:00+08:00").unwrap()
}

pub(crate) fn catalogue() -> Arc<Catalogue> {
    let station = json!(["hydromet_station"]);
    let entries = [
        (
            "water_level",
            json!({
                "unit": "m", "kinds": station, "period": "15min",
                "quality": {"gross_range": {"min": -5.0, "max": 30.0}, "step": 1.0},
            }),
        ),
        (
            "rainfall_depth",
            json!({
                "unit": "mm", "kinds": station, "period": "10min",
                "quality": {"gross_range": {"min": 0.0, "max": 60.0, "per": "10min"}},
            }),
        ),
        ("battery_voltage", json!({"unit": "V", "kinds": ["hydromet_station", "shelter"]})),
        ("position_longitude", json!({"unit": "deg", "kinds": station})),
        ("position_latitude", json!({"unit": "deg", "kinds": station})),
        ("rainfall_1h", json!({"unit": "mm", "kinds": station, "derived_from": "rainfall_depth"})),
        ("crane_tilt", json!({"unit": "[ppth]", "kinds": ["construction_site"]})),
        ("power_state", json!({"unit": "1", "kinds": station, "channels": ["mains", "solar"]})),
    ];
    let properties = entries.map(|(id, mut spec)| {
        spec["name"] = json!({"zh": id, "en": id});
        spec["mark"] = json!("A");
        ObservedProperty {
            id: PropertyId::parse(id).unwrap(),
            spec: serde_json::from_value(spec).unwrap(),
        }
    });
    Arc::new(Catalogue::new(properties.to_vec()).unwrap())
}

fn thing(id: &str, kind: ThingKind, state: ThingState) -> Thing {
    Thing {
        id: ThingId::parse(id).unwrap(),
        kind,
        name: LocalizedName { zh: id.to_owned(), en: id.to_owned() },
        township: Some(TownshipCode::parse("330225101").unwrap()),
        position: None,
        state,
        serves: Vec::new(),
        raw_property: Some(PropertyId::from_static("water_level")),
        datastreams: Vec::new(),
    }
}

/// A store with `gauge-1` and `gauge-2` in service, `new-1` in commissioning,
/// `old-1` retired and `gateway-1`.
pub(crate) async fn open_store(directory: &Path, clock: &Clock) -> Store {
    let options = StoreOptions {
        directory: directory.to_owned(),
        origin: Some(Origin::Simulated),
        clock: clock.clone(),
        n_readers: 1,
        datastreams_per_thing_max: 4,
    };
    let (store, _) = Store::open(options).unwrap();
    let station = ThingKind::HydrometStation;
    let things = vec![
        thing("gauge-1", station, ThingState::InService),
        thing("gauge-2", station, ThingState::InService),
        thing("new-1", station, ThingState::Commissioning),
        thing("old-1", station, ThingState::Retired),
        Thing {
            raw_property: None,
            ..thing("gateway-1", ThingKind::Gateway, ThingState::InService)
        },
    ];
    let things = things.into_iter().map(|thing| (thing, Expected::Any)).collect();
    store.put_things(things).await.unwrap();
    store
}

type Refuses = Box<dyn Fn(&Rows) -> bool + Send + Sync>;

/// Keeps what it is given, after failing as told.
#[derive(Default)]
pub(crate) struct FlakyJournal {
    failures: Mutex<VecDeque<StoreError>>,
    refuses: Option<Refuses>,
    kept: Mutex<Vec<Arc<Rows>>>,
}

impl FlakyJournal {
    /// Fails the next commits, in this order.
    pub(crate) fn failing(failures: Vec<StoreError>) -> FlakyJournal {
        FlakyJournal { failures: Mutex::new(failures.into()), ..FlakyJournal::default() }
    }

    /// Refuses each batch that the test says is bad.
    pub(crate) fn refusing(
        refuses: impl Fn(&Rows) -> bool + Send + Sync + 'static,
    ) -> FlakyJournal {
        FlakyJournal { refuses: Some(Box::new(refuses)), ..FlakyJournal::default() }
    }

    pub(crate) fn batches(&self) -> Vec<Arc<Rows>> {
        self.kept.lock().unwrap().clone()
    }
}

pub(crate) fn unavailable() -> StoreError {
    StoreError::Unavailable { detail: "as the test wants it".to_owned(), source: None }
}

#[async_trait]
impl Journal for FlakyJournal {
    async fn commit(&self, rows: &Arc<Rows>) -> Result<Committed, StoreError> {
        if let Some(error) = self.failures.lock().unwrap().pop_front() {
            return Err(error);
        }
        if self.refuses.as_ref().is_some_and(|refuses| refuses(rows)) {
            return Err(StoreError::Refused { detail: "a bad row".to_owned() });
        }
        let mut kept = self.kept.lock().unwrap();
        kept.push(Arc::clone(rows));
        Ok(Committed {
            commit: kept.len() as u64,
            at: scene(),
            n_stored: rows.observations.len() as u64,
            n_duplicate: 0,
            n_replaced: 0,
            n_quarantined: rows.quarantined.len() as u64,
            n_refused: rows.refused.len() as u64,
        })
    }
}

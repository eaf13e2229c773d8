//! The catalogue is well-formed and says what the domain document says.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{
    Burden, Catalogue, GrossRange, Level, ObservedProperty, Persistence, PropertyId, PropertySpec,
    ReportKind, ThingKind, Unit,
};

const SHIPPED: &str = include_str!("../../config/properties.toml");

/// A table of the file keeps no order; the places of the entries give it back.
pub(crate) fn shipped() -> Catalogue {
    let entries: BTreeMap<PropertyId, toml::Spanned<PropertySpec>> =
        toml::from_str(SHIPPED).expect("the shipped catalogue parses");
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by_key(|(_, spec)| spec.span().start);
    let properties =
        entries.into_iter().map(|(id, spec)| ObservedProperty { id, spec: spec.into_inner() });
    Catalogue::new(properties.collect()).expect("the shipped catalogue is valid")
}

#[track_caller]
fn find<'a>(catalogue: &'a Catalogue, id: &str) -> &'a ObservedProperty {
    catalogue.iter().find(|property| property.id.as_str() == id).expect("the catalogue has the id")
}

#[test]
fn it_has_every_id_in_the_order_of_the_domain() {
    let catalogue = shipped();
    let ids: Vec<&str> = catalogue.iter().map(|property| property.id.as_str()).collect();
    assert_eq!(ids.len(), 116);
    assert_eq!(ids[..3], ["rainfall_depth", "rainfall_1h", "rainfall_3h"]);
    assert_eq!(ids[115], "response_level");
}

#[test]
fn rain_has_a_range_that_grows_with_its_interval() {
    let catalogue = shipped();
    let rain = &find(&catalogue, "rainfall_depth").spec;
    let per = Some(Duration::from_secs(600));
    assert_eq!(rain.quality.gross_range, Some(GrossRange { min: 0.0, max: 60.0, per }));
    assert_eq!((rain.quality.step, rain.quality.spike), (Some(40.0), None));
    assert_eq!((rain.unit, rain.limits), (Unit::Millimetre, None));
}

#[test]
fn wind_is_watched_by_the_beaufort_bounds() {
    let catalogue = shipped();
    let wind = &find(&catalogue, "wind_speed").spec;
    let high = wind.limits.unwrap().high.unwrap();
    let bounds =
        [(Level::Blue, 10.8), (Level::Yellow, 17.2), (Level::Orange, 24.5), (Level::Red, 32.7)];
    assert_eq!(high.configured().collect::<Vec<_>>(), bounds);
    assert_eq!((wind.persistence, wind.mark.as_str()), (Some(Persistence::P1), "K"));
}

#[test]
fn oxygen_is_watched_on_both_sides() {
    let limits = find(&shipped(), "oxygen_concentration").spec.limits.unwrap();
    let (high, low) = (limits.high.unwrap(), limits.low.unwrap());
    assert_eq!(
        (high.orange, high.red, low.orange, low.red),
        (Some(23.5), Some(25.0), Some(19.5), Some(18.0))
    );
}

#[test]
fn heights_have_a_datum_and_levels_per_station() {
    let catalogue = shipped();
    let with_datum: Vec<&ObservedProperty> =
        catalogue.iter().filter(|property| property.spec.datum).collect();
    let ids: Vec<&str> = with_datum.iter().map(|property| property.id.as_str()).collect();
    assert_eq!(ids, ["water_level", "reservoir_level", "tide_level"]);
    assert!(with_datum.iter().all(|property| property.spec.limits.unwrap().per_thing));
}

#[test]
fn what_the_program_computes_nobody_reports() {
    let catalogue = shipped();
    let computed: Vec<&str> = catalogue
        .iter()
        .filter(|property| property.is_computed())
        .map(|property| property.id.as_str())
        .collect();
    assert_eq!(
        computed,
        [
            "rainfall_1h",
            "rainfall_3h",
            "rainfall_24h",
            "soil_water_index",
            "occupancy_rate",
            "supply_coverage",
            "crane_wind_while_hoisting",
            "displacement_rate",
            "groundwater_change_rate",
            "in_haven",
            "silent_duration",
            "group_distance",
            "recall_overdue",
            "haven_occupancy_rate",
            "official_signal",
            "response_level",
        ]
    );
    assert!(catalogue.iter().all(|p| p.spec.computed || p.spec.derived_from.is_none()));
}

#[test]
fn gases_convert_from_ppm_and_are_about_lives_at_red() {
    let catalogue = shipped();
    let sulfide = &find(&catalogue, "hydrogen_sulfide_concentration").spec;
    assert_eq!(sulfide.molar_mass, Some(34.08));
    assert_eq!((sulfide.life_safety, sulfide.burden), (Some(Level::Red), Some(Burden::Always)));
    assert_eq!(catalogue.iter().filter(|p| p.spec.molar_mass.is_some()).count(), 5);
}

#[test]
fn reports_age_by_their_kind() {
    let catalogue = shipped();
    let kind = |id| find(&catalogue, id).spec.report;
    assert_eq!(kind("people_to_evacuate"), Some(ReportKind::Register));
    assert_eq!(kind("people_evacuated"), Some(ReportKind::Progress));
    assert_eq!(kind("rescue_team_ready"), Some(ReportKind::State));
    assert_eq!(kind("trainees_planned"), Some(ReportKind::Register));
    assert_eq!(kind("trainees_done"), None);
    assert_eq!(find(&catalogue, "people_evacuated").spec.channels.len(), 9);
}

#[test]
fn every_sector_may_have_a_battery_and_a_position() {
    let catalogue = shipped();
    for id in ["battery_voltage", "position_longitude", "position_latitude"] {
        let property = find(&catalogue, id);
        for kind in ThingKind::ALL {
            assert_eq!(property.is_of_kind(kind), kind != ThingKind::Gateway, "{id} {kind}");
        }
    }
}

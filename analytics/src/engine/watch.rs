//! What is watched now: the state of the thing, overrides by people, and the
//! limits that depend on what other datastreams say.

use model::{Level, OverrideKind, PropertyId, ThingKind, ThingState, Thresholds, Time};

use crate::alerts::{AlarmLimits, AlarmRules, AlarmSettings};
use crate::physics::geo::haversine_km;
use crate::prepare::StormTracks;
use crate::world::{Stream, World};

const WIND_SPEED: PropertyId = PropertyId::from_static("wind_speed");
const MAINS_POWER: PropertyId = PropertyId::from_static("mains_power");
const SHELTER_STATUS: PropertyId = PropertyId::from_static("shelter_status");
const SITE_WORK_STOPPED: PropertyId = PropertyId::from_static("site_work_stopped");
const CRANE_WEATHERVANED: PropertyId = PropertyId::from_static("crane_weathervaned");
const LONGITUDE: PropertyId = PropertyId::from_static("position_longitude");
const LATITUDE: PropertyId = PropertyId::from_static("position_latitude");

/// `shelter_status` of a shelter that takes people: open, full.
const OPEN_STATUS: [f64; 2] = [2.0, 3.0];

/// Limits that hold under a condition only (docs/indices.md section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// No orange or red while work stopped and the crane is weathervaned.
    CraneWind,
    /// Only while mains is lost.
    BackupPower,
    /// Only while the shelter is open.
    SupplyCoverage,
    /// One colour lower while the local wind is below force 7.
    SilentDuration,
}

impl Special {
    pub(super) fn of(property: &PropertyId) -> Option<Special> {
        match property.as_str() {
            "crane_wind_speed" => Some(Special::CraneWind),
            "backup_power_runtime" => Some(Special::BackupPower),
            "supply_coverage" => Some(Special::SupplyCoverage),
            "silent_duration" => Some(Special::SilentDuration),
            _ => None,
        }
    }
}

/// How a datastream is watched at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    Full,
    /// Its thing is in commissioning or maintenance, or a person marked it
    /// faulty: only what is about lives is shown.
    LifeOnly {
        is_fault: bool,
    },
    /// Planned, retired or gone.
    Not,
}

pub(super) fn watch(world: &World, stream: &Stream, at: Time) -> Watch {
    let Some(thing) = world.things.get(&stream.id.thing) else { return Watch::Not };
    match thing.state {
        ThingState::Planned | ThingState::Retired => Watch::Not,
        _ if world.documents.is_overridden(&stream.id, OverrideKind::Fault, at) => {
            Watch::LifeOnly { is_fault: true }
        }
        ThingState::Commissioning | ThingState::Maintenance => Watch::LifeOnly { is_fault: false },
        ThingState::InService => Watch::Full,
    }
}

/// The rules that hold at an instant; `None` when nothing is watched.
pub(super) fn rules_now(
    rules: &AlarmRules,
    special: Option<Special>,
    watch: Watch,
    place: &Place<'_>,
) -> Option<AlarmRules> {
    let mut limits = rules.limits;
    match watch {
        Watch::Not => return None,
        Watch::LifeOnly { .. } => {
            let life = rules.life_safety?;
            each_side(&mut limits, |found| only(found, |level| level >= life));
        }
        Watch::Full => {}
    }
    match special {
        Some(Special::CraneWind) if place.is_crane_secured() => {
            each_side(&mut limits, |found| only(found, |level| level < Level::Orange));
        }
        Some(Special::BackupPower) if !place.is_mains_lost() => {
            each_side(&mut limits, |found| only(found, |_| false));
        }
        Some(Special::SupplyCoverage) if !place.is_shelter_open() => {
            each_side(&mut limits, |found| only(found, |_| false));
        }
        Some(Special::SilentDuration) if !place.is_windy() => {
            each_side(&mut limits, one_colour_lower);
        }
        _ => {}
    }
    Some(AlarmRules { limits, ..*rules })
}

fn each_side(limits: &mut AlarmLimits, change: impl Fn(Thresholds) -> Thresholds) {
    limits.high = limits.high.map(&change);
    limits.low = limits.low.map(&change);
}

fn only(thresholds: Thresholds, holds: impl Fn(Level) -> bool) -> Thresholds {
    let keep = |level| thresholds.at(level).filter(|_| holds(level));
    Thresholds {
        blue: keep(Level::Blue),
        yellow: keep(Level::Yellow),
        orange: keep(Level::Orange),
        red: keep(Level::Red),
    }
}

fn one_colour_lower(thresholds: Thresholds) -> Thresholds {
    let Thresholds { yellow, orange, red, .. } = thresholds;
    Thresholds { blue: yellow, yellow: orange, orange: red, red: None }
}

/// A thing at an instant, with what its other datastreams say.
pub(super) struct Place<'a> {
    pub(super) world: &'a World,
    pub(super) storms: &'a StormTracks,
    pub(super) settings: &'a AlarmSettings,
    pub(super) neighbour_radius_km: f64,
    pub(super) stream: &'a Stream,
    pub(super) at: Time,
}

impl Place<'_> {
    fn value(&self, property: &PropertyId) -> Option<f64> {
        let stream = self.world.stream(&self.stream.id.thing, property)?;
        stream.latest(self.at).map(|sample| sample.value)
    }

    fn is_crane_secured(&self) -> bool {
        [SITE_WORK_STOPPED, CRANE_WEATHERVANED].iter().all(|id| self.value(id) == Some(1.0))
    }

    fn is_mains_lost(&self) -> bool {
        self.value(&MAINS_POWER) == Some(0.0)
    }

    fn is_shelter_open(&self) -> bool {
        self.value(&SHELTER_STATUS).is_some_and(|status| OPEN_STATUS.contains(&status))
    }

    fn is_windy(&self) -> bool {
        self.local_wind_mps().is_some_and(|wind| wind >= self.settings.offline_wind_mps)
    }

    /// The strongest of the fresh stations nearby and the storms' wind; with
    /// no station nearby the nearest fresh one speaks.
    fn local_wind_mps(&self) -> Option<f64> {
        let here = self.position()?;
        let mut nearby: Option<f64> = None;
        let mut nearest: Option<(f64, f64)> = None;
        for thing in self.world.things.values() {
            let is_station =
                thing.kind == ThingKind::HydrometStation && thing.state == ThingState::InService;
            let Some(position) = thing.position.filter(|_| is_station) else { continue };
            let Some(stream) = self.world.stream(&thing.id, &WIND_SPEED) else { continue };
            let Some(wind) = stream.latest(self.at).filter(|sample| {
                let period = stream.property.spec.period.unwrap_or_default();
                sample.time >= self.at - period
            }) else {
                continue;
            };
            let distance_km = haversine_km(here, position);
            if distance_km <= self.neighbour_radius_km {
                nearby = Some(nearby.map_or(wind.value, |best| best.max(wind.value)));
            }
            if nearest.is_none_or(|(least, _)| distance_km < least) {
                nearest = Some((distance_km, wind.value));
            }
        }
        let modelled = self.storms.winds_at(here, self.at).map(|wind| wind.wind_mps);
        let measured = nearby.or(nearest.map(|(_, wind)| wind));
        measured.into_iter().chain(modelled).reduce(f64::max)
    }

    fn position(&self) -> Option<model::Position> {
        let reported = self.value(&LONGITUDE).zip(self.value(&LATITUDE));
        let reported = reported
            .and_then(|(longitude, latitude)| model::Position::new(longitude, latitude).ok());
        let thing = self.world.things.get(&self.stream.id.thing)?;
        reported.or(thing.position)
    }
}

//! Seeded inputs of a township: for the golden file, the property tests and
//! the bench. The same seed gives the same inputs on every machine.

use std::time::Duration;

use model::{DatastreamId, Level, Quality, ThingId, Thresholds, Time, TownshipCode};

use crate::county_run::PreparedTownship;
use crate::flood_typhoon::capability::GapInput;
use crate::flood_typhoon::exposure::{
    Category, ExposureInputs, PeopleReport, Register, Report, Site, Vessel, VesselPlace,
};
use crate::flood_typhoon::sources::{
    GroupInput, ModelWind, OutlookInput, QuantityInput, StationInput,
};
use crate::flood_typhoon::{FloodInputs, FloodModel};
use crate::freshness::Aging;
use crate::hazard::{KnotSource, QuantitySpec, StationReading, Statistic};
use crate::township_safety::caps::{CapId, HeldCap};
use crate::township_safety::{
    DimensionInput, Face, IndicatorInput, IndicatorValue, SafetyInputs, SafetyModel, Scoring,
};

/// SplitMix64: a small generator whose numbers are fixed by its seed.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    pub fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In 0..1.
    pub fn share(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).expect("a small number");
        usize::try_from(self.next_u64() % n).expect("below a usize")
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }

    pub fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

const LEVELS: [Level; 5] = [Level::None, Level::Blue, Level::Yellow, Level::Orange, Level::Red];

const CATEGORIES: [Category; 9] = [
    Category::Crew,
    Category::Offshore,
    Category::OutsideSeawall,
    Category::NonstandardSeawall,
    Category::DangerousHouse,
    Category::Landslide,
    Category::AtRiskSeawall,
    Category::ReservoirFlood,
    Category::Other,
];

fn minutes(n: f64) -> Duration {
    Duration::from_secs_f64(60.0 * n)
}

/// An instant up to `max` minutes before `at`.
fn ago(seeded: &mut Seeded, at: Time, max_min: f64) -> Time {
    at - minutes(seeded.within(0.0, max_min))
}

/// One township's prepared inputs.
pub fn township(
    seed: u64,
    safety_model: &SafetyModel,
    flood_model: &FloodModel,
    at: Time,
) -> PreparedTownship {
    let mut seeded = Seeded::new(seed);
    let code = TownshipCode::parse("330225101").expect("a fixed code");
    PreparedTownship {
        safety: safety_inputs(&mut seeded, code, safety_model, at),
        flood: flood_inputs(&mut seeded, code, flood_model, at),
        population: None,
    }
}

/// How well kept a seeded township is.
#[derive(Debug, Clone, Copy)]
enum Regime {
    Any,
    Fair,
    Good,
}

impl Regime {
    /// Reports are up to this many periods old.
    fn periods_max(self) -> f64 {
        match self {
            Regime::Any => 4.0,
            Regime::Fair => 2.0,
            Regime::Good => 1.0,
        }
    }

    fn one_missing_of(self) -> usize {
        match self {
            Regime::Any => 12,
            Regime::Fair => 40,
            Regime::Good => 60,
        }
    }

    /// The least of the values' share of what is wanted.
    fn least(self) -> f64 {
        match self {
            Regime::Any => 0.0,
            Regime::Fair => 0.75,
            Regime::Good => 0.93,
        }
    }
}

/// A quantity between the worst that the regime allows and a bit beyond the
/// best.
fn indicator_value(seeded: &mut Seeded, scoring: &Scoring, regime: Regime) -> f64 {
    let share = seeded.within(regime.least(), 1.05);
    match scoring {
        Scoring::Identity => (100.0 * share).min(100.0),
        Scoring::Knots { xs, .. } => xs[xs.len() - 1] * share,
        Scoring::Target { target } => target * share,
        Scoring::Exponential { scale } => scale * 2.0 * (1.0 - share).max(0.0),
    }
}

pub fn safety_inputs(
    seeded: &mut Seeded,
    township: TownshipCode,
    model: &SafetyModel,
    at: Time,
) -> SafetyInputs {
    // Two of three cases are well kept, so that all levels occur.
    let regime = seeded.pick(&[Regime::Any, Regime::Good, Regime::Fair]);
    let dimensions = model
        .dimensions
        .iter()
        .map(|dimension| {
            let inputs = dimension.indicators.iter().map(|indicator| {
                let age_max_min = indicator.period.as_secs_f64() / 60.0 * regime.periods_max();
                match seeded.below(regime.one_missing_of()) {
                    0 => IndicatorInput::NotApplicable,
                    1 => IndicatorInput::Unknown,
                    _ => IndicatorInput::Value(IndicatorValue {
                        value: indicator_value(seeded, &indicator.scoring, regime),
                        time: ago(seeded, at, age_max_min),
                        credibility: None,
                        raw: None,
                    }),
                }
            });
            DimensionInput::Indicators(inputs.collect())
        })
        .collect();
    let caps = CapId::ALL
        .into_iter()
        .filter(|_| seeded.chance(0.03))
        .map(|id| HeldCap { id, since: None, expires: None })
        .collect();
    let face = if seeded.chance(0.2) { Face::Month } else { Face::Live };
    SafetyInputs { township, face, dimensions, caps, confidence: None }
}

pub fn flood_inputs(
    seeded: &mut Seeded,
    township: TownshipCode,
    model: &FloodModel,
    at: Time,
) -> FloodInputs {
    // From calm to severe, from prepared to not, so that all levels occur.
    let severity = seeded.pick(&[0.12, 0.25, 0.4, 0.6, 1.0]);
    let is_prepared = seeded.chance(0.5);
    let mut groups = Vec::new();
    for spec in &model.groups {
        if seeded.chance(0.1) {
            continue;
        }
        let mut quantities = Vec::new();
        for quantity in &spec.quantities {
            if seeded.chance(0.85) {
                quantities.push(quantity_input(seeded, quantity, severity, at));
            }
        }
        let official =
            if seeded.chance(0.15 * severity) { seeded.pick(&LEVELS) } else { Level::None };
        let outlook = spec.is_outlook.then(|| OutlookInput {
            level: if seeded.chance(0.4 * severity) { seeded.pick(&LEVELS) } else { Level::None },
            issued: seeded.chance(0.8).then(|| ago(seeded, at, 600.0)),
        });
        groups.push(GroupInput { id: spec.id.clone(), official, quantities, outlook });
    }
    let capability =
        model.capability_items.iter().map(|_| gap_input(seeded, is_prepared, at)).collect();
    FloodInputs {
        township,
        groups,
        response: if seeded.chance(0.3 * severity) { seeded.pick(&LEVELS) } else { Level::None },
        exposure: exposure_inputs(seeded, is_prepared, at),
        capability,
        red_alarm_open: seeded.chance(0.1),
        n_life_alarms: 0,
    }
}

fn quantity_input(
    seeded: &mut Seeded,
    spec: &QuantitySpec,
    severity: f64,
    at: Time,
) -> QuantityInput {
    let mut stations = |prefix: &str, n_max: usize| {
        let n = 1 + seeded.below(n_max);
        (0..n)
            .map(|index| station(seeded, spec, &format!("{prefix}-{index}"), severity, at))
            .collect::<Vec<_>>()
    };
    let own = stations("own", 3);
    let neighbours = if spec.neighbours { stations("near", 2) } else { Vec::new() };
    let wind_model = (spec.wind_model && seeded.chance(0.5)).then(|| ModelWind {
        wind_mps: seeded.within(0.0, 50.0 * severity),
        fix_time: ago(seeded, at, 600.0),
    });
    QuantityInput { id: spec.id.clone(), own, neighbours, wind_model }
}

fn station(
    seeded: &mut Seeded,
    spec: &QuantitySpec,
    thing: &str,
    severity: f64,
    at: Time,
) -> StationInput {
    let (levels, top) = match &spec.knots {
        KnotSource::Fixed(knots) => (None, knots.values()[5]),
        KnotSource::Station => {
            let own = Thresholds {
                blue: Some(2.0),
                yellow: Some(2.5),
                orange: Some(3.0),
                red: Some(4.0),
            };
            (seeded.chance(0.9).then_some(own), 5.0)
        }
    };
    let period_min = spec.period.as_secs_f64() / 60.0;
    let age_max = if seeded.chance(0.85) { period_min } else { 5.0 * period_min };
    let is_window = matches!(spec.statistic, Statistic::Sum { .. });
    let reading = seeded.chance(0.95).then(|| StationReading {
        value: seeded.within(0.0, 1.1 * top * severity),
        newest: ago(seeded, at, age_max),
        slots_present: if is_window && seeded.chance(0.1) { seeded.share() } else { 1.0 },
        quality: Quality::PASS,
    });
    StationInput {
        datastream: DatastreamId {
            thing: ThingId::parse(&format!("{thing}-{}", spec.id)).expect("a fixed grammar"),
            property: spec.from.clone(),
            channel: None,
        },
        levels,
        reading,
        silenced: seeded.chance(0.03),
        released: seeded.chance(0.03).then(|| ago(seeded, at, 30.0)),
        confirmed: false,
    }
}

fn gap_input(seeded: &mut Seeded, is_prepared: bool, at: Time) -> GapInput {
    match seeded.below(30) {
        0 => GapInput::NotApplicable,
        1 => GapInput::Unknown,
        _ => {
            let is_measured = seeded.chance(0.3);
            let (period, credibility) =
                if is_measured { (minutes(10.0), 1.0) } else { (minutes(43_200.0), 0.6) };
            let short = seeded.chance(0.5).then(|| (ago(seeded, at, 600.0), minutes(720.0)));
            let aging = Aging {
                time: ago(seeded, at, 1_000.0),
                period,
                credibility,
                since_change: short.filter(|_| !is_measured),
            };
            let gap = seeded.share() * if is_prepared { 0.3 } else { 1.0 };
            GapInput::Value { gap, agings: vec![aging] }
        }
    }
}

fn exposure_inputs(seeded: &mut Seeded, is_prepared: bool, at: Time) -> ExposureInputs {
    let mut people = Vec::new();
    for category in CATEGORIES {
        if !seeded.chance(0.6) {
            continue;
        }
        let to_evacuate = (seeded.within(0.0, 2_000.0)).floor();
        let least = if is_prepared { 0.98 } else { 0.0 };
        let moved = (to_evacuate * seeded.within(least, 1.02)).floor();
        people.push(PeopleReport {
            category,
            to_evacuate: Some(Report { value: to_evacuate, time: ago(seeded, at, 80_000.0) }),
            evacuated: seeded
                .chance(if is_prepared { 0.97 } else { 0.7 })
                .then(|| Report { value: moved, time: ago(seeded, at, 90.0) }),
        });
    }
    ExposureInputs {
        people,
        vessels: register(seeded, 12, |seeded| Vessel {
            place: seeded.pick(&[
                VesselPlace::InHaven,
                VesselPlace::InHaven,
                VesselPlace::InWeakHaven,
                VesselPlace::AtSea,
                VesselPlace::Overdue,
                VesselPlace::LostAtSea,
            ]),
            time: ago(seeded, at, 20.0),
        }),
        recall: seeded.chance(if is_prepared { 0.2 } else { 0.5 }),
        sites: register(seeded, 4, |seeded| Site {
            has_crane: seeded.chance(0.7),
            work_stopped: progress(seeded, at),
            crane_vaned: progress(seeded, at),
        }),
        vulnerable_percent: seeded
            .chance(0.7)
            .then(|| Report { value: seeded.within(0.0, 60.0), time: ago(seeded, at, 80_000.0) }),
        event_since: seeded.chance(0.8).then(|| at - minutes(1_500.0)),
        response_since: seeded.chance(0.6).then(|| at - minutes(700.0)),
    }
}

fn register<T>(
    seeded: &mut Seeded,
    n_max: usize,
    mut one: impl FnMut(&mut Seeded) -> T,
) -> Register<T> {
    if seeded.chance(0.1) {
        return Register::NeverEntered;
    }
    let n = seeded.below(n_max + 1);
    Register::Entered((0..n).map(|_| one(seeded)).collect())
}

fn progress(seeded: &mut Seeded, at: Time) -> Option<Report> {
    let value = if seeded.chance(0.6) { 1.0 } else { 0.0 };
    seeded.chance(0.8).then(|| Report { value, time: ago(seeded, at, 900.0) })
}

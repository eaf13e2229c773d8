//! Inputs of Index A, face live: every indicator of docs/indices.md 3.1 and the
//! caps that hold.
//!
//! Once an indicator has a value, whoever says nothing about his part counts
//! as having nothing done; before that it is unknown. Totals end at the newest
//! report, so that silence moves no value.

use std::time::Duration;

use model::{DatastreamId, Flag, PropertyId, Thing, ThingKind, Time};

use super::alarms::{cap_facts, grade};
use super::reports::{MONTH, Part, Place, YEAR, streams_of};
use super::sectors::{Burdens, online_rate};
use crate::explain::{NodeState, Raw};
use crate::freshness::{freshness, state_at_age};
use crate::township_safety::caps::caps_now;
use crate::township_safety::indicators::{
    AccidentReport, ChemicalFirm, accident_burden, chemical_credit, drill_rate, grid_report_ratio,
    median, rate_percent, supply_12h_rate,
};
use crate::township_safety::{
    DimensionInput, Face, IndicatorInput, IndicatorSpec, IndicatorValue, SafetyInputs, SafetyModel,
};
use crate::world::{TownshipFacts, World};

const CREDIT_GRADE: PropertyId = PropertyId::from_static("credit_grade");
const SUPPLY_ETA: PropertyId = PropertyId::from_static("supply_eta");
const ACCIDENTS: [PropertyId; 4] = [
    PropertyId::from_static("accident_deaths"),
    PropertyId::from_static("accident_serious_injuries"),
    PropertyId::from_static("accident_minor_injuries"),
    PropertyId::from_static("accident_fires"),
];

/// Datastreams that an explanation names at most.
const NAMED_MAX: usize = 8;

/// What Index A is computed from, in one township at one instant.
pub fn safety(
    world: &World,
    township: &TownshipFacts,
    model: &SafetyModel,
    at: Time,
) -> SafetyInputs {
    let place = Place::new(world, township.township.code, at);
    let burdens = Burdens::new(&place, township);
    let caps = caps_now(&cap_facts(&place, township), at, &model.cap_rules);
    let indicators = Indicators { place, township, model, burdens };
    let dimensions = model.dimensions.iter().map(|dimension| {
        let inputs = dimension.indicators.iter().map(|spec| indicators.of(spec));
        DimensionInput::Indicators(inputs.collect())
    });
    SafetyInputs {
        township: township.township.code,
        face: Face::Live,
        dimensions: dimensions.collect(),
        caps,
        confidence: None,
    }
}

/// How a count is read: what is in force, or what was done in a window.
enum Count {
    InForce(&'static str),
    Total(&'static str, Duration),
}

impl Count {
    fn property(&self) -> PropertyId {
        match self {
            Count::InForce(id) | Count::Total(id, _) => PropertyId::from_static(id),
        }
    }

    fn of<'a>(&self, place: &Place<'a>, thing: &'a Thing) -> Option<Part<'a>> {
        match self {
            Count::InForce(_) => place.latest(thing, &self.property()),
            Count::Total(_, window) => place.total(thing, &self.property(), *window),
        }
    }
}

/// What a rate is made of, over all who report it.
#[derive(Default)]
struct Share<'a> {
    done: f64,
    of: f64,
    /// Somebody said how much there is, and how much of it is done.
    is_told: bool,
    is_done_told: bool,
    /// One for each who reports, as old as the older of both numbers.
    times: Vec<Option<Time>>,
    flag: Option<Flag>,
    streams: Vec<&'a DatastreamId>,
}

fn share<'a>(place: &Place<'a>, done: &Count, of: &Count) -> Share<'a> {
    let mut share = Share::default();
    let property = of.property();
    for thing in place.reporters(&property) {
        if !place.has(thing, &property) {
            continue;
        }
        let (found, required) = (done.of(place, thing), of.of(place, thing));
        share.times.push(found.as_ref().zip(required.as_ref()).map(|(a, b)| a.time.min(b.time)));
        let Some(required) = required else { continue };
        share.is_told = true;
        share.of += required.value;
        for part in found.iter().chain([&required]) {
            share.flag = share.flag.max(Some(part.flag));
            share.streams.extend(&part.streams);
        }
        if let Some(found) = found {
            share.is_done_told = true;
            share.done += found.value;
        }
    }
    share
}

struct Indicators<'a> {
    place: Place<'a>,
    township: &'a TownshipFacts,
    model: &'a SafetyModel,
    burdens: Burdens,
}

impl Indicators<'_> {
    fn of(&self, spec: &IndicatorSpec) -> IndicatorInput {
        let reports_from = self.township.reporting_from;
        if !spec.is_measured && reports_from.is_some_and(|from| self.place.at < from) {
            return IndicatorInput::NotApplicable;
        }
        use Count::{InForce, Total};
        let rate = |done: Count, of: Count| self.rate(spec, &done, &of);
        match spec.id.as_str() {
            "chemical_credit" => self.chemical_credit(spec),
            "certificate_rate" => {
                rate(InForce("certificates_valid"), InForce("certificates_required"))
            }
            "standardisation_rate" => {
                rate(InForce("enterprises_standardised"), InForce("enterprises_total"))
            }
            "sensing_online_rate" => online_rate(&self.place, spec),
            "construction_alarm_burden" => self.burden(ThingKind::ConstructionSite, spec),
            "vessel_alarm_burden" => self.burden(ThingKind::FishingVessel, spec),
            "enterprise_alarm_burden" => self.burden(ThingKind::Enterprise, spec),
            "shelter_alarm_burden" => self.burden(ThingKind::Shelter, spec),
            "inspection_rate" => {
                rate(Total("inspections_done", MONTH), InForce("inspections_planned"))
            }
            "rectification_rate" => {
                rate(Total("hazards_rectified", MONTH), Total("hazards_due", MONTH))
            }
            "on_time_disposal_rate" => {
                rate(Total("abnormal_events_on_time", MONTH), Total("abnormal_events_due", MONTH))
            }
            "grid_report_ratio" => self.grid_report_ratio(spec),
            "shelter_standardisation_rate" => {
                rate(InForce("shelters_standardised"), InForce("shelters_total"))
            }
            "equipment_rate" => rate(InForce("equipment_held"), InForce("equipment_required")),
            "supply_12h_rate" => self.supply_12h_rate(spec),
            "rescue_15min_rate" => {
                rate(InForce("villages_within_15min"), InForce("villages_total"))
            }
            "drill_rate" => self.drill_rate(spec),
            "accident_burden" => self.accident_burden(spec),
            _ => IndicatorInput::Unknown,
        }
    }

    fn burden(&self, sector: ThingKind, spec: &IndicatorSpec) -> IndicatorInput {
        self.burdens.of_sector(&self.place, sector, spec, &self.model.burden)
    }

    fn rate(&self, spec: &IndicatorSpec, done: &Count, of: &Count) -> IndicatorInput {
        let share = share(&self.place, done, of);
        match rate_percent(share.done, share.of) {
            Some(rate) if share.is_done_told => self.told(spec, rate, &share),
            None if share.is_told => IndicatorInput::NotApplicable,
            _ => IndicatorInput::Unknown,
        }
    }

    fn told(&self, spec: &IndicatorSpec, value: f64, share: &Share<'_>) -> IndicatorInput {
        let flag = share.flag.unwrap_or(Flag::NotEvaluated);
        known_value(spec, value, &share.times, flag, &share.streams, self.place.at)
    }

    /// A chemical firm is an enterprise that has a credit grade to report.
    fn chemical_credit(&self, spec: &IndicatorSpec) -> IndicatorInput {
        let list = self.place.list(ThingKind::Enterprise);
        let enterprises = list.things.iter();
        let all: Vec<&Thing> =
            enterprises.copied().filter(|firm| self.place.has(firm, &CREDIT_GRADE)).collect();
        if all.is_empty() && list.is_confirmed {
            return IndicatorInput::NotApplicable;
        }
        let mut told = Share::default();
        let mut firms = Vec::new();
        for firm in all {
            let credit = self.place.latest(firm, &CREDIT_GRADE);
            told.times.push(credit.as_ref().map(|credit| credit.time));
            told.streams.extend(credit.iter().flat_map(|credit| &credit.streams));
            told.flag = told.flag.max(credit.as_ref().map(|credit| credit.flag));
            firms.push(ChemicalFirm {
                credit_grade: credit.map(|credit| libm::round(credit.value).clamp(1.0, 5.0) as u8),
                major_hazard_grade: grade(&self.place, firm),
            });
        }
        match chemical_credit(&firms, &self.model.credit) {
            Some(credit) => self.told(spec, credit, &told),
            None => IndicatorInput::Unknown,
        }
    }

    /// Own reports per 100 grids over the median of all townships that report.
    fn grid_report_ratio(&self, spec: &IndicatorSpec) -> IndicatorInput {
        let (done, of) = (Count::Total("grid_reports_confirmed", MONTH), Count::InForce("grids"));
        let own = share(&self.place, &done, &of);
        if !own.is_done_told {
            let is_none = own.is_told && own.of <= 0.0;
            return if is_none { IndicatorInput::NotApplicable } else { IndicatorInput::Unknown };
        }
        let world = self.place.world;
        let ratios = world.facts.townships.iter().filter_map(|facts| {
            let place = Place::reporting(world, facts.township.code, &of.property(), self.place.at);
            let other = share(&place, &done, &of);
            rate_percent(other.done, other.of).filter(|_| other.is_done_told)
        });
        match grid_report_ratio(own.done, own.of, median(&ratios.collect::<Vec<f64>>())) {
            Some(ratio) => self.told(spec, ratio, &own),
            None => IndicatorInput::NotApplicable,
        }
    }

    fn supply_12h_rate(&self, spec: &IndicatorSpec) -> IndicatorInput {
        let list = self.place.list(ThingKind::Shelter);
        let mut told = Share::default();
        let mut etas_h = Vec::new();
        for shelter in &list.things {
            let eta = self.place.latest(shelter, &SUPPLY_ETA);
            told.times.push(eta.as_ref().map(|eta| eta.time));
            told.streams.extend(eta.iter().flat_map(|eta| &eta.streams));
            told.flag = told.flag.max(eta.as_ref().map(|eta| eta.flag));
            etas_h.push(eta.map(|eta| eta.value));
        }
        match supply_12h_rate(&etas_h) {
            Some(rate) => self.told(spec, rate, &told),
            None if list.is_confirmed => IndicatorInput::NotApplicable,
            None => IndicatorInput::Unknown,
        }
    }

    fn drill_rate(&self, spec: &IndicatorSpec) -> IndicatorInput {
        let year =
            |done, planned| share(&self.place, &Count::Total(done, YEAR), &Count::InForce(planned));
        let drills = year("drills_done", "drills_planned");
        let trainees = year("trainees_done", "trainees_planned");
        let rate = drill_rate((drills.done, drills.of), (trainees.done, trainees.of));
        match rate {
            Some(rate) if drills.is_done_told || trainees.is_done_told => {
                let planned = [drills, trainees].into_iter().filter(|share| share.of > 0.0);
                let both = planned.fold(Share::default(), |mut both, share| {
                    both.times.extend(share.times);
                    both.streams.extend(share.streams);
                    both.flag = both.flag.max(share.flag);
                    both
                });
                self.told(spec, rate, &both)
            }
            None if drills.is_told || trainees.is_told => IndicatorInput::NotApplicable,
            _ => IndicatorInput::Unknown,
        }
    }

    /// Known while the township reports, be it that nothing happened; what an
    /// enterprise reports of itself counts, but does not speak for the township.
    fn accident_burden(&self, spec: &IndicatorSpec) -> IndicatorInput {
        let Place { world, at, .. } = self.place;
        let mut reports = Vec::new();
        let mut newest: [Option<Time>; 2] = [None, None];
        for (kind, property) in ACCIDENTS.iter().enumerate() {
            for thing in self.place.reporters(property) {
                for stream in streams_of(world, thing, property) {
                    for sample in stream.up_to(at).iter().filter(|sample| sample.is_usable()) {
                        let speaker = usize::from(thing.kind != ThingKind::TownshipOffice);
                        newest[speaker] = newest[speaker].max(Some(sample.time));
                        let of = |index| if index == kind { sample.value } else { 0.0 };
                        reports.push(AccidentReport {
                            time: sample.time,
                            deaths: of(0),
                            serious_injuries: of(1),
                            minor_injuries: of(2),
                            fires: of(3),
                        });
                    }
                }
            }
        }
        let all = &world.facts.townships;
        let is_known = all.iter().all(|facts| facts.population.is_some());
        let population = self.township.population.filter(|_| is_known);
        let burden = accident_burden(&reports, at, population, &self.model.accidents);
        known_value(spec, burden, &[newest[0].or(newest[1])], Flag::Pass, &[], at)
    }
}

/// An indicator's value, as known as its parts (docs/indices.md section 5,
/// "Confidence"): f of each part, 0 of one held or never told, and of all
/// parts the mean; aged from the newest. Unknown when no part was ever told.
pub(super) fn known_value(
    spec: &IndicatorSpec,
    value: f64,
    times: &[Option<Time>],
    flag: Flag,
    streams: &[&DatastreamId],
    at: Time,
) -> IndicatorInput {
    let Some(time) = times.iter().flatten().copied().max() else { return IndicatorInput::Unknown };
    let fresh = |time: Time| {
        let age_ms = at.millis_since(time);
        let is_known = state_at_age(age_ms, spec.period) == NodeState::Known;
        if is_known { freshness(age_ms, spec.period) } else { 0.0 }
    };
    let sum = times.iter().flatten().fold(0.0, |sum, time| sum + fresh(*time));
    let newest = fresh(time);
    // The index takes the newest part's age: credibility carries the rest.
    let others = if newest > 0.0 { sum / times.len() as f64 / newest } else { 1.0 };
    let raw = Raw {
        value,
        unit: spec.unit,
        time,
        age_s: at.millis_since(time) as f64 / 1_000.0,
        quality: flag,
        datastreams: streams.iter().take(NAMED_MAX).map(|id| (*id).clone()).collect(),
    };
    let credibility = Some(spec.credibility * others);
    IndicatorInput::Value(IndicatorValue { value, time, credibility, raw: Some(raw) })
}

//! Exposure V: who and what is still in the way (docs/indices.md 4.4).

use model::{Level, Time};

use super::items::ItemScore;
use super::model::ExposureRules;
use crate::freshness::{Aging, credibility};

/// Why people are to be moved; the channels of `people_to_evacuate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    Crew,
    Offshore,
    OutsideSeawall,
    NonstandardSeawall,
    DangerousHouse,
    Landslide,
    AtRiskSeawall,
    ReservoirFlood,
    Other,
}

impl Category {
    pub const ALL: [Category; 9] = [
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

    /// The channel of `people_to_evacuate` and `people_evacuated`.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Crew => "crew",
            Category::Offshore => "offshore",
            Category::OutsideSeawall => "outside_seawall",
            Category::NonstandardSeawall => "nonstandard_seawall",
            Category::DangerousHouse => "dangerous_house",
            Category::Landslide => "landslide",
            Category::AtRiskSeawall => "at_risk_seawall",
            Category::ReservoirFlood => "reservoir_flood",
            Category::Other => "other",
        }
    }

    pub fn parse(channel: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|category| category.as_str() == channel)
    }

    /// The demand from which these people are to be moved (docs/indices.md 4.4,
    /// A).
    pub fn tier(self) -> Level {
        match self {
            Category::Crew | Category::Offshore => Level::Blue,
            Category::OutsideSeawall => Level::Yellow,
            Category::NonstandardSeawall | Category::DangerousHouse | Category::Landslide => {
                Level::Orange
            }
            Category::AtRiskSeawall | Category::ReservoirFlood | Category::Other => Level::Red,
        }
    }
}

/// A reported number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    pub value: f64,
    pub time: Time,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeopleReport {
    pub category: Category,
    /// Register; `None` when it was never entered.
    pub to_evacuate: Option<Report>,
    /// Progress.
    pub evacuated: Option<Report>,
}

/// Where a vessel is, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VesselPlace {
    InHaven,
    /// In a haven whose rated force the forecast wind exceeds.
    InWeakHaven,
    /// At sea before its latitude's deadline.
    AtSea,
    Overdue,
    /// Offline for more than 2 h and last seen at sea.
    LostAtSea,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vessel {
    pub place: VesselPlace,
    /// Of its last position.
    pub time: Time,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Site {
    pub has_crane: bool,
    /// 1 when the work stopped.
    pub work_stopped: Option<Report>,
    /// 1 when the crane turns freely in the wind.
    pub crane_vaned: Option<Report>,
}

/// A list of things of the registry.
#[derive(Debug, Clone, PartialEq)]
pub enum Register<T> {
    NeverEntered,
    Entered(Vec<T>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExposureInputs {
    /// Empty when nothing was ever entered.
    pub people: Vec<PeopleReport>,
    pub vessels: Register<Vessel>,
    /// A recall order is in force.
    pub recall: bool,
    pub sites: Register<Site>,
    /// `vulnerable_population_share`, %.
    pub vulnerable_percent: Option<Report>,
    /// The event of the township (docs/indices.md section 5) began here;
    /// progress counts only from then on.
    pub event_since: Option<Time>,
    /// A response was declared here: progress ages faster from then on.
    pub response_since: Option<Time>,
}

/// The items of V in the model's order, at a demand: the worse of the hazard
/// level and the response level in force.
pub fn exposure_items(
    inputs: &ExposureInputs,
    demand: Level,
    rules: &ExposureRules,
    at: Time,
) -> Vec<ItemScore> {
    vec![
        people_unmoved(inputs, demand, rules, at),
        vessels_out(inputs, rules, at),
        sites_unsecured(inputs, demand, rules, at),
        static_vulnerability(inputs, rules, at),
    ]
}

/// A report of progress, if it belongs to the event.
fn in_event(inputs: &ExposureInputs, report: Option<Report>) -> Option<Report> {
    let since = inputs.event_since?;
    report.filter(|report| report.time >= since)
}

/// `people_unmoved` (docs/indices.md 4.4, A), 0..1: the largest unmoved share
/// among the tier sums from blue up to the demand, and at least
/// `0.3·min(1, n/20)` of the n people unmoved.
pub fn people_unmoved(
    inputs: &ExposureInputs,
    demand: Level,
    rules: &ExposureRules,
    at: Time,
) -> ItemScore {
    let entered: Vec<(&PeopleReport, Report)> =
        inputs.people.iter().filter_map(|report| Some((report, report.to_evacuate?))).collect();
    if entered.is_empty() {
        return ItemScore::unknown().because("register_never_entered");
    }
    if entered.iter().all(|(_, register)| register.value <= 0.0) {
        return ItemScore::not_applicable();
    }
    if demand == Level::None {
        return ItemScore::known(0.0, credibility::NO_DEMAND).because("no_demand");
    }

    let (mut to_move, mut unmoved, mut share) = (0.0, 0.0, 0.0_f64);
    let mut confidences = Vec::new();
    let mut confidence = credibility::NO_DEMAND;
    for tier in Level::COLOURED.into_iter().filter(|tier| *tier <= demand) {
        for (report, register) in
            entered.iter().filter(|(report, _)| report.category.tier() == tier)
        {
            let moved = in_event(inputs, report.evacuated).map_or(0.0, |report| report.value);
            to_move += register.value;
            unmoved += (register.value - moved).max(0.0);
            if register.value > 0.0 {
                confidences.push(people_confidence(inputs, report, *register, rules, at));
            }
        }
        if to_move > 0.0 {
            share = share.max(unmoved / to_move);
        }
        // The least on the way: a higher demand is never known better.
        confidence = mean(&confidences).map_or(confidence, |mean| mean.min(confidence));
    }
    let share = last_one(share, unmoved, rules.people_n0, rules);
    let item = ItemScore::known(share, confidence);
    if unmoved > 0.0 { item.because(format!("unmoved {unmoved:.0} of {to_move:.0}")) } else { item }
}

/// The smaller f·q of the register and of the progress.
fn people_confidence(
    inputs: &ExposureInputs,
    report: &PeopleReport,
    register: Report,
    rules: &ExposureRules,
    at: Time,
) -> f64 {
    let progress = progress_confidence(inputs, report.evacuated, rules.progress_period, rules, at);
    report_confidence(register, rules, at).min(progress)
}

/// `vessels_out` (docs/indices.md 4.4, A), 0..1: mean over the vessels of 0 in
/// haven, 0.5 in a haven too weak for the forecast or at sea before the
/// deadline, 1 after it or lost at sea; at least `0.3·min(1, n/3)` of the n
/// vessels at 1. Demand is a recall order in force.
pub fn vessels_out(inputs: &ExposureInputs, rules: &ExposureRules, at: Time) -> ItemScore {
    let vessels = match &inputs.vessels {
        Register::NeverEntered => return ItemScore::unknown().because("register_never_entered"),
        Register::Entered(vessels) if vessels.is_empty() => return ItemScore::not_applicable(),
        Register::Entered(vessels) => vessels,
    };
    if !inputs.recall {
        return ItemScore::known(0.0, credibility::NO_DEMAND).because("no_demand");
    }
    let n = vessels.len() as f64;
    let (mut sum, mut n_out, mut confidence) = (0.0, 0.0, 0.0);
    for vessel in vessels {
        let share = match vessel.place {
            VesselPlace::InHaven => 0.0,
            VesselPlace::InWeakHaven | VesselPlace::AtSea => 0.5,
            VesselPlace::Overdue | VesselPlace::LostAtSea => 1.0,
        };
        sum += share;
        n_out += if share >= 1.0 { 1.0 } else { 0.0 };
        if vessel.place != VesselPlace::LostAtSea {
            let aging = aging(vessel.time, rules.vessel_period, credibility::MEASURED);
            confidence += aging.confidence(at);
        }
    }
    let share = last_one(sum / n, n_out, rules.vessels_n0, rules);
    let item = ItemScore::known(share, confidence / n);
    if n_out > 0.0 { item.because(format!("out {n_out:.0} of {n:.0}")) } else { item }
}

/// `sites_unsecured` (docs/indices.md 4.4, A), 0..1: mean over the sites of 0
/// when work stopped and cranes are vaned, 0.5 for one of both, 1 for neither;
/// without a crane only the work counts. Demand from yellow on.
pub fn sites_unsecured(
    inputs: &ExposureInputs,
    demand: Level,
    rules: &ExposureRules,
    at: Time,
) -> ItemScore {
    let sites = match &inputs.sites {
        Register::NeverEntered => return ItemScore::unknown().because("register_never_entered"),
        Register::Entered(sites) if sites.is_empty() => return ItemScore::not_applicable(),
        Register::Entered(sites) => sites,
    };
    if demand < Level::Yellow {
        return ItemScore::known(0.0, credibility::NO_DEMAND).because("no_demand");
    }
    let n = sites.len() as f64;
    let period = rules.site_progress_period;
    let is_done = |report| in_event(inputs, report).is_some_and(|report| report.value >= 1.0);
    let (mut sum, mut confidence) = (0.0, 0.0);
    for site in sites {
        let work = progress_confidence(inputs, site.work_stopped, period, rules, at);
        let open_work = if is_done(site.work_stopped) { 0.0 } else { 1.0 };
        if site.has_crane {
            let open_crane = if is_done(site.crane_vaned) { 0.0 } else { 1.0 };
            sum += (open_work + open_crane) / 2.0;
            confidence +=
                work.min(progress_confidence(inputs, site.crane_vaned, period, rules, at));
        } else {
            sum += open_work;
            confidence += work;
        }
    }
    ItemScore::known(sum / n, confidence / n)
}

/// `static_vulnerability` (docs/indices.md 4.4, A), 0..1: the share of people
/// in dangerous or low-lying housing; 0.30 with q 0.3 when not configured.
pub fn static_vulnerability(inputs: &ExposureInputs, rules: &ExposureRules, at: Time) -> ItemScore {
    match inputs.vulnerable_percent {
        Some(report) => {
            let aging = aging(report.time, rules.register_period, rules.report_credibility);
            ItemScore::of(Some(report.value / 100.0), aging.state(at), aging.confidence(at))
        }
        None => {
            ItemScore::known(rules.vulnerable_default, rules.default_credibility).because("default")
        }
    }
}

/// The last boat (docs/indices.md 4.4, A): `max(share, 0.3·min(1, n/n₀))`.
fn last_one(share: f64, n: f64, n0: f64, rules: &ExposureRules) -> f64 {
    share.max(rules.last_share * (n / n0).min(1.0))
}

fn report_confidence(report: Report, rules: &ExposureRules, at: Time) -> f64 {
    aging(report.time, rules.register_period, rules.report_credibility).confidence(at)
}

/// f·q of progress: 0 when nothing was reported in the event.
fn progress_confidence(
    inputs: &ExposureInputs,
    report: Option<Report>,
    short: std::time::Duration,
    rules: &ExposureRules,
    at: Time,
) -> f64 {
    let Some(report) = in_event(inputs, report) else { return 0.0 };
    let since_change = inputs.response_since.map(|since| (since, short));
    let long = aging(report.time, rules.register_period, rules.report_credibility);
    Aging { since_change, ..long }.confidence(at)
}

fn aging(time: Time, period: std::time::Duration, credibility: f64) -> Aging {
    Aging { time, period, credibility, since_change: None }
}

fn mean(values: &[f64]) -> Option<f64> {
    let sum = values.iter().fold(0.0, |sum, value| sum + value);
    (!values.is_empty()).then(|| sum / values.len() as f64)
}

/// The people of one category, as they count in `people_unmoved`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeopleCount {
    pub category: Category,
    pub is_in_demand: bool,
    pub to_move: f64,
    /// Reported within the event.
    pub moved: f64,
    pub left: f64,
}

/// The categories of which a register or progress was ever reported.
pub fn people_counts(
    inputs: &ExposureInputs,
    demand: Level,
) -> impl Iterator<Item = PeopleCount> + '_ {
    inputs.people.iter().map(move |report| {
        let moved = in_event(inputs, report.evacuated).map_or(0.0, |report| report.value);
        let to_move = report.to_evacuate.map_or(0.0, |register| register.value);
        PeopleCount {
            category: report.category,
            is_in_demand: report.category.tier() <= demand,
            to_move,
            moved,
            left: (to_move - moved).max(0.0),
        }
    })
}

/// All people still unmoved at a demand, for the order of attention.
pub fn n_unmoved(inputs: &ExposureInputs, demand: Level) -> f64 {
    let concerned = people_counts(inputs, demand).filter(|count| count.is_in_demand);
    concerned.fold(0.0, |sum, count| sum + count.left)
}

/// Is the work of a site stopped, as `sites_unsecured` takes it?
pub fn is_site_stopped(inputs: &ExposureInputs, site: &Site) -> bool {
    in_event(inputs, site.work_stopped).is_some_and(|report| report.value >= 1.0)
}

/// Freshness of the oldest report that counts, for the order of attention.
pub fn oldest_report(inputs: &ExposureInputs) -> Option<Time> {
    inputs
        .people
        .iter()
        .filter_map(|report| in_event(inputs, report.evacuated))
        .map(|r| r.time)
        .min()
}

#[cfg(test)]
mod tests;

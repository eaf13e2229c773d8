//! The county's situation: how many people, vessels, places and sites are still
//! open, in absolute numbers. Each number is the one that an item of exposure
//! or of the capability gap was computed from (docs/indices.md 4.4, 4.5).

use model::{Level, LocalizedName, ThingId, Time};

use crate::flood_typhoon::exposure::PeopleCount;
use crate::record::Feature;

/// Vessels that are named at most, of a township and of the county.
pub const NAMED_MAX: usize = 50;

#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    pub at: Time,
    pub county: Row,
    /// The most urgent first: by displayed level, then by attention.
    pub townships: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub feature: Feature,
    /// 研判等级; `None` is grey.
    pub level: Option<Level>,
    pub displayed_level: Level,
    /// 1 first; `None` of the county.
    pub attention: Option<u32>,
    pub counts: Counts,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counts {
    pub people: People,
    pub vessels: Vessels,
    pub shelters: Shelters,
    pub sites: Sites,
    pub power: Power,
    pub reports: Reports,
    /// Ids of groups and items that are held or were never known.
    pub unknown: Vec<String>,
}

/// What is to move, moved and left counts the categories in demand.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct People {
    /// Whether any register was ever entered.
    pub is_entered: bool,
    pub to_move: f64,
    pub moved: f64,
    pub left: f64,
    pub categories: Vec<PeopleCount>,
    /// The oldest progress that counts.
    pub reported: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vessels {
    /// Whether the list was ever entered or confirmed.
    pub is_entered: bool,
    pub total: u32,
    pub in_haven: u32,
    pub at_sea: u32,
    /// `None` while a storm is active whose radii nobody told.
    pub at_sea_force7: Option<u32>,
    /// At sea or never seen, and nowhere known.
    pub silent: u32,
    /// At sea after the deadline of its latitude, and not silent.
    pub overdue: u32,
    /// Past their deadline and last seen within the circle of force 7 winds,
    /// at most [`NAMED_MAX`].
    pub named_overdue: Vec<NamedVessel>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NamedVessel {
    pub thing: ThingId,
    pub name: LocalizedName,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shelters {
    pub total: u32,
    pub usable: u32,
    /// Of the usable ones.
    pub places: f64,
    /// `None` while no shelter told it.
    pub people: Option<f64>,
    /// The oldest status that counts.
    pub reported: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sites {
    pub is_entered: bool,
    pub total: u32,
    pub stopped: u32,
}

impl Sites {
    pub fn not_stopped(&self) -> u32 {
        self.total - self.stopped
    }
}

/// Shelters and offices that have a sensor of power.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Power {
    pub things: u32,
    pub mains_lost: u32,
    /// Of those without mains.
    pub backup_short: u32,
    pub silent: u32,
    /// What `power_comms_gap` counts.
    pub dark: u32,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reports {
    /// The newest report of anybody.
    pub last: Option<Time>,
    /// 未续报: offices that owe a newer report.
    pub late_offices: Vec<ThingId>,
}

/// What changed since an earlier situation; `None` where one of both is not
/// known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Change {
    pub people_left: Option<f64>,
    pub vessels_at_sea: Option<i64>,
    pub shelter_people: Option<f64>,
    pub sites_not_stopped: Option<i64>,
    pub mains_lost: Option<i64>,
}

impl Counts {
    pub fn change_since(&self, before: &Counts) -> Change {
        let count = |now: u32, then: u32, is_known: bool| {
            is_known.then(|| i64::from(now) - i64::from(then))
        };
        let is_people_known = self.people.is_entered && before.people.is_entered;
        let is_vessels_known = self.vessels.is_entered && before.vessels.is_entered;
        let is_sites_known = self.sites.is_entered && before.sites.is_entered;
        Change {
            people_left: is_people_known.then_some(self.people.left - before.people.left),
            vessels_at_sea: count(self.vessels.at_sea, before.vessels.at_sea, is_vessels_known),
            shelter_people: self.shelters.people.zip(before.shelters.people).map(|(a, b)| a - b),
            sites_not_stopped: count(
                self.sites.not_stopped(),
                before.sites.not_stopped(),
                is_sites_known,
            ),
            mains_lost: count(self.power.mains_lost, before.power.mains_lost, true),
        }
    }
}

/// The county's numbers: the sums of its townships'.
pub fn sum<'a>(townships: impl Iterator<Item = &'a Counts>) -> Counts {
    let mut sum = Counts::default();
    sum.vessels.at_sea_force7 = Some(0);
    for counts in townships {
        add_people(&mut sum.people, &counts.people);
        add_vessels(&mut sum.vessels, &counts.vessels);
        let (held, found) = (&mut sum.shelters, &counts.shelters);
        held.total += found.total;
        held.usable += found.usable;
        held.places += found.places;
        held.people = match (held.people, found.people) {
            (Some(held), Some(found)) => Some(held + found),
            (held, found) => held.or(found),
        };
        held.reported = held.reported.into_iter().chain(found.reported).min();
        sum.sites.is_entered |= counts.sites.is_entered;
        sum.sites.total += counts.sites.total;
        sum.sites.stopped += counts.sites.stopped;
        sum.power.things += counts.power.things;
        sum.power.mains_lost += counts.power.mains_lost;
        sum.power.backup_short += counts.power.backup_short;
        sum.power.silent += counts.power.silent;
        sum.power.dark += counts.power.dark;
        sum.reports.last = sum.reports.last.max(counts.reports.last);
        sum.reports.late_offices.extend(counts.reports.late_offices.iter().cloned());
        sum.unknown.extend(counts.unknown.iter().cloned());
    }
    sum.people.categories.sort_by_key(|count| count.category);
    sum.unknown.sort();
    sum.unknown.dedup();
    sum
}

fn add_people(sum: &mut People, found: &People) {
    sum.is_entered |= found.is_entered;
    sum.to_move += found.to_move;
    sum.moved += found.moved;
    sum.left += found.left;
    sum.reported = sum.reported.into_iter().chain(found.reported).min();
    for count in &found.categories {
        match sum.categories.iter_mut().find(|held| held.category == count.category) {
            Some(held) => {
                held.is_in_demand |= count.is_in_demand;
                held.to_move += count.to_move;
                held.moved += count.moved;
                held.left += count.left;
            }
            None => sum.categories.push(*count),
        }
    }
}

fn add_vessels(sum: &mut Vessels, found: &Vessels) {
    sum.is_entered |= found.is_entered;
    sum.total += found.total;
    sum.in_haven += found.in_haven;
    sum.at_sea += found.at_sea;
    sum.at_sea_force7 = sum.at_sea_force7.zip(found.at_sea_force7).map(|(a, b)| a + b);
    sum.silent += found.silent;
    sum.overdue += found.overdue;
    let left = NAMED_MAX.saturating_sub(sum.named_overdue.len());
    sum.named_overdue.extend(found.named_overdue.iter().take(left).cloned());
}

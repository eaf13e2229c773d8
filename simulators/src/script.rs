//! A scenario that is given: weather from outside, and a plan of what people
//! and vessels do about it.
//!
//! Whoever makes a [`Script`] knows the storm; the models here only ask. All
//! of it is a pure function of place and time, so that a run can stop and go
//! on anywhere.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use model::{Channel, Position, Time, TownshipCode};

use crate::noise::Noise;

/// The weather at one place and time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Air {
    /// Two-minute mean, m/s, before what stands around a gauge.
    pub wind_mps: f64,
    pub gust_mps: f64,
    pub wind_from_deg: f64,
    pub pressure_hpa: f64,
    pub rain_mm_per_h: f64,
    /// Water above its calm level, 0 to 1: in streets, rivers, reservoirs.
    pub street: f64,
    pub river: f64,
    pub reservoir: f64,
    /// On top of the tide, m.
    pub surge_m: f64,
}

/// Answers for every place and time, also before and after the scenario.
pub trait WeatherSource: Debug + Send + Sync {
    fn air(&self, place: Position, at: Time) -> Air;

    /// Rain of `(since, until]`, mm.
    fn rain_mm(&self, place: Position, since: Time, until: Time) -> f64;
}

/// The time in which each of many does something at a moment of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: Time,
    pub until: Time,
}

impl Span {
    /// The moment at a share of the span, to the minute.
    fn at(self, share: f64) -> Time {
        #[expect(clippy::cast_possible_truncation, reason = "a share of some days")]
        let ms = (self.until.millis_since(self.from) as f64 * share) as i64;
        Time::from_millis_clamped(self.from.millis() + ms).floor_to(Duration::from_secs(60))
    }

    /// The moment of whoever draws this number.
    pub(crate) fn of(self, own: Noise, n: i64) -> Time {
        self.at(own.unit(n))
    }
}

/// Where vessels shelter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HavenPlace {
    pub position: Position,
    pub radius_m: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct VesselPlan {
    pub turn_back: Span,
    pub leave: Span,
    pub havens: Vec<HavenPlace>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SitePlan {
    pub stop: Span,
    pub resume: Span,
    /// Cranes lift below this wind at their top only.
    pub lift_below_mps: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShelterPlan {
    pub open: Span,
    pub close: Span,
    /// Share of the places that are taken when everybody is moved.
    pub filled: (f64, f64),
}

/// Mains power lost by a share of the places of a township.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLoss {
    pub township: TownshipCode,
    pub lost: Span,
    pub restored: Span,
    pub share: f64,
}

/// Who is to be moved, and how far that is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evacuation {
    pub to_move: BTreeMap<TownshipCode, BTreeMap<Channel, u32>>,
    /// Shares moved, 0 to 1, in order of time; straight lines between.
    pub progress: Vec<(Time, BTreeMap<Channel, f64>)>,
}

impl Evacuation {
    pub fn people(&self, township: TownshipCode, category: &Channel) -> u32 {
        let categories = self.to_move.get(&township);
        categories.and_then(|found| found.get(category)).copied().unwrap_or(0)
    }

    /// Share of a category that is moved at `at`.
    pub fn share(&self, category: &Channel, at: Time) -> f64 {
        let known = |(_, shares): &(Time, BTreeMap<Channel, f64>)| {
            shares.get(category).copied().unwrap_or(0.0)
        };
        let after = self.progress.partition_point(|(time, _)| *time <= at);
        let Some(next) = self.progress.get(after) else {
            return self.progress.last().map_or(0.0, known);
        };
        let Some(last) = after.checked_sub(1).map(|before| &self.progress[before]) else {
            return known(next);
        };
        let passed = at.millis_since(last.0) as f64 / next.0.millis_since(last.0) as f64;
        known(last) + (known(next) - known(last)) * passed
    }

    pub fn moved(&self, township: TownshipCode, category: &Channel, at: Time) -> u32 {
        let moved = f64::from(self.people(township, category)) * self.share(category, at);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a u32"
        )]
        let moved = moved as u32;
        moved
    }

    /// Share of all people of a township who left their homes and are ashore:
    /// crews stay with friends or on board in haven.
    pub(crate) fn share_housed(&self, township: TownshipCode, at: Time) -> f64 {
        let Some(categories) = self.to_move.get(&township) else { return 0.0 };
        let housed = categories.keys().filter(|category| category.as_str() != "crew");
        let (mut people, mut moved) = (0, 0);
        for category in housed {
            people += self.people(township, category);
            moved += self.moved(township, category, at);
        }
        if people == 0 { 0.0 } else { f64::from(moved) / f64::from(people) }
    }
}

/// Everything that a scenario gives to the devices.
#[derive(Debug)]
pub struct Script {
    pub begin: Time,
    pub weather: Box<dyn WeatherSource>,
    /// What share of the wind gauges measure, each its own.
    pub exposure: (f64, f64),
    pub vessels: VesselPlan,
    pub sites: SitePlan,
    pub shelters: ShelterPlan,
    pub power: Vec<PowerLoss>,
    pub evacuation: Evacuation,
}

impl Script {
    /// Since when this place is without mains power.
    pub(crate) fn power_lost_since(
        &self,
        township: Option<TownshipCode>,
        own: Noise,
        at: Time,
    ) -> Option<Time> {
        let own = own.named("mains");
        let losses = self.power.iter().filter(|loss| Some(loss.township) == township);
        losses
            .filter(|loss| own.unit(0) < loss.share)
            .map(|loss| (loss.lost.of(own, 1), loss.restored.of(own, 2)))
            .find(|(lost, restored)| (*lost..*restored).contains(&at))
            .map(|(lost, _)| lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(n: i64) -> Time {
        Time::from_millis_clamped(n * 3_600_000)
    }

    #[test]
    fn people_move_on_straight_lines_and_come_home() {
        let township = TownshipCode::parse("330225101").unwrap();
        let crew = Channel::parse("crew").unwrap();
        let shares = |share| BTreeMap::from([(crew.clone(), share)]);
        let evacuation = Evacuation {
            to_move: BTreeMap::from([(township, BTreeMap::from([(crew.clone(), 1001)]))]),
            progress: vec![(hour(1), shares(0.0)), (hour(3), shares(1.0)), (hour(5), shares(0.2))],
        };
        let moved: Vec<u32> = (0..7).map(|n| evacuation.moved(township, &crew, hour(n))).collect();
        assert_eq!(moved, [0, 0, 500, 1001, 600, 200, 200]);
    }

    #[test]
    fn each_has_a_moment_of_its_own_within_the_span() {
        let span = Span { from: hour(1), until: hour(2) };
        let moments: Vec<Time> = (0..50).map(|n| span.of(Noise::new(1, "x"), n)).collect();
        assert!(moments.iter().all(|moment| (hour(1)..hour(2)).contains(moment)));
        assert!(moments.iter().collect::<std::collections::BTreeSet<_>>().len() > 25);
    }
}

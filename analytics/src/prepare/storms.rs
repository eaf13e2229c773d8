//! The tracks of the storms that are known, and what they mean at a place: the
//! wind now, the outlook ladder, the highest wind still to come
//! (docs/indices.md 2.3, 4.2, 4.3).
//!
//! A track is what an agency observed in all its bulletins, and then what its
//! newest forecast says. Agencies stand side by side and the worst one speaks.
//! The winds of the hourly grid are computed once, when the tracks are made,
//! for the seats and havens of the county.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::{Bulletin, Level, Position, StormFix, Time};

use crate::flood_typhoon::FloodModel;
use crate::flood_typhoon::sources::{ModelWind, OutlookInput};
use crate::physics::geo::haversine_km;
use crate::physics::local_wind::local_wind;
use crate::physics::outlook::{is_active, outlook};
use crate::physics::track::{Fix, Track};
use crate::world::{ActiveStorm, Documents, Facts};

const HOUR_MS: i64 = 3_600_000;

/// Hours of forecast that are looked at, whatever a bulletin claims to cover.
const HOURS_MAX: i64 = 30 * 24;

/// Where a centre's pressure is credible, hPa; what a track takes.
const PRESSURE_HPA: std::ops::RangeInclusive<f64> = 850.0..=1050.0;

/// What a track takes as intensity factor.
const FACTOR: std::ops::RangeInclusive<f64> = 0.1..=5.0;

/// All storms of which something was known at one instant. Good for that
/// instant and later ones, until the documents change or a further bulletin's
/// issue time passes.
#[derive(Debug, Clone, Default)]
pub struct StormTracks {
    tracks: Vec<StormTrack>,
}

/// One storm as one agency has it.
#[derive(Debug, Clone)]
struct StormTrack {
    track: Track,
    /// An operator or the agency ended it.
    ended: Option<Time>,
    /// Time of the newest observed fix.
    fix_time: Time,
    /// Issue time of the newest forecast.
    forecast_issued: Time,
    /// Fixes with their largest radius of force 7, in order of time.
    force7: Vec<(Time, f64)>,
    /// The first hour of `winds`, on the grid that starts at the first fix.
    grid_first: Time,
    /// The last hour of the grid; what is said there holds after it.
    grid_last: Time,
    /// The winds from `grid_first` to `grid_last` at the places asked most.
    winds: Vec<(Position, Vec<f64>)>,
}

impl StormTracks {
    /// The storms that may still matter at `at` or later.
    pub fn of(documents: &Documents, facts: &Facts, at: Time) -> StormTracks {
        let seats = facts.townships.iter().map(|facts| facts.township.seat);
        let havens = facts.havens.iter().map(|haven| haven.position);
        let places: Vec<Position> = seats.chain(havens).collect();
        let storms = documents.storms(at);
        let tracks = storms.iter().filter_map(|storm| StormTrack::of(storm, &places, at));
        StormTracks { tracks: tracks.collect() }
    }

    fn active(&self, at: Time) -> impl Iterator<Item = &StormTrack> {
        self.tracks.iter().filter(move |storm| is_active(&storm.track, storm.ended, at))
    }

    /// The local wind model's wind, the strongest of the active storms; `None`
    /// while none is active.
    pub fn winds_at(&self, position: Position, at: Time) -> Option<ModelWind> {
        let winds = self.active(at).map(|storm| ModelWind {
            wind_mps: local_wind(&storm.track, position, at).wind_mps,
            fix_time: storm.fix_time,
        });
        winds.reduce(|best, wind| {
            let order = wind.wind_mps.total_cmp(&best.wind_mps);
            if order.then(wind.fix_time.cmp(&best.fix_time)).is_gt() { wind } else { best }
        })
    }

    /// The worst level of the ladder over the active storms, with the issue
    /// time of the newest forecast that says so.
    pub fn outlook(&self, position: Position, model: &FloodModel, at: Time) -> OutlookInput {
        let levels = self.active(at).map(|storm| {
            let winds = storm.winds(position);
            let time = at.min(storm.grid_last);
            let found = outlook(&winds, storm.grid_first, time, &model.ladder);
            (found.level, storm.forecast_issued)
        });
        match levels.max() {
            Some((level, issued)) => OutlookInput { level, issued: Some(issued) },
            None => OutlookInput { level: Level::None, issued: None },
        }
    }

    /// The highest wind of the rest of the forecast, m/s, over the active
    /// storms; `None` while none is active.
    pub fn wind_forecast_max(&self, position: Position, at: Time) -> Option<f64> {
        let highest = self.active(at).map(|storm| {
            let winds = storm.winds(position);
            let past_ms = at.min(storm.grid_last).millis_since(storm.grid_first);
            let n_past = usize::try_from((past_ms + HOUR_MS - 1).div_euclid(HOUR_MS)).unwrap_or(0);
            winds.iter().skip(n_past).fold(0.0_f64, |best, wind| best.max(*wind))
        });
        highest.reduce(f64::max)
    }

    /// Is the position inside the circle of force 7 winds of an active storm?
    /// `None` when no active storm tells its radii.
    pub fn is_inside_force7(&self, position: Position, at: Time) -> Option<bool> {
        let inside = self.active(at).filter_map(|storm| {
            let radius_km = storm.force7_km(at)?;
            Some(haversine_km(storm.track.at(at).position, position) <= radius_km)
        });
        inside.reduce(|any, one| any || one)
    }
}

impl StormTrack {
    /// `None` without a usable fix, and once the storm is over.
    fn of(storm: &ActiveStorm<'_>, places: &[Position], at: Time) -> Option<StormTrack> {
        let newest = storm.bulletins.last()?;
        let (fixes, n_observed) = merge(storm);
        let factor = storm.storm.intensity_factor;
        let factor = if FACTOR.contains(&factor) { factor } else { 1.0 };
        let as_fix = |fix: &StormFix| Fix {
            time: fix.time,
            centre: fix.position,
            pressure_hpa: fix.pressure_hpa,
        };
        let track = Track::new(fixes.iter().map(as_fix).collect(), factor).ok()?;
        let ended_by_agency = newest.is_final.then_some(newest.issued);
        let ended = [storm.storm.ended, ended_by_agency].into_iter().flatten().min();
        if !is_active(&track, ended, at.max(track.first_time())) {
            return None;
        }

        let first = track.first_time();
        let n_hours = track.last_time().millis_since(first).div_euclid(HOUR_MS);
        let n_past = (at.millis_since(first) + HOUR_MS - 1).div_euclid(HOUR_MS).clamp(0, n_hours);
        let hour = |n: i64| Time::from_millis_clamped(first.millis() + n * HOUR_MS);
        let mut made = StormTrack {
            ended,
            fix_time: n_observed.checked_sub(1).map_or(newest.issued, |last| fixes[last].time),
            forecast_issued: newest_forecast(storm).unwrap_or(newest).issued,
            force7: fixes.iter().filter_map(|fix| Some((fix.time, fix.force7_km?))).collect(),
            grid_first: hour(n_past),
            grid_last: hour(n_hours.min(n_past + HOURS_MAX)),
            winds: Vec::new(),
            track,
        };
        made.winds = places.iter().map(|place| (*place, made.compute_winds(*place))).collect();
        Some(made)
    }

    fn winds(&self, position: Position) -> Cow<'_, [f64]> {
        match self.winds.iter().find(|(place, _)| *place == position) {
            Some((_, winds)) => Cow::Borrowed(winds),
            None => Cow::Owned(self.compute_winds(position)),
        }
    }

    fn compute_winds(&self, position: Position) -> Vec<f64> {
        let n_hours = self.grid_last.millis_since(self.grid_first) / HOUR_MS;
        let hour = |n| Time::from_millis_clamped(self.grid_first.millis() + n * HOUR_MS);
        (0..=n_hours).map(|n| local_wind(&self.track, position, hour(n)).wind_mps).collect()
    }

    /// The radius told last at `at`; before the first one told, that one.
    fn force7_km(&self, at: Time) -> Option<f64> {
        let n_before = self.force7.partition_point(|(time, _)| *time <= at);
        let (_, radius_km) = self.force7.get(n_before.saturating_sub(1))?;
        Some(*radius_km)
    }
}

/// The newest bulletin that forecasts: one of positions alone leaves the
/// forecast before it in force.
fn newest_forecast<'a>(storm: &ActiveStorm<'a>) -> Option<&'a Bulletin> {
    storm.bulletins.iter().rev().find(|bulletin| !bulletin.forecast.is_empty()).copied()
}

/// The fixes of a storm in order of time, and how many of them were observed:
/// of a time observed twice the newest issue counts, and the newest forecast
/// goes on from the last of them.
fn merge(storm: &ActiveStorm<'_>) -> (Vec<StormFix>, usize) {
    let is_usable = |fix: &&StormFix| PRESSURE_HPA.contains(&fix.pressure_hpa);
    let mut observed = BTreeMap::new();
    for bulletin in &storm.bulletins {
        for fix in bulletin.observed.iter().filter(is_usable) {
            observed.insert(fix.time, *fix);
        }
    }
    let last = observed.last_key_value().map(|(time, _)| *time);
    let forecast = newest_forecast(storm).into_iter().flat_map(|bulletin| &bulletin.forecast);
    let forecast = forecast.filter(is_usable).filter(|fix| last.is_none_or(|last| last < fix.time));
    let forecast: BTreeMap<Time, StormFix> = forecast.map(|fix| (fix.time, *fix)).collect();
    let n_observed = observed.len();
    (observed.into_values().chain(forecast.into_values()).collect(), n_observed)
}

#[cfg(test)]
mod tests;

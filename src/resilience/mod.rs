//! Sensors that die or lie during the typhoon (docs/indices.md 4.2, 4.6): the
//! evaluation alone, readings in memory, a tick each ten minutes, against the
//! undisturbed run.
//!
//! A few of the runs belong to the tests; with the feature `soak` (`make
//! soak`) all of them are made.

mod lies;
mod storm;

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use model::{Level, ThingId, TownshipCode};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use self::lies::Lie;
use self::storm::{Disturbance, Run, Storm};

/// Instants from which stations are disturbed: each six hours of the storm.
const N_INSTANTS: usize = 18;

/// Sets of stations that die together.
const N_SETS: usize = if cfg!(feature = "soak") { 200 } else { 15 };

/// Single stations that die; all of them at all instants when soaking.
const N_SINGLES: usize = if cfg!(feature = "soak") { usize::MAX } else { 15 };

/// Stations that lie, of each kind of lie.
const N_LIARS: usize = if cfg!(feature = "soak") { 60 } else { 2 };

const SET_SHARE: f64 = 0.30;

static STORM: LazyLock<Storm> = LazyLock::new(|| Storm::new(N_INSTANTS));

/// No hazard level more than one below that of the undisturbed run, none below
/// the official floor.
fn check_dead(storm: &Storm, dead: &BTreeSet<ThingId>, instant: usize) {
    let seen = storm.run(&Disturbance::Dead(dead), instant);
    for (key @ (time, township), found) in &seen {
        let truth = &storm.undisturbed[key];
        let floor = (truth.hazard as u8).saturating_sub(1).max(truth.official as u8);
        assert!(
            floor <= found.hazard as u8,
            "{time} {township}: {:?} instead of {:?} (official {:?}), dead from {} on: {dead:?}",
            found.hazard,
            truth.hazard,
            truth.official,
            storm.instant(instant),
        );
    }
}

#[test]
fn dead_stations_hide_no_danger() {
    let storm = &*STORM;
    let mut random = StdRng::seed_from_u64(20_120_806);

    let mut singles: Vec<(usize, &ThingId)> = (0..N_INSTANTS)
        .flat_map(|instant| storm.stations.iter().map(move |station| (instant, station)))
        .collect();
    if !cfg!(feature = "soak") {
        singles.shuffle(&mut random);
    }
    for (instant, station) in singles.into_iter().take(N_SINGLES) {
        check_dead(storm, &BTreeSet::from([station.clone()]), instant);
    }

    let n = (storm.stations.len() as f64 * SET_SHARE).round() as usize;
    for _ in 0..N_SETS {
        let dead: BTreeSet<ThingId> = storm.stations.sample(&mut random, n).cloned().collect();
        check_dead(storm, &dead, random.random_range(0..N_INSTANTS));
    }
}

/// What a run with liars is held against.
struct Bounds<'a> {
    truth: &'a Run,
    /// The run in which the liars say nothing.
    without: &'a dyn Fn() -> Run,
    /// Townships that have a station near the liars.
    near: BTreeSet<TownshipCode>,
}

/// No red that one station alone causes goes without its mark, and no red is
/// hidden that the others show. A station is alone when without it the level
/// is at least two below and nobody within reach measures within one level of
/// it (docs/indices.md 4.6): while no township near the liars is truly at
/// orange.
fn check_lies(found: &Run, bounds: &Bounds<'_>, what: &str) {
    let without = LazyCell::new(bounds.without);
    for (key @ (time, township), found) in found {
        let truly = bounds.truth[key].hazard;
        let is_calm = |code| bounds.truth[&(*time, code)].hazard < Level::Orange;
        let is_alone = found.hazard == Level::Red
            && truly < Level::Orange
            && bounds.near.iter().copied().all(is_calm);
        assert!(
            !is_alone || found.unverified,
            "{time} {township}: red without a mark, truly {truly:?}: {what}"
        );
        assert!(
            truly < Level::Red || found.hazard == Level::Red || without[key].hazard < Level::Red,
            "{time} {township}: {:?} hides a red: {what}",
            found.hazard
        );
    }
}

#[test]
fn lying_stations_neither_cry_wolf_nor_hide_it() {
    let storm = &*STORM;
    let mut random = StdRng::seed_from_u64(20_120_807);
    for lie in Lie::ALL {
        for n in 0..N_LIARS {
            let liar = &storm.stations[(n * 7 + random.random_range(0..7)) % storm.stations.len()];
            let other = storm.stations.choose(&mut random).expect("there are stations");
            let instant = random.random_range(0..N_INSTANTS);
            let begins = storm.instant(instant);
            let disturbance = Disturbance::Lie { lie, liar, other, begins };
            let seen = storm.run(&disturbance, instant);
            let what = format!("{lie:?} of {liar} (and {other}) from {begins} on");

            let mut liars = BTreeSet::from([liar.clone()]);
            if lie == Lie::SwappedIds {
                liars.insert(other.clone());
            }
            let bounds = Bounds {
                truth: &storm.undisturbed,
                without: &|| storm.run(&Disturbance::Dead(&liars), instant),
                near: storm.townships_near(&liars),
            };
            check_lies(&seen, &bounds, &what);
        }
    }
}

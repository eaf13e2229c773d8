//! A vessel through a script: trips, the way back to a haven, a stay there,
//! and trips from there.

use model::Time;

use super::KNOT_MPS;
use super::route::{Line, Place, Port, Route, metres, offset_m};
use crate::noise::{Noise, seconds};
use crate::script::VesselPlan;

/// Of a haven's radius: how far from its middle vessels anchor.
const ANCHORED_WITHIN: f64 = 0.6;

const METRES_PER_DEGREE_NORTH: f64 = 111_195.0;

pub(super) struct Voyage {
    trips: Route,
    turn_back: Time,
    way_back: Line,
    speed_mps: f64,
    leave: Time,
    later: Route,
}

impl Voyage {
    pub(super) fn new(own: Noise, home: Place, plan: &VesselPlan) -> Voyage {
        let trips = Route::from_home(own, home);
        let turn_back = plan.turn_back.of(own, 54);
        let port = Port::nearest(home);
        let haven = Haven::of(own, home, port, plan);
        let way_back = way_back(&trips, turn_back, port, &haven);
        let ground = port.ground(own);
        let out = port.to_haven.iter().rev().copied().chain([ground]);
        let leave = plan.leave.of(own, 55);
        Voyage {
            turn_back,
            way_back,
            speed_mps: own.between(56, 9.0, 10.5) * KNOT_MPS,
            leave,
            later: Route::beginning(own, Line::new(haven.berth, out), leave),
            trips,
        }
    }

    pub(super) fn at(&self, at: Time) -> Place {
        if at < self.turn_back {
            return self.trips.at_trip(at, 1.0);
        }
        if self.leave <= at {
            return self.later.at_trip(at, 1.0);
        }
        let sailed_m = (seconds(at) - seconds(self.turn_back)) * self.speed_mps;
        self.way_back.along(sailed_m)
    }
}

struct Haven {
    berth: Place,
    /// The vessel lives there.
    is_home: bool,
}

impl Haven {
    /// The haven at the end of the port's way to it; who lives in one stays.
    fn of(own: Noise, home: Place, port: &Port, plan: &VesselPlan) -> Haven {
        let at_home = Haven { berth: home, is_home: true };
        let place = |haven: &crate::script::HavenPlace| {
            (haven.position.longitude(), haven.position.latitude())
        };
        if plan.havens.iter().any(|haven| metres(place(haven), home) < haven.radius_m * 0.95) {
            return at_home;
        }
        let approach = port.to_haven.last().copied().unwrap_or(home);
        let nearest = plan
            .havens
            .iter()
            .min_by(|a, b| metres(place(a), approach).total_cmp(&metres(place(b), approach)));
        let Some(haven) = nearest else { return at_home };
        let middle = place(haven);
        let angle = own.between(57, 0.0, std::f64::consts::TAU);
        let away_m = haven.radius_m * ANCHORED_WITHIN * libm::sqrt(own.unit(58));
        let (east_per_degree, _) = offset_m(middle, (middle.0 + 1.0, middle.1));
        let berth = (
            middle.0 + away_m * libm::sin(angle) / east_per_degree,
            middle.1 + away_m * libm::cos(angle) / METRES_PER_DEGREE_NORTH,
        );
        Haven { berth, is_home: false }
    }
}

/// From where the vessel is when it turns back to its berth: home along its
/// own way where that leads to the haven, else over the sea.
fn way_back(trips: &Route, turn_back: Time, port: &Port, haven: &Haven) -> Line {
    let here = trips.at_trip(turn_back, 1.0);
    let (way_m, _) = trips.way(turn_back);
    let (passed, ahead) = trips.line.split(way_m);
    // The last point is the fishing ground, the one before it the open sea.
    let is_at_sea = ahead.len() <= 1;
    let inner_way = if haven.is_home { Some(&[][..]) } else { port.inner_way };
    let end = [haven.berth];
    match inner_way {
        Some(inner) if haven.is_home || !is_at_sea => {
            Line::new(here, passed.into_iter().rev().chain(inner.iter().copied()).chain(end))
        }
        _ => {
            let still_inside = ahead.len().saturating_sub(1);
            let out = ahead.into_iter().take(still_inside);
            Line::new(here, out.chain(port.to_haven.iter().copied()).chain(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Position;

    use super::*;
    use crate::script::{HavenPlace, Span};

    const SHIPU: Place = (121.945, 29.202);

    fn hour(n: i64) -> Time {
        Time::from_millis_clamped(1_344_182_400_000 + n * 3_600_000)
    }

    fn plan() -> VesselPlan {
        let haven = |lon, lat, radius_m| HavenPlace {
            position: Position::new(lon, lat).unwrap(),
            radius_m,
        };
        VesselPlan {
            turn_back: Span { from: hour(0), until: hour(9) },
            leave: Span { from: hour(102), until: hour(107) },
            havens: vec![haven(SHIPU.0, SHIPU.1, 3000.0), haven(121.777, 29.290, 2500.0)],
        }
    }

    #[test]
    fn every_vessel_is_in_a_haven_in_time_and_stays() {
        let homes = [SHIPU, (121.99, 29.46), (121.72, 29.54), (122.0, 29.56), (121.771, 29.186)];
        for home in homes {
            for n in 0..40 {
                let voyage = Voyage::new(Noise::new(1, &format!("fv-{n}")), home, &plan());
                for at in [20, 40, 60, 100] {
                    let place = voyage.at(hour(at));
                    let is_inside = plan().havens.iter().any(|haven| {
                        let middle = (haven.position.longitude(), haven.position.latitude());
                        metres(middle, place) < haven.radius_m
                    });
                    assert!(is_inside, "{home:?} {n} hour {at}: {place:?}");
                }
            }
        }
    }

    #[test]
    fn vessels_never_jump() {
        for home in [SHIPU, (121.72, 29.54), (121.771, 29.186)] {
            let voyage = Voyage::new(Noise::new(3, "fv-1"), home, &plan());
            for minute in 0..140 * 60 {
                let at = hour(0) + Duration::from_secs(minute * 60);
                let moved_m = metres(voyage.at(at), voyage.at(at + Duration::from_secs(60)));
                assert!(moved_m < 800.0, "{home:?} minute {minute}: {moved_m} m");
            }
        }
    }
}

//! Ways over water, and the trips to and fro on them.

use model::Time;

use super::KNOT_MPS;
use crate::noise::{Noise, seconds};

const CRUISE_KN: f64 = 9.0;
const FISHING_S: f64 = 9.0 * 3600.0;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// Longitude and latitude.
pub(super) type Place = (f64, f64);

/// The way from a harbour to the open sea, through points a chart would name.
/// Positions are approximate; they serve pictures, not navigation.
pub(super) struct Port {
    berth: Place,
    pub(super) way_out: &'static [Place],
    /// From the sea to the haven where its boats shelter.
    pub(super) to_haven: &'static [Place],
    /// The same from its berths, where that does not lead over the sea.
    pub(super) inner_way: Option<&'static [Place]>,
}

const PORTS: [Port; 6] = [
    // Shipu and Hepu, through the eastern channel.
    Port {
        berth: (121.94, 29.20),
        way_out: &[(121.985, 29.205), (122.06, 29.17)],
        to_haven: &[(122.06, 29.17), (121.985, 29.205)],
        inner_way: Some(&[]),
    },
    // Juexi and Dongchen, on the open coast.
    Port {
        berth: (121.99, 29.44),
        way_out: &[(122.06, 29.44)],
        to_haven: &[(122.10, 29.30), (122.06, 29.17), (121.985, 29.205)],
        inner_way: None,
    },
    // Tuci.
    Port {
        berth: (122.00, 29.56),
        way_out: &[(122.07, 29.56)],
        to_haven: &[(122.12, 29.40), (122.06, 29.17), (121.985, 29.205)],
        inner_way: None,
    },
    // Xianxiang, on the mouth of Xiangshan harbour.
    Port {
        berth: (121.83, 29.66),
        way_out: &[(121.95, 29.70), (122.12, 29.69)],
        to_haven: &[(122.14, 29.45), (122.06, 29.17), (121.985, 29.205)],
        inner_way: None,
    },
    // Xizhou, Huangbi'ao and Qiangtou, deep in Xiangshan harbour.
    Port {
        berth: (121.73, 29.56),
        way_out: &[(121.78, 29.64), (121.95, 29.70), (122.12, 29.69)],
        to_haven: &[(122.14, 29.45), (122.06, 29.17), (121.985, 29.205)],
        inner_way: None,
    },
    // The west coast: Gaotangdao, Dingtang, Xinqiao.
    Port {
        berth: (121.775, 29.22),
        way_out: &[(121.74, 29.16), (121.80, 29.02), (122.05, 28.98)],
        to_haven: &[(121.80, 29.02), (121.74, 29.16), (121.76, 29.24)],
        inner_way: Some(&[(121.76, 29.24)]),
    },
];

impl Port {
    pub(super) fn nearest(home: Place) -> &'static Port {
        PORTS
            .iter()
            .min_by(|a, b| metres(a.berth, home).total_cmp(&metres(b.berth, home)))
            .expect("there are ports")
    }

    /// Where a boat fishes.
    pub(super) fn ground(&self, own: Noise) -> Place {
        let exit = self.way_out.last().copied().unwrap_or(self.berth);
        (exit.0 + own.between(50, 0.1, 0.6), exit.1 + own.between(51, -0.2, 0.2))
    }
}

/// Way points, with the way to each in metres.
#[derive(Debug, Clone)]
pub(super) struct Line(Vec<(Place, f64)>);

impl Line {
    pub(super) fn new(start: Place, rest: impl IntoIterator<Item = Place>) -> Line {
        let mut points = vec![(start, 0.0)];
        let mut last = (start, 0.0);
        for point in rest {
            last = (point, last.1 + metres(last.0, point));
            points.push(last);
        }
        Line(points)
    }

    pub(super) fn length_m(&self) -> f64 {
        self.0[self.0.len() - 1].1
    }

    /// The points that lie behind a way along the line, and those ahead.
    pub(super) fn split(&self, way_m: f64) -> (Vec<Place>, Vec<Place>) {
        let n_passed = self.0.partition_point(|(_, m)| *m <= way_m);
        let places = |points: &[(Place, f64)]| points.iter().map(|(place, _)| *place).collect();
        (places(&self.0[..n_passed]), places(&self.0[n_passed..]))
    }

    pub(super) fn along(&self, way_m: f64) -> Place {
        // A leg without length leads nowhere.
        let mut legs = self.0.windows(2).filter(|leg| leg[0].1 < leg[1].1);
        match legs.find(|leg| way_m <= leg[1].1) {
            Some([(from, from_m), (to, to_m)]) => {
                let share = ((way_m - from_m) / (to_m - from_m)).clamp(0.0, 1.0);
                (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1))
            }
            _ => self.0[self.0.len() - 1].0,
        }
    }
}

/// Trips along a line, one after the other: out, fish, back, rest.
pub(super) struct Route {
    pub(super) line: Line,
    trip_s: f64,
    /// How far into a trip it was at the beginning of 1970.
    offset_s: f64,
}

impl Route {
    pub(super) fn from_home(own: Noise, home: Place) -> Route {
        let port = Port::nearest(home);
        let line = Line::new(home, port.way_out.iter().copied().chain([port.ground(own)]));
        let mut route = Route::along(own, line);
        route.offset_s = own.unit(53) * route.trip_s;
        route
    }

    /// Trips of which one begins at `begin`.
    pub(super) fn beginning(own: Noise, line: Line, begin: Time) -> Route {
        let mut route = Route::along(own, line);
        route.offset_s = -seconds(begin).rem_euclid(route.trip_s);
        route
    }

    fn along(own: Noise, line: Line) -> Route {
        let sailing_s = 2.0 * line.length_m() / (CRUISE_KN * KNOT_MPS) + FISHING_S;
        let trip_s = sailing_s + own.between(52, 8.0, 40.0) * 3600.0;
        Route { line, trip_s, offset_s: 0.0 }
    }

    /// The way from the line's start, and the share of fishing that is done.
    pub(super) fn way(&self, at: Time) -> (f64, f64) {
        let leg_s = self.line.length_m() / (CRUISE_KN * KNOT_MPS);
        let into_trip_s = (seconds(at) + self.offset_s).rem_euclid(self.trip_s);
        let fishing_s = into_trip_s - leg_s;
        let way_m = if into_trip_s < leg_s {
            into_trip_s * CRUISE_KN * KNOT_MPS
        } else if fishing_s < FISHING_S {
            self.line.length_m()
        } else {
            (self.line.length_m() - (fishing_s - FISHING_S) * CRUISE_KN * KNOT_MPS).max(0.0)
        };
        (way_m, (fishing_s / FISHING_S).clamp(0.0, 1.0))
    }

    /// Where the vessel is on its trip; `out` draws it home, from 1 to 0.
    pub(super) fn at_trip(&self, at: Time, out: f64) -> Place {
        let (way_m, fished) = self.way(at);
        // Trawling: slow loops about the ground, closed at both ends.
        let loops = |turns: f64| 0.05 * libm::sin(turns * fished * std::f64::consts::TAU);
        let (lon, lat) = self.line.along(way_m * out);
        (lon + out * loops(2.0), lat + out * loops(3.0))
    }
}

/// East and north, in metres; good enough over a county.
pub(super) fn offset_m(from: Place, to: Place) -> (f64, f64) {
    let east = (to.0 - from.0) * METRES_PER_DEGREE * libm::cos(from.1.to_radians());
    (east, (to.1 - from.1) * METRES_PER_DEGREE)
}

pub(super) fn metres(from: Place, to: Place) -> f64 {
    let (east, north) = offset_m(from, to);
    libm::hypot(east, north)
}

//! Fishing vessels: trips from their berth to a fishing ground and back, on
//! lines that keep to the water roughly. In a storm they come home.

use model::{Position, Time};

use super::{Moment, rounded};
use crate::noise::{Noise, seconds};
use crate::weather::{Scenario, prepared};

const KNOT_MPS: f64 = 1852.0 / 3600.0;
const CRUISE_KN: f64 = 9.0;
const FISHING_S: f64 = 9.0 * 3600.0;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// The way from a harbour to the open sea, through points a chart would name.
/// Positions are approximate; they serve pictures, not navigation.
struct Port {
    berth: (f64, f64),
    way_out: &'static [(f64, f64)],
}

const PORTS: [Port; 6] = [
    // Shipu and Hepu, through the eastern channel.
    Port { berth: (121.94, 29.20), way_out: &[(121.985, 29.205), (122.06, 29.17)] },
    // Juexi and Dongchen, on the open coast.
    Port { berth: (121.99, 29.44), way_out: &[(122.06, 29.44)] },
    // Tuci.
    Port { berth: (122.00, 29.56), way_out: &[(122.07, 29.56)] },
    // Xianxiang, on the mouth of Xiangshan harbour.
    Port { berth: (121.83, 29.66), way_out: &[(121.95, 29.70), (122.12, 29.69)] },
    // Xizhou, Huangbi'ao and Qiangtou, deep in Xiangshan harbour.
    Port { berth: (121.73, 29.56), way_out: &[(121.78, 29.64), (121.95, 29.70), (122.12, 29.69)] },
    // The west coast: Gaotangdao, Dingtang, Xinqiao.
    Port { berth: (121.775, 29.22), way_out: &[(121.74, 29.16), (121.80, 29.02), (122.05, 28.98)] },
];

pub(super) fn value(moment: &Moment<'_>) -> Option<f64> {
    let Moment { noise, own, weather, at, .. } = moment;
    let home = moment.thing.position?;
    let track = Track::new(*own, home);
    let place = |time: Time| track.at(time, moment.fleet.scenario);
    let (speed_kn, course_deg) = motion(place(*at - STEP), place(*at));
    let is_running = speed_kn > 0.5;
    Some(match moment.property() {
        "position_longitude" => rounded(place(*at).0, 5),
        "position_latitude" => rounded(place(*at).1, 5),
        "speed_over_ground" => rounded(speed_kn, 1),
        "course_over_ground" => rounded(course_deg, 0).rem_euclid(360.0),
        "sos_alarm" => 0.0,
        "bilge_level" => 0.0,
        "engine_coolant_temperature" => {
            let warm = if is_running { 78.0 } else { 55.0 };
            rounded(warm + 4.0 * noise.smooth(*at, 1800.0) + 0.1 * weather.day, 1)
        }
        "engine_oil_pressure" => {
            // Moored vessels idle: the property is about a running engine.
            let pressure = if is_running { 0.42 } else { 0.3 };
            rounded(pressure + 0.03 * noise.smooth(*at, 900.0), 2)
        }
        _ => return None,
    })
}

const STEP: std::time::Duration = std::time::Duration::from_secs(60);

/// Way points from berth to fishing ground, with the way to each in metres.
struct Track {
    points: Vec<((f64, f64), f64)>,
    length_m: f64,
    trip_s: f64,
    offset_s: f64,
    drift: Noise,
}

impl Track {
    fn new(own: Noise, home: Position) -> Track {
        let home = (home.longitude(), home.latitude());
        let port = PORTS
            .iter()
            .min_by(|a, b| metres(a.berth, home).total_cmp(&metres(b.berth, home)))
            .expect("there are ports");
        let exit = port.way_out.last().copied().unwrap_or(port.berth);
        let ground = (exit.0 + own.between(50, 0.1, 0.6), exit.1 + own.between(51, -0.2, 0.2));
        let mut points = vec![(home, 0.0)];
        let mut length_m = 0.0;
        for &point in port.way_out.iter().chain([&ground]) {
            length_m += metres(points.last().expect("home is first").0, point);
            points.push((point, length_m));
        }
        let sailing_s = 2.0 * length_m / (CRUISE_KN * KNOT_MPS) + FISHING_S;
        let trip_s = sailing_s + own.between(52, 8.0, 40.0) * 3600.0;
        Track {
            points,
            length_m,
            trip_s,
            offset_s: own.unit(53) * trip_s,
            drift: own.named("drift"),
        }
    }

    fn at(&self, at: Time, scenario: Scenario) -> (f64, f64) {
        let leg_s = self.length_m / (CRUISE_KN * KNOT_MPS);
        let into_trip_s = (seconds(at) + self.offset_s).rem_euclid(self.trip_s);
        let fishing_s = into_trip_s - leg_s;
        let way_m = if into_trip_s < leg_s {
            into_trip_s * CRUISE_KN * KNOT_MPS
        } else if fishing_s < FISHING_S {
            self.length_m
        } else {
            (self.length_m - (fishing_s - FISHING_S) * CRUISE_KN * KNOT_MPS).max(0.0)
        };
        // Trawling: slow loops about the ground, closed at both ends.
        let share = (fishing_s / FISHING_S).clamp(0.0, 1.0);
        let angle = share * std::f64::consts::TAU;
        let loops = |turns: f64| 0.05 * libm::sin(turns * angle);
        let home_again = 1.0 - prepared(scenario, at);
        let (lon, lat) = self.along(way_m * home_again);
        let swing = 0.000_08;
        (
            lon + home_again * loops(2.0) + swing * self.drift.smooth(at, 900.0),
            lat + home_again * loops(3.0) + swing * self.drift.named("n").smooth(at, 900.0),
        )
    }

    fn along(&self, way_m: f64) -> (f64, f64) {
        let leg = self.points.windows(2).find(|leg| way_m <= leg[1].1);
        match leg {
            Some([(from, from_m), (to, to_m)]) if to_m > from_m => {
                let share = ((way_m - from_m) / (to_m - from_m)).clamp(0.0, 1.0);
                (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1))
            }
            _ => self.points.last().expect("home is first").0,
        }
    }
}

/// East and north, in metres; good enough over a county.
fn offset_m(from: (f64, f64), to: (f64, f64)) -> (f64, f64) {
    let east = (to.0 - from.0) * METRES_PER_DEGREE * libm::cos(from.1.to_radians());
    (east, (to.1 - from.1) * METRES_PER_DEGREE)
}

fn metres(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (east, north) = offset_m(from, to);
    libm::hypot(east, north)
}

/// Speed in knots and course in degrees over one step.
fn motion(before: (f64, f64), after: (f64, f64)) -> (f64, f64) {
    let (east, north) = offset_m(before, after);
    let speed_kn = libm::hypot(east, north) / STEP.as_secs_f64() / KNOT_MPS;
    (speed_kn, libm::atan2(east, north).to_degrees().rem_euclid(360.0))
}

//! Construction sites: cranes that lift by day, pits that creep.

use std::f64::consts::TAU;
use std::time::Duration;

use super::{Moment, rounded};
use crate::noise::{Noise, seconds};

pub(super) fn value(moment: &Moment<'_>) -> Option<f64> {
    let Moment { noise, own, weather, at, .. } = moment;
    let is_stopped = is_stopped(moment);
    let creep = |total: f64| {
        let age = own.named("age").unit(0) + 0.05 * noise.smooth(*at, 40.0 * 86_400.0);
        rounded(total * (0.15 + 0.4 * age) + 0.15 * noise.smooth(*at, 7200.0), 2)
    };
    Some(match moment.property() {
        "crane_load_moment_ratio" => lifted(moment, is_stopped, 0.9),
        "crane_load_ratio" => lifted(moment, is_stopped, 1.0),
        "crane_wind_speed" => {
            rounded((wind_at_top_mps(moment) + 0.4 * noise.white(*at)).max(0.0), 1)
        }
        "crane_tilt" => {
            // A crane that turns with the wind leans less.
            let push = if moment.script().is_some() { 0.5 } else { 0.9 };
            let leaning = own.between(22, 0.4, 1.2) + push * weather.storm;
            rounded(leaning + 0.1 * noise.smooth(*at, 900.0), 2)
        }
        "pit_wall_horizontal_displacement" => creep(25.0),
        "pit_deep_horizontal_displacement" => creep(40.0),
        "pit_wall_settlement" => creep(16.0),
        "ground_settlement" => creep(28.0),
        "pipe_displacement" => creep(9.0),
        "groundwater_level_change" => {
            rounded(-200.0 * own.unit(23) + 60.0 * noise.smooth(*at, 86_400.0), 0)
        }
        "strut_force_ratio" => rounded(35.0 + 8.0 * noise.smooth(*at, 43_200.0), 1),
        "formwork_settlement" => rounded(2.0 + 1.5 * own.unit(24) + 0.2 * noise.white(*at), 1),
        "formwork_lateral_displacement" => {
            rounded(3.0 + 2.0 * own.unit(25) + 0.3 * noise.white(*at), 1)
        }
        "formwork_tilt" => rounded(0.2 + 0.2 * own.unit(26) + 0.02 * noise.white(*at), 2),
        "pm10_mass_concentration" => {
            let dust = if is_working(moment, is_stopped) { 35.0 } else { 0.0 };
            rounded(50.0 + dust + 20.0 * noise.smooth(*at, 10_800.0), 0)
        }
        "site_work_stopped" => f64::from(u8::from(is_stopped)),
        "crane_weathervaned" => f64::from(u8::from(is_vaned(moment, is_stopped))),
        _ => return None,
    })
}

fn is_stopped(moment: &Moment<'_>) -> bool {
    let own = moment.own;
    match moment.script() {
        Some(script) => {
            let plan = script.sites;
            (plan.stop.of(own, 20)..plan.resume.of(own, 27)).contains(&moment.at)
        }
        None => moment.weather.prepared > own.between(20, 0.3, 1.1),
    }
}

/// Cranes are left free to turn an hour after work has stopped.
fn is_vaned(moment: &Moment<'_>, is_stopped: bool) -> bool {
    const AFTER: Duration = Duration::from_secs(3600);
    match moment.script() {
        Some(script) => is_stopped && script.sites.stop.of(moment.own, 20) + AFTER <= moment.at,
        None => is_stopped,
    }
}

fn wind_at_top_mps(moment: &Moment<'_>) -> f64 {
    // Sites of a script stand in towns.
    let (low, high) = if moment.script().is_some() { (0.85, 1.0) } else { (1.1, 1.3) };
    moment.weather.wind_mps * moment.own.between(21, low, high)
}

fn is_working(moment: &Moment<'_>, is_stopped: bool) -> bool {
    let is_calm = moment
        .script()
        .is_none_or(|script| wind_at_top_mps(moment) + 1.0 < script.sites.lift_below_mps);
    !is_stopped && is_calm && (6.0..18.0).contains(&moment.weather.hour)
}

/// A lift of seven minutes: hook up, slew, set down, back empty. The load of
/// each lift is its own.
fn lifted(moment: &Moment<'_>, is_stopped: bool, share: f64) -> f64 {
    const LIFT_S: f64 = 420.0;
    if !is_working(moment, is_stopped) {
        return 0.0;
    }
    let crane = Noise::new(moment.fleet.seed, moment.thing.id.as_str()).named(moment.channel());
    let lifts = seconds(moment.at) / LIFT_S + crane.unit(0);
    let phase = lifts - lifts.floor();
    #[expect(clippy::cast_possible_truncation, reason = "a count of lifts fits an i64")]
    let load = crane.between(lifts.floor() as i64, 15.0, 74.0);
    if phase < 0.6 { rounded(share * load * libm::sin(phase / 0.6 * TAU / 2.0), 1) } else { 0.0 }
}

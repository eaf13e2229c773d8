//! The weather over the county: a calm day, a made-up storm, or what a script
//! gives.
//!
//! Nothing here is a forecast or a record. The made-up storm is a bump of six
//! hours that moves from south-east to north-west, strong enough to colour the
//! page.

use std::f64::consts::TAU;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use model::{Position, Time};

use crate::noise::{Noise, seconds};
use crate::script::Script;

/// How long the made-up storm lasts at one place.
pub const STORM_DURATION: Duration = Duration::from_secs(6 * 3600);

/// What the devices live through.
#[derive(Debug, Clone)]
pub enum Scenario {
    /// A calm day.
    Fleet,
    /// A made-up storm that reaches the county at `begins`.
    Storm { begins: Time },
    /// A scenario from configuration.
    Script(Arc<Script>),
}

impl Scenario {
    pub(crate) fn script(&self) -> Option<&Script> {
        match self {
            Scenario::Script(script) => Some(script),
            Scenario::Fleet | Scenario::Storm { .. } => None,
        }
    }
}

/// What the command line calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScenarioName {
    Fleet,
    Storm,
}

impl ScenarioName {
    pub fn beginning(self, begins: Time) -> Scenario {
        match self {
            ScenarioName::Fleet => Scenario::Fleet,
            ScenarioName::Storm => Scenario::Storm { begins },
        }
    }
}

impl FromStr for ScenarioName {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<ScenarioName> {
        match text {
            "fleet" => Ok(ScenarioName::Fleet),
            "storm" => Ok(ScenarioName::Storm),
            _ => {
                anyhow::bail!("unknown scenario `{}`; known are fleet, storm", text.escape_debug())
            }
        }
    }
}

/// The weather at one place and time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Weather {
    pub(crate) wind_mps: f64,
    pub(crate) gust_mps: f64,
    pub(crate) wind_from_deg: f64,
    pub(crate) rain_mm_per_h: f64,
    pub(crate) pressure_hpa: f64,
    pub(crate) temperature_c: f64,
    pub(crate) humidity_percent: f64,
    pub(crate) visibility_m: f64,
    /// 0 on a calm day, 1 in the middle of the storm.
    pub(crate) storm: f64,
    /// Water above its calm level, 0 to 1.
    pub(crate) street: f64,
    pub(crate) river: f64,
    pub(crate) reservoir: f64,
    pub(crate) surge_m: f64,
    /// See [`prepared`].
    pub(crate) prepared: f64,
    /// Sine of the day: -1 before dawn, 1 in the early afternoon.
    pub(crate) day: f64,
    /// Hours since midnight in China.
    pub(crate) hour: f64,
}

const HOUR_S: f64 = 3600.0;

/// Where things without a position are taken to be: the middle of the county.
fn place_or_middle(place: Option<Position>) -> Position {
    place.unwrap_or_else(|| Position::new(121.9, 29.3).expect("it lies on the globe"))
}

/// Hours since midnight in China, and the sine of the day.
fn hour_and_day(at: Time) -> (f64, f64) {
    let since_midnight_ms = at.millis_since(at.china_day_start());
    let hour = seconds(Time::from_millis_clamped(since_midnight_ms)) / HOUR_S;
    (hour, libm::sin((hour - 8.5) / 24.0 * TAU))
}

impl Weather {
    pub(crate) fn new(
        seed: u64,
        scenario: &Scenario,
        place: Option<Position>,
        at: Time,
    ) -> Weather {
        if let Some(script) = scenario.script() {
            return Weather::scripted(seed, script, place, at);
        }
        let region = Noise::new(seed, "weather");
        // One degree further north-west gets everything two hours later.
        let middle = place_or_middle(place);
        let (lon, lat) = (middle.longitude(), middle.latitude());
        let delay_ms = ((lat - 29.3) + (121.9 - lon)) * 2.0 * HOUR_S * 1000.0;
        #[expect(clippy::cast_possible_truncation, reason = "at most some days of milliseconds")]
        let local = Time::from_millis_clamped(at.millis() - delay_ms as i64);
        let storm_at = |hours_ago: f64| storm(scenario, local, hours_ago);
        let (storm, storm_of_water) = (storm_at(0.0), storm_at(1.5));

        let (hour, day) = hour_and_day(at);
        let breeze = 4.2 + 1.2 * day + 1.8 * region.named("wind").smooth(local, 3.0 * HOUR_S);
        let ripple = region.named("ripple").smooth(local, 240.0);
        let wind_mps = (breeze.max(0.4) + 27.0 * storm) * (1.0 + 0.08 * ripple);
        let puff = region.named("gust").smooth(local, 90.0);
        let shower = (region.named("rain").smooth(local, 4.0 * HOUR_S) - 0.7).max(0.0);
        let cells = 0.75 + 0.25 * region.named("cells").smooth(local, 900.0);
        let rain_mm_per_h = (10.0 * shower + 42.0 * storm * storm) * cells;
        let turning = 60.0 * region.named("turn").smooth(local, 6.0 * HOUR_S);
        let veer = 120.0 * progress(scenario, local, 0.0);
        let fog = region.named("fog").smooth(local, 5.0 * HOUR_S);
        Weather {
            wind_mps,
            gust_mps: wind_mps * (1.35 + 0.12 * puff),
            wind_from_deg: (110.0 + turning + veer).rem_euclid(360.0),
            rain_mm_per_h,
            pressure_hpa: 1009.0 + 4.0 * region.named("p").smooth(local, 20.0 * HOUR_S)
                - 32.0 * storm,
            temperature_c: 27.0 + 3.5 * day - 3.0 * storm
                + region.named("t").smooth(local, 8.0 * HOUR_S),
            humidity_percent: (74.0 - 10.0 * day + 24.0 * storm).clamp(30.0, 99.0),
            visibility_m: 12_000.0 + 5_000.0 * fog - 5_500.0 * storm,
            storm,
            street: storm_of_water,
            river: storm_of_water,
            reservoir: storm_of_water,
            surge_m: 1.1 * storm,
            prepared: prepared(scenario, at),
            day,
            hour,
        }
    }

    /// What the script gives, with a breeze and ripples on it.
    fn scripted(seed: u64, script: &Script, place: Option<Position>, at: Time) -> Weather {
        let region = Noise::new(seed, "weather");
        let air = script.weather.air(place_or_middle(place), at);
        let (hour, day) = hour_and_day(at);
        let breeze = 3.6 + 1.0 * day + 1.2 * region.named("wind").smooth(at, 3.0 * HOUR_S);
        let wind_mps = air.wind_mps.max(breeze.max(0.4));
        let ripple = 1.0 + 0.02 * region.named("ripple").smooth(at, 240.0);
        let puff = 1.0 + 0.015 * region.named("gust").smooth(at, 90.0);
        let gust_mps = air.gust_mps.max(1.3 * breeze.max(0.4));
        let storm = ((wind_mps - 8.0) / 30.0).clamp(0.0, 1.0);
        let turning = 8.0 * region.named("turn").smooth(at, 6.0 * HOUR_S);
        let rain = (air.rain_mm_per_h / 30.0).min(1.0);
        Weather {
            wind_mps: wind_mps * ripple,
            gust_mps: gust_mps * ripple * puff,
            wind_from_deg: (air.wind_from_deg + turning).rem_euclid(360.0),
            rain_mm_per_h: air.rain_mm_per_h,
            pressure_hpa: air.pressure_hpa,
            temperature_c: 28.0 + 2.0 * day * (1.0 - storm) - 2.5 * storm
                + 0.6 * region.named("t").smooth(at, 8.0 * HOUR_S),
            humidity_percent: (76.0 - 8.0 * day + 20.0 * storm.max(rain)).clamp(30.0, 99.0),
            visibility_m: 14_000.0 - 5_000.0 * storm - 6_500.0 * rain
                + 1_000.0 * region.named("fog").smooth(at, 5.0 * HOUR_S),
            storm,
            street: air.street,
            river: air.river,
            reservoir: air.reservoir,
            surge_m: air.surge_m,
            prepared: 0.0,
            day,
            hour,
        }
    }
}

/// 0 before the storm, rising to 1 in its first two hours, then 1: what people
/// have done about it.
pub(crate) fn prepared(scenario: &Scenario, at: Time) -> f64 {
    (progress(scenario, at, 0.0) * 3.0).min(1.0)
}

/// How much of the storm has passed `hours_ago`, from 0 to 1.
fn progress(scenario: &Scenario, at: Time, hours_ago: f64) -> f64 {
    match scenario {
        Scenario::Fleet | Scenario::Script(_) => 0.0,
        Scenario::Storm { begins } => {
            let passed_s = seconds(at) - seconds(*begins) - hours_ago * HOUR_S;
            (passed_s / STORM_DURATION.as_secs_f64()).clamp(0.0, 1.0)
        }
    }
}

fn storm(scenario: &Scenario, at: Time, hours_ago: f64) -> f64 {
    let wave = libm::sin(progress(scenario, at, hours_ago) * TAU / 2.0);
    wave * wave
}

/// Rain between two times, in mm: the rate in steps of at most a minute.
pub(crate) fn rain_mm(
    seed: u64,
    scenario: &Scenario,
    place: Option<Position>,
    since: Time,
    until: Time,
) -> f64 {
    const STEPS_MAX: i64 = 1440;
    if let Some(script) = scenario.script() {
        return script.weather.rain_mm(place_or_middle(place), since, until);
    }
    let span_ms = until.millis_since(since).max(0);
    let steps = span_ms.div_euclid(60_000).clamp(1, STEPS_MAX);
    let mean: f64 = (0..steps)
        .map(|step| {
            let middle = since.millis() + span_ms * (2 * step + 1) / (2 * steps);
            let at = Time::from_millis_clamped(middle);
            Weather::new(seed, scenario, place, at).rain_mm_per_h
        })
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "small integers")]
    let (span_h, steps) = (span_ms as f64 / 3_600_000.0, steps as f64);
    mean / steps * span_h
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn a_calm_day_stays_below_every_colour() {
        let midnight = at("2026-07-25T00:00:00+08:00");
        for minute in 0..1440_u32 {
            let time = midnight + Duration::from_secs(u64::from(minute) * 60);
            let weather = Weather::new(1, &Scenario::Fleet, None, time);
            assert!((0.0..10.8).contains(&weather.wind_mps), "{weather:?}");
            assert!(weather.gust_mps < 17.2 && weather.rain_mm_per_h < 8.0, "{weather:?}");
            assert!(weather.visibility_m > 1000.0 && weather.temperature_c < 35.0, "{weather:?}");
        }
    }

    #[test]
    fn the_storm_comes_and_goes() {
        let begins = at("2026-07-25T00:00:00+08:00");
        let scenario = Scenario::Storm { begins };
        let wind = |hours: u64| {
            let time = begins + Duration::from_secs(hours * 3600);
            Weather::new(1, &scenario, None, time).wind_mps
        };
        assert!(wind(0) < 10.8 && wind(3) > 24.5 && wind(7) < 10.8);
        let rain = rain_mm(1, &scenario, None, begins, begins + STORM_DURATION);
        assert!((50.0..200.0).contains(&rain), "{rain}");
    }

    #[test]
    fn rain_of_two_halves_is_the_rain_of_the_whole() {
        let scenario = Scenario::Storm { begins: at("2026-07-25T00:00:00+08:00") };
        let (start, middle, end) = (
            at("2026-07-25T02:00:00+08:00"),
            at("2026-07-25T02:30:00+08:00"),
            at("2026-07-25T03:00:00+08:00"),
        );
        let rain = |since, until| rain_mm(9, &scenario, None, since, until);
        assert!((rain(start, end) - rain(start, middle) - rain(middle, end)).abs() < 1e-9);
    }
}

//! The weather of a scenario at any place and time: the local wind model on
//! the storm's track, rain from a table, water that follows the rain.

use std::time::Duration;

use analytics::physics::geo::{bearing_deg, haversine_km};
use analytics::physics::local_wind::local_wind;
use analytics::physics::profiles::radius_max_km;
use analytics::physics::track::Track;
use model::{Position, Time};
use simulators::script::{Air, WeatherSource};

use super::file::ScenarioFile;
use super::tables::RainTable;

const HOUR_MS: f64 = 3_600_000.0;

/// Air pressure far from the storm (docs/indices.md 2.3), hPa.
const CALM_HPA: f64 = 1010.0;

/// Winds near the ground blow this much towards the centre, degrees (A).
const INFLOW_DEG: f64 = 20.0;

/// The pattern of rain over the county (A): about how many degrees from one
/// wet place to the next.
const PATTERN_LON_DEG: f64 = 0.35;
const PATTERN_LAT_DEG: f64 = 0.30;

#[derive(Debug)]
pub(super) struct StormWeather {
    track: Track,
    gust_factor: f64,
    calm_half_life: Duration,
    rain: Hourly,
    rain_share: [f64; 2],
    street: Water,
    river: Water,
    reservoir: Water,
    surge_m_per_hpa: f64,
    surge_wind_m: f64,
    surge_at_mps: f64,
}

impl StormWeather {
    pub(super) fn new(track: Track, rain: &RainTable, file: &ScenarioFile) -> StormWeather {
        let rain = Hourly { first: rain.first, values: rain.mm.clone() };
        let water = |half_life| Water::following(&rain, half_life);
        StormWeather {
            track,
            gust_factor: file.wind.gust_factor,
            calm_half_life: file.wind.calm_half_life,
            rain_share: file.rain.share,
            street: water(file.water.street_half_life),
            river: water(file.water.river_half_life),
            reservoir: water(file.water.reservoir_half_life),
            surge_m_per_hpa: file.water.surge_m_per_hpa,
            surge_wind_m: file.water.surge_wind_m,
            surge_at_mps: file.water.surge_at_mps,
            rain,
        }
    }

    /// The share of the wettest place's rain that falls here.
    fn share(&self, place: Position) -> f64 {
        let wave = |degrees: f64, length: f64| libm::sin(degrees / length * std::f64::consts::TAU);
        let wetness = 0.5
            + 0.25 * wave(place.longitude() - 121.5, PATTERN_LON_DEG)
            + 0.25 * wave(place.latitude() - 28.9, PATTERN_LAT_DEG);
        let [low, high] = self.rain_share;
        low + (high - low) * wetness
    }
}

impl WeatherSource for StormWeather {
    fn air(&self, place: Position, at: Time) -> Air {
        // After its last fix the storm stays where it was and dies down.
        let known = at.min(self.track.last_time());
        let left = halved(at.millis_since(known) as f64, self.calm_half_life);
        let centre = self.track.at(known);
        let wind_mps = local_wind(&self.track, place, known).wind_mps * left;
        let distance_km = haversine_km(centre.position, place).max(1.0);
        let depth_hpa = (CALM_HPA - centre.pressure_hpa).max(0.0) * left;
        let share = 1.0 - libm::exp(-radius_max_km(centre.pressure_hpa) / distance_km);
        let missing_hpa = depth_hpa * share;
        let push = wind_mps / self.surge_at_mps;
        let towards = bearing_deg(place, centre.position);
        Air {
            wind_mps,
            gust_mps: wind_mps * self.gust_factor,
            wind_from_deg: (towards - 90.0 - INFLOW_DEG).rem_euclid(360.0),
            pressure_hpa: CALM_HPA - missing_hpa,
            rain_mm_per_h: self.rain.at(at) * self.share(place),
            street: self.street.level(at),
            river: self.river.level(at),
            reservoir: self.reservoir.level(at),
            surge_m: self.surge_m_per_hpa * missing_hpa + self.surge_wind_m * push * push,
        }
    }

    fn rain_mm(&self, place: Position, since: Time, until: Time) -> f64 {
        self.rain.sum(since, until) * self.share(place)
    }
}

/// What is left after `passed_ms` of something that halves.
fn halved(passed_ms: f64, half_life: Duration) -> f64 {
    libm::exp2(-passed_ms / (half_life.as_secs_f64() * 1000.0))
}

/// One value for each hour from `first` on; none before and after.
#[derive(Debug, Clone)]
struct Hourly {
    first: Time,
    values: Vec<f64>,
}

impl Hourly {
    /// Hours since `first`.
    fn hours(&self, at: Time) -> f64 {
        at.millis_since(self.first) as f64 / HOUR_MS
    }

    fn value(&self, hour: f64) -> f64 {
        if hour < 0.0 {
            return 0.0;
        }
        self.values.get(hour as usize).copied().unwrap_or(0.0)
    }

    fn at(&self, at: Time) -> f64 {
        self.value(self.hours(at).floor())
    }

    /// Of `(since, until]`, each hour evenly spread.
    fn sum(&self, since: Time, until: Time) -> f64 {
        let (mut from, until) = (self.hours(since), self.hours(until));
        let mut sum = 0.0;
        while from < until {
            let to = (from.floor() + 1.0).min(until);
            sum += self.value(from.floor()) * (to - from);
            from = to;
        }
        sum
    }
}

/// Water that gathers rain and drains, as a share of the highest it gets.
#[derive(Debug)]
struct Water {
    /// At the end of each hour.
    levels: Hourly,
    half_life: Duration,
}

impl Water {
    fn following(rain: &Hourly, half_life: Duration) -> Water {
        let kept = halved(HOUR_MS, half_life);
        let mut gathered = 0.0;
        let mut values = Vec::with_capacity(rain.values.len());
        for mm in &rain.values {
            gathered = gathered * kept + mm;
            values.push(gathered);
        }
        let highest = values.iter().fold(f64::MIN_POSITIVE, |highest, level| highest.max(*level));
        for level in &mut values {
            *level /= highest;
        }
        Water { levels: Hourly { first: rain.first, values }, half_life }
    }

    /// Straight lines between the ends of hours; beyond the table it drains.
    fn level(&self, at: Time) -> f64 {
        let hours = self.levels.hours(at);
        let n = self.levels.values.len() as f64;
        if n <= hours {
            let last = self.levels.values.last().copied().unwrap_or(0.0);
            return last * halved((hours - n) * HOUR_MS, self.half_life);
        }
        let (before, after) =
            (self.levels.value(hours.floor() - 1.0), self.levels.value(hours.floor()));
        before + (after - before) * (hours - hours.floor()).max(0.0)
    }
}

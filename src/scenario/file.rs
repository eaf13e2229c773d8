//! `scenario.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Channel, DocumentId, LocalizedName, Time, TownshipCode, duration_text};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use simulators::script::{PowerLoss, Span};
use toml::Value;

use super::Surroundings;
use crate::config::{Layer, Problem};

#[derive(Debug)]
pub(super) struct ScenarioFile {
    pub(super) id: String,
    pub(super) name: LocalizedName,
    pub(super) begin: Time,
    pub(super) end: Time,
    pub(super) storm: StormPart,
    pub(super) wind: WindPart,
    pub(super) rain: RainPart,
    pub(super) water: WaterPart,
    pub(super) vessels: VesselPart,
    pub(super) sites: SitePart,
    pub(super) shelters: ShelterPart,
    pub(super) power_loss: Vec<PowerLossPart>,
    pub(super) evacuation: EvacuationPart,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StormPart {
    pub(super) id: DocumentId,
    pub(super) name: LocalizedName,
    pub(super) number: Option<String>,
    pub(super) agency: String,
    pub(super) averaging_min: u16,
    pub(super) intensity_factor: f64,
    #[serde(with = "duration_text")]
    pub(super) bulletin_every: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WindPart {
    pub(super) exposure: [f64; 2],
    pub(super) gust_factor: f64,
    #[serde(with = "duration_text")]
    pub(super) calm_half_life: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RainPart {
    pub(super) hourly_max: f64,
    pub(super) share: [f64; 2],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaterPart {
    #[serde(with = "duration_text")]
    pub(super) street_half_life: Duration,
    #[serde(with = "duration_text")]
    pub(super) river_half_life: Duration,
    #[serde(with = "duration_text")]
    pub(super) reservoir_half_life: Duration,
    pub(super) surge_m_per_hpa: f64,
    pub(super) surge_wind_m: f64,
    pub(super) surge_at_mps: f64,
}

/// From and until, written `[time, time]`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Between([Time; 2]);

impl Between {
    pub(super) fn span(self) -> Span {
        Span { from: self.0[0], until: self.0[1] }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VesselPart {
    pub(super) turn_back: Between,
    pub(super) leave: Between,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SitePart {
    pub(super) stop: Between,
    pub(super) resume: Between,
    pub(super) lift_below_mps: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShelterPart {
    pub(super) open: Between,
    pub(super) close: Between,
    pub(super) filled: [f64; 2],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PowerLossPart {
    township: TownshipCode,
    lost: Between,
    restored: Between,
    share: f64,
}

impl PowerLossPart {
    pub(super) fn loss(&self) -> PowerLoss {
        PowerLoss {
            township: self.township,
            lost: self.lost.span(),
            restored: self.restored.span(),
            share: self.share,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvacuationPart {
    pub(super) county: BTreeMap<Channel, u32>,
}

/// Takes a key out of the file; a mistake in it hides none in the others.
struct Keys<'a> {
    layer: &'a Layer,
    known: Vec<&'static str>,
    problems: &'a mut Vec<Problem>,
}

impl Keys<'_> {
    fn take<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        self.known.push(key);
        match self.layer.table.get(key) {
            Some(value) => self.read(key, value.clone()),
            None => {
                self.refuse(key, "is missing");
                None
            }
        }
    }

    fn take_or_default<T: DeserializeOwned + Default>(&mut self, key: &'static str) -> Option<T> {
        if self.layer.table.contains_key(key) {
            return self.take(key);
        }
        self.known.push(key);
        Some(T::default())
    }

    fn read<T: DeserializeOwned>(&mut self, key: &str, value: Value) -> Option<T> {
        match value.try_into() {
            Ok(part) => Some(part),
            Err(error) => {
                let error: toml::de::Error = error;
                self.refuse(key, error.message());
                None
            }
        }
    }

    fn refuse(&mut self, key: &str, reason: impl std::fmt::Display) {
        self.problems.push(self.layer.problem(key, reason));
    }

    fn refuse_others(&mut self) {
        let others = self.layer.table.keys().filter(|key| !self.known.contains(&key.as_str()));
        let others: Vec<String> = others.cloned().collect();
        for key in others {
            self.refuse(&key, format!("unknown key; known are {}", self.known.join(", ")));
        }
    }
}

/// `id` is the folder's name, which the file repeats.
pub(super) fn parse(
    shown: &str,
    text: &str,
    id: &str,
    county: &Surroundings<'_>,
    problems: &mut Vec<Problem>,
) -> Option<ScenarioFile> {
    let layer = Layer::parse(shown, text).map_err(|problem| problems.push(problem)).ok()?;
    let mut keys = Keys { layer: &layer, known: Vec::new(), problems };
    let parts = (
        (keys.take("id"), keys.take("name"), keys.take("begin"), keys.take("end")),
        (keys.take("storm"), keys.take("wind"), keys.take("rain"), keys.take("water")),
        (keys.take("vessels"), keys.take("sites"), keys.take("shelters")),
        (keys.take_or_default("power_loss"), keys.take("evacuation")),
    );
    keys.refuse_others();
    let (
        (Some(own_id), Some(name), Some(begin), Some(end)),
        (Some(storm), Some(wind), Some(rain), Some(water)),
        (Some(vessels), Some(sites), Some(shelters)),
        (Some(power_loss), Some(evacuation)),
    ) = parts
    else {
        return None;
    };
    let file = ScenarioFile {
        id: own_id,
        name,
        begin,
        end,
        storm,
        wind,
        rain,
        water,
        vessels,
        sites,
        shelters,
        power_loss,
        evacuation,
    };
    if file.id != id {
        keys.refuse("id", format!("`{}` is not the folder's name `{id}`", file.id));
    }
    file.check(county, &mut |key, reason| keys.refuse(key, reason));
    Some(file)
}

impl ScenarioFile {
    fn check(&self, county: &Surroundings<'_>, refuse: &mut dyn FnMut(&str, String)) {
        for (key, time) in [("begin", self.begin), ("end", self.end)] {
            if time.millis() % 60_000 != 0 {
                refuse(key, format!("{time} is no whole minute"));
            }
        }
        if self.end <= self.begin {
            refuse("end", format!("{} is not after the begin {}", self.end, self.begin));
        }
        self.check_spans(refuse);
        self.check_numbers(refuse);
        for (index, loss) in self.power_loss.iter().enumerate() {
            if !county.townships.contains(&loss.township) {
                let reason = format!("{} is no township of the county", loss.township);
                refuse(&format!("power_loss.{index}.township"), reason);
            }
        }
    }

    fn check_spans(&self, refuse: &mut dyn FnMut(&str, String)) {
        let mut spans = vec![
            ("vessels.turn_back".to_owned(), self.vessels.turn_back),
            ("vessels.leave".to_owned(), self.vessels.leave),
            ("sites.stop".to_owned(), self.sites.stop),
            ("sites.resume".to_owned(), self.sites.resume),
            ("shelters.open".to_owned(), self.shelters.open),
            ("shelters.close".to_owned(), self.shelters.close),
        ];
        for (index, loss) in self.power_loss.iter().enumerate() {
            spans.push((format!("power_loss.{index}.lost"), loss.lost));
            spans.push((format!("power_loss.{index}.restored"), loss.restored));
        }
        for (key, between) in &spans {
            let Span { from, until } = between.span();
            if until < from {
                refuse(key, format!("ends at {until}, before it begins at {from}"));
            }
        }
        // What is undone begins after the last has done it.
        for pair in spans.chunks_exact(2) {
            let ((_, first), (key, second)) = (&pair[0], &pair[1]);
            if second.span().from < first.span().until {
                refuse(key, format!("begins before {}", first.span().until));
            }
        }
    }

    fn check_numbers(&self, refuse: &mut dyn FnMut(&str, String)) {
        let ranges = [
            ("wind.exposure", self.wind.exposure, 2.0),
            ("rain.share", self.rain.share, 1.0),
            ("shelters.filled", self.shelters.filled, 1.0),
        ];
        for (key, [low, high], max) in ranges {
            if !(0.0 <= low && low <= high && high <= max) {
                refuse(key, format!("[{low}, {high}] is not in order within 0 to {max}"));
            }
        }
        let mut numbers = vec![
            ("wind.gust_factor".to_owned(), self.wind.gust_factor, 1.0, 3.0),
            ("rain.hourly_max".to_owned(), self.rain.hourly_max, 0.0, 250.0),
            ("water.surge_m_per_hpa".to_owned(), self.water.surge_m_per_hpa, 0.0, 0.1),
            ("water.surge_wind_m".to_owned(), self.water.surge_wind_m, 0.0, 5.0),
            ("water.surge_at_mps".to_owned(), self.water.surge_at_mps, 1.0, 100.0),
            ("sites.lift_below_mps".to_owned(), self.sites.lift_below_mps, 0.0, 30.0),
            ("storm.averaging_min".to_owned(), f64::from(self.storm.averaging_min), 1.0, 10.0),
        ];
        for (index, loss) in self.power_loss.iter().enumerate() {
            numbers.push((format!("power_loss.{index}.share"), loss.share, 0.0, 1.0));
        }
        for (key, value, min, max) in numbers {
            if !(min..=max).contains(&value) {
                refuse(&key, format!("{value} is not in {min} to {max}"));
            }
        }
        let minute = Duration::from_secs(60);
        for (key, duration) in [
            ("wind.calm_half_life", self.wind.calm_half_life),
            ("water.street_half_life", self.water.street_half_life),
            ("water.river_half_life", self.water.river_half_life),
            ("water.reservoir_half_life", self.water.reservoir_half_life),
            ("storm.bulletin_every", self.storm.bulletin_every),
        ] {
            if duration < minute {
                refuse(key, "is shorter than a minute".to_owned());
            }
        }
    }
}

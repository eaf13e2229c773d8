//! The section `[archive]`: how long things are hot, and how long they are kept.

use std::time::Duration;

use model::{Catalogue, PropertyId, duration_text};
use serde::{Deserialize, Serialize};
use store::MoverOptions;

use super::settings::{Settings, duration_or_none};

/// An hour closes 2 h after its end, and only then can it be released.
const HOT_MIN: Duration = Duration::from_secs(3 * 3600);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ArchiveSettings {
    #[serde(with = "duration_text")]
    pub(crate) hot: Duration,
    pub(crate) hourly: Vec<String>,
    #[serde(with = "duration_or_none")]
    pub(crate) keep_readings: Option<Duration>,
    #[serde(with = "duration_or_none")]
    pub(crate) keep_hourly: Option<Duration>,
    #[serde(with = "duration_or_none")]
    pub(crate) keep_replaced: Option<Duration>,
    #[serde(with = "duration_or_none")]
    pub(crate) keep_quarantine: Option<Duration>,
}

impl Default for ArchiveSettings {
    fn default() -> ArchiveSettings {
        let days = |n: u64| Some(Duration::from_secs(n * 86_400));
        ArchiveSettings {
            hot: Duration::from_secs(72 * 3600),
            hourly: vec!["rainfall_depth".to_owned()],
            keep_readings: None,
            keep_hourly: days(400),
            keep_replaced: days(400),
            keep_quarantine: days(400),
        }
    }
}

impl ArchiveSettings {
    pub(crate) fn to_options(&self) -> MoverOptions {
        MoverOptions {
            hot: self.hot,
            // Names were checked when the settings were loaded.
            rollups: self.hourly.iter().filter_map(|name| PropertyId::parse(name).ok()).collect(),
            keep_readings: self.keep_readings,
            keep_rollups: self.keep_hourly,
            keep_replaced: self.keep_replaced,
            keep_quarantine: self.keep_quarantine,
            ..MoverOptions::default()
        }
    }
}

pub(super) fn check(settings: &Settings, refuse: &mut impl FnMut(&str, String)) {
    let archive = &settings.archive;
    if archive.hot < HOT_MIN {
        let hot = duration_text::format(archive.hot);
        refuse("archive.hot", format!("{hot} is below 3h: an hour closes 2h after its end"));
    }
    let Some(keep) = archive.keep_readings else { return };
    // What is taken in must not be deleted at once.
    let least = settings.ingest.age_max.map_or(archive.hot, |age| age.max(archive.hot));
    let reason = match settings.ingest.age_max {
        None => Some("ingest.age_max is \"none\"; readings of any age are taken in".to_owned()),
        Some(_) if keep < least => {
            let (keep, least) = (duration_text::format(keep), duration_text::format(least));
            Some(format!("{keep} is below {least}, the longer of ingest.age_max and archive.hot"))
        }
        Some(_) => None,
    };
    if let Some(reason) = reason {
        refuse("archive.keep_readings", reason);
    }
}

pub(super) fn check_names(
    settings: &Settings,
    catalogue: &Catalogue,
    refuse: &mut impl FnMut(&str, String),
) {
    for name in &settings.archive.hourly {
        let known = PropertyId::parse(name).is_ok_and(|id| catalogue.find(&id).is_some());
        if !known {
            let shown: String = name.escape_debug().take(64).collect();
            refuse("archive.hourly", format!("`{shown}` is no property of properties.toml"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expects the keys that are refused.
    #[track_caller]
    fn check_refused(text: &str, expected: &[&str]) {
        let settings: Settings = toml::from_str(text).unwrap();
        let mut refused = Vec::new();
        check(&settings, &mut |key: &str, _| refused.push(key.to_owned()));
        assert_eq!(refused, expected);
    }

    #[test]
    fn what_is_taken_in_is_kept() {
        check_refused("", &[]);
        check_refused("[archive]\nkeep_readings = \"500d\"", &[]);
        check_refused("[archive]\nkeep_readings = \"300d\"", &["archive.keep_readings"]);
        let any_age = "[ingest]\nage_max = \"none\"\n[archive]\nkeep_readings = \"500d\"";
        check_refused(any_age, &["archive.keep_readings"]);
    }

    #[test]
    fn the_hot_time_covers_what_is_not_closed_yet() {
        check_refused("[archive]\nhot = \"3h\"", &[]);
        check_refused("[archive]\nhot = \"2h\"", &["archive.hot"]);
    }
}

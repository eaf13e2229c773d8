//! Everything an operator edits: the shipped files inside the binary, the
//! operator's differences over them, the environment over both. The only
//! module that reads configuration files or the environment.

mod archive;
mod county;
mod facts;
mod load_settings;
mod overlay;
mod scenarios;
mod settings;
mod size_text;
mod source;
mod webhook;

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use analytics::Models;
use analytics::flood_typhoon::FloodModel;
use analytics::model_file::ModelError;
use analytics::township_safety::SafetyModel;
use model::{Catalogue, ObservedProperty, PropertyId, PropertySpec};
use rust_embed::RustEmbed;
use toml::{Table, Value};

pub(crate) use county::County;
pub(crate) use overlay::{Layer, Problem};
use overlay::{differences, merge};
pub(crate) use scenarios::{scenario_file, scenarios};
pub(crate) use settings::{LogFormat, LogSettings, PublicRead, Settings};

/// The folder `config/`, read-only inside the binary.
#[derive(RustEmbed)]
#[folder = "config/"]
struct Shipped;

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    pub(crate) catalogue: Catalogue,
    pub(crate) county: County,
    pub(crate) models: Models,
}

/// All mistakes of all files.
#[derive(Debug)]
pub(crate) struct InvalidConfig(pub(crate) Vec<Problem>);

impl std::error::Error for InvalidConfig {}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0.len();
        write!(f, "the configuration has {n} mistake{}:", if n == 1 { "" } else { "s" })?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

/// Where files come from: the operator's folder first, then the binary.
struct Files {
    folder: Option<PathBuf>,
}

impl Files {
    fn shipped(name: &str) -> Cow<'static, [u8]> {
        Shipped::get(name).map(|file| file.data).unwrap_or_default()
    }

    fn shipped_text(name: &str) -> String {
        String::from_utf8_lossy(&Files::shipped(name)).into_owned()
    }

    /// The operator's file of that name, if there is one.
    fn own(&self, name: &str, problems: &mut Vec<Problem>) -> Option<(String, Vec<u8>)> {
        let path = self.folder.as_ref()?.join(name);
        let shown = path.display().to_string();
        match std::fs::read(&path) {
            Ok(bytes) => Some((shown, bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                problems.push(unreadable(&shown, &error));
                None
            }
        }
    }

    fn own_layer(&self, name: &str, problems: &mut Vec<Problem>) -> Option<Layer> {
        let (shown, bytes) = self.own(name, problems)?;
        parse_layer(&shown, &bytes, problems)
    }

    /// A file that is replaced as a whole (CSV, GeoJSON).
    fn whole(&self, name: &str, problems: &mut Vec<Problem>) -> (String, Vec<u8>) {
        self.own(name, problems)
            .unwrap_or_else(|| (name.to_owned(), Files::shipped(name).into_owned()))
    }
}

fn unreadable(file: &str, error: &std::io::Error) -> Problem {
    Problem {
        file: file.to_owned(),
        line: None,
        key: String::new(),
        reason: format!("cannot be read: {error}"),
    }
}

fn parse_layer(name: &str, bytes: &[u8], problems: &mut Vec<Problem>) -> Option<Layer> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let reason = "is not UTF-8".to_owned();
        problems.push(Problem { file: name.to_owned(), line: None, key: String::new(), reason });
        return None;
    };
    Layer::parse(name, text).map_err(|problem| problems.push(problem)).ok()
}

fn shipped_layer(name: &str, problems: &mut Vec<Problem>) -> Layer {
    parse_layer(name, &Files::shipped(name), problems).unwrap_or_default()
}

/// Loads and validates everything; reports every mistake of every file.
pub(crate) fn load(file: Option<&Path>) -> Result<Config, InvalidConfig> {
    let mut problems = Vec::new();
    let files = Files { folder: file.map(folder_of) };

    let shipped = shipped_layer("tidewatch.toml", &mut problems);
    let layers = own_settings_layers(file, &mut problems);
    let settings = load_settings::settings(&shipped.table, &layers, &mut problems);
    check_settings(&settings, &layers, &mut problems);
    let catalogue = load_catalogue(&files, &mut problems);
    if let Some(catalogue) = &catalogue {
        archive::check_names(&settings, catalogue, &mut |key: &str, reason| {
            problems.push(refusal(&layers, key, reason));
        });
    }
    let models = load_models(&files, catalogue.as_ref(), &mut problems);
    let groups: Vec<String> = models
        .iter()
        .flat_map(|models| models.flood.groups.iter().map(|group| group.id.clone()))
        .collect();
    let empty = Catalogue::default();
    let known = catalogue.as_ref().unwrap_or(&empty);
    let county = county::load(&files, &settings.county.folder, &groups, known, &mut problems);

    match (catalogue, models, county) {
        (Some(catalogue), Some(models), Some(county)) if problems.is_empty() => {
            Ok(Config { settings, catalogue, county, models })
        }
        _ => Err(InvalidConfig(problems)),
    }
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).into()
}

/// The operator's file and the environment, lowest first.
fn own_settings_layers(file: Option<&Path>, problems: &mut Vec<Problem>) -> Vec<Layer> {
    let mut layers = Vec::new();
    if let Some(file) = file {
        let shown = file.display().to_string();
        match std::fs::read(file) {
            Ok(bytes) => layers.extend(parse_layer(&shown, &bytes, problems)),
            Err(error) => problems.push(unreadable(&shown, &error)),
        }
    }
    layers.push(load_settings::environment(std::env::vars()));
    layers
}

/// Points at the last layer that sets a key: it decides it.
fn refusal(layers: &[Layer], key: &str, reason: String) -> Problem {
    match layers.iter().rev().find(|layer| layer.sets(key)) {
        Some(layer) => layer.problem(key, reason),
        None => {
            let file = "tidewatch.toml".to_owned();
            Problem { file, line: None, key: key.to_owned(), reason }
        }
    }
}

/// Mistakes that no single key shows.
fn check_settings(settings: &Settings, layers: &[Layer], problems: &mut Vec<Problem>) {
    let mut refuse = |key: &str, reason: String| problems.push(refusal(layers, key, reason));
    archive::check(settings, &mut refuse);
    let plain = settings.network.allow_plain_off_loopback;
    for (key, address) in
        [("http.listen", settings.http.listen), ("mqtt.listen", settings.mqtt.listen)]
    {
        if !address.ip().is_loopback() && !plain {
            refuse(
                key,
                format!(
                    "{address} is reachable from other machines without encryption; \
                     set network.allow_plain_off_loopback = true if that is meant"
                ),
            );
        }
    }
    for (key, value) in [
        ("ingest.batch_rows_max", settings.ingest.batch_rows_max),
        ("ingest.deliveries_max", settings.ingest.deliveries_max),
        ("ingest.datastreams_per_thing_max", settings.ingest.datastreams_per_thing_max),
        ("http.connections_max", settings.http.connections_max),
        ("mqtt.connections_max", settings.mqtt.connections_max),
        ("mqtt.connections_per_address_max", settings.mqtt.connections_per_address_max),
    ] {
        if value == 0 {
            refuse(key, "must be at least 1".to_owned());
        }
    }
    if settings.ingest.packet_max < 1024 || settings.ingest.packet_max > 16 << 20 {
        refuse("ingest.packet_max", "must lie between 1KiB and 16MiB".to_owned());
    }
    if settings.ingest.bytes_in_flight_max < settings.ingest.packet_max {
        refuse("ingest.bytes_in_flight_max", "is below ingest.packet_max".to_owned());
    }
    if let Err(reason) = webhook::check_external_url(&settings.http.external_url) {
        refuse("http.external_url", reason.to_owned());
    }
    for (key, reason) in webhook::problems(&settings.webhook) {
        refuse(&format!("webhook.{key}"), reason);
    }
    for (index, source) in settings.source.mqtt.iter().enumerate() {
        for (key, reason) in source.problems(settings.ingest.packet_max) {
            refuse(&format!("source.mqtt.{index}.{key}"), reason);
        }
        let earlier = &settings.source.mqtt[..index];
        if earlier.iter().any(|other| other.name == source.name) {
            refuse(&format!("source.mqtt.{index}.name"), "is used twice".to_owned());
        }
    }
}

/// `None` when there is a mistake in it.
fn load_catalogue(files: &Files, problems: &mut Vec<Problem>) -> Option<Catalogue> {
    let shipped = shipped_layer("properties.toml", problems);
    let own = files.own_layer("properties.toml", problems);
    let mut table = shipped.table.clone();
    if let Some(own) = &own {
        merge(&mut table, &own.table);
    }
    // A mistake is shown where the operator wrote it, else in the shipped file.
    let layer_of = |id: &str| match &own {
        Some(own) if own.table.contains_key(id) => own,
        _ => &shipped,
    };

    let n_problems = problems.len();
    let mut properties = Vec::new();
    for (id, value) in table {
        let layer = layer_of(&id);
        match (PropertyId::parse(&id), value.try_into::<PropertySpec>()) {
            (Ok(id), Ok(spec)) => properties.push(ObservedProperty { id, spec }),
            (Err(error), _) => problems.push(layer.problem(&id, error)),
            (_, Err(error)) => problems.push(layer.problem(&id, error.message())),
        }
    }
    let catalogue = Catalogue::new(properties).map_err(|errors| {
        problems.extend(errors.into_iter().map(|error| {
            let key = format!("{}.{}", error.property, error.key);
            layer_of(error.property.as_str()).problem(&key, error.reason)
        }));
    });
    catalogue.ok().filter(|_| problems.len() == n_problems)
}

/// A model file is replaced as a whole: its weights belong together.
fn load_models(
    files: &Files,
    catalogue: Option<&Catalogue>,
    problems: &mut Vec<Problem>,
) -> Option<Models> {
    // Without a catalogue every property would be unknown.
    let in_catalogue =
        |check: &dyn Fn(&Catalogue) -> Result<(), Vec<ModelError>>| catalogue.map_or(Ok(()), check);
    let safety = load_model(files, "township-safety", problems, |text| {
        let model = SafetyModel::from_toml(text)?;
        in_catalogue(&|catalogue| model.check_properties(catalogue)).map(|()| model)
    });
    let flood = load_model(files, "flood-typhoon", problems, |text| {
        let model = FloodModel::from_toml(text)?;
        in_catalogue(&|catalogue| model.check_properties(catalogue)).map(|()| model)
    });
    Some(Models { flood: flood?, safety: safety? })
}

fn load_model<M>(
    files: &Files,
    name: &str,
    problems: &mut Vec<Problem>,
    parse: impl FnOnce(&str) -> Result<M, Vec<ModelError>>,
) -> Option<M> {
    let name = format!("models/{name}.toml");
    let (shown, text) = match files.own(&name, problems) {
        Some((shown, bytes)) => (shown, String::from_utf8_lossy(&bytes).into_owned()),
        None => (name.clone(), Files::shipped_text(&name)),
    };
    parse(&text)
        .map_err(|errors| {
            problems.extend(errors.into_iter().map(|error| Problem {
                file: shown.clone(),
                line: None,
                key: error.key,
                reason: error.reason,
            }));
        })
        .ok()
}

/// A model file's name and text; the name of a shipped one stands for it.
pub(crate) fn model_text(model: &Path) -> std::io::Result<(String, String)> {
    let shipped = format!("models/{}.toml", model.display());
    match Shipped::get(&shipped) {
        Some(file) => Ok((shipped, String::from_utf8_lossy(&file.data).into_owned())),
        None => Ok((model.display().to_string(), std::fs::read_to_string(model)?)),
    }
}

/// The shipped example things of a county, as CSV.
pub(crate) fn example_things(county: &str) -> Option<Vec<u8>> {
    Shipped::get(&format!("counties/{county}/things.csv")).map(|file| file.data.into_owned())
}

/// Lines of the form `file: key = value (shipped: value)`.
pub(crate) fn diff(file: Option<&Path>) -> Result<Vec<String>, InvalidConfig> {
    let mut problems = Vec::new();
    let mut lines = Vec::new();
    let mut compare = |name: &str, own: &Table, shown: &str, problems: &mut Vec<Problem>| {
        let shipped = shipped_layer(name, problems);
        for (key, below, value) in differences(&shipped.table, own) {
            let below = below.map_or("not set".to_owned(), |below: Value| below.to_string());
            lines.push(format!("{shown}: {key} = {value} (shipped: {below})"));
        }
    };
    for layer in own_settings_layers(file, &mut problems) {
        compare("tidewatch.toml", &layer.table, &layer.name, &mut problems);
    }
    let files = Files { folder: file.map(folder_of) };
    for name in ["properties.toml", "models/township-safety.toml", "models/flood-typhoon.toml"] {
        if let Some(layer) = files.own_layer(name, &mut problems) {
            compare(name, &layer.table, &layer.name, &mut problems);
        }
    }
    if problems.is_empty() { Ok(lines) } else { Err(InvalidConfig(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_configuration_is_valid() {
        if let Err(invalid) = load(None) {
            panic!("{invalid}");
        }
    }
}

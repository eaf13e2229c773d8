//! `tidewatch.toml` and the environment become [`Settings`], with every
//! mistake found at once.

use toml::{Table, Value};

use super::overlay::{Layer, Problem, merge};
use super::settings::{MqttSource, Settings, WebhookSettings};

/// Prefix of environment variables: `TIDEWATCH__HTTP__LISTEN`.
pub(super) const ENVIRONMENT_PREFIX: &str = "TIDEWATCH__";

/// `shipped` has every key; what it does not have is unknown. The one
/// exceptions are `source` and `webhook`, whose elements are checked by their
/// structs.
pub(super) fn settings(shipped: &Table, layers: &[Layer], problems: &mut Vec<Problem>) -> Settings {
    let mut merged = shipped.clone();
    for layer in layers {
        for (section, value) in &layer.table {
            match (section.as_str(), shipped.get(section), value) {
                ("source", _, value) => check_sources(layer, value, problems),
                ("webhook", _, value) => check_webhooks(layer, value, problems),
                (_, Some(Value::Table(known)), Value::Table(found)) => {
                    check_section(layer, section, known, found, problems);
                }
                (_, Some(_), _) => {
                    problems.push(layer.problem(section, "must be a table"));
                }
                (_, None, _) => {
                    let known: Vec<&str> = shipped.keys().map(String::as_str).collect();
                    let reason = format!("unknown section; known are {}", known.join(", "));
                    problems.push(layer.problem(section, reason));
                }
            }
        }
        merge(&mut merged, &layer.table);
    }
    if !problems.is_empty() {
        return Settings::default();
    }
    merged.try_into().unwrap_or_else(|error: toml::de::Error| {
        problems.push(Problem {
            file: "tidewatch.toml".to_owned(),
            line: None,
            key: String::new(),
            reason: error.message().to_owned(),
        });
        Settings::default()
    })
}

/// Tries each key alone on top of the shipped section, so that one bad key
/// does not hide the next.
fn check_section(
    layer: &Layer,
    section: &str,
    known: &Table,
    found: &Table,
    problems: &mut Vec<Problem>,
) {
    for (key, value) in found {
        let path = format!("{section}.{key}");
        if !known.contains_key(key) {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            let reason = format!("unknown key; known here are {}", known.join(", "));
            problems.push(layer.problem(&path, reason));
            continue;
        }
        let mut alone = known.clone();
        alone.insert(key.clone(), value.clone());
        let table = Table::from_iter([(section.to_owned(), Value::Table(alone))]);
        if let Err(error) = table.try_into::<Settings>() {
            problems.push(layer.problem(&path, error.message()));
        }
    }
}

fn check_sources(layer: &Layer, value: &Value, problems: &mut Vec<Problem>) {
    let Value::Table(kinds) = value else {
        problems.push(layer.problem("source", "must be written as [[source.mqtt]]"));
        return;
    };
    for (kind, sources) in kinds {
        let Value::Array(sources) = sources else {
            let reason = "must be written as [[source.mqtt]]";
            problems.push(layer.problem(&format!("source.{kind}"), reason));
            continue;
        };
        if kind != "mqtt" {
            let reason = "unknown kind of source; known is mqtt";
            problems.push(layer.problem(&format!("source.{kind}"), reason));
            continue;
        }
        for (index, source) in sources.iter().enumerate() {
            if let Err(error) = source.clone().try_into::<MqttSource>() {
                problems.push(layer.problem(&format!("source.mqtt.{index}"), error.message()));
            }
        }
    }
}

fn check_webhooks(layer: &Layer, value: &Value, problems: &mut Vec<Problem>) {
    let Value::Array(webhooks) = value else {
        problems.push(layer.problem("webhook", "must be written as [[webhook]]"));
        return;
    };
    for (index, webhook) in webhooks.iter().enumerate() {
        if let Err(error) = webhook.clone().try_into::<WebhookSettings>() {
            problems.push(layer.problem(&format!("webhook.{index}"), error.message()));
        }
    }
}

/// The environment as one more layer. A value that is TOML is taken as such,
/// else as text: `TIDEWATCH__HTTP__LISTEN=0.0.0.0:80` needs no quotes.
pub(super) fn environment(variables: impl Iterator<Item = (String, String)>) -> Layer {
    let mut table = Table::new();
    for (name, text) in variables {
        let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
        let Some((section, key)) = path.split_once("__") else { continue };
        let value = format!("v = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut parsed| parsed.remove("v"))
            .unwrap_or(Value::String(text));
        let section =
            table.entry(section.to_ascii_lowercase()).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(key.to_ascii_lowercase(), value);
        }
    }
    Layer::without_lines("environment", table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Table {
        include_str!("../../config/tidewatch.toml").parse().unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let layer = Layer::parse("my.toml", text).unwrap();
        let mut problems = Vec::new();
        settings(&shipped(), &[layer], &mut problems);
        let found: Vec<String> =
            problems.iter().map(|p| format!("{}:{}", p.line.unwrap_or(0), p.key)).collect();
        assert_eq!(found, expected, "{problems:?}");
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        check(
            "[http]\nlisten = 80\nlissten = \"x\"\n[ingest]\npacket_max = \"256kB\"\n[nosuch]\na = 1\n",
            &["2:http.listen", "3:http.lissten", "5:ingest.packet_max", "6:nosuch"],
        );
    }

    #[test]
    fn sources_are_checked_one_by_one() {
        check(
            "[[source.mqtt]]\nname = \"a\"\nhost = \"h\"\nclient_id = \"c\"\n\
             [[source.mqtt]]\nname = \"b\"\nhots = \"h\"\n[[source.amqp]]\nx = 1\n",
            &["5:source.mqtt.1", "8:source.amqp"],
        );
    }

    #[test]
    fn webhooks_are_checked_one_by_one() {
        check(
            "[[webhook]]\nname = \"a\"\nurl = \"https://h/\"\nsecret_file = \"/s\"\n\
             [[webhook]]\nname = \"b\"\n[[webhook]]\nname = \"c\"\nurl = \"https://h/\"\n\
             secret_file = \"/s\"\nmin_level = \"purple\"\n",
            &["5:webhook.1", "7:webhook.2"],
        );
        check("[webhook]\nname = \"a\"\n", &["1:webhook"]);
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let variables = [
            ("TIDEWATCH__HTTP__LISTEN", "127.0.0.1:9999"),
            ("TIDEWATCH__MQTT__ENABLED", "false"),
            ("PATH", "/bin"),
        ];
        let layer = environment(variables.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter());
        let mut problems = Vec::new();
        let settings = settings(&shipped(), &[layer], &mut problems);
        assert_eq!(problems, []);
        assert_eq!(settings.http.listen.port(), 9999);
        assert!(!settings.mqtt.enabled);
    }
}

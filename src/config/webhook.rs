//! `[[webhook]]` becomes a receiver of alerts.

use std::fs;
use std::path::Path;

use analytics::alerts::outward::WebhookRule;
use api::webhook::{GuardRules, RECEIVERS_MAX, Receiver, ReceiverOptions};
use model::Level;

use super::settings::WebhookSettings;

/// Key below the section, and what is wrong with it.
type WebhookProblem = (String, String);

/// Everything that would not work; the files are read as well.
pub(super) fn problems(webhooks: &[WebhookSettings]) -> Vec<WebhookProblem> {
    let mut problems = Vec::new();
    if webhooks.len() > RECEIVERS_MAX {
        let reason = format!("{} receivers, at most {RECEIVERS_MAX} are allowed", webhooks.len());
        problems.push((RECEIVERS_MAX.to_string(), reason));
    }
    for (index, webhook) in webhooks.iter().enumerate() {
        if let Err(found) = webhook.to_receiver() {
            let found = found.into_iter();
            problems.extend(found.map(|(key, reason)| (format!("{index}.{key}"), reason)));
        }
        if webhooks[..index].iter().any(|other| other.name == webhook.name) {
            problems.push((format!("{index}.name"), "is used twice".to_owned()));
        }
    }
    problems
}

impl WebhookSettings {
    pub(crate) fn to_receiver(&self) -> Result<Receiver, Vec<WebhookProblem>> {
        let mut problems: Vec<WebhookProblem> = Vec::new();
        let mut refuse = |key: &str, reason| problems.push((key.to_owned(), reason));
        if self.min_level == Level::None {
            refuse("min_level", "must be blue, yellow, orange or red".to_owned());
        }
        let secret = read(&self.secret_file).map_err(|reason| refuse("secret_file", reason));
        let ca_pem = self.ca_file.as_deref().map(read).transpose();
        let ca_pem = ca_pem.map_err(|reason| refuse("ca_file", reason));
        let options = ReceiverOptions {
            rule: WebhookRule {
                name: self.name.clone(),
                level_min: self.min_level,
                classes: self.classes.clone(),
                exercise: self.exercise,
            },
            url: self.url.clone(),
            secret: secret.unwrap_or_default().trim_ascii_end().to_vec(),
            guard: GuardRules {
                allow_private: self.allow_private,
                allow_loopback: self.allow_http_loopback,
            },
            ca_pem: ca_pem.unwrap_or_default(),
        };
        let receiver = Receiver::new(options).map_err(|errors| {
            for error in errors {
                // A file that cannot be read is no short secret too.
                if !problems.iter().any(|(key, _)| key == error.key()) {
                    problems.push((error.key().to_owned(), error.to_string()));
                }
            }
        });
        receiver.ok().filter(|_| problems.is_empty()).ok_or(problems)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
}

/// A link is made by putting a path behind it.
pub(super) fn check_external_url(url: &str) -> Result<(), &'static str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_plain =
        url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains(['?', '#', '@']);
    match rest {
        _ if url.is_empty() => Ok(()),
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && is_plain => Ok(()),
        _ => Err("must be empty or like https://tidewatch.example"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn webhook(text: &str) -> WebhookSettings {
        toml::from_str(text).unwrap()
    }

    #[track_caller]
    fn check(webhooks: &[WebhookSettings], expected: &[&str]) {
        let found: Vec<String> = problems(webhooks).into_iter().map(|(key, _)| key).collect();
        assert_eq!(found, expected);
    }

    fn secret_of(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// By http on this machine, so that no certificates are needed.
    fn local(name: &str, secret: &tempfile::NamedTempFile) -> WebhookSettings {
        webhook(&format!(
            "name = \"{name}\"\nurl = \"http://127.0.0.1:9000/hook\"\n\
             allow_http_loopback = true\nsecret_file = \"{}\"",
            secret.path().display()
        ))
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let secret = secret_of(b"0123456789abcdef\n");
        check(&[local("duty", &secret)], &[]);
        let wrong = webhook(
            "name = \"WeCom\"\nurl = \"https://user@relay.example/\"\n\
             secret_file = \"/nonexistent\"\nmin_level = \"none\"\nca_file = \"/nonexistent\"",
        );
        check(
            &[local("duty", &secret), wrong, local("duty", &secret)],
            &["1.min_level", "1.secret_file", "1.ca_file", "1.name", "1.url", "2.name"],
        );
        let many: Vec<WebhookSettings> =
            (0..=RECEIVERS_MAX).map(|n| local(&format!("duty-{n}"), &secret)).collect();
        check(&many, &["16"]);
    }

    #[test]
    fn a_short_secret_is_refused_and_not_shown() {
        let secret = secret_of(b"0123456789abcde\n");
        let found = problems(&[local("duty", &secret)]);
        assert_eq!(found.len(), 1);
        assert!(!found[0].1.contains("0123"), "{found:?}");
    }

    #[test]
    fn certificates_that_are_none_are_refused() {
        let secret = secret_of(b"0123456789abcdef");
        let mut webhook = local("duty", &secret);
        webhook.ca_file = Some(secret.path().to_owned());
        check(&[webhook], &["0.ca_file"]);
    }

    #[test]
    fn links_need_a_plain_url() {
        for url in ["", "http://127.0.0.1:8080", "https://tidewatch.example/county/"] {
            assert_eq!(check_external_url(url), Ok(()), "{url}");
        }
        for url in
            ["tidewatch.example", "https://", "ftp://x", "https:///x", "https://x/?a", "http://a b"]
        {
            assert!(check_external_url(url).is_err(), "{url}");
        }
    }
}

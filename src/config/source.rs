//! `[[source.mqtt]]` becomes the options of an external broker.

use std::fs;

use codec::Codec;
use ingest::external::{ExternalOptions, ExternalRoute, Secret, ThingFrom};
use model::ThingId;

use super::settings::{MqttRoute, MqttSource};

/// Key below the source, and what is wrong with it.
type SourceProblem = (String, String);

impl MqttSource {
    /// Everything that would not work; the password file is read as well.
    pub(super) fn problems(&self, packet_bytes_max: usize) -> Vec<SourceProblem> {
        match self.to_ingest(packet_bytes_max) {
            Ok(options) => {
                let found = options.problems().into_iter();
                found.map(|problem| (problem.key.to_owned(), problem.reason)).collect()
            }
            Err(problems) => problems,
        }
    }

    pub(crate) fn to_ingest(
        &self,
        packet_bytes_max: usize,
    ) -> Result<ExternalOptions, Vec<SourceProblem>> {
        let mut problems = Vec::new();
        let mut routes: Vec<ExternalRoute> = Vec::new();
        for (index, route) in self.route.iter().enumerate() {
            match route.to_ingest() {
                Ok(route) => routes.push(route),
                Err(reason) => problems.push((format!("route.{index}"), reason)),
            }
        }
        if routes.is_empty() {
            routes.push(ExternalRoute::Own);
        }
        let password = self.password().unwrap_or_else(|reason| {
            problems.push(("password_file".to_owned(), reason));
            None
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(ExternalOptions {
            name: self.name.clone(),
            host: self.host.clone(),
            port: self.port,
            client_id: self.client_id.clone(),
            username: (!self.username.is_empty()).then(|| self.username.clone()),
            password,
            routes,
            share: (!self.share.is_empty()).then(|| self.share.clone()),
            window: self.window,
            packet_bytes_max: u32::try_from(packet_bytes_max).unwrap_or(u32::MAX),
            keep_alive: self.keep_alive,
            session_expiry: self.session_expiry,
        })
    }

    fn password(&self) -> Result<Option<Secret>, String> {
        let Some(file) = &self.password_file else { return Ok(None) };
        match fs::read_to_string(file) {
            Ok(text) => Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n'])))),
            Err(error) => Err(format!("{} cannot be read: {error}", file.display())),
        }
    }
}

impl MqttRoute {
    fn to_ingest(&self) -> Result<ExternalRoute, String> {
        let codec: Codec = self.codec.parse().map_err(|error| format!("codec: {error}"))?;
        let thing = match (&self.thing, self.thing_level) {
            (Some(thing), None) => {
                ThingFrom::Id(ThingId::parse(thing).map_err(|error| format!("thing: {error}"))?)
            }
            (None, Some(level)) => ThingFrom::Level(level),
            _ => return Err("needs either thing or thing_level".to_owned()),
        };
        Ok(ExternalRoute::Mapped { filter: self.filter.clone(), codec, thing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let source: MqttSource = toml::from_str(text).unwrap();
        let found: Vec<String> = source.problems(1 << 18).into_iter().map(|(key, _)| key).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_source_without_routes_takes_our_own_topics() {
        let text = "name = \"a\"\nhost = \"h\"\nclient_id = \"c\"";
        check(text, &[]);
        let source: MqttSource = toml::from_str(text).unwrap();
        assert_eq!(source.to_ingest(1 << 18).unwrap().routes, [ExternalRoute::Own]);
    }

    #[test]
    fn what_would_not_work_is_refused() {
        check(
            "name = \"A\"\nhost = \"\"\nclient_id = \"\"\nwindow = 0\nkeep_alive = \"0s\"",
            &["name", "host", "client_id", "window", "keep_alive"],
        );
        check(
            "name = \"a\"\nhost = \"h\"\nclient_id = \"c\"\npassword_file = \"/nonexistent\"\n\
             [[route]]\nfilter = \"x\"\ncodec = \"json\"\n[[route]]\nfilter = \"y\"\ncodec = \"xml\"",
            &["route.0", "route.1", "password_file"],
        );
    }
}

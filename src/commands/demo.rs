//! `demo`: the whole system with a scenario played into it, at a multiple of
//! its real pace.
//!
//! The devices are tasks of this process, but they come in through the doors
//! like any others: MQTT with a login of their own, and the documents over the
//! REST API. They know the scene's time from the clock that is handed to them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use hyper::Method;
use model::{Catalogue, Clock, Document, Origin, Thing, thing_csv};
use simulators::{Device, Door, DoorUrl, Faults, SimulateOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::UsageError;
use super::scene::{example_things, load_scenario};
use super::simulate::{issue, register};
use crate::cli::DemoArgs;
use crate::client::{CONTROL_SOCKET, Client, encode};
use crate::config::{self, PublicRead};
use crate::run::{self, Addresses, Setting};
use crate::scenario::{Scenario, TimedDocument};

/// Made in a directory that may be emptied by the next demo.
const MARKER: &str = ".demo";

/// Faster, and the devices could not keep up.
const SPEED_MAX: f64 = 3600.0;

/// Faster, nobody outside is told of alerts: they would be a flood.
const SPEED_WITH_WEBHOOKS_MAX: f64 = 60.0;

/// A document that does not get through is sent again this often.
const TRIES: u32 = 3;

pub(crate) async fn demo(args: DemoArgs) -> anyhow::Result<()> {
    let file = args.config.config.as_deref();
    if !(args.speed > 0.0 && args.speed <= SPEED_MAX) {
        let speed = args.speed;
        let text = format!("--speed {speed} is not above 0 and at most {SPEED_MAX}");
        return Err(UsageError(text).into());
    }
    let mut config = config::load(file)?;
    let scenario = load_scenario(&config, file, &args.scenario)?;
    let things = example_things(&config)?;
    empty(&args.data)?;
    // Nothing in it is anybody's secret, and all of it is long past.
    config.settings.api.public_read = PublicRead::All;
    config.settings.ingest.age_max = None;
    if args.speed > SPEED_WITH_WEBHOOKS_MAX {
        config.settings.webhook.clear();
    }

    let clock = Clock::scaled(scenario.begin, args.speed);
    let cast = Cast {
        scenario,
        things,
        catalogue: Arc::new(config.catalogue.clone()),
        clock: clock.clone(),
        seed: args.seed,
    };
    let setting = Setting { config, data: args.data, origin: Some(Origin::Replay), clock };
    run::serve(setting, |addresses, closing| cast.enter(addresses, closing)).await
}

/// Empties the directory of an earlier demo; any other stays as it is.
fn empty(data: &Path) -> anyhow::Result<()> {
    let (shown, marker) = (data.display(), data.join(MARKER));
    let is_there = data.try_exists().with_context(|| format!("look at {shown}"))?;
    if is_there && !marker.try_exists().with_context(|| format!("look into {shown}"))? {
        let text = format!("{shown} was not made by `demo`, which empties it; name another");
        return Err(UsageError(format!("{text} with --data")).into());
    }
    if is_there {
        if std::os::unix::net::UnixStream::connect(data.join(CONTROL_SOCKET)).is_ok() {
            bail!("a demo runs in {shown} already; stop it, or name another directory with --data");
        }
        std::fs::remove_dir_all(data).with_context(|| format!("empty {shown}"))?;
    }
    std::fs::create_dir_all(data).with_context(|| format!("create {shown}"))?;
    std::fs::write(&marker, "").with_context(|| format!("write {}", marker.display()))
}

/// Everybody who plays.
struct Cast {
    scenario: Scenario,
    things: Vec<Thing>,
    catalogue: Arc<Catalogue>,
    clock: Clock,
    seed: u64,
}

impl Cast {
    fn enter(
        self,
        addresses: Addresses,
        closing: CancellationToken,
    ) -> JoinHandle<anyhow::Result<()>> {
        tokio::spawn(async move {
            tokio::select! {
                // Dropped where it stands: the directory is the demo's own.
                () = closing.cancelled() => Ok(()),
                played = self.play(addresses, closing.clone()) => played,
            }
        })
    }

    async fn play(self, addresses: Addresses, closing: CancellationToken) -> anyhow::Result<()> {
        let Cast { scenario, things, catalogue, clock, seed } = self;
        let client = Client::to_socket(&addresses.data);
        register(&client, thing_csv::write(&things, &catalogue)).await?;
        let secrets = issue(&client, &things).await?;
        let devices =
            secrets.into_iter().map(|(thing, secret)| Device::new(thing, secret)).collect();
        info!(scenario = %scenario.id, speed = clock.speed(), "the scenario begins");
        let options = SimulateOptions {
            devices,
            catalogue,
            scenario: simulators::Scenario::Script(Arc::clone(&scenario.script)),
            door: door(&addresses),
            rate: 1.0,
            seed,
            messages_max: None,
            duration: None,
            faults: Faults::default(),
            clock: clock.clone(),
        };
        let publish = publish(&client, &scenario, &clock);
        let (devices, ()) = tokio::join!(simulators::run(options, closing), publish);
        devices.map(|_| ())
    }
}

/// The embedded broker, or HTTP where there is none.
fn door(addresses: &Addresses) -> Door {
    let (address, is_mqtt) = match addresses.mqtt {
        Some(address) => (address, true),
        None => (addresses.http, false),
    };
    let host = if address.ip().is_unspecified() {
        "127.0.0.1".to_owned()
    } else if address.is_ipv6() {
        format!("[{}]", address.ip())
    } else {
        address.ip().to_string()
    };
    let port = address.port();
    Door::new(if is_mqtt {
        DoorUrl::Mqtt { host, port }
    } else {
        DoorUrl::Http { host, port, path: String::new() }
    })
}

/// Publishes each document when the scene reaches its time, to the last one,
/// and waits for the end of the scenario.
async fn publish(client: &Client, scenario: &Scenario, clock: &Clock) {
    for document in &scenario.documents {
        wait_until(clock, document.at).await;
        let mut n_tries = 1;
        while let Err(error) = post(client, document).await {
            warn!(document = %document.document.id(), "not published: {error:#}");
            if n_tries == TRIES {
                break;
            }
            n_tries += 1;
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
    wait_until(clock, scenario.end).await;
    info!(scenario = %scenario.id, "the scenario is over; the devices go on in calm weather");
}

async fn wait_until(clock: &Clock, at: model::Time) {
    let left_ms = u64::try_from(at.millis_since(clock.scene())).unwrap_or(0);
    tokio::time::sleep(clock.real_of_scene_ms(left_ms)).await;
}

async fn post(client: &Client, document: &TimedDocument) -> anyhow::Result<()> {
    let (path, body) = request(&document.document)?;
    let answer = client.request(Method::POST, &path, "application/json", Bytes::from(body)).await?;
    answer.expect_success().map(|_| ())
}

/// Where a document is posted, and as what.
fn request(document: &Document) -> anyhow::Result<(String, Vec<u8>)> {
    let (path, body) = match document {
        Document::Signal(signal) => ("signals".to_owned(), serde_json::to_vec(signal)),
        Document::Response(response) => ("responses".to_owned(), serde_json::to_vec(response)),
        Document::RecallOrder(order) => ("recall-orders".to_owned(), serde_json::to_vec(order)),
        Document::Storm(storm) => ("storms".to_owned(), serde_json::to_vec(storm)),
        Document::Bulletin(bulletin) => {
            let storm = encode(bulletin.storm.as_str());
            (format!("storms/{storm}/bulletins"), serde_json::to_vec(bulletin))
        }
        Document::Override(_) | Document::Silence(_) | Document::AlertAction(_) => {
            bail!("`{}` is no document of a scenario", document.id())
        }
    };
    let body = body.map_err(|error| anyhow!("{}: {error}", document.id()))?;
    Ok((format!("/api/v1/{path}"), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_demo_s_own_directory_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("demo");
        empty(&data).unwrap();
        std::fs::write(data.join("journal.db"), "x").unwrap();
        empty(&data).unwrap();
        assert!(!data.join("journal.db").try_exists().unwrap());
        let other = folder.path().join("mine");
        std::fs::create_dir(&other).unwrap();
        assert!(empty(&other).unwrap_err().downcast_ref::<UsageError>().is_some());
    }
}

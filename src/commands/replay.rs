//! `replay`: a scenario through the same pipeline and the same evaluation, as
//! fast as the machine can, without any socket.
//!
//! The scene clock is set by hand, minute by minute. What the devices say in a
//! minute is handed to the pipeline, the documents of the minute are stored,
//! and when all of it is committed the minute is evaluated. So two replays
//! leave the same scores and alerts, and one that was cut off goes on at the
//! minute after its last tick: what it had handed in of that minute is found
//! to be there already.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use codec::Codec;
use ingest::{Ack, Delivery, Pipeline, Receipt, Route};
use model::{Clock, Origin, SourceName, Thing, Time};
use simulators::{Fleet, Playback, Said};
use store::{Expected, SourceKey};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::UsageError;
use super::scene::{example_things, load_scenario};
use crate::cli::ReplayArgs;
use crate::config;
use crate::run::stop_signal;
use crate::scenario::{Scenario, review};
use crate::system::Core;

const MINUTE: Duration = Duration::from_secs(60);

/// Minutes that are spoken ahead of the one being evaluated.
const MINUTES_AHEAD: usize = 8;

/// A line of progress each time this much of the scene has passed.
const SHOWN_EVERY_MIN: i64 = 180;

/// What a directory is a replay of; another scenario may not go on in it.
const MARKER: &str = "replay.txt";

pub(crate) async fn replay(args: ReplayArgs) -> anyhow::Result<()> {
    let mut config = config::load(args.config.config.as_deref())?;
    let scenario = load_scenario(&config, args.config.config.as_deref(), &args.scenario)?;
    let things = example_things(&config)?;
    // The scene is long past, and nobody waits for an answer.
    config.settings.ingest.age_max = None;
    config.settings.ingest.commit_interval = Duration::ZERO;
    config.settings.webhook.clear();
    let until = until(&scenario, args.until.as_deref())?;
    let data = &args.data;
    mark(data, &format!("scenario {} seed {}\n", scenario.id, args.seed))?;

    let catalogue = Arc::new(config.catalogue.clone());
    let townships = config.county.townships.clone();
    let core =
        Core::open(config, data, Some(Origin::Replay), Clock::manual(scenario.begin)).await?;
    if core.store.origin() != Origin::Replay {
        bail!("{} holds {} data, not a replay", data.display(), core.store.origin());
    }
    let fleet = Fleet {
        seed: args.seed,
        scenario: simulators::Scenario::Script(Arc::clone(&scenario.script)),
    };
    let playback = Playback::new(things.clone(), &catalogue, fleet, scenario.begin);
    let stopped = CancellationToken::new();
    let signals = {
        let stopped = stopped.clone();
        tokio::spawn(async move {
            stop_signal().await;
            stopped.cancel();
        })
    };
    let played = play(&core, &scenario, things, playback, until, &stopped).await;
    signals.abort();
    let reached = match (played, &args.report) {
        (Ok(reached), Some(file)) if reached == until => {
            let review = review::of(&core.store, &scenario, &townships, args.seed, until).await;
            let written = review.and_then(|review| write_review(file, &review));
            written.map(|()| reached)
        }
        (played, _) => played,
    };
    core.close().await?;
    let reached = reached?;
    if reached < until {
        bail!("stopped at {reached}; the same command goes on from there");
    }
    println!("{} replayed up to {reached} in {}", scenario.id, data.display());
    Ok(())
}

fn until(scenario: &Scenario, wanted: Option<&str>) -> anyhow::Result<Time> {
    let Some(text) = wanted else { return Ok(scenario.end) };
    let usage = |text: String| anyhow::Error::new(UsageError(text));
    let until = Time::parse(text).map_err(|error| usage(format!("--until: {error}")))?;
    if until <= scenario.begin || scenario.end < until || until != until.floor_to(MINUTE) {
        let (begin, end) = (scenario.begin, scenario.end);
        return Err(usage(format!("--until {until} is no whole minute after {begin} up to {end}")));
    }
    Ok(until)
}

/// Notes what a new directory is a replay of; refuses another one's.
fn mark(data: &Path, text: &str) -> anyhow::Result<()> {
    let marker = data.join(MARKER);
    match std::fs::read_to_string(&marker) {
        Ok(found) if found == text => Ok(()),
        Ok(found) => {
            let (data, found) = (data.display(), found.trim_end());
            Err(UsageError(format!("{data} is a replay of {found}; name another with --data"))
                .into())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let journal = data.join("journal.db");
            if journal.try_exists().with_context(|| format!("look into {}", data.display()))? {
                let data = data.display();
                return Err(UsageError(format!(
                    "{data} holds data that is no replay; name another with --data"
                ))
                .into());
            }
            std::fs::create_dir_all(data).with_context(|| format!("create {}", data.display()))?;
            std::fs::write(&marker, text).with_context(|| format!("write {}", marker.display()))
        }
        Err(error) => Err(error).with_context(|| format!("read {}", marker.display())),
    }
}

fn write_review(file: &Path, review: &review::Review) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(review)?;
    text.push('\n');
    std::fs::write(file, text).with_context(|| format!("write {}", file.display()))
}

/// Plays up to `until` or to the first signal; gives the last minute that was
/// evaluated.
async fn play(
    core: &Core,
    scenario: &Scenario,
    things: Vec<Thing>,
    mut playback: Playback,
    until: Time,
    stopped: &CancellationToken,
) -> anyhow::Result<Time> {
    let last = core.store.last_tick().await?.map(|tick| tick.at);
    let first = match last {
        Some(last) => {
            eprintln!("replay: goes on after {last}");
            playback.skip_through(last);
            last + MINUTE
        }
        None => {
            register(core, things).await?;
            scenario.begin
        }
    };
    let source = core.store.source(&SourceName::parse("replay")?).await?;
    let (minutes, mut spoken) = mpsc::channel(MINUTES_AHEAD);
    let speaker = tokio::task::spawn_blocking(move || speak(playback, first, until, &minutes));

    let mut reached = last.unwrap_or(scenario.begin);
    let mut n_messages = 0;
    while let Some(said) = spoken.recv().await {
        if stopped.is_cancelled() {
            break;
        }
        let (minute, said) = said?;
        core.clock.set(minute);
        put_documents(core, scenario, minute).await?;
        n_messages += said.len();
        deliver(&core.pipeline, source, minute, said).await?;
        core.runner.step_to(minute).await?;
        reached = minute;
        show_progress(scenario, minute, until, n_messages);
    }
    drop(spoken);
    speaker.await.context("the devices")?;
    Ok(reached)
}

async fn register(core: &Core, things: Vec<Thing>) -> anyhow::Result<()> {
    let things = things.into_iter().map(|thing| (thing, Expected::Any)).collect();
    for outcome in core.store.put_things(things).await? {
        if let store::PutOutcome::Refused(refusal) = outcome {
            bail!("{refusal}");
        }
    }
    Ok(())
}

/// Says minute after minute into the channel until it is closed or all is said.
fn speak(
    mut playback: Playback,
    first: Time,
    until: Time,
    minutes: &mpsc::Sender<anyhow::Result<(Time, Vec<Said>)>>,
) {
    let mut minute = first;
    while minute <= until {
        let said = playback.through(minute).map(|said| (minute, said));
        if minutes.blocking_send(said).is_err() {
            return;
        }
        minute = minute + MINUTE;
    }
}

/// Those whose time has come since the minute before; all earlier ones, too,
/// at the begin. What is stored already stays as it is.
async fn put_documents(core: &Core, scenario: &Scenario, minute: Time) -> anyhow::Result<()> {
    let due = scenario.documents.iter().filter(|document| {
        document.at <= minute && (minute - MINUTE < document.at || minute == scenario.begin)
    });
    for document in due {
        let stored = core.store.put_document(document.document.clone(), Expected::Any, "replay");
        stored.await?;
    }
    Ok(())
}

/// Hands a minute's messages over and waits until all are committed.
async fn deliver(
    pipeline: &Pipeline,
    source: SourceKey,
    minute: Time,
    said: Vec<Said>,
) -> anyhow::Result<()> {
    let mut receipts = Vec::with_capacity(said.len());
    for Said { thing, message } in said {
        let (told, receipt) = oneshot::channel::<Receipt>();
        receipts.push((thing.clone(), receipt));
        let delivery = Delivery {
            source,
            topic: Arc::from(format!("tidewatch/v1/{thing}/json")),
            route: Ok(Route { thing, codec: Codec::Json }),
            payload: message.payload,
            received: minute,
            is_retained: false,
            ack: Ack::new(move |receipt| {
                // Nobody waits any more when the replay was given up.
                let _ = told.send(receipt);
            }),
        };
        pipeline.submit(delivery).await?;
    }
    for (thing, receipt) in receipts {
        let receipt = receipt.await.context("the pipeline ended")?;
        if let Some(problem) = receipt.problems.first() {
            let (pointer, detail) = (&problem.pointer, &problem.detail);
            eprintln!("replay: {minute} {thing}: {pointer}: {detail}");
        }
    }
    Ok(())
}

fn show_progress(scenario: &Scenario, minute: Time, until: Time, n_messages: usize) {
    let passed_min = minute.millis_since(scenario.begin) / 60_000;
    if passed_min % SHOWN_EVERY_MIN == 0 || minute == until {
        let whole_min = until.millis_since(scenario.begin) / 60_000;
        let percent = 100 * passed_min / whole_min;
        eprintln!("replay: {minute}, {percent} %, {n_messages} messages");
    }
}

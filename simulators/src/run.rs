//! A run of many devices: each has a task that speaks and one that delivers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use model::{Catalogue, Clock};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::device::{Budget, Speaker};
use crate::door::{Device, Door, DoorUrl, Session};
use crate::fault::Faults;
use crate::fleet::Fleet;
use crate::noise::Noise;
use crate::progress::{Progress, Summary};
use crate::schedule::Schedule;
use crate::weather::Scenario;

/// How many messages of a device may wait for their acknowledgement.
const WINDOW: u16 = 10;

/// How many messages a device holds while its connection is slow.
const QUEUE: usize = 16;

/// Connections are opened this far apart.
const CONNECT_EVERY: Duration = Duration::from_millis(3);

/// How long acknowledgements are waited for: after the run's own end, and
/// after it was told to stop.
const DRAIN_MAX: Duration = Duration::from_secs(60);
pub(crate) const DRAIN_ON_SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// Highest speed-up; the period of a sensor is at least 10 ms anyway.
const RATE_MAX: f64 = 100_000.0;

#[derive(Debug, Clone)]
pub struct SimulateOptions {
    pub devices: Vec<Device>,
    /// Says how often each property reports.
    pub catalogue: Arc<Catalogue>,
    pub scenario: Scenario,
    pub door: Door,
    /// How many times faster than its period each sensor reports; a script has
    /// a pace of its own.
    pub rate: f64,
    pub seed: u64,
    pub messages_max: Option<u64>,
    /// In real time.
    pub duration: Option<Duration>,
    pub faults: Faults,
    pub clock: Clock,
}

/// Plays the scenario until its limits or `shutdown`, then waits for what is
/// not acknowledged yet.
pub async fn run(options: SimulateOptions, shutdown: CancellationToken) -> anyhow::Result<Summary> {
    if !(options.rate > 0.0 && options.rate <= RATE_MAX) {
        bail!("rate {} is not above 0 and at most {RATE_MAX}", options.rate);
    }
    if options.devices.is_empty() {
        bail!("there is no thing to simulate");
    }
    let progress = Arc::new(Progress::default());
    let (stop, give_up, printed) =
        (shutdown.child_token(), CancellationToken::new(), CancellationToken::new());
    let mut tasks = JoinSet::new();
    spawn_devices(&options, &progress, &stop, &give_up, &mut tasks);
    let printer = {
        let (progress, printed) = (Arc::clone(&progress), printed.clone());
        tokio::spawn(async move { progress.print(printed).await })
    };

    let duration = options.duration;
    let limit = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    // All three only wait, so nothing is lost with those that are dropped.
    tokio::select! {
        () = limit => stop.cancel(),
        () = stop.cancelled() => {}
    }
    let drain_max = if shutdown.is_cancelled() { DRAIN_ON_SHUTDOWN_MAX } else { DRAIN_MAX };
    let outcome = drain(tasks, drain_max, &shutdown, &give_up).await;
    printed.cancel();
    printer.await.context("progress line")?;
    outcome?;
    Ok(progress.summary())
}

fn spawn_devices(
    options: &SimulateOptions,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
    give_up: &CancellationToken,
    tasks: &mut JoinSet<()>,
) {
    let start = options.clock.scene();
    let budget = Arc::new(Budget::new(options.messages_max));
    let door = Arc::new(options.door.clone());
    for (n, device) in (0_u32..).zip(&options.devices) {
        let thing = device.thing.clone();
        let noise = Noise::new(options.seed, thing.id.as_str());
        let (output, input) = mpsc::channel(QUEUE);
        let session = Session {
            door: Arc::clone(&door),
            device: device.clone(),
            window: WINDOW,
            progress: Arc::clone(progress),
            give_up: give_up.clone(),
        };
        let speaker = Speaker {
            schedule: match &options.scenario {
                Scenario::Script(script) => {
                    Schedule::scripted(&thing, &options.catalogue, noise, script.begin)
                }
                Scenario::Fleet | Scenario::Storm { .. } => {
                    Schedule::new(&thing, &options.catalogue, options.rate, noise, start)
                }
            },
            thing,
            fleet: Fleet { seed: options.seed, scenario: options.scenario.clone() },
            faults: options.faults.clone(),
            clock: options.clock.clone(),
            start,
            // One number says nothing about its thing over HTTP.
            may_send_raw: matches!(door.url, DoorUrl::Mqtt { .. }),
            budget: Arc::clone(&budget),
            progress: Arc::clone(progress),
        };
        tasks.spawn(speaker.speak(output, stop.clone()));
        tasks.spawn(async move {
            tokio::time::sleep(CONNECT_EVERY * n).await;
            session.deliver(input).await;
        });
    }
}

/// Waits until all tasks are done; tells them to give up when it takes too
/// long, or at the second call to stop.
pub(crate) async fn drain(
    mut tasks: JoinSet<()>,
    drain_max: Duration,
    shutdown: &CancellationToken,
    give_up: &CancellationToken,
) -> anyhow::Result<()> {
    let was_shut_down = shutdown.is_cancelled();
    let mut deadline = std::pin::pin!(tokio::time::sleep(drain_max));
    loop {
        // Joining loses nothing when dropped; the others only wait.
        tokio::select! {
            joined = tasks.join_next() => match joined {
                Some(joined) => joined.context("a device's task failed")?,
                None => return Ok(()),
            },
            () = &mut deadline, if !give_up.is_cancelled() => give_up.cancel(),
            () = shutdown.cancelled(), if !was_shut_down && !give_up.is_cancelled() => {
                give_up.cancel();
            }
        }
    }
}

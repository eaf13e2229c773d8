//! Living with the scene clock.
//!
//! Whole minutes come first and none is left out: before a commit of a later
//! minute is looked at, the minute is ticked. An alert that changed is told at
//! once, everything else that changed at most once a second. A store that
//! fails is logged once when it begins and once when it ends; nothing is taken
//! in meanwhile, and the tick that could not be written is written first.

use std::time::Duration;

use model::Time;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::RunnerError;
use super::driver::Driver;
use crate::engine::{MINUTE, Scope};

/// Whole minutes that are made up for after a stop.
const MINUTES_MADE_UP: i64 = 60;

/// Between two ticks between minutes; and when an alert changed.
const CHANGES_EVERY: Duration = Duration::from_secs(1);
const ALERTS_EVERY: Duration = Duration::from_millis(50);

/// How long one wait lasts at most: the scene clock may jump.
const WAIT_MAX: Duration = Duration::from_secs(1);
const WAIT_MIN: Duration = Duration::from_millis(1);

const RETRY_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(driver: &mut Driver, shutdown: &CancellationToken) {
    let mut is_failing = false;
    let mut ticked: Option<Instant> = None;
    while !shutdown.is_cancelled() {
        let lived = live(driver, &mut ticked, &mut is_failing, shutdown).await;
        let Err(error) = lived else { return };
        if matches!(error, RunnerError::Closed) {
            return;
        }
        if !is_failing {
            error!(%error, "the evaluation fails, will try again each second");
            is_failing = true;
        }
        driver.told.fail(Some(error.to_string()));
        tokio::select! {
            // Both are cancel-safe: neither holds anything.
            () = tokio::time::sleep(RETRY_EVERY) => (),
            () = shutdown.cancelled() => return,
        }
    }
}

/// Until the shutdown, or an error.
async fn live(
    driver: &mut Driver,
    ticked: &mut Option<Instant>,
    is_failing: &mut bool,
    shutdown: &CancellationToken,
) -> Result<(), RunnerError> {
    loop {
        driver.settle().await?;
        if whole_minutes(driver, shutdown).await? {
            *ticked = Some(Instant::now());
        }
        if is_due(driver, *ticked) {
            between_minutes(driver).await?;
            *ticked = Some(Instant::now());
        }
        if std::mem::take(is_failing) {
            info!("the evaluation works again");
            driver.told.fail(None);
        }
        let wait = until_next(driver, *ticked);
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            // Cancel-safe: a commit is either taken or still there.
            commit = driver.next_commit() => {
                let commit = commit?;
                driver.take_or_keep(commit);
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Ticks the whole minutes that are over, each with the commits up to it.
/// After a long stop the first one is the present one, and runs begin anew.
async fn whole_minutes(
    driver: &mut Driver,
    shutdown: &CancellationToken,
) -> Result<bool, RunnerError> {
    let present = driver.clock.scene().floor_to(MINUTE);
    let minutes_ms = i64::try_from(MINUTE.as_millis()).unwrap_or(i64::MAX);
    let missed = driver.minute.map(|minute| present.millis_since(minute) / minutes_ms);
    match missed {
        Some(missed) if missed <= 0 => return Ok(false),
        Some(missed) if missed <= MINUTES_MADE_UP => {}
        _ => {
            driver.engine.break_runs();
            driver.minute = Some(present - MINUTE);
        }
    }
    let mut is_ticked = false;
    while let Some(minute) = driver.minute.map(|minute| minute + MINUTE)
        && minute <= driver.clock.scene()
        && !shutdown.is_cancelled()
    {
        driver.consume_up_to(Some(minute)).await?;
        driver.tick(minute, Scope::All).await?;
        is_ticked = true;
    }
    Ok(is_ticked)
}

/// How long until something that changed may be told; `None` when nothing did.
fn due_in(driver: &Driver, ticked: Option<Instant>) -> Option<Duration> {
    let every = if !driver.untold.is_empty() {
        ALERTS_EVERY
    } else if driver.all_changed || !driver.changed.is_empty() {
        CHANGES_EVERY
    } else {
        return None;
    };
    let since = ticked.map_or(every, |ticked| ticked.elapsed());
    Some(every.saturating_sub(since))
}

fn is_due(driver: &Driver, ticked: Option<Instant>) -> bool {
    due_in(driver, ticked).is_some_and(|left| left.is_zero())
}

fn until_next(driver: &Driver, ticked: Option<Instant>) -> Duration {
    let next = driver.minute.map_or(driver.clock.scene(), |minute| minute + MINUTE);
    let left_ms = u64::try_from(next.millis_since(driver.clock.scene())).unwrap_or(0);
    let to_minute = driver.clock.real_of_scene_ms(left_ms);
    let to_change = due_in(driver, ticked).unwrap_or(WAIT_MAX);
    to_minute.min(to_change).clamp(WAIT_MIN, WAIT_MAX)
}

/// Ticks the townships whose inputs changed, at an instant that is no whole
/// minute and after the last tick.
async fn between_minutes(driver: &mut Driver) -> Result<(), RunnerError> {
    let one_ms = Duration::from_millis(1);
    let mut at = driver.clock.scene().max(driver.last_tick.unwrap_or(Time::MIN) + one_ms);
    if at == at.floor_to(MINUTE) {
        at = at + one_ms;
    }
    let scope =
        if driver.all_changed { Scope::All } else { Scope::Townships(driver.changed.clone()) };
    driver.tick(at, scope).await?;
    Ok(())
}

//! What has to be done from time to time so that nothing grows for ever.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::state::AppState;

/// Samples of histograms wait in memory until they are taken together.
const METRICS_EVERY: Duration = Duration::from_secs(5);

const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Runs until the shutdown.
pub(crate) async fn keep_house(state: AppState) {
    let mut metrics = interval(METRICS_EVERY);
    let mut sweep = interval(SWEEP_EVERY);
    metrics.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // All are cancel-safe.
        tokio::select! {
            () = state.shutdown.cancelled() => return,
            _ = metrics.tick() => {
                if let Some(prometheus) = &state.prometheus {
                    prometheus.run_upkeep();
                }
            }
            _ = sweep.tick() => sweep_once(&state).await,
        }
    }
}

async fn sweep_once(state: &AppState) {
    // Addresses that are quiet again.
    state.throttle.retain_recent();
    let now = state.clock.real();
    let (idle, absolute) = (state.options.session_idle, state.options.session_absolute);
    let swept = state.store.registry().sweep_sessions(now - idle, now - absolute).await;
    if let Err(error) = swept {
        warn!(%error, "sessions that are over were not removed");
    }
}

//! The wait between two tries of something that mends, or is mended.

use std::time::Duration;

use tokio::time::sleep;

const DELAY_FIRST: Duration = Duration::from_millis(250);
const DELAY_MAX: Duration = Duration::from_secs(30);

/// 250 ms, doubling to 30 s.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryDelay {
    next: Duration,
    n_failures: u32,
}

impl Default for RetryDelay {
    fn default() -> RetryDelay {
        RetryDelay { next: DELAY_FIRST, n_failures: 0 }
    }
}

impl RetryDelay {
    pub(crate) fn n_failures(&self) -> u32 {
        self.n_failures
    }

    pub(crate) async fn wait(&mut self) {
        self.n_failures = self.n_failures.saturating_add(1);
        sleep(self.next).await;
        self.next = (self.next * 2).min(DELAY_MAX);
    }
}

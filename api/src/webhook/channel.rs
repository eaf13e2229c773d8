//! What is known of one receiver: whether it takes messages, and when it
//! becomes an alarm.

use std::sync::Mutex;

use model::Time;
use store::OutboxState;
use tracing::{error, info};

use super::receiver::Receiver;

/// Failures in a row that make a receiver an alarm.
const FAILURES_MAX: u32 = 3;

/// What is known of a receiver since the program started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiverStatus {
    /// Failures in a row.
    pub n_failed: u32,
    /// It failed often enough to be an alarm.
    pub is_failing: bool,
    pub last_error: Option<String>,
    pub last_error_at: Option<Time>,
    pub last_success: Option<Time>,
    /// Messages given up since the last success.
    pub n_given_up: u64,
}

/// A receiver and what became of its messages.
pub(super) struct Channel {
    pub(super) receiver: Receiver,
    /// Held for a copy only.
    status: Mutex<ReceiverStatus>,
}

impl Channel {
    pub(super) fn new(receiver: Receiver) -> Channel {
        Channel { receiver, status: Mutex::default() }
    }

    pub(super) fn status(&self) -> ReceiverStatus {
        self.status.lock().expect("no holder of this lock can panic").clone()
    }

    pub(super) fn failed(&self, n_failed: u32, error: &str, real: Time) {
        let name = self.receiver.name();
        let mut status = self.status.lock().expect("no holder of this lock can panic");
        status.n_failed = n_failed;
        status.last_error = Some(error.to_owned());
        status.last_error_at = Some(real);
        if n_failed >= FAILURES_MAX && !status.is_failing {
            status.is_failing = true;
            error!(receiver = name, error, "alerts do not reach a webhook receiver");
        }
        let failing = if status.is_failing { 1.0 } else { 0.0 };
        metrics::gauge!("api_webhook_failing", "receiver" => name.to_owned()).set(failing);
    }

    pub(super) fn succeeded(&self, real: Time) {
        let name = self.receiver.name();
        let mut status = self.status.lock().expect("no holder of this lock can panic");
        status.n_failed = 0;
        status.last_success = Some(real);
        let n_given_up = std::mem::take(&mut status.n_given_up);
        if std::mem::take(&mut status.is_failing) {
            info!(receiver = name, n_given_up, "alerts reach the webhook receiver again");
        }
        metrics::gauge!("api_webhook_failing", "receiver" => name.to_owned()).set(0.0);
    }

    /// Says so once, however many follow.
    pub(super) fn given_up(&self, error: &str) -> OutboxState {
        let name = self.receiver.name();
        let mut status = self.status.lock().expect("no holder of this lock can panic");
        if status.n_given_up == 0 {
            error!(receiver = name, error, "alerts were given up: GET /webhooks counts them");
        }
        status.n_given_up += 1;
        self.count_outcome("undelivered");
        OutboxState::Undelivered
    }

    pub(super) fn count_outcome(&self, outcome: &'static str) {
        let name = self.receiver.name().to_owned();
        metrics::counter!("api_webhook_deliveries_total", "receiver" => name, "outcome" => outcome)
            .increment(1);
    }
}

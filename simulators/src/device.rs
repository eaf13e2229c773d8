//! One simulated device: when it speaks, and what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use codec::{Codec, Sequence};
use model::{Clock, DatastreamSpec, Reading, ReadingTime, Thing, Time};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::fault::{FLOOD_MESSAGES, Faults, SendOrder, ThingFaults};
use crate::fleet::{Fleet, in_message_order};
use crate::message::{Message, encode_as};
use crate::noise::{Noise, seconds};
use crate::progress::Progress;
use crate::schedule::Schedule;

/// How many messages the run may still send; none means no limit.
#[derive(Debug)]
pub(crate) struct Budget(Option<AtomicU64>);

impl Budget {
    pub(crate) fn new(messages_max: Option<u64>) -> Budget {
        Budget(messages_max.map(AtomicU64::new))
    }

    fn take(&self) -> bool {
        let Some(left) = &self.0 else { return true };
        let taken = |left: u64| left.checked_sub(1);
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }
}

/// How a thing writes: most in `json`, a tenth each in the two SenML forms.
pub(crate) fn codec_of(noise: Noise) -> Codec {
    match noise.named("codec").bits(0) % 10 {
        0 => Codec::Senml,
        1 => Codec::SenmlCbor,
        _ => Codec::Json,
    }
}

/// What one device needs to speak.
pub(crate) struct Speaker {
    pub(crate) thing: Thing,
    pub(crate) fleet: Fleet,
    pub(crate) faults: Faults,
    pub(crate) schedule: Schedule,
    pub(crate) clock: Clock,
    pub(crate) start: Time,
    pub(crate) may_send_raw: bool,
    pub(crate) budget: Arc<Budget>,
    pub(crate) progress: Arc<Progress>,
}

impl Speaker {
    /// Speaks into `output` until `stop`, which it sets itself when the run
    /// has sent enough.
    pub(crate) async fn speak(mut self, output: mpsc::Sender<Message>, stop: CancellationToken) {
        let noise = Noise::new(self.fleet.seed, self.thing.id.as_str());
        let own = self.faults.of_thing(noise);
        let codec = codec_of(noise);
        let mut order = SendOrder::default();
        let mut sequence = Sequence { boot: boot_number(self.start), seq: 0 };
        let mut n_moments = 0;
        while let Some(at) = self.schedule.next() {
            if !self.waits_until(at, &stop).await {
                return;
            }
            let due = self.schedule.take(at, self.clock.scene());
            if own.silent_after.is_some_and(|after| at > self.start + after) {
                continue;
            }
            let faults = self.faults.of_message(noise, n_moments);
            let copies = if faults.is_flood { FLOOD_MESSAGES } else { 1 };
            let mut messages = Vec::new();
            for copy in 0..copies {
                let at = at + Duration::from_millis(u64::from(copy));
                let mut readings = self.readings(&due, &own, at);
                faults.falsify(&mut readings, noise, n_moments);
                if readings.is_empty() {
                    continue;
                }
                sequence.seq += 2;
                match encode_as(&self.thing, codec, self.may_send_raw, readings, sequence) {
                    Ok(encoded) => messages.extend(encoded),
                    Err(error) => self.progress.problem(format_args!("{}: {error}", self.thing.id)),
                }
            }
            n_moments += 1;
            if !self.sends(order.pass(&faults, messages), &output, &stop).await {
                return;
            }
        }
        // Everything is said, but the device stays connected.
        stop.cancelled().await;
    }

    fn readings(
        &self,
        due: &[(Vec<DatastreamSpec>, Time)],
        own: &ThingFaults,
        at: Time,
    ) -> Vec<Reading> {
        let measured_at = if own.is_stuck { self.start } else { at };
        let mut readings = Vec::new();
        for (datastreams, since) in due {
            let since = if own.is_stuck { measured_at } else { *since };
            readings.extend(self.fleet.readings(&self.thing, datastreams, since, measured_at));
        }
        for reading in &mut readings {
            reading.time = ReadingTime::At(at);
        }
        in_message_order(&mut readings);
        readings
    }

    /// False when the run is over before that.
    async fn waits_until(&self, at: Time, stop: &CancellationToken) -> bool {
        let left = seconds(at) - seconds(self.clock.scene());
        let delay = Duration::from_secs_f64((left / self.clock.speed()).max(0.0));
        // Both only wait, so nothing is lost with the one that is dropped.
        tokio::select! {
            () = tokio::time::sleep(delay) => !stop.is_cancelled(),
            () = stop.cancelled() => false,
        }
    }

    /// False when the run is over.
    async fn sends(
        &self,
        messages: Vec<Message>,
        output: &mpsc::Sender<Message>,
        stop: &CancellationToken,
    ) -> bool {
        for message in messages {
            // A permit that is not used is given back.
            let permit = tokio::select! {
                permit = output.reserve() => permit,
                () = stop.cancelled() => return false,
            };
            let Ok(permit) = permit else { return false };
            if !self.budget.take() {
                stop.cancel();
                return false;
            }
            self.progress.produced(message.n_readings);
            permit.send(message);
        }
        true
    }
}

/// Seconds since 1970 at the start: larger after each restart.
fn boot_number(start: Time) -> Option<u32> {
    u32::try_from(start.millis().div_euclid(1000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::{catalogue, start, thing};
    use crate::weather::Scenario;

    fn speaker(faults: &str, messages_max: u64) -> Speaker {
        Speaker {
            thing: thing(),
            fleet: Fleet { seed: 1, scenario: Scenario::Fleet },
            faults: faults.parse().unwrap(),
            schedule: Schedule::new(&thing(), &catalogue(), 1.0, Noise::new(1, "hm-1"), start()),
            clock: Clock::manual(start() + Duration::from_secs(86_400)),
            start: start(),
            may_send_raw: true,
            budget: Arc::new(Budget::new(Some(messages_max))),
            progress: Arc::new(Progress::default()),
        }
    }

    async fn said(speaker: Speaker) -> Vec<Message> {
        let (output, mut input) = mpsc::channel(1000);
        speaker.speak(output, CancellationToken::new()).await;
        let mut messages = Vec::new();
        while let Ok(message) = input.try_recv() {
            messages.push(message);
        }
        messages
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_says_the_same_again_and_stops_at_the_budget() {
        let messages = said(speaker("", 3)).await;
        assert_eq!(messages.len(), 3);
        assert_eq!(messages, said(speaker("", 3)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_two_hundred_messages_of_their_own_times() {
        let messages = said(speaker("flood:1", 200)).await;
        let mut payloads: Vec<_> = messages.iter().map(|message| &message.payload).collect();
        payloads.sort();
        payloads.dedup();
        assert_eq!(payloads.len(), 200);
    }

    #[test]
    fn a_stuck_thing_repeats_its_values_at_new_times() {
        let speaker = speaker("stuck:1", 1);
        let own = speaker.faults.of_thing(Noise::new(1, "hm-1"));
        let due = [(speaker.thing.datastreams[..2].to_vec(), start())];
        let later = start() + Duration::from_secs(7200);
        let values = |at| -> Vec<f64> {
            speaker.readings(&due, &own, at).iter().map(|reading| reading.value).collect()
        };
        assert_eq!(values(start()), values(later));
        let first = &speaker.readings(&due, &own, later)[0];
        assert_eq!(first.time, ReadingTime::At(later));
    }
}

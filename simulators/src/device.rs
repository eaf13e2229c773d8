//! One simulated device: when it speaks, and what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use codec::{Codec, Sequence};
use model::{Catalogue, Clock, DatastreamSpec, Reading, ReadingTime, Thing, Time};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::fault::{FLOOD_MESSAGES, Faults, SendOrder, ThingFaults};
use crate::fleet::{Fleet, in_message_order};
use crate::message::{Message, encode_as};
use crate::noise::{Noise, seconds};
use crate::progress::Progress;

/// All devices have spoken once within this time, at rate 1.
const FIRST_WITHIN: Duration = Duration::from_secs(20);

/// However high the rate, a sensor reports no faster.
const PERIOD_MIN: Duration = Duration::from_millis(10);

/// Datastreams that report together.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    datastreams: Vec<DatastreamSpec>,
    /// `None` for events: said once, that nothing has happened.
    period: Option<Duration>,
    due: Option<Time>,
    last: Time,
}

/// When the datastreams of a thing are due.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    groups: Vec<Group>,
}

impl Schedule {
    /// Datastreams of unknown properties never report.
    pub(crate) fn new(
        thing: &Thing,
        catalogue: &Catalogue,
        rate: f64,
        noise: Noise,
        start: Time,
    ) -> Schedule {
        let mut groups: Vec<Group> = Vec::new();
        let spread = FIRST_WITHIN.div_f64(rate.max(1.0));
        let first = start + spread.mul_f64(noise.named("first").unit(0));
        for datastream in &thing.datastreams {
            let Some(property) = catalogue.find(&datastream.property) else { continue };
            let full_period = property.spec.period;
            let period = full_period.map(|period| period.div_f64(rate).max(PERIOD_MIN));
            match groups.iter_mut().find(|group| group.period == period) {
                Some(group) => group.datastreams.push(datastream.clone()),
                None => groups.push(Group {
                    datastreams: vec![datastream.clone()],
                    period,
                    due: Some(first),
                    // Before its first report a total has one period behind it.
                    last: first - full_period.unwrap_or_default(),
                }),
            }
        }
        Schedule { groups }
    }

    /// The next time at which anything is due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.groups.iter().filter_map(|group| group.due).min()
    }

    /// Takes what is due at `at`: datastreams, and since when their totals
    /// count. What was missed until `now` is left out.
    fn take(&mut self, at: Time, now: Time) -> Vec<(Vec<DatastreamSpec>, Time)> {
        let due = self.groups.iter_mut().filter(|group| group.due.is_some_and(|due| due <= at));
        due.map(|group| {
            group.due = group.period.map(|period| next_due(at, period, now));
            (group.datastreams.clone(), std::mem::replace(&mut group.last, at))
        })
        .collect()
    }
}

/// One period on, or as many as it takes to come after `now`.
fn next_due(at: Time, period: Duration, now: Time) -> Time {
    let period_ms = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
    let missed = now.millis_since(at).div_euclid(period_ms).max(0);
    Time::from_millis_clamped(at.millis().saturating_add(period_ms.saturating_mul(missed + 1)))
}

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
    use model::{ObservedProperty, PropertyId};

    use super::*;
    use crate::test_thing::station;
    use crate::weather::Scenario;

    fn property(id: &'static str, period: Option<&str>) -> ObservedProperty {
        let spec = serde_json::json!({
            "name": {"zh": id, "en": id},
            "unit": "1",
            "kinds": ["hydromet_station"],
            "period": period,
            "mark": "A",
        });
        let id = PropertyId::from_static(id);
        ObservedProperty { id, spec: serde_json::from_value(spec).unwrap() }
    }

    fn catalogue() -> Catalogue {
        Catalogue::new(vec![
            property("wind_speed", Some("10min")),
            property("rainfall_depth", Some("10min")),
            property("tide_level", Some("15min")),
            property("sos_alarm", None),
        ])
        .unwrap()
    }

    fn thing() -> Thing {
        let names = ["wind_speed", "tide_level", "rainfall_depth", "sos_alarm", "unknown"];
        let datastreams = names.map(|name| DatastreamSpec {
            property: PropertyId::from_static(name),
            channel: None,
            levels: None,
            datum: None,
        });
        Thing { datastreams: datastreams.to_vec(), ..station() }
    }

    fn start() -> Time {
        Time::parse("2026-07-25T08:00:00+08:00").unwrap()
    }

    fn schedule(rate: f64) -> Schedule {
        Schedule::new(&thing(), &catalogue(), rate, Noise::new(1, "hm-1"), start())
    }

    fn taken(schedule: &mut Schedule) -> (Time, usize) {
        let at = schedule.next().unwrap();
        let n_due = schedule.take(at, at).iter().map(|(datastreams, _)| datastreams.len()).sum();
        (at, n_due)
    }

    #[test]
    fn all_report_at_first_and_then_each_by_its_period() {
        let mut schedule = schedule(1.0);
        let (first, n_due) = taken(&mut schedule);
        assert!(first >= start() && first < start() + FIRST_WITHIN);
        assert_eq!(n_due, 4);
        let minutes = |minutes: u64| first + Duration::from_secs(60 * minutes);
        let next: Vec<_> = (0..4).map(|_| taken(&mut schedule)).collect();
        assert_eq!(next, [(minutes(10), 2), (minutes(15), 1), (minutes(20), 2), (minutes(30), 3)]);
    }

    #[test]
    fn a_rate_shortens_the_periods() {
        let mut schedule = schedule(60.0);
        let (first, _) = taken(&mut schedule);
        assert_eq!(schedule.next(), Some(first + Duration::from_secs(10)));
    }

    #[test]
    fn what_was_missed_is_left_out_but_totals_span_it() {
        let mut schedule = schedule(1.0);
        let (first, _) = taken(&mut schedule);
        let late = first + Duration::from_secs(3600);
        let due = schedule.next().unwrap();
        schedule.take(due, late);
        let next = schedule.groups[0].due.unwrap();
        assert_eq!(next, first + Duration::from_secs(70 * 60));
        let spans = schedule.take(next, next);
        assert!(spans.iter().all(|(_, since)| *since < late));
    }

    fn speaker(faults: &str, messages_max: u64) -> Speaker {
        Speaker {
            thing: thing(),
            fleet: Fleet { seed: 1, scenario: Scenario::Fleet },
            faults: faults.parse().unwrap(),
            schedule: schedule(1.0),
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

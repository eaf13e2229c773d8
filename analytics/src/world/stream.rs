//! A datastream with the samples that somebody may still ask for.

use std::sync::Arc;
use std::time::Duration;

use model::{DatastreamId, DatastreamSpec, ObservedProperty, Time};

use crate::windows::Sample;

#[derive(Debug, Clone)]
pub struct Stream {
    pub id: DatastreamId,
    pub spec: DatastreamSpec,
    pub property: Arc<ObservedProperty>,
    /// How far back samples are kept; the newest usable one always is.
    pub keep: Duration,
    /// In order of event time; also those flagged fail and those ahead of the
    /// instant of evaluation.
    pub samples: Vec<Sample>,
}

impl Stream {
    /// The samples up to an instant.
    pub fn up_to(&self, at: Time) -> &[Sample] {
        &self.samples[..self.samples.partition_point(|sample| sample.time <= at)]
    }

    /// The newest usable sample up to an instant.
    pub fn latest(&self, at: Time) -> Option<&Sample> {
        self.up_to(at).iter().rev().find(|sample| sample.is_usable())
    }

    /// Event time of the newest sample of any quality: is the device there?
    pub fn last_heard(&self, at: Time) -> Option<Time> {
        self.up_to(at).last().map(|sample| sample.time)
    }

    /// Takes a sample in; one of the same time is replaced.
    pub fn insert(&mut self, sample: Sample) {
        let place = self.samples.partition_point(|held| held.time < sample.time);
        match self.samples.get_mut(place) {
            Some(held) if held.time == sample.time => *held = sample,
            _ => self.samples.insert(place, sample),
        }
    }

    /// Forgets what nobody can ask for at `at` or later.
    pub fn forget_before(&mut self, at: Time) {
        let limit = at - self.keep;
        let n_old = self.samples.partition_point(|sample| sample.time <= limit);
        // The newest usable one stays, and what came after it.
        let newest_usable =
            self.samples.iter().rposition(Sample::is_usable).unwrap_or(self.samples.len());
        self.samples.drain(..n_old.min(newest_usable));
    }
}

#[cfg(test)]
mod tests {
    use model::{Catalogue, PropertyId, Quality};

    use super::*;

    fn minute(n: i64) -> Time {
        Time::from_millis_clamped(n * 60_000)
    }

    fn stream() -> Stream {
        let spec = serde_json::from_value(serde_json::json!({
            "name": {"zh": "风速", "en": "Wind"}, "unit": "m/s",
            "kinds": ["hydromet_station"], "mark": "K",
        }));
        let property =
            ObservedProperty { id: PropertyId::from_static("wind_speed"), spec: spec.unwrap() };
        Catalogue::new(vec![property.clone()]).unwrap();
        Stream {
            id: DatastreamId::parse("hm-001/wind_speed").unwrap(),
            spec: DatastreamSpec {
                property: property.id.clone(),
                channel: None,
                levels: None,
                datum: None,
            },
            property: Arc::new(property),
            keep: Duration::from_secs(600),
            samples: Vec::new(),
        }
    }

    fn sample(n: i64, value: f64, quality: Quality) -> Sample {
        Sample { time: minute(n), since: None, value, quality }
    }

    #[test]
    fn samples_stand_in_order_and_replace_each_other() {
        let mut stream = stream();
        for (n, value) in [(5, 1.0), (1, 2.0), (5, 3.0)] {
            stream.insert(sample(n, value, Quality::PASS));
        }
        let found: Vec<f64> = stream.samples.iter().map(|sample| sample.value).collect();
        assert_eq!(found, [2.0, 3.0]);
        assert_eq!(stream.latest(minute(4)).map(|sample| sample.value), Some(2.0));
    }

    #[test]
    fn the_newest_usable_sample_is_never_forgotten() {
        let mut stream = stream();
        for n in 0..5 {
            stream.insert(sample(n, 1.0, Quality::PASS));
        }
        stream.forget_before(minute(1_000));
        assert_eq!(stream.samples.len(), 1);
        assert_eq!(stream.last_heard(minute(1_000)), Some(minute(4)));
    }
}

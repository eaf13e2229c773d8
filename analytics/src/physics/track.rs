//! The track of a storm: fixes of position and central pressure.

use std::time::Duration;

use model::{Position, Time};

/// One analysed or forecast position of the centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    pub time: Time,
    pub centre: Position,
    pub pressure_hpa: f64,
}

/// A storm's fixes in order of time, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    fixes: Vec<Fix>,
    /// Scales the modelled wind to the CMA landfall intensity; 1 by default.
    intensity_factor: f64,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrackError {
    #[error("a track needs at least one fix")]
    Empty,
    #[error("fix {index}: time {time} is not after the fix before it")]
    TimeBackwards { index: usize, time: Time },
    #[error("fix {index}: pressure {pressure_hpa} hPa is not in 850..1050")]
    Pressure { index: usize, pressure_hpa: f64 },
    #[error("intensity factor {0} is not in 0.1..5")]
    Factor(f64),
}

/// Where the centre is and how deep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Centre {
    pub position: Position,
    pub pressure_hpa: f64,
}

impl Track {
    pub fn new(fixes: Vec<Fix>, intensity_factor: f64) -> Result<Track, TrackError> {
        if fixes.is_empty() {
            return Err(TrackError::Empty);
        }
        for (index, fix) in fixes.iter().enumerate() {
            if index > 0 && fix.time <= fixes[index - 1].time {
                return Err(TrackError::TimeBackwards { index, time: fix.time });
            }
            if !(850.0..=1050.0).contains(&fix.pressure_hpa) {
                return Err(TrackError::Pressure { index, pressure_hpa: fix.pressure_hpa });
            }
        }
        if !(0.1..=5.0).contains(&intensity_factor) {
            return Err(TrackError::Factor(intensity_factor));
        }
        Ok(Track { fixes, intensity_factor })
    }

    pub fn fixes(&self) -> &[Fix] {
        &self.fixes
    }

    pub fn intensity_factor(&self) -> f64 {
        self.intensity_factor
    }

    pub fn first_time(&self) -> Time {
        self.fixes[0].time
    }

    pub fn last_time(&self) -> Time {
        self.fixes[self.fixes.len() - 1].time
    }

    /// Centre and pressure at an instant (docs/indices.md 2.3 step 1, A):
    /// latitude, longitude and pressure linear in time between fixes; before
    /// and after the track its end points.
    pub fn at(&self, time: Time) -> Centre {
        let after = self.fixes.partition_point(|fix| fix.time <= time);
        let last = self.fixes.len() - 1;
        if after == 0 || after > last {
            let fix = &self.fixes[after.min(last)];
            return Centre { position: fix.centre, pressure_hpa: fix.pressure_hpa };
        }
        let (before, after) = (&self.fixes[after - 1], &self.fixes[after]);
        let share =
            time.millis_since(before.time) as f64 / after.time.millis_since(before.time) as f64;
        let between = |from: f64, to: f64| from + (to - from) * share;
        let position = Position::new(
            between(before.centre.longitude(), after.centre.longitude()),
            between(before.centre.latitude(), after.centre.latitude()),
        )
        .expect("between two positions on the globe");
        Centre { position, pressure_hpa: between(before.pressure_hpa, after.pressure_hpa) }
    }

    /// Whole hours from the first fix to the last, both ends included.
    pub fn hours(&self) -> impl Iterator<Item = Time> + '_ {
        let last = self.last_time();
        (0..)
            .map(|hour| self.first_time() + Duration::from_secs(hour * 3_600))
            .take_while(move |time| *time <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(hour: i64, latitude: f64, longitude: f64, pressure_hpa: f64) -> Fix {
        let centre = Position::new(longitude, latitude).unwrap();
        Fix { time: Time::from_millis_clamped(hour * 3_600_000), centre, pressure_hpa }
    }

    #[test]
    fn centres_lie_between_fixes_and_end_where_the_track_ends() {
        let track = Track::new(vec![fix(0, 20.0, 130.0, 980.0), fix(6, 23.0, 127.0, 950.0)], 1.0);
        let track = track.unwrap();
        let centre = track.at(Time::from_millis_clamped(2 * 3_600_000));
        assert_eq!((centre.position.latitude(), centre.pressure_hpa), (21.0, 970.0));
        assert_eq!(track.at(Time::MIN).pressure_hpa, 980.0);
        assert_eq!(track.at(Time::MAX).pressure_hpa, 950.0);
        assert_eq!(track.hours().count(), 7);
    }

    #[test]
    fn broken_tracks_are_refused() {
        assert_eq!(Track::new(vec![], 1.0), Err(TrackError::Empty));
        let back = Track::new(vec![fix(6, 20.0, 130.0, 980.0), fix(6, 20.0, 130.0, 980.0)], 1.0);
        assert!(matches!(back, Err(TrackError::TimeBackwards { index: 1, .. })));
        let flat = Track::new(vec![fix(0, 20.0, 130.0, 0.0)], 1.0);
        assert!(matches!(flat, Err(TrackError::Pressure { index: 0, .. })));
        assert!(Track::new(vec![fix(0, 20.0, 130.0, 980.0)], f64::NAN).is_err());
    }
}

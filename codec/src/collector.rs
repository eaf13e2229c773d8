//! Gathers what a payload holds, within its limit.

use model::Reading;

use crate::{DecodeError, Decoded, Limits, ReadingProblem, Sequence};

pub(crate) struct Collector<'c> {
    limits: &'c Limits,
    n_elements: usize,
    pub(crate) readings: Vec<Reading>,
    pub(crate) problems: Vec<ReadingProblem>,
}

impl<'c> Collector<'c> {
    pub(crate) fn new(limits: &'c Limits) -> Collector<'c> {
        Collector { limits, n_elements: 0, readings: Vec::new(), problems: Vec::new() }
    }

    /// Counts an object or record, which may hold no reading at all.
    pub(crate) fn count_element(&mut self) -> Result<(), DecodeError> {
        self.n_elements += 1;
        if self.n_elements > self.limits.readings {
            return Err(DecodeError::TooManyReadings { limit: self.limits.readings });
        }
        Ok(())
    }

    /// Keeps the reading, or why it is lost.
    pub(crate) fn add(
        &mut self,
        outcome: Result<Reading, DecodeError>,
        pointer: impl FnOnce() -> String,
    ) -> Result<(), DecodeError> {
        if self.readings.len() + self.problems.len() >= self.limits.readings {
            return Err(DecodeError::TooManyReadings { limit: self.limits.readings });
        }
        match outcome {
            Ok(reading) => self.readings.push(reading),
            Err(error) => self.problems.push(ReadingProblem { pointer: pointer(), error }),
        }
        Ok(())
    }

    pub(crate) fn finish(self, sequence: Option<Sequence>) -> Result<Decoded, DecodeError> {
        if self.readings.is_empty() && self.problems.is_empty() {
            return Err(DecodeError::Empty);
        }
        Ok(Decoded { readings: self.readings, problems: self.problems, sequence })
    }
}

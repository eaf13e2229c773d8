//! From SenML records to readings: base fields, names, times, units.
//!
//! A base field holds from its record on, until another replaces it. What is
//! wrong with a base field's kind refuses the pack, as every record after it
//! would be wrong; what is wrong with one record costs that record.

use std::borrow::Cow;

use model::{Channel, PropertyId, Reading, ReadingTime, Time, Unit};

use super::label::Label;
use super::record::{Record, Scalar};
use super::{ABSOLUTE_FROM_S, unit};
use crate::collector::Collector;
use crate::error::shown;
use crate::pointer::pointer;
use crate::{Context, DecodeError, Decoded, Limits};

const VERSION_MAX: f64 = 10.0;

pub(super) struct Resolver<'c> {
    context: &'c Context<'c>,
    collector: Collector<'c>,
    n_records: usize,
    base_name: String,
    base_time_s: Option<f64>,
    base_unit: Option<Scalar>,
    base_value: Option<f64>,
}

/// The label that is to blame, and why.
type Blamed = (Option<Label>, DecodeError);

impl<'c> Resolver<'c> {
    pub(super) fn new(context: &'c Context<'c>) -> Resolver<'c> {
        Resolver {
            context,
            collector: Collector::new(context.limits),
            n_records: 0,
            base_name: String::new(),
            base_time_s: None,
            base_unit: None,
            base_value: None,
        }
    }

    pub(super) fn finish(self) -> Result<Decoded, DecodeError> {
        self.collector.finish(None)
    }

    pub(super) fn add(&mut self, mut record: Record) -> Result<(), DecodeError> {
        self.collector.count_element()?;
        let index = self.n_records;
        self.n_records += 1;
        if let Some(defect) = record.defect.take() {
            return Err(defect);
        }
        let is_base_only = is_base_only(&record);
        self.take_base_fields(&mut record)?;
        if is_base_only {
            return Ok(());
        }

        let (outcome, blamed) = match self.reading(&mut record) {
            Ok(reading) => (Ok(reading), None),
            Err((label, error)) => (Err(error), label),
        };
        self.collector.add(outcome, || match blamed {
            Some(label) => pointer(Some(index), &[label.text()]),
            None => pointer(Some(index), &[]),
        })
    }

    fn take_base_fields(&mut self, record: &mut Record) -> Result<(), DecodeError> {
        match record.take(Label::BaseVersion) {
            Some(Scalar::Number(version)) if (1.0..=VERSION_MAX).contains(&version) => (),
            Some(Scalar::Number(version)) => {
                return Err(DecodeError::UnsupportedVersion(version.to_string()));
            }
            Some(other) => return Err(DecodeError::UnsupportedVersion(other.kind().to_owned())),
            None => (),
        }
        match record.take(Label::BaseName) {
            Some(Scalar::Text(name)) => self.base_name = name,
            Some(other) => return Err(bad_base(Label::BaseName, &other, "a text")),
            None => (),
        }
        match record.take(Label::BaseUnit) {
            Some(unit @ Scalar::Text(_)) => self.base_unit = Some(unit),
            Some(other) => return Err(bad_base(Label::BaseUnit, &other, "a text")),
            None => (),
        }
        let numbers =
            [(Label::BaseTime, &mut self.base_time_s), (Label::BaseValue, &mut self.base_value)];
        for (label, field) in numbers {
            match record.take(label) {
                Some(Scalar::Number(number)) => *field = Some(number),
                Some(other) => return Err(bad_base(label, &other, "a number")),
                None => (),
            }
        }
        Ok(())
    }

    fn reading(&self, record: &mut Record) -> Result<Reading, Blamed> {
        let (property, channel) =
            self.name(record.take(Label::Name)).map_err(|error| (Some(Label::Name), error))?;
        let time =
            self.time(record.take(Label::Time)).map_err(|error| (Some(Label::Time), error))?;
        let unit =
            self.unit(record.take(Label::Unit)).map_err(|error| (Some(Label::Unit), error))?;
        let value = self.value(record)?;
        Ok(Reading { property, channel, value, unit, time, since: None })
    }

    fn name(&self, name: Option<Scalar>) -> Result<(PropertyId, Option<Channel>), DecodeError> {
        let own_name = match name {
            Some(Scalar::Text(text)) => text,
            // A kind is no name either, and the error shows which it was.
            Some(other) => other.kind().to_owned(),
            None => String::new(),
        };
        let resolved = if self.base_name.is_empty() {
            Cow::Borrowed(own_name.as_str())
        } else {
            check_length(self.base_name.len() + own_name.len(), self.context.limits)?;
            Cow::Owned(format!("{}{own_name}", self.base_name))
        };
        check_length(resolved.len(), self.context.limits)?;

        let thing = self.context.thing.as_str();
        let local = match resolved.split_once('/') {
            Some((named, local)) if named == thing => local,
            None if !resolved.starts_with("urn:") => resolved.as_ref(),
            _ if starts_like_a_name(&resolved) => {
                let expected = thing.to_owned();
                return Err(DecodeError::WrongThing { found: shown(&resolved), expected });
            }
            _ => resolved.as_ref(),
        };
        Reading::parse_name(local).map_err(DecodeError::BadName)
    }

    fn time(&self, time: Option<Scalar>) -> Result<ReadingTime, DecodeError> {
        let own_time_s = match time {
            Some(Scalar::Number(seconds)) => seconds,
            Some(other) => return Err(DecodeError::bad_time(other.kind())),
            None => 0.0,
        };
        let seconds = self.base_time_s.unwrap_or(0.0) + own_time_s;
        // A relative time this far back would be before any sensor of ours; a
        // NaN is not inside either.
        let is_credible = -ABSOLUTE_FROM_S < seconds && seconds.is_finite();
        if !is_credible {
            return Err(DecodeError::bad_time(&seconds.to_string()));
        }
        // The cast saturates, and `from_millis` refuses what it saturates to.
        let millis = (seconds * 1000.0).round() as i64;
        if ABSOLUTE_FROM_S <= seconds {
            return Time::from_millis(millis).map(ReadingTime::At).map_err(DecodeError::of_time);
        }
        Ok(match millis {
            0 => ReadingTime::Arrival,
            offset_ms => ReadingTime::RelativeToArrival(offset_ms),
        })
    }

    fn unit(&self, unit: Option<Scalar>) -> Result<Option<Unit>, DecodeError> {
        match unit.as_ref().or(self.base_unit.as_ref()) {
            Some(Scalar::Text(text)) => {
                unit::parse(text).map(Some).ok_or_else(|| DecodeError::UnknownUnit(shown(text)))
            }
            Some(other) => Err(DecodeError::UnknownUnit(other.kind().to_owned())),
            None => Ok(None),
        }
    }

    fn value(&self, record: &mut Record) -> Result<f64, Blamed> {
        let kinds = [Label::Value, Label::StringValue, Label::BooleanValue, Label::DataValue];
        let mut present = kinds.into_iter().filter(|&label| record.has(label));
        let Some(label) = present.next() else {
            return Err(match record.has(Label::Sum) {
                true => (Some(Label::Sum), DecodeError::SumWithoutValue),
                false => (None, DecodeError::MissingValue),
            });
        };
        if present.next().is_some() {
            return Err((None, DecodeError::SeveralValues));
        }
        let value = match (label, record.take(label)) {
            (Label::Value, Some(Scalar::Number(value))) => {
                self.base_value.map_or(value, |base| base + value)
            }
            (Label::BooleanValue, Some(Scalar::Bool(value))) => f64::from(u8::from(value)),
            (_, found) => {
                let kind = found.as_ref().map_or("missing", Scalar::kind);
                return Err((Some(label), DecodeError::bad_value(kind)));
            }
        };
        if value.is_finite() { Ok(value) } else { Err((Some(label), DecodeError::NotFinite)) }
    }
}

/// Does the record only set base fields for those after it?
fn is_base_only(record: &Record) -> bool {
    let is_base = |label: Label| label.integer() < 0;
    let mut present = Label::ALL.iter().copied().filter(|&label| record.has(label)).peekable();
    present.peek().is_some() && present.all(is_base)
}

fn bad_base(label: Label, found: &Scalar, expected: &'static str) -> DecodeError {
    DecodeError::BadBaseField { label: label.text(), found: found.kind(), expected }
}

fn check_length(found: usize, limits: &Limits) -> Result<(), DecodeError> {
    if found > limits.string_bytes {
        return Err(DecodeError::StringTooLong { found, limit: limits.string_bytes });
    }
    Ok(())
}

/// SenML's own grammar of names, which is wider than that of ours.
fn starts_like_a_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-:./_".contains(&byte))
}

//! QARTOD quality flags, with the tests that set them.
//!
//! A flag never deletes or changes a value.

use serde::{Deserialize, Serialize};

/// The primary flag of an observation (QARTOD, IOC 54:V3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    Pass = 1,
    NotEvaluated = 2,
    Suspect = 3,
    Fail = 4,
    Missing = 9,
}

impl Flag {
    pub fn code(self) -> u8 {
        self as u8
    }

    pub fn from_code(code: u8) -> Option<Flag> {
        match code {
            1 => Some(Flag::Pass),
            2 => Some(Flag::NotEvaluated),
            3 => Some(Flag::Suspect),
            4 => Some(Flag::Fail),
            9 => Some(Flag::Missing),
            _ => None,
        }
    }
}

/// Why an observation is not a plain pass. Each is one bit of [`Quality`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityTest {
    GrossRange = 0x10,
    RateOfChange = 0x20,
    Spike = 0x40,
    FlatLine = 0x80,
    /// The payload carried no time of its own; the time is that of arrival.
    ArrivalTime = 0x100,
    /// The thing was not in service: shown to engineers, kept out of indices.
    NotInService = 0x200,
}

impl QualityTest {
    pub const ALL: [QualityTest; 6] = [
        QualityTest::GrossRange,
        QualityTest::RateOfChange,
        QualityTest::Spike,
        QualityTest::FlatLine,
        QualityTest::ArrivalTime,
        QualityTest::NotInService,
    ];
}

/// A flag and the marks of the tests behind it, in one stored integer:
/// the low four bits are the flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quality(u16);

impl Quality {
    pub const PASS: Quality = Quality(1);
    pub const NOT_EVALUATED: Quality = Quality(2);

    pub fn new(flag: Flag) -> Quality {
        Quality(u16::from(flag.code()))
    }

    /// Adds a mark and worsens the flag to `flag` if that is worse.
    /// `NotEvaluated` and `Pass` give way to any finding.
    #[must_use]
    pub fn marked(self, test: QualityTest, flag: Flag) -> Quality {
        let worse = self.flag().max(flag);
        Quality((self.0 & !0xF) | test as u16 | u16::from(worse.code()))
    }

    pub fn flag(self) -> Flag {
        let code = u8::try_from(self.0 & 0xF).expect("four bits fit a byte");
        Flag::from_code(code).unwrap_or(Flag::NotEvaluated)
    }

    pub fn has(self, test: QualityTest) -> bool {
        self.0 & test as u16 != 0
    }

    pub fn tests(self) -> impl Iterator<Item = QualityTest> {
        QualityTest::ALL.into_iter().filter(move |test| self.has(*test))
    }

    /// May the value enter an index or an alarm? Fail never does; what a thing
    /// sends while it is not in service does not either.
    pub fn is_usable(self) -> bool {
        !matches!(self.flag(), Flag::Fail | Flag::Missing) && !self.has(QualityTest::NotInService)
    }

    pub fn to_bits(self) -> u16 {
        self.0
    }

    /// For values read back from our own files.
    pub fn from_bits(bits: u16) -> Quality {
        Quality(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_is_the_flag_and_all_marks_stay() {
        let quality = Quality::PASS
            .marked(QualityTest::Spike, Flag::Suspect)
            .marked(QualityTest::GrossRange, Flag::Fail)
            .marked(QualityTest::FlatLine, Flag::Suspect);
        assert_eq!(quality.flag(), Flag::Fail);
        assert!(
            QualityTest::ALL[..4]
                .iter()
                .all(|t| quality.has(*t) == (*t != QualityTest::RateOfChange))
        );
        assert_eq!(Quality::from_bits(quality.to_bits()), quality);
        assert!(!quality.is_usable());
    }
}

//! Gaps in the devices' own counts (`seq`, `boot`): what was lost before it
//! reached us, shown as upstream gaps and never hidden.

use std::collections::HashMap;

use codec::Sequence;
use model::ThingId;

/// Things remembered; beyond it new ones are not watched.
const THINGS_MAX: usize = 100_000;

/// A count without `boot` that falls back further than this began anew; a
/// smaller step back is a redelivery.
const REDELIVERY_MAX: u64 = 1_000;

#[derive(Debug, Clone, Copy)]
struct Position {
    boot: Option<u32>,
    seq: u64,
    missing: u64,
}

#[derive(Debug, Default)]
pub(crate) struct UpstreamGaps {
    positions: HashMap<ThingId, Position>,
}

impl UpstreamGaps {
    /// Takes a payload's count and returns how many before it are missing.
    /// Of an array only the last count is known, so `is_array` moves the
    /// position without claiming a gap.
    pub(crate) fn observe(&mut self, thing: &ThingId, found: Sequence, is_array: bool) -> u64 {
        let Some(position) = self.positions.get_mut(thing) else {
            if self.positions.len() < THINGS_MAX {
                let position = Position { boot: found.boot, seq: found.seq, missing: 0 };
                self.positions.insert(thing.clone(), position);
            }
            return 0;
        };

        let is_restart = match (found.boot, position.boot) {
            (Some(found), Some(known)) => found != known,
            (None, None) => found.seq < position.seq && position.seq - found.seq > REDELIVERY_MAX,
            _ => true,
        };
        if is_restart {
            position.boot = found.boot;
            position.seq = found.seq;
            return 0;
        }
        if found.seq <= position.seq {
            return 0;
        }
        let missing = if is_array { 0 } else { found.seq - position.seq - 1 };
        position.seq = found.seq;
        position.missing = position.missing.saturating_add(missing);
        missing
    }

    /// Things with a gap, and how many payloads are missing of each.
    pub(crate) fn list(&self) -> Vec<(ThingId, u64)> {
        let mut gaps: Vec<(ThingId, u64)> = self
            .positions
            .iter()
            .filter(|(_, position)| position.missing > 0)
            .map(|(thing, position)| (thing.clone(), position.missing))
            .collect();
        gaps.sort();
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(counts: &[(Option<u32>, u64)], expected_missing: u64) {
        let thing = ThingId::parse("rain-017").unwrap();
        let mut gaps = UpstreamGaps::default();
        let missing: u64 = counts
            .iter()
            .map(|&(boot, seq)| gaps.observe(&thing, Sequence { boot, seq }, false))
            .sum();
        assert_eq!(missing, expected_missing);
        assert_eq!(gaps.list().iter().map(|(_, n)| n).sum::<u64>(), expected_missing);
    }

    #[test]
    fn a_jump_ahead_is_a_gap() {
        check(&[(Some(1), 5), (Some(1), 6), (Some(1), 9)], 2);
        check(&[(None, 5), (None, 7)], 1);
    }

    #[test]
    fn redelivery_and_reboot_are_no_gaps() {
        check(&[(Some(1), 5), (Some(1), 4), (Some(1), 5), (Some(1), 6)], 0);
        check(&[(Some(1), 500), (Some(2), 0), (Some(2), 1)], 0);
        check(&[(None, 50_000), (None, 1), (None, 2)], 0);
    }

    #[test]
    fn an_array_claims_no_gap() {
        let thing = ThingId::parse("rain-017").unwrap();
        let mut gaps = UpstreamGaps::default();
        for (seq, is_array, expected) in [(1, false, 0), (11, true, 0), (13, false, 1)] {
            let found = gaps.observe(&thing, Sequence { boot: Some(1), seq }, is_array);
            assert_eq!(found, expected);
        }
    }
}

//! What a delivery lost on its way: told to its sender in the receipt, and
//! kept with its bytes in one quarantine row.

use store::QuarantineRow;

use crate::Problem;
use crate::chunk::Origin;

/// Problems told to the sender; the quarantine row keeps the whole payload.
const PROBLEMS_MAX: usize = 100;

/// Problems that a quarantine row's detail lists.
const DETAIL_PROBLEMS_MAX: usize = 5;

#[derive(Debug, Default)]
pub(crate) struct Losses {
    problems: Vec<Problem>,
    /// Problems that go to quarantine, those beyond the limits too.
    n_quarantined: usize,
    /// The code of the first of them.
    reason: Option<&'static str>,
    n_readings: usize,
}

impl Losses {
    /// Nothing goes to quarantine.
    pub(crate) fn is_empty(&self) -> bool {
        self.n_quarantined == 0
    }

    /// One reading is set aside.
    pub(crate) fn add(&mut self, pointer: String, code: &'static str, detail: String) {
        self.n_quarantined += 1;
        self.n_readings += 1;
        self.reason.get_or_insert(code);
        self.push(Problem { pointer, code, detail });
    }

    /// The payload is set aside, with as many readings as it holds.
    pub(crate) fn add_payload(&mut self, code: &'static str, detail: String, n_readings: usize) {
        self.n_quarantined += 1;
        self.n_readings += n_readings;
        self.reason.get_or_insert(code);
        self.push(Problem { pointer: Problem::WHOLE.to_owned(), code, detail });
    }

    /// Told to the sender, but refused instead of kept.
    pub(crate) fn note(&mut self, code: &'static str, detail: String) {
        self.push(Problem { pointer: Problem::WHOLE.to_owned(), code, detail });
    }

    fn push(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    pub(crate) fn quarantine_row(&self, origin: &Origin) -> Option<QuarantineRow> {
        let reason = self.reason?;
        let listed: Vec<String> = self
            .problems
            .iter()
            .take(DETAIL_PROBLEMS_MAX)
            .map(|problem| format!("{} {}: {}", problem.pointer, problem.code, problem.detail))
            .collect();
        let mut detail = listed.join("; ");
        if DETAIL_PROBLEMS_MAX < self.n_quarantined {
            let more = self.n_quarantined - DETAIL_PROBLEMS_MAX;
            detail.push_str(&format!("; and {more} more"));
        }
        let n_readings = u32::try_from(self.n_readings).unwrap_or(u32::MAX);
        Some(origin.quarantine(reason, detail, n_readings))
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

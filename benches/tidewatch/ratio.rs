//! Two rivals in turns: machines drift, so neither runs all its turns first.

use crate::stats::median;

/// Rates of both, one pair a turn.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    ours: Vec<f64>,
    rivals: Vec<f64>,
}

impl Turns {
    pub(crate) fn add(&mut self, ours: f64, rivals: f64) {
        let ratio = 100.0 * ours / rivals;
        eprintln!("bench:   ours {ours:.0}/s, rival {rivals:.0}/s, {ratio:.1} %");
        self.ours.push(ours);
        self.rivals.push(rivals);
    }

    pub(crate) fn ours(&self) -> f64 {
        median(&self.ours)
    }

    pub(crate) fn rivals(&self) -> f64 {
        median(&self.rivals)
    }

    /// The median of the turns' ratios, in percent.
    pub(crate) fn percent(&self) -> f64 {
        let ratios: Vec<f64> =
            self.ours.iter().zip(&self.rivals).map(|(ours, rival)| 100.0 * ours / rival).collect();
        median(&ratios)
    }
}

//! A progress bar on standard error; a line now and then where that is no
//! terminal.

use std::io::{IsTerminal, Write};

const WIDTH: u64 = 40;

pub(super) struct Bar {
    what: &'static str,
    is_terminal: bool,
    shown: Option<u64>,
}

impl Bar {
    pub(super) fn new(what: &'static str) -> Bar {
        Bar { what, is_terminal: std::io::stderr().is_terminal(), shown: None }
    }

    pub(super) fn show(&mut self, done: u64, all: u64) {
        let percent = (done * 100).checked_div(all).unwrap_or(100);
        // A log needs no hundred lines.
        let step = if self.is_terminal { percent } else { percent / 25 * 25 };
        if self.shown == Some(step) {
            return;
        }
        self.shown = Some(step);
        let mut output = std::io::stderr().lock();
        // Nobody looks where it cannot be written.
        let _ = if self.is_terminal {
            let n_full = usize::try_from(percent * WIDTH / 100).unwrap_or(0);
            let (full, rest) = ("#".repeat(n_full), "·".repeat(WIDTH as usize - n_full));
            write!(output, "\r{} [{full}{rest}] {percent:3} %", self.what)
        } else {
            writeln!(output, "{}: {percent} %", self.what)
        };
    }

    pub(super) fn end(self) {
        if self.is_terminal && self.shown.is_some() {
            eprintln!();
        }
    }
}

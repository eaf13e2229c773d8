//! Tidewatch: one binary. Each subcommand is a file in `commands/`.

#![expect(clippy::print_stdout, reason = "standard output is what a command answers")]

mod bench_data;
mod cli;
mod client;
mod commands;
mod config;
mod logging;
#[cfg(test)]
mod resilience;
mod run;
mod scenario;
mod system;

use std::process::ExitCode;

use clap::Parser;

/// Exit codes of every command: 0 done, 1 failed, 2 used or configured wrongly.
const FAILED: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not mistakes.
            let code = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match commands::dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The alternate form prints the chain of causes on one line.
            eprintln!("tidewatch: {error:#}");
            let is_usage = error.downcast_ref::<commands::UsageError>().is_some()
                || error.downcast_ref::<config::InvalidConfig>().is_some();
            ExitCode::from(if is_usage { USAGE } else { FAILED })
        }
    }
}

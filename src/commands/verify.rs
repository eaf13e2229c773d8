//! `verify`: is everything that is stored as it was written? It only reads, so
//! it runs beside a server or without one.

use std::path::Path;

use anyhow::bail;
use store::{Damage, VerifyReport};

use super::bar::Bar;
use crate::cli::DataArgs;

/// Hours named in one line; the rest are counted.
const HOURS_SHOWN: usize = 24;

pub(crate) fn verify(args: &DataArgs) -> anyhow::Result<()> {
    check(&args.data)
}

/// Prints what is damaged and fails when anything is.
pub(crate) fn check(data: &Path) -> anyhow::Result<()> {
    let mut bar = Bar::new("verify");
    let report = store::verify(data, &mut |done, all| bar.show(done, all))?;
    bar.end();
    let VerifyReport { n_hours, n_files, n_rows, damages, lost, is_ledger_checked } = report;
    for damage in &damages {
        println!("{}", line(damage));
    }
    for (hour, n_rows) in &lost {
        println!("lost: {n_rows} rows of hour {hour}; an earlier repair found no file for them");
    }
    println!("{n_hours} hours, {n_files} files, {n_rows} rows looked at");
    if !is_ledger_checked {
        println!("ledger not compared: rows are on the move, run it again later");
    }
    match damages.len() {
        0 => Ok(()),
        n => bail!(
            "{n} damages; stop the server and run `tidewatch repair --data {}`, or restore a \
             backup",
            data.display()
        ),
    }
}

fn line(damage: &Damage) -> String {
    let Damage { file, hours, reason, .. } = damage;
    let shown: Vec<String> = hours.iter().take(HOURS_SHOWN).map(ToString::to_string).collect();
    let more = hours.len().saturating_sub(HOURS_SHOWN);
    match (shown.is_empty(), more) {
        (true, _) => format!("damaged: {file}: {reason}"),
        (false, 0) => format!("damaged: {file}: {reason}; hours {}", shown.join(", ")),
        (false, _) => {
            format!("damaged: {file}: {reason}; hours {} and {more} more", shown.join(", "))
        }
    }
}

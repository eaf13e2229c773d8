//! `repair`: what is damaged is set aside and made anew where anything is left
//! to make it from; nothing is deleted.

use model::{Clock, Time};
use store::RepairReport;

use crate::cli::DataArgs;

pub(crate) fn repair(args: &DataArgs) -> anyhow::Result<()> {
    let report = store::repair(&args.data, &Clock::System)?;
    let RepairReport { set_aside, rewritten, released, noted, lost, left, is_fresh_journal } =
        &report;
    for path in set_aside {
        println!("set aside as {}", path.display());
    }
    if *is_fresh_journal {
        println!("the next start begins a fresh journal");
    }
    print_hours("written anew by the next start", rewritten);
    print_hours("read from the archive from now on", released);
    print_hours("counted anew", noted);
    for (hour, n_rows) in lost {
        println!("lost: {n_rows} rows of hour {hour}; a backup may have them");
    }
    for line in left {
        println!("left as it is: {line}");
    }
    if report == RepairReport::default() {
        println!("nothing is damaged");
    }
    Ok(())
}

fn print_hours(what: &str, hours: &[Time]) {
    for hour in hours {
        println!("{what}: hour {hour}");
    }
}

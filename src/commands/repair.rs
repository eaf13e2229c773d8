//! `repair`: a journal that cannot be opened is set aside, never deleted.

use model::Clock;
use store::Store;

use crate::cli::DataArgs;

pub(crate) fn repair(args: &DataArgs) -> anyhow::Result<()> {
    let aside = Store::set_aside(&args.data, &Clock::System)?;
    println!("set aside as {}; the next start begins a fresh journal", aside.display());
    Ok(())
}

//! `backup` of a data directory, also of one that a server works in, and
//! `restore` into a new one.

use anyhow::Context;
use model::Clock;

use super::bar::Bar;
use super::verify;
use crate::cli::{BackupArgs, RestoreArgs};

pub(crate) fn backup(args: &BackupArgs) -> anyhow::Result<()> {
    let (data, target) = (&args.data.data, &args.directory);
    let mut bar = Bar::new("backup");
    let made = store::backup(data, target, &Clock::System, &mut |done, all| bar.show(done, all))
        .with_context(|| format!("back up {} to {}", data.display(), target.display()))?;
    bar.end();
    println!(
        "{}: everything up to commit {}, {} archive files",
        target.display(),
        made.commit,
        made.n_files
    );
    Ok(())
}

/// What was restored is verified at once: a backup may have been damaged.
pub(crate) fn restore(args: &RestoreArgs) -> anyhow::Result<()> {
    let (from, data) = (&args.directory, &args.data.data);
    let mut bar = Bar::new("restore");
    let made = store::restore(from, data, &mut |done, all| bar.show(done, all))
        .with_context(|| format!("restore {} to {}", from.display(), data.display()))?;
    bar.end();
    println!(
        "{}: as it was at {}, up to commit {}, {} archive files",
        data.display(),
        made.made,
        made.commit,
        made.n_files
    );
    verify::check(data)
}

//! A disk that fails under the running journal.

use crate::child::{acknowledged, check_batches, check_followed, check_ticks, lines, start};
use crate::support::open;

const N_ROWS: u32 = 10;

/// No file of the child can grow beyond this: its log hits the limit every
/// few dozen commits, its main file does not.
const FILE_KIB_MAX: u32 = 1024;

#[tokio::test]
async fn the_journal_opens_again_after_an_io_error_and_gives_up_after_three() {
    let directory = tempfile::tempdir().unwrap();
    // The reserve is larger than the limit: it must be there before.
    drop(open(directory.path()));
    let mut child = start(directory.path(), N_ROWS, Some(FILE_KIB_MAX));
    let lines = lines(&mut child);
    child.wait().unwrap();

    let end = lines.iter().find(|line| line.starts_with("fatal=")).unwrap();
    assert!(end.starts_with("fatal=true"), "{end}");
    assert!(end.contains("three times in ten minutes"), "{end}");
    let acked = acknowledged(&lines);
    // One log holds some 40 of these commits: the child went on after the
    // first and the second error.
    assert!(60 < acked.len(), "only {} commits", acked.len());

    let (store, report) = open(directory.path());
    assert_eq!(report.lost_acknowledged, 0);
    check_batches(&store, &acked, N_ROWS).await;
    check_ticks(&store, &acked).await;
    check_followed(&store, 0, N_ROWS).await;
}

//! SIGKILL at random moments: what was acknowledged is there, and is followed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::child::{acknowledged, check_batches, check_followed, check_ticks, lines, start};
use crate::support::open;

const N_KILLS: usize = 20;
const SEED: u64 = 20_260_725;
const N_ROWS: u32 = 400;

#[tokio::test]
async fn twenty_kills_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut random = StdRng::seed_from_u64(SEED);
    let mut all = Vec::new();
    let mut followed = 0;
    for kill in 0..N_KILLS {
        let mut child = start(directory.path(), N_ROWS, None);
        let delay = Duration::from_millis(random.random_range(20..1_000));
        tokio::time::sleep(delay).await;
        child.kill().unwrap();
        let acked = acknowledged(&lines(&mut child));
        child.wait().unwrap();
        all.extend(acked);

        let (store, report) = open(directory.path());
        assert_eq!(report.lost_acknowledged, 0, "seed {SEED}, kill {kill}");
        assert!(all.last().copied().unwrap_or(0) <= report.commit, "seed {SEED}, kill {kill}");
        check_batches(&store, &all, N_ROWS).await;
        check_ticks(&store, &all).await;
        followed = check_followed(&store, followed, N_ROWS).await;
    }
    assert!(N_KILLS < all.len(), "hardly anything was committed: {} batches", all.len());
}

//! SIGKILL at random moments of the mover: whatever it was doing, what was
//! committed is read, once, and counted right.
//!
//! The child is this test program. It commits rows that follow from their
//! commit number, into hours of all states, and moves as fast as it can; the
//! parent knows from the last commit alone what must be there.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use model::{Clock, Time};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::{
    DatastreamKey, Mover, MoverOptions, MoverStep, ObservationRow, SourceKey, Store, StoreOptions,
};

use crate::child::{acknowledged, lines};
use crate::scene::{everything, hours, second};
use crate::support::{ALWAYS, commit, options, row, source_name, thing};

const DIRECTORY: &str = "STORE_TEST_MOVER_DIRECTORY";
const N_KILLS: u32 = 200;
const SEED: u64 = 20_260_728;

/// Commits that register things and a source.
const N_BEFORE: u64 = 2;

/// Commits of one hour of the scene.
const PER_HOUR: u64 = 3;

/// What the commit of this number holds.
fn rows_of(source: SourceKey, number: u64) -> Vec<ObservationRow> {
    let mut random = StdRng::seed_from_u64(number);
    let hour = (number / PER_HOUR) as i64;
    let one = |_| {
        let ago = random.random_range(0..=hour.min(30));
        let time = second(hour - ago, random.random_range(0..3) * 1_200);
        row(source, random.random_range(1..=3), time, f64::from(random.random_range(0..3)))
    };
    (0..20).map(one).collect()
}

fn open(directory: &Path) -> (Store, Clock) {
    let clock = Clock::manual(hours(0));
    let options = StoreOptions { clock: clock.clone(), ..options(directory) };
    let (store, report) = Store::open(options).unwrap();
    assert_eq!(report.lost_acknowledged, 0);
    clock.set(hours((report.commit / PER_HOUR) as i64));
    (store, clock)
}

fn mover(store: &Store) -> Mover {
    let options = MoverOptions {
        hot: Duration::from_secs(5 * 3600),
        merge_every: Duration::ZERO,
        compact_every: Duration::ZERO,
        ..MoverOptions::default()
    };
    Mover::new(store.clone(), options)
}

/// The child's part; nothing unless a parent set the scene.
#[test]
fn moves_until_it_is_stopped() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (store, clock) = open(Path::new(&directory));
        if store.last_commit() < N_BEFORE {
            store.put_things(vec![(thing("thing-0", 3), store::Expected::Any)]).await.unwrap();
        }
        let source = store.source(&source_name("embedded")).await.unwrap();
        let mut mover = mover(&store);
        loop {
            let number = store.last_commit() + 1;
            clock.set(hours((number / PER_HOUR) as i64));
            assert_eq!(commit(&store, rows_of(source, number)).await.unwrap().commit, number);
            let mut output = std::io::stdout().lock();
            output.write_all(format!("{number}\n").as_bytes()).unwrap();
            drop(output);
            for _ in 0..4 {
                mover.step().await.unwrap();
            }
        }
    });
}

/// What must be there after the commits up to `last`.
#[derive(Default)]
struct Model {
    last: u64,
    visible: BTreeMap<(u32, Time), f64>,
    stored: u64,
    duplicate: u64,
    replaced: u64,
}

impl Model {
    fn go_to(&mut self, source: SourceKey, last: u64) {
        for number in self.last.max(N_BEFORE) + 1..=last {
            for row in rows_of(source, number) {
                match self.visible.insert((row.datastream.0, row.time), row.value) {
                    Some(before) if before.to_bits() == row.value.to_bits() => {
                        self.duplicate += 1;
                        continue;
                    }
                    Some(_) => self.replaced += 1,
                    None => (),
                }
                self.stored += 1;
            }
        }
        self.last = last;
    }

    async fn check(&self, store: &Store, context: &str) {
        let mut found = BTreeMap::new();
        for (place, rows) in everything(store).await.into_iter().enumerate() {
            for row in rows {
                let before = found.insert((place as u32 + 1, row.time), row.value);
                assert_eq!(before, None, "{context}: a key is there twice");
            }
        }
        assert_eq!(found, self.visible, "{context}");
    }

    async fn check_counts(&self, store: &Store, context: &str) {
        let ledger = store.ledger(ALWAYS).await.unwrap();
        let sum = |of: fn(&store::LedgerRow) -> u64| ledger.iter().map(of).sum::<u64>();
        let found = (sum(|row| row.stored), sum(|row| row.duplicate), sum(|row| row.replaced));
        assert_eq!(found, (self.stored, self.duplicate, self.replaced), "{context}");
        let mut n_replaced = 0;
        for key in 1..=3 {
            let rows = store.replaced(DatastreamKey(key), ALWAYS, usize::MAX >> 1).await.unwrap();
            n_replaced += rows.len() as u64;
        }
        assert_eq!(n_replaced, self.replaced, "{context}");
    }
}

/// Runs the child for so long; gives the last commit that it was told of.
async fn run_child(directory: &Path, delay: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["mover_kill::moves_until_it_is_stopped", "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tokio::time::sleep(delay).await;
    child.kill().unwrap();
    let told = acknowledged(&lines(&mut child));
    child.wait().unwrap();
    told.last().copied().unwrap_or(0)
}

#[tokio::test]
async fn two_hundred_kills_of_the_mover_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut random = StdRng::seed_from_u64(SEED);
    let mut model = Model::default();
    for kill in 0..N_KILLS {
        let delay = Duration::from_millis(random.random_range(15..160));
        let acknowledged = run_child(path, delay).await;
        let context = format!("seed {SEED}, kill {kill}");
        let (store, _) = open(path);
        assert!(acknowledged <= store.last_commit(), "{context}");
        let Some(source) = (N_BEFORE <= store.last_commit()).then_some(SourceKey(1)) else {
            continue;
        };
        model.go_to(source, store.last_commit());
        model.check(&store, &context).await;
        if kill % 20 == 19 {
            let mut mover = mover(&store);
            while mover.step().await.unwrap() != MoverStep::Idle {}
            model.check(&store, &context).await;
            model.check_counts(&store, &context).await;
            let report = store::verify(path, &mut |_, _| ()).unwrap();
            assert_eq!(report.damages, [], "{context}");
        }
    }
    assert!(u64::from(N_KILLS) < model.last, "hardly anything was committed: {}", model.last);
}

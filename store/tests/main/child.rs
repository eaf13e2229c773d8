//! This test program, run once more as a process of its own that can be
//! killed, or given limits.
//!
//! The child commits batches whose rows follow from their commit number, each
//! fifth time a tick instead, and writes one line `{commit}` for each answer it
//! got.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use model::Time;
use store::{
    AlertTransitionRow, Content, DatastreamKey, MemoryPart, ObservationRow, SourceKey, Store,
    TickWrite,
};

use crate::support::{ALWAYS, MORNING_MS, commit, prepared, row, tick};

const DIRECTORY: &str = "STORE_TEST_CHILD_DIRECTORY";
const N_ROWS: &str = "STORE_TEST_CHILD_ROWS";

pub(crate) const N_DATASTREAMS: u32 = 20;

/// Commits with such a number are ticks.
const TICK_EVERY: u64 = 5;

/// What the tick with commit number `number` writes.
fn tick_of(number: u64) -> TickWrite {
    let at = Time::from_millis(MORNING_MS + number as i64 * 1_000).unwrap();
    let mut write = tick(at, number - 1);
    let body = number.to_string();
    let part = |name: &str| MemoryPart {
        part: name.to_owned(),
        at,
        commit: number - 1,
        body: body.clone().into_bytes(),
    };
    write.memory = vec![part("one"), part("two")];
    let sequence = u32::try_from(number).unwrap();
    write.transitions = vec![AlertTransitionRow { alert: "a".to_owned(), sequence, at, body }];
    write
}

/// Rows of the batch with commit number `number`.
fn batch(source: SourceKey, number: u64, n_rows: u32) -> Vec<ObservationRow> {
    let one = |place: u32| {
        let time = Time::from_millis(MORNING_MS + number as i64 * 1_000 + i64::from(place));
        row(source, 1 + place % N_DATASTREAMS, time.unwrap(), value(number, place))
    };
    (0..n_rows).map(one).collect()
}

fn value(number: u64, place: u32) -> f64 {
    number as f64 + f64::from(place) / 1_000.0
}

/// The child's part; nothing unless a parent set the scene.
#[test]
fn commits_until_it_is_stopped() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let n_rows = std::env::var_os(N_ROWS).unwrap().into_string().unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let result = runtime.block_on(commit_for_ever(Path::new(&directory), n_rows));
    say(&result);
}

/// Not `println!`: a harness may keep that back.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    output.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Ends at the first commit that fails; says how.
async fn commit_for_ever(directory: &Path, n_rows: u32) -> String {
    let (store, source) = prepared(directory, N_DATASTREAMS as usize).await;
    loop {
        let number = store.last_commit() + 1;
        let committed = match number % TICK_EVERY {
            0 => store.write_tick(tick_of(number)).await,
            _ => commit(&store, batch(source, number, n_rows)).await.map(|done| done.commit),
        };
        match committed {
            Ok(committed) => {
                assert_eq!(committed, number);
                say(&number.to_string());
            }
            Err(error) => return format!("fatal={} {error}", *store.fatal().borrow()),
        }
    }
}

/// Starts the child; with a limit no file of it can grow beyond so many
/// kilobytes, which it sees as an I/O error.
pub(crate) fn start(directory: &Path, n_rows: u32, file_kib_max: Option<u32>) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = match file_kib_max {
        None => Command::new(program),
        Some(kib) => {
            let limits = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kib * 2);
            let mut command = Command::new("sh");
            command.arg("-c").arg(limits).arg(program);
            command
        }
    };
    command
        .args(["child::commits_until_it_is_stopped", "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(N_ROWS, n_rows.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The child's lines up to its end; a line cut by a kill is left out.
pub(crate) fn lines(child: &mut Child) -> Vec<String> {
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() != 0 && line.ends_with('\n') {
        lines.push(line.trim().to_owned());
        line.clear();
    }
    lines
}

/// The commit numbers among the lines.
pub(crate) fn acknowledged(lines: &[String]) -> Vec<u64> {
    lines.iter().filter_map(|line| line.parse().ok()).collect()
}

/// Every batch is there as a whole or not at all, and all of `acknowledged`
/// are there.
pub(crate) async fn check_batches(store: &Store, acknowledged: &[u64], n_rows: u32) {
    let mut found = std::collections::BTreeMap::<u64, Vec<f64>>::new();
    for key in 1..=N_DATASTREAMS {
        let rows = store.observations(DatastreamKey(key), ALWAYS, usize::MAX).await.unwrap();
        for row in rows {
            found.entry(row.commit).or_default().push(row.value);
        }
    }
    for (number, values) in &mut found {
        values.sort_by(f64::total_cmp);
        let expected: Vec<f64> = (0..n_rows).map(|place| value(*number, place)).collect();
        assert_eq!(*values, expected, "commit {number} is not what was sent");
    }
    for number in acknowledged.iter().filter(|number| **number % TICK_EVERY != 0) {
        assert!(found.contains_key(number), "acknowledged commit {number} is lost");
    }
    let ledger = store.ledger(ALWAYS).await.unwrap();
    let n_stored: u64 = ledger.iter().map(|row| row.stored).sum();
    assert_eq!(n_stored, found.len() as u64 * u64::from(n_rows), "ledger and rows differ");
}

/// Each tick is there as a whole or not at all, and the last of `acknowledged`
/// is there.
pub(crate) async fn check_ticks(store: &Store, acknowledged: &[u64]) {
    let ticks = store.ticks(ALWAYS, usize::MAX).await.unwrap();
    let history = store.alert_history("a").await.unwrap();
    let sequences: Vec<u64> = history.iter().map(|row| u64::from(row.sequence)).collect();
    let numbers: Vec<u64> = ticks.iter().map(|tick| tick.commit + 1).collect();
    assert_eq!(sequences, numbers);
    let last = numbers.last().copied().unwrap_or(0);
    for part in store.memory().await.unwrap() {
        assert_eq!(part.body, last.to_string().into_bytes(), "part {}", part.part);
    }
    let mut acknowledged = acknowledged.iter().filter(|number| **number % TICK_EVERY == 0);
    assert!(acknowledged.all(|number| numbers.contains(number)), "an acknowledged tick is lost");
}

/// Every commit after `after` is followed, in order, with what was sent. Gives
/// the last one.
pub(crate) async fn check_followed(store: &Store, after: u64, n_rows: u32) -> u64 {
    let mut follower = store.follow(after);
    for number in after + 1..=store.last_commit() {
        let commit = follower.next().await.unwrap().unwrap();
        assert_eq!(commit.number, number);
        let Content::Observations(rows) = commit.content else { continue };
        let mut values: Vec<f64> = rows.iter().map(|row| row.value).collect();
        values.sort_by(f64::total_cmp);
        let expected: Vec<f64> = (0..n_rows).map(|place| value(number, place)).collect();
        assert_eq!(values, expected, "commit {number} is not what was sent");
    }
    store.last_commit()
}

//! The writer's thread: what it takes next, and the work that is not a batch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{broadcast, mpsc};

use super::commit::{Context, Written, check_rows, write_rows};
use super::commits::Note;
use super::latest::LatestCache;
use super::ticks::{check_tick, write_tick};
use super::transactions::Transactions;
use super::{Batch, Piece, Shared, Urgent};
use crate::follower::Live;
use crate::{Committed, Rows, StoreError, TickWrite};

/// How often counts from outside and the disk's room are looked at.
const TICK: Duration = Duration::from_millis(500);

/// Old commits are forgotten this often. Who follows from before a stop has
/// begun long before the first time.
const FORGET_EVERY: Duration = Duration::from_secs(10);
const FORGET_FIRST: Duration = Duration::from_secs(600);

/// A piece of the mover waits for at most so many batches: a journal that is
/// always busy must still get rid of its rows.
const BATCHES_BEFORE_PIECE: u32 = 4;

enum Next {
    Urgent(Urgent),
    Batch(Batch),
    Piece(Piece),
    Tick,
    Closed,
}

pub(super) struct Writer {
    journal: Transactions,
    latest: LatestCache,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        commits: broadcast::Sender<Live>,
        latest: LatestCache,
    ) -> Result<Writer, StoreError> {
        Ok(Writer { journal: Transactions::new(shared, connection, commits)?, latest })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.journal.shared)
    }

    /// Runs until all senders are gone and what they sent is done.
    pub(super) fn run(
        mut self,
        mut urgent: mpsc::Receiver<Urgent>,
        mut batches: mpsc::Receiver<Batch>,
        mut pieces: mpsc::Receiver<Piece>,
    ) {
        let mut n_batches = 0;
        let _alarm = PanicAlarm(Arc::clone(&self.journal.shared));
        let mut tick_at = Instant::now() + TICK;
        let mut forget_at = Instant::now() + FORGET_FIRST;
        loop {
            let piece_first = BATCHES_BEFORE_PIECE <= n_batches;
            let next =
                self.journal.next(&mut urgent, &mut batches, &mut pieces, piece_first, tick_at);
            match next {
                Next::Urgent(work) => self.do_urgent(work),
                Next::Piece(Piece { work, reply }) => {
                    n_batches = 0;
                    let done = self.journal.write(None, &|transaction| Ok(work(transaction)?));
                    let _ = reply.send(done);
                }
                Next::Batch(Batch { rows, reply }) => {
                    n_batches += 1;
                    let committed = self.commit(&rows);
                    // A caller that went away offers the rows again some day.
                    let _ = reply.send(committed);
                }
                Next::Tick => {
                    self.journal.write_rejected();
                    tick_at = Instant::now() + TICK;
                    if forget_at <= tick_at {
                        self.journal.forget_commits();
                        forget_at = tick_at + FORGET_EVERY;
                    }
                }
                Next::Closed => break,
            }
        }
        while let Ok(work) = urgent.try_recv() {
            self.do_urgent(work);
        }
        self.journal.write_rejected();
        self.journal.close();
    }

    fn commit(&mut self, rows: &Rows) -> Result<Committed, StoreError> {
        let begun = Instant::now();
        self.check(rows)?;
        self.journal.shared.space.make_room()?;
        let before = &self.latest;
        let written = self.journal.write_numbered(|transaction, stamp| {
            let mut written = write_rows(transaction, rows, &Context::new(stamp, before))?;
            let (buckets, stored) = (std::mem::take(&mut written.buckets), written.stored.take());
            Ok(Note::of_rows(written.committed.n_stored, buckets, stored).done(written))
        });
        match written {
            Ok(Written { committed, latest, .. }) => {
                self.latest.apply(latest);
                metrics::histogram!("store_commit_seconds").record(begun.elapsed());
                Ok(committed)
            }
            Err(error) => {
                metrics::counter!("store_errors_total", "kind" => error.kind()).increment(1);
                Err(error)
            }
        }
    }

    fn check(&self, rows: &Rows) -> Result<(), StoreError> {
        let shared = &self.journal.shared;
        check_rows(rows, &shared.directory.load(), shared.sources.load().len())
    }

    fn tick(&mut self, write: &TickWrite) -> Result<u64, StoreError> {
        self.check(&write.rows)?;
        check_tick(write)?;
        let before = &self.latest;
        let Written { committed, latest, .. } =
            self.journal.write_urgent(|transaction, stamp| {
                let context = Context { has_followers: false, ..Context::new(stamp, before) };
                let mut written = write_rows(transaction, &write.rows, &context)?;
                write_tick(transaction, write, stamp.number)?;
                let buckets = std::mem::take(&mut written.buckets);
                Ok(Note::of_tick(written.committed.n_stored, buckets).done(written))
            })?;
        self.latest.apply(latest);
        Ok(committed.commit)
    }

    /// Answers that nobody waits for any more are dropped.
    fn do_urgent(&mut self, work: Urgent) {
        let journal = &mut self.journal;
        match work {
            Urgent::Tick { write, reply } => {
                let _ = reply.send(self.tick(&write));
            }
            Urgent::PutDocument { document, expected, actor, reply } => {
                let _ = reply.send(journal.put_document(*document, expected, &actor));
            }
            Urgent::OutboxUpdate { id, state, next_try, detail, reply } => {
                let _ = reply.send(journal.outbox_update(id, state, next_try, &detail));
            }
            Urgent::Source { name, reply } => {
                let _ = reply.send(journal.add_source(name));
            }
            Urgent::PutThings { things, reply } => {
                let _ = reply.send(journal.put_things(things));
            }
            Urgent::EnsureDatastream { thing, property, channel, reply } => {
                let _ = reply.send(journal.ensure_datastream(&thing, property, channel));
            }
            Urgent::MarkRedriven { id, reply } => {
                let _ = reply.send(journal.mark_redriven(id));
            }
            Urgent::Probe { reply } => {
                let _ = reply.send(journal.probe());
            }
        }
    }
}

/// Tells the process when the thread ends by a panic.
struct PanicAlarm(Arc<Shared>);

impl Drop for PanicAlarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fatal.send_replace(true);
        }
    }
}

impl Transactions {
    /// Urgent work first and pieces last, unless `piece_first`; nothing keeps
    /// the tick waiting.
    fn next(
        &self,
        urgent: &mut mpsc::Receiver<Urgent>,
        batches: &mut mpsc::Receiver<Batch>,
        pieces: &mut mpsc::Receiver<Piece>,
        piece_first: bool,
        tick_at: Instant,
    ) -> Next {
        if tick_at <= Instant::now() {
            return Next::Tick;
        }
        if piece_first && let Ok(piece) = pieces.try_recv() {
            return Next::Piece(piece);
        }
        self.runtime.block_on(async {
            // All four are cancel-safe: `recv` takes nothing unless it is the
            // branch that ends.
            tokio::select! {
                biased;
                Some(work) = urgent.recv() => Next::Urgent(work),
                batch = batches.recv() => batch.map_or(Next::Closed, Next::Batch),
                Some(piece) = pieces.recv() => Next::Piece(piece),
                () = tokio::time::sleep_until(tick_at.into()) => Next::Tick,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use model::{Clock, DatastreamSpec, LocalizedName, PropertyId, Quality, SourceName, Thing};
    use model::{ThingId, ThingKind, ThingState, Time};

    use super::*;
    use crate::files::{DataDirectory, RESERVE};
    use crate::follower::Content;
    use crate::journal::start::prepare;
    use crate::journal::transactions::{Failure, Stamp};
    use crate::rows::{DatastreamKey, ObservationRow};
    use crate::space::Space;
    use crate::{Expected, SourceKey, StoreOptions, queries};

    /// A writer on this thread, with one datastream and one source.
    fn writer(path: &Path) -> Writer {
        let options = StoreOptions {
            directory: path.to_owned(),
            origin: None,
            clock: Clock::manual(Time::EPOCH),
            n_readers: 1,
            datastreams_per_thing_max: 1,
        };
        let directory = Arc::new(DataDirectory::take(path).unwrap());
        let space = Arc::new(Space::new(Arc::clone(&directory)));
        let (mut writer, _) = prepare(&options, &directory, &space, None).unwrap();
        let property = PropertyId::from_static("water_level");
        let thing = Thing {
            id: ThingId::parse("gauge-1").unwrap(),
            kind: ThingKind::HydrometStation,
            name: LocalizedName { zh: "站".into(), en: "gauge".into() },
            township: None,
            position: None,
            state: ThingState::InService,
            serves: Vec::new(),
            raw_property: None,
            datastreams: vec![DatastreamSpec {
                property,
                channel: None,
                levels: None,
                datum: None,
            }],
        };
        writer.journal.put_things(vec![(thing, Expected::Any)]).unwrap();
        writer.journal.add_source(SourceName::parse("embedded").unwrap()).unwrap();
        writer
    }

    /// `n` rows from `second` on, a millisecond apart.
    fn rows(second: u64, n: u64) -> Rows {
        let row = |place| ObservationRow {
            source: SourceKey(1),
            datastream: DatastreamKey(1),
            time: Time::EPOCH + Duration::from_secs(second) + Duration::from_millis(place),
            since: None,
            value: 1.0,
            quality: Quality::PASS,
            received: Time::EPOCH,
        };
        Rows { observations: (0..n).map(row).collect(), ..Rows::default() }
    }

    /// Lets the main file grow by so many pages, as a full disk would.
    fn leave_pages(writer: &mut Writer, n: i64) {
        let limit = |connection: &Connection| {
            let found: i64 = connection.pragma_query_value(None, "page_count", |r| r.get(0))?;
            let limit = found + n;
            Ok(connection.pragma_update_and_check(None, "max_page_count", limit, |_| Ok(()))?)
        };
        writer.journal.write(None, &limit).unwrap();
    }

    fn latest(writer: &mut Writer) -> Time {
        let read = |connection: &Connection| Ok(queries::latest(connection)?);
        writer.journal.write(None, &read).unwrap()[0].observation.time
    }

    #[test]
    fn a_full_disk_keeps_nothing_of_a_batch_and_gives_the_reserve_to_urgent_work() {
        let directory = tempfile::tempdir().unwrap();
        let reserve = directory.path().join(RESERVE);
        let mut writer = writer(directory.path());
        writer.commit(&rows(100, 1)).unwrap();
        let commit = writer.journal.shared.last_commit();
        assert!(reserve.try_exists().unwrap());

        leave_pages(&mut writer, 0);
        let error = writer.commit(&rows(200, 5_000)).unwrap_err();
        assert!(matches!(error, StoreError::Full), "{error:?}");
        assert!(!reserve.try_exists().unwrap());
        assert_eq!(writer.journal.shared.last_commit(), commit);

        leave_pages(&mut writer, 1_000);
        writer.journal.add_source(SourceName::parse("http").unwrap()).unwrap();
        assert!(writer.journal.shared.space.is_full());

        writer.commit(&rows(150, 1)).unwrap();
        assert!(reserve.try_exists().unwrap(), "the reserve is made first of all");
        let second_150 = Time::EPOCH + Duration::from_secs(150);
        assert_eq!(latest(&mut writer), second_150, "the failed batch is remembered");
    }

    #[test]
    fn urgent_work_gets_the_room_of_the_reserve_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = writer(directory.path());
        let n_runs = std::cell::Cell::new(0);
        let first_time_full = |_: &Connection, _: Stamp| {
            n_runs.set(n_runs.get() + 1);
            match n_runs.get() {
                1 => {
                    let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
                    Err(Failure::Sqlite(rusqlite::Error::SqliteFailure(full, None)))
                }
                _ => Ok(Note::of(Content::Other).done(())),
            }
        };
        writer.journal.write_urgent(first_time_full).unwrap();
        assert!(!directory.path().join(RESERVE).try_exists().unwrap());
    }

    #[test]
    fn after_an_io_error_the_work_runs_again_on_new_connections() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = writer(directory.path());
        writer.commit(&rows(100, 1)).unwrap();
        let commit = writer.journal.shared.last_commit();
        let n_runs = std::cell::Cell::new(0);
        let log = directory.path().join("journal.db-wal");
        let fails = |n_failures| {
            n_runs.set(0);
            let (n_runs, log) = (&n_runs, &log);
            move |connection: &Connection, stamp: Stamp| {
                n_runs.set(n_runs.get() + 1);
                let n_bytes = log.metadata().unwrap().len();
                assert_eq!(n_bytes == 0, n_runs.get() > 1, "the log was not copied and emptied");
                if n_runs.get() <= n_failures {
                    let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
                    return Err(Failure::Sqlite(rusqlite::Error::SqliteFailure(error, None)));
                }
                let value = (stamp.number, queries::last_commit(connection)?);
                Ok(Note::of(Content::Other).done(value))
            }
        };
        let done = writer.journal.write_numbered(fails(1)).unwrap();
        assert_eq!((done, n_runs.get()), ((commit + 1, commit), 2));
        assert!(!*writer.journal.shared.watch_fatal().borrow());

        let error = writer.journal.write_numbered(fails(9)).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert_eq!(n_runs.get(), 2, "the third failure in all ends it");
        assert!(*writer.journal.shared.watch_fatal().borrow());
        assert!(writer.commit(&rows(300, 1)).is_err());
    }
}

//! Commits in, ticks out: what both ways to run have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use model::{Clock, Document, Time, TownshipCode};
use store::{
    AlertRow, AlertTransitionRow, Commit, Content, Follower, MemoryPart, ObservationRow, Rows,
    ScoreRow, SourceKey, Store, TickRow, TickWrite,
};

use super::registry::Registry;
use super::stored::Stored;
use super::{CountyTick, RunnerError, Told, lock};
use crate::alerts::outward::{Outward, outbox_rows};
use crate::engine::{Derived, Engine, Evaluation, MINUTE, Observed, Scope};
use crate::record::{AlertRecord, Feature, IndexId, ScoreRecord};
use crate::windows::Sample;

/// Where a start goes on: the last whole minute that was evaluated, and the
/// last commit that it saw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) minute: Option<Time>,
    pub(super) commit: u64,
}

#[derive(Debug)]
pub(super) struct Driver {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) engine: Engine,
    registry: Registry,
    registry_changed: bool,
    webhooks: Outward,
    follower: Follower,
    /// Taken from the follower and not evaluated yet.
    ahead: Option<Commit>,
    /// The last whole minute that was evaluated.
    pub(super) minute: Option<Time>,
    /// The last tick of any kind.
    pub(super) last_tick: Option<Time>,
    /// The last commit that was evaluated.
    pub(super) cursor: u64,
    observed: Vec<Observed>,
    /// Told since the last tick.
    pub(super) untold: Vec<AlertRecord>,
    /// Townships whose inputs changed since the last tick.
    pub(super) changed: BTreeSet<TownshipCode>,
    pub(super) all_changed: bool,
    stored: Stored,
    /// Parts of the memory as they were written last.
    saved: BTreeMap<String, Vec<u8>>,
    newest: BTreeMap<(IndexId, Feature), Arc<ScoreRecord>>,
    source: SourceKey,
    /// A tick that is evaluated and not yet in the journal.
    unwritten: Option<Unwritten>,
    pub(super) told: Arc<Told>,
}

/// What a tick found, until it is durable.
#[derive(Debug)]
struct Unwritten {
    at: Time,
    commit: u64,
    is_whole_minute: bool,
    began: Instant,
    scores: Vec<ScoreRow>,
    alerts: Vec<AlertRecord>,
    derived: Vec<Derived>,
    memory: Vec<MemoryPart>,
}

impl Driver {
    #[expect(clippy::too_many_arguments, reason = "called once, by the start")]
    pub(super) fn new(
        store: Store,
        clock: Clock,
        engine: Engine,
        registry: Registry,
        webhooks: Outward,
        place: Place,
        source: SourceKey,
        stored: Stored,
        saved: BTreeMap<String, Vec<u8>>,
        told: Arc<Told>,
    ) -> Driver {
        let follower = store.follow(place.commit);
        Driver {
            store,
            clock,
            engine,
            registry,
            registry_changed: true,
            webhooks,
            follower,
            ahead: None,
            minute: place.minute,
            last_tick: place.minute,
            cursor: place.commit,
            observed: Vec::new(),
            untold: Vec::new(),
            changed: BTreeSet::new(),
            all_changed: true,
            stored,
            saved,
            newest: BTreeMap::new(),
            source,
            unwritten: None,
            told,
        }
    }

    /// Looks at the next commit, if there is one.
    pub(super) async fn look_ahead(&mut self) -> Result<(), RunnerError> {
        if self.ahead.is_none() && self.cursor < self.store.last_commit() {
            self.ahead = Some(self.next_commit().await?);
        }
        Ok(())
    }

    /// Leaves out the commits that the journal does not tell any more.
    pub(super) fn skip_to_newest(&mut self) {
        self.ahead = None;
        self.cursor = self.store.last_commit();
        self.follower = self.store.follow(self.cursor);
        self.engine.break_runs();
    }

    /// Cancel-safe, as the follower is.
    pub(super) async fn next_commit(&mut self) -> Result<Commit, RunnerError> {
        match self.ahead.take() {
            Some(commit) => Ok(commit),
            None => Ok(self.follower.next().await.ok_or(RunnerError::Closed)??),
        }
    }

    /// Evaluates the commits up to the newest one and an instant; one of later
    /// waits.
    pub(super) async fn consume_up_to(&mut self, at: Option<Time>) -> Result<(), RunnerError> {
        let target = self.store.last_commit();
        while self.cursor < target {
            let commit = self.next_commit().await?;
            if at.is_some_and(|at| at < commit.at) {
                self.ahead = Some(commit);
                break;
            }
            self.consume(commit);
        }
        self.watch_observed();
        Ok(())
    }

    /// Takes a commit in, unless it is of a later minute: that one waits until
    /// the minute is ticked.
    pub(super) fn take_or_keep(&mut self, commit: Commit) {
        if self.minute.is_some_and(|minute| minute + MINUTE < commit.at) {
            self.ahead = Some(commit);
        } else {
            self.consume(commit);
            self.watch_observed();
        }
    }

    /// Takes a commit in. Readings are watched by [`Driver::watch_observed`].
    pub(super) fn consume(&mut self, commit: Commit) {
        self.cursor = commit.number;
        match commit.content {
            Content::Observations(rows) => self.observe(&rows, commit.at),
            Content::Documents(documents) => {
                self.watch_observed();
                for document in documents {
                    self.document(document, commit.at);
                }
            }
            Content::Things => self.registry_changed = true,
            Content::Tick | Content::Other => {}
        }
    }

    fn observe(&mut self, rows: &[ObservationRow], at: Time) {
        self.see_registry(at);
        for row in rows {
            let Some(id) = self.registry.id(row.datastream) else { continue };
            let ObservationRow { time, since, value, quality, received, .. } = *row;
            self.changed.extend(self.engine.townships_fed_by(id));
            self.observed.push(Observed {
                datastream: id.clone(),
                sample: Sample { time, since, value, quality },
                received,
                at,
            });
        }
    }

    /// Watches the readings taken in: how one instant's readings were split
    /// into commits makes no difference.
    pub(super) fn watch_observed(&mut self) {
        let mut observed = std::mem::take(&mut self.observed);
        if observed.is_empty() {
            return;
        }
        observed.sort_by(|a, b| {
            let order = a.at.cmp(&b.at).then_with(|| a.datastream.cmp(&b.datastream));
            order.then(a.sample.time.cmp(&b.sample.time))
        });
        let told = self.engine.observe_all(&observed);
        self.tell(told);
    }

    fn document(&mut self, document: Document, at: Time) {
        self.see_registry(at);
        match &document {
            Document::Override(found) => {
                self.changed.extend(self.engine.townships_fed_by(&found.datastream));
            }
            Document::Silence(_) | Document::AlertAction(_) => {}
            _ => self.all_changed = true,
        }
        let told = self.engine.document(document, at);
        self.tell(told);
    }

    fn tell(&mut self, told: Vec<AlertRecord>) {
        self.changed.extend(told.iter().filter_map(|record| record.township));
        self.untold.extend(told);
    }

    /// Hands the newest registry to the engine when it changed.
    fn see_registry(&mut self, at: Time) {
        if std::mem::take(&mut self.registry_changed) {
            self.watch_observed();
            self.registry.refresh(&self.store);
            self.engine.set_things(self.registry.things(), at);
            self.all_changed = true;
        }
    }

    /// See [`super::Runner::step_to`].
    pub(super) async fn step_to(&mut self, at: Time) -> Result<Arc<CountyTick>, RunnerError> {
        self.settle().await?;
        if let Some(last) = self.last_tick.filter(|last| at <= *last) {
            return Err(RunnerError::Past { at, last });
        }
        self.consume_up_to(None).await?;
        self.tick(at, Scope::All).await
    }

    /// Evaluates and writes one tick.
    pub(super) async fn tick(
        &mut self,
        at: Time,
        scope: Scope,
    ) -> Result<Arc<CountyTick>, RunnerError> {
        let began = Instant::now();
        self.watch_observed();
        self.see_registry(at);
        let townships: Vec<TownshipCode> = {
            let facts = self.engine.world.facts.townships.iter();
            facts.map(|facts| facts.township.code).filter(|code| scope.contains(*code)).collect()
        };
        let Evaluation { scores, alerts, derived, .. } = self.engine.tick(at, scope);
        let is_whole_minute = at == at.floor_to(MINUTE);
        let parts = match is_whole_minute {
            true => self.engine.save(),
            false => self.engine.save_townships(townships.iter()),
        };
        let mut told = std::mem::take(&mut self.untold);
        told.extend(alerts);
        self.unwritten = Some(Unwritten {
            at,
            commit: self.cursor,
            is_whole_minute,
            began,
            scores: scores.iter().filter_map(|score| self.stored.row(score)).collect(),
            alerts: told,
            derived,
            memory: self.changed_parts(parts, at),
        });
        for score in scores {
            self.newest.insert((score.index, score.feature), score);
        }
        self.last_tick = Some(at);
        if is_whole_minute {
            self.minute = Some(at);
        }
        self.changed.clear();
        self.all_changed = false;
        self.settle().await?;
        lock(&self.told.latest).clone().ok_or(RunnerError::Closed)
    }

    /// Parts that are not as they were written last. The one that a start goes
    /// on from is always among those of a whole minute.
    fn changed_parts(&mut self, parts: Vec<(String, Vec<u8>)>, at: Time) -> Vec<MemoryPart> {
        let commit = self.cursor;
        let mut changed = Vec::new();
        for (part, body) in parts {
            let is_same = self.saved.get(&part).is_some_and(|saved| *saved == body);
            if !is_same || part == super::start::CURSOR_PART {
                self.saved.insert(part.clone(), body.clone());
                changed.push(MemoryPart { part, at, commit, body });
            }
        }
        changed
    }

    /// Writes the tick that is evaluated and not yet written; then it is told.
    pub(super) async fn settle(&mut self) -> Result<(), RunnerError> {
        let Some(unwritten) = &self.unwritten else { return Ok(()) };
        self.registry.register(&self.store, &unwritten.derived).await?;
        let write = self.write_of(unwritten);
        self.store.write_tick(write).await?;
        if let Some(written) = self.unwritten.take() {
            self.publish(written);
        }
        Ok(())
    }

    fn write_of(&self, tick: &Unwritten) -> TickWrite {
        let observations = tick.derived.iter().filter_map(|derived| {
            let Sample { time, since, value, quality } = derived.sample;
            let datastream = self.registry.key(&derived.datastream)?;
            let (source, received) = (self.source, tick.at);
            Some(ObservationRow { source, datastream, time, since, value, quality, received })
        });
        let rows = Rows { observations: observations.collect(), ..Rows::default() };
        let mut newest: BTreeMap<&str, &AlertRecord> = BTreeMap::new();
        for record in &tick.alerts {
            newest.insert(&record.id, record);
        }
        let world = &self.engine.world;
        TickWrite {
            tick: TickRow { at: tick.at, commit: tick.commit },
            rows: Arc::new(rows),
            scores: tick.scores.clone(),
            alerts: newest.into_values().map(alert_row).collect(),
            transitions: tick.alerts.iter().map(transition_row).collect(),
            memory: tick.memory.clone(),
            outbox: outbox_rows(&tick.alerts, world, &self.webhooks, self.clock.real()),
        }
    }

    fn publish(&self, tick: Unwritten) {
        let Unwritten { at, commit, is_whole_minute, began, alerts, .. } = tick;
        let scores = self.newest.values().cloned().collect();
        let county = Arc::new(CountyTick { at, commit, is_whole_minute, scores });
        *lock(&self.told.latest) = Some(Arc::clone(&county));
        if is_whole_minute || !alerts.is_empty() {
            let open = self.engine.open_alerts().cloned().map(Arc::new).collect();
            *lock(&self.told.open) = open;
        }
        *lock(&self.told.status) = (Some(at), commit, None);
        let lag = self.store.last_commit().saturating_sub(commit);
        metrics::histogram!("analytics_run_seconds").record(began.elapsed().as_secs_f64());
        metrics::gauge!("analytics_lag_commits").set(lag as f64);
        // Errors only say that nobody listens.
        if !alerts.is_empty() {
            let _ = self.told.alerts.send(Arc::new(alerts));
        }
        let _ = self.told.ticks.send(county);
        if is_whole_minute {
            let scores = self.newest.values().map(AsRef::as_ref);
            if let Some(picture) = self.engine.picture(at, scores) {
                self.told.keep_picture(picture);
            }
        }
    }
}

fn alert_row(record: &AlertRecord) -> AlertRow {
    AlertRow {
        id: record.id.clone(),
        datastream: record.datastream.clone(),
        thing: record.thing.clone(),
        township: record.township,
        opened: record.opened,
        closed: record.closed,
        updated: record.updated,
        body: body(record),
    }
}

fn transition_row(record: &AlertRecord) -> AlertTransitionRow {
    AlertTransitionRow {
        alert: record.id.clone(),
        sequence: record.sequence,
        at: record.updated,
        body: body(record),
    }
}

fn body(record: &AlertRecord) -> String {
    serde_json::to_string(record).expect("a record has text keys and finite numbers")
}

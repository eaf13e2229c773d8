//! Registration: things and their datastreams.
//!
//! A change is first planned on a copy of the directory, without I/O; what the
//! plan found to write is one transaction, and then the copy becomes the
//! directory. Datastreams are never taken away: a thing that is put without
//! one it has keeps it.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Channel, DatastreamSpec, PropertyId, Thing, ThingId, Time};
use rusqlite::{Connection, params};

use super::commits::Note;
use super::transactions::{Failure, Transactions};
use crate::follower::Content;
use crate::sqlite::{from_json, parsed, to_sql, unsigned};
use crate::{
    DatastreamKey, DatastreamRecord, Directory, Expected, PutOutcome, StoreError, ThingRecord,
    ThingRefusal,
};

/// A directory under change, and the things of it that must be written.
struct Plan {
    directory: Directory,
    changed: BTreeSet<ThingId>,
    datastreams_max: usize,
    at: Time,
}

impl Plan {
    fn put(&mut self, given: Thing, expected: Expected) -> PutOutcome {
        let known = self.directory.things.get(&given.id).cloned();
        if let Some(refusal) = unexpected(&given, known.as_deref(), expected) {
            return PutOutcome::Refused(refusal);
        }
        let thing = merged(known.as_ref().map(|record| &record.thing), given);
        let revision = known.as_ref().map_or(0, |record| record.revision);
        if known.as_ref().is_some_and(|record| record.thing == thing) {
            return PutOutcome::Unchanged { revision };
        }
        if self.datastreams_max < thing.datastreams.len() {
            return PutOutcome::Refused(ThingRefusal::TooManyDatastreams {
                found: thing.datastreams.len(),
                max: self.datastreams_max,
                thing: thing.id,
            });
        }
        let revision = revision + 1;
        self.enter(thing, revision);
        if known.is_some() {
            PutOutcome::Updated { revision }
        } else {
            PutOutcome::Created { revision }
        }
    }

    fn enter(&mut self, thing: Thing, revision: u64) {
        let known = self.directory.things.get(&thing.id);
        let mut keys = known.map(|record| record.datastreams.clone()).unwrap_or_default();
        for spec in &thing.datastreams {
            let next = self.directory.datastreams.keys().next_back().map_or(1, |key| key.0 + 1);
            let local = (spec.property.clone(), spec.channel.clone());
            let key = *keys.entry(local).or_insert(DatastreamKey(next));
            let record = DatastreamRecord { key, id: spec.id(&thing.id), spec: spec.clone() };
            self.directory.datastreams.insert(key, Arc::new(record));
        }
        let id = thing.id.clone();
        let record = ThingRecord { thing, revision, changed: self.at, datastreams: keys };
        self.directory.things.insert(id.clone(), Arc::new(record));
        self.changed.insert(id);
    }
}

fn unexpected(
    given: &Thing,
    known: Option<&ThingRecord>,
    expected: Expected,
) -> Option<ThingRefusal> {
    let id = || given.id.clone();
    match (expected, known) {
        (Expected::Absent, Some(_)) => Some(ThingRefusal::Exists(id())),
        (Expected::Revision(_), None) => Some(ThingRefusal::Missing(id())),
        (Expected::Revision(expected), Some(record)) if record.revision != expected => {
            Some(ThingRefusal::Stale { thing: id(), expected, found: record.revision })
        }
        (_, Some(record)) if record.thing.kind != given.kind => Some(ThingRefusal::KindFixed {
            thing: id(),
            found: record.thing.kind.to_string(),
            wanted: given.kind.to_string(),
        }),
        _ => None,
    }
}

/// `given` with the datastreams of both, the known ones first; where both have
/// one, the given specification counts.
fn merged(known: Option<&Thing>, mut given: Thing) -> Thing {
    let mut datastreams = known.map(|thing| thing.datastreams.clone()).unwrap_or_default();
    for spec in given.datastreams {
        let is_same = |other: &DatastreamSpec| {
            (&other.property, &other.channel) == (&spec.property, &spec.channel)
        };
        match datastreams.iter().position(is_same) {
            Some(place) => datastreams[place] = spec,
            None => datastreams.push(spec),
        }
    }
    given.datastreams = datastreams;
    given
}

impl Transactions {
    pub(super) fn put_things(
        &mut self,
        things: Vec<(Thing, Expected)>,
    ) -> Result<Vec<PutOutcome>, StoreError> {
        let mut plan = self.plan();
        let outcomes =
            things.into_iter().map(|(thing, expected)| plan.put(thing, expected)).collect();
        self.carry_out(plan)?;
        Ok(outcomes)
    }

    pub(super) fn ensure_datastream(
        &mut self,
        thing: &ThingId,
        property: PropertyId,
        channel: Option<Channel>,
    ) -> Result<Result<DatastreamKey, ThingRefusal>, StoreError> {
        let mut plan = self.plan();
        let Some(record) = plan.directory.things.get(thing).cloned() else {
            return Ok(Err(ThingRefusal::Missing(thing.clone())));
        };
        let local = (property.clone(), channel.clone());
        if let Some(key) = record.datastreams.get(&local) {
            return Ok(Ok(*key));
        }
        let mut changed = record.thing.clone();
        changed.datastreams.push(DatastreamSpec { property, channel, levels: None, datum: None });
        if let PutOutcome::Refused(refusal) = plan.put(changed, Expected::Any) {
            return Ok(Err(refusal));
        }
        let key = plan.directory.things[thing].datastreams[&local];
        self.carry_out(plan)?;
        Ok(Ok(key))
    }

    fn plan(&self) -> Plan {
        Plan {
            directory: Directory::clone(&self.shared.directory.load()),
            changed: BTreeSet::new(),
            datastreams_max: self.shared.datastreams_per_thing_max,
            at: self.shared.clock.scene(),
        }
    }

    fn carry_out(&mut self, plan: Plan) -> Result<(), StoreError> {
        let Plan { mut directory, changed, .. } = plan;
        if changed.is_empty() {
            return Ok(());
        }
        directory.commit = self.write_urgent(|transaction, stamp| {
            for id in &changed {
                write_thing(transaction, &directory, &directory.things[id], stamp.number)?;
            }
            Ok::<_, Failure>(Note::of(Content::Things).done(stamp.number))
        })?;
        self.shared.directory.store(Arc::new(directory));
        Ok(())
    }
}

fn write_thing(
    transaction: &Connection,
    directory: &Directory,
    record: &ThingRecord,
    number: u64,
) -> Result<(), Failure> {
    let id = record.thing.id.as_str();
    let mut put_thing = transaction.prepare_cached(
        "INSERT INTO things (id, body, revision, changed, \"commit\") VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, revision = excluded.revision, \
         changed = excluded.changed, \"commit\" = excluded.\"commit\"",
    )?;
    let body = json(&Thing { datastreams: Vec::new(), ..record.thing.clone() })?;
    let (revision, commit) = (to_sql(record.revision), to_sql(number));
    let changed = record.changed.millis();
    put_thing.execute(params![id, body, revision, changed, commit])?;
    transaction
        .prepare_cached(
            "INSERT INTO thing_versions (thing, revision, changed, \"commit\", body) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![id, revision, changed, commit, json(&record.thing)?])?;

    let mut put_datastream = transaction.prepare_cached(
        "INSERT INTO datastreams (datastream, thing, property, channel, spec, \"commit\") \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (datastream) DO UPDATE SET spec = excluded.spec, \
         \"commit\" = excluded.\"commit\" WHERE spec <> excluded.spec",
    )?;
    for key in record.datastreams.values() {
        let spec = &directory.datastreams[key].spec;
        let channel = spec.channel.as_ref().map_or("", Channel::as_str);
        let property = spec.property.as_str();
        put_datastream.execute(params![key.0, id, property, channel, json(spec)?, commit])?;
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Refused(error.to_string()))
}

/// Reads the directory as of the last commit.
pub(super) fn load(connection: &Connection, commit: u64) -> rusqlite::Result<Directory> {
    let mut directory = Directory { commit, ..Directory::default() };
    let mut things = connection.prepare("SELECT body, revision, changed FROM things")?;
    let mut rows = things.query([])?;
    while let Some(row) = rows.next()? {
        let thing: Thing = from_json(row, 0)?;
        let revision = unsigned(row, 1)?;
        let changed = Time::from_millis_clamped(row.get(2)?);
        let record = ThingRecord { thing, revision, changed, datastreams: Default::default() };
        directory.things.insert(record.thing.id.clone(), Arc::new(record));
    }

    let mut datastreams = connection
        .prepare("SELECT datastream, thing, spec FROM datastreams ORDER BY datastream")?;
    let mut rows = datastreams.query([])?;
    while let Some(row) = rows.next()? {
        let key = DatastreamKey(row.get(0)?);
        let thing: ThingId = parsed(row, 1)?;
        let spec: DatastreamSpec = from_json(row, 2)?;
        // A foreign key guards this.
        let Some(record) = directory.things.get_mut(&thing) else { continue };
        let record = Arc::make_mut(record);
        record.thing.datastreams.push(spec.clone());
        record.datastreams.insert((spec.property.clone(), spec.channel.clone()), key);
        let record = DatastreamRecord { key, id: spec.id(&thing), spec };
        directory.datastreams.insert(key, Arc::new(record));
    }
    Ok(directory)
}

//! The datastreams of all things: found by a hash of the thing, walked in
//! order of their ids.

use std::collections::{BTreeSet, HashMap};
use std::ops::Index;

use model::{Channel, DatastreamId, PropertyId, ThingId, Time};

use super::Stream;

#[derive(Debug, Clone, Default)]
pub struct Streams {
    /// In order of property and channel.
    by_thing: HashMap<ThingId, Vec<Stream>>,
    /// Those with a datastream: every walk is in this order.
    things: BTreeSet<ThingId>,
}

fn find(
    streams: &[Stream],
    property: &PropertyId,
    channel: Option<&Channel>,
) -> Result<usize, usize> {
    streams.binary_search_by(|stream| {
        let here = (&stream.id.property, stream.id.channel.as_ref());
        here.cmp(&(property, channel))
    })
}

impl Streams {
    /// The datastreams of a thing.
    pub fn of(&self, thing: &ThingId) -> &[Stream] {
        self.by_thing.get(thing).map_or(&[], Vec::as_slice)
    }

    /// The datastreams of one property at a thing: one for each channel.
    pub fn of_property(&self, thing: &ThingId, property: &PropertyId) -> &[Stream] {
        let streams = self.of(thing);
        let first = streams.partition_point(|stream| stream.id.property < *property);
        let from = &streams[first..];
        let n = from.iter().take_while(|stream| stream.id.property == *property).count();
        &from[..n]
    }

    pub fn find(
        &self,
        thing: &ThingId,
        property: &PropertyId,
        channel: Option<&Channel>,
    ) -> Option<&Stream> {
        let streams = self.of(thing);
        find(streams, property, channel).ok().map(|place| &streams[place])
    }

    pub fn get(&self, id: &DatastreamId) -> Option<&Stream> {
        self.find(&id.thing, &id.property, id.channel.as_ref())
    }

    pub fn get_mut(&mut self, id: &DatastreamId) -> Option<&mut Stream> {
        let streams = self.by_thing.get_mut(&id.thing)?;
        let place = find(streams, &id.property, id.channel.as_ref()).ok()?;
        streams.get_mut(place)
    }

    pub fn contains(&self, id: &DatastreamId) -> bool {
        self.get(id).is_some()
    }

    /// Takes a datastream in, in place of the one with its id.
    pub fn insert(&mut self, stream: Stream) {
        let thing = &stream.id.thing;
        if !self.things.contains(thing) {
            self.things.insert(thing.clone());
        }
        let streams = self.by_thing.entry(thing.clone()).or_default();
        match find(streams, &stream.id.property, stream.id.channel.as_ref()) {
            Ok(place) => streams[place] = stream,
            Err(place) => streams.insert(place, stream),
        }
    }

    /// Drops the datastreams of things that do not hold.
    pub fn retain_things(&mut self, holds: impl Fn(&ThingId) -> bool) {
        self.things.retain(&holds);
        self.by_thing.retain(|thing, _| holds(thing));
    }

    pub fn values(&self) -> impl Iterator<Item = &Stream> {
        self.things.iter().flat_map(|thing| self.of(thing))
    }

    /// Forgets the samples that nobody can ask for at `at` or later.
    pub fn forget_before(&mut self, at: Time) {
        for thing in &self.things {
            for stream in self.by_thing.get_mut(thing).into_iter().flatten() {
                stream.forget_before(at);
            }
        }
    }
}

impl Index<&DatastreamId> for Streams {
    type Output = Stream;

    fn index(&self, id: &DatastreamId) -> &Stream {
        self.get(id).expect("whoever indexes knows that the datastream is there")
    }
}

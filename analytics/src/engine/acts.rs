//! Readings and documents, in order of commit.

use model::{DatastreamId, Document, Time};

use super::alarms::Output;
use super::{Engine, around};
use crate::record::AlertRecord;
use crate::windows::Sample;

/// One committed reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    pub datastream: DatastreamId,
    pub sample: Sample,
    pub received: Time,
    /// Scene time of its commit.
    pub at: Time,
}

impl Engine {
    /// One committed reading; `at` is the scene time of its commit. One of a
    /// datastream that is not registered is left out.
    pub fn observe(
        &mut self,
        datastream: &DatastreamId,
        sample: Sample,
        received: Time,
        at: Time,
    ) -> Vec<AlertRecord> {
        let mut out = Output::default();
        if self.take_sample(datastream, sample) {
            self.watch_sample(datastream, &sample, received, at, &mut out);
        }
        self.see(&mut out);
        out.records
    }

    /// Several committed readings: all of them are known before the first one
    /// is watched, so that limits which depend on other datastreams do not
    /// depend on the order of a batch.
    pub fn observe_all(&mut self, observed: &[Observed]) -> Vec<AlertRecord> {
        let mut out = Output::default();
        for Observed { datastream, sample, .. } in observed {
            self.take_sample(datastream, *sample);
        }
        for Observed { datastream, sample, received, at } in observed {
            self.watch_sample(datastream, sample, *received, *at, &mut out);
        }
        self.see(&mut out);
        out.records
    }

    pub(super) fn watch_sample(
        &mut self,
        datastream: &DatastreamId,
        sample: &Sample,
        received: Time,
        at: Time,
        out: &mut Output,
    ) {
        let Some(stream) = self.world.streams.get(datastream) else { return };
        let around = around(&self.world, &self.storms, &self.models);
        self.alarms.reading(around, stream, sample, received, at, out);
    }

    /// A committed document; `at` is the scene time of its commit.
    pub fn document(&mut self, document: Document, at: Time) -> Vec<AlertRecord> {
        let mut out = Output::default();
        let changes_marks = matches!(document, Document::Override(_) | Document::Silence(_));
        let changes_storms = matches!(document, Document::Storm(_) | Document::Bulletin(_));
        let action = self.world.documents.insert(document);
        if changes_storms {
            self.storms_at = None;
        }
        let around = around(&self.world, &self.storms, &self.models);
        if changes_marks {
            self.alarms.mark(around, at, &mut out);
        }
        if let Some(action) = action {
            self.alarms.act(around, &action, at, &mut out);
        }
        self.see(&mut out);
        out.records
    }

    /// The documents of a start, in order of commit: what people did about
    /// alerts is in the memory already.
    pub fn fill_documents(&mut self, documents: impl IntoIterator<Item = Document>) {
        for document in documents {
            self.world.documents.insert(document);
        }
        self.storms_at = None;
    }
}

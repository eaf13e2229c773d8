//! Writing documents: a version is appended, nothing is ever changed.

use model::Document;
use rusqlite::params;

use super::commits::Note;
use super::transactions::{Failure, Transactions};
use crate::document::{DocumentOutcome, DocumentRefusal, StoredDocument};
use crate::follower::Content;
use crate::queries::documents;
use crate::sqlite::to_sql;
use crate::{Expected, StoreError};

/// Bytes of one document as JSON: a bulletin has a few KiB.
const BODY_MAX: usize = 256 * 1024;

impl Transactions {
    /// Nobody else writes documents, so what is read first still holds in the
    /// transaction.
    pub(super) fn put_document(
        &mut self,
        document: Document,
        expected: Expected,
        actor: &str,
    ) -> Result<DocumentOutcome, StoreError> {
        let (kind, id) = (document.kind(), document.id().clone());
        let known = self.read(|connection| documents::newest(connection, kind, &id))?;
        if let Some(refusal) = unexpected(&document, known.as_ref(), expected) {
            return Ok(DocumentOutcome::Refused(refusal));
        }
        if let Some(known) = known.as_ref().filter(|known| known.document == document) {
            return Ok(DocumentOutcome::Unchanged { revision: known.revision });
        }
        let body = body(&document)?;
        let revision = known.as_ref().map_or(1, |known| known.revision + 1);
        self.write_urgent(|transaction, stamp| {
            transaction
                .prepare_cached(
                    "INSERT INTO documents (kind, id, revision, \"commit\", at, actor, body) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    kind.as_str(),
                    id.as_str(),
                    to_sql(revision),
                    to_sql(stamp.number),
                    stamp.at.millis(),
                    actor,
                    body,
                ])?;
            Ok::<_, Failure>(Note::of(Content::Documents(vec![document.clone()])).done(()))
        })?;
        Ok(match known {
            Some(_) => DocumentOutcome::Updated { revision },
            None => DocumentOutcome::Created { revision },
        })
    }
}

fn unexpected(
    document: &Document,
    known: Option<&StoredDocument>,
    expected: Expected,
) -> Option<DocumentRefusal> {
    let (kind, id) = (document.kind(), document.id().clone());
    match (expected, known) {
        (Expected::Absent, Some(_)) => Some(DocumentRefusal::Exists { kind, id }),
        (Expected::Revision(_), None) => Some(DocumentRefusal::Missing { kind, id }),
        (Expected::Revision(expected), Some(known)) if known.revision != expected => {
            Some(DocumentRefusal::Stale { kind, id, expected, found: known.revision })
        }
        _ => None,
    }
}

/// The document as JSON that reads back as the same document: numbers that
/// JSON has no form for do not.
fn body(document: &Document) -> Result<String, StoreError> {
    let of = || format!("{} `{}`", document.kind().as_str(), document.id());
    let refused = |detail| StoreError::Refused { detail };
    let body = serde_json::to_string(document)
        .map_err(|error| refused(format!("{} cannot be written: {error}", of())))?;
    if BODY_MAX < body.len() {
        let n = body.len();
        return Err(refused(format!("{} has {n} bytes, at most {BODY_MAX} are allowed", of())));
    }
    match serde_json::from_str::<Document>(&body) {
        Ok(again) if again == *document => Ok(body),
        _ => Err(refused(format!("{} holds a number that cannot be written", of()))),
    }
}

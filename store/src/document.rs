//! Documents in the journal: append-only versions, the newest of an id counts.

use model::{Document, DocumentId, DocumentKind, Time};

use crate::queries::documents;
use crate::{Expected, Store, StoreError};

/// One version of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDocument {
    pub document: Document,
    /// Grows by one with every version.
    pub revision: u64,
    pub commit: u64,
    /// Scene time of the commit.
    pub at: Time,
    pub actor: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentOutcome {
    Created { revision: u64 },
    Updated { revision: u64 },
    Unchanged { revision: u64 },
    Refused(DocumentRefusal),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentRefusal {
    #[error("{} `{id}` exists already", kind.as_str())]
    Exists { kind: DocumentKind, id: DocumentId },
    #[error("{} `{id}` does not exist", kind.as_str())]
    Missing { kind: DocumentKind, id: DocumentId },
    #[error("{} `{id}` is at revision {found}, not {expected}", kind.as_str())]
    Stale { kind: DocumentKind, id: DocumentId, expected: u64, found: u64 },
}

impl Store {
    /// Appends a version of the document, unless the newest one is the same.
    pub async fn put_document(
        &self,
        document: Document,
        expected: Expected,
        actor: &str,
    ) -> Result<DocumentOutcome, StoreError> {
        self.writer().put_document(document, expected, actor.to_owned()).await
    }

    /// The newest version.
    pub async fn document(
        &self,
        kind: DocumentKind,
        id: &DocumentId,
    ) -> Result<Option<StoredDocument>, StoreError> {
        let id = id.clone();
        self.readers().read(move |c| documents::newest(c, kind, &id)).await
    }

    /// The newest version of each document of the kind that a reader of commit
    /// `as_of` saw (`None`: of all there are), newest commit first; `before` is
    /// the commit of the last one of the page before.
    pub async fn documents(
        &self,
        kind: DocumentKind,
        as_of: Option<u64>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        self.readers().read(move |c| documents::page(c, kind, as_of, before, limit)).await
    }

    /// As [`documents`](Self::documents), of every kind and in order of commit.
    pub async fn all_documents(&self, as_of: u64) -> Result<Vec<Document>, StoreError> {
        self.readers().read(move |c| documents::all(c, as_of)).await
    }
}

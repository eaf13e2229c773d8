//! Sources: each name gets an integer at first sight.

use rusqlite::{Connection, params};

use super::commits::Note;
use super::transactions::{Failure, Transactions};
use crate::follower::Content;
use crate::sqlite::to_sql;
use crate::{SourceKey, StoreError};

pub(super) const SOURCES_MAX: usize = 64;

impl Transactions {
    pub(super) fn add_source(&mut self, name: model::SourceName) -> Result<SourceKey, StoreError> {
        if let Some(known) = self.shared.source(&name) {
            return Ok(known);
        }
        let mut sources = Vec::clone(&self.shared.sources.load());
        let key = sources.len() + 1;
        if key > SOURCES_MAX {
            let max = SOURCES_MAX;
            let detail = format!("source `{name}` is one too many; at most {max} are allowed");
            return Err(StoreError::Refused { detail });
        }
        let key = SourceKey(u16::try_from(key).expect("at most 64 sources"));
        self.write_urgent(|transaction, stamp| {
            insert_source(transaction, key, &name, stamp.number)?;
            Ok::<_, Failure>(Note::of(Content::Other).done(()))
        })?;
        sources.push(name);
        self.shared.sources.store(std::sync::Arc::new(sources));
        Ok(key)
    }
}

pub(super) fn insert_source(
    transaction: &Connection,
    key: SourceKey,
    name: &model::SourceName,
    number: u64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO sources (source, name, \"commit\") VALUES (?1, ?2, ?3)")?
        .execute(params![key.0, name.as_str(), to_sql(number)])?;
    Ok(())
}

//! Which slots of event time a commit touched, as `commits` keeps them.

use rusqlite::Row;
use rusqlite::types::Type;

/// More than these are kept as the range from the first to the last.
const LISTED_MAX: usize = 512;

/// The buckets from the first to the last, or those listed alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketSet {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) listed: Option<Vec<i64>>,
}

impl BucketSet {
    /// `None` of nothing.
    pub(crate) fn of(mut found: Vec<i64>) -> Option<BucketSet> {
        found.sort_unstable();
        found.dedup();
        let (first, last) = (*found.first()?, *found.last()?);
        let is_range = last - first == found.len() as i64 - 1;
        let listed = (!is_range && found.len() <= LISTED_MAX).then_some(found);
        Some(BucketSet { first, last, listed })
    }

    pub(crate) fn to_blob(&self) -> Option<Vec<u8>> {
        let listed = self.listed.as_ref()?;
        Some(listed.iter().flat_map(|bucket| bucket.to_le_bytes()).collect())
    }

    /// Reads `bucket_first, bucket_last, buckets` from `column` on.
    pub(crate) fn read(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<BucketSet>> {
        let Some(first) = row.get(column)? else {
            return Ok(None);
        };
        let last = row.get(column + 1)?;
        let Some(blob) = row.get_ref(column + 2)?.as_blob_or_null()? else {
            return Ok(Some(BucketSet { first, last, listed: None }));
        };
        let (listed, rest) = blob.as_chunks();
        if !rest.is_empty() {
            let kind = Type::Blob;
            return Err(rusqlite::Error::InvalidColumnType(column + 2, "buckets".into(), kind));
        }
        let listed = Some(listed.iter().copied().map(i64::from_le_bytes).collect());
        Ok(Some(BucketSet { first, last, listed }))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, params};

    use super::*;

    /// The set of `found` after SQLite had it.
    #[track_caller]
    fn check(found: Vec<i64>, expected: Option<(i64, i64, Option<Vec<i64>>)>) {
        let set = BucketSet::of(found);
        let first_last = set.as_ref().map(|set| (set.first, set.last));
        let (first, last) = first_last.unzip();
        let values = params![first, last, set.as_ref().and_then(BucketSet::to_blob)];
        let connection = Connection::open_in_memory().unwrap();
        let again =
            connection.query_row("SELECT ?1, ?2, ?3", values, |row| BucketSet::read(row, 0));
        let again = again.unwrap();
        assert_eq!(again, set);
        assert_eq!(again.map(|set| (set.first, set.last, set.listed)), expected);
    }

    #[test]
    fn buckets_are_a_list_or_a_range() {
        check(vec![], None);
        check(vec![7, 7, 7], Some((7, 7, None)));
        check(vec![-1, 1, 0], Some((-1, 1, None)));
        check(vec![9, -4, 9], Some((-4, 9, Some(vec![-4, 9]))));
        let odd = |n: i64| (0..n).map(|place| place * 2).collect::<Vec<_>>();
        check(odd(512), Some((0, 1022, Some(odd(512)))));
        check(odd(513), Some((0, 1024, None)));
    }
}

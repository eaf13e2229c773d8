//! Opaque cursors: a version, a hash of the query they belong to, and the key
//! of the last row given.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::problem::{ApiError, Kind, Message};

const VERSION: u8 = 1;
const HASH_LEN: usize = 8;
const TEXT_MAX: usize = 400;

/// What a cursor is bound to: the operation and its filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Query([u8; HASH_LEN]);

impl Query {
    pub(crate) fn new(operation: &str, filters: &[(&str, &str)]) -> Query {
        let mut hasher = Sha256::new();
        hasher.update(operation.as_bytes());
        for (name, value) in filters {
            // Lengths keep ("a", "bc") and ("ab", "c") apart.
            hasher.update(name.len().to_be_bytes());
            hasher.update(name.as_bytes());
            hasher.update(value.len().to_be_bytes());
            hasher.update(value.as_bytes());
        }
        let mut hash = [0; HASH_LEN];
        hash.copy_from_slice(&hasher.finalize()[..HASH_LEN]);
        Query(hash)
    }

    pub(crate) fn cursor(&self, last_key: &str) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(last_key.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key of the last row given; a foreign cursor is refused.
    pub(crate) fn last_key(&self, cursor: &str) -> Result<String, ApiError> {
        let key = Some(cursor)
            .filter(|cursor| cursor.len() <= TEXT_MAX)
            .and_then(|cursor| URL_SAFE_NO_PAD.decode(cursor).ok())
            .and_then(|bytes| {
                let (head, key) = bytes.split_at_checked(1 + HASH_LEN)?;
                (head[0] == VERSION && head[1..] == self.0).then(|| key.to_vec())
            })
            .and_then(|key| String::from_utf8(key).ok());
        key.ok_or_else(invalid)
    }
}

pub(crate) fn invalid() -> ApiError {
    ApiError::new(Kind::CursorInvalid, Message::Cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_serves_its_own_query_only() {
        let query = Query::new("list_things", &[("kind", "shelter")]);
        let cursor = query.cursor("sh-100");
        assert_eq!(query.last_key(&cursor).unwrap(), "sh-100");
        for other in [
            Query::new("list_things", &[("kind", "enterprise")]),
            Query::new("list_things", &[("kindshelter", "")]),
            Query::new("list_datastreams", &[("kind", "shelter")]),
        ] {
            assert_eq!(other.last_key(&cursor).unwrap_err().kind, Kind::CursorInvalid);
        }
    }

    #[test]
    fn texts_that_are_no_cursor_are_refused() {
        let query = Query::new("list_things", &[]);
        let long = "A".repeat(500);
        for text in ["", "x", "!!!!", "AAAAAAAAAAAAAAAA", "AQ==", long.as_str(), "雨"] {
            assert_eq!(query.last_key(text).unwrap_err().kind, Kind::CursorInvalid, "{text}");
        }
    }
}

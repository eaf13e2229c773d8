//! Entity tags: strong ones of things by revision, weak ones of lists by
//! content.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::{ApiError, Kind, Message};

pub(crate) fn of_revision(revision: u64) -> String {
    format!("\"r{revision}\"")
}

/// What a writer expects of the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// `If-Match: "r7"`
    Revision(u64),
    /// `If-Match: *`
    Present,
    /// `If-None-Match: *`
    Absent,
}

/// Strong comparison: a `W/` tag never matches.
pub(crate) fn precondition(headers: &HeaderMap) -> Result<Precondition, ApiError> {
    if let Some(value) = headers.get(header::IF_MATCH) {
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Precondition::Present);
        }
        let revision = text
            .strip_prefix("\"r")
            .and_then(|rest| rest.strip_suffix('"'))
            .and_then(|digits| digits.parse().ok());
        // A tag that is none of ours cannot be the present one.
        return Ok(Precondition::Revision(revision.unwrap_or(u64::MAX)));
    }
    let wants_absent = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes().trim_ascii() == b"*");
    if wants_absent {
        return Ok(Precondition::Absent);
    }
    Err(ApiError::new(Kind::PreconditionRequired, Message::IfMatchMissing))
}

/// Weak comparison, as reads use it.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|entry| {
            let entry = entry.trim();
            entry == "*" || entry.trim_start_matches("W/") == opaque
        })
}

/// A JSON answer with its tag, or 304 when the client has it.
pub(crate) fn respond<T: Serialize>(
    headers: &HeaderMap,
    body: &T,
    strong_tag: Option<String>,
) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(body).map_err(|error| {
        tracing::error!(%error, "answer not written");
        ApiError::internal()
    })?;
    Ok(respond_bytes(headers, bytes, "application/json", strong_tag))
}

pub(crate) fn respond_bytes(
    headers: &HeaderMap,
    bytes: Vec<u8>,
    media_type: &'static str,
    strong_tag: Option<String>,
) -> Response {
    let tag = strong_tag.unwrap_or_else(|| weak_tag(&bytes));
    let tag_value = HeaderValue::try_from(&tag).expect("tags are printable ASCII");
    let common: [(HeaderName, HeaderValue); 3] = [
        (header::ETAG, tag_value),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::VARY, HeaderValue::from_static("accept, accept-language, cookie, authorization")),
    ];
    if is_known(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))];
    (common, content_type, bytes).into_response()
}

fn weak_tag(bytes: &[u8]) -> String {
    format!("W/{}", of_content(bytes))
}

/// A strong tag of exactly these bytes, for what has no revision.
pub(crate) fn of_content(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: HeaderName, value: &str, expected: Option<Precondition>) {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        assert_eq!(precondition(&headers).ok(), expected, "{value}");
    }

    #[test]
    fn preconditions_compare_strongly() {
        check(header::IF_MATCH, "\"r7\"", Some(Precondition::Revision(7)));
        check(header::IF_MATCH, "*", Some(Precondition::Present));
        check(header::IF_MATCH, "W/\"r7\"", Some(Precondition::Revision(u64::MAX)));
        check(header::IF_NONE_MATCH, "*", Some(Precondition::Absent));
        check(header::IF_NONE_MATCH, "\"r7\"", None);
        check(header::ACCEPT, "*/*", None);
    }

    #[test]
    fn a_list_that_is_known_is_not_sent_again() {
        let first = respond_bytes(&HeaderMap::new(), b"[]".to_vec(), "application/json", None);
        let tag = first.headers()[header::ETAG].clone();
        assert!(tag.as_bytes().starts_with(b"W/"));
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, tag);
        let again = respond_bytes(&headers, b"[]".to_vec(), "application/json", None);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = respond_bytes(&headers, b"[1]".to_vec(), "application/json", None);
        assert_eq!(other.status(), StatusCode::OK);
    }
}

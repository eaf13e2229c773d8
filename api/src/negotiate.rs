//! Which of a resource's formats the client wants.

use axum::http::{HeaderMap, header};

use crate::problem::{ApiError, Kind, Message};

/// The offered type that `Accept` ranks first; of equals the first offered.
/// A type counts by its most exact entry.
pub(crate) fn choose<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Result<&'a str, ApiError> {
    let accepted: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .take(32)
        .collect();
    let mut best: Option<(&'a str, f32)> = None;
    for media in offered.iter().copied() {
        let weight = if accepted.is_empty() { 1.0 } else { weight_of(media, &accepted) };
        if weight > best.map_or(0.0, |(_, weight)| weight) {
            best = Some((media, weight));
        }
    }
    best.map(|(media, _)| media).ok_or_else(|| ApiError::new(Kind::NotAcceptable, Message::None))
}

fn weight_of(media: &str, accepted: &[&str]) -> f32 {
    let main = media.split('/').next().unwrap_or_default();
    let mut best = (0, 0.0);
    for entry in accepted {
        let mut parts = entry.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1.0, |q| q.parse().unwrap_or(0.0));
        let exactness = match range.as_str() {
            "*/*" => 1,
            range if range == media => 3,
            range if range.strip_suffix("/*") == Some(main) => 2,
            _ => continue,
        };
        if exactness > best.0 {
            best = (exactness, weight);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(accept: Option<&str>, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        }
        let found = choose(&headers, &["application/json", "application/geo+json"]);
        assert_eq!(found.ok(), expected, "{accept:?}");
    }

    #[test]
    fn the_best_ranked_type_is_chosen() {
        check(None, Some("application/json"));
        check(Some("*/*"), Some("application/json"));
        check(Some("application/geo+json"), Some("application/geo+json"));
        check(Some("application/*;q=0.5, application/geo+json"), Some("application/geo+json"));
        check(Some("application/json;q=0, */*"), Some("application/geo+json"));
        check(Some("text/html, */*;q=0.1"), Some("application/json"));
        check(Some("text/csv"), None);
    }
}

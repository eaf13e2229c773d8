//! What goes over the wire. Types inside are not serialised; they are
//! converted here by hand.

mod alert;
mod latest;
mod score;
mod thing;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use model::LocalizedName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::etag;
use crate::problem::ApiError;

pub(crate) use alert::AlertView;
pub(crate) use latest::LatestColumns;
pub(crate) use score::{Node, Score, ScoreFacts, level_name};
pub(crate) use thing::{DatastreamInput, Levels, ThingInput, ThingView};

/// A name in both languages of the page.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocalizedText {
    #[schema(example = "石浦镇", max_length = 200)]
    pub(crate) zh: String,
    #[schema(example = "Shipu", max_length = 200)]
    pub(crate) en: String,
}

impl From<&LocalizedName> for LocalizedText {
    fn from(name: &LocalizedName) -> LocalizedText {
        LocalizedText { zh: name.zh.clone(), en: name.en.clone() }
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Send it as `cursor` to get the next page; `null` on the last one.
    pub(crate) next_cursor: Option<String>,
}

impl<T: Serialize> Page<T> {
    /// A list that is always whole.
    pub(crate) fn whole(items: Vec<T>) -> Page<T> {
        Page { items, next_cursor: None }
    }

    /// With a weak tag, and `Link` headers to the next and first page.
    pub(crate) fn respond(
        &self,
        headers: &HeaderMap,
        path_and_query: &str,
    ) -> Result<Response, ApiError> {
        let mut response = etag::respond(headers, self, None)?;
        if let Some(link) = links(path_and_query, self.next_cursor.as_deref()) {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }
}

/// RFC 8288: the next page, if there is one, and the first.
pub(crate) fn links(path_and_query: &str, next_cursor: Option<&str>) -> Option<HeaderValue> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")).collect();
    let first =
        if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    let separator = if kept.is_empty() { '?' } else { '&' };
    let text = match next_cursor {
        Some(cursor) => {
            format!("<{first}{separator}cursor={cursor}>; rel=\"next\", <{first}>; rel=\"first\"")
        }
        None => format!("<{first}>; rel=\"first\""),
    };
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_filters_and_replace_the_cursor() {
        let link = links("/api/v1/things?kind=shelter&cursor=old&limit=2", Some("new"));
        let expected = "</api/v1/things?kind=shelter&limit=2&cursor=new>; rel=\"next\", \
                        </api/v1/things?kind=shelter&limit=2>; rel=\"first\"";
        assert_eq!(link.unwrap(), expected);
        assert_eq!(links("/api/v1/things", None).unwrap(), "</api/v1/things>; rel=\"first\"");
    }
}

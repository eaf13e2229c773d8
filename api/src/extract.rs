//! Axum's extractors with refusals as problem documents.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::problem::{ApiError, Kind, Message};

/// For operations without query parameters: any is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

/// `Query`; the struct refuses what it does not know.
#[derive(Debug)]
pub(crate) struct ApiQuery<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(ApiQuery(query)),
            Err(rejection) => Err(refused_query(&rejection)),
        }
    }
}

/// Datastreams that one query may name.
pub(crate) const DATASTREAMS_MAX: usize = 32;

/// A query that may say `datastream` several times; the rest is the struct's.
#[derive(Debug)]
pub(crate) struct StreamsQuery<T> {
    /// In order, each once.
    pub(crate) datastreams: Vec<String>,
    pub(crate) rest: T,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneDatastream {
    datastream: String,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for StreamsQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let is_datastream = |pair: &&str| pair.split('=').next() == Some("datastream");
        let (named, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(is_datastream);
        let rest: T = parse_query(&rest.join("&"))?;
        let mut datastreams: Vec<String> = Vec::new();
        for pair in named {
            let OneDatastream { datastream } = parse_query(pair)?;
            if !datastreams.contains(&datastream) {
                datastreams.push(datastream);
            }
            if datastreams.len() > DATASTREAMS_MAX {
                let reason = format!("is given more than {DATASTREAMS_MAX} times");
                return Err(ApiError::parameter("datastream", reason));
            }
        }
        Ok(StreamsQuery { datastreams, rest })
    }
}

fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let uri = format!("/?{query}").parse().map_err(|_| {
        let reason = "the query string is not valid".to_owned();
        ApiError::new(Kind::BadRequest, Message::Reason(reason)).with_code("query_invalid")
    })?;
    match Query::<T>::try_from_uri(&uri) {
        Ok(Query(query)) => Ok(query),
        Err(rejection) => Err(refused_query(&rejection)),
    }
}

fn refused_query(rejection: &QueryRejection) -> ApiError {
    let text = rejection.body_text();
    let reason = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    ApiError::new(Kind::BadRequest, Message::Reason(reason.to_owned())).with_code("query_invalid")
}

#[derive(Debug)]
pub(crate) struct ApiPath<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(path)) => Ok(ApiPath(path)),
            Err(rejection) => Err(refused_path(&rejection)),
        }
    }
}

fn refused_path(rejection: &PathRejection) -> ApiError {
    ApiError::new(Kind::BadRequest, Message::Reason(rejection.body_text()))
        .with_code("path_invalid")
}

/// `Json`: syntax is 400, another media type 415.
#[derive(Debug)]
pub(crate) struct ApiJson<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(ApiJson(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(ApiError::new(
                Kind::UnsupportedMediaType,
                Message::ContentType { expected: "application/json" },
            )),
            Err(JsonRejection::BytesRejection(rejection)) => Err(refused_bytes(&rejection)),
            Err(rejection) => Err(ApiError::body(rejection.body_text())),
        }
    }
}

/// The same for a body that may be left out: nothing at all is the default.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let has_type = request.headers().contains_key(header::CONTENT_TYPE);
        let (parts, body) = request.into_parts();
        let headers = parts.headers.clone();
        let ApiBytes(bytes) =
            ApiBytes::from_request(Request::from_parts(parts, body), state).await?;
        if bytes.is_empty() && !has_type {
            return Ok(OptionalJson(T::default()));
        }
        let mut again = Request::new(axum::body::Body::from(bytes));
        *again.headers_mut() = headers;
        let ApiJson(body) = ApiJson::from_request(again, state).await?;
        Ok(OptionalJson(body))
    }
}

#[derive(Debug)]
pub(crate) struct ApiBytes(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for ApiBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(ApiBytes(bytes)),
            Err(rejection) => Err(refused_bytes(&rejection)),
        }
    }
}

fn refused_bytes(rejection: &BytesRejection) -> ApiError {
    // A body above its limit is 413; one that paused for too long is 408.
    let kind = match Kind::of_status(rejection.status()) {
        Kind::TooLarge => Kind::TooLarge,
        _ => Kind::RequestTimeout,
    };
    ApiError::new(kind, Message::None)
}

/// The media type of the body, lower case and without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

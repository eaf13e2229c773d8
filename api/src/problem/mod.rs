//! How a request fails: one problem document (RFC 9457) for each failure.
//!
//! A handler answers with an [`ApiError`]. It becomes a response that carries
//! the error as an extension; the outermost layer (`render`) knows language
//! and trace of the request and writes the body. Causes go to the log, never
//! to the client.

mod check;
mod dictionary;
mod message;
mod pages;
mod render;

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ingest::PipelineClosed;
use store::StoreError;
use tracing::error;

pub(crate) use check::Check;
pub(crate) use dictionary::{Kind, Language};
pub(crate) use message::Message;
pub(crate) use pages::explain;
pub(crate) use render::{ProblemDocument, RequestContext, render};

/// Where an error stands: in the body, or in the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// JSON Pointer as URI fragment.
    Pointer(String),
    Parameter(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) place: Place,
    pub(crate) message: Message,
}

impl FieldError {
    pub(crate) fn at(pointer: impl Into<String>, reason: impl ToString) -> FieldError {
        let message = Message::Reason(reason.to_string());
        FieldError { place: Place::Pointer(pointer.into()), message }
    }

    pub(crate) fn check(pointer: impl Into<String>, check: Check) -> FieldError {
        let message = Message::Check(Box::new(check));
        FieldError { place: Place::Pointer(pointer.into()), message }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{kind:?}: {}", message.text(Language::En))]
pub(crate) struct ApiError {
    pub(crate) kind: Kind,
    /// Finer than the kind's own code, where a client may act on it.
    pub(crate) code: Option<&'static str>,
    pub(crate) message: Message,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(crate) fn new(kind: Kind, message: Message) -> ApiError {
        ApiError { kind, code: None, message, errors: Vec::new(), headers: Vec::new() }
    }

    pub(crate) fn parameter(name: &'static str, reason: impl ToString) -> ApiError {
        let reason = reason.to_string();
        let field =
            FieldError { place: Place::Parameter(name), message: Message::Reason(reason.clone()) };
        ApiError::new(Kind::BadRequest, Message::Parameter { name, reason })
            .with_errors(vec![field])
    }

    pub(crate) fn body(reason: impl ToString) -> ApiError {
        ApiError::new(Kind::BadRequest, Message::Body(reason.to_string()))
    }

    pub(crate) fn not_found(message: Message) -> ApiError {
        ApiError::new(Kind::NotFound, message)
    }

    pub(crate) fn unavailable(message: Message) -> ApiError {
        ApiError::new(Kind::Unavailable, message)
    }

    pub(crate) fn internal() -> ApiError {
        ApiError::new(Kind::Internal, Message::Internal)
    }

    pub(crate) fn too_many(message: Message, wait: Duration) -> ApiError {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        ApiError::new(Kind::TooManyRequests, message).with_header(header::RETRY_AFTER, seconds)
    }

    pub(crate) fn with_code(mut self, code: &'static str) -> ApiError {
        self.code = Some(code);
        self
    }

    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> ApiError {
        self.errors = errors;
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> ApiError {
        self.headers.push((name, value));
        self
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> ApiError {
        error!(%error, "store failed during a request");
        match error {
            StoreError::Full => ApiError::unavailable(Message::DiskFull).with_code("disk_full"),
            StoreError::Unavailable { .. } | StoreError::Locked { .. } => {
                ApiError::unavailable(Message::StoreUnavailable).with_code("store_unavailable")
            }
            StoreError::Refused { .. } | StoreError::Corrupt { .. } => ApiError::internal(),
        }
    }
}

impl From<PipelineClosed> for ApiError {
    fn from(_: PipelineClosed) -> ApiError {
        ApiError::unavailable(Message::ShuttingDown).with_code("shutting_down")
    }
}

const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Browsers must not pop up their own login dialogue: our page has one.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"tidewatch\"");

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.kind.entry().status.into_response();
        let headers = response.headers_mut();
        match self.kind {
            Kind::Unavailable => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            Kind::Unauthenticated => {
                headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
            }
            _ => (),
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

//! What stands before every route: a cap on requests at the same time, a
//! throttle by address, and the headers that browsers obey.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::identity::Peer;
use crate::problem::{ApiError, Message};
use crate::state::AppState;

/// Middleware. The permit is given back with the head of the answer, so an
/// open stream holds none.
pub(crate) async fn admit(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if let Peer::Address(address) = Peer::of(request.extensions()) {
        if state.throttle.check_key(&address).is_err() {
            return Err(ApiError::too_many(Message::Throttled, Duration::from_secs(1)));
        }
        // Addresses that are quiet again are forgotten, so that the map does
        // not grow for ever.
        if state.throttle.len() > THROTTLED_MAX {
            state.throttle.retain_recent();
        }
    }
    let Ok(_permit) = Arc::clone(&state.requests).try_acquire_owned() else {
        return Err(ApiError::unavailable(Message::Busy).with_code("busy"));
    };
    Ok(next.run(request).await)
}

const THROTTLED_MAX: usize = 10_000;

const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; \
    object-src 'none'; frame-ancestors 'none'; base-uri 'none'; img-src 'self' data:; \
    form-action 'self'";

/// The bundled documentation page styles its elements itself.
const DOCS_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; \
    style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'; \
    base-uri 'none'; img-src 'self' data:; form-action 'self'";

pub(crate) async fn security_headers(request: Request, next: Next) -> Response {
    let is_docs = request.uri().path().starts_with("/docs");
    let mut response = next.run(request).await;
    let policy = if is_docs { DOCS_SECURITY_POLICY } else { CONTENT_SECURITY_POLICY };
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

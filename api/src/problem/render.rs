//! The outermost layer of the API: language, trace and request id of each
//! request, and the body of each problem.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::{Instrument, info_span};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ApiError, FieldError, Kind, Language, Message, Place};

/// What the outermost layer knows about a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    pub(crate) language: Language,
    pub(crate) id: Uuid,
    /// 32 hex digits, from the caller's `traceparent` or our own.
    pub(crate) trace_id: String,
}

impl RequestContext {
    fn of(headers: &HeaderMap) -> RequestContext {
        let id = Uuid::now_v7();
        let trace_id = headers
            .get(TRACEPARENT)
            .and_then(|value| value.to_str().ok())
            .and_then(trace_id_of)
            .unwrap_or_else(|| id.simple().to_string());
        RequestContext { language: preferred_language(headers), id, trace_id }
    }

    /// Our span in the caller's trace.
    fn traceparent(&self) -> HeaderValue {
        let span = &self.id.simple().to_string()[16..];
        HeaderValue::try_from(format!("00-{}-{span}-01", self.trace_id))
            .expect("hex digits and dashes are a header value")
    }
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// `00-{32 hex}-{16 hex}-{2 hex}`, W3C Trace Context.
fn trace_id_of(traceparent: &str) -> Option<String> {
    let mut parts = traceparent.split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, len| {
        text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let fits = is_hex(version, 2) && version != "ff" && is_hex(trace, 32) && is_hex(span, 16);
    (fits && trace.bytes().any(|b| b != b'0')).then(|| trace.to_owned())
}

/// The first of our languages by weight; Chinese when none is named.
fn preferred_language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let mut best = (Language::Zh, 0.0_f32);
    for entry in accepted.unwrap_or_default().split(',').take(16) {
        let mut parts = entry.split(';');
        let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let weight = parts
            .find_map(|part| part.trim().strip_prefix("q="))
            .map_or(1.0, |q| q.parse().unwrap_or(0.0));
        let language = match tag.split('-').next() {
            Some("zh") => Language::Zh,
            Some("en") => Language::En,
            _ => continue,
        };
        if weight > best.1 {
            best = (language, weight);
        }
    }
    best.0
}

/// One problem document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// A stable URI reference that answers with its explanation.
    #[schema(example = "/problems/validation")]
    r#type: String,
    #[schema(example = "数据校验未通过")]
    title: String,
    #[schema(example = 422)]
    status: u16,
    #[schema(example = "value_out_of_range")]
    code: &'static str,
    detail: String,
    /// Names this occurrence.
    #[schema(example = "urn:uuid:0b7f2c0e-5f0f-4d3e-9f55-5a3a8d0f7c11")]
    instance: String,
    /// Of the W3C trace; the log has the same.
    trace_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemError>,
}

/// One of several errors of the same problem.
#[derive(Debug, Serialize, ToSchema)]
struct ProblemError {
    detail: String,
    /// JSON Pointer as URI fragment, into the body of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "#/2/values/water_level")]
    pointer: Option<String>,
    /// The query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
}

impl ProblemDocument {
    fn new(error: &ApiError, context: &RequestContext) -> ProblemDocument {
        let entry = error.kind.entry();
        let language = context.language;
        let detail = match &error.message {
            Message::None => language.pick(entry.help_zh, entry.help_en).to_owned(),
            message => message.text(language),
        };
        ProblemDocument {
            r#type: format!("/problems/{}", entry.slug),
            title: language.pick(entry.title_zh, entry.title_en).to_owned(),
            status: entry.status.as_u16(),
            code: error.code.unwrap_or(entry.code),
            detail,
            instance: context.id.urn().to_string(),
            trace_id: context.trace_id.clone(),
            errors: error.errors.iter().map(|field| field_error(field, language)).collect(),
        }
    }
}

fn field_error(field: &FieldError, language: Language) -> ProblemError {
    let (pointer, parameter) = match &field.place {
        Place::Pointer(pointer) => (Some(pointer.clone()), None),
        Place::Parameter(name) => (None, Some(*name)),
    };
    ProblemError { detail: field.message.text(language), pointer, parameter }
}

/// Middleware: gives the request its context, and an erroneous answer of the
/// API its problem document, whoever made it.
pub(crate) async fn render(mut request: Request, next: Next) -> Response {
    let context = RequestContext::of(request.headers());
    let is_api = request.uri().path().starts_with("/api/");
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(String::new, |path| path.as_str().to_owned());
    let span = info_span!(
        "request",
        method = %request.method(),
        route,
        trace_id = context.trace_id,
        request_id = %context.id,
    );
    request.extensions_mut().insert(context.clone());

    let mut response = next.run(request).instrument(span).await;
    let status = response.status();
    let is_bare = response.extensions().get::<Arc<ApiError>>().is_none();
    if is_api && is_bare && (status.is_client_error() || status.is_server_error()) {
        // The framework's own answer: its headers, such as `Allow`, with ours.
        let ours = ApiError::new(Kind::of_status(status), Message::None).into_response();
        response.headers_mut().extend(ours.headers().clone());
        *response.extensions_mut() = ours.into_parts().0.extensions;
    }
    if let Some(error) = response.extensions_mut().remove::<Arc<ApiError>>() {
        response = write_problem(response, &error, &context);
    }
    let headers = response.headers_mut();
    headers.insert(TRACEPARENT, context.traceparent());
    if let Ok(id) = HeaderValue::try_from(context.id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Keeps status and headers such as `Allow` and `Retry-After`.
fn write_problem(response: Response, error: &ApiError, context: &RequestContext) -> Response {
    let (parts, _) = response.into_parts();
    let document = ProblemDocument::new(error, context);
    let body = serde_json::to_vec(&document).expect("a problem of strings can be written");
    let mut rendered = (error.kind.entry().status, body).into_response();
    let headers = rendered.headers_mut();
    for (name, value) in &parts.headers {
        if name != header::CONTENT_LENGTH && name != header::CONTENT_ENCODING {
            headers.insert(name.clone(), value.clone());
        }
    }
    headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(context.language.tag()));
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    rendered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_language(accepted: &str, expected: Language) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(accepted).unwrap());
        assert_eq!(preferred_language(&headers), expected, "{accepted}");
    }

    #[test]
    fn the_language_of_greatest_weight_is_chosen() {
        check_language("en", Language::En);
        check_language("en-GB,zh;q=0.9", Language::En);
        check_language("zh-CN,zh;q=0.9,en;q=0.8", Language::Zh);
        check_language("fr, en;q=0.3, zh;q=0.2", Language::En);
        check_language("en;q=0", Language::Zh);
        check_language("fr", Language::Zh);
        check_language("", Language::Zh);
    }

    #[test]
    fn a_trace_of_the_caller_is_continued_when_it_is_sound() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let sound = format!("00-{trace}-00f067aa0ba902b7-01");
        assert_eq!(trace_id_of(&sound).as_deref(), Some(trace));
        for text in ["", "00-zz-00f067aa0ba902b7-01", &sound[..40], &sound.replace('4', "G")] {
            assert_eq!(trace_id_of(text), None, "{text}");
        }
        let zero = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        assert_eq!(trace_id_of(&zero), None);
    }
}

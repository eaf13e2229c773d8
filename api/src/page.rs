//! The page: files of `web/dist`, embedded in the binary.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Files;

const INDEX: &str = "index.html";

/// First parts of the addresses of views: the page finds its way by them, the
/// server gives the same file for all. `web/src/lib/domain/route.ts` has the
/// same list.
const VIEWS: [&str; 7] = ["townships", "things", "alerts", "situation", "history", "wall", "admin"];

/// Shown when the page was not built.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"zh-CN\">\n\
    <head><meta charset=\"utf-8\"><title>Tidewatch</title></head>\n<body>\n\
    <p>页面尚未构建:请运行 <code>make web</code>,然后重新编译。</p>\n\
    <p lang=\"en\">The page is not built: run <code>make web</code>, then build again.</p>\n\
    <p><a href=\"/docs/\">API</a></p>\n</body>\n</html>\n";

/// Everything that no other route serves.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let first = path.split('/').next().unwrap_or_default();
    let name = if path.is_empty() || VIEWS.contains(&first) { INDEX } else { path };
    match (Files::get(name), name) {
        (Some(file), _) => respond(name, &file, &headers),
        (None, INDEX) => Html(NOT_BUILT).into_response(),
        (None, _) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn respond(name: &str, file: &rust_embed::EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash: String =
        file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    // Names under assets/ hold a hash of their content: they never change.
    let cache = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = match headers.get(header::IF_NONE_MATCH) {
        Some(known) if known.as_bytes() == tag.as_bytes() => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        _ => {
            let content_type = match file.metadata.mimetype() {
                text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
                other => other.to_owned(),
            };
            let mut response = file.data.clone().into_owned().into_response();
            if let Ok(value) = HeaderValue::try_from(content_type) {
                response.headers_mut().insert(header::CONTENT_TYPE, value);
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(value) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, value);
    }
    response
}

//! `/problems/{slug}`: the explanation that a problem's `type` leads to.

use axum::extract::{Extension, Path};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

use super::{ApiError, Kind, Message, RequestContext};

pub(crate) async fn explain(
    Extension(context): Extension<RequestContext>,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.entry().slug == slug)
        .ok_or_else(|| ApiError::not_found(Message::NoRoute))?;
    let entry = kind.entry();
    let language = context.language;
    let title = language.pick(entry.title_zh, entry.title_en);
    let help = language.pick(entry.help_zh, entry.help_en);
    let tag = language.tag();
    let (status, code) = (entry.status.as_u16(), entry.code);
    // All of it is text of our own: nothing here needs escaping.
    let page = format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head><meta charset=\"utf-8\">\
         <title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n\
         <p>HTTP {status} · <code>{code}</code></p>\n<p>{help}</p>\n</body>\n</html>\n"
    );
    let headers = [(header::CONTENT_LANGUAGE, tag), (header::VARY, "accept-language")];
    Ok((headers, Html(page)).into_response())
}

//! Every route of the program, in one place.

use std::os::unix::fs::MetadataExt;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tracing::error;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::documents::{bulletins, recall_orders, responses, signals, storms, storms_import};
use crate::identity::Peer;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::{
    alerts, clock, columns, credentials, datastreams, events, exports, guard, health, holds,
    identity, indices, ledger, metrics, models, observations, openapi, overrides, page, problem,
    properties, quarantine, readiness, scores, send, sessions, silences, situation, system, things,
    things_import, townships, users, webhook,
};

/// The operations of `/api/v1`, but for those with bodies of their own size.
fn operations() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(clock::read))
        .routes(routes!(sessions::read, sessions::log_in, sessions::log_out))
        .routes(routes!(townships::list))
        .routes(routes!(indices::list))
        .routes(routes!(indices::scores))
        .routes(routes!(scores::series))
        .routes(routes!(scores::explanation))
        .routes(routes!(holds::list))
        .routes(routes!(models::list))
        .routes(routes!(situation::read))
        .routes(routes!(readiness::read))
        .routes(routes!(events::stream::listen))
        .routes(routes!(things::list, things::create))
        .routes(routes!(things::read, things::replace))
        .routes(routes!(credentials::issue_bulk))
        .routes(routes!(credentials::read, credentials::issue, credentials::revoke))
        .routes(routes!(properties::list))
        .routes(routes!(datastreams::list))
        .routes(routes!(datastreams::latest))
        .routes(routes!(observations::list))
        .routes(routes!(columns::list, send::send))
        .routes(routes!(exports::list))
        .routes(routes!(exports::observations::export))
        .routes(routes!(exports::scores::export))
        .routes(routes!(ledger::read))
        .routes(routes!(system::read))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::read))
        .routes(routes!(quarantine::redrive))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::set_password))
        .routes(routes!(webhook::routes::list))
        .routes(routes!(webhook::routes::test))
}

/// What is declared by others, and what people do about alerts.
fn declarations() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(signals::list, signals::create))
        .routes(routes!(signals::read, signals::replace))
        .routes(routes!(responses::list, responses::create))
        .routes(routes!(responses::read, responses::replace))
        .routes(routes!(recall_orders::list, recall_orders::create))
        .routes(routes!(recall_orders::read, recall_orders::replace))
        .routes(routes!(storms::list, storms::create))
        .routes(routes!(storms::read, storms::replace))
        .routes(routes!(bulletins::list, bulletins::create))
        .routes(routes!(bulletins::read, bulletins::replace))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::read))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(alerts::close))
        .routes(routes!(silences::list, silences::create))
        .routes(routes!(silences::end))
        .routes(routes!(overrides::list, overrides::create))
        .routes(routes!(overrides::end))
}

fn imports() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(things_import::import))
        .routes(routes!(storms_import::import))
}

/// The document as the routes describe themselves.
pub(crate) fn described() -> utoipa::openapi::OpenApi {
    operations().merge(declarations()).merge(imports()).into_openapi()
}

pub fn router(state: AppState) -> Router {
    let options = &state.options;
    let (operations, _) = operations().merge(declarations()).split_for_parts();
    let (imports, _) = imports().split_for_parts();
    let api = Router::new()
        .merge(operations.layer(RequestBodyLimitLayer::new(options.body_bytes_max)))
        .merge(imports.layer(RequestBodyLimitLayer::new(options.import_bytes_max)))
        .layer(DefaultBodyLimit::disable())
        .route_layer(from_fn_with_state(state.clone(), identity::authorise));

    let beside = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::render))
        .route("/api/openapi.json", get(openapi::serve))
        .route("/problems/{slug}", get(problem::explain))
        .merge(SwaggerUi::new("/docs").config(Config::new(["/api/openapi.json"])))
        .fallback(page::serve);

    let request_timeout =
        TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, options.request_timeout);
    let body_timeout = RequestBodyTimeoutLayer::new(options.body_pause_max);
    // The last one is the outermost.
    api.merge(beside)
        .layer(body_timeout)
        .layer(request_timeout)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), guard::admit))
        .layer(from_fn(problem::render))
        .layer(CompressionLayer::new())
        .layer(from_fn(metrics::observe))
        .layer(from_fn(guard::security_headers))
        .with_state(state)
}

/// The same for a command of this machine that has opened the data directory
/// itself: every request is the local administrator's.
pub fn local_router(state: AppState) -> Router {
    let peer = Peer::Local { uid: own_uid() };
    router(state).layer(from_fn(move |mut request: Request, next: Next| async move {
        request.extensions_mut().insert(peer);
        next.run(request).await
    }))
}

/// The user this process runs as; root's where there is no procfs to ask.
fn own_uid() -> u32 {
    std::fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid())
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    error!(panic = text, "a handler panicked");
    ApiError::internal().into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_problem() {
        let response = panicked(Box::new("boom"));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.extensions().get::<std::sync::Arc<ApiError>>().is_some());
    }
}

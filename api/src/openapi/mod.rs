//! The OpenAPI 3.1 document: made from the routes, completed here with what
//! all operations have in common.

mod examples;
mod live_examples;
mod situation_examples;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;

use crate::policy::{Action, action_of};
use crate::problem::{Kind, ProblemDocument};
use crate::router;

static TEXT: LazyLock<String> = LazyLock::new(|| {
    serde_json::to_string_pretty(&document()).expect("a JSON value can be written")
});

/// What `/api/openapi.json` serves and the command `openapi` prints.
pub fn openapi_json() -> &'static str {
    &TEXT
}

pub(crate) async fn serve() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, openapi_json()).into_response()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Tidewatch",
        description = "IoT sensing and risk monitoring for a coastal county. Times are RFC 3339 \
            with offset; ranges are half-open; errors are problem documents (RFC 9457); lists \
            are read on with `next_cursor`; unknown query parameters are refused, unknown \
            members of answers are to be ignored.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemDocument)),
    tags(
        (name = "session", description = "Who is logged in; the clocks"),
        (name = "indices", description = "Townships, indices, scores, live events"),
        (name = "documents", description = "What others declared or forecast"),
        (name = "alerts", description = "What passed a limit, and what people did about it"),
        (name = "things", description = "What carries sensors"),
        (name = "credentials", description = "What devices show when they connect"),
        (name = "datastreams", description = "Observed properties and their history"),
        (name = "exports", description = "History as a file"),
        (name = "observations", description = "Sending readings"),
        (name = "operations", description = "Ledger and quarantine"),
        (name = "users", description = "Accounts"),
    )
)]
struct Head;

fn document() -> Value {
    let mut api = Head::openapi();
    api.merge(router::described());
    let mut document = serde_json::to_value(&api).expect("the document is plain data");
    add_problem_responses(&mut document);
    add_security_schemes(&mut document);
    let paths = document["paths"].as_object_mut().expect("the document has paths");
    for (path, item) in paths {
        let operations = item.as_object_mut().expect("a path item is an object");
        for (method, operation) in operations {
            complete(path, method, operation);
        }
    }
    document
}

/// What every operation may answer beside its own.
const COMMON: [Kind; 6] = [
    Kind::BadRequest,
    Kind::Unauthenticated,
    Kind::Forbidden,
    Kind::TooManyRequests,
    Kind::Internal,
    Kind::Unavailable,
];

fn complete(path: &str, method: &str, operation: &mut Value) {
    let method = axum::http::Method::from_bytes(method.to_uppercase().as_bytes())
        .expect("utoipa writes methods");
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    let mut kinds = COMMON.to_vec();
    if path.contains('{') || id == "list_scores" || id == "get_situation" {
        kinds.push(Kind::NotFound);
    }
    if method == axum::http::Method::GET {
        kinds.push(Kind::NotAcceptable);
    } else {
        kinds.push(Kind::Conflict);
    }
    if operation.get("requestBody").is_some() {
        let of_bodies =
            [Kind::RequestTimeout, Kind::TooLarge, Kind::UnsupportedMediaType, Kind::Validation];
        kinds.extend(of_bodies);
    }
    match id.as_str() {
        // Documents may be replaced without If-Match.
        other if other.starts_with("put_") && other != "put_thing" => {
            kinds.push(Kind::PreconditionFailed);
        }
        "put_thing" => kinds.extend([Kind::PreconditionFailed, Kind::PreconditionRequired]),
        "redrive_quarantine" => kinds.push(Kind::Validation),
        _ => (),
    }
    for kind in kinds {
        let status = kind.entry().status.as_u16().to_string();
        let reference = format!("#/components/responses/Problem{status}");
        operation["responses"][&status] = json!({ "$ref": reference });
    }
    if let Some(action) = action_of(&method, path) {
        operation["security"] = security(action);
    }
    examples::add(&id, operation);
}

fn security(action: Action) -> Value {
    match action {
        Action::Greet | Action::LogIn => json!([]),
        Action::SendReadings => json!([{ "session": [] }, { "token": [] }, { "device": [] }]),
        // With `public_read` these may be read without a login.
        Action::ReadIndices | Action::ReadAll => json!([{}, { "session": [] }, { "token": [] }]),
        _ => json!([{ "session": [] }, { "token": [] }]),
    }
}

fn add_problem_responses(document: &mut Value) {
    let mut responses = Map::new();
    for kind in Kind::ALL {
        let entry = kind.entry();
        let status = entry.status.as_u16();
        let example = json!({
            "type": format!("/problems/{}", entry.slug),
            "title": entry.title_zh,
            "status": status,
            "code": entry.code,
            "detail": entry.help_zh,
            "instance": "urn:uuid:0b7f2c0e-5f0f-4d3e-9f55-5a3a8d0f7c11",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        });
        let response = responses.entry(format!("Problem{status}")).or_insert_with(|| {
            json!({
                "description": entry.title_en,
                "content": {
                    "application/problem+json": {
                        "schema": { "$ref": "#/components/schemas/Problem" },
                        "examples": {},
                    },
                },
            })
        });
        response["content"]["application/problem+json"]["examples"][entry.slug] =
            json!({ "value": example });
    }
    document["components"]["responses"] = Value::Object(responses);
}

fn add_security_schemes(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "session": {
            "type": "apiKey", "in": "cookie", "name": "tidewatch_session",
            "description": "Set by POST /api/v1/session; `__Host-tidewatch` over HTTPS. Unsafe \
                methods need our own Origin, which browsers send by themselves.",
        },
        "token": { "type": "http", "scheme": "bearer" },
        "device": {
            "type": "http", "scheme": "basic",
            "description": "Thing id and its secret; for POST /api/v1/observations only.",
        },
    });
}

//! `/things/{id}/credentials`: what a device shows when it connects.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{ThingId, Time};
use serde::{Deserialize, Serialize};
use store::Credential;
use utoipa::ToSchema;

use crate::audit::audit;
use crate::extract::{ApiJson, ApiPath, ApiQuery, NoQuery, OptionalJson};
use crate::identity::Caller;
use crate::problem::{ApiError, FieldError, Kind, Message};
use crate::secret::Secret;
use crate::sessions::no_randomness;
use crate::state::AppState;
use crate::things;

/// Things a gateway may name; more are given by prefix.
const THINGS_MAX: usize = 10_000;
const PREFIXES_MAX: usize = 100;
const BULK_MAX: usize = 1_000;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialInput {
    /// Things a gateway may publish for, besides itself.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    things: Vec<String>,
    /// Beginnings of things a gateway may publish for.
    #[serde(default)]
    #[schema(max_items = 100)]
    prefixes: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssuedCredential {
    thing: String,
    /// Shown this once.
    secret: String,
    things: Vec<String>,
    prefixes: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created: Time,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Credential)]
pub(crate) struct CredentialView {
    thing: String,
    things: Vec<String>,
    prefixes: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created: Time,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkInput {
    #[schema(max_items = 1000, min_items = 1)]
    things: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkCredentials {
    items: Vec<BulkCredential>,
}

#[derive(Debug, Serialize, ToSchema)]
struct BulkCredential {
    thing: String,
    /// Shown this once.
    secret: String,
}

/// A thing's credential, without its secret
#[utoipa::path(get, path = "/api/v1/things/{id}/credentials", operation_id = "get_credential",
    tag = "credentials", params(("id" = String, Path, description = "Thing id")),
    responses((status = 200, description = "The credential", body = CredentialView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<Json<CredentialView>, ApiError> {
    let record = things::find(&state, &id)?;
    let credential = state.store.registry().credential(&record.thing.id).await?;
    let credential = credential.ok_or_else(|| missing(&record.thing.id))?;
    Ok(Json(CredentialView {
        thing: credential.thing.to_string(),
        things: credential.things.iter().map(ToString::to_string).collect(),
        prefixes: credential.prefixes,
        created: credential.created,
    }))
}

fn missing(thing: &ThingId) -> ApiError {
    ApiError::not_found(Message::NoCredential(thing.to_string())).with_code("credential_not_found")
}

/// Issue a credential
///
/// The secret is in this answer only. An older one stops working at once and
/// its connections are closed.
#[utoipa::path(post, path = "/api/v1/things/{id}/credentials", operation_id = "issue_credential",
    tag = "credentials", params(("id" = String, Path, description = "Thing id")),
    request_body(content = CredentialInput,
        description = "For gateways: whom they publish for. May be left out."),
    responses((status = 201, description = "Issued", body = IssuedCredential)))]
pub(crate) async fn issue(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    OptionalJson(input): OptionalJson<CredentialInput>,
) -> Result<Response, ApiError> {
    let record = things::find(&state, &id)?;
    let (things, prefixes) = read_scope(&input)?;
    let (credential, secret) = issue_one(&state, &record.thing.id, things, prefixes).await?;
    let detail = format!(
        "{} things, {} prefixes besides itself",
        credential.things.len(),
        credential.prefixes.len()
    );
    audit(&state, &caller.identity, "issue_credential", &id, detail).await?;
    let issued = IssuedCredential {
        thing: id,
        secret: secret.into_text(),
        things: input.things,
        prefixes: input.prefixes,
        created: credential.created,
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, NO_STORE)], Json(issued)).into_response())
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

fn read_scope(input: &CredentialInput) -> Result<(Vec<ThingId>, Vec<String>), ApiError> {
    let mut errors = Vec::new();
    if input.things.len() > THINGS_MAX {
        errors.push(FieldError::at("#/things", format!("has more than {THINGS_MAX}")));
    }
    if input.prefixes.len() > PREFIXES_MAX {
        errors.push(FieldError::at("#/prefixes", format!("has more than {PREFIXES_MAX}")));
    }
    let mut things = Vec::with_capacity(input.things.len().min(THINGS_MAX));
    for (index, text) in input.things.iter().take(THINGS_MAX).enumerate() {
        match ThingId::parse(text) {
            Ok(thing) => things.push(thing),
            Err(error) => errors.push(FieldError::at(format!("#/things/{index}"), error)),
        }
    }
    for (index, prefix) in input.prefixes.iter().take(PREFIXES_MAX).enumerate() {
        // The beginning of an id has the grammar of an id.
        if let Err(error) = ThingId::parse(prefix) {
            errors.push(FieldError::at(format!("#/prefixes/{index}"), error));
        }
    }
    if errors.is_empty() {
        Ok((things, input.prefixes.clone()))
    } else {
        Err(ApiError::new(Kind::Validation, Message::None)
            .with_code("scope_invalid")
            .with_errors(errors))
    }
}

async fn issue_one(
    state: &AppState,
    thing: &ThingId,
    things: Vec<ThingId>,
    prefixes: Vec<String>,
) -> Result<(Credential, Secret), ApiError> {
    let secret = Secret::generate().map_err(no_randomness)?;
    let credential = Credential {
        thing: thing.clone(),
        secret_hash: secret.hash(),
        things,
        prefixes,
        created: state.clock.real(),
    };
    state.store.registry().put_credential(credential.clone()).await?;
    disconnect(state, thing);
    Ok((credential, secret))
}

/// After the registry has the change, so that a reconnect meets the new one.
fn disconnect(state: &AppState, thing: &ThingId) {
    if let Some(disconnect) = &state.disconnect_thing {
        disconnect(thing);
    }
}

/// Issue credentials for a fleet
#[utoipa::path(post, path = "/api/v1/things/credentials", operation_id = "issue_credentials",
    tag = "credentials", request_body = BulkInput,
    responses((status = 201, description = "Issued, in the order asked for",
        body = BulkCredentials)))]
pub(crate) async fn issue_bulk(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<BulkInput>,
) -> Result<Response, ApiError> {
    if !(1..=BULK_MAX).contains(&input.things.len()) {
        let error = FieldError::at("#/things", format!("has not 1 to {BULK_MAX} things"));
        return Err(ApiError::new(Kind::Validation, Message::None).with_errors(vec![error]));
    }
    let directory = state.store.directory();
    let mut errors = Vec::new();
    let mut things = Vec::with_capacity(input.things.len());
    for (index, text) in input.things.iter().enumerate() {
        match ThingId::parse(text).ok().filter(|thing| directory.things.contains_key(thing)) {
            Some(thing) => things.push(thing),
            None => errors.push(FieldError::at(format!("#/things/{index}"), "does not exist")),
        }
    }
    if !errors.is_empty() {
        return Err(ApiError::new(Kind::Validation, Message::None)
            .with_code("thing_not_found")
            .with_errors(errors));
    }
    let mut items = Vec::with_capacity(things.len());
    for thing in &things {
        let (_, secret) = issue_one(&state, thing, Vec::new(), Vec::new()).await?;
        items.push(BulkCredential { thing: thing.to_string(), secret: secret.into_text() });
    }
    let detail = format!("{} things", items.len());
    audit(&state, &caller.identity, "issue_credentials", "things", detail).await?;
    let answer = Json(BulkCredentials { items });
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, NO_STORE)], answer).into_response())
}

/// Revoke a credential
///
/// Its connections are closed.
#[utoipa::path(delete, path = "/api/v1/things/{id}/credentials",
    operation_id = "revoke_credential", tag = "credentials",
    params(("id" = String, Path, description = "Thing id")),
    responses((status = 204, description = "Revoked")))]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<StatusCode, ApiError> {
    let record = things::find(&state, &id)?;
    let thing = &record.thing.id;
    if !state.store.registry().remove_credential(thing).await? {
        return Err(missing(thing));
    }
    disconnect(&state, thing);
    audit(&state, &caller.identity, "revoke_credential", &id, String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}

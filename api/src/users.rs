//! `/users`: accounts, for administrators.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{Clock, Time};
use serde::{Deserialize, Serialize};
use store::{AuditEntry, Role, Store, User};
use utoipa::ToSchema;

use crate::audit::audit;
use crate::extract::{ApiJson, ApiPath, ApiQuery, NoQuery, OptionalJson};
use crate::identity::Caller;
use crate::password;
use crate::problem::{ApiError, FieldError, Kind, Message};
use crate::secret::Secret;
use crate::sessions::{no_randomness, role_name};
use crate::state::{AppState, StartError};
use crate::wire::Page;

/// The account of the first run.
const FIRST_ADMINISTRATOR: &str = "admin";

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserView {
    #[schema(example = "wang")]
    name: String,
    #[schema(example = "engineer")]
    role: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created: Time,
    disabled: bool,
    /// An account without a password has a token only.
    has_password: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserInput {
    /// `[a-z][a-z0-9._-]{0,63}`
    #[schema(example = "wang", pattern = "^[a-z][a-z0-9._-]{0,63}$")]
    name: String,
    /// `administrator`, `engineer` or `viewer`.
    #[schema(example = "engineer")]
    role: String,
    /// At least 10 characters; left out, one is generated and shown once.
    #[serde(default)]
    #[schema(format = "password", min_length = 10, max_length = 256)]
    password: Option<String>,
    /// A token for scripts instead of a password; shown once.
    #[serde(default)]
    token: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedUser {
    name: String,
    role: &'static str,
    /// The generated password; shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    /// The token; shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordInput {
    /// Left out, one is generated and shown once.
    #[serde(default)]
    #[schema(format = "password", min_length = 10, max_length = 256)]
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct NewPassword {
    name: String,
    /// The generated password; absent when one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// All accounts
#[utoipa::path(get, path = "/api/v1/users", operation_id = "list_users", tag = "users",
    responses((status = 200, description = "Accounts", body = Page<UserView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    _: ApiQuery<NoQuery>,
) -> Result<Json<Page<UserView>>, ApiError> {
    let users = state.store.registry().users().await?;
    let items = users
        .into_iter()
        .map(|user| UserView {
            name: user.name,
            role: role_name(user.role),
            created: user.created,
            disabled: user.disabled,
            has_password: user.password_hash.is_some(),
        })
        .collect();
    Ok(Json(Page::whole(items)))
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Create an account
#[utoipa::path(post, path = "/api/v1/users", operation_id = "create_user", tag = "users",
    request_body = UserInput,
    responses((status = 201, description = "Created", body = CreatedUser)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<UserInput>,
) -> Result<Response, ApiError> {
    let role = check(&input)?;
    let registry = state.store.registry();
    if registry.user(&input.name).await?.is_some() {
        return Err(
            ApiError::new(Kind::Conflict, Message::UserExists(input.name)).with_code("user_exists")
        );
    }
    let (given, generated) = match (input.token, input.password) {
        (true, _) => (None, None),
        (false, Some(password)) => {
            password::check(&password)?;
            (Some(password), None)
        }
        (false, None) => {
            let password = Secret::generate_password().map_err(no_randomness)?.into_text();
            (Some(password.clone()), Some(password))
        }
    };
    let password_hash = match given {
        Some(password) => Some(state.passwords.hash(password).await?),
        None => None,
    };
    let now = state.clock.real();
    let user =
        User { name: input.name.clone(), role, password_hash, created: now, disabled: false };
    registry.put_user(user).await?;
    let token = if input.token {
        let token = Secret::generate().map_err(no_randomness)?;
        registry.put_token(&input.name, token.hash(), now).await?;
        Some(token.into_text())
    } else {
        None
    };
    audit(&state, &caller.identity, "create_user", &input.name, role_name(role).to_owned()).await?;
    let created =
        CreatedUser { name: input.name, role: role_name(role), password: generated, token };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, NO_STORE)], Json(created)).into_response())
}

fn check(input: &UserInput) -> Result<Role, ApiError> {
    let mut errors = Vec::new();
    if !is_user_name(&input.name) {
        errors.push(FieldError::at("#/name", "does not fit [a-z][a-z0-9._-]{0,63}"));
    }
    let roles = [Role::Administrator, Role::Engineer, Role::Viewer];
    let role = roles.into_iter().find(|role| role_name(*role) == input.role);
    if role.is_none() {
        errors.push(FieldError::at("#/role", "is none of administrator, engineer, viewer"));
    }
    if input.token && input.password.is_some() {
        errors.push(FieldError::at("#/password", "an account with a token has no password"));
    }
    match role {
        Some(role) if errors.is_empty() => Ok(role),
        _ => Err(ApiError::new(Kind::Validation, Message::None).with_errors(errors)),
    }
}

fn is_user_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        })
}

/// Set an account's password
///
/// Its sessions end.
#[utoipa::path(put, path = "/api/v1/users/{name}/password", operation_id = "set_password",
    tag = "users", params(("name" = String, Path, description = "Account")),
    request_body(content = PasswordInput, description = "May be left out."),
    responses((status = 200, description = "Set", body = NewPassword)))]
pub(crate) async fn set_password(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(name): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    OptionalJson(input): OptionalJson<PasswordInput>,
) -> Result<Response, ApiError> {
    let registry = state.store.registry();
    let user = registry.user(&name).await?.ok_or_else(|| {
        let shown = name.escape_debug().take(80).collect();
        ApiError::not_found(Message::NoSuchUser(shown)).with_code("user_not_found")
    })?;
    let (password, generated) = match input.password {
        Some(password) => {
            password::check(&password)?;
            (password, None)
        }
        None => {
            let password = Secret::generate_password().map_err(no_randomness)?.into_text();
            (password.clone(), Some(password))
        }
    };
    let password_hash = Some(state.passwords.hash(password).await?);
    registry.put_user(User { password_hash, ..user }).await?;
    registry.remove_sessions_of(&name).await?;
    audit(&state, &caller.identity, "set_password", &name, String::new()).await?;
    let answer = NewPassword { name, password: generated };
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(answer)).into_response())
}

/// On the first run: makes the administrator's account and gives its
/// password, to be printed once. `None` when there are accounts already.
pub async fn ensure_administrator(
    store: &Store,
    clock: &Clock,
) -> Result<Option<String>, StartError> {
    let registry = store.registry();
    if !registry.users().await?.is_empty() {
        return Ok(None);
    }
    let password = Secret::generate_password().map_err(password::PasswordError::from)?;
    let now = clock.real();
    let user = User {
        name: FIRST_ADMINISTRATOR.to_owned(),
        role: Role::Administrator,
        password_hash: Some(password::hash(password.text().as_bytes())?),
        created: now,
        disabled: false,
    };
    registry.put_user(user).await?;
    let entry = AuditEntry {
        at: now,
        actor: "first run".to_owned(),
        action: "create_user".to_owned(),
        object: FIRST_ADMINISTRATOR.to_owned(),
        detail: role_name(Role::Administrator).to_owned(),
    };
    registry.audit(entry).await?;
    Ok(Some(password.into_text()))
}

//! `/session`: logging in and out, and who is logged in.
//!
//! A session is a random 256-bit id in a cookie that scripts cannot read; the
//! registry keeps its hash. It ends after 30 idle minutes or 12 hours.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum_extra::extract::CookieJar;
use serde::{Deserialize, Serialize};
use store::{Role, Session};
use utoipa::ToSchema;

use crate::audit::audit;
use crate::extract::{ApiJson, ApiQuery, NoQuery};
use crate::identity::{Caller, count_failure, refuse_after_failures};
use crate::password;
use crate::policy::Identity;
use crate::problem::{ApiError, Kind, Message};
use crate::secret::{self, Secret};
use crate::state::AppState;
use crate::wire::LocalizedText;

/// A session's use is written down at most this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// `null` when nobody is logged in.
    user: Option<SessionUser>,
    /// What may be read without a login.
    #[schema(example = "none")]
    public_read: &'static str,
    /// What the data is: `real`, `replay` (a real storm on simulated sensors)
    /// or `simulated`.
    #[schema(example = "real")]
    origin: &'static str,
    title: LocalizedText,
    county: CountyView,
    bureau: LocalizedText,
    #[schema(example = "0.1.0")]
    version: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionUser {
    name: String,
    /// `administrator`, `engineer` or `viewer`.
    #[schema(example = "engineer")]
    role: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct CountyView {
    #[schema(example = "330225")]
    code: String,
    name: LocalizedText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    #[schema(example = "admin", max_length = 64)]
    name: String,
    #[schema(format = "password", max_length = 256)]
    password: String,
}

pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Administrator => "administrator",
        Role::Engineer => "engineer",
        Role::Viewer => "viewer",
    }
}

fn view(state: &AppState, identity: &Identity) -> SessionView {
    let user = match identity {
        Identity::User { name, role } => {
            Some(SessionUser { name: name.clone(), role: role_name(*role) })
        }
        Identity::Local { .. } => {
            Some(SessionUser { name: identity.actor(), role: role_name(Role::Administrator) })
        }
        Identity::Anonymous | Identity::Device { .. } => None,
    };
    let county = &state.county;
    SessionView {
        user,
        public_read: state.options.public_read.as_str(),
        origin: state.store.origin().as_str(),
        title: (&county.title).into(),
        county: CountyView { code: county.code.clone(), name: (&county.name).into() },
        bureau: (&county.bureau).into(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// Who is logged in, and what this system is
///
/// Always readable.
#[utoipa::path(get, path = "/api/v1/session", operation_id = "get_session", tag = "session",
    responses((status = 200, description = "The session", body = SessionView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    (no_store, Json(view(&state, &caller.identity))).into_response()
}

/// Log in
///
/// At most five attempts in 15 minutes for an account from one address.
#[utoipa::path(post, path = "/api/v1/session", operation_id = "log_in", tag = "session",
    request_body = Login,
    responses((status = 200, description = "Logged in; the cookie is set", body = SessionView)))]
pub(crate) async fn log_in(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    _: ApiQuery<NoQuery>,
    ApiJson(login): ApiJson<Login>,
) -> Result<Response, ApiError> {
    let now = state.clock.real();
    refuse_after_failures(&state, caller.address)?;
    let key = (secret::hash(&login.name), caller.address);
    state.logins.count(key, now).map_err(|wait| {
        let minutes = wait.as_secs().div_ceil(60);
        ApiError::too_many(Message::LoginThrottled { minutes }, wait).with_code("login_throttled")
    })?;

    let is_sound = login.name.len() <= 64 && login.password.len() <= password::BYTES_MAX;
    let user = match is_sound {
        true => state.store.registry().user(&login.name).await?.filter(|user| !user.disabled),
        false => None,
    };
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let given = if is_sound { login.password } else { String::new() };
    let is_right = state.passwords.verify(given, hash).await?;
    let Some(user) = user.filter(|_| is_right) else {
        count_failure(&state, caller.address);
        return Err(
            ApiError::new(Kind::Unauthenticated, Message::LoginFailed).with_code("login_failed")
        );
    };
    state.logins.forget(&key);

    // A new id at each login: one that somebody planted before is worth nothing.
    if let Some(old) = caller.session {
        state.store.registry().remove_session(&old).await?;
    }
    let id = Secret::generate().map_err(no_randomness)?;
    let session = Session {
        id_hash: id.hash(),
        user: user.name.clone(),
        role: user.role,
        created: now,
        last_used: now,
    };
    state.store.registry().put_session(session).await?;
    let identity = Identity::User { name: user.name, role: user.role };
    audit(&state, &identity, "log_in", "session", caller.address.to_string()).await?;
    let cookie = cookie(&state, id.text(), state.options.session_absolute)?;
    let headers_out =
        AppendHeaders([(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, NO_STORE)]);
    drop(headers);
    Ok((headers_out, Json(view(&state, &identity))).into_response())
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Log out
#[utoipa::path(delete, path = "/api/v1/session", operation_id = "log_out", tag = "session",
    responses((status = 204, description = "Logged out; the session is gone")))]
pub(crate) async fn log_out(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    if let Some(hash) = caller.session {
        state.store.registry().remove_session(&hash).await?;
        audit(&state, &caller.identity, "log_out", "session", String::new()).await?;
    }
    let cookie = cookie(&state, "", Duration::ZERO)?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, cookie)])).into_response())
}

pub(crate) fn no_randomness(error: secret::NoRandomness) -> ApiError {
    tracing::error!(%error, "secret not made");
    ApiError::internal()
}

fn cookie_name(state: &AppState) -> &'static str {
    if state.options.secure_cookies { "__Host-tidewatch" } else { "tidewatch_session" }
}

fn cookie(state: &AppState, id: &str, age: Duration) -> Result<HeaderValue, ApiError> {
    let name = cookie_name(state);
    let secure = if state.options.secure_cookies { "; Secure" } else { "" };
    let age = age.as_secs();
    let text = format!("{name}={id}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(text).map_err(|_| ApiError::internal())
}

/// The live session that the cookie names.
pub(crate) async fn current(
    state: &AppState,
    headers: &HeaderMap,
) -> Result<Option<(Identity, [u8; 32])>, ApiError> {
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(cookie_name(state)) else { return Ok(None) };
    let hash = secret::hash(cookie.value());
    Ok(check(state, &hash).await?.map(|identity| (identity, hash)))
}

/// The identity of a session, if it has not ended; notes its use.
pub(crate) async fn check(state: &AppState, hash: &[u8; 32]) -> Result<Option<Identity>, ApiError> {
    let registry = state.store.registry();
    let Some(session) = registry.session(hash).await? else { return Ok(None) };
    let now = state.clock.real();
    let options = &state.options;
    let is_over = session.last_used + options.session_idle <= now
        || session.created + options.session_absolute <= now;
    if is_over {
        registry.remove_session(hash).await?;
        return Ok(None);
    }
    // The account decides, not what the session remembers: it may have been
    // disabled or given another role since.
    let Some(user) = registry.user(&session.user).await?.filter(|user| !user.disabled) else {
        return Ok(None);
    };
    if session.last_used + TOUCH_EVERY <= now {
        registry.touch_session(hash, now).await?;
    }
    Ok(Some(Identity::User { name: user.name, role: user.role }))
}

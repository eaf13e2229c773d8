//! Who asks: every request of the API passes [`authorise`], which finds the
//! identity, guards cookies against foreign pages, and asks the policy.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::headers::authorization::{Basic, Bearer};
use axum_extra::headers::{Authorization, HeaderMapExt};
use model::ThingId;
use tracing::error;

use crate::policy::{Action, Decision, Identity, action_of, decide, is_known};
use crate::problem::{ApiError, Kind, Message};
use crate::secret;
use crate::sessions;
use crate::state::AppState;

/// Where the request came from, set by the accept loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Address(IpAddr),
    /// The control socket: a process of this machine, with its user.
    Local {
        uid: u32,
    },
}

impl Peer {
    /// Requests without one come from tests that call the router directly.
    pub(crate) fn of(extensions: &axum::http::Extensions) -> Peer {
        let unknown = Peer::Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        extensions.get::<Peer>().copied().unwrap_or(unknown)
    }

    pub(crate) fn address(self) -> IpAddr {
        match self {
            Peer::Address(address) => address,
            Peer::Local { .. } => IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

/// Whom a request is from. Only [`authorise`] makes one, so a handler that
/// takes it runs behind the policy.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    pub(crate) address: IpAddr,
    /// The session's hash, when a cookie told who it is.
    pub(crate) session: Option<[u8; 32]>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Caller, ApiError> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(|| {
            error!(path = parts.uri.path(), "route without authorisation");
            ApiError::internal()
        })
    }
}

/// Middleware of every route of `/api/v1`.
pub(crate) async fn authorise(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let Some(action) = route.as_deref().and_then(|route| action_of(&method, route)) else {
        if route.as_deref().is_some_and(is_known) {
            // 405 follows. Were there a handler after all, it would fail for
            // want of a `Caller`.
            return Ok(next.run(request).await);
        }
        error!(%method, ?route, "route without an action, denied");
        return Err(ApiError::new(Kind::Forbidden, Message::RoleForbids));
    };
    let caller =
        identify(&state, request.headers(), Peer::of(request.extensions()), action).await?;
    if caller.session.is_some() || action == Action::LogIn {
        refuse_foreign_page(&method, request.headers(), caller.session.is_some())?;
    }
    match decide(&caller.identity, action, state.options.public_read) {
        Decision::Allow => {
            request.extensions_mut().insert(caller);
            Ok(next.run(request).await)
        }
        Decision::LogIn => Err(ApiError::new(Kind::Unauthenticated, Message::LoginRequired)),
        Decision::Forbid => Err(ApiError::new(Kind::Forbidden, Message::RoleForbids)),
    }
}

async fn identify(
    state: &AppState,
    headers: &HeaderMap,
    peer: Peer,
    action: Action,
) -> Result<Caller, ApiError> {
    let address = peer.address();
    let anonymous = Caller { identity: Identity::Anonymous, address, session: None };
    if let Peer::Local { uid } = peer {
        return Ok(Caller { identity: Identity::Local { uid }, ..anonymous });
    }
    if let Some(bearer) = headers.typed_get::<Authorization<Bearer>>() {
        let identity = by_token(state, bearer.token(), address).await?;
        return Ok(Caller { identity, ..anonymous });
    }
    if action == Action::SendReadings
        && let Some(basic) = headers.typed_get::<Authorization<Basic>>()
    {
        let identity = by_secret(state, basic.username(), basic.password(), address).await?;
        return Ok(Caller { identity, ..anonymous });
    }
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(ApiError::new(Kind::Unauthenticated, Message::LoginRequired));
    }
    match sessions::current(state, headers).await? {
        Some((identity, hash)) => Ok(Caller { identity, session: Some(hash), ..anonymous }),
        None => Ok(anonymous),
    }
}

async fn by_token(state: &AppState, token: &str, address: IpAddr) -> Result<Identity, ApiError> {
    refuse_after_failures(state, address)?;
    let user = state.store.registry().user_by_token(&secret::hash(token)).await?;
    match user.filter(|user| !user.disabled) {
        Some(user) => Ok(Identity::User { name: user.name, role: user.role }),
        None => {
            count_failure(state, address);
            Err(ApiError::new(Kind::Unauthenticated, Message::TokenInvalid)
                .with_code("token_invalid"))
        }
    }
}

const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"tidewatch\"");

async fn by_secret(
    state: &AppState,
    thing: &str,
    given: &str,
    address: IpAddr,
) -> Result<Identity, ApiError> {
    refuse_after_failures(state, address)?;
    let given = secret::hash(given);
    let credential = match ThingId::parse(thing) {
        Ok(thing) => state.store.registry().credential(&thing).await?,
        Err(_) => None,
    };
    match credential.filter(|credential| secret::is_equal(&credential.secret_hash, &given)) {
        Some(credential) => Ok(Identity::Device { thing: credential.thing }),
        None => {
            count_failure(state, address);
            Err(ApiError::new(Kind::Unauthenticated, Message::SecretInvalid)
                .with_code("secret_invalid")
                .with_header(header::WWW_AUTHENTICATE, BASIC))
        }
    }
}

/// An address that guesses is made to wait, before its guess is looked at.
pub(crate) fn refuse_after_failures(state: &AppState, address: IpAddr) -> Result<(), ApiError> {
    state.failures.check(&address, state.clock.real()).map_err(|wait| {
        let minutes = wait.as_secs().div_ceil(60);
        ApiError::too_many(Message::LoginThrottled { minutes }, wait).with_code("login_throttled")
    })
}

pub(crate) fn count_failure(state: &AppState, address: IpAddr) {
    // Beyond the limit the next attempt is refused before it is looked at.
    let _ = state.failures.count(address, state.clock.real());
}

/// A cookie is sent by the browser whoever wrote the page, so an unsafe
/// request with one must name our own origin, and must not be a plain form.
fn refuse_foreign_page(
    method: &Method,
    headers: &HeaderMap,
    has_session: bool,
) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let is_own = match headers.get(header::ORIGIN) {
        Some(origin) => is_own_origin(origin, headers),
        // Browsers always send it with unsafe methods; a login by a script
        // has no cookie that could be abused.
        None => !has_session,
    };
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| {
            let media = media.trim().to_ascii_lowercase();
            FORM_TYPES.contains(&media.as_str())
        });
    match (is_own, is_form) {
        (false, _) => {
            Err(ApiError::new(Kind::Forbidden, Message::OriginForeign).with_code("origin_foreign"))
        }
        (true, true) => Err(ApiError::new(
            Kind::UnsupportedMediaType,
            Message::ContentType { expected: "application/json" },
        )),
        (true, false) => Ok(()),
    }
}

/// What a foreign page can send without asking first.
const FORM_TYPES: [&str; 3] =
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

fn is_own_origin(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (origin, host) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

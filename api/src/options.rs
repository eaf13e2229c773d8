//! What can be set about the HTTP side; the defaults are here and nowhere else.

use std::str::FromStr;
use std::time::Duration;

/// What may be read without a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PublicRead {
    #[default]
    None,
    /// Townships, indices and their scores.
    Indices,
    /// Everything but quarantine and administration.
    All,
}

impl PublicRead {
    pub fn as_str(self) -> &'static str {
        match self {
            PublicRead::None => "none",
            PublicRead::Indices => "indices",
            PublicRead::All => "all",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("public_read `{0}` is unknown; use none, indices or all")]
pub struct UnknownPublicRead(String);

impl FromStr for PublicRead {
    type Err = UnknownPublicRead;

    fn from_str(text: &str) -> Result<PublicRead, UnknownPublicRead> {
        [PublicRead::None, PublicRead::Indices, PublicRead::All]
            .into_iter()
            .find(|word| word.as_str() == text)
            .ok_or_else(|| UnknownPublicRead(text.escape_debug().take(40).collect()))
    }
}

#[derive(Debug, Clone)]
pub struct ApiOptions {
    pub public_read: PublicRead,
    /// The page is reached by HTTPS: cookies are `Secure` and `__Host-`.
    pub secure_cookies: bool,
    pub session_idle: Duration,
    pub session_absolute: Duration,
    pub body_bytes_max: usize,
    pub import_bytes_max: usize,
    /// From a request's head to its answer's; a stream may go on.
    pub request_timeout: Duration,
    /// How long the history for one answer may take to read.
    pub query_max: Duration,
    /// Exports under way at the same time.
    pub exports_max: usize,
    /// Between two pieces of a request's body.
    pub body_pause_max: Duration,
    /// How long `POST /observations` waits for the commit.
    pub commit_wait: Duration,
    /// Requests being answered at the same time.
    pub requests_max: usize,
    /// Open event streams.
    pub streams_max: usize,
    /// Requests a second from one address.
    pub requests_per_second_max: u32,
    /// Login attempts for an account from one address in `attempts_window`.
    pub attempts_max: u32,
    /// Failed logins, tokens and secrets from one address in `attempts_window`.
    pub failures_max: u32,
    pub attempts_window: Duration,
    pub heartbeat: Duration,
    /// Changes of latest values are sent at most this often.
    pub coalesce: Duration,
}

impl Default for ApiOptions {
    fn default() -> ApiOptions {
        ApiOptions {
            public_read: PublicRead::None,
            secure_cookies: false,
            session_idle: Duration::from_secs(30 * 60),
            session_absolute: Duration::from_secs(12 * 3600),
            body_bytes_max: 256 * 1024,
            import_bytes_max: 8 * 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            query_max: Duration::from_secs(20),
            exports_max: 4,
            body_pause_max: Duration::from_secs(10),
            commit_wait: Duration::from_secs(20),
            requests_max: 512,
            streams_max: 256,
            requests_per_second_max: 1_000,
            attempts_max: 5,
            failures_max: 50,
            attempts_window: Duration::from_secs(15 * 60),
            heartbeat: Duration::from_secs(15),
            coalesce: Duration::from_secs(1),
        }
    }
}

/// What the accept loops allow.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    pub connections_max: usize,
    /// From the accept, or the last answer, to the end of a request's head.
    pub header_timeout: Duration,
    /// A client that takes nothing for this long is closed.
    pub write_stall_max: Duration,
    /// After the shutdown signal; then connections are cut.
    pub grace: Duration,
}

impl Default for ServeOptions {
    fn default() -> ServeOptions {
        ServeOptions {
            connections_max: 4_096,
            header_timeout: Duration::from_secs(10),
            write_stall_max: Duration::from_secs(60),
            grace: Duration::from_secs(5),
        }
    }
}

//! Where a message may go. A receiver's URL is checked when it is read; the
//! addresses of its name are checked at every try, and the connection goes to
//! exactly an address that was checked: a name that changes its address in
//! between (rebinding) gains nothing.
//!
//! Addresses are allowed by what they are, not refused by what they are not:
//! public ones always, private ones and loopback when the receiver says so,
//! all others never.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::Uri;

const URL_BYTES_MAX: usize = 2_048;
const HOST_BYTES_MAX: usize = 253;

/// What a receiver is allowed beyond public addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuardRules {
    /// Networks of the house: 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7.
    pub allow_private: bool,
    /// This machine, with or without TLS.
    pub allow_loopback: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    #[error("has more than {URL_BYTES_MAX} bytes")]
    UrlLong,
    #[error("is no URL; write it like https://host/path, other characters percent-encoded")]
    Syntax,
    #[error("must begin with https://")]
    Scheme,
    #[error("must not hold a user name or password")]
    Credentials,
    #[error("host `{0}` is neither a name of letters, digits and hyphens nor an address")]
    Host(String),
    #[error("port 0 cannot be reached")]
    Port,
    #[error("plain http is for this machine only, with allow_http_loopback = true")]
    Plain,
    #[error("{address} is {what}; messages are never sent there")]
    Never { address: IpAddr, what: &'static str },
    #[error("{0} is a private address; set allow_private = true if that is meant")]
    Private(IpAddr),
    #[error("{0} is this machine; set allow_http_loopback = true if that is meant")]
    Loopback(IpAddr),
    #[error("`{0}` is this machine; set allow_http_loopback = true if that is meant")]
    Localhost(String),
    #[error("`{0}` has no address")]
    NoAddress(String),
}

/// A checked URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) is_tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// For the `Host` header: as written.
    pub(super) authority: String,
    pub(super) path_and_query: String,
    /// The host is this address, not a name.
    pub(super) literal: Option<IpAddr>,
}

impl Endpoint {
    pub(super) fn parse(url: &str, rules: GuardRules) -> Result<Endpoint, GuardError> {
        if url.len() > URL_BYTES_MAX {
            return Err(GuardError::UrlLong);
        }
        let is_plain_text = url.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain_text || url.contains(['#', '\\']) {
            return Err(GuardError::Syntax);
        }
        let uri: Uri = url.parse().map_err(|_| GuardError::Syntax)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(GuardError::Scheme),
        };
        let authority = uri.authority().ok_or(GuardError::Syntax)?;
        if authority.as_str().contains('@') {
            return Err(GuardError::Credentials);
        }
        let (host, literal) = host_of(authority.host())?;
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") if is_tls => 443,
            Some("") => 80,
            Some(rest) => port_of(rest)?,
            None => return Err(GuardError::Syntax),
        };
        let endpoint = Endpoint {
            is_tls,
            port,
            authority: authority.as_str().to_ascii_lowercase(),
            path_and_query: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            literal,
            host,
        };
        endpoint.check_host(rules)?;
        Ok(endpoint)
    }

    /// What can be known without asking for the name's addresses.
    fn check_host(&self, rules: GuardRules) -> Result<(), GuardError> {
        let is_localhost = self.host == "localhost" || self.host.ends_with(".localhost");
        match self.literal {
            Some(address) => check_address(address, self.is_tls, rules),
            None if is_localhost && !rules.allow_loopback => {
                Err(GuardError::Localhost(self.host.clone()))
            }
            None if !self.is_tls && !rules.allow_loopback => Err(GuardError::Plain),
            None => Ok(()),
        }
    }

    /// The addresses to try, all of them allowed: a name with one forbidden
    /// address is refused as a whole.
    pub(super) fn checked(
        &self,
        resolved: &[IpAddr],
        rules: GuardRules,
    ) -> Result<Vec<IpAddr>, GuardError> {
        if resolved.is_empty() {
            return Err(GuardError::NoAddress(self.host.clone()));
        }
        for address in resolved {
            check_address(*address, self.is_tls, rules)?;
        }
        Ok(resolved.to_vec())
    }
}

/// What stands behind the host.
fn port_of(rest: &str) -> Result<u16, GuardError> {
    let digits = rest.strip_prefix(':').filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        None => Err(GuardError::Syntax),
        Some(0) => Err(GuardError::Port),
        Some(port) => Ok(port),
    }
}

/// The host in lower case and, if it is one, its address. Other spellings of
/// addresses (`127.1`, `0x7f000001`, `2130706433`), which resolvers understand,
/// are refused.
fn host_of(host: &str) -> Result<(String, Option<IpAddr>), GuardError> {
    let refused = || GuardError::Host(host.escape_debug().take(80).collect());
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let address: Ipv6Addr = inner.parse().map_err(|_| refused())?;
        return Ok((inner.to_ascii_lowercase(), Some(IpAddr::V6(address))));
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok((host.to_owned(), Some(IpAddr::V4(address))));
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let lower = host.to_ascii_lowercase();
    let last = lower.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    if lower.len() > HOST_BYTES_MAX || is_number || !lower.split('.').all(is_label) {
        return Err(refused());
    }
    Ok((lower, None))
}

enum Reach {
    Public,
    Private,
    Loopback,
    Never(&'static str),
}

/// May a connection go to this address?
pub(super) fn check_address(
    address: IpAddr,
    is_tls: bool,
    rules: GuardRules,
) -> Result<(), GuardError> {
    let reach = match address {
        IpAddr::V4(address) => reach_of_v4(address),
        IpAddr::V6(address) => reach_of_v6(address),
    };
    match reach {
        Reach::Never(what) => Err(GuardError::Never { address, what }),
        Reach::Loopback if !rules.allow_loopback => Err(GuardError::Loopback(address)),
        Reach::Loopback => Ok(()),
        Reach::Public | Reach::Private if !is_tls => Err(GuardError::Plain),
        Reach::Private if !rules.allow_private => Err(GuardError::Private(address)),
        Reach::Public | Reach::Private => Ok(()),
    }
}

const METADATA: &str = "an address of a cloud's metadata service";

fn reach_of_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [169, 254, 169, 254] | [100, 100, 100, 200] | [168, 63, 129, 16] => Reach::Never(METADATA),
        [0, ..] => Reach::Never("unspecified"),
        [127, ..] => Reach::Loopback,
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Reach::Private,
        [169, 254, ..] => Reach::Never("link-local"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Reach::Never("an address of documentation")
        }
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => Reach::Never("reserved"),
        [224..=239, ..] => Reach::Never("multicast"),
        [240..=255, ..] => Reach::Never("reserved"),
        _ => Reach::Public,
    }
}

/// Only 2000::/3 is public; what carries an IPv4 address inside (mapped, 6to4,
/// Teredo, NAT64) could reach anything and is refused.
fn reach_of_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    if address.is_loopback() {
        return Reach::Loopback;
    }
    match segments {
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] | [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254] => {
            Reach::Never(METADATA)
        }
        [0, 0, 0, 0, 0, 0, 0, 0] => Reach::Never("unspecified"),
        [0, 0, 0, 0, 0, 0xffff, ..] => Reach::Never("an IPv4 address in another form"),
        [0xfe80..=0xfebf, ..] => Reach::Never("link-local"),
        [0xff00..=0xffff, ..] => Reach::Never("multicast"),
        [0xfc00..=0xfdff, ..] => Reach::Private,
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => {
            Reach::Never("an address of documentation")
        }
        [0x2001, 0..=0x01ff, ..] | [0x2002, ..] => Reach::Never("a tunnel's address"),
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never("reserved"),
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;

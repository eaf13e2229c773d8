//! One receiver, as it is configured and as it is used.

use std::sync::Arc;

use analytics::alerts::outward::WebhookRule;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::guard::{Endpoint, GuardError, GuardRules};
use super::sign::{SECRET_BYTES_MIN, SigningSecret};

/// Receivers that a program may have.
pub const RECEIVERS_MAX: usize = 16;

const NAME_BYTES_MAX: usize = 32;

/// What a receiver is made from. Not `Debug`: it holds a secret.
pub struct ReceiverOptions {
    pub rule: WebhookRule,
    pub url: String,
    /// At least [`SECRET_BYTES_MIN`].
    pub secret: Vec<u8>,
    pub guard: GuardRules,
    /// Certificates in PEM that alone are trusted; `None` trusts the system's.
    pub ca_pem: Option<Vec<u8>>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    #[error("name `{0}` is not made of 1 to {NAME_BYTES_MAX} of a-z, 0-9 and -")]
    Name(String),
    #[error("url {0}")]
    Url(#[from] GuardError),
    #[error("the secret has fewer than {SECRET_BYTES_MIN} bytes")]
    SecretShort,
    #[error("the certificates in ca_file cannot be used: {0}")]
    Certificates(String),
    #[error("this system has no trusted certificates; name some with ca_file")]
    NoCertificates,
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl ReceiverError {
    /// The key of the settings that is wrong.
    pub fn key(&self) -> &'static str {
        match self {
            ReceiverError::Name(_) => "name",
            ReceiverError::Url(_) => "url",
            ReceiverError::SecretShort => "secret_file",
            ReceiverError::Certificates(_) => "ca_file",
            ReceiverError::NoCertificates | ReceiverError::Tls(_) => "url",
        }
    }
}

/// A receiver whose options are checked.
#[derive(Debug)]
pub struct Receiver {
    pub(super) rule: WebhookRule,
    pub(super) endpoint: Endpoint,
    pub(super) secret: SigningSecret,
    pub(super) guard: GuardRules,
    /// `None` for plain http.
    pub(super) tls: Option<Arc<ClientConfig>>,
}

impl Receiver {
    /// Reads the system's certificates when it has to: blocking, for the start
    /// of the program. Reports every mistake.
    pub fn new(options: ReceiverOptions) -> Result<Receiver, Vec<ReceiverError>> {
        let ReceiverOptions { rule, url, secret, guard, ca_pem } = options;
        let mut errors = Vec::new();
        if !is_name(&rule.name) {
            let shown = rule.name.escape_debug().take(NAME_BYTES_MAX * 2).collect();
            errors.push(ReceiverError::Name(shown));
        }
        let endpoint = Endpoint::parse(&url, guard).map_err(|error| errors.push(error.into())).ok();
        let is_tls = endpoint.as_ref().is_some_and(|endpoint| endpoint.is_tls);
        let tls = match ca_pem {
            Some(pem) => tls_with(&pem).map(Some),
            None if is_tls => tls_of_the_system().map(Some),
            None => Ok(None),
        };
        let tls = tls.map_err(|error| errors.push(error)).unwrap_or_default();
        let secret = SigningSecret::new(&secret);
        if secret.is_none() {
            errors.push(ReceiverError::SecretShort);
        }
        match (endpoint, secret) {
            (Some(endpoint), Some(secret)) if errors.is_empty() => {
                Ok(Receiver { rule, endpoint, secret, guard, tls })
            }
            _ => Err(errors),
        }
    }

    pub fn name(&self) -> &str {
        &self.rule.name
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn tls_with(pem: &[u8]) -> Result<Arc<ClientConfig>, ReceiverError> {
    let unusable = |error: &dyn std::fmt::Display| ReceiverError::Certificates(error.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"there is none in it"));
    }
    Ok(client_config(roots)?)
}

fn tls_of_the_system() -> Result<Arc<ClientConfig>, ReceiverError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    // Systems carry some that no longer parse; one that does is enough.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(ReceiverError::NoCertificates);
    }
    Ok(client_config(roots)?)
}

fn client_config(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

//! Who a message is from: HMAC-SHA256 over its time and its bytes.

use std::fmt;
use std::fmt::Write as _;

use ring::hmac;

/// Shorter secrets can be guessed.
pub const SECRET_BYTES_MIN: usize = 16;

/// What a receiver and we share. Never shown, not even by `Debug`.
#[derive(Clone)]
pub(super) struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// `None` below [`SECRET_BYTES_MIN`].
    pub(super) fn new(bytes: &[u8]) -> Option<SigningSecret> {
        (bytes.len() >= SECRET_BYTES_MIN).then(|| SigningSecret(bytes.to_vec()))
    }

    /// `sha256=` and the hexadecimal HMAC of `timestamp`, a dot and the body.
    pub(super) fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(timestamp.as_bytes());
        context.update(b".");
        context.update(body);
        let tag = context.sign();
        tag.as_ref().iter().fold("sha256=".to_owned(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes what is written");
            text
        })
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    /// The definition of HMAC (RFC 2104), written out.
    pub(in crate::webhook) fn hmac_sha256(secret: &[u8], message: &[u8]) -> String {
        let mut key = [0_u8; 64];
        if secret.len() > 64 {
            key[..32].copy_from_slice(&Sha256::digest(secret));
        } else {
            key[..secret.len()].copy_from_slice(secret);
        }
        let inner = Sha256::new().chain_update(key.map(|byte| byte ^ 0x36)).chain_update(message);
        let outer = Sha256::new()
            .chain_update(key.map(|byte| byte ^ 0x5c))
            .chain_update(inner.finalize())
            .finalize();
        outer.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn signatures_follow_the_definition() {
        for secret in ["0123456789abcdef".to_owned(), "县级应急".repeat(20)] {
            let signed = SigningSecret::new(secret.as_bytes()).unwrap().sign("1784938530", b"{}");
            let expected = hmac_sha256(secret.as_bytes(), b"1784938530.{}");
            assert_eq!(signed, format!("sha256={expected}"));
        }
        // RFC 4231, test case 2.
        assert_eq!(
            hmac_sha256(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn secrets_are_long_and_silent() {
        assert!(SigningSecret::new(b"0123456789abcde").is_none());
        let secret = SigningSecret::new(b"0123456789abcdef").unwrap();
        assert_eq!(format!("{secret:?}"), "SigningSecret");
    }
}

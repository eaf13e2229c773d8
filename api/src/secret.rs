//! Random 256-bit secrets: session ids, tokens, device secrets. They are shown
//! once and kept as their SHA-256.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

/// A secret in its text form. Not `Debug`: it must not reach a log.
pub(crate) struct Secret(String);

impl Secret {
    /// Fails only when the system has no randomness to give.
    pub(crate) fn generate() -> Result<Secret, NoRandomness> {
        Ok(Secret(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?)))
    }

    /// 16 characters for people to type; about 80 bits.
    pub(crate) fn generate_password() -> Result<Secret, NoRandomness> {
        let symbols = b"abcdefghjkmnpqrstuvwxyz23456789A";
        let text = random_bytes::<16>()?
            .iter()
            .map(|byte| char::from(symbols[usize::from(byte % 32)]))
            .collect();
        Ok(Secret(text))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// How a secret's text is kept.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Compares in a time that does not depend on where the first difference is.
pub(crate) fn is_equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_hash_by_their_text() {
        let (a, b) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(a.text(), b.text());
        assert_eq!(a.text().len(), 43);
        assert!(is_equal(&a.hash(), &hash(a.text())));
        assert!(!is_equal(&a.hash(), &b.hash()));
        assert_eq!(format!("{a:?}"), "Secret");
    }

    #[test]
    fn generated_passwords_have_nothing_easily_mistaken() {
        let password = Secret::generate_password().unwrap();
        assert_eq!(password.text().len(), 16);
        assert!(!password.text().contains(['l', 'o', 'i', '0', '1']));
    }
}

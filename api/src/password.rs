//! Passwords: argon2id, 19 MiB, two passes, at most two at a time and never
//! on a worker of the runtime.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::problem::{ApiError, Kind, Message};
use crate::secret::{NoRandomness, random_bytes};

pub(crate) const LENGTH_MIN: usize = 10;

/// Longer texts cost hashing time and add nothing.
pub(crate) const BYTES_MAX: usize = 256;

const AT_ONCE_MAX: usize = 2;

/// Logins waiting for their turn; about a second's worth.
const WAITING_MAX: usize = 32;

#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// What an unknown user's password is compared with, so that the answer
    /// takes as long as for a known one.
    dummy: Arc<str>,
}

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("hashing a password failed: {0}")]
    Hash(argon2::password_hash::Error),
}

impl Passwords {
    /// Hashes once: call it before the runtime is busy.
    pub(crate) fn new() -> Result<Passwords, PasswordError> {
        Ok(Passwords {
            turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            queue: Arc::new(Semaphore::new(WAITING_MAX)),
            dummy: hash(b"no account has this password")?.into(),
        })
    }

    /// Compares with the hash, or with the dummy when there is none.
    pub(crate) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, ApiError> {
        let dummy = Arc::clone(&self.dummy);
        self.in_turn(move || {
            let text = hash.as_deref().unwrap_or(&dummy);
            let is_right = PasswordHash::new(text)
                .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
            is_right && hash.is_some()
        })
        .await
    }

    pub(crate) async fn hash(&self, password: String) -> Result<String, ApiError> {
        self.in_turn(move || hash(password.as_bytes())).await?.map_err(|error| {
            tracing::error!(%error, "password not hashed");
            ApiError::internal()
        })
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let Ok(_place) = self.queue.try_acquire() else {
            return Err(ApiError::unavailable(Message::Busy).with_code("busy"));
        };
        let turn =
            Arc::clone(&self.turns).acquire_owned().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(|error| {
            tracing::error!(%error, "password work ended early");
            ApiError::internal()
        })
    }
}

/// What a person may choose.
pub(crate) fn check(password: &str) -> Result<(), ApiError> {
    let message = if password.chars().count() < LENGTH_MIN {
        Message::PasswordShort { min: LENGTH_MIN }
    } else if password.len() > BYTES_MAX {
        Message::PasswordLong { max: BYTES_MAX }
    } else {
        return Ok(());
    };
    Err(ApiError::new(Kind::Validation, message).with_code("password_length"))
}

/// argon2id m=19456 KiB, t=2, p=1 in PHC text. Blocking: tens of milliseconds.
pub(crate) fn hash(password: &[u8]) -> Result<String, PasswordError> {
    let salt = random_bytes::<16>()?;
    let hash: PasswordHash =
        argon2().hash_password_with_salt(password, &salt).map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("constants within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_fits() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = |text: &str, hash| passwords.verify(text.to_owned(), hash);
        assert!(verify("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!verify("correct hors", Some(hash)).await.unwrap());
        assert!(!verify("no account has this password", None).await.unwrap());
        assert!(!verify("x", Some("not a hash".to_owned())).await.unwrap());
    }
}

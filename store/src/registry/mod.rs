//! The registry: who may connect, who may log in, and what people did.
//!
//! Secrets are kept hashed: random 256-bit ones (devices, sessions, tokens)
//! with SHA-256, passwords as the argon2 text that the caller made.

mod accounts;
mod file;

use std::fmt;
use std::str::FromStr;

use model::{ThingId, Time};

pub use file::Registry;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything.
    Administrator,
    /// Registers things, reads everything, re-drives quarantine.
    Engineer,
    /// Reads.
    Viewer,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Administrator, Role::Engineer, Role::Viewer];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::Engineer => "engineer",
            Role::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown role `{found}`; known are administrator, engineer, viewer")]
pub struct UnknownRole {
    found: String,
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Role, UnknownRole> {
        let known = Role::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| UnknownRole { found: text.escape_debug().take(40).collect() })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub name: String,
    pub role: Role,
    /// argon2 in PHC text; `None` for an account that only has a token.
    pub password_hash: Option<String>,
    pub created: Time,
    pub disabled: bool,
}

/// What a device shows at CONNECT, and under which things it may publish.
#[derive(Debug, Clone, PartialEq)]
pub struct Credential {
    pub thing: ThingId,
    pub secret_hash: [u8; 32],
    /// Things a gateway may publish for, besides itself.
    pub things: Vec<ThingId>,
    /// Prefixes of things a gateway may publish for.
    pub prefixes: Vec<String>,
    pub created: Time,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub id_hash: [u8; 32],
    pub user: String,
    pub role: Role,
    pub created: Time,
    pub last_used: Time,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    pub at: Time,
    /// User name, `local:uid`, or a thing's id.
    pub actor: String,
    pub action: String,
    pub object: String,
    pub detail: String,
}
